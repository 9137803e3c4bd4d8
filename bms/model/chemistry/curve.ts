/** Piecewise-linear y(x) on a strictly rising x grid; constant beyond both ends. */
export interface Curve {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

export type Points = readonly (readonly [x: number, y: number])[];

/** @throws RangeError when there are no points, a number is not finite, or x does not rise strictly. */
export function curveOf(points: Points): Curve {
  const x = Float64Array.from(points, (point) => point[0]);
  const y = Float64Array.from(points, (point) => point[1]);
  if (x.length === 0) throw new RangeError('a curve needs at least one point');
  for (let i = 0; i < x.length; i++) {
    if (!Number.isFinite(at(x, i)) || !Number.isFinite(at(y, i))) throw new RangeError(`point ${i} is not finite`);
    if (i > 0 && at(x, i) <= at(x, i - 1)) throw new RangeError(`x must rise: point ${i} is at ${at(x, i)}`);
  }
  return { x, y };
}

/** `values[i]` as a plain number; NaN beyond the ends, so that a wrong index never looks like a reading. */
export function at(values: Float64Array, i: number): number {
  return values[i] ?? Number.NaN;
}

/** Largest i in 0..length-2 with `rising[i] <= x`, and 0 when x lies below all: the segment that holds x. */
export function segmentOf(rising: Float64Array, x: number): number {
  let low = 0;
  let high = rising.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (at(rising, middle) <= x) low = middle;
    else high = middle - 1;
  }
  return Math.max(low, 0);
}

/** y at x; the end value outside the grid; NaN for NaN. */
export function valueAt(curve: Curve, x: number): number {
  return interpolate(curve.x, curve.y, x);
}

/** x at y of a curve whose y rises strictly as well; the end of the grid outside it. */
export function inverseAt(curve: Curve, y: number): number {
  return interpolate(curve.y, curve.x, y);
}

function interpolate(from: Float64Array, to: Float64Array, x: number): number {
  const last = from.length - 1;
  if (x <= at(from, 0)) return at(to, 0);
  if (x >= at(from, last)) return at(to, last);
  const i = segmentOf(from, x);
  const t = (x - at(from, i)) / (at(from, i + 1) - at(from, i));
  return at(to, i) + t * (at(to, i + 1) - at(to, i));
}
