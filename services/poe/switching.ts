import { BridgeError } from '#bridge';
import type { PortState } from '../rack/samples.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Outcome, OutcomeCode, PortOutcome } from '../shutdown/promises.ts';

/** Switching ports so that the answer can be believed: write, read back, and wait until the state agrees. */

/** What is seen of one port. */
export interface PortNow {
  readonly enabled?: boolean;
  readonly state?: PortState | 'off';
  /** Times it was refused power for lack of budget, where the switch tells; then "on" is waited for until power comes. */
  readonly deniedCount?: number;
  /** Why this port must not be switched, although it exists. */
  readonly refusal?: string;
}

/** Why ports could not be written, by their keys. */
export type Failures = ReadonlyMap<string, BridgeError>;

/** What switching needs of one switch. */
export interface SwitchingSite {
  /** For messages. */
  readonly name: string;
  /** Names of ports that are never touched. */
  readonly protect: readonly string[];
  /** From the last write to a state that agrees, ms. */
  readonly settleMs: number;
  /** Between two looks at ports that have not settled, ms; 500 when absent. */
  readonly lookEveryMs?: number | undefined;
  readonly wire: Clock;
  /** The one name of a port that may be written in several ways; undefined when it is no port name. */
  key(name: string): string | undefined;
  /** How a port is written: `expected 7 or 2.7`. */
  readonly form: string;
  /** The state of ports; one that cannot be switched is absent. Rejects when nothing can be seen. */
  look(keys: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, PortNow>>;
  /** Writes these ports and no other. Resolves with what failed; rejects when nothing could be written. */
  write(keys: readonly string[], enabled: boolean, signal?: AbortSignal): Promise<Failures>;
  noSuchPort(key: string): string;
}

const LOOK_EVERY_MS = 500;

interface Target {
  readonly key: string;
  readonly names: string[];
  /** As last seen. */
  seen?: PortNow;
  /** Refusals of power before it was written. */
  deniedBefore?: number | undefined;
  written: boolean;
  failure?: BridgeError;
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
  const protect = new Set(site.protect.map((name) => site.key(name) ?? name));
  const outcomes = new Map<string, Outcome>();
  const targets = new Map<string, Target>();
  for (const name of names) {
    const key = site.key(name);
    if (key === undefined) outcomes.set(name, { code: 'refused', detail: `"${name}" is not a port: ${site.form}` });
    else if (protect.has(key)) outcomes.set(name, { code: 'left-alone', detail: `port ${name} is protected` });
    else {
      const target = targets.get(key) ?? { key, names: [], written: false };
      target.names.push(name);
      targets.set(key, target);
    }
  }
  const all = [...targets.values()];
  try {
    await bring(site, all, enabled, signal);
  } catch (error) {
    for (const target of all) target.outcome ??= { code: 'refused', detail: `${site.name}: ${String(error)}` };
  }
  for (const { names: aliases, outcome } of all)
    for (const name of aliases) outcomes.set(name, outcome ?? { code: 'timeout', detail: 'no outcome' });
  return names.map((port) => ({ port, ...(outcomes.get(port) ?? { code: 'refused' }) }));
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
    if (target.seen === undefined) target.outcome = { code: 'refused', detail: site.noSuchPort(target.key) };
    else if (agrees(target.seen, enabled)) target.outcome = { code: 'already' };
    else if (target.seen.refusal !== undefined) target.outcome = { code: 'refused', detail: target.seen.refusal };
  }
  const toWrite = open(targets).filter(({ seen }) => seen?.enabled !== enabled);
  for (const target of toWrite) target.deniedBefore = target.seen?.deniedCount;
  if (toWrite.length > 0) await write(site, toWrite, enabled, signal);
  await settle(site, targets, enabled, signal);
}

/** Looks at ports. Returns why nothing could be seen, if so. */
async function look(
  site: SwitchingSite,
  targets: readonly Target[],
  signal?: AbortSignal,
): Promise<BridgeError | undefined> {
  try {
    const ports = await site.look(
      targets.map(({ key }) => key),
      signal,
    );
    for (const target of targets) {
      const seen = ports.get(target.key);
      if (seen !== undefined) target.seen = seen;
    }
    return undefined;
  } catch (error) {
    return asBridgeError(error, site);
  }
}

