import { reachable } from './evidence.ts';
import { isOff, type Member, stagedHosts, takesPart } from './goal.ts';
import type { EffectResult } from './state.ts';
import type { Turn } from './turn.ts';

/**
 * The packs' outputs: switched off as the very last act when the rack is dark, so that a bank that nobody can charge is
 * not emptied by switches and chargers at rest; and switched on as the first when mains is back. It is off unless
 * configured, and then for a management node that lives from something else: whoever lives from the pack dies with it.
 */
export function lastAct(turn: Turn): void {
  const { lastAct: policy } = turn.policy;
  const { state } = turn;
  if (policy === undefined || state.phase !== 'dark' || turn.rack.mains.verdict !== 'absent') return;
  if (turn.nowMs - state.phaseSinceMs < policy.afterDarkS * 1000) return;
  if (!stagedHosts(turn).every(isSurelyOff(turn))) return;
  for (const pack of policy.packs) {
    const off = state.outputsOff?.includes(pack) ?? false;
    const open = turn.rack.packs[pack]?.sample?.dischargeFetClosed === false;
    if (!off) turn.write({ kind: 'output', pack, on: false, because: 'everything is off' });
    if (!open && turn.may('output', pack)) turn.emit({ kind: 'output', key: `output-off:${pack}`, pack, on: false });
  }
}

/**
 * Somebody was left alone by a person's order, has come up again, or was never seen to be off and has no port to cut:
 * it would lose its power.
 */
const isSurelyOff =
  (turn: Turn) =>
  (member: Member): boolean => {
    const [host, state] = member;
    const silent = reachable(turn.rack, host) !== true;
    return takesPart(member) && isOff(host, state) && state.trouble === undefined && silent;
  };

const ON = 'output-on:';
/** A board that does not obey holds the restore up for so many tries, and is tried on after that. */
const TRIES = 5;

/** Switches back on what we have switched off; true while the restore should wait for it. */
export function outputsReturn(turn: Turn): boolean {
  const off = turn.state.outputsOff ?? [];
  for (const pack of off)
    if (turn.may('output', pack)) turn.emit({ kind: 'output', key: `${ON}${pack}`, pack, on: true });
  return off.some((pack) => turn.tries('output', pack) < TRIES);
}

/** What became of it. Off is believed when the board was read back; on ends our part in it. */
export function takeOutput(turn: Turn, key: string, result: EffectResult): void {
  const { host: pack } = result;
  if (result.code !== 'done' && result.code !== 'already') {
    turn.retryLater('output', pack);
    return;
  }
  if (key.startsWith(ON)) turn.write({ kind: 'output', pack, on: true, because: 'mains is back' });
}
