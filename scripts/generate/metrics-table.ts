import { catalogue, type Metric, UNITS } from '../../services/telemetry/catalogue.ts';

const HEAD = `<!-- Generated from services/telemetry/catalogue.ts by scripts/generate. Do not edit. -->

# Metrics

Every number holdover publishes. A value that is stale or was never told has no point: the series ends, and
\`holdover_device_fresh\` and \`holdover_device_sample_age_seconds\` say why.

- **Prometheus** and **VictoriaMetrics** use the name in the first column, scraped or pushed.
- **InfluxDB** has it as a field of a measurement; labels are tags, times are milliseconds.
- **MQTT** has it in the JSON of the topic \`<root>/<kind>/<id>/state\`, energies in Wh and charges in Ah.

State sets have one series per state: 1 for the present one, 0 for the others. Infos are always 1.
`;

/** The page of all metrics, docs/generated/metrics.md. */
export function metricsTable(): string {
  const groups = Map.groupBy(catalogue, ({ name }) => name.split('_')[1] ?? '');
  return `${[HEAD, ...[...groups].map(([group, metrics]) => section(group, metrics))].join('\n')}`;
}

function section(group: string, metrics: readonly Metric[]): string {
  const rows = metrics.map((metric) =>
    row([
      `\`${metric.name}\``,
      metric.kind,
      UNITS[metric.unit].symbol,
      metric.labels.map((label) => `\`${label}\``).join(' '),
      states(metric),
      `\`${metric.measurement}\` \`${metric.field}\``,
      place(metric),
    ]),
  );
  const head = row(['Metric', 'Kind', 'Unit', 'Labels', 'Meaning', 'InfluxDB measurement, field', 'MQTT']);
  return `## ${group}\n\n${head}\n${row(Array.from({ length: 7 }, () => '---'))}\n${rows.join('\n')}\n`;
}

const row = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;

function states({ help, states: set }: Metric): string {
  return set === undefined ? help : `${help} States: ${set.values.map((value) => `\`${value}\``).join(', ')}.`;
}

function place({ mqtt }: Metric): string {
  if (!mqtt) return '';
  const path = mqtt.path
    .map((key) => key.replace(/^:(.*)/, '<$1>').replace(/^#(.*)/, '[<$1> - 1]'))
    .join('.')
    .replaceAll('.[', '[');
  return `\`${mqtt.kind}/${mqtt.id === undefined ? 'main' : `<${mqtt.id}>`}\` \`${path}\``;
}
