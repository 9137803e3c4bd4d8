import type { BridgeError } from './errors.ts';

export type Unsubscribe = () => void;

/**
 * A duplex stream of bytes with a device (or a bridge to one) at the other end.
 * Constructors do nothing; `open` connects once and rejects with a `BridgeError` (`open`) when it cannot.
 * Reconnecting is the exchange's business, not the transport's.
 */
export interface ByteTransport {
  /** For messages: `serial:/dev/ttyUSB0`, `tcp:10.0.0.7:4001`. Never holds a secret. */
  readonly name: string;
  readonly isOpen: boolean;
  open(signal?: AbortSignal): Promise<void>;
  /** Closes and resolves when the handle is released; safe to call twice. */
  close(): Promise<void>;
  /** Resolves when the bytes were handed to the operating system. The caller sets the deadline. */
  write(bytes: Uint8Array): Promise<void>;
  /** Throws away what was received but not read yet, where the platform can. */
  flush(): Promise<void>;
  onData(listener: (chunk: Uint8Array) => void): Unsubscribe;
  /** Called once per loss of an open transport; `undefined` when `close` was called by us. */
  onClosed(listener: (reason: BridgeError | undefined) => void): Unsubscribe;
}

/** How a serial line is set. */
export interface SerialLine {
  readonly baud: number;
  readonly dataBits?: 7 | 8;
  readonly parity?: 'none' | 'even' | 'odd';
  readonly stopBits?: 1 | 2;
}
