import {
  drawsLikeRunning,
  type HostWatch,
  longSilent,
  nodeOf,
  nothingSeen,
  portOf,
  presumed,
  reachable,
  rememberedOf,
  seenOff,
  seenUp,
  servesTheApi,
} from './evidence.ts';
import { canCut, cordonsAll, type Goal, goalOf, hostsOfStage, type Member, stagedHosts, takesPart } from './goal.ts';
import type { HostPolicy, Policy, StagePolicy } from './policy.ts';
import type { PortBefore } from './promises.ts';
import type { HostState } from './state.ts';
import type { Turn } from './turn.ts';

/** Taking hosts down: cordon, drain, halt, see them off, cut. Each step moves a host by at most one phase. */

const CORDON_TRIES = 3;

/** First step down. What restore needs to know is written before anything is touched. */
export function cordon(turn: Turn, host: HostPolicy, state: HostState): void {
  const seen = rememberedOf(turn.rack, host, state);
  const remembered = turn.tookOver ? presumed(host, seen) : seen;
  if (host.node === undefined) {
    turn.host(host.id, { phase: 'drained', ...remembered }, 'not a cluster node');
    return;
  }
  if (turn.tries('cordon', host.id) >= CORDON_TRIES) {
    turn.host(host.id, { phase: 'cordoned', ...remembered }, 'could not be cordoned; its pods stop with the host');
    return;
  }
  // Which of the two comes first over there nobody knows: the answer to the older one is waited for.
  if (turn.busy('uncordon', host.id)) return;
  if (!turn.may('cordon', host.id) || turn.state.runId === undefined) return;
  if (!state.cordonedByUs) turn.host(host.id, { cordonedByUs: true, ...remembered }, 'about to be cordoned');
  const { runId } = turn.state;
  turn.emit({ kind: 'cordon', key: `cordon:${host.id}`, host: host.id, node: host.node, runId });
}

/**
 * A node that was emptied and that somebody has uncordoned since would be given pods again while it goes down. While a
 * drain is under way it sees to that itself.
 */
export function keepCordoned(turn: Turn, host: HostPolicy, state: HostState, goal: Goal): void {
  if (goal !== 'off') return;
  const { runId, rehearsal } = turn.state;
  const node = nodeOf(turn.rack, host);
  if (!state.cordonedByUs || state.recordoned || node === undefined || runId === undefined) return;
  if (node.unschedulable || node.cordonedBy !== runId || rehearsal !== undefined) return;
  if ((turn.rack.cluster?.receivedAtMs ?? 0) <= state.sinceMs || !turn.may('cordon', host.id)) return;
  turn.host(host.id, { recordoned: true }, 'somebody uncordoned it: it is cordoned again, once');
  turn.emit({ kind: 'cordon', key: `cordon:${host.id}`, host: host.id, node: node.name, runId });
}

/** Evicts all nodes of a stage at once, when everything that goes down with it is cordoned. */
export function drain(turn: Turn, stage: StagePolicy): void {
  const began = turn.state.stages.find(({ name }) => name === stage.name)?.beganMs;
  if (began === undefined) return;
  const waiting = hostsOfStage(turn, stage.name).filter(([, state]) => state.phase === 'cordoned');
  if (waiting.length === 0) return;
  const scope = (cordonsAll(turn.state) ? stagedHosts(turn) : hostsOfStage(turn, stage.name)).filter(takesPart);
  if (scope.some(([host, state]) => host.node !== undefined && state.phase === 'up')) return;
  const key = `drain:${stage.name}`;
  const deadlineMs = began + stage.drainTimeoutS * 1000 - turn.nowMs;
  if (deadlineMs <= 0) {
    for (const [host] of waiting) turn.host(host.id, { phase: 'drained' }, 'no time left to drain');
    return;
  }
  if (turn.flying(key) || turn.state.runId === undefined) return;
  turn.emit({
    kind: 'drain',
    key,
    stage: stage.name,
    runId: turn.state.runId,
    targets: waiting.flatMap(([host]) => (host.node === undefined ? [] : [{ host: host.id, node: host.node }])),
    deadlineMs,
    pdbGraceMs: stage.pdbGraceS * 1000,
    partial: !cordonsAll(turn.state) && somewhereToGo(turn),
  });
}

/** Some node that stays up can take pods. */
function somewhereToGo(turn: Turn): boolean {
  const going = new Set(
    stagedHosts(turn)
      .filter(([host, state]) => goalOf(turn.state, host) === 'off' || state.phase !== 'up')
      .map(([host]) => host.node),
  );
  const nodes = turn.rack.cluster?.sample?.nodes ?? [];
  return nodes.some((node) => !node.unschedulable && node.ready === 'true' && !going.has(node.name));
}

