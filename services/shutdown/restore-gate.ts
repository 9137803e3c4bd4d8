import type { Rack } from '../rack/rack.ts';
import { wholeShutdownWh } from './forecast.ts';
import { isOrderedDown, orderedBy } from './goal.ts';
import type { Policy } from './policy.ts';
import type { CoordinatorState } from './state.ts';

/** Mains that came back this many times over is trusted no later than this, as a multiple of `stableFor`. */
const MOST_PATIENCE = 8;
const FLAPPING_WINDOW_MS = 3_600_000;

/**
 * May machines be started now? Says why not, in words for a person, or nothing when they may. A bank nobody can read
 * does not hold the gate shut: a dead BMS must not keep a rack dark for ever.
 */
export function restoreGate(state: CoordinatorState, rack: Rack, policy: Policy): string | undefined {
  const { bank, mains, monoMs } = rack;
  if (state.orderedDown !== undefined && isOrderedDown(state))
    return `${orderedBy(state.orderedDown)} has ordered everything down and not taken that back; an abort by hand ends it`;
  if (mains.verdict !== 'present') return 'mains is not confirmed';
  const waitS = Math.ceil(stableForS(state, monoMs, policy) - (monoMs - mains.sinceMs) / 1000);
  if (waitS > 0) return `mains is not back long enough: ${waitS} s more`;
  if (bank.freshness !== 'fresh') return undefined;
  const { minSoc } = policy.restore;
  if ((bank.socRatio ?? 0) < minSoc) {
    const has = Math.round((bank.socRatio ?? 0) * 100);
    return `the bank holds ${has} % and ${Math.round(minSoc * 100)} % are wanted first`;
  }
  const needWh = wholeShutdownWh(state, rack, policy);
  const usableWh = bank.usableLowWh ?? 0;
  if (usableWh < needWh && stillFills(rack, stableForS(state, monoMs, policy)))
    return `the bank could not carry another shutdown yet: ${Math.round(usableWh)} of ${Math.ceil(needWh)} Wh`;
  return undefined;
}

/** A bank takes less than this share of its energy in an hour: it is full, or its charger does not work. */
const IDLE_PER_H = 0.01;
/** A charger needs some time until it begins, s. */
const CHARGER_WAKES_S = 300;

/**
 * Is it worth waiting for more? A bank that no longer fills will never hold what a pessimistic plan wants, and machines
 * must not stay dark for ever because of a plan.
 */
function stillFills({ bank, mains, monoMs }: Rack, stableS: number): boolean {
  const backS = (monoMs - mains.sinceMs) / 1000;
  const fills = (bank.powerW ?? 0) > IDLE_PER_H * (bank.fullWh ?? 0);
  return fills || backS < stableS + CHARGER_WAKES_S;
}

/** How long mains must have been back, s: twice as long with every further loss within the hour. */
export function stableForS(state: CoordinatorState, nowMs: number, policy: Policy): number {
  const losses = (state.lossesMs ?? []).filter((atMs) => nowMs - atMs < FLAPPING_WINDOW_MS).length;
  return policy.restore.stableForS * Math.min(MOST_PATIENCE, 2 ** Math.max(0, losses - 1));
}
