import type { Snapshot } from '../shutdown/view.ts';
import { type Family, families, type Labels, type MetricKind } from './catalogue.ts';
import { type ProcessReading, processMetrics, readProcess } from './process-metrics.ts';

/**
 * The text exposition of one snapshot: only what is current in it, so that a series ends when its source goes stale.
 * @param own what the process says of itself; read at the call when absent
 */
export function prometheusText(snapshot: Snapshot, own: ProcessReading = readProcess()): string {
  const lines = families(snapshot).flatMap(familyLines);
  for (const { name, kind, help, value } of processMetrics) {
    lines.push(...head(name, kind, help), `${name} ${value(own)}`);
  }
  return `${lines.join('\n')}\n`;
}

function familyLines({ metric, points }: Family): string[] {
  return [
    ...head(metric.name, metric.kind, metric.help),
    ...points.map((point) => `${metric.name}${labelText(metric.labels, point.labels)} ${point.value}`),
  ];
}

/** The format knows neither state sets nor infos: both are gauges there. */
function head(name: string, kind: MetricKind, help: string): string[] {
  return [
    `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`,
    `# TYPE ${name} ${kind === 'counter' ? 'counter' : 'gauge'}`,
  ];
}

function labelText(names: readonly string[], labels: Labels): string {
  const pairs = names
    .filter((name) => labels[name] !== undefined && labels[name] !== '')
    .map((name) => `${name}="${escaped(labels[name] ?? '')}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

const escaped = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
