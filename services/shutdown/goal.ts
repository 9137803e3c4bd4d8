import type { HostPolicy } from './policy.ts';
import type { CoordinatorState, HostState } from './state.ts';
import type { Turn } from './turn.ts';

/** What is wanted of a host in the present phase. `stay`: nothing new, but what was begun is brought to its end. */
export type Goal = 'up' | 'off' | 'stay';

export function goalOf(state: CoordinatorState, host: HostPolicy): Goal {
  switch (state.phase) {
    case 'mains':
    case 'restoring':
      return 'up';
    case 'dark':
      return 'off';
    case 'on-battery':
    case 'shutting-down':
      return state.stages.some((stage) => stage.name === host.stage && stage.beganMs !== undefined) ? 'off' : 'stay';
  }
}

/**
 * The energy trigger brings down all stages back to back, so everything is cordoned at once: pods that were evicted
 * from one stage would otherwise be moved to the next and evicted again (kubernetes-shutdown.md, rule 1).
 */
export function cordonsAll(state: CoordinatorState): boolean {
  return state.stages.some((stage) => stage.trigger === 'energy' || stage.trigger === 'operator');
}

/** Nothing more can be done to take its power away. */
export function isOff(host: HostPolicy, state: HostState): boolean {
  return state.phase === 'cut' || (state.phase === 'halted' && !canCut(host, state));
}

/** There is a port that was on before us and may be cut. */
export function canCut(host: HostPolicy, state: HostState): boolean {
  return host.cuttable && host.port !== undefined && state.portBefore?.enabled !== false;
}

export function stagedHosts(turn: Turn): readonly (readonly [HostPolicy, HostState])[] {
  const pairs: (readonly [HostPolicy, HostState])[] = [];
  for (const stage of turn.policy.stages) pairs.push(...hostsOfStage(turn, stage.name));
  return pairs;
}

export function hostsOfStage(turn: Turn, stage: string): readonly (readonly [HostPolicy, HostState])[] {
  const pairs: (readonly [HostPolicy, HostState])[] = [];
  for (const id of turn.policy.stages.find(({ name }) => name === stage)?.hosts ?? []) {
    const host = turn.policy.hosts[id];
    const state = turn.state.hosts[id];
    if (host !== undefined && state !== undefined) pairs.push([host, state]);
  }
  return pairs;
}
