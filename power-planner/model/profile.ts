import type { Stretch } from './timeline.ts';

/** A part of a load over time: until an hour, or from an hour on. All steps of a profile speak the same way. */
export interface ProfileStep {
  readonly watts: number;
  readonly fromH?: number | undefined;
  readonly untilH?: number | undefined;
}

/** A load over time. Hours count from the outage, or with `repeatH` within the period, e.g. the hours of a day. */
export interface LoadProfile {
  readonly steps: readonly ProfileStep[];
  /** Begins again after so many hours: 24 for a day. Absent: the last step goes on for ever. */
  readonly repeatH?: number | undefined;
  /** Hour of the period at which the outage begins; 0 when absent. */
  readonly startH?: number | undefined;
}

/**
 * The stretches of a profile, from the outage on; without end when it repeats.
 * @param packWattsOf power from the pack for a load, so that every step has the losses of its own load
 * @throws RangeError naming the step that makes no sense.
 */
export function* stretchesOf(
  { steps, repeatH, startH = 0 }: LoadProfile,
  packWattsOf: (watts: number) => number = (watts) => watts,
): Generator<Stretch, void, undefined> {
  const pieces = piecesOf(steps, repeatH);
  const powers = pieces.map(({ watts }) => packWattsOf(watts));
  const periodH = repeatH ?? Number.POSITIVE_INFINITY;
  if (!(startH >= 0 && startH < periodH)) {
    throw new RangeError(`profile startH is ${startH}: expected 0 or more${repeatH ? `, below ${repeatH}` : ''}`);
  }
  for (let beginH = startH; ; beginH = 0) {
    for (const [i, { fromH, untilH }] of pieces.entries()) {
      const hours = untilH - Math.max(fromH, beginH);
      if (hours > 0) yield { powerW: powers[i] ?? 0, forS: hours * 3600 };
    }
    if (repeatH === undefined) return;
  }
}

/** Highest load of a profile, W: what currents are checked with. */
export function peakWatts({ steps }: LoadProfile): number {
  return steps.reduce((most, { watts }) => Math.max(most, watts), 0);
}

interface Piece {
  readonly fromH: number;
  readonly untilH: number;
  readonly watts: number;
}

/** The whole period (or all time) in pieces by rising hour. */
function piecesOf(steps: readonly ProfileStep[], repeatH: number | undefined): readonly Piece[] {
  if (repeatH !== undefined && !(repeatH > 0 && Number.isFinite(repeatH))) {
    throw new RangeError(`profile repeatH is ${repeatH}: expected above 0`);
  }
  if (steps.length === 0) throw new RangeError('a profile needs at least one step');
  for (const [i, { watts }] of steps.entries()) {
    if (!(watts >= 0 && Number.isFinite(watts)))
      throw new RangeError(`step ${i + 1}: watts is ${watts}: expected 0 or more`);
  }
  const byFrom = steps.some(({ fromH }) => fromH !== undefined);
  return byFrom ? startingAt(steps, repeatH) : endingAt(steps, repeatH);
}

/** Before the first hour that is named, the last step of the period before still holds; without a period the first does. */
function startingAt(steps: readonly ProfileStep[], repeatH: number | undefined): readonly Piece[] {
  const endH = repeatH ?? Number.POSITIVE_INFINITY;
  const starts = steps.map(({ fromH, untilH, watts }, i) => {
    const good = fromH !== undefined && fromH >= 0 && fromH < endH && untilH === undefined;
    if (!good) throw new RangeError(`step ${i + 1}: expected fromH from 0, below ${endH}, as in the other steps`);
    return { fromH, watts };
  });
  rising(
    starts.map(({ fromH }) => fromH),
    'fromH',
  );
  const pieces = starts.map(({ fromH, watts }, i) => ({ fromH, untilH: starts[i + 1]?.fromH ?? endH, watts }));
  const [first] = pieces;
  const held = repeatH === undefined ? first : pieces.at(-1);
  if (first === undefined || held === undefined || first.fromH === 0) return pieces;
  return [{ fromH: 0, untilH: first.fromH, watts: held.watts }, ...pieces];
}

function endingAt(steps: readonly ProfileStep[], repeatH: number | undefined): readonly Piece[] {
  const endH = repeatH ?? Number.POSITIVE_INFINITY;
  const ends = steps.map(({ untilH, watts }, i) => {
    const last = i === steps.length - 1;
    const good = untilH === undefined ? last : untilH > 0 && untilH <= endH;
    if (!good) throw new RangeError(`step ${i + 1}: expected untilH above 0, at most ${endH}`);
    return { untilH: last ? endH : (untilH ?? endH), watts };
  });
  rising(
    ends.map(({ untilH }) => untilH),
    'untilH',
  );
  return ends.map(({ untilH, watts }, i) => ({ fromH: ends[i - 1]?.untilH ?? 0, untilH, watts }));
}

function rising(hours: readonly number[], name: string): void {
  for (const [i, hour] of hours.entries()) {
    const before = hours[i - 1];
    if (before !== undefined && !(hour > before)) {
      throw new RangeError(`step ${i + 1}: ${name} is ${hour}: expected above ${before}, the hour of the step before`);
    }
  }
}
