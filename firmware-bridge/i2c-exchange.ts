import { BridgeError } from './errors.ts';
import type { ExchangeStats } from './exchange.ts';
import { i2cFailure, isGone } from './i2c-errors.ts';
import { Queue } from './queue.ts';
import { pause, within } from './waiting.ts';

/**
 * An I2C adapter. Opens with the first call and again with the first one after `close`. A call that fails rejects with
 * an error whose `code` is the operating system's (`ENXIO`, `ENOENT`, …), or with a `BridgeError`.
 */
export interface I2cBus {
  /** For messages: `i2c:/dev/i2c-1`. */
  readonly name: string;
  read(address: number, length: number): Promise<Uint8Array>;
  write(address: number, bytes: Uint8Array): Promise<void>;
  /** Writes, then reads; without letting go of the bus in between where one byte is written (the usual register read). */
  transfer(address: number, sent: Uint8Array, length: number): Promise<Uint8Array>;
  /** Lets go of the adapter. Safe to call twice. */
  close(): Promise<void>;
}

/** The channel of a multiplexer (TCA9548A and its like) a chip hangs behind. */
export interface I2cMux {
  /** 0x70..0x77 */
  readonly address: number;
  /** 0..7 */
  readonly channel: number;
}

/** Where a chip is on its bus. */
export interface I2cPlace {
  /** 7 bits, 0x03..0x77. */
  readonly address: number;
  readonly mux?: I2cMux | undefined;
}

/** A chip in the hands of one conversation. */
export interface I2cChip {
  read(length: number): Promise<Uint8Array>;
  write(bytes: Uint8Array): Promise<void>;
  /** Writes, usually the number of a register, and reads what follows. */
  transfer(sent: Uint8Array, length: number): Promise<Uint8Array>;
  /** Waits while the chip works, ms. */
  pause(ms: number): Promise<void>;
}

/** Something to be done with one chip, undisturbed. */
export interface I2cConversation<T> extends I2cPlace {
  /** For messages, e.g. `ina228 values`. */
  readonly label: string;
  /** May run again when a try failed. */
  readonly talk: (chip: I2cChip) => Promise<T>;
  /** For each call, not for the pauses, ms; 1500 when absent. */
  readonly timeoutMs?: number;
  /** Tries in all, 1..5; 2 when absent. */
  readonly tries?: number;
  readonly signal?: AbortSignal;
}

/** One I2C bus. At most one conversation at a time; others wait in order. Every call settles. */
export interface I2cExchange {
  readonly name: string;
  readonly stats: ExchangeStats;
  /** The outcome of the conversation; rejects with a `BridgeError`, or with what `talk` threw. */
  converse<T>(conversation: I2cConversation<T>): Promise<T>;
  close(): Promise<void>;
}

/** Longer than the kernel's own, one second, so that what it says comes first. */
const CALL_TIMEOUT_MS = 1_500;
/** Failures that took their time: a second try would take it again, from everybody on the bus. */
const slow: ReadonlySet<string | undefined> = new Set(['hangs', 'held']);
const CLOSE_TIMEOUT_MS = 1_000;
const MOST_WAITING = 64;

/** Name of a bus in messages. */
export const i2cName = (path: string): string => (path.startsWith('i2c') ? path : `i2c:${path}`);

/** Conversations over a bus, one after the other. */
export function i2cExchange(bus: I2cBus): I2cExchange {
  return new Exchange(bus);
}

class Exchange implements I2cExchange {
  readonly name: string;
  readonly #bus: I2cBus;
  readonly #queue: Queue;
  readonly #count = { requests: 0, answers: 0, timeouts: 0, refusals: 0, strayBytes: 0, reconnects: 0 };
  /** A call that outlived its deadline: it blocks a thread in the kernel, and a second one would block another. */
  #hanging = false;
  /** The adapter was let go of after a failure. */
  #dropped = false;
  /** A multiplexer that could not be shut: behind it may be a chip with the address of another one. */
  #leftOpen: number | undefined;

  constructor(bus: I2cBus) {
    this.name = bus.name;
    this.#bus = bus;
    this.#queue = new Queue(bus.name, MOST_WAITING);
  }

