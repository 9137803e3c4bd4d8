import type { Snapshot } from '../shutdown/view.ts';
import { energyMetrics } from './catalogue/energy.ts';
import { hostMetrics } from './catalogue/hosts.ts';
import { mainsMetrics } from './catalogue/mains.ts';
import { packMetrics } from './catalogue/pack.ts';
import { poeMetrics } from './catalogue/poe.ts';
import { powerMetrics } from './catalogue/power.ts';
import { serviceMetrics } from './catalogue/service.ts';
import { shutdownMetrics } from './catalogue/shutdown.ts';
import { upsMetrics } from './catalogue/ups.ts';
import type { Metric, Point } from './metric.ts';

export {
  type HomeAssistantWords,
  type Labels,
  type Metric,
  type MetricKind,
  type MqttPlace,
  mqttPath,
  type NutWords,
  ONLY_ONE,
  type Point,
  type TopicKind,
} from './metric.ts';
export { UNITS, type Unit, type UnitWords } from './units.ts';

/** Every number we publish, once. All sinks, generated docs, dashboards and alerts are made from these rows. */
export const catalogue: readonly Metric[] = [
  ...packMetrics,
  ...powerMetrics,
  ...upsMetrics,
  ...mainsMetrics,
  ...poeMetrics,
  ...shutdownMetrics,
  ...hostMetrics,
  ...energyMetrics,
  ...serviceMetrics,
];

/** A metric and its current points, each label set once. */
export interface Family {
  readonly metric: Metric;
  readonly points: readonly Point[];
}

/** Everything a snapshot says right now; metrics without a current value are left out. Pure. */
export function families(snapshot: Snapshot): readonly Family[] {
  return catalogue
    .map((metric) => ({ metric, points: distinct(metric, metric.read(snapshot)) }))
    .filter(({ points }) => points.length > 0);
}

/** A second value for one label set would make Prometheus refuse the scrape; the first one stays. */
function distinct({ labels }: Metric, points: readonly Point[]): readonly Point[] {
  if (points.length < 2) return points;
  const seen = new Set<string>();
  return points.filter((point) => {
    let key = '';
    // The length keeps two values from running into each other.
    for (const label of labels) {
      const value = point.labels[label] ?? '';
      key += `${value.length} ${value}`;
    }
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
