import type { Span } from './frame.ts';

interface Sum {
  min: number;
  max: number;
  sum: number;
  count: number;
  last: number;
}

/** A slot of time that is over, or was left because the clock went back. */
export interface Slot {
  readonly atMs: number;
  readonly spans: readonly (Span | undefined)[];
}

/** Gathers samples into slots of equal length. One slot is open at a time; it is handed out when time leaves it. */
export class Rollup {
  readonly stepMs: number;
  #atMs: number | undefined;
  #sums: (Sum | undefined)[] = [];

  constructor(stepMs: number) {
    this.stepMs = stepMs;
  }

  /** Takes one sample of all series; gives back the slot that it closes. NaN is no value. */
  add(atMs: number, values: ArrayLike<number>): Slot | undefined {
    const slotMs = Math.floor(atMs / this.stepMs) * this.stepMs;
    const closed = slotMs === this.#atMs ? undefined : this.open();
    if (slotMs !== this.#atMs) {
      this.#atMs = slotMs;
      this.#sums = [];
    }
    for (let series = 0; series < values.length; series += 1) {
      const value = values[series] ?? Number.NaN;
      if (!Number.isFinite(value)) continue;
      const sum = this.#sums[series];
      if (sum === undefined) {
        this.#sums[series] = { min: value, max: value, sum: value, count: 1, last: value };
        continue;
      }
      sum.min = Math.min(sum.min, value);
      sum.max = Math.max(sum.max, value);
      sum.sum += value;
      sum.count += 1;
      sum.last = value;
    }
    return closed;
  }

  /** The slot as far as it has come. */
  open(): Slot | undefined {
    if (this.#atMs === undefined) return undefined;
    const spans = Array.from(this.#sums, (sum) =>
      sum === undefined ? undefined : { min: sum.min, mean: sum.sum / sum.count, max: sum.max, last: sum.last },
    );
    return { atMs: this.#atMs, spans };
  }
}
