import { BridgeError } from './errors.ts';
import type { ByteTransport } from './transport.ts';
import { within } from './waiting.ts';

/** Back-off between attempts to open a transport: `firstMs`, doubled after each failure, at most `maxMs`. */
export interface Reconnect {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Opening a port whose driver hangs must not hold the bus for ever. A transport's own deadline is usually shorter. */
const openTimeoutMs = 15_000;
const closeTimeoutMs = 2_000;

/**
 * Keeps a transport open for whoever needs it. A caller that comes during the back-off is told at once why there is no
 * connection: a poller that asks every second wants a clear failure now, not an answer to a stale question later.
 */
export class Connection {
  readonly #transport: ByteTransport;
  readonly #reconnect: Reconnect;
  readonly #now: () => number;
  readonly #onLost: (reason: BridgeError) => void;
  #trouble: BridgeError | undefined;
  #retryAtMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #openings = 0;
  #opening: Promise<void> | undefined;
  #closing: Promise<void> = Promise.resolve();
  #wanted = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #ended = new AbortController();

  constructor(
    transport: ByteTransport,
    reconnect: Reconnect,
    now: () => number,
    onLost: (reason: BridgeError) => void,
  ) {
    this.#transport = transport;
    this.#reconnect = reconnect;
    this.#now = now;
    this.#onLost = onLost;
    transport.onClosed((reason) => {
      if (reason) this.#lost(reason);
    });
  }

  /** Why there is no connection; `undefined` while there is one, and before the first attempt. */
  get trouble(): BridgeError | undefined {
    return this.#trouble;
  }

  get reconnects(): number {
    return Math.max(0, this.#openings - 1);
  }

  /** Resolves when the transport is open; rejects at once during the back-off, with the reason of the last failure. */
  ensureOpen(): Promise<void> {
    if (this.#ended.signal.aborted)
      return Promise.reject(new BridgeError('closed', this.#transport.name, 'is closed', final));
    if (this.#opening) return this.#opening;
    if (this.#transport.isOpen) return Promise.resolve();
    const waitMs = this.#retryAtMs - this.#now();
    if (this.#trouble && waitMs > 0) return Promise.reject(this.#notYet(this.#trouble, waitMs));
    this.#opening = this.#open().finally(() => {
      this.#opening = undefined;
      this.#arm();
    });
    return this.#opening;
  }

  /** Bytes came: the connection is worth something, the back-off starts from the beginning. */
  proved(): void {
    this.#failures = 0;
  }

  /** With `true`, reopens by itself after a loss, until told otherwise. */
  keepOpen(wanted: boolean): void {
    this.#wanted = wanted;
    this.#arm();
  }

  /** Closes a transport that cannot be trusted any more; the next use opens it anew after the back-off. */
  drop(reason: BridgeError): void {
    // The transport noticed by itself and was counted already.
    if (this.#trouble) return;
    this.#closeTransport();
    this.#lost(reason);
  }

  async end(): Promise<void> {
    this.#ended.abort();
    this.keepOpen(false);
    await this.#opening?.catch(() => {});
    this.#closeTransport();
    await this.#closing;
  }

  async #open(): Promise<void> {
    await this.#closing;
    const { name } = this.#transport;
    const slow = () => new BridgeError('open', name, 'could not be opened in time', { retryable: true });
    const signal = AbortSignal.any([AbortSignal.timeout(openTimeoutMs), this.#ended.signal]);
    try {
      await within(openTimeoutMs + 1_000, this.#transport.open(signal), slow);
    } catch (cause) {
      const failed = cause instanceof BridgeError ? cause : new BridgeError('open', name, String(cause), { cause });
      this.#fail(failed);
      throw failed;
    }
    this.#openings += 1;
    this.#trouble = undefined;
  }

  #lost(reason: BridgeError): void {
    this.#fail(reason);
    this.#onLost(reason);
    this.#arm();
  }

  #fail(reason: BridgeError): void {
    const { firstMs, maxMs } = this.#reconnect;
    this.#trouble = reason;
    this.#retryAtMs = this.#now() + Math.min(maxMs, firstMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (!this.#wanted || this.#ended.signal.aborted || this.#opening || this.#transport.isOpen) return;
    const waitMs = Math.max(0, Number.isFinite(this.#retryAtMs) ? this.#retryAtMs - this.#now() : 0);
    // A failed attempt arms the next one; the reason stays in `trouble`.
    this.#timer = setTimeout(() => this.ensureOpen().catch(() => this.#arm()), Math.ceil(waitMs));
  }

  #closeTransport(): void {
    const late = () => new Error('close did not finish');
    this.#closing = within(closeTimeoutMs, this.#transport.close(), late).catch(() => {});
  }

  #notYet(trouble: BridgeError, waitMs: number): BridgeError {
    const said = trouble.message.slice(trouble.transport.length + 2);
    const text = `${said}; next try in ${(waitMs / 1000).toFixed(1)} s`;
    return new BridgeError(trouble.code, this.#transport.name, text, { retryable: true, cause: trouble });
  }
}

const final = { retryable: false } as const;
