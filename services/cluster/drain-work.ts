import type { Pod } from './objects.ts';

/** One pod of a drain and how far it is. */
export interface Work {
  readonly pod: Pod;
  readonly node: string;
  readonly wave: number;
  /**
   * `waiting`: to be asked for. `asking`: a request is on its way. `stopping`: accepted, not gone.
   * The rest is final: `stuck` was told to stop and is there long after its grace.
   */
  step: 'waiting' | 'asking' | 'stopping' | 'gone' | 'stuck' | 'given-up';
  how: 'evict' | 'delete';
  notBeforeMs: number;
  /** When it must be gone, with a margin; while `stopping`. */
  goneByMs: number;
  /** What holds it back, and since when. */
  gate?: Gate;
  refusedSinceMs: number;
  readonly failures: { conflict: number; unclear: number };
}

/** A disruption budget or an admission webhook that has said no: only one of its pods asks at a time. */
export interface Gate {
  readonly kind: 'budget' | 'webhook';
  readonly name: string;
  probedBy?: string;
  nextTryMs: number;
  /** When it last let a pod go that it had refused before. */
  progressMs: number;
  /** Refusals in a row, of the pod that asked for all. */
  refusals: number;
}

/** The gates of one drain. */
export class Gates {
  readonly #gates = new Map<string, Gate>();

  /** The gate of this name, as it was left. */
  named(kind: Gate['kind'], name: string): Gate {
    const key = `${kind} ${name}`;
    const gate = this.#gates.get(key) ?? { kind, name, nextTryMs: 0, progressMs: 0, refusals: 0 };
    this.#gates.set(key, gate);
    return gate;
  }
}

/** Over, or nothing that could be waited for. */
export const isOver = (work: Work): boolean =>
  work.step === 'gone' || work.step === 'given-up' || work.step === 'stuck';
