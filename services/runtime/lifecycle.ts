import type { Clock } from './clock.ts';
import { messageOf } from './errors.ts';
import type { Log } from './log.ts';

/** Something that runs: constructors do nothing, `start` and `stop` do. */
export interface Part {
  readonly name: string;
  start(): Promise<void> | void;
  stop(): Promise<void> | void;
}

const STOP_DEADLINE_MS = 5000;

/** Starts parts in order and stops them in reverse, each once and each within a deadline. */
export class Lifecycle {
  readonly #started: Part[] = [];
  readonly #log: Log;
  readonly #clock: Clock;
  #stopping: Promise<void> | undefined;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** When one part cannot start, those before it are stopped and its error is thrown. */
  async start(parts: readonly Part[]): Promise<void> {
    for (const part of parts) {
      try {
        await part.start();
        this.#started.push(part);
      } catch (error) {
        await this.stop();
        throw error;
      }
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<void> {
    for (const part of this.#started.toReversed()) {
      const deadline = new AbortController();
      const late = this.#clock.sleep(STOP_DEADLINE_MS, deadline.signal).then(
        () => this.#log.warn({ part: part.name }, 'did not stop in time'),
        () => {},
      );
      const stopped = (async () => part.stop())().catch((error: unknown) =>
        this.#log.warn({ part: part.name, error: messageOf(error) }, 'could not be stopped cleanly'),
      );
      await Promise.race([stopped, late]);
      deadline.abort();
    }
  }
}
