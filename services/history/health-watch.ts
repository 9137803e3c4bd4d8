import { ocvAt, type PackSample, type PackSpec, packResistanceOhm, socAtOcv } from '#bms/model';
import type { Zone } from '../runtime/zone.ts';
import type { Snapshot } from '../shutdown/view.ts';
import type { HealthPoint } from './records.ts';

/**
 * What a pack tells of its age while it works:
 *
 * - capacity from a long discharge: ampere-hours that left it, over the part of its charge they were. The beginning is
 *   our own count, which is sure after a full charge; the end is read from the voltage under load, without our count,
 *   for that assumes the very capacity that is sought. On the flat part of a curve the voltage says too little, and
 *   then nothing is said.
 * - resistance from steps of the current: dV / dI between two samples that follow each other.
 * - drift: the spread of the cells at rest.
 */

/** A step must be so large, A, and its two samples so close, ms. */
const STEP_A = 2;
const STEP_WITHIN_MS = 6000;
/** Steps of one day that make a figure. */
const LEAST_STEPS = 5;
const MOST_STEPS = 500;
/** Below this share of the rated capacity per hour a pack is at rest. */
const REST_C = 0.01;
const REST_S = 600;
/** Cells of other makers differ from our curve by this much under load, V. */
const CURVE_SIGMA_V = 0.012;
/** A capacity is worth keeping when it is known this well, as a share. */
const GOOD_SIGMA = 0.08;
/** And when so much of the charge was used. */
const LEAST_DEPTH = 0.4;
const LONGEST_GAP_MS = 30_000;

interface Following {
  readonly spec: PackSpec;
  last?: { readonly atMs: number; readonly sample: PackSample };
  day?: string;
  dayMs: number;
  steps: number[];
  restSince?: number;
  spreads: number[];
  discharge?: Discharging;
}

interface Discharging {
  ah: number;
  readonly fromSoc: number;
  readonly fromSigma: number;
  broken: boolean;
  best?: HealthPoint;
}

export class HealthWatch {
  readonly #packs: ReadonlyMap<string, Following>;
  readonly #zone: Zone;
  #found: HealthPoint[] = [];

