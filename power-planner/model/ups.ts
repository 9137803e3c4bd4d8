import { curveOf, valueAt } from '#bms/model';
import cells from '../data/cells.json' with { type: 'json' };
import published from '../data/ups-runtimes.json' with { type: 'json' };

/** A published runtime: load (W or VA, as the maker has it) and minutes. */
export type UpsPoint = readonly [load: number, minutes: number];

export interface UpsTable {
  readonly model: string;
  readonly ratedVa: number;
  readonly loadUnit: string;
  /** By rising load. */
  readonly points: readonly UpsPoint[];
  readonly source: string;
}

export const UPS_TABLES: readonly UpsTable[] = published.units.map((unit) => ({
  model: unit.model,
  ratedVa: unit.rated_va,
  loadUnit: unit.load_unit,
  points: unit.points.map(([load = 0, minutes = 0]): UpsPoint => [load, minutes]),
  source: unit.source,
}));

export interface UpsRuntime {
  readonly minutes: number;
  /** The load lies outside the published points. */
  readonly extrapolated: boolean;
}

/**
 * Runtime of a lead-acid UPS between two published points, straight in log-log. Lighter than the lightest point it holds
 * that point's runtime, because a power law through two points is 10 to 135 % too long there; above the heaviest it
 * follows the last segment. Both are called extrapolated.
 * @throws RangeError when there is no point, or load or minutes are not above 0.
 */
export function upsMinutes(points: readonly UpsPoint[], load: number): UpsRuntime {
  if (!(load > 0 && Number.isFinite(load))) throw new RangeError(`load is ${load}: expected above 0`);
  for (const [x, minutes] of points) {
    if (!(x > 0 && minutes > 0)) throw new RangeError(`point [${x}, ${minutes}]: expected load and minutes above 0`);
  }
  const rising = [...points].sort(([a], [b]) => a - b);
  const [first] = rising;
  const last = rising.at(-1);
  if (first === undefined || last === undefined) throw new RangeError('a UPS needs at least one published point');
  if (load <= first[0]) return { minutes: first[1], extrapolated: load < first[0] };
  let below = first;
  let above = last;
  for (const point of rising) {
    if (point[0] >= load) {
      above = point;
      break;
    }
    if (point !== last) below = point;
  }
  if (above[0] <= below[0]) return { minutes: (last[1] * last[0]) / load, extrapolated: true };
  const slope = Math.log(above[1] / below[1]) / Math.log(above[0] / below[0]);
  return { minutes: below[1] * (load / below[0]) ** slope, extrapolated: load > last[0] };
}

/**
 * A bare lead-acid battery (Peukert): t = h (Q / (I h))^k, hours.
 * @param ratedAh at the `ratedHours` rate
 * @param exponent 1.2 for AGM (unverified)
 */
export function peukertHours(ratedAh: number, ratedHours: number, currentA: number, exponent = 1.2): number {
  return ratedHours * (ratedAh / (currentA * ratedHours)) ** exponent;
}

const LEAD_ACID_POINTS = cells.chemistry_limits.PbA.capacity_vs_temp_sam.map(
  ([celsius = 0, factor = 0]) => [celsius, factor] as const,
);
const LEAD_ACID = curveOf(LEAD_ACID_POINTS);

/** Usable share of a lead-acid battery's charge by temperature (NREL SAM BatteryStateful_LeadAcid.json), at most 1. */
export function leadAcidCapacity(temperatureC: number): { readonly factor: number; readonly extrapolated: boolean } {
  const coldestC = LEAD_ACID_POINTS[0]?.[0] ?? 0;
  return { factor: Math.min(valueAt(LEAD_ACID, temperatureC), 1), extrapolated: temperatureC < coldestC };
}
