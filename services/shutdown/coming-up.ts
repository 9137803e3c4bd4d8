import { canMakeRoom } from './charger-guard.ts';
import { nodeOf, nothingSeen, portOf, reachable, seenUp } from './evidence.ts';
import { fittingGroup } from './fitting-group.ts';
import { canCut, goalOf, hostsOfStage, type Member, stagedHosts } from './goal.ts';
import type { HostPolicy } from './policy.ts';
import { restoreGate } from './restore-gate.ts';
import type { HostState } from './state.ts';
import type { Turn } from './turn.ts';

/** Bringing hosts back: power in groups, wait until each is really up, take our cordon away. */

/** How often a sleeping machine is sent its magic packet, ms. */
const WAKE_EVERY_MS = 15_000;
const POWER_CYCLES = 1;

/** Takes our cordon away again. */
export function uncordon(turn: Turn, host: HostPolicy, state: HostState, because: string): void {
  if (host.stage !== undefined) stopDrain(turn, host.stage);
  if (!state.cordonedByUs || host.node === undefined || turn.state.runId === undefined) {
    turn.host(host.id, { phase: 'up', trouble: null }, because);
    return;
  }
  if (turn.busy('cordon', host.id) || !turn.may('uncordon', host.id)) return;
  const { runId } = turn.state;
  turn.emit({ kind: 'uncordon', key: `uncordon:${host.id}`, host: host.id, node: host.node, runId });
}

function stopDrain(turn: Turn, stage: string): void {
  const drainKey = `drain:${stage}`;
  const key = `stop-${drainKey}`;
  if (turn.flying(drainKey) && !turn.flying(key)) turn.emit({ kind: 'stop-drain', key, drainKey });
}

/**
 * Starts what is cut or halted, the last stage first, in groups that fit the switch and the circuit. A host that has
 * no room even when nothing else is starting is named, keeps nobody waiting, and is tried again with every group; before
 * that, charging slows down. Gives back what the next one lacks on the circuit, W.
 */
export function startGroup(turn: Turn): number {
  const stages = turn.policy.stages.toReversed();
  const waiting = stages.findIndex(({ name }) => hostsOfStage(turn, name).some(isAwaited));
  const begun = waiting < 0 ? stages : stages.slice(0, waiting + 1);
  const candidates = begun.flatMap(({ name }) => hostsOfStage(turn, name).filter(startable(turn)));
  if (candidates.length === 0 || restoreGate(turn.state, turn.rack, turn.policy) !== undefined) return 0;
  const last = turn.watch.lastGroupMs;
  if (last !== undefined && turn.nowMs - last < turn.policy.restore.groupEveryS * 1000) return 0;
  const { group, without, lackW } = fittingGroup(turn, candidates);
  const starting = stagedHosts(turn).some(([, state]) => state.phase === 'powering' && state.trouble === undefined);
  if (group.length === 0 && !starting && !(lackW > 0 && canMakeRoom(turn))) {
    for (const [[host, state], trouble] of without)
      if (state.trouble === undefined) turn.host(host.id, { trouble }, trouble);
  }
  if (group.length === 0) return lackW;
  turn.watch = { ...turn.watch, lastGroupMs: turn.nowMs };
  for (const [host, state] of group)
    turn.host(host.id, { phase: 'powering', trouble: null, ...bootThatEnded(turn, host, state) }, 'mains is back');
  powerPorts(turn, group);
  for (const [host, state] of group) if (!canCut(host, state)) wake(turn, host);
  return lackW;
}

/** Of a machine without power, or of one that does not answer, whatever boot the API knows is over. */
function bootThatEnded(turn: Turn, host: HostPolicy, { phase }: HostState): { bootIdBefore?: string } {
  const bootId = nodeOf(turn.rack, host)?.bootId;
  const over = phase === 'cut' || reachable(turn.rack, host) === false;
  return over && bootId !== undefined ? { bootIdBefore: bootId } : {};
}

/** Its stage is not back before it is; one that is in trouble keeps nobody waiting. */
const isAwaited = ([, state]: Member): boolean =>
  state.phase !== 'up' && state.trouble === undefined && state.backSinceMs === undefined;

const startable =
  (turn: Turn) =>
  ([host, state]: Member): boolean => {
    // What is being rehearsed stays down until it is over.
    if (goalOf(turn.state, host) !== 'up') return false;
    if (state.phase === 'cut')
      return !turn.busy('cut', host.id) && turn.nowMs - state.sinceMs >= turn.policy.restore.offTimeS * 1000;
    return state.phase === 'halted' && !canCut(host, state);
  };

