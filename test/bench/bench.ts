/** What a bench is, and what it hands back. */

/** Median, smallest and largest of several runs. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
}

/** One measured quantity, set against a peer or a limit that was measured or computed in the same run. */
export interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly value: Spread;
  readonly against?: {
    readonly what: string;
    /** In the unit of the figure. */
    readonly value: Spread;
    /** Figure over peer, run by run. */
    readonly ratio: Spread;
  };
}

export type Outcome =
  | { readonly figures: readonly Figure[]; readonly remarks?: readonly string[] }
  | { readonly skipped: string };

export interface Settings {
  /** Runs per figure. */
  readonly runs: number;
  /** How long a service rests before it is looked at, and how long it is looked at, s. */
  readonly warmUpS: number;
  readonly restS: number;
}

export interface Bench {
  readonly name: string;
  readonly about: string;
  run(settings: Settings): Promise<Outcome>;
}

/** @throws RangeError without any value */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high, min, max] = [sorted[middle - 1], sorted[middle], sorted[0], sorted.at(-1)];
  if (high === undefined || min === undefined || max === undefined) throw new RangeError('nothing was measured');
  const median = sorted.length % 2 === 0 ? ((low ?? high) + high) / 2 : high;
  return { median, min, max, runs: sorted.length };
}

/** A figure and what it is set against, from runs made in pairs. */
export function figure(
  what: string,
  unit: string,
  values: readonly number[],
  against: { readonly what: string; readonly values: readonly number[] },
): Figure {
  const ratios = values.map((value, run) => value / (against.values[run] ?? Number.NaN));
  return {
    what,
    unit,
    value: spreadOf(values),
    against: { what: against.what, value: spreadOf(against.values), ratio: spreadOf(ratios) },
  };
}
