import type { Observed, Rack } from '../rack/rack.ts';
import type { NodeSample, PortSample } from '../rack/samples.ts';
import type { HostPolicy, Policy } from './policy.ts';
import type { PortBefore } from './promises.ts';
import type { HostState } from './state.ts';

/** What the rack says of one host: is it off, is it up again? Pure; the counts live in `HostWatch`. */

/** Consecutive readings that agree, each from another measurement. */
export interface HostWatch {
  readonly lowDraw: number;
  readonly portAtMs: number;
  /** When the reading of its port before the newest came in, monotonic ms: the newest began after it. */
  readonly portBeforeMs: number;
  readonly unreachable: number;
  /** Since when it does not answer, monotonic ms. */
  readonly silentSinceMs: number;
  readonly probeAtMs: number;
  /** The machine took the halt command from this process. */
  readonly haltAccepted: boolean;
  /** When it did, monotonic ms. */
  readonly haltAcceptedMs?: number;
  /** When its port was last switched on by this process; older readings of the port say nothing. */
  readonly poweredMs: number;
}

export const nothingSeen: HostWatch = {
  lowDraw: 0,
  portAtMs: 0,
  portBeforeMs: 0,
  unreachable: 0,
  silentSinceMs: 0,
  probeAtMs: 0,
  haltAccepted: false,
  poweredMs: Number.NEGATIVE_INFINITY,
};

/** Draw readings below the threshold that make a host halted (kubernetes-shutdown.md §11). */
const LOW_READINGS = 3;
/** Failed probes in a row where no port measures the host. */
const SILENT_PROBES = 3;
/** Least threshold: a halted Pi with its HAT draws up to about this much, W (kubernetes-shutdown.md §11). */
const HALTED_FLOOR_W = 2.2;
const HALTED_SHARE = 0.65;
/** However hungry its HAT was seen to be, a machine that halts draws less than this share of what it drew. */
const FALLEN_SHARE = 0.85;

export function portOf(rack: Rack, host: HostPolicy): { port?: PortSample; observed?: Observed<unknown> } {
  if (host.switchId === undefined) return {};
  const observed = rack.switches[host.switchId];
  if (observed === undefined) return {};
  const port = observed.sample?.ports.find((each) => each.port === host.port);
  return { observed, ...(port === undefined ? {} : { port }) };
}

export function nodeOf(rack: Rack, host: HostPolicy): NodeSample | undefined {
  if (host.node === undefined || rack.cluster?.freshness !== 'fresh') return undefined;
  return rack.cluster.sample?.nodes.find((each) => each.name === host.node);
}

/**
 * Is the API server, and with it a vote of etcd, on this host? By the latest list of nodes, however old; nobody who never
 * saw one can but take the last stage that has nodes.
 */
export function servesTheApi(rack: Rack, policy: Policy, host: HostPolicy): boolean {
  if (host.node === undefined) return false;
  const nodes = rack.cluster?.sample?.nodes;
  if (nodes !== undefined) return nodes.some(({ name, controlPlane }) => name === host.node && controlPlane);
  const isNode = (id: string): boolean => policy.hosts[id]?.node !== undefined;
  return policy.stages.findLast(({ hosts }) => hosts.some(isNode))?.name === host.stage;
}

/** Counts on with the newest rack; a reading that was counted already is not counted twice. */
export function watchHost(before: HostWatch, rack: Rack, host: HostPolicy, state: HostState): HostWatch {
  return { ...before, ...countDraw(before, rack, host, state), ...countProbes(before, rack, host) };
}

