import type { Command, CoordinatorState, HostPhase } from '../../services/shutdown/state.ts';
import { oneOf, type Random } from './random.ts';

/** What a person can see of a machine by walking up to it. */
export interface Seen {
  readonly id: string;
  readonly runs: boolean;
  readonly off: boolean;
}

/** From here on a machine that looks like running may be about to stop; nobody would swear that it is up. */
const GOING: ReadonlySet<HostPhase> = new Set(['halting', 'halted']);

/**
 * An order that somebody might give at this moment. People may be hasty, but do not lie: who says that a host is up or
 * off has looked at it.
 * @param alsoOnMains somebody may shut down while mains is there, and has to be there for the abort
 */
export function someOrder(
  rng: Random,
  state: CoordinatorState,
  stages: readonly string[],
  hosts: readonly Seen[],
  alsoOnMains = false,
): Command {
  const host = oneOf(rng, hosts);
  const known = state.hosts[host.id];
  switch (Math.floor(rng() * 8)) {
    case 0:
      return alsoOnMains && rng() < 0.5 ? { kind: 'begin', onMains: true } : { kind: 'begin' };
    case 1:
      return { kind: 'hold', forS: Math.floor(rng() * 900) };
    case 2:
      return { kind: 'abort' };
    case 3:
      return { kind: 'skip', host: host.id };
    case 4:
      return { kind: 'unskip', host: host.id };
    case 5:
      if (known?.trouble === undefined || (known.phase !== 'up' && GOING.has(known.phase) && host.runs))
        return { kind: 'power-cycle', host: host.id };
      return { kind: 'take-over', host: host.id, as: host.off ? 'off' : 'up' };
    case 6:
      return { kind: 'power-cycle', host: host.id, force: rng() < 0.3 };
    default:
      return { kind: 'rehearse', stage: oneOf(rng, stages), depth: rng() < 0.5 ? 'drain' : 'whole' };
  }
}