/** Sends the halt. From here on there is no turning back: it must go down before it can come up. */
export function halt(turn: Turn, host: HostPolicy): void {
  if (turn.state.rehearsal?.depth === 'drain') return;
  if (earlierStagesStillDrain(turn, host) || (servesTheApi(turn.rack, turn.policy, host) && apiIsNeeded(turn))) return;
  const because = host.canHalt ? 'halt is sent' : 'nothing is configured to halt it';
  // The boot that ends now is the one a later Ready must differ from.
  const bootId = nodeOf(turn.rack, host)?.bootId;
  turn.host(host.id, { phase: 'halting', ...(bootId === undefined ? {} : { bootIdBefore: bootId }) }, because);
  // What was read before the command says nothing of what it did.
  const { portAtMs, probeAtMs } = turn.watch.hosts[host.id] ?? nothingSeen;
  turn.see(host.id, { ...nothingSeen, portAtMs, probeAtMs });
  if (host.canHalt) turn.emit({ kind: 'halt', key: `halt:${host.id}`, host: host.id });
}

/** Pods of an earlier stage may still need what runs here until they have stopped; bounded by the drains' own deadlines. */
function earlierStagesStillDrain(turn: Turn, host: HostPolicy): boolean {
  for (const stage of turn.policy.stages) {
    if (stage.name === host.stage) return false;
    const began = turn.state.stages.find(({ name }) => name === stage.name)?.beganMs !== undefined;
    const taking = hostsOfStage(turn, stage.name).filter(takesPart);
    if (began && taking.some(([, state]) => ['up', 'cordoned'].includes(state.phase))) return true;
  }
  return false;
}

const isNode = ([host]: Member): boolean => host.node !== undefined;

/**
 * Somebody who is on the way down still needs the API: a server that is drained itself, or a worker that is not off. A
 * drain ends at its deadline; a halt is waited for as long as is planned for one, for only that much energy is there.
 * With the last majority of its servers the API is gone, so all of them wait, and go together (kubernetes-shutdown.md §9).
 */
function apiIsNeeded(turn: Turn): boolean {
  return stagedHosts(turn).some((member) => {
    const [host, { phase, sinceMs }] = member;
    if (!isNode(member) || !takesPart(member) || goalOf(turn.state, host) !== 'off') return false;
    const drains = phase === 'up' || phase === 'cordoned';
    const halts = phase === 'halting' && !turn.overdue(sinceMs, plannedHaltS(turn.policy, host));
    return drains || (!servesTheApi(turn.rack, turn.policy, host) && (phase === 'drained' || halts));
  });
}

const plannedHaltS = ({ expectS, margin }: Policy, { haltTimeoutS }: HostPolicy): number =>
  Math.min(expectS.halt * margin, haltTimeoutS);

/** Waits until it is seen to be off, sends the halt again where it failed, and gives up at the deadline. */
export function awaitOff(turn: Turn, host: HostPolicy, state: HostState, goal: Goal): void {
  const watch = turn.watch.hosts[host.id] ?? nothingSeen;
  const off = seenOff(watch, turn.rack, host, state, turn.nowMs);
  if (off !== undefined) {
    turn.host(host.id, { phase: 'halted', forced: false, trouble: null }, off);
    return;
  }
  if (!haltIsOverdue(turn, host, state, watch)) {
    // Also after a restart, when nobody knows whether the command got through: sending it twice does no harm. And when it
    // is wanted up again: no failure proves that nothing was obeyed, and half a halt is neither up nor off.
    if (!watch.haltAccepted && host.canHalt && turn.may('halt', host.id))
      turn.emit({ kind: 'halt', key: `halt:${host.id}`, host: host.id });
    return;
  }
  // The API repeats for a while what it knew of a machine that does not answer any more.
  if (goal === 'up' && reachable(turn.rack, host) !== false && isAlive(turn, host, state)) {
    turn.host(host.id, { phase: 'powering' }, 'did not go down, and is wanted up again');
    return;
  }
  if (canCut(host, state)) {
    turn.host(
      host.id,
      { phase: 'halted', forced: true },
      'not seen to be off by its deadline: its port is cut by force',
    );
  } else if (longSilent(watch, host, state, turn.nowMs)) {
    turn.host(host.id, { phase: 'halted', trouble: null }, 'no longer answers, though nobody saw it take the halt');
  } else {
    const trouble = 'not seen to be off by its deadline, and has no port to cut';
    turn.host(host.id, { phase: 'halted', trouble }, trouble);
  }
}

/**
 * A life that began after the halt was decided does not know whether it was ever sent, and sends it again: from when
 * the machine has taken that one it has its whole time once more, or power would be cut under a machine that halts.
 */