async function write(site: SwitchingSite, targets: readonly Target[], enabled: boolean, signal?: AbortSignal) {
  let failures: Failures;
  try {
    failures = await site.write(
      targets.map(({ key }) => key),
      enabled,
      signal,
    );
  } catch (error) {
    const failure = asBridgeError(error, site);
    failures = new Map(targets.map(({ key }) => [key, failure]));
  }
  for (const target of targets) {
    target.written = true;
    const failure = failures.get(target.key);
    if (failure !== undefined) target.failure = failure;
  }
}

/** Whatever was thrown, as a failure of an exchange whose effect is not known. */
const asBridgeError = (error: unknown, { name }: SwitchingSite): BridgeError =>
  error instanceof BridgeError ? error : new BridgeError('refused', name, String(error), { reason: 'bad_answer' });

/** States in which a port that is switched off has no power; `undefined` and `unknown`: the switch does not tell. */
const WITHOUT_POWER: ReadonlySet<PortState | 'off' | undefined> = new Set([
  'disabled',
  'off',
  'fault',
  'unknown',
  undefined,
]);

/** Off: no longer offered power. On: no longer disabled; searching is what a port does first. */
export function agrees(seen: PortNow | undefined, enabled: boolean): boolean {
  if (seen?.enabled !== enabled) return false;
  return enabled ? seen.state !== 'disabled' : WITHOUT_POWER.has(seen.state);
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
    await site.wire.sleep(site.lookEveryMs ?? LOOK_EVERY_MS, signal).catch(() => undefined);
  }
}

/** What has become of one port, or nothing while there is hope. */
function judge(target: Target, enabled: boolean, blind: BridgeError | undefined, over: boolean): Outcome | undefined {
  if (blind !== undefined) return over ? { code: codeOf(blind), detail: `not read back: ${blind.message}` } : undefined;
  if (agrees(target.seen, enabled)) {
    if (enabled && target.written && target.seen?.state === 'searching') return searching(target, over);
    return { code: target.written ? 'done' : 'already' };
  }
  return over || isFinal(target.failure) ? against(target, enabled) : undefined;
}

/** On, and not fed: it was refused power, nothing is plugged in that wants any, or it will come. */
function searching({ seen, deniedBefore, names }: Target, over: boolean): Outcome | undefined {
  const denied = seen?.deniedCount;
  if (denied === undefined || deniedBefore === undefined) return { code: 'done' };
  if (denied > deniedBefore)
    return {
      code: 'disobeyed',
      detail: `port ${names[0]} is on, but denied power: its switch has too little of it left`,
    };
  return over ? { code: 'done', detail: `port ${names[0]} is on and still looks for a device` } : undefined;
}

/** The switch has said no, so waiting changes nothing. After silence or nonsense the write may have arrived. */
const isFinal = (failure: BridgeError | undefined): boolean =>
  failure !== undefined && codeOf(failure) === 'refused' && failure.reason !== 'bad_answer';

/** A port that is not as it should be: the reason of its write, or disobedience. */
function against({ failure, seen, names }: Target, enabled: boolean): Outcome {
  const is = `port ${names[0]} is ${seen?.enabled === undefined ? 'neither on nor off' : seen.enabled ? 'on' : 'off'}`;
  const state = seen?.state === undefined ? '' : ` and ${seen.state}`;
  if (failure !== undefined) return { code: codeOf(failure), detail: `${failure.message}; ${is}${state}` };
  return { code: 'disobeyed', detail: `told to be ${enabled ? 'on' : 'off'}, ${is}${state}` };
}

function codeOf({ code }: BridgeError): OutcomeCode {
  if (code === 'open' || code === 'closed') return 'unreachable';
  return code === 'timeout' || code === 'aborted' ? 'timeout' : 'refused';
}