  get stats(): ExchangeStats {
    return { ...this.#count };
  }

  async converse<T>(conversation: I2cConversation<T>): Promise<T> {
    const wrong = outOfRange(conversation);
    if (wrong) throw new BridgeError('refused', this.name, wrong, { reason: 'bad-request', retryable: false });
    this.#count.requests += 1;
    const answer = await this.#queue.run((given) => this.#retry(conversation, given), conversation.signal);
    this.#count.answers += 1;
    return answer;
  }

  async close(): Promise<void> {
    await this.#queue.close(new BridgeError('closed', this.name, 'closed by us', { retryable: false }));
    await this.#letGo();
  }

  async #retry<T>(conversation: I2cConversation<T>, signal: AbortSignal): Promise<T> {
    const most = Math.min(5, Math.max(1, Math.trunc(conversation.tries ?? 2)));
    for (let made = 1; ; made += 1) {
      try {
        return await this.#once(conversation, signal);
      } catch (error) {
        if (!(error instanceof BridgeError)) throw error;
        if (error.code === 'timeout') this.#count.timeouts += 1;
        if (error.code === 'refused') this.#count.refusals += 1;
        if (!error.retryable || slow.has(error.reason) || made >= most) throw error;
      }
      signal.throwIfAborted();
    }
  }

  async #once<T>({ label, address, mux, talk, timeoutMs }: I2cConversation<T>, signal: AbortSignal): Promise<T> {
    const call = <R>(to: number, run: () => Promise<R>): Promise<R> =>
      this.#call(label, to, timeoutMs ?? CALL_TIMEOUT_MS, signal, run);
    const shut = async (to: number): Promise<void> => {
      this.#leftOpen = to;
      await call(to, () => this.#bus.write(to, Uint8Array.of(0)));
      this.#leftOpen = undefined;
    };
    if (this.#leftOpen !== undefined && this.#leftOpen !== mux?.address) await shut(this.#leftOpen);
    if (mux !== undefined) {
      this.#leftOpen = mux.address;
      await call(mux.address, () => this.#bus.write(mux.address, Uint8Array.of(1 << mux.channel)));
    }
    try {
      return await talk({
        read: (length) => call(address, () => this.#bus.read(address, length)),
        write: (bytes) => call(address, () => this.#bus.write(address, bytes)),
        transfer: (sent, length) => call(address, () => this.#bus.transfer(address, sent, length)),
        pause: (ms) => pause(ms, signal),
      });
    } finally {
      // One that cannot be shut now is shut before the next conversation, or that one fails.
      if (mux !== undefined) await shut(mux.address).catch(() => {});
    }
  }

  async #call<R>(
    label: string,
    address: number,
    timeoutMs: number,
    signal: AbortSignal,
    run: () => Promise<R>,
  ): Promise<R> {
    signal.throwIfAborted();
    if (this.#hanging) {
      const text = `${label}: an earlier call still hangs in the kernel`;
      throw new BridgeError('timeout', this.name, text, { reason: 'hangs' });
    }
    this.#hanging = true;
    const running = run().finally(() => {
      this.#hanging = false;
    });
    running.catch(() => {});
    try {
      const answer = await within(timeoutMs, running, () => this.#late(label, address, timeoutMs));
      if (this.#dropped) this.#count.reconnects += 1;
      this.#dropped = false;
      return answer;
    } catch (error) {
      const failure = i2cFailure(error, { bus: this.name, label, address });
      if (isGone(failure)) await this.#letGo();
      throw failure;
    }
  }

  #late(label: string, address: number, timeoutMs: number): BridgeError {
    const text = `no answer of ${hex(address)} to ${label} within ${timeoutMs} ms: is the bus held low?`;
    return new BridgeError('timeout', this.name, text, { reason: 'hangs' });
  }

  /** The package remembers a handle for each address, also one whose opening went wrong: only a new bus is clean. */
  async #letGo(): Promise<void> {
    this.#dropped = true;
    const late = () => new Error('close did not finish');
    await within(CLOSE_TIMEOUT_MS, this.#bus.close(), late).catch(() => {});
  }
}

function outOfRange({ address, mux }: I2cPlace): string | undefined {
  const within7 = (value: number, low: number, high: number) =>
    Number.isInteger(value) && value >= low && value <= high;
  if (!within7(address, 0x03, 0x77)) return `address ${hex(address)} is outside 0x03..0x77`;
  if (mux === undefined) return undefined;
  if (!within7(mux.address, 0x70, 0x77)) return `a multiplexer at ${hex(mux.address)}: they are at 0x70..0x77`;
  return within7(mux.channel, 0, 7) ? undefined : `channel ${mux.channel} of the multiplexer is outside 0..7`;
}

const hex = (address: number): string => `0x${address.toString(16).padStart(2, '0')}`;
