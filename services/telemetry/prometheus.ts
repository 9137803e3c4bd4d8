import type { Snapshot } from '../shutdown/view.ts';
import { type Family, families, type Labels, type MetricKind } from './catalogue.ts';
import { type ProcessReading, processMetrics, readProcess } from './process-metrics.ts';

/**
 * The text exposition of one snapshot: only what is current in it, so that a series ends when its source goes stale.
 * @param own what the process says of itself; read at the call when absent
 */
export function prometheusText(snapshot: Snapshot, own: ProcessReading = readProcess()): string {
  let text = '';
  for (const family of families(snapshot)) text += familyLines(family);
  for (const { name, kind, help, value } of processMetrics) text += `${head(name, kind, help)}${name} ${value(own)}\n`;
  return text;
}

function familyLines({ metric, points }: Family): string {
  const { name, labels } = metric;
  let lines = head(name, metric.kind, metric.help);
  for (const point of points) lines += `${name}${labelText(labels, point.labels)} ${point.value}\n`;
  return lines;
}

/** The format knows neither state sets nor infos: both are gauges there. */
function head(name: string, kind: MetricKind, help: string): string {
  const escapedHelp = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return `# HELP ${name} ${escapedHelp}\n# TYPE ${name} ${kind === 'counter' ? 'counter' : 'gauge'}\n`;
}

function labelText(names: readonly string[], labels: Labels): string {
  let text = '';
  for (const name of names) {
    const value = labels[name];
    if (value !== undefined && value !== '') text += `${text === '' ? '' : ','}${name}="${escaped(value)}"`;
  }
  return text === '' ? '' : `{${text}}`;
}

/** What the format gives a meaning; nearly no label has any of it. */
const SPECIAL = /[\\"\n]/;

const escaped = (value: string): string =>
  SPECIAL.test(value) ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : value;
