import { Connection, type Reconnect } from './connection.ts';
import { BridgeError } from './errors.ts';
import type { ExchangeStats } from './exchange.ts';
import { Listeners } from './listeners.ts';
import { Queue } from './queue.ts';
import { type Question, Reply } from './reply.ts';
import type { ByteTransport, Unsubscribe } from './transport.ts';
import { orAborted, pause, within } from './waiting.ts';

/** How a bus behaves. All times in ms. */
export interface BusOptions {
  /** Silence on the line, from the last byte in either direction, before a request goes out. */
  readonly gapMs: number;
  /** From the last byte written to the complete answer, when the request does not say. */
  readonly timeoutMs: number;
  /** Tries in all, 1..5, when the request does not say. */
  readonly tries: number;
  /** Requests that may wait behind the one in flight; more fail as `busy`. Default 32. */
  readonly maxQueue?: number;
  /** Silence that is waited for after a try without a clean answer, see `Bus`. Default 200. */
  readonly lateMs?: number;
  /** Bytes without a decision of the framing, after which a try is refused as `overflow`. Default 4096. */
  readonly maxReceiveBytes?: number;
  /** Default 250 to 5000. */
  readonly reconnect?: Reconnect;
  /** Monotonic time; for tests. */
  readonly now?: () => number;
}

/** The bus in the hands of one job. */
export interface Turn {
  /** Opens the transport if needed and waits until the line is silent, so that what was under way has arrived. */
  settle(): Promise<void>;
  /** One try: settles, sends, waits for the answer. */
  ask<T>(question: Question<T>): Promise<T>;
}

/** A write that takes longer than this is stuck; at 1200 baud the longest frame of any of our protocols needs 2.2 s. */
const writeTimeoutMs = 5_000;
const flushTimeoutMs = 500;

/**
 * The wire and the one conversation on it.
 *
 * An answer that comes after its deadline must not meet the next question, or every later answer is off by one. So after a
 * try that ended without a clean answer the bus is quarantined: nothing is sent until the line has been silent for `lateMs`,
 * and whatever arrives until then is thrown away. This bounds the damage for protocols whose answers do not say which
 * question they belong to; an answer later than that is for the framing to tell apart.
 */
export class Bus {
  readonly name: string;
  readonly #transport: ByteTransport;
  readonly #options: BusOptions;
  readonly #now: () => number;
  readonly #queue: Queue;
  readonly #connection: Connection;
  readonly #listeners = new Listeners<Uint8Array>();
  readonly #count = { requests: 0, answers: 0, timeouts: 0, refusals: 0, strayBytes: 0 };
  #reply: Pick<Reply<unknown>, 'push' | 'fail'> | undefined;
  #lastByteMs = Number.NEGATIVE_INFINITY;
  #quarantined = false;
  /** What nobody has read yet may be of another time: at first, after a loss, after a try without a clean answer. */
  #stale = true;
  /** A silence of this length was waited for in vain, ms. */
  #restlessMs = Number.POSITIVE_INFINITY;
  #unaskedBytes = 0;

