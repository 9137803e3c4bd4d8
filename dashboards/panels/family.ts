import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import { influxql, type Shape } from './influxql.ts';
import { promql } from './promql.ts';
import { metricOf, type Present } from './query.ts';
import type { Ask } from './spec.ts';

/** How queries are written for one kind of database. */
export interface Family {
  readonly id: 'prometheus' | 'influxdb';
  /** Follows the boards' titles and uids. */
  readonly suffix: { readonly title: string; readonly uid: string };
  target(ask: Ask, refId: string, use: Use): cog.Builder<cog.Dataquery>;
  /** A variable with all values of a label. */
  variable(name: string, metric: string, label: string): cog.Builder<dashboard.VariableModel>;
  /** What a state set became, and when, as marks on every panel. `leave` is the state that is no event. */
  annotation(name: string, query: Present, leave: string, color: string): dashboard.AnnotationQuery;
}

/** Over time, one value now, or a table of values now. */
export type Use = 'over-time' | 'latest' | 'table';

/** The name a table's value column has before it is renamed; Prometheus gives this one by itself. */
export const valueColumn = (refId: string): string => `Value #${refId}`;

const source = (type: string) => ({ type, uid: '$' + '{datasource}' });

/** Prometheus and VictoriaMetrics. */
const prometheusFamily: Family = {
  id: 'prometheus',
  suffix: { title: '', uid: '' },
  target: (ask, refId, use) => {
    const query = new prometheus.DataqueryBuilder()
      .datasource(source('prometheus'))
      .refId(refId)
      .expr(promql(ask.query))
      .editorMode(prometheus.QueryEditorMode.Code)
      .legendFormat(ask.legend);
    if (use === 'over-time') return query.range();
    return use === 'table' ? query.instant().format(prometheus.PromQueryFormat.Table) : query.instant();
  },
  variable: (name, metric, label) =>
    variable(name, source('prometheus'))
      .query({ query: `label_values(${metricOf(metric).name}, ${label})`, refId: name })
      .allValue('.+'),
  annotation: (name, query, leave, color) => {
    const label = query.metric.states?.label ?? '';
    const expr = `max by (${query.metric.labels.join(', ')}) (${query.metric.name}{${label}!="${leave}"}) == 1`;
    return new dashboard.AnnotationQueryBuilder()
      .name(name)
      .datasource(source('prometheus'))
      .enable(true)
      .iconColor(color)
      .expr(expr)
      .step('10s')
      .titleFormat(name)
      .textFormat(query.metric.labels.map((each) => `{{${each}}}`).join(' '))
      .target({ build: () => dataquery({ refId: 'Anno', expr, range: true }) })
      .build();
  },
};

/** InfluxDB of any version, in InfluxQL. The SDK has no builder for it: a query is a plain object. */
const influxFamily: Family = {
  id: 'influxdb',
  suffix: { title: ' (InfluxDB)', uid: '-influxdb' },
  target: (ask, refId, use) => {
    const shape: Shape = use === 'over-time' ? 'over-time' : 'latest';
    const column = use === 'table' ? valueColumn(refId) : 'value';
    return {
      build: () =>
        dataquery({
          datasource: source('influxdb'),
          refId,
          query: influxql(ask.query, shape, column),
          rawQuery: true,
          resultFormat: use === 'table' ? 'table' : 'time_series',
          alias: use === 'table' ? '' : ask.legend.replaceAll(/\{\{(\w+)\}\}/g, '$tag_$1'),
        }),
    };
  },
  variable: (name, metric, label) =>
    variable(name, source('influxdb'))
      .query(`SHOW TAG VALUES FROM "${metricOf(metric).measurement}" WITH KEY = "${label}"`)
      .allValue('.+'),
  annotation: (name, { metric }, leave, color) => {
    const label = metric.states?.label ?? '';
    const tags = metric.labels.map((each) => `"${each}"`).join(', ');
    const steps = `SELECT difference("${metric.field}") AS "step" FROM "${metric.measurement}" WHERE $timeFilter AND "${label}" != '${leave}' GROUP BY ${tags}`;
    const fields = {
      query: `SELECT "step", ${tags} FROM (${steps}) WHERE "step" > 0`,
      rawQuery: true,
      fromAnnotations: true,
      textEditor: true,
      resultFormat: 'time_series',
      textColumn: label,
      tagsColumn: metric.labels.filter((each) => each !== label).join(','),
    };
    const annotation = new dashboard.AnnotationQueryBuilder()
      .name(name)
      .datasource(source('influxdb'))
      .enable(true)
      .iconColor(color)
      .target({ build: () => dataquery({ refId: 'Anno', ...fields }) })
      .build();
    return { ...annotation, ...fields };
  },
};

/** Every family; the first is the one that alerts and links name. */
export const families: readonly Family[] = [prometheusFamily, influxFamily];

function variable(name: string, datasource: { type: string; uid: string }): dashboard.QueryVariableBuilder {
  return new dashboard.QueryVariableBuilder(name)
    .label(name.charAt(0).toUpperCase() + name.slice(1))
    .datasource(datasource)
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.NaturalAsc)
    .multi(true)
    .includeAll(true)
    .current({ selected: true, text: 'All', value: '$__all' });
}

function dataquery(fields: Readonly<Record<string, unknown>>): cog.Dataquery {
  // Marks an object as a query for the type checker and has nothing to do at run time.
  const marked = { ...fields, _implementsDataqueryVariant: () => {} };
  Object.defineProperty(marked, '_implementsDataqueryVariant', { enumerable: false });
  return marked;
}
