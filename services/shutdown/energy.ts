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
const CHARGER_EFFICIENCY = 0.92;
/** Dead reckoning assumes this much more load than was last seen. */
const PESSIMISM = 1.2;

/** Pure. `onBattery`: mains is away, so an old figure must be counted down. */
export function energyOf(rack: Rack, policy: Policy, state: CoordinatorState, onBattery: boolean): EnergyView {
  const { bank } = rack;
  const loadW = loadOf(rack, policy, state, onBattery);
  const base = {
    fullWh: bank.fullWh ?? 0,
    ...(bank.socRatio === undefined ? {} : { socRatio: bank.socRatio }),
  };
  const lastWh = bank.usableLowWh ?? bank.usableWh;
  if (lastWh === undefined) return { ...base, loadW, reckoned: false };
  if (bank.freshness === 'fresh' || !onBattery) return { ...base, usableWh: lastWh, loadW, reckoned: false };
  const pessimisticW = loadW * PESSIMISM;
  // Only time without mains drains the bank, however old the figure is.
  const sinceMs = Math.max(bank.measuredAtMs ?? rack.monoMs, state.outageSinceMs ?? rack.monoMs);
  const spentWh = (pessimisticW * Math.max(0, rack.monoMs - sinceMs)) / 3_600_000;
  return { ...base, usableWh: Math.max(0, lastWh - spentWh), loadW: pessimisticW, reckoned: true };
}

function loadOf(rack: Rack, policy: Policy, state: CoordinatorState, onBattery: boolean): number {
  const { bank } = rack;
  if (onBattery && bank.powerW !== undefined && bank.powerW < 0) return -bank.powerW;
  const meterW = rack.circuit.freshness === 'fresh' ? rack.circuit.powerW : undefined;
  if (!onBattery && meterW !== undefined) {
    const chargingW = Math.max(0, bank.powerW ?? 0) / CHARGER_EFFICIENCY;
    return Math.max(0, meterW - chargingW) / INVERTER_EFFICIENCY;
  }
  let sumW = 0;
  for (const host of Object.values(policy.hosts)) if (state.hosts[host.id]?.phase !== 'cut') sumW += drawW(rack, host);
  return sumW / CHAIN_EFFICIENCY;
}
