import { objectOf } from '../runtime/web-link.ts';

/** The list of overrides that changes some ports of a UniFi switch, and what has to be known to undo that exactly. */

type Row = Readonly<Record<string, unknown>>;

/** What to bring back at a port that has no mode of its own: no entry at all, or an entry that says nothing of PoE. */
export const NO_ENTRY = Symbol('no entry');
export const NO_MODE = Symbol('no mode');
export type UnifiWish = string | typeof NO_ENTRY | typeof NO_MODE;

const MODE = /^[\w-]{1,32}$/;
const MODE_IS = 'mode ';

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

/** How the entry of a port that is on is; nothing where it says off, or something that is no mode. Pure. */
export function entryNow(device: unknown, port: number): UnifiWish | undefined {
  const modes = entriesOf(device)
    .map(objectOf)
    .filter((entry) => entry.port_idx === port)
    .map(({ poe_mode: mode }) => mode);
  if (modes.length === 0) return NO_ENTRY;
  const [mode] = modes.filter((each) => each !== undefined);
  if (mode === undefined) return NO_MODE;
  return modes.includes('off') || typeof mode !== 'string' || !MODE.test(mode) ? undefined : mode;
}

/** The same as `PortSample.asSet` carries it. Pure. */
export function asSetOf(device: unknown, port: number): string | undefined {
  const wish = entryNow(device, port);
  return typeof wish === 'string' ? `${MODE_IS}${wish}` : wish?.description;
}

/** Back from `PortSample.asSet`; undefined for what is none of ours. Pure. */
export function readAsSet(text: string | undefined): UnifiWish | undefined {
  if (text === NO_ENTRY.description) return NO_ENTRY;
  if (text === NO_MODE.description) return NO_MODE;
  const mode = text?.startsWith(MODE_IS) ? text.slice(MODE_IS.length) : '';
  return MODE.test(mode) && mode !== 'off' ? mode : undefined;
}

/**
 * How a port's entry was before somebody switched it off, where nobody wrote that down, as far as it can be told from the
 * entry itself: one that holds
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
