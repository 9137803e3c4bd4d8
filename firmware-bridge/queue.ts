import { BridgeError } from './errors.ts';

interface Turn {
  start(): Promise<void>;
  giveUp(reason: BridgeError): void;
}

/**
 * First come, first served, one job at a time, bounded. The caller of a job learns at once that it was aborted or that the
 * queue was closed; the next job still begins only when the running one has let go of the bus.
 */
export class Queue {
  readonly #name: string;
  readonly #max: number;
  readonly #waiting: Turn[] = [];
  #running: Turn | undefined;
  #closed: BridgeError | undefined;
  #idle: (() => void)[] = [];

  /** @param max jobs that may wait behind the running one */
  constructor(name: string, max: number) {
    this.#name = name;
    this.#max = max;
  }

  /** `job` gets a signal that says when nobody waits for its result any more; its reason is a `BridgeError`. */
  run<T>(job: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#closed) return Promise.reject(this.#closed);
    if (signal?.aborted) return Promise.reject(this.#aborted(signal));
    if (this.#running && this.#waiting.length >= this.#max) {
      return Promise.reject(
        new BridgeError('busy', this.#name, `${this.#max} requests are waiting already`, { retryable: true }),
      );
    }
    return new Promise<T>((resolve, reject) => {
      const given = new AbortController();
      const onAbort = () => turn.giveUp(this.#aborted(signal));
      const turn: Turn = {
        start: async () => {
          try {
            resolve(await job(given.signal));
          } catch (error) {
            reject(error);
          } finally {
            signal?.removeEventListener('abort', onAbort);
          }
        },
        giveUp: (reason) => {
          signal?.removeEventListener('abort', onAbort);
          const at = this.#waiting.indexOf(turn);
          if (at >= 0) this.#waiting.splice(at, 1);
          given.abort(reason);
          reject(reason);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(turn);
      this.#next();
    });
  }

  /** Rejects everything that waits or runs, and everything that comes later; resolves when the running job has ended. */
  async close(reason: BridgeError): Promise<void> {
    this.#closed ??= reason;
    for (const turn of [...this.#waiting]) turn.giveUp(reason);
    if (!this.#running) return;
    this.#running.giveUp(reason);
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #next(): void {
    if (this.#running) return;
    const turn = this.#waiting.shift();
    if (!turn) {
      for (const resolve of this.#idle.splice(0)) resolve();
      return;
    }
    this.#running = turn;
    void turn.start().then(() => {
      this.#running = undefined;
      this.#next();
    });
  }

  #aborted(signal: AbortSignal | undefined): BridgeError {
    return new BridgeError('aborted', this.#name, 'the caller gave up', { cause: signal?.reason });
  }
}
