import type { Rack } from '../rack/rack.ts';
import { guardCharger } from './charger-guard.ts';
import { awaitUp, startGroup, uncordon } from './coming-up.ts';
import { obey } from './commands.ts';
import { nothingSeen, watchHost } from './evidence.ts';
import { cordonsAll, goalOf, hostsOfStage, isOff, isOrderedDown, type Member, stagedHosts, takesPart } from './goal.ts';
import { awaitOff, cameUp, cordon, cut, drain, halt, keepCordoned, stayOff } from './going-down.ts';
import { lastAct, outputsReturn } from './last-act.ts';
import { followOrder } from './ordered-down.ts';
import type { HostPolicy, Policy } from './policy.ts';
import { callOff, followRehearsal } from './rehearsal.ts';
import { takeResult } from './results.ts';
import type { CoordinatorState, Effect, Input, JournalEntry } from './state.ts';
import { hostsOf, Turn, type Watch } from './turn.ts';
import type { Schedule } from './view.ts';

export interface Decision {
  readonly state: CoordinatorState;
  readonly watch: Watch;
  /** To be on disk before any of the effects begins. */
  readonly entries: readonly JournalEntry[];
  readonly effects: readonly Effect[];
  readonly schedule: Schedule;
  /** To a command: was it accepted, and why. */
  readonly answer?: { readonly accepted: boolean; readonly because: string };
}

/**
 * The coordinator: what to do, given what was decided before, what has come in, and the rack as it is. Pure: the same
 * arguments give the same decision. Time is the rack's (`rack.monoMs`). It looks at levels, not at edges, so calling
 * it again with the same rack adds nothing, and after a restart it carries on from what it sees.
 */
export function decide(
  before: { readonly state: CoordinatorState; readonly watch: Watch },
  input: Input,
  rack: Rack,
  policy: Policy,
): Decision {
  const turn = new Turn(before.state, before.watch, rack, policy);
  if (input.kind === 'result') takeResult(turn, input);
  giveUpLost(turn);
  const answer = input.kind === 'command' ? obey(turn, input.command, input.author) : undefined;
  watch(turn);
  followMains(turn);
  followOrder(turn);
  followRehearsal(turn);
  turn.reckon();
  beginStages(turn);
  for (const [host] of stagedHosts(turn)) pursue(turn, host);
  for (const stage of turn.policy.stages) drain(turn, stage);
  cut(turn, stagedHosts(turn));
  lastAct(turn);
  const onMains = turn.state.phase === 'restoring' || turn.state.phase === 'mains';
  // Nothing is started on a bus that could not carry it through the next failure.
  const lackW = onMains && !outputsReturn(turn) ? startGroup(turn) : 0;
  guardCharger(turn, lackW);
  closePhase(turn);
  return {
    state: turn.state,
    watch: turn.watch,
    entries: turn.entries,
    effects: turn.effects,
    schedule: turn.schedule(),
    ...(answer === undefined ? {} : { answer }),
  };
}

function watch(turn: Turn): void {
  const hosts = { ...turn.watch.hosts };
  for (const [host, state] of stagedHosts(turn))
    hosts[host.id] = watchHost(hosts[host.id] ?? nothingSeen, turn.rack, host, state);
  turn.watch = { ...turn.watch, hosts };
}

/** Every edge promises an answer; one that breaks its promise must not hold a host for ever, ms. */
const LOST_AFTER_MS = 300_000;

function giveUpLost(turn: Turn): void {
  for (const [key, { effect, sinceMs }] of Object.entries(turn.watch.inFlight)) {
    const allowedMs = LOST_AFTER_MS + (effect.kind === 'drain' ? effect.deadlineMs : 0);
    if (turn.nowMs - sinceMs < allowedMs) continue;
    turn.write({ kind: 'note', text: `${key}: no answer came; it is tried again` });
    turn.landed(key);
    for (const host of hostsOf(effect)) turn.retryLater(effect.kind, host);
  }
}

function followMains(turn: Turn): void {
  const { verdict } = turn.rack.mains;
  const { phase } = turn.state;
  if (verdict === 'absent' && (phase === 'mains' || phase === 'restoring')) {
    callOff(turn, 'mains is away');
    const runId = turn.state.runId ?? `outage-${new Date(turn.rack.wallMs).toISOString().replace(/[:.]/g, '-')}`;
    const otherW = Math.round(turn.otherW);
    turn.write({
      kind: 'phase',
      phase: 'on-battery',
      because: 'mains is away',
      runId,
      ...(otherW > 0 ? { otherW } : {}),
    });
  } else if (verdict === 'present' && phase !== 'mains' && phase !== 'restoring') {
    for (const stage of turn.state.stages) {
      if (stage.beganMs !== undefined) turn.write({ kind: 'stage', stage: stage.name, began: false });
    }
    turn.write({ kind: 'phase', phase: 'restoring', because: 'mains is back', ...runOf(turn) });
  }
}

const runOf = (turn: Turn): { runId?: string } => (turn.state.runId === undefined ? {} : { runId: turn.state.runId });

