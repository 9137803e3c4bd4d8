import type { PackSpec } from '#bms/model';
import type { Zone } from '../runtime/zone.ts';
import type { EnergyTotals } from '../shutdown/view.ts';
import { energyTotals } from './energy-meter.ts';
import type { HealthPoint, HourSums, Sums } from './records.ts';
import { forecast, type Verdict } from './trend.ts';

/** Energy and health as people ask for them. Pure. */

export interface EnergyPeriod extends EnergyTotals {
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
}

export const PERIODS = ['today', 'yesterday', 'week', 'month', 'last-month'] as const;
export type PeriodName = (typeof PERIODS)[number];

/** From when to when a period goes that this moment is in; the running ones end now. */
export function periodRange(
  name: PeriodName,
  zone: Zone,
  nowMs: number,
): { readonly fromMs: number; readonly toMs: number } {
  switch (name) {
    case 'today':
      return { fromMs: zone.dayStart(nowMs), toMs: nowMs };
    case 'yesterday':
      return { fromMs: zone.dayStart(nowMs, 1), toMs: zone.dayStart(nowMs) };
    case 'week':
      return { fromMs: zone.weekStart(nowMs), toMs: nowMs };
    case 'month':
      return { fromMs: zone.monthStart(nowMs), toMs: nowMs };
    case 'last-month':
      return { fromMs: zone.monthStart(nowMs, 1), toMs: zone.monthStart(nowMs) };
  }
}

/** Sums of the hours that begin in the range. */
export function energyBetween(hours: readonly HourSums[], fromMs: number, toMs: number): EnergyTotals {
  const sums: Record<string, number> = {};
  for (const hour of hours) {
    if (hour.atMs < fromMs || hour.atMs >= toMs) continue;
    for (const [key, value] of Object.entries(hour.sums)) sums[key] = (sums[key] ?? 0) + value;
  }
  return energyTotals(sums);
}

/** Day after day, oldest first, the present one last. */
export function energyDays(hours: readonly HourSums[], zone: Zone, nowMs: number, days: number): EnergyPeriod[] {
  return Array.from({ length: days }, (_, index) => {
    const back = days - 1 - index;
    const fromMs = zone.dayStart(nowMs, back);
    const toMs = back === 0 ? nowMs : zone.dayStart(nowMs, back - 1);
    return { name: zone.date(fromMs), fromMs, toMs, ...energyBetween(hours, fromMs, toMs) };
  });
}

/** The hours on disk with what is not written yet on top. */
export function withPending(hours: readonly HourSums[], pending: readonly HourSums[]): HourSums[] {
  const all = new Map<number, Record<string, number>>(hours.map(({ atMs, sums }) => [atMs, { ...sums }]));
  for (const { atMs, sums } of pending) {
    const hour: Record<string, number> = all.get(atMs) ?? {};
    for (const [key, value] of Object.entries(sums)) hour[key] = (hour[key] ?? 0) + value;
    all.set(atMs, hour);
  }
  return [...all].map(([atMs, sums]): { atMs: number; sums: Sums } => ({ atMs, sums })).sort((a, b) => a.atMs - b.atMs);
}

export interface PackHealth {
  readonly pack: string;
  readonly ratedAh: number;
  /** Share of the rated capacity at which a pack is taken for worn out. */
  readonly replaceBelowRatio: number;
  /** Where the capacities of the forecast come from. */
  readonly source?: 'outages' | 'bms';
  readonly verdict: Verdict;
  readonly points: readonly HealthPoint[];
}

const WORN_OUT = 0.8;

/** What is known of each pack, oldest first, and when its capacity will be used up. */
export function packHealth(
  specs: Readonly<Record<string, PackSpec>>,
  points: readonly HealthPoint[],
  nowMs: number,
): PackHealth[] {
  return Object.entries(specs).map(([pack, spec]) => {
    const own = points.filter((point) => point.pack === pack);
    const ratios = (kind: HealthPoint['kind']) =>
      own
        .filter((point) => point.kind === kind)
        .map(({ atMs, value, sigma }) => ({
          atMs,
          value: value / spec.capacityAh,
          ...(sigma === undefined ? {} : { sigma: sigma / spec.capacityAh }),
        }));
    const seen = forecast(ratios('capacity-outage'), WORN_OUT, nowMs);
    const told = ratios('capacity-bms');
    // What the board believes is only its belief, but better than nothing; a board that never learns tells one figure.
    const learning = new Set(told.map(({ value }) => value)).size > 1;
    const useTold = seen.kind === 'too-little-data' && learning;
    const verdict = useTold ? forecast(told, WORN_OUT, nowMs) : seen;
    return {
      pack,
      ratedAh: spec.capacityAh,
      replaceBelowRatio: WORN_OUT,
      verdict,
      points: own,
      ...(verdict.kind === 'too-little-data' ? {} : { source: useTold ? ('bms' as const) : ('outages' as const) }),
    };
  });
}
