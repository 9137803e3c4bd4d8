import { BridgeError, type ByteExchange, type Unsubscribe } from '#bridge';
import type { Device } from './device.ts';
import type { Fields, StreamDriver, StreamParser } from './drivers/driver.ts';
import type { Sample } from './model/sample.ts';
import { implausible } from './plausible.ts';
import { StreamAsker } from './stream-asker.ts';

/** What a listening device is made of. */
export interface StreamParts<S extends Sample> {
  readonly id: string;
  readonly driver: StreamDriver<S>;
  readonly bus: ByteExchange;
  /** Wall time, ms. */
  readonly now: () => number;
  /** Monotonic time of the wire, ms. */
  readonly mono: () => number;
  /** Ask besides for what the device does not tell. */
  readonly ask?: boolean;
}

interface Newest {
  readonly fields: Fields;
  readonly atMs: number;
  readonly monoMs: number;
}

/**
 * Listens to a device that talks by itself. The block with the voltage carries the sample and its time; blocks without
 * (history) only add to it, so a device of which only history still arrives goes stale. Asking twice between two blocks
 * gives the same sample with the same time of measurement.
 */
export class StreamDevice<S extends Sample> implements Device<S> {
  readonly id: string;
  readonly driver: string;
  readonly #parts: StreamParts<S>;
  readonly #parser: StreamParser;
  readonly #waiting = new Set<() => void>();
  #stopListening: Unsubscribe | undefined;
  #since = 0;
  #newest: Newest | undefined;
  #besides: Fields = {};
  #badBlocks = 0;
  #asker: StreamAsker | undefined;
  #closed = false;

  constructor(parts: StreamParts<S>) {
    this.id = parts.id;
    this.driver = parts.driver.id;
    this.#parts = parts;
    this.#parser = parts.driver.parser();
    if (parts.ask === true) this.#asker = new StreamAsker(parts);
  }

  /**
   * The newest sample. Before the first block it waits, at most as long as the stream may be silent; later it rejects
   * with `timeout` at once when the newest is older than that.
   */
  async poll(signal?: AbortSignal): Promise<S> {
    const { bus, driver, mono } = this.#parts;
    if (this.#closed) throw this.#closedError();
    if (signal?.aborted) throw new BridgeError('aborted', bus.name, `the poll of ${this.id} was given up`);
    this.#listen();
    const heardMs = this.#newest?.monoMs ?? this.#since;
    const leftMs = heardMs + driver.silenceMs - mono();
    if (this.#newest === undefined && leftMs > 0) await this.#firstBlock(leftMs, signal);
    if (this.#closed) throw this.#closedError();
    if (signal?.aborted) throw new BridgeError('aborted', bus.name, `the poll of ${this.id} was given up`);
    const newest = this.#newest;
    if (newest === undefined || mono() - newest.monoMs > driver.silenceMs) throw this.#silent();
    this.#asker?.askDue(newest.fields);
    return this.#sample(newest);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stopListening?.();
    this.#stopListening = undefined;
    await this.#asker?.close();
    this.#wake();
  }

  #listen(): void {
    if (this.#stopListening !== undefined) return;
    this.#since = this.#parts.mono();
    this.#stopListening = this.#parts.bus.listen((chunk) => this.#hear(chunk));
  }

  #hear(chunk: Uint8Array): void {
    const monoMs = this.#parts.mono();
    for (const block of this.#parser.push(chunk, monoMs)) {
      if (!block.ok) {
        this.#badBlocks += 1;
      } else if (typeof block.fields.voltageV === 'number') {
        this.#newest = { fields: block.fields, atMs: this.#parts.now(), monoMs };
        this.#wake();
      } else {
        this.#besides = { ...this.#besides, ...block.fields };
      }
    }
  }

  #sample(newest: Newest): S {
    const sample = this.#parts.driver.sample(
      { ...this.#asker?.told, ...this.#besides, ...available(newest.fields) },
      newest.atMs,
    );
    const reason = implausible(sample);
    if (reason === undefined) return sample;
    const { name } = this.#parts.bus;
    throw new BridgeError('refused', name, `${this.id}: impossible value, ${reason}`, { reason: 'implausible' });
  }

  #firstBlock(withinMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, withinMs);
      this.#waiting.add(done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done();
  }

  #silent(): BridgeError {
    const { bus, driver } = this.#parts;
    if (bus.trouble !== undefined) return bus.trouble;
    const heard = this.#badBlocks > 0 ? ` (${this.#badBlocks} damaged blocks since the start)` : '';
    const text = `${this.id}: no whole block of ${driver.id} for ${driver.silenceMs / 1000} s${heard}`;
    return new BridgeError('timeout', bus.name, text, { reason: 'silent' });
  }

  #closedError(): BridgeError {
    return new BridgeError('closed', this.#parts.bus.name, `${this.id} was closed`, { retryable: false });
  }
}

/** Without the values that the device says are not available, so that what was asked for them stands. */
function available(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}