function countDraw(
  before: HostWatch,
  rack: Rack,
  host: HostPolicy,
  state: HostState,
): Pick<HostWatch, 'lowDraw' | 'portAtMs' | 'portBeforeMs'> {
  const { port, observed } = portOf(rack, host);
  const atMs = observed?.receivedAtMs ?? 0;
  const reading = { portAtMs: atMs, portBeforeMs: atMs === before.portAtMs ? before.portBeforeMs : before.portAtMs };
  if (observed?.freshness !== 'fresh' || port === undefined) return { lowDraw: 0, ...reading };
  if (atMs === before.portAtMs) return { lowDraw: before.lowDraw, ...reading };
  const low = drawIsLow(port, host, state, reachable(rack, host) === false);
  return { lowDraw: low ? before.lowDraw + 1 : 0, ...reading };
}

function drawIsLow(port: PortSample, host: HostPolicy, state: HostState, silent: boolean): boolean {
  if (port.enabled === false || port.state === 'searching' || port.state === 'disabled') return true;
  if (port.powerW === undefined) return false;
  return port.powerW < haltedBelowW(host, state, silent);
}

/** Its port measures more than a halted machine draws: it runs, or boots before it can answer. */
export function drawsLikeRunning(rack: Rack, host: HostPolicy, state: HostState): boolean {
  const { port, observed } = portOf(rack, host);
  return (
    observed?.freshness === 'fresh' &&
    port?.powerW !== undefined &&
    !drawIsLow(port, host, state, reachable(rack, host) === false)
  );
}

/** A host that is known to be silent may have been learned to draw more when halted than is assumed of it. */
function haltedBelowW(host: HostPolicy, state: HostState, silent: boolean): number {
  if (host.haltedBelowW !== undefined) return host.haltedBelowW;
  const assumedW = Math.max(HALTED_FLOOR_W, HALTED_SHARE * (state.drawBeforeW ?? 0));
  const learnedW = host.learnedHaltedBelowW ?? assumedW;
  if (!silent) return Math.min(assumedW, learnedW);
  return Math.min(learnedW, Math.max(assumedW, FALLEN_SHARE * (state.drawBeforeW ?? 0)));
}

function countProbes(
  before: HostWatch,
  rack: Rack,
  host: HostPolicy,
): Pick<HostWatch, 'unreachable' | 'silentSinceMs' | 'probeAtMs'> {
  const probe = rack.hosts[host.id];
  const probeAtMs = probe?.receivedAtMs ?? 0;
  if (probe?.freshness !== 'fresh' || probe.sample === undefined || probe.sample.reachable)
    return { unreachable: 0, silentSinceMs: probeAtMs, probeAtMs };
  const { unreachable } = before;
  if (probeAtMs === before.probeAtMs) return { unreachable, silentSinceMs: before.silentSinceMs, probeAtMs };
  const silentSinceMs = unreachable === 0 ? probeAtMs : before.silentSinceMs;
  return { unreachable: unreachable + 1, silentSinceMs, probeAtMs };
}

/** Answers on the network right now; absent when nobody asked lately. */
export function reachable(rack: Rack, host: HostPolicy): boolean | undefined {
  const probe = rack.hosts[host.id];
  return probe?.freshness === 'fresh' ? probe.sample?.reachable : undefined;
}

/** Seen to be off, and by what; undefined while it is not. */
export function seenOff(
  watch: HostWatch,
  rack: Rack,
  host: HostPolicy,
  state: HostState,
  nowMs: number,
): string | undefined {
  if (reachable(rack, host) === true) return undefined;
  const { port, observed } = portOf(rack, host);
  const dark = port?.enabled === false || port?.state === 'searching' || port?.state === 'disabled';
  const measured = observed?.freshness === 'fresh' && (port?.powerW !== undefined || dark);
  if (port !== undefined && measured) {
    if (watch.lowDraw < LOW_READINGS) return undefined;
    return `draw down to ${(port.powerW ?? 0).toFixed(1)} W`;
  }
  // Whole racks fall silent when a switch starts anew; only of who was told to halt it says something.
  if (host.canHalt && !state.haltTaken) return undefined;
  // It may have booted by itself just before its switch fell silent: as long as it drew power it was not off.
  const drew = port?.powerW !== undefined && !drawIsLow(port, host, state, reachable(rack, host) === false);
  const silentSinceMs = Math.max(watch.silentSinceMs, drew ? (observed?.receivedAtMs ?? 0) : 0);
  return longSilent({ ...watch, silentSinceMs }, host, state, nowMs) ? 'no longer answers' : undefined;
}

