import type { Clock } from '../../../services/runtime/clock.ts';

interface Sleeper {
  readonly untilMs: number;
  readonly wake: () => void;
}

/** Time that passes only when it is told to; whoever sleeps is woken in order. */
export class PlayedClock implements Clock {
  nowMs = 0;
  wallOffsetMs = Date.UTC(2026, 0, 1);
  /** What was asked of `sleep`, ms. */
  readonly slept: number[] = [];
  #sleepers: Sleeper[] = [];

  monoMs(): number {
    return this.nowMs;
  }

  wallMs(): number {
    return this.nowMs + this.wallOffsetMs;
  }

  get sleeping(): number {
    return this.#sleepers.length;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.slept.push(ms);
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const sleeper = { untilMs: this.nowMs + ms, wake: resolve };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((each) => each !== sleeper);
        reject(signal.reason);
      });
    });
  }

  /** Lets time pass, one sleeper after the other. */
  async pass(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    await settle();
    for (;;) {
      const next = this.#sleepers.toSorted((a, b) => a.untilMs - b.untilMs)[0];
      if (next === undefined || next.untilMs > endMs) break;
      this.#sleepers = this.#sleepers.filter((each) => each !== next);
      this.nowMs = Math.max(this.nowMs, next.untilMs);
      next.wake();
      await settle();
    }
    this.nowMs = endMs;
  }
}

/** Lets everything run that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
}
