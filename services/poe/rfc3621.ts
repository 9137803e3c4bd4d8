import { reservedW, toMilliwatts as round, withBudget } from '../rack/budget.ts';
import type { Admission, PortSample, PortState, SwitchSample } from '../rack/samples.ts';
import { type Column, figure, type GroupReading, type PortReading, type Reading } from './columns.ts';
import { AsnType, type Varbind } from './varbind.ts';

/** POWER-ETHERNET-MIB (RFC 3621): where things are, what they mean, and a whole sample made of them. */

const PORT_ENTRY = '1.3.6.1.2.1.105.1.1.1';
const MAIN_ENTRY = '1.3.6.1.2.1.105.1.3.1.1';

export const ADMIN_ENABLE = `${PORT_ENTRY}.3`;
export const DETECTION_STATUS = `${PORT_ENTRY}.6`;

/** What the two whole-watt objects may hold, W. */
const MOST_SUPPLY_W = 65_535;

/** TruthValue: 1 true, 2 false. Some agents send 0, which is neither. */
const truth = (raw: number): boolean | undefined => (raw === 1 ? true : raw === 2 ? false : undefined);

const STATES: readonly (PortState | undefined)[] = [
  undefined,
  'disabled',
  'searching',
  'delivering',
  'fault',
  'test',
  'fault',
];

const PRIORITIES = [undefined, 'critical', 'high', 'low'] as const;

/** How a switch was to be switched: what to write, and what then has to be read. */
export interface SwitchingColumn {
  readonly oid: string;
  readonly index: 'group.port' | 'port';
  readonly on: number;
  readonly off: number;
}

export const RFC3621_SWITCHING: SwitchingColumn = { oid: ADMIN_ENABLE, index: 'group.port', on: 1, off: 2 };

/**
 * The columns of RFC 3621.
 * @param scales factors to watts of the two supply objects, for agents that do not send whole watts
 */
export function rfc3621Columns(scales: { readonly budget: number; readonly consumption: number }): readonly Column[] {
  return [
    { of: 'port', index: 'group.port', oid: ADMIN_ENABLE, field: 'enabled', read: truth },
    { of: 'port', index: 'group.port', oid: DETECTION_STATUS, field: 'state', read: (raw) => STATES[raw] ?? 'unknown' },
    { of: 'port', index: 'group.port', oid: `${PORT_ENTRY}.7`, field: 'priority', read: (raw) => PRIORITIES[raw] },
    {
      of: 'port',
      index: 'group.port',
      oid: `${PORT_ENTRY}.10`,
      field: 'poeClass',
      read: (raw) => (raw >= 1 && raw <= 5 ? raw - 1 : undefined),
    },
    {
      of: 'port',
      index: 'group.port',
      oid: `${PORT_ENTRY}.12`,
      field: 'deniedCount',
      read: (raw) => (raw >= 0 ? raw : undefined),
    },
    // The budget has no legal 0: a supply that says so does not tell.
    {
      of: 'group',
      index: 'group',
      oid: `${MAIN_ENTRY}.2`,
      field: 'budgetW',
      read: (raw) => figure(scales.budget, MOST_SUPPLY_W)(raw) || undefined,
    },
    {
      of: 'group',
      index: 'group',
      oid: `${MAIN_ENTRY}.4`,
      field: 'drawnW',
      read: figure(scales.consumption, MOST_SUPPLY_W),
    },
  ];
}

/** The variable that switches one port. */
export function switching(column: SwitchingColumn, group: number, port: number, enabled: boolean): Varbind {
  const index = column.index === 'port' ? `${port}` : `${group}.${port}`;
  return { oid: `${column.oid}.${index}`, type: AsnType.integer, value: enabled ? column.on : column.off };
}

export interface SampleOptions {
  readonly measuredAtMs: number;
  /** Ports of this group are named by their number alone, all others `group.port`. */
  readonly group: number;
  /** These replace what the switch says. */
  readonly budgetW?: number;
  readonly guardW?: number;
  readonly admission?: Admission;
}

/** The name of a port in samples and in the configuration. */
export const portName = (group: number, port: number, homeGroup: number): string =>
  group === homeGroup ? `${port}` : `${group}.${port}`;

