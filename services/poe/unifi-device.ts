import type { PortSample } from '../rack/samples.ts';
import { objectOf } from '../runtime/web-link.ts';
import { decimal, known, milliamps, plausible, volts, watts } from './figures.ts';
import type { ControlReading } from './port-control.ts';

/** What a UniFi controller knows of one switch, and the list of overrides that changes some of its ports. */

type Row = Readonly<Record<string, unknown>>;

export interface UnifiWishes {
  /** The name a port must have to be switched, by its number. */
  readonly names: Readonly<Record<string, string>>;
  /** How a port is switched on, where that is not `auto`. */
  readonly modes: Readonly<Record<string, string>>;
}

/** The mode in which a port is on. */
export const onMode = (port: string, { modes }: Pick<UnifiWishes, 'modes'>): string =>
  Object.hasOwn(modes, port) ? (modes[port] ?? 'auto') : 'auto';

/** One entry of `stat/device`. Pure: its table is the truth, its overrides are only wishes. */
export function decodeUnifiDevice(device: unknown, wishes: UnifiWishes = { names: {}, modes: {} }): ControlReading {
  const { port_table: table, total_max_power: budget, total_used_power: used } = objectOf(device);
  const rows = (Array.isArray(table) ? table : []).map(objectOf).filter(isPoePort);
  const refusals = new Map<string, string>();
  for (const row of rows) {
    const refusal = refusalOf(row, wishes);
    if (refusal !== undefined) refusals.set(String(row.port_idx), refusal);
  }
  return {
    ports: rows.map(portOf),
    refusals,
    ...known({
      // 0: not reported.
      budgetW: plausible('budgetW', decimal(budget)) || undefined,
      drawnW: plausible('budgetW', decimal(used)),
    }),
  };
}

const isPoePort = ({ port_idx: port, port_poe: poe }: Row): boolean =>
  Number.isInteger(port) && Number(port) > 0 && poe === true;

function portOf(row: Row): PortSample {
  const enabled = typeof row.poe_mode === 'string' ? row.poe_mode !== 'off' : undefined;
  const state =
    row.poe_enable === true
      ? 'delivering'
      : enabled === false
        ? 'disabled'
        : row.poe_enable === false && enabled
          ? 'searching'
          : 'unknown';
  const poeClass = /^Class ([0-8])$/.exec(String(row.poe_class))?.[1];
  return {
    port: String(row.port_idx),
    state,
    ...known({
      enabled,
      powerW: watts(row.poe_power),
      voltageV: volts(row.poe_voltage),
      currentA: milliamps(row.poe_current),
      poeClass: state === 'delivering' && poeClass !== undefined ? Number(poeClass) : undefined,
    }),
  };
}

/** Why a port must not be switched, if so. What is not told counts as a reason. */
function refusalOf(row: Row, wishes: UnifiWishes): string | undefined {
  const port = String(row.port_idx);
  const { names } = wishes;
  if (row.is_uplink !== false)
    return row.is_uplink === true ? `port ${port} is the uplink` : `port ${port}: not told whether it is the uplink`;
  if (typeof row.poe_mode !== 'string') return `port ${port}: its PoE mode is not told`;
  if (Object.hasOwn(names, port) && names[port] !== row.name)
    return `port ${port} is called ${JSON.stringify(row.name)} and not ${JSON.stringify(names[port])}: check what is plugged in`;
  const mode = onMode(port, wishes);
  if (row.poe_mode !== 'off' && row.poe_mode !== mode)
    return `port ${port} is set to ${row.poe_mode}, which would come back as ${mode}: say modes: { ${port}: ${row.poe_mode} }`;
  return undefined;
}

/** What to bring back at a port that has no mode of its own: no entry at all, or an entry that says nothing of PoE. */
export const NO_ENTRY = Symbol('no entry');
export const NO_MODE = Symbol('no mode');
export type UnifiWish = string | typeof NO_ENTRY | typeof NO_MODE;

/**
 * The whole list to put: it replaces the stored one, so every entry stays as it is, with all its keys and in its
 * place, and only the mode of the listed ports changes. Pure.
 * @param wishes by the number of the port
 */
export function portOverrides(device: unknown, wishes: ReadonlyMap<number, UnifiWish>): unknown[] {
  const left = new Map(wishes);
  const kept = entriesOf(device).flatMap((entry: unknown) => {
    const { port_idx: port } = objectOf(entry);
    const wish = typeof port === 'number' ? wishes.get(port) : undefined;
    if (wish === undefined) return [entry];
    left.delete(Number(port));
    if (wish === NO_ENTRY) return [];
    const { poe_mode: _, ...others } = objectOf(entry);
    return [wish === NO_MODE ? others : { ...objectOf(entry), poe_mode: wish }];
  });
  const added = [...left].flatMap(([port, wish]) => (typeof wish === 'string' ? [newEntry(device, port, wish)] : []));
  return [...kept, ...added];
}

/** How the entry of a port that is on is; nothing where it says off. Pure. */
export function entryNow(device: unknown, port: number, whenOn: string): UnifiWish | undefined {
  const entries = entriesOf(device)
    .map(objectOf)
    .filter((entry) => entry.port_idx === port);
  if (entries.length === 0) return NO_ENTRY;
  if (entries.some(({ poe_mode: mode }) => mode === 'off')) return undefined;
  return entries.some((entry) => 'poe_mode' in entry) ? whenOn : NO_MODE;
}

/**
 * How a port's entry was before somebody switched it off, as far as it can be told from the entry itself: one that holds
 * nothing but what we add is ours, and none was there before. Pure.
 */
export function entryBefore(device: unknown, port: number, whenOn: string): UnifiWish {
  const entries = entriesOf(device)
    .map(objectOf)
    .filter((entry) => entry.port_idx === port);
  const ours = newEntry(device, port, 'off');
  const [only] = entries;
  return entries.length === 1 && whenOn === 'auto' && alike(only ?? {}, ours) ? NO_ENTRY : whenOn;
}

const entriesOf = (device: unknown): readonly unknown[] => {
  const { port_overrides: stored } = objectOf(device);
  return Array.isArray(stored) ? stored : [];
};

/** The entry of a port that had none: its mode, and the profile it has, so that nothing else changes. */
function newEntry(device: unknown, port: number, mode: string): Row {
  const { port_table: table } = objectOf(device);
  const row = (Array.isArray(table) ? table : []).map(objectOf).find((each) => each.port_idx === port);
  const profile = row?.portconf_id;
  return { port_idx: port, poe_mode: mode, ...(profile === undefined ? {} : { portconf_id: profile }) };
}

const alike = (a: Row, b: Row): boolean =>
  Object.keys(a).length === Object.keys(b).length && Object.keys(b).every((key) => a[key] === b[key]);

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;
const { parse, rawJSON } = JSON as unknown as {
  parse(text: string, reviver: Reviver): unknown;
  rawJSON(source: string): unknown;
};

/** JSON whose numbers go out again with every digit they came with. @throws SyntaxError */
export const parseFaithfully = (text: string): unknown =>
  parse(text, (_, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source ? rawJSON(source) : value,
  );
