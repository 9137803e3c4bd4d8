import type { PortState } from '../rack/samples.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Outcome, OutcomeCode, PortOutcome } from '../shutdown/promises.ts';
import { type Column, decode, type PortReading } from './columns.ts';
import { type SwitchingColumn, switching } from './rfc3621.ts';
import { SnmpError } from './snmp-error.ts';
import { type BatchedGet, isTooBig, type SnmpLink } from './snmp-link.ts';
import { isMissing, type Varbind } from './varbind.ts';

/** Switching ports so that the answer can be believed: write, read back, and wait until the state agrees. */

/** What switching needs of one switch. */
export interface SwitchingSite {
  readonly switchId: string;
  /** Ports without a group in their name belong to this one. */
  readonly group: number;
  /** Names of ports that are never touched. */
  readonly protect: readonly string[];
  /** From the last write to a state that agrees, ms. */
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
/** Between two looks at ports that have not settled. */
const LOOK_EVERY_MS = 500;

interface Target {
  readonly group: number;
  readonly port: number;
  readonly names: string[];
  way?: SwitchingColumn;
  /** As last seen. */
  seen?: PortReading;
  written: boolean;
  failure?: SnmpError;
  outcome?: Outcome;
}

/**
 * Switches ports on or off. Ports that were not asked for are never written. One outcome for each name, in their
 * order. Never rejects.
 */
export async function switchPorts(
  site: SwitchingSite,
  names: readonly string[],
  enabled: boolean,
  signal?: AbortSignal,
): Promise<readonly PortOutcome[]> {
  const protect = new Set(site.protect.map((name) => keyOf(name, site.group) ?? name));
  const outcomes = new Map<string, Outcome>();
  const targets = new Map<string, Target>();
  for (const name of names) {
    const key = keyOf(name, site.group);
    if (key === undefined)
      outcomes.set(name, { code: 'refused', detail: `"${name}" is not a port: expected 7 or 2.7` });
    else if (protect.has(key)) outcomes.set(name, { code: 'left-alone', detail: `port ${name} is protected` });
    else {
      const [group = 0, port = 0] = key.split('.').map(Number);
      const target = targets.get(key) ?? { group, port, names: [], written: false };
      target.names.push(name);
      targets.set(key, target);
    }
  }
  const all = [...targets.values()];
  try {
    await bring(site, all, enabled, signal);
  } catch (error) {
    for (const target of all) target.outcome ??= { code: 'refused', detail: `${site.link.name}: ${String(error)}` };
  }
  for (const { names: aliases, outcome } of all)
    for (const name of aliases) outcomes.set(name, outcome ?? { code: 'timeout', detail: 'no outcome' });
  return names.map((port) => ({ port, ...(outcomes.get(port) ?? { code: 'refused' }) }));
}

/** `7` → `1.7` in group 1; undefined when it is no port name. */
function keyOf(name: string, group: number): string | undefined {
  const match = /^(?:(\d{1,10})\.)?(\d{1,10})$/.exec(name);
  return match === null ? undefined : `${Number(match[1] ?? group)}.${Number(match[2])}`;
}

const open = (targets: readonly Target[]): Target[] => targets.filter(({ outcome }) => outcome === undefined);

async function bring(
  site: SwitchingSite,
  targets: readonly Target[],
  enabled: boolean,
  signal?: AbortSignal,
): Promise<void> {
  if (targets.length === 0) return;
  const blind = await look(site, targets, signal);
  if (blind !== undefined) {
    for (const target of targets) target.outcome = { code: codeOf(blind), detail: blind.message };
    return;
  }
  for (const target of targets) {
    if (target.way === undefined) target.outcome = { code: 'refused', detail: noSuchPort(site, target) };
    else if (agrees(target.seen, enabled)) target.outcome = { code: 'already' };
  }
  await write(
    site,
    open(targets).filter(({ seen }) => seen?.enabled !== enabled),
    enabled,
    signal,
  );
  await settle(site, targets, enabled, signal);
}

/** Reads the state of ports. Returns why nothing could be seen, if so. */
async function look(
  site: SwitchingSite,
  targets: readonly Target[],
  signal?: AbortSignal,
): Promise<SnmpError | undefined> {
  const columns = site.stateColumns.filter((column) => column.of === 'port');
  const oids = targets.flatMap(({ group, port }) => {
    const own = columns.filter(({ index }) => index === 'group.port' || group === site.group);
    return own.map(({ oid, index }) => `${oid}.${index === 'port' ? port : `${group}.${port}`}`);
  });
  let varbinds: readonly Varbind[];
  try {
    varbinds = await site.gets.get(oids, signal);
  } catch (error) {
    return asSnmpError(error, site);
  }
  const there = new Set(varbinds.filter((varbind) => !isMissing(varbind)).map(({ oid }) => oid));
  const { ports } = decode(varbinds, site.stateColumns, site.group);
  for (const target of targets) {
    const seen = ports.get(`${target.group}.${target.port}`);
    if (seen !== undefined) target.seen = seen;
    const way = site.ways.find((each) => there.has(switching(each, target.group, target.port, true).oid));
    if (way !== undefined) target.way ??= way;
  }
  return undefined;
}

const asSnmpError = (error: unknown, { link }: SwitchingSite): SnmpError =>
  error instanceof SnmpError ? error : new SnmpError('bad_answer', link.name, String(error));

/** States in which a port that is switched off has no power; `undefined` and `unknown`: the switch does not tell. */
const WITHOUT_POWER: ReadonlySet<PortState | 'off' | undefined> = new Set([
  'disabled',
  'off',
  'fault',
  'unknown',
  undefined,
]);

/** Off: no longer offered power. On: no longer disabled; searching is what a port does first. */
function agrees(seen: PortReading | undefined, enabled: boolean): boolean {
  if (seen?.enabled !== enabled) return false;
  return enabled ? seen.state !== 'disabled' : WITHOUT_POWER.has(seen.state);
}

/**
 * Writes all targets. A batch that fails is looked at and what is left of it written one by one: one port that
 * refuses must not keep 23 others on.
 */
async function write(
  site: SwitchingSite,
  targets: readonly Target[],
  enabled: boolean,
  signal?: AbortSignal,
): Promise<void> {
  let size = SET_BATCH;
  for (let at = 0; at < targets.length; ) {
    const batch = targets.slice(at, at + size);
    const failure = await set(site, batch, enabled, signal);
    if (isTooBig(failure) && batch.length > 1) {
      size = Math.ceil(batch.length / 2);
      continue;
    }
    at += batch.length;
    if (failure === undefined || batch.length === 1) continue;
    if (isHopeless(failure)) continue;
    const blind = await look(site, batch, signal);
    if (blind !== undefined) continue;
    for (const target of batch) if (!agrees(target.seen, enabled)) await set(site, [target], enabled, signal);
  }
}

/** Failures that would meet every single port too. */
const isHopeless = ({ reason }: SnmpError): boolean =>
  ['no_answer', 'unreachable', 'credentials', 'noAccess', 'authorizationError', 'aborted', 'closed'].includes(reason);

async function set(
  site: SwitchingSite,
  targets: readonly Target[],
  enabled: boolean,
  signal?: AbortSignal,
): Promise<SnmpError | undefined> {
  const varbinds = targets.flatMap(({ way, group, port }) => (way ? [switching(way, group, port, enabled)] : []));
  let failure: SnmpError | undefined;
  try {
    await site.link.set(varbinds, signal);
  } catch (error) {
    failure = asSnmpError(error, site);
  }
  for (const target of targets) {
    target.written = true;
    if (failure === undefined) delete target.failure;
    else target.failure = failure;
  }
  return failure;
}

/** Reads back until every port agrees, was refused, or the time is over. */
async function settle(
  site: SwitchingSite,
  targets: readonly Target[],
  enabled: boolean,
  signal?: AbortSignal,
): Promise<void> {
  const untilMs = site.wire.monoMs() + site.settleMs;
  for (;;) {
    const waiting = open(targets);
    if (waiting.length === 0) return;
    const blind = await look(site, waiting, signal);
    const over = signal?.aborted === true || site.wire.monoMs() >= untilMs;
    for (const target of waiting) {
      const outcome = judge(target, enabled, blind, over);
      if (outcome !== undefined) target.outcome = outcome;
    }
    if (open(targets).length === 0) return;
    await site.wire.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
  }
}

/** What has become of one port, or nothing while there is hope. */
function judge(target: Target, enabled: boolean, blind: SnmpError | undefined, over: boolean): Outcome | undefined {
  if (blind !== undefined) return over ? { code: codeOf(blind), detail: `not read back: ${blind.message}` } : undefined;
  if (agrees(target.seen, enabled)) return { code: target.written ? 'done' : 'already' };
  return over || isFinal(target.failure) ? against(target, enabled) : undefined;
}

/** The agent has said no, so waiting changes nothing. After silence the write may have arrived. */
const isFinal = (failure: SnmpError | undefined): boolean =>
  failure !== undefined && codeOf(failure) === 'refused' && failure.reason !== 'bad_answer';

/** A port that is not as it should be: the reason of its write, or disobedience. */
function against({ failure, seen, names }: Target, enabled: boolean): Outcome {
  const is = `port ${names[0]} is ${seen?.enabled === undefined ? 'neither on nor off' : seen.enabled ? 'on' : 'off'}`;
  const state = seen?.state === undefined ? '' : ` and ${seen.state}`;
  if (failure !== undefined) return { code: codeOf(failure), detail: `${failure.message}; ${is}${state}` };
  return { code: 'disobeyed', detail: `told to be ${enabled ? 'on' : 'off'}, ${is}${state}` };
}

function codeOf({ code, reason }: SnmpError): OutcomeCode {
  if (reason === 'unreachable' || reason === 'closed') return 'unreachable';
  return code === 'timeout' || code === 'aborted' ? 'timeout' : 'refused';
}

const noSuchPort = ({ switchId, group }: SwitchingSite, target: Target): string =>
  target.group === group
    ? `switch ${switchId} has no port ${target.port} in group ${group} that can be switched over SNMP (another group is written group.port)`
    : `switch ${switchId} has no port ${target.group}.${target.port} that can be switched over SNMP`;
