import { selector } from '../panels/promql.ts';
import { type Match, metricOf } from '../panels/query.ts';

/** An alert, before it is written for Prometheus or Grafana. */
export interface Rule {
  /** Its section in docs/runbook.md has the same name. */
  readonly name: string;
  readonly severity: 'critical' | 'warning' | 'info';
  /** PromQL that has a series for each thing that is wrong, whatever its value. */
  readonly expr: string;
  /** How long it must be so, as Prometheus writes it. */
  readonly for: string;
  /** One line; `{{ $labels.x }}` is filled in. */
  readonly summary: string;
  /** Fires when nothing is heard any more: a database that cannot be asked counts as that. */
  readonly liveness?: true;
}

/** Rules that answer one question. */
export interface Group {
  readonly name: string;
  readonly rules: readonly Rule[];
}

/** A selector over a metric of the catalogue, by its name without `holdover_`. @throws Error when there is none */
export function m(name: string, where: Readonly<Record<string, Match>> = {}): string {
  const metric = metricOf(name);
  const strange = Object.keys(where).find((label) => !metric.labels.includes(label));
  if (strange !== undefined) throw new Error(`${metric.name} has no label ${strange}`);
  return selector(metric, where);
}

/** Folded onto the metric's own labels, so that two ways into one database raise one alert. */
export function each(name: string, where: Readonly<Record<string, Match>> = {}): string {
  const { labels } = metricOf(name);
  return labels.length === 0 ? `max(${m(name, where)})` : `max by (${labels.join(', ')}) (${m(name, where)})`;
}

/** The anchor of a rule's section in the runbook. */
export const runbook = ({ name }: Rule): string => `docs/runbook.md#${name.toLowerCase()}`;
