import { type Answer, accept, refuse } from './answer.ts';
import { reachable, rememberedOf } from './evidence.ts';
import { canCut, isOrderedDown } from './goal.ts';
import type { HostPolicy } from './policy.ts';
import { restoreGate } from './restore-gate.ts';
import type { HostPhase, HostState } from './state.ts';
import type { Turn } from './turn.ts';

/** What a person orders about one host. */

/** From `halting` on a machine is on its way down and cannot be called back. */
const SKIPPABLE: ReadonlySet<HostPhase> = new Set(['up', 'cordoned', 'drained']);

/** Leaves a host alone until mains is back, or no longer. Its draw stays in the schedule. */
export function skip(turn: Turn, id: string, skipped: boolean): Answer {
  const known = staged(turn, id);
  if ('accepted' in known) return known;
  const { state } = known;
  const { phase } = turn.state;
  if ((state.skipped ?? false) === skipped) return accept(`${id} is ${skipped ? 'skipped already' : 'not skipped'}`);
  if (!skipped) {
    turn.host(id, { skipped: false }, 'no longer skipped');
    return accept(`${id} takes part again`);
  }
  if (phase === 'mains' && turn.state.rehearsal === undefined && !isOrderedDown(turn.state))
    return refuse('mains is there: take the host out of its stage in the configuration instead');
  if (!SKIPPABLE.has(state.phase)) return refuse(`${id} is ${state.phase}: it cannot be called back any more`);
  turn.host(id, { skipped: true }, 'skipped by a person');
  return accept(`${id} is left alone until mains is back; what it draws shortens the time for all others`);
}

/** A person has seen to a host: trouble is forgotten, and it goes on from how it is said to be. */
export function takeOver(turn: Turn, id: string, as: 'up' | 'off'): Answer {
  const known = staged(turn, id);
  if ('accepted' in known) return known;
  const { state } = known;
  if (state.trouble === undefined && state.phase === 'up') return refuse(`${id} is up and nothing troubles it`);
  if (as === 'off') {
    turn.host(id, { phase: 'halted', forced: false, trouble: null }, 'a person says it is off');
    return accept(`${id} counts as off`);
  }
  // A cordon of ours is still to be taken away, and that is what `cordoned` leads to.
  const phase = state.cordonedByUs ? 'cordoned' : 'up';
  turn.host(id, { phase, trouble: null }, 'a person says it is up');
  return accept(`${id} counts as up`);
}

/** Off and on again, on mains only, and only where that can be undone. */
export function powerCycle(turn: Turn, id: string, force: boolean): Answer {
  const known = staged(turn, id);
  if ('accepted' in known) return known;
  const { host, state } = known;
  const { phase, rehearsal } = turn.state;
  if (phase !== 'mains' && phase !== 'restoring') return refuse(`not in phase ${phase}`);
  if (rehearsal !== undefined) return refuse(`${rehearsal.stage} is being rehearsed`);
  const closed = restoreGate(turn.state, turn.rack, turn.policy);
  if (closed !== undefined) return refuse(`it could not be started again: ${closed}`);
  if (!canCut(host, state)) return refuse(`${id} has no port that may be switched`);
  if (state.phase !== 'up' && state.phase !== 'powering') return refuse(`${id} is ${state.phase} already`);
  if (reachable(turn.rack, host) === true && !force)
    return refuse(`${id} answers on the network: halt it there, or say force to cut its power all the same`);
  const now = rememberedOf(turn.rack, host, state);
  // While it is starting, its port shows what we did to it; only the boot that ends now is another one.
  const boot = now.bootIdBefore === undefined ? {} : { bootIdBefore: now.bootIdBefore };
  const remembered = state.phase === 'up' ? now : boot;
  turn.host(id, { phase: 'halted', forced: true, trouble: null, ...remembered }, 'power-cycled by a person');
  return accept(`${id} loses its power now and gets it back`);
}

function staged(turn: Turn, id: string): { host: HostPolicy; state: HostState } | Answer {
  const host = turn.policy.hosts[id];
  const state = turn.state.hosts[id];
  if (host === undefined) return refuse(`no host is called ${id.slice(0, 64)}`);
  if (state === undefined) return refuse(`${id} is in no stage: holdover never touches it`);
  return { host, state };
}
