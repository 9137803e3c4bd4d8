import { type Column, figure, type GroupColumn, type PortColumn } from './columns.ts';
import type { SwitchingColumn } from './rfc3621.ts';

/** What a private MIB tells beside RFC 3621, or in its place. RFC 3621 has no watts per port. */
export interface VendorTable {
  /** Go before the columns of RFC 3621: they know more (classes above 4). */
  readonly before: readonly Column[];
  /** Go after: RFC 3621 wins where it tells the same. */
  readonly after: readonly Column[];
  /** For switches whose ports are not switched through RFC 3621. */
  readonly switching?: SwitchingColumn;
  /** Its rows are numbered in another way than those of RFC 3621, so of that only the budget is taken. */
  readonly alone?: true;
}

type Index = PortColumn['index'];
type Scales = {
  readonly [F in 'powerW' | 'voltageV' | 'currentA' | 'reservedW']?: readonly [column: number, scale: number];
};

export const MILLI = 0.001;
export const DECI = 0.1;
/** Class 8 at its port is 90 W; more is another unit, or nonsense. */
const MOST = { powerW: 200, reservedW: 200, voltageV: 100, currentA: 5 } as const;
/** No supply has more, W. */
const MOST_SUPPLY_W = 65_535;

/** Columns with figures of ports. @param entry OID of the row, without a column */
export const figures = (entry: string, index: Index, scales: Scales): Column[] =>
  (['powerW', 'voltageV', 'currentA', 'reservedW'] as const).flatMap((field) => {
    const place = scales[field];
    if (place === undefined) return [];
    const [column, scale] = place;
    return [{ of: 'port', index, oid: `${entry}.${column}`, field, read: figure(scale, MOST[field]) } satisfies Column];
  });

/** The watts of ports alone, in the column `oid`. */
export const portWatts = (oid: string, index: Index, scale: number): VendorTable => ({
  before: [],
  after: [{ of: 'port', index, oid, field: 'powerW', read: figure(scale, MOST.powerW) }],
});

/** A figure of a whole supply, or (`scalar`) of the whole switch, W. */
export const supply = (
  oid: string,
  index: GroupColumn['index'],
  field: 'budgetW' | 'drawnW' | 'reservedW' | 'remainingW' | 'guardW',
  scale: number,
): Column => ({ of: 'group', index, oid, field, read: figure(scale, MOST_SUPPLY_W) });