  constructor(specs: Readonly<Record<string, PackSpec>>, zone: Zone) {
    this.#packs = new Map(
      Object.entries(specs).map(([id, spec]) => [id, { spec, dayMs: 0, steps: [], spreads: [] }] as const),
    );
    this.#zone = zone;
  }

  /** What was found since this was asked last. */
  found(): readonly HealthPoint[] {
    const found = this.#found;
    this.#found = [];
    return found;
  }

  take(snapshot: Snapshot): void {
    const { rack, coordinator } = snapshot;
    const away = coordinator.phase !== 'mains' && coordinator.phase !== 'restoring';
    for (const [id, pack] of this.#packs) {
      const seen = rack.packs[id];
      const sample = seen?.freshness === 'fresh' ? seen.sample : undefined;
      if (sample === undefined || seen?.receivedAtMs === undefined) {
        // A discharge that goes on after this has a hole in it: it has no sample before.
        delete pack.last;
        delete pack.restSince;
        continue;
      }
      if (pack.last?.atMs === seen.receivedAtMs) continue;
      this.#turnDay(id, pack, rack.wallMs);
      this.#step(pack, sample, seen.receivedAtMs);
      this.#rest(pack, sample, rack.monoMs);
      this.#discharge(id, pack, sample, seen.receivedAtMs, rack, away);
      pack.last = { atMs: seen.receivedAtMs, sample };
    }
  }

  /** With a new day the figures of the one that is over are handed out. */
  #turnDay(id: string, pack: Following, wallMs: number): void {
    const day = this.#zone.date(wallMs);
    if (pack.day === day) return;
    if (pack.day !== undefined) {
      const resistance = median(pack.steps);
      if (pack.steps.length >= LEAST_STEPS && resistance !== undefined) {
        const spread = median(pack.steps.map((ohm) => Math.abs(ohm - resistance))) ?? 0;
        this.#say({ atMs: pack.dayMs, pack: id, kind: 'resistance', value: resistance, sigma: 1.48 * spread });
      }
      const drift = median(pack.spreads);
      if (drift !== undefined) this.#say({ atMs: pack.dayMs, pack: id, kind: 'spread', value: drift });
      const { fullAh } = pack.last?.sample ?? {};
      if (fullAh !== undefined && fullAh > 0)
        this.#say({ atMs: pack.dayMs, pack: id, kind: 'capacity-bms', value: fullAh });
    }
    pack.day = day;
    pack.dayMs = this.#zone.dayStart(wallMs);
    pack.steps = [];
    pack.spreads = [];
  }

  #step(pack: Following, now: PackSample, atMs: number): void {
    const { last } = pack;
    if (last === undefined || atMs - last.atMs > STEP_WITHIN_MS) return;
    const { voltageV, currentA } = now;
    const before = last.sample;
    if (
      voltageV === undefined ||
      currentA === undefined ||
      before.voltageV === undefined ||
      before.currentA === undefined
    )
      return;
    const stepA = currentA - before.currentA;
    const ohm = (voltageV - before.voltageV) / stepA;
    if (Math.abs(stepA) < STEP_A || !(ohm > 0)) return;
    if (pack.steps.length < MOST_STEPS) pack.steps.push(ohm);
  }

  #rest(pack: Following, { currentA, cellsV }: PackSample, monoMs: number): void {
    if (currentA === undefined || cellsV === undefined || cellsV.length < 2) return;
    if (Math.abs(currentA) > pack.spec.capacityAh * REST_C) {
      delete pack.restSince;
      return;
    }
    pack.restSince ??= monoMs;
    if ((monoMs - pack.restSince) / 1000 < REST_S) return;
    if (pack.spreads.length < MOST_STEPS) pack.spreads.push(Math.max(...cellsV) - Math.min(...cellsV));
  }

  #discharge(
    id: string,
    pack: Following,
    sample: PackSample,
    atMs: number,
    { bank, wallMs }: Snapshot['rack'],
    away: boolean,
  ): void {
    if (!away) {
      if (pack.discharge?.best !== undefined && !pack.discharge.broken) this.#say(pack.discharge.best);
      delete pack.discharge;
      return;
    }
    if (pack.discharge === undefined) {
      if (bank.socRatio === undefined || bank.socSigma === undefined) return;
      pack.discharge = { ah: 0, fromSoc: bank.socRatio, fromSigma: bank.socSigma, broken: false };
      return;
    }
    const { last, discharge } = pack;
    const currents = [sample.currentA, last?.sample.currentA];
    if (last === undefined || atMs - last.atMs > LONGEST_GAP_MS || currents.includes(undefined)) {
      discharge.broken = true;
      return;
    }
    discharge.ah += ((-(sample.currentA ?? 0) - (last.sample.currentA ?? 0)) / 2) * ((atMs - last.atMs) / 3_600_000);
    const estimate = capacityOf(pack.spec, discharge, sample);
    if (estimate === undefined || estimate.sigma > GOOD_SIGMA * estimate.ah) return;
    if (discharge.best?.sigma !== undefined && discharge.best.sigma <= estimate.sigma) return;
    discharge.best = {
      atMs: Math.round(wallMs),
      pack: id,
      kind: 'capacity-outage',
      value: estimate.ah,
      sigma: estimate.sigma,
    };
  }

  #say(point: HealthPoint): void {
    this.#found.push(point);
  }
}

/** Capacity and its standard deviation, Ah, from what left the pack and the voltage it has now. Pure. */
export function capacityOf(
  spec: PackSpec,
  from: { readonly ah: number; readonly fromSoc: number; readonly fromSigma: number },
  { voltageV, currentA, temperaturesC }: PackSample,
): { readonly ah: number; readonly sigma: number } | undefined {
  if (voltageV === undefined || currentA === undefined || from.ah <= 0) return undefined;
  // Two rounds: the resistance depends a little on the charge that is sought.
  let soc = 0.3;
  for (let round = 0; round < 3; round += 1) {
    const ocvV = (voltageV - currentA * packResistanceOhm(spec, soc, temperaturesC?.[0])) / spec.cells;
    soc = socAtOcv(spec.chemistry, ocvV);
  }
  const around = 0.01;
  const slope =
    (ocvAt(spec.chemistry, Math.min(1, soc + around)) - ocvAt(spec.chemistry, Math.max(0, soc - around))) /
    (2 * around);
  const endSigma = CURVE_SIGMA_V / Math.max(slope, 1e-6);
  const used = from.fromSoc - soc;
  if (used < LEAST_DEPTH) return undefined;
  const ah = from.ah / used;
  return { ah, sigma: (ah * Math.hypot(endSigma, from.fromSigma)) / used };
}

/** Middle of a list; absent of an empty one. */
export function median(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? high : (high + (sorted[middle - 1] ?? 0)) / 2;
}
