import type { ByteExchange } from '#bridge';
import type { Fields, StreamAsk, StreamDriver } from './drivers/driver.ts';
import type { Sample } from './model/sample.ts';

/** Between two questions, ms: seldom enough for devices that stop talking for some seconds after one. */
const EVERY_MS = 20_000;
/** A question that failed so often in a row is given up until the next connection. */
const MOST_FAILURES = 2;
const TIMEOUT_MS = 2_000;
/** Names that only say what the frame was. */
const FRAME_WORDS = ['response', 'register', 'flags', 'flagNames', 'value', 'payloadHex'];

/** What an asker is made of. */
export interface AskerParts {
  readonly driver: StreamDriver<Sample>;
  readonly bus: ByteExchange;
  readonly mono: () => number;
}

/**
 * Asks a device that talks by itself for what it does not tell: one question at a time, seldom, in the background. A poll never
 * waits for it, and a failure is nobody's but its own.
 */
export class StreamAsker {
  readonly #parts: AskerParts;
  readonly #stop = new AbortController();
  readonly #failures = new Map<string, number>();
  #told: Record<string, Fields> = {};
  #dueMonoMs: number;
  #next = 0;
  #reconnects: number | undefined;
  #running: Promise<void> | undefined;

  constructor(parts: AskerParts) {
    this.#parts = parts;
    // The stream comes first: no question before it has shown that it is there.
    this.#dueMonoMs = parts.mono() + EVERY_MS / 2;
  }

  /** Everything that was answered since the last connection. */
  get told(): Fields {
    return Object.assign({}, ...Object.values(this.#told));
  }

  /** Asks the next question if its time has come. @param fields what the device tells by itself */
  askDue(fields: Fields): void {
    const { driver, bus, mono } = this.#parts;
    if (this.#running !== undefined || this.#stop.signal.aborted || mono() < this.#dueMonoMs) return;
    if (this.#reconnects !== bus.stats.reconnects) this.#forget(bus.stats.reconnects);
    this.#dueMonoMs = mono() + EVERY_MS;
    const available = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
    const asks = (driver.asks?.(available) ?? []).filter(({ name }) => (this.#failures.get(name) ?? 0) < MOST_FAILURES);
    const ask = asks[this.#next % Math.max(1, asks.length)];
    this.#next += 1;
    if (ask === undefined) return;
    this.#running = this.#ask(ask).finally(() => {
      this.#running = undefined;
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Another device may be at the other end now. */
  #forget(reconnects: number): void {
    this.#reconnects = reconnects;
    this.#failures.clear();
    this.#told = {};
  }

  async #ask({ name, request, accept }: StreamAsk): Promise<void> {
    const { driver, bus } = this.#parts;
    try {
      const label = `${driver.id} ${name}`;
      const { signal } = this.#stop;
      const response = await bus.request({ label, bytes: request, accept, timeoutMs: TIMEOUT_MS, tries: 1, signal });
      const result = driver.decode({ request, response });
      if (!result.ok) throw new Error(result.error.message);
      const values = Object.entries(result.fields).filter(([key]) => !FRAME_WORDS.includes(key));
      // A register that the device does not have is answered with a flag and no value.
      this.#failures.set(name, values.length > 0 ? 0 : MOST_FAILURES);
      if (values.length > 0) this.#told[name] = Object.fromEntries(values);
    } catch {
      this.#failures.set(name, (this.#failures.get(name) ?? 0) + 1);
    }
  }
}
