import { groups } from '../../dashboards/alerts/index.ts';
import type { Exposition } from './exposition.ts';

/** What a rack exposed, every `stepS`, in the notation of promtool's tests. */
export interface Curves {
  readonly stepS: number;
  readonly steps: number;
  /** s from the beginning at which the coordinator came into a phase for the first time. */
  readonly phasesS: Readonly<Record<string, number>>;
  readonly series: Readonly<Record<string, string>>;
}

const STEP_S = 10;

/** The pictures of a service as curves: only what alerts read. Values stand at the step that follows them. */
export function recorded(pictures: readonly Exposition[]): Curves {
  const [first] = pictures;
  const last = pictures.at(-1);
  if (first === undefined || last === undefined) throw new Error('no pictures');
  const used = groups.flatMap(({ rules }) => rules.map(({ expr }) => expr)).join('\n');
  const steps = Math.floor((last.atS - first.atS) / STEP_S) + 1;
  const at = Array.from({ length: steps }, (_, step) => {
    const until = first.atS + step * STEP_S;
    return pictures.findLast(({ atS }) => atS <= until) ?? first;
  });
  const names = new Set(pictures.flatMap(({ series }) => [...series.keys()]));
  const series: Record<string, string> = {};
  for (const name of [...names].sort()) {
    const [metric = ''] = name.split('{');
    if (!metric.startsWith('holdover_') || !new RegExp(`\\b${metric}\\b`).test(used)) continue;
    // Counted from the beginning: promtool's clock begins with 0.
    const offset = metric === 'holdover_snapshot_timestamp_seconds' ? first.atS : 0;
    series[name] = notation(at.map((picture) => picture.series.get(name)).map((value) => value && value - offset));
  }
  const phasesS: Record<string, number> = {};
  for (const [step, picture] of at.entries())
    for (const [name, value] of picture.series) {
      const [, phase] = /^holdover_shutdown_phase\{phase="([^"]+)"\}$/.exec(name) ?? [];
      if (phase !== undefined && value === 1) phasesS[phase] ??= step * STEP_S;
    }
  return { stepS: STEP_S, steps, phasesS, series };
}

/** `1+0x3 stale _x2 5`: runs of one value, and gaps. */
export function notation(values: readonly (number | undefined)[]): string {
  const parts: string[] = [];
  for (let at = 0; at < values.length; ) {
    const value = values[at];
    let end = at;
    while (end < values.length && values[end] === value) end += 1;
    const more = end - at - 1;
    // A series that ends is marked so at the next scrape; promtool would go on with its last value for five minutes.
    if (value === undefined && at > 0) parts.push(...(more === 0 ? ['stale'] : ['stale', `_x${more}`]));
    else if (value === undefined) parts.push(`_x${end - at}`);
    else parts.push(more === 0 ? String(value) : `${value}+0x${more}`);
    at = end;
  }
  return parts.join(' ');
}

/** Every series as it was at a moment, standing still for `more` steps. */
export function pictureAt({ stepS, series }: Curves, atS: number, more: number): Record<string, string> {
  const still = Object.entries(series).flatMap(([name, values]) => {
    const value = valueAt(values, Math.floor(atS / stepS));
    return value === undefined ? [] : [[name, `${value}+0x${more}`]];
  });
  return Object.fromEntries(still) as Record<string, string>;
}

/** The value at a step, or the last one before it. */
function valueAt(values: string, step: number): number | undefined {
  let at = 0;
  let last: number | undefined;
  for (const part of values.split(' ')) {
    const [, gap, value, more] = /^(?:_x(\d+)|(-?[\d.e+-]*?)(?:\+0x(\d+))?)$/.exec(part) ?? [];
    if (at > step) break;
    if (part === 'stale') at += 1;
    else if (gap !== undefined) at += Number(gap);
    else {
      last = Number(value);
      at += 1 + Number(more ?? 0);
    }
  }
  return last;
}
