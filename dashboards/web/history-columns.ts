import type { Columns } from './history-api.ts';

/** Rows for a chart: seconds since the epoch, then one column per series. Pure. */
export type Rows = [number[], ...(number | null)[][]];

/** Steps that are missing become gaps; a line across them would say that something was known there. */
export function rowsOf(
  columns: Columns,
  wanted: readonly { readonly name: string; readonly what: 'min' | 'mean' | 'max'; readonly scale?: number }[],
): Rows {
  const picked = wanted.map(({ name, what, scale = 1 }) => {
    const series = columns.series.find((each) => each.name === name);
    return series?.[what].map((value) => (value === null ? null : value * scale)) ?? columns.atMs.map(() => null);
  });
  const times: number[] = [];
  const out: (number | null)[][] = wanted.map(() => []);
  columns.atMs.forEach((atMs, row) => {
    const before = columns.atMs[row - 1];
    if (before !== undefined && atMs - before > columns.stepMs * 1.5) {
      times.push((before + columns.stepMs) / 1000);
      for (const column of out) column.push(null);
    }
    times.push(atMs / 1000);
    for (const [place, column] of out.entries()) column.push(picked[place]?.[row] ?? null);
  });
  return [times, ...out];
}

/** Times without mains, in seconds since the epoch. */
export function darkTimes(columns: Columns): readonly (readonly [number, number])[] {
  const present = columns.series.find(({ name }) => name === 'holdover_mains_present');
  if (present === undefined) return [];
  const spans: [number, number][] = [];
  columns.atMs.forEach((atMs, row) => {
    if ((present.min[row] ?? 1) > 0.5) return;
    const [from, to] = [atMs / 1000, (atMs + columns.stepMs) / 1000];
    const last = spans.at(-1);
    if (last !== undefined && from <= last[1] + columns.stepMs / 1000) last[1] = to;
    else spans.push([from, to]);
  });
  return spans;
}
