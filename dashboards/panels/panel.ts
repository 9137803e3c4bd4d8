import * as bargauge from '@grafana/grafana-foundation-sdk/bargauge';
import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as gauge from '@grafana/grafana-foundation-sdk/gauge';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as statetimeline from '@grafana/grafana-foundation-sdk/statetimeline';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';
import { type Family, type Use, valueColumn } from './family.ts';
import { metricsIn } from './query.ts';
import type { Ask, PanelSpec, Word } from './spec.ts';

/** The points of a push are this far apart; finer steps would have gaps. */
const FINEST = '10s';

/** A panel as Grafana wants it, without its place on the board. */
export function panelOf(spec: PanelSpec, family: Family): dashboard.Panel {
  const builder = visual(spec)
    .title(spec.title)
    .description(spec.description)
    .datasource({ type: family.id, uid: '$' + '{datasource}' })
    .interval(FINEST)
    .targets(spec.asks.map((ask, at) => family.target(ask, refIdOf(at), useOf(spec))))
    .unit(unitOf(spec, spec.asks[0]))
    .colorScheme(colors(spec))
    .thresholds(thresholds(spec));
  if (spec.min !== undefined) builder.min(spec.min);
  if (spec.max !== undefined) builder.max(spec.max);
  if (spec.decimals !== undefined) builder.decimals(spec.decimals);
  if (spec.empty !== undefined) builder.noValue(spec.empty);
  if (spec.words !== undefined) builder.mappings([mapping(spec.words)]);
  for (const [at, ask] of spec.asks.entries()) {
    if (ask.unit !== undefined && spec.kind !== 'table')
      builder.overrideByQuery(refIdOf(at), [{ id: 'unit', value: ask.unit }]);
  }
  return builder.build();
}

const refIdOf = (at: number): string => String.fromCharCode('A'.charCodeAt(0) + at);

const useOf = ({ kind }: PanelSpec): Use => {
  if (kind === 'table') return 'table';
  return kind === 'lines' || kind === 'states' ? 'over-time' : 'latest';
};

function unitOf(spec: PanelSpec, ask: Ask | undefined): string {
  const [metric] = ask === undefined ? [] : metricsIn(ask.query);
  return ask?.unit ?? spec.unit ?? metric?.grafanaUnit ?? 'short';
}

type Visual =
  | timeseries.PanelBuilder
  | stat.PanelBuilder
  | gauge.PanelBuilder
  | bargauge.PanelBuilder
  | statetimeline.PanelBuilder
  | table.PanelBuilder;

function visual(spec: PanelSpec): Visual {
  switch (spec.kind) {
    case 'lines':
      return overTime(spec);
    case 'stat':
      return new stat.PanelBuilder()
        .reduceOptions(latest())
        .graphMode(common.BigValueGraphMode.None)
        .colorMode(common.BigValueColorMode.Value)
        .textMode(spec.asks.length > 1 ? common.BigValueTextMode.ValueAndName : common.BigValueTextMode.Auto);
    case 'gauge':
      return new gauge.PanelBuilder().reduceOptions(latest()).showThresholdMarkers(true);
    case 'bars':
      return new bargauge.PanelBuilder()
        .reduceOptions(latest())
        .displayMode(common.BarGaugeDisplayMode.Basic)
        .orientation(common.VizOrientation.Horizontal);
    case 'states':
      return new statetimeline.PanelBuilder()
        .mergeValues(true)
        .showValue(common.VisibilityMode.Auto)
        .rowHeight(0.85)
        .perPage(30)
        .fillOpacity(75)
        .lineWidth(0)
        .legend(new common.VizLegendOptionsBuilder().showLegend(false).calcs([]));
    case 'table':
      return rows(spec);
  }
}

const latest = (): cog.Builder<common.ReduceDataOptions> =>
  new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false);

function overTime(spec: PanelSpec): timeseries.PanelBuilder {
  const builder = new timeseries.PanelBuilder()
    .lineWidth(1)
    .fillOpacity(spec.stacked ? 40 : 5)
    .showPoints(common.VisibilityMode.Never)
    .tooltip(
      new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending),
    )
    .legend(
      new common.VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(common.LegendDisplayMode.List)
        .placement(common.LegendPlacement.Bottom)
        .calcs([]),
    );
  if (spec.stacked) builder.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group('A'));
  if (spec.steps !== undefined)
    builder.thresholdsStyle(
      new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Dashed),
    );
  return builder;
}

/** One answer per column, put side by side where they speak of the same thing. */
function rows(spec: PanelSpec): table.PanelBuilder {
  const { rowsBy = '', asks } = spec;
  // Prometheus calls the column of an only answer just that.
  const columnsOf = (at: number) => [valueColumn(refIdOf(at)), ...(asks.length === 1 ? ['Value'] : [])];
  const names = asks.flatMap(({ legend }, at) => columnsOf(at).map((column) => [column, legend]));
  const hidden = ['Time', ...asks.map((_, at) => `Time ${at + 1}`)];
  // The value of an info is always 1; what it tells is in its labels.
  for (const [at, { query }] of asks.entries())
    if (metricsIn(query).some(({ kind }) => kind === 'info')) hidden.push(...columnsOf(at));
  const builder = new table.PanelBuilder()
    .showHeader(true)
    .cellHeight(common.TableCellHeight.Sm)
    .filterable(true)
    .withTransformation({ id: 'joinByField', options: { byField: rowsBy, mode: 'outer' } })
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: Object.fromEntries(hidden.map((name) => [name, true])),
        indexByName: {},
        renameByName: Object.fromEntries(names),
      },
    });
  for (const ask of asks) {
    const { query, legend } = ask;
    const words = query.kind === 'present' ? spec.words : undefined;
    builder.overrideByName(legend, [
      {
        id: 'unit',
        value: unitOf({ ...spec, unit: 'short' }, { unit: metricsIn(query)[0]?.grafanaUnit ?? 'short', ...ask }),
      },
      ...(words === undefined
        ? [{ id: 'mappings', value: [] }]
        : [{ id: 'custom.cellOptions', value: { type: 'color-text' } }]),
    ]);
  }
  return builder;
}

const colors = (spec: PanelSpec): cog.Builder<dashboard.FieldColor> =>
  new dashboard.FieldColorBuilder().mode(
    spec.kind === 'lines' ? dashboard.FieldColorModeId.PaletteClassicByName : dashboard.FieldColorModeId.Thresholds,
  );

function thresholds({ steps = [{ color: 'text' }] }: PanelSpec): cog.Builder<dashboard.ThresholdsConfig> {
  return new dashboard.ThresholdsConfigBuilder()
    .mode(dashboard.ThresholdsMode.Absolute)
    .steps(steps.map(({ from, color }) => ({ value: from ?? null, color })));
}

const mapping = (words: readonly Word[]): dashboard.ValueMap => ({
  type: dashboard.MappingType.ValueToText,
  options: Object.fromEntries(words.map(({ value, text, color }, index) => [String(value), { text, color, index }])),
});
