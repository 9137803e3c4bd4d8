import type { PackSample } from '#bms/model';
import type { Observed } from '../rack/rack.ts';
import type { MainsWitness } from './judge.ts';

/**
 * The packs as one witness. Packs in parallel pass current to each other, so one of them may discharge on mains and
 * another may charge without; only what all of them carry together tells who feeds the rack.
 */

type Packs = Readonly<Record<string, Observed<PackSample>>>;

/** A charger that pushes at least this much into the bank needs mains, A. */
const CHARGING_A = 0.3;

/** Rounds in which every pack told its current anew: what passed from pack to pack in the latest of them, A. */
export interface Rounds {
  /** Monotonic ms of the newest sample of the latest round. */
  readonly atMs: number;
  readonly passingA: readonly number[];
}

export const NO_ROUNDS: Rounds = { atMs: Number.NEGATIVE_INFINITY, passingA: [] };
/** While mains goes, samples from before and after it stand side by side for a round: the least of some counts. */
const ROUNDS = 3;

/** The rounds up to now. A pack that is silent ends them, so that they show how things were before it was. */
export function nextRounds(rounds: Rounds, packs: Packs): Rounds {
  const all = Object.values(packs);
  const currents = all.flatMap((pack) => heardA(pack) ?? []);
  const anew = all.every(({ receivedAtMs }) => receivedAtMs !== undefined && receivedAtMs > rounds.atMs);
  if (all.length < 2 || currents.length < all.length || !anew) return rounds;
  const chargingA = sum(currents.filter((currentA) => currentA > 0));
  const passing = Math.min(chargingA, chargingA - sum(currents));
  const atMs = Math.max(...all.map(({ receivedAtMs = 0 }) => receivedAtMs));
  return { atMs, passingA: [...rounds.passingA, passing].slice(-ROUNDS) };
}

/**
 * All packs by the sum of their currents: discharging by `dischargeAboveA` or more speaks against mains, charging for
 * it. In between they say nothing, because a dark rack draws as little as a full bank takes from its charger.
 *
 * While one of them is not heard, what the others carry may flow into it or come out of it. They must then carry more
 * by what passed between packs when all were heard, and no longer outvote a meter: a cable that comes loose on mains
 * must not end it.
 */
export function bankWitness(packs: Packs, dischargeAboveA: number, { passingA }: Rounds = NO_ROUNDS): MainsWitness {
  const ids = Object.keys(packs);
  const heard = ids.flatMap((id) => {
    const currentA = heardA(packs[id]);
    return currentA === undefined ? [] : [{ id, currentA }];
  });
  const silent = ids.filter((id) => !heard.some((each) => each.id === id));
  const whole = silent.length === 0;
  const witness = {
    source: ids.length === 1 ? `pack ${ids[0]}` : 'bank',
    kind: whole ? 'pack' : 'other',
  } as const;
  if (heard.length === 0) return { ...witness, says: 'silent', because: 'no fresh current' };
  const currentA = sum(heard.map((each) => each.currentA));
  const marginA = whole || passingA.length === 0 ? 0 : Math.min(...passingA);
  const of = whole ? (ids.length === 1 ? '' : ` of ${ids.length} packs`) : ` without ${silent.join(', ')}`;
  const shown = `${currentA > 0 ? '+' : ''}${currentA.toFixed(1)} A${of}`;
  if (currentA <= -dischargeAboveA - marginA) return { ...witness, says: 'absent', because: `discharging ${shown}` };
  if (currentA >= CHARGING_A + marginA) return { ...witness, says: 'present', because: `charging ${shown}` };
  return { ...witness, says: 'silent', because: `${shown} tells neither` };
}

const heardA = (pack: Observed<PackSample> | undefined): number | undefined =>
  pack?.freshness === 'fresh' ? pack.sample?.currentA : undefined;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
