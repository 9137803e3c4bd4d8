import type { DatabaseSync } from 'node:sqlite';
import { decodeFrame, type Span } from './frame.ts';
import type { RangeAnswer, RangeQuery, SeriesColumns, SeriesName } from './records.ts';

/** Reading a range of time: the tier that answers it with the least work, put into steps of equal length. */

export const TIERS = ['samples', 'minutes', 'quarters'] as const;
export type Tier = (typeof TIERS)[number];

/** Shortest step each tier can answer, ms. */
const STEP_MS: Readonly<Record<Tier, number>> = { samples: 0, minutes: 60_000, quarters: 900_000 };

/** Points of one answer. */
export const MOST_POINTS = 2000;

/** A moment as it is on the disk. */
export interface Row {
  readonly atMs: number;
  readonly data: Uint8Array;
}

/** @param waiting what of a tier is not on the disk yet, oldest first */
export function readRange(
  db: DatabaseSync,
  known: readonly SeriesName[],
  query: RangeQuery,
  waiting: (tier: Tier) => readonly Row[],
): RangeAnswer {
  const wanted = new Set(query.names);
  const all = known.flatMap(({ name }, index) => (wanted.has(name) ? [index] : []));
  const series = all.slice(0, query.mostSeries);
  const atLeastMs = Math.max(1000, Math.ceil((query.toMs - query.fromMs) / MOST_POINTS));
  const tier = tierFor(db, query.fromMs, Math.max(query.stepMs, atLeastMs));
  const stepMs = Math.max(query.stepMs, atLeastMs, STEP_MS[tier]);
  const buckets = new Map<number, Bucket[]>();
  const take = (atMs: number, spans: readonly (Span | undefined)[]): void => {
    const key = Math.floor(atMs / stepMs) * stepMs;
    let row = buckets.get(key);
    if (row === undefined) {
      row = series.map(emptyBucket);
      buckets.set(key, row);
    }
    spans.forEach((span, index) => {
      const bucket = row[index];
      if (span !== undefined && bucket !== undefined) add(bucket, span);
    });
  };
  const pending = waiting(tier).filter(({ atMs }) => atMs >= query.fromMs && atMs <= query.toMs);
  const replaced = new Set(pending.map(({ atMs }) => atMs));
  const rows = db.prepare(`SELECT at, data FROM ${tier} WHERE at >= ? AND at <= ? ORDER BY at`);
  for (const row of rows.iterate(query.fromMs, query.toMs)) {
    const { at, data } = row as { at: number; data: Uint8Array };
    if (!replaced.has(at)) take(at, decodeFrame(data, series));
  }
  // Of a moment that waits twice the later one counts: the clock went back.
  for (const { atMs, data } of new Map(pending.map((row) => [row.atMs, row])).values())
    take(atMs, decodeFrame(data, series));
  const atMs = [...buckets.keys()].sort((a, b) => a - b);
  const columns = series.map((id, place): SeriesColumns => {
    const column = (read: (bucket: Bucket) => number): (number | null)[] =>
      atMs.map((at) => {
        const bucket = buckets.get(at)?.[place];
        return bucket === undefined || bucket.count === 0 ? null : read(bucket);
      });
    const { name = '', labels = {} } = known[id] ?? {};
    return {
      name,
      labels,
      min: column(({ min }) => min),
      mean: column(({ sum, count }) => sum / count),
      max: column(({ max }) => max),
      last: column(({ last }) => last),
    };
  });
  return { stepMs, atMs, series: columns, more: all.length > series.length };
}

/** The coarsest tier that is fine enough; a coarser one where only that reaches back so far. */
function tierFor(db: DatabaseSync, fromMs: number, stepMs: number): Tier {
  const oldest = (tier: Tier): number =>
    (db.prepare(`SELECT min(at) AS at FROM ${tier}`).get() as { at: number | null }).at ?? Number.POSITIVE_INFINITY;
  let chosen = TIERS.findLastIndex((tier) => STEP_MS[tier] <= stepMs);
  const reach = (index: number): number => oldest(TIERS[index] ?? 'quarters');
  while (chosen < TIERS.length - 1 && reach(chosen) > fromMs && reach(chosen + 1) + QUARTER_MS < reach(chosen))
    chosen += 1;
  return TIERS[chosen] ?? 'quarters';
}

const QUARTER_MS = 900_000;

interface Bucket {
  min: number;
  max: number;
  sum: number;
  count: number;
  last: number;
}

const emptyBucket = (): Bucket => ({
  min: Number.POSITIVE_INFINITY,
  max: Number.NEGATIVE_INFINITY,
  sum: 0,
  count: 0,
  last: 0,
});

function add(bucket: Bucket, { min, mean, max, last }: Span): void {
  bucket.min = Math.min(bucket.min, min);
  bucket.max = Math.max(bucket.max, max);
  bucket.sum += mean;
  bucket.count += 1;
  bucket.last = last;
}
