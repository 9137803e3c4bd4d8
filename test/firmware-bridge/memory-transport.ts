import { vi } from 'vitest';
import { BridgeError } from '../../firmware-bridge/errors.ts';
import { Listeners } from '../../firmware-bridge/listeners.ts';
import type { ByteTransport } from '../../firmware-bridge/transport.ts';

/** A wire in memory. `device` is told what was written and says what it wants, when it wants. */
export class MemoryTransport implements ByteTransport {
  readonly name = 'memory:test';
  readonly written: Uint8Array[] = [];
  opens = 0;
  flushes = 0;
  isOpen = false;
  /** Set to make the next openings fail. */
  openError: BridgeError | undefined;
  device: (bytes: Uint8Array) => void | Promise<void> = () => {};
  readonly #data = new Listeners<Uint8Array>();
  readonly #closed = new Listeners<BridgeError | undefined>();

  async open(): Promise<void> {
    this.opens += 1;
    if (this.openError) throw this.openError;
    this.isOpen = true;
  }

  async close(): Promise<void> {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#closed.emit(undefined);
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (!this.isOpen) throw new BridgeError('closed', this.name, 'not open');
    this.written.push(bytes.slice());
    await this.device(bytes);
  }

  async flush(): Promise<void> {
    this.flushes += 1;
  }

  onData(listener: (chunk: Uint8Array) => void) {
    return this.#data.add(listener);
  }

  onClosed(listener: (reason: BridgeError | undefined) => void) {
    return this.#closed.add(listener);
  }

  say(bytes: Uint8Array): void {
    if (this.isOpen) this.#data.emit(bytes);
  }

  unplug(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#closed.emit(new BridgeError('closed', this.name, 'the port went away'));
  }
}

const realTurn = setImmediate;
const realNowMs = performance.now.bind(performance);

/**
 * Lets faked time run until the promise settles, and resolves with what it settled to. Fails when nothing is left that could
 * settle it: a call that hangs is an error here, not a test time-out.
 */
export async function outcome<T>(promise: Promise<T>): Promise<T | BridgeError> {
  let settled: { value: T | BridgeError } | undefined;
  promise.then(
    (value) => {
      settled = { value };
    },
    (error) => {
      settled = { value: error };
    },
  );
  let idleSinceMs = realNowMs();
  while (!settled) {
    // Loading a module takes real turns of the event loop.
    await new Promise((resolve) => realTurn(resolve));
    if (settled) break;
    if (vi.getTimerCount() > 0) {
      idleSinceMs = realNowMs();
      await vi.advanceTimersToNextTimerAsync();
    } else if (realNowMs() - idleSinceMs > 5_000) {
      throw new Error('the call hangs: no timer is left that could settle it');
    }
  }
  const { value } = settled as { value: T | BridgeError };
  if (value instanceof Error && !(value instanceof BridgeError)) throw value;
  return value;
}

/** The failure of a call that must fail. */
export async function failure(promise: Promise<unknown>): Promise<BridgeError> {
  const value = await outcome(promise);
  if (value instanceof BridgeError) return value;
  throw new Error(`expected a BridgeError, got ${JSON.stringify(value)}`);
}
