/** Straight lines through few and doubtful points, and when they reach a limit. Pure. */

export interface TrendPoint {
  /** Wall ms. */
  readonly atMs: number;
  readonly value: number;
  /** Standard deviation; the scatter around the line is taken when absent. */
  readonly sigma?: number;
}

export interface Forecast {
  /** Over time, or over its square root, as the loss of lithium by calendar ageing goes; whichever fits better. */
  readonly shape: 'linear' | 'sqrt';
  /** Value now, and its change per year at present. */
  readonly now: number;
  readonly perYear: number;
  /** When the limit is reached: the line itself, and the range two standard deviations of the slope give. Wall ms. */
  readonly reachedMs?: number;
  readonly earliestMs?: number;
  /** Absent with `earliestMs`: at the flattest slope that fits it is never reached. */
  readonly latestMs?: number;
}

export type Verdict =
  | { readonly kind: 'forecast'; readonly forecast: Forecast }
  | { readonly kind: 'steady'; readonly because: string }
  | { readonly kind: 'too-little-data'; readonly because: string };

export const YEAR_MS = 365.25 * 86_400_000;
const LEAST_POINTS = 5;
const LEAST_DAYS = 60;
/** No share and no resistance of a pack comes near this; a square of more is no number any longer. */
const ABSURD = 1e6;
/** Nobody knows what is in so many years. */
const FARTHEST_YEARS = 25;

interface Fit {
  readonly at0: number;
  readonly slope: number;
  readonly slopeSigma: number;
  readonly chi2: number;
}

/**
 * When a value that falls reaches `limit`. `bornMs` is when the pack was new, for the square root; the first point when
 * unknown.
 */
export function forecast(points: readonly TrendPoint[], limit: number, nowMs: number, bornMs?: number): Verdict {
  const sorted = points.filter(({ value }) => Math.abs(value) < ABSURD).sort((a, b) => a.atMs - b.atMs);
  const first = sorted[0]?.atMs ?? nowMs;
  const spanDays = ((sorted.at(-1)?.atMs ?? first) - first) / 86_400_000;
  if (sorted.length < LEAST_POINTS) return tooLittle(`${sorted.length} of at least ${LEAST_POINTS} measurements`);
  if (spanDays < LEAST_DAYS) return tooLittle(`${Math.floor(spanDays)} of at least ${LEAST_DAYS} days`);
  const born = Math.min(bornMs ?? first, first);
  const years = (atMs: number): number => (atMs - born) / YEAR_MS;
  const shapes = [
    { shape: 'linear' as const, x: (t: number) => t, t: (x: number) => x },
    { shape: 'sqrt' as const, x: (t: number) => Math.sqrt(Math.max(0, t)), t: (x: number) => x * x },
  ].map((each) => ({ ...each, fit: fitLine(sorted, (atMs) => each.x(years(atMs))) }));
  const [linear, root] = shapes;
  if (linear === undefined || root === undefined) return tooLittle('no line fits');
  const best = root.fit.chi2 < linear.fit.chi2 ? root : linear;
  const { at0, slope, slopeSigma } = best.fit;
  if (!(slope < 0) || -slope < 2 * slopeSigma)
    return { kind: 'steady', because: 'no fall that is larger than the doubt in the measurements' };
  const nowX = best.x(years(nowMs));
  const now = at0 + slope * nowX;
  const later = best.x(years(nowMs) + 1 / 365.25);
  // Around the middle of the data the line is surest; from there the flattest and the steepest are drawn.
  const middleX = sorted.reduce((sum, { atMs }) => sum + best.x(years(atMs)), 0) / sorted.length;
  const middle = at0 + slope * middleX;
  const reached = (by: number): number | undefined => {
    if (by >= 0) return undefined;
    const t = best.t(Math.max(0, middleX + (limit - middle) / by));
    return t > years(nowMs) + FARTHEST_YEARS ? undefined : born + t * YEAR_MS;
  };
  const at = reached(slope);
  const steep = reached(slope - 2 * slopeSigma);
  const flat = reached(slope + 2 * slopeSigma);
  // Where the limit lies behind the middle of the data, the steeper line met it later.
  const swapped = steep !== undefined && flat !== undefined && flat < steep;
  const [earliest, latest] = swapped ? [flat, steep] : [steep, flat];
  return {
    kind: 'forecast',
    forecast: {
      shape: best.shape,
      now,
      perYear: slope * (later - nowX) * 365.25,
      ...(at === undefined ? {} : { reachedMs: Math.round(at) }),
      ...(earliest === undefined ? {} : { earliestMs: Math.round(earliest) }),
      ...(latest === undefined ? {} : { latestMs: Math.round(latest) }),
    },
  };
}

const tooLittle = (because: string): Verdict => ({ kind: 'too-little-data', because });

/** Weighted least squares; the slope's doubt grows where the points scatter more than their own doubts allow. */
function fitLine(points: readonly TrendPoint[], xOf: (atMs: number) => number): Fit {
  const known = points.filter(({ sigma }) => sigma !== undefined && sigma > 0);
  const weight = ({ sigma }: TrendPoint): number =>
    known.length === points.length && sigma !== undefined ? 1 / sigma ** 2 : 1;
  let [w, wx, wy, wxx, wxy] = [0, 0, 0, 0, 0];
  for (const point of points) {
    const [each, x] = [weight(point), xOf(point.atMs)];
    w += each;
    wx += each * x;
    wy += each * point.value;
    wxx += each * x * x;
    wxy += each * x * point.value;
  }
  const spread = w * wxx - wx * wx;
  if (!(spread > 0))
    return { at0: wy / w, slope: 0, slopeSigma: Number.POSITIVE_INFINITY, chi2: Number.POSITIVE_INFINITY };
  const slope = (w * wxy - wx * wy) / spread;
  const at0 = (wy - slope * wx) / w;
  const chi2 = points.reduce(
    (sum, point) => sum + weight(point) * (point.value - at0 - slope * xOf(point.atMs)) ** 2,
    0,
  );
  const scatter = chi2 / Math.max(1, points.length - 2);
  const excess = known.length === points.length ? Math.max(1, scatter) : scatter;
  return { at0, slope, slopeSigma: Math.sqrt((w / spread) * excess), chi2 };
}
