import type { Phase } from '../../../services/shutdown/state.ts';
import { type Coverage, PHASES } from '../coverage.ts';
import { between, oneOf, type Random } from '../random.ts';

/** Everything that can go wrong in a story, besides mains itself and a pack that holds less than it says. */
export const FAULTS = [
  'silent-pack',
  'silent-meter',
  'silent-switch',
  'silent-probes',
  'wrong-soc',
  'absurd-sample',
  'brown-out',
  'flap',
  'load-step',
  'api-gone',
  'api-fails',
  'api-slow',
  'pdb-never-opens',
  'ssh-hangs',
  'ssh-fails',
  'deaf-host',
  'switch-disobeys',
  'switch-fails',
  'switch-restarts',
  'host-boots-itself',
  'clock-step',
  'disk-full',
  'kill',
  'torn-write',
  'order',
] as const;

export type Fault = (typeof FAULTS)[number];

/** Faults of calls: they bite only while something is asked for. */
export const CALLS: ReadonlySet<Fault> = new Set<Fault>([
  'api-fails',
  'api-slow',
  'pdb-never-opens',
  'ssh-hangs',
  'ssh-fails',
  'deaf-host',
  'switch-disobeys',
  'switch-fails',
]);

/** A fault that begins some time after a phase has begun, and lasts. */
export interface Trouble {
  readonly fault: Fault;
  readonly phase: Phase;
  readonly afterS: number;
  readonly forS: number;
}

/** Stories until every fault was put into every phase once. */
export const ROUND = PHASES.length * FAULTS.length;

const PAIRS: readonly (readonly [Fault, Phase])[] = PHASES.flatMap((phase) =>
  FAULTS.map((fault) => [fault, phase] as const),
);

/** The seed of the n-th round whose first trouble is this pair, as `Coverage` names it. */
export const seedOf = (pair: string, round: number): number =>
  round * ROUND + PAIRS.findIndex(([fault, phase]) => `${phase}×${fault}` === pair);

/** Some troubles; the first goes through all pairs of fault and phase as seeds go on. */
export function someTroubles(seed: number, rng: Random): Trouble[] {
  const [fault, phase] = PAIRS[seed % PAIRS.length] ?? ['kill', 'mains'];
  // It has to be there when its call is made.
  const when = CALLS.has(fault) ? { afterS: 0, forS: 150 } : moment(rng);
  const first = { fault, phase, ...when };
  const more = Array.from({ length: between(rng, 1, 5) }, () => ({
    fault: oneOf(rng, FAULTS),
    phase: oneOf(rng, PHASES),
    ...moment(rng),
  }));
  return [first, ...more];
}

const moment = (rng: Random): { afterS: number; forS: number } => ({
  afterS: rng() < 0.5 ? between(rng, 0, 6) : between(rng, 0, 90),
  forS: rng() < 0.5 ? between(rng, 2, 20) : between(rng, 20, 120),
});

/** Which troubles are on at present, and a count of those that bit. */
export class Active {
  phase: Phase = 'mains';
  readonly #until = new Map<Fault, number>();
  readonly #coverage: Coverage;
  #nowS = 0;

  constructor(coverage: Coverage) {
    this.#coverage = coverage;
  }

  move(nowS: number, phase: Phase): void {
    this.#nowS = nowS;
    this.phase = phase;
  }

  begin(fault: Fault, forS: number): void {
    this.#until.set(fault, this.#nowS + forS);
  }

  end(): void {
    this.#until.clear();
  }

  /** Is it on? Without counting it. */
  on(fault: Fault): boolean {
    return (this.#until.get(fault) ?? 0) > this.#nowS;
  }

  /** It is on, and something came of it. */
  bites(fault: Fault): boolean {
    if (!this.on(fault)) return false;
    this.bit(fault);
    return true;
  }

  bit(fault: Fault): void {
    this.#coverage.saw(this.phase, fault);
  }
}
