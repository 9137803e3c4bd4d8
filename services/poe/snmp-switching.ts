import type { Clock } from '../runtime/clock.ts';
import { type Column, decode, type PortReading } from './columns.ts';
import { type SwitchingColumn, switching } from './rfc3621.ts';
import { SnmpError } from './snmp-error.ts';
import { type BatchedGet, isTooBig, type SnmpLink } from './snmp-link.ts';
import { agrees, type Failures, type SwitchingSite } from './switching.ts';
import { isMissing } from './varbind.ts';

/** How ports are looked at and written over SNMP. */

export interface SnmpSite {
  readonly switchId: string;
  /** Ports without a group in their name belong to this one. */
  readonly group: number;
  readonly protect: readonly string[];
  readonly settleMs: number;
  /** Ways to switch a port, the preferred first; a port takes the first one it has. */
  readonly ways: readonly SwitchingColumn[];
  /** Columns that tell the admin and the detection state. */
  readonly stateColumns: readonly Column[];
  readonly link: SnmpLink;
  readonly gets: BatchedGet;
  readonly wire: Clock;
}

/** Ports in one SET. */
const SET_BATCH = 24;

/** One switching of ports: which way each goes is remembered between its looks and its writes. */
export function snmpSwitching(site: SnmpSite): SwitchingSite {
  const ways = new Map<string, SwitchingColumn>();
  const { switchId, group, protect, settleMs, wire, link } = site;
  const look = async (keys: readonly string[], signal?: AbortSignal) => {
    const varbinds = await site.gets.get(stateOids(site, keys), signal);
    const there = new Set(varbinds.filter((varbind) => !isMissing(varbind)).map(({ oid }) => oid));
    const { ports } = decode(varbinds, site.stateColumns, group);
    const seen = new Map<string, PortReading>();
    for (const key of keys) {
      const { group: at, port } = placeOf(key);
      const way = site.ways.find((each) => there.has(switching(each, at, port, true).oid));
      if (way !== undefined && !ways.has(key)) ways.set(key, way);
      if (ways.has(key)) seen.set(key, ports.get(key) ?? { group: at, port });
    }
    return seen;
  };
  const set = async (keys: readonly string[], enabled: boolean, signal?: AbortSignal) => {
    const varbinds = keys.flatMap((key) => {
      const way = ways.get(key);
      const { group: at, port } = placeOf(key);
      return way ? [switching(way, at, port, enabled)] : [];
    });
    try {
      await link.set(varbinds, signal);
      return undefined;
    } catch (error) {
      return error instanceof SnmpError ? error : new SnmpError('bad_answer', link.name, String(error));
    }
  };
  return {
    name: link.name,
    protect,
    settleMs,
    wire,
    form: 'expected 7 or 2.7',
    key: (name) => keyOf(name, group),
    look,
    write: (keys, enabled, signal) => writeAll(keys, enabled, { look, set }, signal),
    noSuchPort: (key) => {
      const { group: at, port } = placeOf(key);
      return at === group
        ? `switch ${switchId} has no port ${port} in group ${group} that can be switched over SNMP (another group is written group.port)`
        : `switch ${switchId} has no port ${key} that can be switched over SNMP`;
    },
  };
}

/** `7` → `1.7` in group 1; undefined when it is no port name. */
function keyOf(name: string, group: number): string | undefined {
  const match = /^(?:(\d{1,10})\.)?(\d{1,10})$/.exec(name);
  return match === null ? undefined : `${Number(match[1] ?? group)}.${Number(match[2])}`;
}

function placeOf(key: string): { readonly group: number; readonly port: number } {
  const [group = 0, port = 0] = key.split('.').map(Number);
  return { group, port };
}

function stateOids({ stateColumns, group: home }: SnmpSite, keys: readonly string[]): string[] {
  const columns = stateColumns.filter((column) => column.of === 'port');
  return keys.flatMap((key) => {
    const { group, port } = placeOf(key);
    const own = columns.filter(({ index }) => index === 'group.port' || group === home);
    return own.map(({ oid, index }) => `${oid}.${index === 'port' ? port : key}`);
  });
}

interface Means {
  readonly look: SwitchingSite['look'];
  readonly set: (keys: readonly string[], enabled: boolean, signal?: AbortSignal) => Promise<SnmpError | undefined>;
}

/**
 * Writes all ports. A batch that fails is looked at and what is left of it written one by one: one port that refuses
 * must not keep 23 others on.
 */
async function writeAll(
  keys: readonly string[],
  enabled: boolean,
  { look, set }: Means,
  signal?: AbortSignal,
): Promise<Failures> {
  const failures = new Map<string, SnmpError>();
  const put = async (batch: readonly string[]): Promise<SnmpError | undefined> => {
    const failure = await set(batch, enabled, signal);
    for (const key of batch)
      if (failure === undefined) failures.delete(key);
      else failures.set(key, failure);
    return failure;
  };
  let size = SET_BATCH;
  for (let at = 0; at < keys.length; ) {
    const batch = keys.slice(at, at + size);
    const failure = await put(batch);
    if (isTooBig(failure) && batch.length > 1) {
      size = Math.ceil(batch.length / 2);
      continue;
    }
    at += batch.length;
    if (failure === undefined || batch.length === 1 || isHopeless(failure)) continue;
    const seen = await look(batch, signal).catch(() => undefined);
    if (seen === undefined) continue;
    for (const key of batch) if (!agrees(seen.get(key), enabled)) await put([key]);
  }
  return failures;
}

/** Failures that would meet every single port too. */
const isHopeless = ({ reason }: SnmpError): boolean =>
  ['no_answer', 'unreachable', 'credentials', 'noAccess', 'authorizationError', 'aborted', 'closed'].includes(reason);
