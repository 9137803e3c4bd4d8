import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import type { Family } from '../panels/family.ts';
import { panelOf } from '../panels/panel.ts';
import { present } from '../panels/query.ts';
import type { PanelSpec } from '../panels/spec.ts';

/** A board: rows of panels, laid out from left to right, in one column or in several beside each other. */
export interface BoardSpec {
  /** Follows `holdover-` in uid and file name. */
  readonly id: string;
  readonly title: string;
  readonly description: string;
  /** Variables by name, with the metric and the label whose values they hold. */
  readonly variables: readonly { readonly name: string; readonly metric: string; readonly label: string }[];
  readonly rows: readonly RowSpec[];
}

export interface RowSpec {
  readonly title: string;
  readonly collapsed?: boolean;
  readonly columns: readonly Column[];
}

export interface Column {
  /** All columns of a row together are 24 wide. */
  readonly width: number;
  readonly panels: readonly PanelSpec[];
}

/** One column over the whole width. */
export const row = (title: string, panels: readonly PanelSpec[], collapsed = false): RowSpec => ({
  title,
  columns: [{ width: 24, panels }],
  ...(collapsed ? { collapsed } : {}),
});

const TAG = 'holdover';

/** The board as Grafana reads it. Deterministic: the same catalogue gives the same text. */
export function boardOf(spec: BoardSpec, family: Family): dashboard.Dashboard {
  const tag = `${TAG}-${family.id}`;
  const builder = new dashboard.DashboardBuilder(`holdover: ${spec.title}${family.suffix.title}`)
    .uid(uidOf(spec, family))
    .description(spec.description)
    .tags([TAG, tag])
    .readonly()
    .refresh('10s')
    .time({ from: 'now-3h', to: 'now' })
    .timezone('browser')
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .link(
      new dashboard.DashboardLinkBuilder('holdover')
        .type(dashboard.DashboardLinkType.Dashboards)
        .tags([tag])
        .asDropdown(true)
        .keepTime(true),
    )
    .withVariable(new dashboard.DatasourceVariableBuilder('datasource').label('Data source').type(family.id).regex(''));
  for (const { name, metric, label } of spec.variables) builder.withVariable(family.variable(name, metric, label));
  return { ...builder.build(), panels: placed(spec, family), annotations: { list: annotations(family) } };
}

export const uidOf = (spec: BoardSpec, family: Family): string => `holdover-${spec.id}${family.suffix.uid}`;

const annotations = (family: Family): dashboard.AnnotationQuery[] => [
  family.annotation('Phase', present('shutdown_phase'), 'mains', 'orange'),
  family.annotation('Stage', present('stage_state'), 'waiting', 'purple'),
];

type Placed = dashboard.Dashboard['panels'];

function placed(spec: BoardSpec, family: Family): NonNullable<Placed> {
  const panels: NonNullable<Placed> = [];
  let [y, id] = [0, 0];
  for (const each of spec.rows) {
    const { collapsed = false } = each;
    id += 1;
    const head: dashboard.RowPanel = {
      type: 'row',
      id,
      title: each.title,
      collapsed,
      gridPos: { x: 0, y, w: 24, h: 1 },
      panels: [],
    };
    panels.push(head);
    y += 1;
    const top = y;
    let x = 0;
    for (const { width, panels: specs } of each.columns) {
      let [left, line, height] = [0, top, 0];
      for (const one of specs) {
        if (left + one.width > width) [left, line, height] = [0, line + height, 0];
        id += 1;
        const panel = { ...panelOf(one, family), id, gridPos: { x: x + left, y: line, w: one.width, h: one.height } };
        if (collapsed) head.panels.push(panel);
        else panels.push(panel);
        left += one.width;
        height = Math.max(height, one.height);
        y = Math.max(y, line + height);
      }
      x += width;
    }
  }
  return panels;
}
