import type { Policy } from './policy.ts';
import { succeeded } from './promises.ts';
import { adopt } from './shared-state.ts';
import type { CoordinatorState, EffectResult, HostState, JournalEntry, StageState } from './state.ts';

/**
 * State is the fold of the journal. Live and after a restart the very same function runs, so what is not in the
 * journal is not in the state.
 */

const freshHost = (nowMs: number): HostState => ({
  phase: 'up',
  sinceMs: nowMs,
  cordonedByUs: false,
  forced: false,
  powerCycles: 0,
});

/** A rack in peace. `nowMs` is monotonic. */
export function initialState(policy: Policy, nowMs: number): CoordinatorState {
  const hosts: Record<string, HostState> = {};
  for (const stage of policy.stages) for (const id of stage.hosts) hosts[id] = freshHost(nowMs);
  return { phase: 'mains', phaseSinceMs: nowMs, hosts, stages: policy.stages.map(({ name }) => ({ name })) };
}

/** The state after one journal entry. Pure. Entries about hosts or stages that no longer exist change nothing. */
export function evolve(state: CoordinatorState, entry: JournalEntry, atMs: number): CoordinatorState {
  switch (entry.kind) {
    case 'phase':
      return enterPhase(state, entry, atMs);
    case 'stage':
      return {
        ...state,
        stages: state.stages.map((stage) => (stage.name === entry.stage ? turn(entry, atMs) : stage)),
      };
    case 'host':
      return changeHost(state, entry, atMs);
    case 'hold': {
      const { holdUntilMs: _, ...rest } = state;
      return entry.forS > 0 ? { ...rest, holdUntilMs: atMs + entry.forS * 1000 } : rest;
    }
    case 'rehearsal': {
      const { rehearsal: _, ...rest } = state;
      if (!entry.began) return rest;
      const { stage, depth, runId } = entry;
      return { ...rest, rehearsal: { stage, depth, sinceMs: atMs }, ...(runId === undefined ? {} : { runId }) };
    }
    case 'ordered-down':
      return orderDown(state, entry);
    case 'charger':
      return setCharger(state, entry);
    case 'output': {
      const { outputsOff = [], ...rest } = state;
      const others = outputsOff.filter((pack) => pack !== entry.pack);
      const off = entry.on ? others : [...others, entry.pack];
      return off.length === 0 ? rest : { ...rest, outputsOff: off };
    }
    case 'lease':
      return { ...state, lease: { epoch: entry.epoch, acting: entry.acting } };
    case 'adopted':
      return adopt(state, entry.state, atMs);
    case 'outcome':
      return entry.effectKind === 'halt' ? takenHalts(state, entry.results) : state;
    case 'intent':
    case 'command':
    case 'note':
      return state;
  }
}

function takenHalts(state: CoordinatorState, results: readonly EffectResult[]): CoordinatorState {
  const taken = results
    .filter((result) => succeeded(result) && state.hosts[result.host]?.phase === 'halting')
    .flatMap(({ host }) => {
      const before = state.hosts[host];
      return before === undefined ? [] : [[host, { ...before, haltTaken: true }] as const];
    });
  return taken.length === 0 ? state : { ...state, hosts: { ...state.hosts, ...Object.fromEntries(taken) } };
}

function orderDown(
  { orderedDown: _, ...rest }: CoordinatorState,
  { began, ups, overruled, runId }: Extract<JournalEntry, { kind: 'ordered-down' }>,
): CoordinatorState {
  if (!began) return rest;
  const orderedDown = { ...(ups === undefined ? {} : { ups }), ...(overruled === undefined ? {} : { overruled }) };
  return { ...rest, orderedDown, ...(runId === undefined ? {} : { runId }) };
}

const setCharger = (
  { chargerA: _, ...rest }: CoordinatorState,
  { amps }: Extract<JournalEntry, { kind: 'charger' }>,
): CoordinatorState => (amps === undefined ? rest : { ...rest, chargerA: amps });

function enterPhase(
  state: CoordinatorState,
  entry: Extract<JournalEntry, { kind: 'phase' }>,
  atMs: number,
): CoordinatorState {
  const { runId: _run, outageSinceMs, holdUntilMs, lossesMs, otherW: oldOtherW, ...rest } = state;
  const otherW = entry.otherW ?? oldOtherW;
  const keepsOutage = entry.phase !== 'mains' && entry.phase !== 'restoring';
  const lost = keepsOutage && outageSinceMs === undefined;
  const losses = [...(lossesMs ?? []), ...(lost ? [atMs] : [])].slice(-LOSSES_KEPT);
  return {
    ...rest,
    ...(losses.length === 0 ? {} : { lossesMs: losses }),
    ...(entry.phase === 'mains' ? { hosts: noneSkipped(rest.hosts) } : {}),
    phase: entry.phase,
    phaseSinceMs: atMs,
    ...(entry.runId === undefined ? {} : { runId: entry.runId }),
    ...(keepsOutage ? { outageSinceMs: outageSinceMs ?? atMs } : {}),
    ...(entry.phase !== 'mains' && otherW !== undefined ? { otherW } : {}),
    ...(keepsOutage && holdUntilMs !== undefined ? { holdUntilMs } : {}),
  };
}

/** More losses than this within an hour change nothing any more. */
const LOSSES_KEPT = 8;

/** Nobody stays skipped beyond the outage it was said for. */
function noneSkipped(hosts: CoordinatorState['hosts']): CoordinatorState['hosts'] {
  return Object.fromEntries(Object.entries(hosts).map(([id, { skipped: _, ...host }]) => [id, host]));
}

function turn(entry: Extract<JournalEntry, { kind: 'stage' }>, atMs: number): StageState {
  if (!entry.began) return { name: entry.stage };
  return { name: entry.stage, beganMs: atMs, ...(entry.trigger === undefined ? {} : { trigger: entry.trigger }) };
}

function backAt(back: true | undefined, before: number | undefined, atMs: number): { backSinceMs?: number } {
  const backSinceMs = back ? atMs : before;
  return backSinceMs === undefined ? {} : { backSinceMs };
}

function changeHost(
  state: CoordinatorState,
  entry: Extract<JournalEntry, { kind: 'host' }>,
  atMs: number,
): CoordinatorState {
  const before = state.hosts[entry.host];
  if (before === undefined) return state;
  const { trouble, back, ...change } = entry.change;
  const { trouble: oldTrouble, backSinceMs: oldBack, haltTaken, ...rest } = before;
  const moved = change.phase !== undefined && change.phase !== before.phase;
  const keptTrouble = trouble === undefined ? oldTrouble : (trouble ?? undefined);
  // A host that is up again owes nothing to the outage that is over.
  const skipped = before.skipped === undefined ? {} : { skipped: before.skipped };
  const base = change.phase === 'up' ? { ...freshHost(atMs), ...skipped } : rest;
  const after: HostState = {
    ...base,
    ...change,
    sinceMs: moved ? atMs : before.sinceMs,
    ...(moved ? {} : backAt(back, oldBack, atMs)),
    ...(moved || haltTaken === undefined ? {} : { haltTaken }),
    ...(keptTrouble === undefined ? {} : { trouble: keptTrouble }),
  };
  return { ...state, hosts: { ...state.hosts, [entry.host]: after } };
}
