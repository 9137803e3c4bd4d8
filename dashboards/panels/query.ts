import { catalogue, type Metric } from '#catalogue';

/** What a panel or a variable asks, in no database's language: rows of the catalogue and what is done with them. */

/** One value exactly, one of several, anything but one, or what the board's variable of this name has chosen. */
export type Match =
  | string
  | readonly string[]
  | { readonly not: string | readonly string[] }
  | { readonly chosen: string };

export interface Read {
  readonly kind: 'read';
  readonly metric: Metric;
  readonly where: Readonly<Record<string, Match>>;
  /** Labels that stay; the others are folded away by `over`. */
  readonly by: readonly string[];
  readonly over: 'max' | 'min' | 'sum';
  /** A counter's growth per second, or its growth within the range of the board. */
  readonly growth?: 'per-second' | 'in-range';
  readonly scale: number;
}

/** The number of the state that is present, from 1, in the catalogue's order. */
export interface Present {
  readonly kind: 'present';
  readonly metric: Metric;
  readonly where: Readonly<Record<string, Match>>;
  readonly by: readonly string[];
}

/** Two readings of the same thing, taken together. InfluxQL can only do so within one measurement. */
export interface Both {
  readonly kind: 'both';
  readonly left: Read;
  readonly op: '*' | '/';
  readonly right: Read;
  readonly by: readonly string[];
}

export type Query = Read | Present | Both;

const byName = new Map(catalogue.map((metric) => [metric.name, metric]));

/** The catalogue's row of a name without its prefix. @throws Error when there is none: a board can only ask what exists */
export function metricOf(name: string): Metric {
  const metric = byName.get(`holdover_${name}`);
  if (metric === undefined) throw new Error(`no metric holdover_${name} in the catalogue`);
  return metric;
}

export interface ReadOptions {
  readonly where?: Readonly<Record<string, Match>>;
  readonly by?: readonly string[];
  readonly over?: Read['over'];
  readonly growth?: Read['growth'];
  readonly scale?: number;
}

const NOWHERE: Read['where'] = {};

/** @param name a name of the catalogue without `holdover_` */
export function read(name: string, options: ReadOptions = {}): Read {
  const metric = metricOf(name);
  const { where = NOWHERE, by = metric.labels, over = 'max', growth, scale = 1 } = options;
  known(metric, [...by, ...Object.keys(where)]);
  return { kind: 'read', metric, where, by, over, scale, ...(growth === undefined ? {} : { growth }) };
}

/** @param name a state set of the catalogue without `holdover_` */
export function present(name: string, where: Readonly<Record<string, Match>> = {}): Present {
  const metric = metricOf(name);
  const { states } = metric;
  if (states === undefined) throw new Error(`${metric.name} has no states`);
  known(metric, Object.keys(where));
  return { kind: 'present', metric, where, by: metric.labels.filter((label) => label !== states.label) };
}

/** @throws Error when the two are not of one measurement, or not plain readings of the same things */
export function both(left: Read, op: Both['op'], right: Read): Both {
  const plain = [left, right].every(
    ({ by, metric, growth, scale }) => by.length === metric.labels.length && growth === undefined && scale === 1,
  );
  if (!plain || left.metric.measurement !== right.metric.measurement || left.where !== right.where)
    throw new Error(`${left.metric.name} and ${right.metric.name} cannot be taken together`);
  return { kind: 'both', left, op, right, by: left.by };
}

/** The metrics a query reads. */
export const metricsIn = (query: Query): readonly Metric[] =>
  query.kind === 'both' ? [query.left.metric, query.right.metric] : [query.metric];

function known(metric: Metric, labels: readonly string[]): void {
  const strange = labels.find((label) => !metric.labels.includes(label));
  if (strange !== undefined) throw new Error(`${metric.name} has no label ${strange}`);
}
