import type { Metric } from '#catalogue';
import type { Match, Query, Read } from './query.ts';

/**
 * A query as InfluxQL, the language every InfluxDB has. `over-time` gives a value per `$__interval`, `latest` the last one
 * in the range of the board: InfluxQL knows no moment at which a series ends.
 */
export type Shape = 'over-time' | 'latest';

/** @param column name of the value's column in a table */
export function influxql(query: Query, shape: Shape, column = 'value'): string {
  switch (query.kind) {
    case 'read':
      return reading(query, shape, column);
    case 'present': {
      const { metric, where, by } = query;
      const states = metric.states ?? { label: '', values: [] };
      const each = states.values.map((value, at) => {
        const field = `last(${quoted(metric.field)}) * ${at + 1}`;
        return `(${select(field, 'v', metric, { ...where, [states.label]: value }, grouping(shape, by))})`;
      });
      return outer('max("v")', column, each.join(', '), shape, by);
    }
    case 'both': {
      const { left, op, right, by } = query;
      const value = `${inner(left, shape)} ${op} ${inner(right, shape)}`;
      return select(value, column, left.metric, left.where, grouping(shape, by, 'null'));
    }
  }
}

function reading(read: Read, shape: Shape, column: string): string {
  const { metric, where, by, over, growth, scale } = read;
  const times = scale === 1 ? '' : ` * ${scale}`;
  const value = inner(read, shape);
  if (by.length === metric.labels.length) {
    return select(value + times, column, metric, where, grouping(shape, by, growth === undefined ? 'null' : 'none'));
  }
  const parts = select(value, 'v', metric, where, grouping(shape, metric.labels, 'none'));
  return outer(`${over}("v")${times}`, column, `(${parts})`, shape, by);
}

/** How the points of one series become one value. */
function inner({ metric, growth }: Read, shape: Shape): string {
  const field = quoted(metric.field);
  if (growth === 'per-second') return `non_negative_derivative(last(${field}), 1s)`;
  if (growth === 'in-range') return `spread(${field})`;
  const asIs = shape === 'latest' || metric.unit === 'boolean' || metric.kind !== 'gauge';
  return asIs ? `last(${field})` : `mean(${field})`;
}

const select = (
  value: string,
  column: string,
  metric: Metric,
  where: Readonly<Record<string, Match>>,
  rest: string,
): string =>
  `SELECT ${value} AS ${quoted(column)} FROM ${quoted(metric.measurement)} WHERE ${conditions(where)}${rest}`;

const outer = (value: string, column: string, sources: string, shape: Shape, by: readonly string[]): string =>
  `SELECT ${value} AS ${quoted(column)} FROM ${sources} WHERE $timeFilter${grouping(shape, by, 'null')}`;

function grouping(shape: Shape, by: readonly string[], fill: 'null' | 'none' = 'none'): string {
  const keys = [...(shape === 'over-time' ? ['time($__interval)'] : []), ...by.map(quoted)];
  if (keys.length === 0) return '';
  return ` GROUP BY ${keys.join(', ')}${shape === 'over-time' ? ` fill(${fill})` : ''}`;
}

const conditions = (where: Readonly<Record<string, Match>>): string =>
  ['$timeFilter', ...Object.entries(where).map(([tag, match]) => condition(tag, match))].join(' AND ');

function condition(tag: string, match: Match): string {
  const name = quoted(tag);
  if (typeof match === 'string') return `${name} = '${match}'`;
  if ('chosen' in match) return `${name} =~ /^$${match.chosen}$/`;
  if (!('not' in match)) return `${name} =~ /^(${match.join('|')})$/`;
  const { not } = match;
  return typeof not === 'string' ? `${name} != '${not}'` : `${name} !~ /^(${not.join('|')})$/`;
}

const quoted = (name: string): string => `"${name}"`;
