import { randomUUID } from 'node:crypto';

/** What became of a SET or INSTCMD; the words of the answer to GET TRACKING. */
export type TrackedOutcome = 'PENDING' | 'SUCCESS' | 'ERR UNKNOWN' | 'ERR INVALID-ARGUMENT' | 'ERR FAILED';

const KEPT_MS = 3_600_000;
const MOST_KEPT = 1_000;

/** Outcomes by random id, for an hour and a thousand at most. */
export class Tracking {
  readonly #kept = new Map<string, { readonly outcome: TrackedOutcome; readonly atMs: number }>();

  note(outcome: TrackedOutcome, nowMs: number): string {
    const id = randomUUID().toUpperCase();
    for (const [old, { atMs }] of this.#kept) {
      if (this.#kept.size < MOST_KEPT && nowMs - atMs < KEPT_MS) break;
      this.#kept.delete(old);
    }
    this.#kept.set(id, { outcome, atMs: nowMs });
    return id;
  }

  look(id: string, nowMs: number): TrackedOutcome {
    const kept = this.#kept.get(id.toUpperCase());
    return kept === undefined || nowMs - kept.atMs >= KEPT_MS ? 'ERR UNKNOWN' : kept.outcome;
  }
}
