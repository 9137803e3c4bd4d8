import { type Clock, systemClock } from '../runtime/clock.ts';
import type { SimWorld } from './world.ts';

export interface RunnerOptions {
  readonly world: SimWorld;
  /** Moved after the world, by the same amount. */
  readonly cluster?: { step(dtS: number): void };
  /** World seconds per real second; 1 when absent. */
  readonly speed?: number;
  readonly clock?: Clock;
}

const TICK_MS = 100;
/** World and cluster take turns at least this often, s, so that neither sees a leap of the other. */
const TURN_S = 1;
/** A machine that slept does not owe the world more than this, real s. */
const LONGEST_GAP_S = 60;

/** Lets a world run in real time times `speed`. */
export class WorldRunner {
  readonly #options: RunnerOptions;
  readonly #clock: Clock;
  readonly #speed: number;
  readonly #stop = new AbortController();
  #loop: Promise<void> | undefined;
  #held = false;

  constructor(options: RunnerOptions) {
    const { speed = 1, clock = systemClock } = options;
    if (!(speed > 0 && speed <= 1000)) throw new RangeError(`speed ${speed} is not above 0 and at most 1000`);
    this.#options = options;
    this.#speed = speed;
    this.#clock = clock;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** Held, the world stands still; what happens meanwhile is not owed to it. */
  hold(held: boolean): void {
    this.#held = held;
  }

  /** Resolves when the last step is over. Rejects with what broke the loop, if something did. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    let lastMs = this.#clock.monoMs();
    for (;;) {
      await this.#clock.sleep(TICK_MS, this.#stop.signal).catch(() => undefined);
      if (this.#stop.signal.aborted) return;
      const nowMs = this.#clock.monoMs();
      const realS = Math.min(LONGEST_GAP_S, Math.max(0, nowMs - lastMs) / 1000);
      lastMs = nowMs;
      if (!this.#held) this.#move(realS * this.#speed);
    }
  }

  #move(totalS: number): void {
    const { world, cluster } = this.#options;
    const turns = Math.max(1, Math.ceil(totalS / TURN_S));
    for (let turn = 0; turn < turns; turn++) {
      world.step(totalS / turns);
      cluster?.step(totalS / turns);
    }
  }
}
