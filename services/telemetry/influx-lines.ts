import type { Snapshot } from '../shutdown/view.ts';
import { families, type Labels } from './catalogue.ts';

/**
 * The current values of a snapshot as line protocol with millisecond stamps. One line holds all fields of one thing at
 * one moment. Every number is a float: a field keeps the type of its first write, and a change of it is refused.
 */
export function influxLines(snapshot: Snapshot): readonly string[] {
  const lines = new Map<string, { fields: string; readonly stamp: number; readonly head: string }>();
  for (const { metric, points } of families(snapshot)) {
    const names = metric.labels.toSorted();
    for (const point of points) {
      const head = metric.measurement + tagsText(names, point.labels);
      const stamp = Math.round(point.atMs);
      const key = `${head} ${stamp}`;
      const field = `${metric.field}=${point.value}`;
      const line = lines.get(key);
      if (line === undefined) lines.set(key, { head, fields: field, stamp });
      else line.fields += `,${field}`;
    }
  }
  return Array.from(lines.values(), ({ head, fields, stamp }) => `${head} ${fields} ${stamp}`);
}

/** `,name=value` for every tag that has a value: an empty one is a parse error. */
function tagsText(names: readonly string[], labels: Labels): string {
  let text = '';
  for (const name of names) {
    const value = tagText(labels[name] ?? '');
    if (value !== '') text += `,${name}=${value}`;
  }
  return text;
}

/** What needs no thought: nearly every label. */
const PLAIN = /^[\w.:/-]*$/;

/**
 * A line break would end the line. The parser takes a backslash for itself only before other characters, and there is no
 * way to write it before these.
 */
function tagText(value: string): string {
  if (PLAIN.test(value)) return value;
  return value
    .replace(/\p{Cc}/gu, ' ')
    .trim()
    .replace(/\\(?=[\\,= ]|$)/g, '/')
    .replace(/[,= ]/g, '\\$&');
}
