import { readdirSync, readFileSync } from 'node:fs';

/** The committed boards, as Grafana reads them. */

export interface Target {
  readonly refId: string;
  readonly datasource: { readonly uid: string };
  readonly expr?: string;
  readonly instant?: boolean;
  readonly query?: string;
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly targets?: readonly Target[];
  readonly transformations?: readonly { readonly id: string; readonly options: unknown }[];
  readonly panels?: readonly Panel[];
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
}

export interface Variable {
  readonly name: string;
  readonly type: string;
  readonly label?: string;
  readonly query: string | { readonly query: string };
  readonly refresh?: number;
  readonly includeAll?: boolean;
  readonly multi?: boolean;
}

export interface Board {
  readonly file: string;
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly editable: boolean;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
  readonly annotations: {
    readonly list: readonly {
      readonly name: string;
      readonly target: { readonly expr?: string; readonly query?: string };
    }[];
  };
}

export type FamilyId = 'prometheus' | 'influxdb';

export function boardsOf(family: FamilyId): readonly Board[] {
  const folder = `dashboards/out/${family}`;
  return readdirSync(folder).map((file) => ({
    ...(JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')) as Omit<Board, 'file'>),
    file,
  }));
}

/** Panels with data, also those of collapsed rows. */
export const panelsOf = ({ panels }: Board): readonly Panel[] =>
  panels.flatMap((panel) => (panel.type === 'row' ? (panel.panels ?? []) : [panel]));

export interface Asked {
  /** `board, panel, refId`: the same in every family. */
  readonly where: string;
  readonly text: string;
  readonly instant: boolean;
}

export function queriesOf(family: FamilyId): readonly Asked[] {
  return boardsOf(family).flatMap((board) =>
    panelsOf(board).flatMap((panel) =>
      (panel.targets ?? []).map(({ refId, expr, query, instant = false }) => ({
        where: `${board.uid.replace('-influxdb', '').replace('holdover-', '')}, ${panel.title}, ${refId}`,
        text: expr ?? query ?? '',
        instant,
      })),
    ),
  );
}
