/** A parameter to be found: where it is believed to be, how well, and within which bounds it must stay. */
export interface Parameter {
  readonly guess: number;
  /** Standard deviation of the belief. */
  readonly sigma: number;
  readonly min: number;
  readonly max: number;
}

export interface Solution {
  readonly values: readonly number[];
  /** Standard deviations, from the readings and the beliefs together. */
  readonly sigmas: readonly number[];
  /** Sum of squares at the solution, in standard deviations. */
  readonly cost: number;
}

/**
 * Parameters that make the residuals smallest, each pulled to its guess as its belief weighs (Levenberg-Marquardt with
 * derivatives by differences).
 * @param residuals differences in units of their standard deviation, the same number for every call
 */
export function leastSquares(
  parameters: readonly Parameter[],
  residuals: (values: readonly number[]) => Float64Array,
  start: readonly number[] = parameters.map(({ guess }) => guess),
): Solution {
  const all = (values: readonly number[]): Float64Array => {
    const read = residuals(values);
    const out = new Float64Array(read.length + parameters.length);
    out.set(read);
    for (const [i, { guess, sigma }] of parameters.entries()) {
      out[read.length + i] = ((values[i] ?? guess) - guess) / sigma;
    }
    return out;
  };
  let values = start.map((value, i) => held(value, parameters[i]));
  let r = all(values);
  let cost = squares(r);
  let damping = 1e-3;
  let normal = normalOf(parameters, values, r, all);
  for (let n = 0; n < 60 && damping < 1e9; n++) {
    const step = solve(
      normal.matrix.map((row, i) => row.map((value, j) => (i === j ? value * (1 + damping) : value))),
      normal.gradient,
    );
    const next = values.map((value, i) => held(value - (step[i] ?? 0), parameters[i]));
    const nextR = all(next);
    const nextCost = squares(nextR);
    if (!(nextCost < cost)) {
      damping *= 8;
      continue;
    }
    const gained = cost - nextCost;
    values = next;
    r = nextR;
    cost = nextCost;
    damping = Math.max(damping / 8, 1e-9);
    normal = normalOf(parameters, values, r, all);
    if (gained < 1e-7 * (1 + cost)) break;
  }
  const sigmas = values.map((_, i) => {
    const unit = values.map((_, j) => (i === j ? 1 : 0));
    return Math.sqrt(Math.max(solve(normal.matrix, unit)[i] ?? 0, 0));
  });
  return { values, sigmas, cost };
}

const held = (value: number, parameter: Parameter | undefined): number =>
  parameter === undefined ? value : Math.min(Math.max(value, parameter.min), parameter.max);

function squares(r: Float64Array): number {
  let sum = 0;
  for (const one of r) sum += one * one;
  return sum;
}

function normalOf(
  parameters: readonly Parameter[],
  values: readonly number[],
  r: Float64Array,
  all: (values: readonly number[]) => Float64Array,
): { readonly matrix: number[][]; readonly gradient: number[] } {
  const columns = parameters.map(({ sigma, max }, i) => {
    const value = values[i] ?? 0;
    const width = 1e-4 * sigma * (value + 1e-4 * sigma > max ? -1 : 1);
    const moved = all(values.map((one, j) => (i === j ? one + width : one)));
    return moved.map((one, k) => (one - (r[k] ?? 0)) / width);
  });
  const dot = (a: Float64Array, b: Float64Array): number => {
    let sum = 0;
    for (let k = 0; k < a.length; k++) sum += (a[k] ?? 0) * (b[k] ?? 0);
    return sum;
  };
  return { matrix: columns.map((a) => columns.map((b) => dot(a, b))), gradient: columns.map((a) => dot(a, r)) };
}

/** Gaussian elimination with pivots; a matrix from `normalOf` is never singular, because every belief is finite. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i] ?? 0]);
  const size = rows.length;
  for (let p = 0; p < size; p++) {
    bringUp(rows, p);
    const pivotRow = rows[p] ?? [];
    for (const [i, row] of rows.entries()) {
      if (i === p) continue;
      const factor = (row[p] ?? 0) / (pivotRow[p] ?? 1);
      rows[i] = row.map((value, j) => value - factor * (pivotRow[j] ?? 0));
    }
  }
  return rows.map((row, i) => (row[size] ?? 0) / (row[i] ?? 1));
}

/** The row with the largest figure in column `p`, of those from `p` on, goes to `p`. */
function bringUp(rows: number[][], p: number): void {
  const sizes = rows.map((row, i) => (i < p ? -1 : Math.abs(row[p] ?? 0)));
  const best = sizes.indexOf(Math.max(...sizes));
  const row = rows[best];
  rows[best] = rows[p] ?? [];
  if (row !== undefined) rows[p] = row;
}
