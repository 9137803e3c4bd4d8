/**
 * What is checked of every story, and how a complaint about it reads. Each of them has a rule that is broken on purpose
 * somewhere, and must be caught by its own check.
 */
export const CHECKS = {
  'no power is cut under a host that is not off, unless it is said': /lost power while|protected port|goes off under/,
  'no shutdown begins while mains is there': /while mains was there/,
  'every host ends up and known to be up': /counts as|phase is|the run is not closed|is (off|halted|booting)$/,
  'no sink delays a decision': /nothing was decided/,
  'nothing is shown as current that is not': /shown as current/,
  'no node is left cordoned': /schedulable differs|our mark is left/,
  'no workload is left scaled': /workload/,
  'no port is left off, and none on that was off': /port is (off|on)/,
  'nothing is halted before it is drained, and no stage before its turn': /with pods on it|before its stage/,
  'etcd keeps its quorum': /of the control plane are left/,
  'the API is there for whoever needs it': /need the API/,
  'the reserve is kept': /battery empty|reserve was touched|running in the dark/,
  'no switch is overloaded': /the switch gives/,
  'the journal explains every effect': /no intent of its own|is not in the journal|nobody gave/,
  'of two nodes one acts, and one does': /act|unheeded/,
} as const;

export type Check = keyof typeof CHECKS;

/** Is it among what was found? */
export const found = (check: Check, wrong: readonly string[]): boolean =>
  wrong.some((each) => CHECKS[check].test(each));