function haltIsOverdue(turn: Turn, host: HostPolicy, state: HostState, watch: HostWatch): boolean {
  if (!turn.bornAfter(state.sinceMs)) return turn.overdue(state.sinceMs, host.haltTimeoutS);
  return turn.overdue(Math.max(state.sinceMs, watch.haltAcceptedMs ?? 0), host.haltTimeoutS);
}

/** Times a machine that comes up again by itself is halted again; more often it needs a person. */
const REHALTS = 3;
/** A switch needs this long until it shows what was written, and a probe until it is asked again, ms. */
const SETTLED_MS = 8000;

/**
 * A machine that was off and is not any more, while it is wanted off: it has booted by itself, or its switch has
 * started anew and gives power to all ports. It is put down once more.
 */
export function stayOff(turn: Turn, host: HostPolicy, state: HostState): void {
  if (turn.nowMs - state.sinceMs < SETTLED_MS || (state.phase === 'halted' && state.forced)) return;
  const toBeCut = state.phase === 'halted' && canCut(host, state);
  if (state.trouble !== undefined && !toBeCut) return;
  const rehalts = (state.rehalts ?? 0) + 1;
  const runs = reachable(turn.rack, host) === true || (toBeCut && drawsLikeRunning(turn.rack, host, state));
  const { port, observed } = portOf(turn.rack, host);
  const seenSince = observed?.freshness === 'fresh' && (observed.receivedAtMs ?? 0) > state.sinceMs + SETTLED_MS / 2;
  const powered = state.phase === 'cut' && seenSince && port?.enabled === true;
  if (!runs && !powered) return;
  if (rehalts > REHALTS && toBeCut) {
    turn.host(host.id, { forced: true }, 'comes up again and again by itself: its port is cut by force');
    return;
  }
  if (rehalts > REHALTS) {
    const trouble = 'comes up again and again by itself';
    turn.host(host.id, { trouble }, trouble);
    return;
  }
  turn.host(
    host.id,
    { phase: 'halting', rehalts },
    runs ? 'came up again by itself' : 'its port was switched on again',
  );
  turn.see(host.id, nothingSeen);
}

/** A machine that was off, is wanted up, and runs already: it needs no power-cycle. */
export function cameUp(turn: Turn, host: HostPolicy, state: HostState): void {
  if (!canCut(host, state) || state.forced || turn.busy('cut', host.id)) return;
  if (turn.nowMs - state.sinceMs < SETTLED_MS) return;
  if (reachable(turn.rack, host) === true || drawsLikeRunning(turn.rack, host, state))
    turn.host(host.id, { phase: 'powering', trouble: null }, 'came up again by itself');
}

/** It answers, or its node is Ready anew: a machine that booted by itself, or never stopped. */
export function isAlive(turn: Turn, host: HostPolicy, state: HostState): boolean {
  return reachable(turn.rack, host) === true || seenUp(turn.rack, host, state) !== undefined;
}

/** Nobody cuts blindly while the switch may tell in time whether the machine still is off, s. */
const BLIND_AFTER_S = 60;

/**
 * It was seen to be off, but that may be over: it answers or draws power again. Or its switch did not obey, for it may
 * have started anew and given power to all its ports: then the port must have been read since.
 */
function mayHaveBooted(turn: Turn, host: HostPolicy, state: HostState): boolean {
  if (reachable(turn.rack, host) === true || drawsLikeRunning(turn.rack, host, state)) return true;
  if (turn.tries('cut', host.id) === 0 || turn.nowMs - state.sinceMs > BLIND_AFTER_S * 1000) return false;
  const { port, observed } = portOf(turn.rack, host);
  if (port?.powerW === undefined) return false;
  return observed?.freshness !== 'fresh' || (turn.watch.hosts[host.id]?.lowDraw ?? 0) === 0;
}

/** Cuts the ports of everything that is off, one write for many ports of a switch. */
export function cut(turn: Turn, hosts: readonly Member[]): void {
  const bySwitch = new Map<string, { host: string; port: string; before: PortBefore }[]>();
  for (const [host, state] of hosts) {
    if (state.phase !== 'halted' || !canCut(host, state) || !turn.may('cut', host.id)) continue;
    if (!state.forced && mayHaveBooted(turn, host, state)) continue;
    if (host.switchId === undefined || host.port === undefined) continue;
    // A port nobody ever saw must have been on: its host was up.
    const before = state.portBefore ?? { port: host.port, enabled: true };
    if (state.portBefore === undefined) turn.host(host.id, { portBefore: before }, 'port remembered before its cut');
    const targets = bySwitch.get(host.switchId) ?? [];
    targets.push({ host: host.id, port: host.port, before });
    bySwitch.set(host.switchId, targets);
  }
  for (const [switchId, targets] of bySwitch) {
    const key = `cut:${switchId}:${targets.map(({ port }) => port).join('+')}`;
    turn.emit({ kind: 'cut', key, switchId, targets });
  }
}