/** A machine closes its network long before its disks: silence alone must have lasted. */
export function longSilent(watch: HostWatch, host: HostPolicy, state: HostState, nowMs: number): boolean {
  const silentMs = nowMs - Math.max(watch.silentSinceMs, state.sinceMs);
  return watch.unreachable >= SILENT_PROBES && silentMs >= host.offAfterSilenceS * 1000;
}

/**
 * Up again (or still up), and by what. A node counts only when its Ready is newer than our switching on: right after
 * an outage the API repeats what it knew before (kubernetes-shutdown.md §12).
 */
export function seenUp(rack: Rack, host: HostPolicy, state: HostState): string | undefined {
  if (host.node === undefined) return reachable(rack, host) === true ? 'answers again' : undefined;
  const node = nodeOf(rack, host);
  const cluster = rack.cluster?.sample;
  if (node === undefined || cluster === undefined || node.ready !== 'true') return undefined;
  if (node.bootId !== undefined && state.bootIdBefore !== undefined && node.bootId !== state.bootIdBefore)
    return 'Ready with a new boot id';
  // The moment of switching on, told by the API server's own clock.
  const poweredWallMs = rack.wallMs - (rack.monoMs - state.sinceMs);
  const poweredServerMs = poweredWallMs + (cluster.serverNowMs - cluster.measuredAtMs);
  if (node.heartbeatAtMs !== undefined && node.heartbeatAtMs > poweredServerMs) return 'Ready with a new heartbeat';
  return undefined;
}

type Remembered = Pick<HostState, 'drawBeforeW' | 'portBefore' | 'bootIdBefore'>;

/** What restoring needs to know of a host as it is now, up; written down before anything is touched. */
export function rememberedOf(rack: Rack, host: HostPolicy, state: HostState): Remembered {
  const { port, observed } = portOf(rack, host);
  const bootId = nodeOf(rack, host)?.bootId;
  const remembered = {
    drawBeforeW: drawW(rack, host),
    ...(port === undefined ? {} : { portBefore: portAsItIs(port) }),
    ...(bootId === undefined ? {} : { bootIdBefore: bootId }),
  };
  // A switch that has been silent since before the host came up shows what we had done to its port.
  const outdated = (observed?.receivedAtMs ?? 0) < state.sinceMs;
  return outdated ? presumed(host, remembered) : remembered;
}

/**
 * The same where a port that reads off was most likely switched off by us, or by the other node whose latest words are
 * lost. Better one port too many is on afterwards than a machine stays dark.
 */
export function presumed(host: HostPolicy, remembered: Remembered): Remembered {
  const { portBefore } = remembered;
  if (portBefore?.enabled !== false) return remembered;
  return { ...remembered, drawBeforeW: host.powerW, portBefore: { ...portBefore, enabled: true } };
}

function portAsItIs(port: PortBefore): PortBefore {
  return {
    port: port.port,
    ...(port.enabled === undefined ? {} : { enabled: port.enabled }),
    ...(port.priority === undefined ? {} : { priority: port.priority }),
    ...(port.poeClass === undefined ? {} : { poeClass: port.poeClass }),
    ...(port.asSet === undefined ? {} : { asSet: port.asSet }),
  };
}

/** Draw of the host right now, W: measured at its port, else as configured. */
export function drawW(rack: Rack, host: HostPolicy): number {
  const { port, observed } = portOf(rack, host);
  return (observed?.freshness === 'fresh' ? port?.powerW : undefined) ?? host.powerW;
}
