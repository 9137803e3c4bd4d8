import type { Clock } from '../../runtime/clock.ts';

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

/** A clock that stands still until it is advanced; everything that sleeps on it wakes in the order of its times. */
export class VirtualClock implements Clock {
  #nowMs = 0;
  readonly #wall0Ms: number;
  #sleepers: Sleeper[] = [];

  constructor(wallMs: number) {
    this.#wall0Ms = wallMs;
  }

  monoMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wall0Ms + this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const give = (): void => {
        this.#sleepers = this.#sleepers.filter((each) => each !== sleeper);
        reject(signal?.reason);
      };
      const sleeper: Sleeper = {
        dueMs: this.#nowMs + Math.max(0, ms),
        wake: () => {
          signal?.removeEventListener('abort', give);
          resolve();
        },
      };
      signal?.addEventListener('abort', give, { once: true });
      this.#sleepers.push(sleeper);
    });
  }

  /** Moves on by `ms`; whoever is due meanwhile wakes at its own moment, and what follows from it happens first. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const next = this.#earliest(untilMs);
      if (next === undefined) break;
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      this.#sleepers = this.#sleepers.filter((each) => each !== next);
      next.wake();
      await settled();
    }
    this.#nowMs = untilMs;
    await settled();
  }

  #earliest(untilMs: number): Sleeper | undefined {
    let earliest: Sleeper | undefined;
    for (const sleeper of this.#sleepers)
      if (sleeper.dueMs <= untilMs && (earliest === undefined || sleeper.dueMs < earliest.dueMs)) earliest = sleeper;
    return earliest;
  }
}

/** Promises that follow from each other, and what was put off with setImmediate, are through. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}