  constructor(transport: ByteTransport, options: BusOptions) {
    this.name = transport.name;
    this.#transport = transport;
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#queue = new Queue(this.name, options.maxQueue ?? 32);
    const reconnect = options.reconnect ?? { firstMs: 250, maxMs: 5_000 };
    this.#connection = new Connection(transport, reconnect, this.#now, (reason) => {
      this.#stale = true;
      this.#reply?.fail(reason);
    });
    transport.onData((chunk) => this.#receive(chunk));
  }

  get stats(): ExchangeStats {
    return { ...this.#count, reconnects: this.#connection.reconnects };
  }

  get trouble(): BridgeError | undefined {
    return this.#connection.trouble;
  }

  /** Bytes that came although no answer was owed: not what framing skipped (an echo), not what came late after a failure. */
  get unaskedBytes(): number {
    return this.#unaskedBytes;
  }

  /** Runs `job` when its turn comes, with the bus to itself. */
  async run<T>(job: (turn: Turn) => Promise<T>, signal?: AbortSignal): Promise<T> {
    this.#count.requests += 1;
    const answer = await this.#queue.run(
      (given) => job({ settle: () => this.#settle(given), ask: (question) => this.#ask(question, given) }),
      signal,
    );
    this.#count.answers += 1;
    return answer;
  }

  /** Up to `tries` tries (the bus's own number if absent); only a time-out or a refusal that may pass is tried again. */
  async retry<T>(tries: number | undefined, once: () => Promise<T>): Promise<T> {
    const most = Math.min(5, Math.max(1, Math.trunc(tries ?? this.#options.tries) || 1));
    for (let made = 1; ; made += 1) {
      try {
        return await once();
      } catch (error) {
        if (!(error instanceof BridgeError)) throw error;
        const hopeless = !error.retryable || (error.code !== 'timeout' && error.code !== 'refused');
        if (hopeless || (made >= most && made === 1)) throw error;
        if (made >= most) throw afterTries(error, made);
      }
    }
  }

  listen(listener: (chunk: Uint8Array) => void): Unsubscribe {
    const remove = this.#listeners.add(listener);
    this.#connection.keepOpen(true);
    return () => {
      remove();
      if (this.#listeners.size === 0) this.#connection.keepOpen(false);
    };
  }

  async close(): Promise<void> {
    const done = this.#queue.close(new BridgeError('closed', this.name, 'closed by us', { retryable: false }));
    await Promise.all([done, this.#connection.end()]);
  }

  async #settle(signal: AbortSignal): Promise<void> {
    await orAborted(this.#connection.ensureOpen(), signal);
    await this.#silence(signal);
  }

  async #ask<T>(question: Question<T>, signal: AbortSignal): Promise<T> {
    await this.#settle(signal);
    if (this.#stale) await this.#flush();
    signal.throwIfAborted();
    const timeoutMs = question.timeoutMs ?? this.#options.timeoutMs;
    const reply = new Reply<T>(this.name, question, { timeoutMs, maxBytes: this.#options.maxReceiveBytes ?? 4096 });
    this.#reply = reply;
    try {
      question.onSend?.();
      await this.#write(question);
      this.#lastByteMs = this.#now();
      const answer = await reply.within(signal);
      this.#unasked(reply.leftOver);
      return answer;
    } catch (error) {
      this.#quarantined = true;
      this.#stale = true;
      this.#lastByteMs = this.#now();
      this.#unasked(reply.leftOver);
      if (error instanceof BridgeError && error.code === 'timeout') this.#count.timeouts += 1;
      if (error instanceof BridgeError && error.code === 'refused') this.#count.refusals += 1;
      throw error;
    } finally {
      this.#reply = undefined;
      this.#count.strayBytes += reply.skipped;
    }
  }

  async #flush(): Promise<void> {
    // Somebody listens: what is under way is theirs, and thrown away would be a hole in it.
    if (this.#listeners.size > 0) return;
    await within(flushTimeoutMs, this.#transport.flush(), () => new Error('flush hangs')).catch(() => {});
    this.#stale = false;
  }

  async #write(question: Question<unknown>): Promise<void> {
    const stuck = () =>
      new BridgeError('write', this.name, `could not send ${question.label} within ${writeTimeoutMs} ms`);
    try {
      await within(writeTimeoutMs, this.#transport.write(question.bytes), stuck);
    } catch (cause) {
      const failed =
        cause instanceof BridgeError
          ? cause
          : new BridgeError('write', this.name, `could not send ${question.label} (${cause})`, { cause });
      // Half a frame may be out, and a late rest of it would spoil the next one: only a new connection is clean.
      this.#connection.drop(failed);
      throw failed;
    }
  }

  /**
   * Waits for the line to be silent. A line that never is gets the request anyway: the framing finds its answer in the noise.
   * Once it was known as such, little time is lost in waiting, or one babbling device would slow down all others.
   */
  async #silence(signal: AbortSignal): Promise<void> {
    const { gapMs, lateMs = 200 } = this.#options;
    const silentMs = this.#quarantined ? Math.max(gapMs, lateMs) : gapMs;
    const patienceMs = this.#now() + (silentMs >= this.#restlessMs ? 2 * silentMs : Math.max(10 * silentMs, 1_000));
    for (;;) {
      const nowMs = this.#now();
      const waitMs = Math.min(this.#lastByteMs + silentMs, patienceMs) - nowMs;
      if (!(waitMs > 0)) {
        const silent = nowMs - this.#lastByteMs >= silentMs;
        if (!silent) this.#restlessMs = Math.min(this.#restlessMs, silentMs);
        else if (silentMs >= this.#restlessMs) this.#restlessMs = Number.POSITIVE_INFINITY;
        break;
      }
      await pause(Math.ceil(waitMs), signal);
    }
    this.#quarantined = false;
  }

  #receive(chunk: Uint8Array): void {
    this.#lastByteMs = this.#now();
    this.#connection.proved();
    this.#listeners.emit(chunk);
    if (this.#reply) this.#reply.push(chunk);
    else this.#unasked(chunk.length);
  }

  #unasked(bytes: number): void {
    if (this.#listeners.size > 0) return;
    if (!this.#quarantined) this.#unaskedBytes += bytes;
    this.#count.strayBytes += bytes;
  }
}

function afterTries(error: BridgeError, made: number): BridgeError {
  const said = error.message.slice(error.transport.length + 2);
  const { reason, retryable } = error;
  return new BridgeError(error.code, error.transport, `${said} (${made} tries)`, {
    ...(reason === undefined ? {} : { reason }),
    retryable,
    cause: error,
  });
}
