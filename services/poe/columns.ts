import type { Admission, PortPriority, PortState } from '../rack/samples.ts';
import { isMissing, textOf, type Varbind, wholeNumber } from './varbind.ts';

/** What a switch told of one port. A field it does not have, or answered with nonsense, is absent. */
export interface PortReading {
  readonly group: number;
  readonly port: number;
  readonly enabled?: boolean;
  /** `off`: no power, and the device does not say whether for want of a load or of permission. */
  readonly state?: PortState | 'off';
  readonly priority?: PortPriority;
  readonly poeClass?: number;
  readonly deniedCount?: number;
  readonly powerW?: number;
  readonly voltageV?: number;
  readonly currentA?: number;
  /** Promised to the port by the switch, W. */
  readonly reservedW?: number;
}

/** What a switch told of one power supply (main PSE). */
export interface GroupReading {
  readonly group: number;
  readonly budgetW?: number;
  readonly drawnW?: number;
  /** Promised to its ports. */
  readonly reservedW?: number;
  /** Budget minus what is promised. */
  readonly remainingW?: number;
  readonly guardW?: number;
  readonly admission?: Admission;
}

export interface Reading {
  /** By `group.port`, in the order of these numbers. */
  readonly ports: ReadonlyMap<string, PortReading>;
  readonly groups: ReadonlyMap<number, GroupReading>;
  /** OIDs the switch says it does not have. */
  readonly missing: readonly string[];
}

type PortField = Exclude<keyof PortReading, 'group' | 'port'>;
type GroupField = Exclude<keyof GroupReading, 'group'>;

/** A column of a table with one row per port: where it is, how its rows are numbered, what a number in it means. */
export type PortColumn = {
  [F in PortField]: {
    readonly of: 'port';
    readonly oid: string;
    readonly index: 'group.port' | 'port';
    readonly field: F;
    readonly read: (raw: number) => PortReading[F] | undefined;
    /** Where it is told as text. */
    readonly readText?: (text: string) => PortReading[F] | undefined;
  };
}[PortField];

/** A column with one row per power supply, or (`index: 'scalar'`) one figure for the whole switch. */
export type GroupColumn = {
  [F in GroupField]: {
    readonly of: 'group';
    readonly oid: string;
    readonly index: 'group' | 'scalar';
    readonly field: F;
    readonly read: (raw: number) => GroupReading[F] | undefined;
  };
}[GroupField];

export type Column = PortColumn | GroupColumn;

/** Agents without a figure often send all ones. */
const NO_FIGURE = 0xffff_ffff;

/** A figure in `scale` units; unknown when it is beyond what such a thing can have. */
export const figure =
  (scale: number, most: number) =>
  (raw: number): number | undefined => {
    const value = scaled(raw, scale);
    return raw >= 0 && raw !== NO_FIGURE && value <= most ? value : undefined;
  };

// Dividing keeps 6400 mW at 6.4 where multiplying by 0.001 would leave 6.4000000000000004.
const scaled = (raw: number, scale: number): number => (scale < 1 ? raw / (1 / scale) : raw * scale);

const ARCS = { 'group.port': 2, port: 1, group: 1, scalar: 1 } as const;

interface Found {
  readonly column: Column;
  readonly rank: number;
  readonly index: readonly number[];
  readonly raw: number | string | undefined;
}

/**
 * Sorts the variables of any answer into ports and groups. Pure, never throws. Rows are known by their index alone;
 * where two columns tell the same thing, the one that comes first in `columns` wins.
 * @param group the group of rows whose index has no group
 */
export function decode(varbinds: readonly Varbind[], columns: readonly Column[], group = 1): Reading {
  const missing: string[] = [];
  const found: Found[] = [];
  for (const varbind of varbinds) {
    if (isMissing(varbind)) missing.push(varbind.oid);
    else found.push(...placesOf(varbind, columns));
  }
  found.sort((a, b) => a.rank - b.rank);
  const ports = new Map<string, PortReading>();
  const groups = new Map<number, GroupReading>();
  for (const { column, index, raw } of found) {
    const [first = 0, second] = index;
    const value = meant(column, raw);
    if (column.of === 'port') {
      const at: PortReading = second === undefined ? { group, port: first } : { group: first, port: second };
      const key = `${at.group}.${at.port}`;
      ports.set(key, filled(ports.get(key) ?? at, column.field, value));
    } else {
      const at = column.index === 'scalar' ? group : first;
      groups.set(at, filled<GroupReading>(groups.get(at) ?? { group: at }, column.field, value));
    }
  }
  return { ports: inOrder(ports), groups, missing };
}

/** What a column makes of what was sent. */
function meant(column: Column, raw: number | string | undefined): unknown {
  if (typeof raw === 'number') return column.read(raw);
  return raw !== undefined && column.of === 'port' ? column.readText?.(raw) : undefined;
}

const inOrder = (ports: ReadonlyMap<string, PortReading>): ReadonlyMap<string, PortReading> =>
  new Map([...ports].sort(([, a], [, b]) => a.group - b.group || a.port - b.port));

function placesOf(varbind: Varbind, columns: readonly Column[]): Found[] {
  const found: Found[] = [];
  for (let rank = 0; rank < columns.length; rank += 1) {
    const column = columns[rank];
    // Every value of every port is held against every column: nothing may be made for those that do not fit.
    if (column === undefined || !varbind.oid.startsWith(column.oid) || varbind.oid[column.oid.length] !== '.') continue;
    const arcs = varbind.oid.slice(column.oid.length + 1).split('.');
    if (arcs.length !== ARCS[column.index] || !arcs.every((arc) => /^\d{1,10}$/.test(arc))) continue;
    const index = arcs.map(Number);
    if (column.index === 'scalar' && index[0] !== 0) continue;
    found.push({ column, rank, index, raw: wholeNumber(varbind) ?? textOf(varbind) });
  }
  return found;
}

function filled<T extends object>(row: T, field: keyof T, value: unknown): T {
  return value === undefined || row[field] !== undefined ? row : { ...row, [field]: value };
}
