import { drawsLikeRunning, reachable } from './evidence.ts';
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
  const { mains } = turn.rack;
  if (policy === undefined || state.phase !== 'dark' || mains.verdict !== 'absent') return;
  // Mains that is only not confirmed yet charges the bank already.
  if (mains.leaning === 'present') return;
  if (turn.nowMs - state.phaseSinceMs < policy.afterDarkS * 1000) return;
  if (!stagedHosts(turn).every(isSurelyOff(turn))) return;
  for (const pack of policy.packs) {
    const off = state.outputsOff?.includes(pack) ?? false;
    if (!off) turn.write({ kind: 'output', pack, on: false, because: 'everything is off' });
    if (!isOpen(turn, pack) && turn.may('output', pack))
      turn.emit({ kind: 'output', key: `${OFF}${pack}`, pack, on: false });
  }
}

/** Anything read this soon after the switching may have been under way before it, ms. */
const READ_BACK_MS = 3000;

/** Open as far as is known: its board was read back when it was switched, and only a newer reading says otherwise. */
function isOpen(turn: Turn, pack: string): boolean {
  const { sample, receivedAtMs = 0 } = turn.rack.packs[pack] ?? {};
  if (sample?.dischargeFetClosed === false) return true;
  const openedMs = turn.watch.openedMs?.[pack];
  if (openedMs === undefined) return false;
  return receivedAtMs < openedMs + READ_BACK_MS || sample?.dischargeFetClosed !== true;
}

/**
 * Somebody was left alone by a person's order, has come up again, or was never seen to be off and has no port to cut:
 * it would lose its power.
 */
export const isSurelyOff =
  (turn: Turn) =>
  (member: Member): boolean => {
    const [host, state] = member;
    const alive = reachable(turn.rack, host) === true || drawsLikeRunning(turn.rack, host, state);
    return takesPart(member) && isOff(host, state) && state.trouble === undefined && !alive;
  };

/** Begins the key of what a person has ordered. */
export const BY_HAND = 'output-by-hand:';
const ON = 'output-on:';
const OFF = 'output-off:';
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
  // Done once: what came of it is in the journal for whoever ordered it.
  if (key.startsWith(BY_HAND)) return;
  if (result.code !== 'done' && result.code !== 'already') {
    turn.retryLater('output', pack);
    return;
  }
  const { [pack]: _, ...others } = turn.watch.openedMs ?? {};
  turn.watch = { ...turn.watch, openedMs: key.startsWith(OFF) ? { ...others, [pack]: turn.nowMs } : others };
  if (key.startsWith(ON)) turn.write({ kind: 'output', pack, on: true, because: 'mains is back' });
}
