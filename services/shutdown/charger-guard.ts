import { CHARGER_EFFICIENCY } from './energy.ts';
import { onMains, stagedHosts } from './goal.ts';
import type { ChargerPolicy } from './policy.ts';
import { succeeded } from './promises.ts';
import type { EffectResult } from './state.ts';
import type { Turn } from './turn.ts';

/**
 * The circuit guard's first means, where the user has named a way to set the charger's current: load and charge together
 * stay inside the circuit's continuous limit by charging slower, before any stage has to wait. What is set is written down
 * first, and given back when there is room and nobody is waiting to be started.
 */

const CHARGER = 'charger';
/** The meter, and a charger that ramps, show nothing of what was set before this, ms. */
const SETTLES_MS = 15_000;
/** Room must have been there for so long before more is charged again, ms. */
const RAISES_AFTER_MS = 60_000;
/** Steps smaller than this are not worth a write to a device, A. */
const LOWER_BY_A = 0.5;
const RAISE_BY_A = 2;
/** Share of the limit that is left free when the current is raised. */
const SPARE = 0.05;
/** A charger that did not do it so often makes no room: stages are delayed as ever. */
const TRIES = 3;

/** What charging slower by 1 A frees, and what flows. Undefined while that is not measured. */
function measured({ rack, policy }: Turn): { chargeA: number; wattsPerA: number; freeW: number } | undefined {
  const { bank, circuit } = rack;
  if (bank.freshness !== 'fresh' || circuit.freshness !== 'fresh') return undefined;
  if (circuit.currentA === undefined || bank.powerW === undefined || !((bank.voltageV ?? 0) > 0)) return undefined;
  const voltageV = bank.voltageV ?? 0;
  return {
    chargeA: Math.max(0, bank.powerW) / voltageV,
    wattsPerA: voltageV / CHARGER_EFFICIENCY,
    freeW: (circuit.limitA - circuit.currentA) * policy.circuitVolts,
  };
}

/** What was set last, or what it charges with by itself, A. */
const presentA = (turn: Turn, { normalA }: ChargerPolicy): number => turn.state.chargerA ?? normalA;

/** Charging can be slowed down further, so that nobody has to be told that there is no room. */
export function canMakeRoom(turn: Turn): boolean {
  const { charger } = turn.policy;
  if (charger === undefined || turn.tries(CHARGER, CHARGER) >= TRIES) return false;
  const chargeA = measured(turn)?.chargeA ?? 0;
  return Math.min(chargeA, presentA(turn, charger)) > charger.lowestA + LOWER_BY_A;
}

/** @param lackW what the next start lacks on the circuit, W; 0 when nothing does */
export function guardCharger(turn: Turn, lackW: number): void {
  const { charger } = turn.policy;
  if (charger === undefined) {
    if (turn.state.chargerA !== undefined) turn.write({ kind: 'charger', because: 'it is no longer configured' });
    return;
  }
  if (!onMains(turn.state) || turn.rack.mains.verdict !== 'present' || turn.busy(CHARGER, CHARGER)) return;
  const amps = wantedA(turn, charger, lackW);
  if (amps !== undefined) turn.write({ kind: 'charger', amps, because: reason(turn, charger, amps) });
  const { chargerA } = turn.state;
  // Also in a new life, which does not know whether it was done.
  if (chargerA === undefined || turn.watch.charger?.amps === chargerA || !turn.may(CHARGER, CHARGER)) return;
  turn.emit({ kind: CHARGER, key: `${CHARGER}:${chargerA}`, amps: chargerA });
}

function reason(turn: Turn, charger: ChargerPolicy, amps: number): string {
  if (amps === charger.normalA) return 'the circuit has room for it again';
  return amps < presentA(turn, charger) ? 'the circuit has no room for it' : 'the circuit has room for more';
}

function wantedA(turn: Turn, charger: ChargerPolicy, lackW: number): number | undefined {
  const now = measured(turn);
  const setMs = turn.watch.charger?.atMs ?? Number.NEGATIVE_INFINITY;
  if (now === undefined || turn.nowMs - setMs < SETTLES_MS) return undefined;
  const cap = presentA(turn, charger);
  const needW = Math.max(lackW, -now.freeW);
  if (needW > 0) {
    const slowerA = Math.floor(Math.min(cap, now.chargeA) - needW / now.wattsPerA);
    const amps = Math.max(charger.lowestA, slowerA);
    return Math.min(cap, now.chargeA) - amps >= LOWER_BY_A ? amps : undefined;
  }
  if (cap >= charger.normalA || isStarting(turn) || turn.nowMs - setMs < RAISES_AFTER_MS) return undefined;
  const spareW = SPARE * turn.policy.circuitLimitA * turn.policy.circuitVolts;
  const amps = Math.floor(now.chargeA + Math.max(0, now.freeW - spareW) / now.wattsPerA);
  if (amps >= charger.normalA) return charger.normalA;
  return amps >= cap + RAISE_BY_A ? amps : undefined;
}

/** Somebody starts, or waits for it: their draw is still to come. */
const isStarting = (turn: Turn): boolean =>
  stagedHosts(turn).some(
    ([, { phase, trouble }]) =>
      trouble === undefined && (phase === 'cut' || phase === 'halted' || phase === 'powering'),
  );

/** What became of it; back at its own current our part in it is over. */
export function takeCharger(turn: Turn, key: string, result: EffectResult): void {
  const amps = Number(key.slice(CHARGER.length + 1));
  if (!succeeded(result)) {
    turn.retryLater(CHARGER, CHARGER);
    return;
  }
  const { [`${CHARGER}:${CHARGER}`]: _, ...retries } = turn.watch.retries;
  turn.watch = { ...turn.watch, retries, charger: { amps, atMs: turn.nowMs } };
  if (amps === turn.policy.charger?.normalA && turn.state.chargerA === amps)
    turn.write({ kind: 'charger', because: 'it charges as it did before' });
}
