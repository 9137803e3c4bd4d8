import type { Metric } from '#catalogue';
import type { Match, Query, Read } from './query.ts';

/**
 * A query as PromQL, for Prometheus and VictoriaMetrics. Everything is folded onto the catalogue's own labels, so that
 * `job`, `instance` and `db`, which depend on the way the data came, make no difference.
 */
export function promql(query: Query): string {
  switch (query.kind) {
    case 'read':
      return reading(query);
    case 'present': {
      const { metric, where, by } = query;
      const states = metric.states ?? { label: '', values: [] };
      const each = states.values.map(
        (value, at) => `${selector(metric, { ...where, [states.label]: value })} * ${at + 1}`,
      );
      return folded('max', by, each.join(' or '));
    }
    case 'both': {
      const { left, op, right, by } = query;
      return `${reading(left)} ${op} on (${by.join(', ')}) ${reading(right)}`;
    }
  }
}

function reading({ metric, where, by, over, growth, scale }: Read): string {
  const series = selector(metric, where);
  const grown =
    growth === 'per-second'
      ? `rate(${series}[$__rate_interval])`
      : growth === 'in-range'
        ? `increase(${series}[$__range])`
        : series;
  const text = folded(over, by, grown);
  return scale === 1 ? text : `${text} * ${scale}`;
}

const folded = (over: string, by: readonly string[], inner: string): string =>
  by.length === 0 ? `${over}(${inner})` : `${over} by (${by.join(', ')}) (${inner})`;

/** `name{label="value"}`. */
export function selector(metric: Metric, where: Readonly<Record<string, Match>>): string {
  const matchers = Object.entries(where).map(([label, match]) => matcher(label, match));
  return matchers.length === 0 ? metric.name : `${metric.name}{${matchers.join(',')}}`;
}

function matcher(label: string, match: Match): string {
  if (typeof match === 'string') return `${label}=${JSON.stringify(match)}`;
  if ('chosen' in match) return `${label}=~"$${match.chosen}"`;
  if (!('not' in match)) return `${label}=~${JSON.stringify(match.join('|'))}`;
  const { not } = match;
  return typeof not === 'string' ? `${label}!=${JSON.stringify(not)}` : `${label}!~${JSON.stringify(not.join('|'))}`;
}
