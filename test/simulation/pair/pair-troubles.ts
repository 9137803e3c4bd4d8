import type { Phase } from '../../../services/shutdown/state.ts';
import { PHASES } from '../coverage.ts';
import { between, oneOf, type Random } from '../random.ts';
import type { Fault, Trouble } from '../whole/troubles.ts';

/** What can go wrong between two nodes. */
export const PAIR_FAULTS = [
  /** The broker is gone, or comes back and has forgotten everything. */
  'medium-gone',
  /** One of them does not reach the broker, and says and hears nothing. */
  'holder-cut-off',
  'watcher-cut-off',
  'holder-frozen',
  'watcher-frozen',
  'holder-killed',
  'watcher-killed',
  /** The wall clock of one is set anew. */
  'clock-step',
  /** A person gives an order to whoever acts, or to the other one. */
  'order',
] as const;

export type PairFault = (typeof PAIR_FAULTS)[number];

export interface PairTrouble {
  readonly fault: PairFault;
  readonly phase: Phase;
  readonly afterS: number;
  readonly forS: number;
}

const PAIRS = PHASES.flatMap((phase) => PAIR_FAULTS.map((fault) => [fault, phase] as const));

/** Stories until every fault was put into every phase once. */
export const PAIR_ROUND = PAIRS.length;

/** What goes wrong in the rest of the rack meanwhile. */
const ELSEWHERE: readonly Fault[] = ['api-fails', 'api-slow', 'ssh-fails', 'switch-fails', 'deaf-host', 'silent-pack'];

/** Some troubles; the first goes through all pairs of fault and phase as seeds go on. */
export function pairTroubles(seed: number, rng: Random): PairTrouble[] {
  const [fault, phase] = PAIRS[seed % PAIRS.length] ?? ['holder-killed', 'mains'];
  const more = Array.from({ length: between(rng, 0, 4) }, () => ({
    fault: oneOf(rng, PAIR_FAULTS),
    phase: oneOf(rng, PHASES),
    ...moment(rng),
  }));
  return [{ fault, phase, ...moment(rng) }, ...more];
}

export function troublesElsewhere(rng: Random): Trouble[] {
  return Array.from({ length: between(rng, 0, 2) }, () => ({
    fault: oneOf(rng, ELSEWHERE),
    phase: oneOf(rng, PHASES),
    ...moment(rng),
  }));
}

const moment = (rng: Random): { afterS: number; forS: number } => ({
  afterS: rng() < 0.6 ? between(rng, 0, 5) : between(rng, 0, 60),
  forS: rng() < 0.5 ? between(rng, 3, 30) : between(rng, 30, 150),
});
