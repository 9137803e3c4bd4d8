import type { Rack } from '../rack/rack.ts';
import { drawW } from './evidence.ts';
import type { Policy } from './policy.ts';
import type { CoordinatorState } from './state.ts';

/** The battery and the load as the schedule sees them: cautious on both sides. */
export interface EnergyView {
  /** Cautious usable energy, Wh; absent when no pack has ever been heard. */
  readonly usableWh?: number;
  readonly fullWh: number;
  readonly socRatio?: number;
  /** What the bank feeds now, or would feed if mains failed now, W. */
  readonly loadW: number;
  /** The figure is reckoned on from an old measurement. */
  readonly reckoned: boolean;
}

/** Hosts' draws to watts at the pack: PoE and switch supply, inverter (planner-model.md §3, seed racks 0.78..0.86). */
export const CHAIN_EFFICIENCY = 0.8;
const INVERTER_EFFICIENCY = 0.93;
export const CHARGER_EFFICIENCY = 0.92;
/** Dead reckoning assumes this much more load than was last seen. */
const PESSIMISM = 1.2;

/**
 * Pure. `onBattery`: mains is away, so an old figure is counted down by `spentWh` (see `reckon`).
 * @param otherW what the bank feeds besides the hosts, as far as it was ever seen (see `otherLoadW`)
 */
export function energyOf(
  rack: Rack,
  policy: Policy,
  state: CoordinatorState,
  onBattery: boolean,
  spentWh = 0,
  otherW = state.otherW ?? 0,
): EnergyView {
  const { bank } = rack;
  const loadW = loadOf(rack, policy, state, onBattery, otherW);
  const base = {
    fullWh: bank.fullWh ?? 0,
    ...(bank.socRatio === undefined ? {} : { socRatio: bank.socRatio }),
  };
  const lastWh = bank.usableLowWh ?? bank.usableWh;
  if (lastWh === undefined) return { ...base, loadW, reckoned: false };
  if (bank.freshness === 'fresh' || !onBattery) return { ...base, usableWh: lastWh, loadW, reckoned: false };
  return { ...base, usableWh: Math.max(0, lastWh - spentWh), loadW: loadW * PESSIMISM, reckoned: true };
}

/** What a silent bank has given since its last figure, by a load that is taken higher than it was. */
export interface Reckoning {
  /** The measurement it counts from, monotonic ms. */
  readonly basisMs: number;
  readonly spentWh: number;
  readonly atMs: number;
}

/** Counts on while the bank is silent on battery; undefined while it is heard, or mains carries the rack. Pure. */
export function reckon(
  before: Reckoning | undefined,
  rack: Rack,
  policy: Policy,
  state: CoordinatorState,
  onBattery: boolean,
  otherW = state.otherW ?? 0,
): Reckoning | undefined {
  const { bank, monoMs } = rack;
  if (bank.freshness === 'fresh' || bank.measuredAtMs === undefined) return undefined;
  // While mains is back nothing is spent, and what was spent before is not given back either.
  if (!onBattery) return before?.basisMs === bank.measuredAtMs ? { ...before, atMs: monoMs } : undefined;
  // Only time without mains drains the bank, however old the figure is.
  const fromMs = Math.max(bank.measuredAtMs, state.outageSinceMs ?? monoMs);
  const goesOn = before?.basisMs === bank.measuredAtMs;
  const sinceMs = goesOn ? before.atMs : fromMs;
  const pessimisticW = loadOf(rack, policy, state, true, otherW) * PESSIMISM;
  const spentWh = (goesOn ? before.spentWh : 0) + (pessimisticW * Math.max(0, monoMs - sinceMs)) / 3_600_000;
  return { basisMs: bank.measuredAtMs, spentWh, atMs: monoMs };
}

/** The largest load beside the hosts that was measured lately. */
export interface OtherLoad {
  readonly watts: number;
  readonly atMs: number;
}

/** What was seen of other loads counts so long, ms; then a lower figure is believed. */
const OTHER_FADES_MS = 600_000;

/**
 * What hangs on the bank besides the hosts: switches' own draw, a modem, whatever nobody configured. Known only while
 * something measures the whole; when that falls silent, this is what dead reckoning would otherwise forget. Pure.
 */
export function otherLoad(
  before: OtherLoad | undefined,
  rack: Rack,
  policy: Policy,
  state: CoordinatorState,
  onBattery: boolean,
): OtherLoad | undefined {
  const wholeW = measuredLoadW(rack, onBattery);
  if (wholeW === undefined || wholeW === 0) return before;
  const watts = Math.max(0, wholeW - hostsLoadW(rack, policy, state));
  const old = before === undefined || rack.monoMs - before.atMs > OTHER_FADES_MS;
  return old || watts >= before.watts ? { watts, atMs: rack.monoMs } : before;
}

/** Measured as a whole, W: by the bank on battery, by the meter on mains; undefined where neither tells. */
function measuredLoadW({ bank, circuit }: Rack, onBattery: boolean): number | undefined {
  if (onBattery) return bank.powerW !== undefined && bank.powerW < 0 ? -bank.powerW : undefined;
  const meterW = circuit.freshness === 'fresh' ? circuit.powerW : undefined;
  if (meterW === undefined) return undefined;
  const chargingW = Math.max(0, bank.powerW ?? 0) / CHARGER_EFFICIENCY;
  return Math.max(0, meterW - chargingW) / INVERTER_EFFICIENCY;
}

/**
 * What the rack draws from its circuit, W: measured, or reckoned from hosts and charger where no meter tells: a
 * circuit is not without load because nobody measures it.
 */
export function circuitLoad(
  { rack, policy, state }: { readonly rack: Rack; readonly policy: Policy; readonly state: CoordinatorState },
  otherW: number,
): { readonly watts: number; readonly reckoned: boolean } {
  const { circuit, bank } = rack;
  if (circuit.freshness === 'fresh' && circuit.currentA !== undefined)
    return { watts: circuit.currentA * policy.circuitVolts, reckoned: false };
  const feedingW = (hostsLoadW(rack, policy, state) + otherW) * INVERTER_EFFICIENCY;
  const chargingW = Math.max(0, bank.powerW ?? 0) / CHARGER_EFFICIENCY;
  return { watts: feedingW + chargingW, reckoned: true };
}

function hostsLoadW(rack: Rack, policy: Policy, state: CoordinatorState): number {
  let sumW = 0;
  for (const host of Object.values(policy.hosts)) if (state.hosts[host.id]?.phase !== 'cut') sumW += drawW(rack, host);
  return sumW / CHAIN_EFFICIENCY;
}

const loadOf = (rack: Rack, policy: Policy, state: CoordinatorState, onBattery: boolean, otherW: number): number =>
  measuredLoadW(rack, onBattery) ?? hostsLoadW(rack, policy, state) + otherW;
