import type { Query } from './query.ts';

/** What a panel shows, before it is written for a database. */

export interface Ask {
  readonly query: Query;
  /** Name of the series; `{{label}}` is that label's value. In a table, the heading of the column. */
  readonly legend: string;
  /** Unit of this series where it differs from the panel's. */
  readonly unit?: string;
}

export interface Step {
  /** In the panel's unit; the first step of a panel has none. */
  readonly from?: number;
  readonly color: Color;
}

export type Color = 'green' | 'yellow' | 'orange' | 'red' | 'blue' | 'purple' | 'gray' | 'text';

/** A number that stands for a word. */
export interface Word {
  readonly value: number;
  readonly text: string;
  readonly color: Color;
}

export interface PanelSpec {
  readonly kind: 'lines' | 'stat' | 'gauge' | 'bars' | 'states' | 'table';
  readonly title: string;
  readonly description: string;
  readonly asks: readonly Ask[];
  /** Of 24 columns. */
  readonly width: number;
  readonly height: number;
  /** Grafana's id; that of the first query's metric when absent. */
  readonly unit?: string;
  readonly min?: number;
  readonly max?: number;
  readonly decimals?: number;
  readonly steps?: readonly Step[];
  readonly words?: readonly Word[];
  readonly stacked?: boolean;
  /** The label whose values are the rows of a table. */
  readonly rowsBy?: string;
  /** What a panel says that has no data, where that is nothing bad. */
  readonly empty?: string;
}

const spec =
  (kind: PanelSpec['kind'], width: number, height: number) =>
  (
    title: string,
    description: string,
    asks: readonly Ask[],
    more: Partial<Omit<PanelSpec, 'kind' | 'title' | 'description' | 'asks'>> = {},
  ): PanelSpec => ({ kind, title, description, asks, width, height, ...more });

/** Values over time. */
export const lines = spec('lines', 12, 8);
/** One number, now. */
export const stat = spec('stat', 4, 4);
/** One number between its bounds, now. */
export const gauge = spec('gauge', 4, 6);
/** One bar per series, now. */
export const bars = spec('bars', 8, 8);
/** What was when, in words. */
export const states = spec('states', 24, 8);
/** One line per thing, now. */
export const table = spec('table', 24, 10);

/** A series of a panel. */
export const ask = (query: Query, legend: string, unit?: string): Ask => ({
  query,
  legend,
  ...(unit === undefined ? {} : { unit }),
});

/** The words of 0 and 1. */
export const yesNo = (yes: string, no: string, good: 'yes' | 'no' = 'yes'): readonly Word[] => [
  { value: 1, text: yes, color: good === 'yes' ? 'green' : 'red' },
  { value: 0, text: no, color: good === 'yes' ? 'red' : 'green' },
];

/** The words of a state set, as `present` numbers them. @throws Error when a state has no color */
export function stateWords(query: Query, colors: Readonly<Record<string, Color>>): readonly Word[] {
  const values = query.kind === 'present' ? (query.metric.states?.values ?? []) : [];
  return values.map((text, at) => {
    const color = colors[text];
    if (color === undefined) throw new Error(`the state ${text} has no color`);
    return { value: at + 1, text, color };
  });
}
