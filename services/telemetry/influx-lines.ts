import type { Snapshot } from '../shutdown/view.ts';
import { families, type Labels } from './catalogue.ts';

type PointClass = typeof import('@influxdata/influxdb-client').Point;

interface Line {
  readonly measurement: string;
  readonly tags: Labels;
  readonly atMs: number;
  readonly fields: Map<string, number>;
}

/**
 * The current values of a snapshot as line protocol with millisecond stamps. One line holds all fields of one thing at
 * one moment. Every number is a float: a field keeps the type of its first write, and a change of it is refused.
 */
export function influxLines(snapshot: Snapshot, Point: PointClass): readonly string[] {
  const lines = new Map<string, Line>();
  for (const { metric, points } of families(snapshot)) {
    for (const point of points) {
      const tags = tagsOf(metric.labels, point.labels);
      const key = JSON.stringify([metric.measurement, tags, point.atMs]);
      const line = lines.get(key) ?? { measurement: metric.measurement, tags, atMs: point.atMs, fields: new Map() };
      line.fields.set(metric.field, point.value);
      lines.set(key, line);
    }
  }
  return [...lines.values()].flatMap((line) => serialised(line, Point));
}

function serialised(line: Line, Point: PointClass): readonly string[] {
  const point = new Point(line.measurement);
  for (const [name, value] of Object.entries(line.tags)) point.tag(name, value);
  for (const [name, value] of line.fields) point.floatField(name, value);
  point.timestamp(Math.round(line.atMs));
  // The precision of the write request says that the stamp is in milliseconds.
  const text = point.toLineProtocol({ convertTime: (time) => String(time) });
  return text === undefined ? [] : [text];
}

/**
 * Empty tags are a parse error and a line break would end the line. The parser takes a backslash for itself only before
 * other characters, and there is no way to write it before these.
 */
const tagText = (value: string): string =>
  value
    .replace(/\p{Cc}/gu, ' ')
    .trim()
    .replace(/\\(?=[\\,= ]|$)/g, '/');

function tagsOf(names: readonly string[], labels: Labels): Labels {
  const tags: Record<string, string> = {};
  for (const name of names) {
    const value = tagText(labels[name] ?? '');
    if (value !== '') tags[name] = value;
  }
  return tags;
}
