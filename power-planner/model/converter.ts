/** Output as a share of the rating (above 0), and the efficiency there (above 0, at most 1). */
export type EfficiencyPoint = readonly [loadRatio: number, efficiencyRatio: number];

/** Loss / rating = a + b·x + c·x² with x = output / rating. */
export interface LossFit {
  readonly ratedW: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/**
 * Fits the losses, not the efficiency: efficiency lies about small loads. Three points are met exactly, more by least
 * squares; two give a + b·x, one a share of the output. The standing loss `a` is never below 0.
 * @throws RangeError when the rating or a point makes no sense.
 */
export function fitLosses(ratedW: number, points: readonly EfficiencyPoint[]): LossFit {
  if (!(ratedW > 0 && Number.isFinite(ratedW))) throw new RangeError(`rated power is ${ratedW} W: expected above 0`);
  const samples = points.map(([x, efficiency]) => {
    if (!(x > 0 && Number.isFinite(x)) || !(efficiency > 0 && efficiency <= 1)) {
      throw new RangeError(`efficiency point [${x}, ${efficiency}]: expected a load above 0 and an efficiency in 0..1`);
    }
    return { x, loss: x / efficiency - x };
  });
  if (samples.length === 0) throw new RangeError('a converter needs at least one efficiency point');
  const loads = distinctLoads(samples.map(({ x }) => x));
  if (loads === 1) return { ratedW, a: 0, b: total(samples, ({ loss }) => loss) / total(samples, ({ x }) => x), c: 0 };
  const [a, b, c] = leastSquares(samples, loads === 2 ? 2 : 3);
  return { ratedW, a: Math.max(a, 0), b, c };
}

/** Power in for this power out, W; never less than what comes out. */
export function inputPowerW({ ratedW, a, b, c }: LossFit, outputW: number): number {
  const out = Math.max(outputW, 0);
  const x = out / ratedW;
  return out + ratedW * Math.max(a + b * x + c * x * x, 0);
}

/** How many loads there are, when those nearer than this share of the rating are one: a fit needs them apart. */
function distinctLoads(loads: readonly number[], apart = 0.001): number {
  let count = 0;
  let last = Number.NEGATIVE_INFINITY;
  for (const x of [...loads].sort((a, b) => a - b)) {
    if (x - last < apart) continue;
    count++;
    last = x;
  }
  return count;
}

/** Coefficients of a polynomial with `terms` terms (2 or 3), by the normal equations and Gaussian elimination. */
function leastSquares(
  samples: readonly { x: number; loss: number }[],
  terms: 2 | 3,
): readonly [number, number, number] {
  const rows = Array.from({ length: terms }, (_, i) => [
    ...Array.from({ length: terms }, (_, j) => total(samples, ({ x }) => x ** (i + j))),
    total(samples, ({ x, loss }) => x ** i * loss),
  ]);
  for (let pivot = 0; pivot < terms; pivot++) {
    const pivotRow = rows[pivot] ?? [];
    for (const [i, row] of rows.entries()) {
      if (i === pivot) continue;
      const factor = (row[pivot] ?? 0) / (pivotRow[pivot] ?? 1);
      rows[i] = row.map((value, j) => value - factor * (pivotRow[j] ?? 0));
    }
  }
  const [a = 0, b = 0, c = 0] = rows.map((row, i) => (row[terms] ?? 0) / (row[i] ?? 1));
  return [a, b, c];
}

function total<T>(items: readonly T[], value: (item: T) => number): number {
  let sum = 0;
  for (const item of items) sum += value(item);
  return sum;
}
