import type { HostPolicy, Policy } from './policy.ts';
import type { CoordinatorState, HostState } from './state.ts';
import type { Turn } from './turn.ts';

/** What is wanted of a host in the present phase. `stay`: nothing new, but what was begun is brought to its end. */
export type Goal = 'up' | 'off' | 'stay';

export function goalOf(state: CoordinatorState, host: HostPolicy): Goal {
  if (state.hosts[host.id]?.skipped) return 'up';
  if (onMains(state) && isOrderedDown(state)) return 'off';
  switch (state.phase) {
    case 'mains':
      return state.rehearsal !== undefined && state.rehearsal.stage === host.stage ? 'off' : 'up';
    case 'restoring':
      return 'up';
    case 'dark':
      return 'off';
    case 'on-battery':
    case 'shutting-down':
      return state.stages.some((stage) => stage.name === host.stage && stage.beganMs !== undefined) ? 'off' : 'stay';
  }
}

/** Mains carries the rack, as far as the coordinator is concerned. */
export const onMains = ({ phase }: CoordinatorState): boolean => phase === 'mains' || phase === 'restoring';

/** An order that was given while mains was there stands, and nobody has overruled it. */
export const isOrderedDown = ({ orderedDown }: CoordinatorState): boolean =>
  orderedDown !== undefined && orderedDown.overruled === undefined;

/** Who did, in words. */
export const orderedBy = ({ ups }: NonNullable<CoordinatorState['orderedDown']>): string =>
  ups === undefined ? 'a person' : `ups ${ups}`;

/**
 * The energy trigger brings down all stages back to back, so everything is cordoned at once: pods that were evicted
 * from one stage would otherwise be moved to the next and evicted again (kubernetes-shutdown.md, rule 1).
 */
export function cordonsAll(state: CoordinatorState): boolean {
  return state.stages.some(({ trigger }) => trigger !== undefined && BACK_TO_BACK.has(trigger));
}

const BACK_TO_BACK: ReadonlySet<string> = new Set(['energy', 'operator', 'external']);

/** Nothing is under way and nothing is ours to undo: the record of what was is no longer needed. */
export function atPeace(state: CoordinatorState): boolean {
  const settled = Object.values(state.hosts).every((host) => host.phase === 'up' && !host.cordonedByUs);
  return state.phase === 'mains' && state.runId === undefined && state.chargerA === undefined && settled;
}

/** Nothing more can be done to take its power away. */
export function isOff(host: HostPolicy, state: HostState): boolean {
  return state.phase === 'cut' || (state.phase === 'halted' && !canCut(host, state));
}

/** There is a port that was on before us and may be cut. */
export function canCut(host: HostPolicy, state: HostState): boolean {
  return host.cuttable && host.port !== undefined && state.portBefore?.enabled !== false;
}

export type Member = readonly [HostPolicy, HostState];

/** The hosts of a stage with what is known of each, in the order of the configuration. */
export function membersOf(state: CoordinatorState, policy: Policy, stage: string): readonly Member[] {
  const members: Member[] = [];
  for (const id of policy.stages.find(({ name }) => name === stage)?.hosts ?? []) {
    const host = policy.hosts[id];
    const hostState = state.hosts[id];
    if (host !== undefined && hostState !== undefined) members.push([host, hostState]);
  }
  return members;
}

export const hostsOfStage = (turn: Turn, stage: string): readonly Member[] => membersOf(turn.state, turn.policy, stage);

/** The hosts of all stages, in order. Asked for many times in a turn, and mostly of the same state. */
export function stagedHosts({ state, policy }: Turn): readonly Member[] {
  const known = staged.get(state);
  if (known?.policy === policy) return known.members;
  const members = policy.stages.flatMap(({ name }) => membersOf(state, policy, name));
  staged.set(state, { policy, members });
  return members;
}

const staged = new WeakMap<CoordinatorState, { readonly policy: Policy; readonly members: readonly Member[] }>();

/** Not left alone by a person's order. */
export const takesPart = ([, state]: Member): boolean => state.skipped !== true;
