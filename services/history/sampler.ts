import type { SampleFrame, SeriesName } from './records.ts';

/** A row of the catalogue with what it says now; the catalogue's own type fits. */
export interface SampledFamily {
  readonly metric: { readonly name: string; readonly kind: string; readonly unit: string };
  readonly points: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

/** More series are not kept; a rack of 54 hosts has about 700. */
const MOST_SERIES = 2000;

/** Many series that say little over weeks: ports are in their hosts, phases in the journal. */
const LEFT_OUT = ['holdover_poe_port_', 'holdover_host_phase', 'holdover_device_sample_age_seconds'];

/**
 * Gives every series its number and makes frames of what the catalogue says. Left out is what a history does not need:
 * times and identities, and counters (the energy ledger keeps those that matter).
 */
export class Sampler {
  readonly #ids = new Map<string, number>();
  #added: SeriesName[] = [];
  #refused = 0;

  constructor(known: readonly SeriesName[] = []) {
    for (const { name, labels } of known) this.#ids.set(key(name, labels), this.#ids.size);
  }

  /** Points that had no room. */
  get refused(): number {
    return this.#refused;
  }

  frame(atMs: number, families: readonly SampledFamily[]): SampleFrame {
    const found: [number, number][] = [];
    for (const { metric, points } of families) {
      if (metric.kind === 'info' || metric.kind === 'counter' || metric.unit === 'timestamp') continue;
      if (LEFT_OUT.some((each) => metric.name.startsWith(each))) continue;
      for (const { labels, value } of points) {
        const id = this.#idOf(metric.name, labels);
        if (id !== undefined) found.push([id, value]);
      }
    }
    const values = new Float64Array(this.#ids.size).fill(Number.NaN);
    for (const [id, value] of found) values[id] = value;
    const added = this.#added;
    this.#added = [];
    return { atMs: Math.round(atMs), values, added };
  }

  #idOf(name: string, labels: Readonly<Record<string, string>>): number | undefined {
    const text = key(name, labels);
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    if (this.#ids.size >= MOST_SERIES) {
      this.#refused += 1;
      return undefined;
    }
    const id = this.#ids.size;
    this.#ids.set(text, id);
    this.#added.push({ name, labels });
    return id;
  }
}

const key = (name: string, labels: Readonly<Record<string, string>>): string => {
  const entries = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${name}${JSON.stringify(entries)}`;
};