function powerPorts(turn: Turn, group: readonly Member[]): void {
  const bySwitch = new Map<string, { host: string; port: string; asSet?: string }[]>();
  for (const [host, state] of group) {
    // A port that was off before us, or may not be cut, is not ours to switch on either.
    if (host.switchId === undefined || host.port === undefined || !canCut(host, state)) continue;
    const targets = bySwitch.get(host.switchId) ?? [];
    const asSet = state.portBefore?.asSet;
    targets.push({ host: host.id, port: host.port, ...(asSet === undefined ? {} : { asSet }) });
    bySwitch.set(host.switchId, targets);
  }
  for (const [switchId, targets] of bySwitch) {
    const key = `power:${switchId}:${targets.map(({ port }) => port).join('+')}`;
    turn.emit({ kind: 'power', key, switchId, targets });
  }
}

function wake(turn: Turn, host: HostPolicy): void {
  if (!host.canWake || !turn.may('wake', host.id)) return;
  turn.emit({ kind: 'wake', key: `wake:${host.id}`, host: host.id });
}

/**
 * The first nodes that are back would get all pods of the cluster: they stay cordoned until the control plane and
 * enough of the others are back, for some time (kubernetes-shutdown.md §12). A node of ours that never went down takes pods already.
 */
function othersAreBack(turn: Turn, host: HostPolicy): boolean {
  const { uncordonShare, uncordonPatienceS } = turn.policy.restore;
  if (host.node === undefined) return true;
  const nodes = stagedHosts(turn).filter(([each, state]) => each.node !== undefined && state.trouble === undefined);
  const back = nodes.filter(([, { phase, cordonedByUs, backSinceMs }]) =>
    phase === 'powering' ? backSinceMs !== undefined : phase === 'up' && !cordonedByUs,
  );
  const planes =
    turn.rack.cluster?.sample?.nodes.filter(({ controlPlane }) => controlPlane).map(({ name }) => name) ?? [];
  const missing = nodes.some((member) => planes.includes(member[0].node ?? '') && !back.includes(member));
  if (!missing && back.length >= nodes.length * uncordonShare) return true;
  const firstMs = Math.min(...back.map(([, { backSinceMs }]) => backSinceMs ?? Number.POSITIVE_INFINITY));
  return turn.nowMs - firstMs >= uncordonPatienceS * 1000;
}

/** Waits until it is up; sees to its power again if the first write was lost; power-cycles it once if it does not come. */
export function awaitUp(turn: Turn, host: HostPolicy, state: HostState): void {
  const up = seenUp(turn.rack, host, state);
  if (up !== undefined && state.backSinceMs === undefined) turn.host(host.id, { back: true, trouble: null }, up);
  if (up !== undefined || state.backSinceMs !== undefined) {
    if (othersAreBack(turn, host)) uncordon(turn, host, state, up ?? 'is back');
    return;
  }
  const { port, observed } = portOf(turn.rack, host);
  const { poweredMs, portBeforeMs } = turn.watch.hosts[host.id] ?? nothingSeen;
  // A reading that was under way while the port was switched on may show it as it was before.
  const seenSince = observed?.freshness === 'fresh' && portBeforeMs > poweredMs;
  const dark = seenSince && port?.enabled === false;
  if (dark && turn.may('power', host.id)) powerPorts(turn, [[host, state]]);
  const waitedMs = turn.nowMs - state.sinceMs;
  if (!canCut(host, state) && reachable(turn.rack, host) !== true) {
    const again = turn.watch.inFlight[`wake:${host.id}`] === undefined && wakeIsDue(turn, host, waitedMs);
    if (again) wake(turn, host);
  }
  if (turn.overdue(state.sinceMs, host.bootTimeoutS) && state.trouble === undefined) overdue(turn, host, state);
}

/** It should be up by now. A machine that answers is left alone: perhaps only the API cannot say that it is Ready. */
function overdue(turn: Turn, host: HostPolicy, state: HostState): void {
  const answers = reachable(turn.rack, host) === true;
  const onMains = turn.state.phase === 'restoring' || turn.state.phase === 'mains';
  const mayCycle = canCut(host, state) && state.powerCycles < POWER_CYCLES && !turn.busy('power', host.id);
  if (!answers && onMains && mayCycle) {
    const change = { phase: 'halted', forced: true, powerCycles: state.powerCycles + 1 } as const;
    turn.host(host.id, change, 'did not come up in time: its port is switched off and on once');
    return;
  }
  const trouble = answers
    ? 'answers, but its node is not Ready anew'
    : host.canWake || host.port !== undefined
      ? 'did not come up'
      : 'cannot be started from here: press its button';
  turn.host(host.id, { trouble }, trouble);
}

function wakeIsDue(turn: Turn, host: HostPolicy, waitedMs: number): boolean {
  const tries = turn.tries('wake', host.id);
  return waitedMs >= WAKE_EVERY_MS * (tries + 1) || tries === 0;
}