/** Whoever was left alone by a person's order and no longer is goes down, in the dark too. */
function beginLate(turn: Turn): void {
  const awake = ([, { phase }]: Member): boolean => phase === 'up' || phase === 'cordoned';
  for (const { name, beganMs } of turn.state.stages) {
    if (beganMs === undefined && hostsOfStage(turn, name).filter(takesPart).some(awake))
      turn.write({ kind: 'stage', stage: name, began: true, trigger: 'operator' });
  }
}

function beginStages(turn: Turn): void {
  if (turn.state.phase === 'dark') beginLate(turn);
  if (turn.state.phase !== 'on-battery' && turn.state.phase !== 'shutting-down') return;
  // Who was dead for a while knows nothing yet, and nothing known looks like nothing left.
  if (turn.looksAround) return;
  if (turn.rack.forcedShutdown !== undefined) turn.beginAll('external');
  // A stage that begins changes the load ahead of the next one, so each is looked at anew.
  for (let index = 0; index < turn.policy.stages.length; index += 1) {
    const due = turn
      .schedule()
      .stages.findLast((stage) => stage.state === 'waiting' && stage.beginsInS !== undefined && stage.beginsInS <= 0);
    if (due === undefined) break;
    beginUpTo(turn, due.name, due.decidedBy ?? 'energy');
  }
  const begun = turn.state.stages.some(({ beganMs }) => beganMs !== undefined);
  if (begun && turn.state.phase === 'on-battery')
    turn.write({ kind: 'phase', phase: 'shutting-down', because: 'the first stage begins', ...runOf(turn) });
}

/** Stages go down in order: whoever begins takes along all before it. */
function beginUpTo(turn: Turn, name: string, trigger: string): void {
  for (const stage of turn.policy.stages) {
    const began = turn.state.stages.find((each) => each.name === stage.name)?.beganMs !== undefined;
    if (!began) turn.write({ kind: 'stage', stage: stage.name, began: true, trigger });
    if (stage.name === name) return;
  }
}

/** One step of one host towards what is wanted of it. */
function pursue(turn: Turn, host: HostPolicy): void {
  const state = turn.state.hosts[host.id];
  if (state === undefined) return;
  const goal = goalOf(turn.state, host);
  switch (state.phase) {
    case 'up':
      if (goal === 'off' || (goal === 'stay' && host.node !== undefined && cordonsAll(turn.state)))
        cordon(turn, host, state);
      // A cordon whose answer never came may have worked all the same.
      else if (state.cordonedByUs) uncordon(turn, host, state, 'was not halted');
      return;
    case 'cordoned':
      if (goal === 'up' || (goal === 'stay' && !cordonsAll(turn.state))) uncordon(turn, host, state, 'was not halted');
      return;
    case 'drained':
      keepCordoned(turn, host, state, goal);
      if (goal === 'off') halt(turn, host);
      else uncordon(turn, host, state, 'was not halted');
      return;
    case 'halting':
      keepCordoned(turn, host, state, goal);
      awaitOff(turn, host, state, goal);
      return;
    case 'powering':
      // It may be running, booting or dark, and takes no pods in any case: only its way down brings it back for certain.
      if (goal === 'off') halt(turn, host);
      else awaitUp(turn, host, state);
      return;
    case 'halted':
      if (goal === 'up') cameUp(turn, host, state);
      else if (goal === 'off') stayOff(turn, host, state);
      return;
    case 'cut':
      if (goal === 'off') stayOff(turn, host, state);
      return;
  }
}

function closePhase(turn: Turn): void {
  const hosts = stagedHosts(turn);
  const { phase, runId, rehearsal } = turn.state;
  const taking = hosts.filter(takesPart);
  const allOff = taking.length > 0 && taking.every(([host, state]) => isOff(host, state));
  if ((phase === 'shutting-down' || phase === 'on-battery') && allOff) {
    turn.write({ kind: 'phase', phase: 'dark', because: 'the last host is off', ...runOf(turn) });
    return;
  }
  const untouched = hosts.every(([, state]) => state.phase === 'up' && !state.cordonedByUs);
  if (phase === 'shutting-down' && untouched && turn.state.stages.every(({ beganMs }) => beganMs === undefined)) {
    turn.write({ kind: 'phase', phase: 'on-battery', because: 'the shutdown was called off', ...runOf(turn) });
    return;
  }
  if (phase !== 'restoring' && (phase !== 'mains' || runId === undefined || rehearsal !== undefined)) return;
  if (isOrderedDown(turn.state)) return;
  const allUp = hosts.every(([, state]) => state.phase === 'up' && !state.cordonedByUs);
  if (allUp) {
    turn.write({ kind: 'phase', phase: 'mains', because: 'every host is back' });
    return;
  }
  const allSettled = hosts.every(
    ([, state]) => (state.phase === 'up' && !state.cordonedByUs) || state.trouble !== undefined,
  );
  if (phase === 'restoring' && allSettled)
    turn.write({ kind: 'phase', phase: 'mains', because: 'some hosts need a person', ...runOf(turn) });
}