/** A whole sample of what was read. Pure. */
export function switchSample(
  reading: Reading,
  { measuredAtMs, group, budgetW, guardW, admission }: SampleOptions,
): SwitchSample {
  const ports = [...reading.ports.values()];
  const groups = totals(reading, ports);
  const drawnW = sum(groups.map((each) => each.drawnW));
  const budget = budgetW ?? sharedBudgetW(groups, drawnW);
  const guard = guardW ?? sum(groups.map((each) => each.guardW));
  const admits = admission ?? common(groups.map((each) => each.admission));
  const promisedW = promised(groups, ports);
  return withBudget({
    kind: 'switch',
    measuredAtMs,
    ...(budget === undefined ? {} : { budgetW: budget }),
    ...(drawnW === undefined ? {} : { drawnW }),
    ...(promisedW === undefined ? {} : { reservedW: promisedW }),
    totalTrusted: groups.every(({ trusted }) => trusted),
    ports: ports.map((port) => portSample(port, group)),
    ...(guard === undefined ? {} : { guardW: guard }),
    ...(admits === undefined ? {} : { admission: admits }),
  });
}

/** What every supply says of itself, W; else what the ports that deliver come to, if any port tells its state. */
function promised(groups: readonly GroupReading[], ports: readonly PortReading[]): number | undefined {
  const told = groups.flatMap((each) => each.reservedW ?? []);
  if (told.length > 0 && told.length === groups.length) return round(sum(told) ?? 0);
  if (ports.every(({ state }) => state === undefined)) return undefined;
  const delivering = ports.filter(({ state }) => state === 'delivering');
  return round(delivering.reduce((total, port) => total + reservedW(port), 0));
}

/** What all say; undefined when they differ or one does not tell. */
const common = <T>(values: readonly T[]): T | undefined =>
  values.every((value) => value === values[0]) ? values[0] : undefined;

function portSample(port: PortReading, homeGroup: number): PortSample {
  const { enabled, priority, poeClass, deniedCount, powerW, voltageV, currentA } = port;
  const state = port.state === 'off' ? (enabled ? 'searching' : 'disabled') : (port.state ?? 'unknown');
  return {
    port: portName(port.group, port.port, homeGroup),
    state,
    ...(enabled === undefined ? {} : { enabled }),
    ...(powerW === undefined ? {} : { powerW }),
    ...(voltageV === undefined ? {} : { voltageV }),
    ...(currentA === undefined ? {} : { currentA }),
    // A port that looks for a load shows a leftover or a default here.
    ...(poeClass === undefined || state !== 'delivering' ? {} : { poeClass }),
    ...(priority === undefined ? {} : { priority }),
    ...(deniedCount === undefined ? {} : { deniedCount }),
  };
}

interface Total extends GroupReading {
  readonly trusted: boolean;
}

/** Each group's total: what its supply says, unless that is 0 while ports deliver; then what its ports add up to. */
function totals({ groups }: Reading, ports: readonly PortReading[]): Total[] {
  const numbers = new Set([...groups.keys(), ...ports.map(({ group }) => group)]);
  return [...numbers].map((group) => {
    const { drawnW, ...told } = groups.get(group) ?? { group };
    const { reservedW: promisedW, remainingW } = told;
    const wholeW =
      told.budgetW ?? (promisedW === undefined || remainingW === undefined ? undefined : round(promisedW + remainingW));
    const supply = { ...told, ...(wholeW === undefined ? {} : { budgetW: wholeW }) };
    const own = ports.filter((port) => port.group === group);
    const delivering = own.filter(({ state }) => state === 'delivering');
    const trusted = drawnW !== 0 || delivering.length === 0;
    if (drawnW !== undefined && trusted) return { ...supply, drawnW, trusted };
    const summable =
      own.some(({ powerW }) => powerW !== undefined) && delivering.every(({ powerW }) => powerW !== undefined);
    return { ...supply, trusted, ...(summable ? { drawnW: round(sum(own.map(({ powerW }) => powerW)) ?? 0) } : {}) };
  });
}

/**
 * One number for supplies that do not help each other: what all draw plus the room that is left where least is left,
 * because the first group that is full decides. Adding the budgets up would promise power nobody can have.
 */
function sharedBudgetW(groups: readonly GroupReading[], drawnW: number | undefined): number | undefined {
  const told = groups.filter(({ budgetW }) => budgetW !== undefined);
  if (told.length <= 1) return told[0]?.budgetW;
  const rooms = told.map((group) => (group.budgetW ?? 0) - (group.drawnW ?? 0));
  return round((drawnW ?? 0) + Math.min(...rooms));
}

/** The sum of what is known; unknown when nothing is. */
export function sum(values: readonly (number | undefined)[]): number | undefined {
  const told = values.filter((value) => value !== undefined);
  return told.length === 0 ? undefined : told.reduce((total, value) => total + value, 0);
}
