import type { Acceptance } from './acceptance.ts';
import type { BridgeError } from './errors.ts';
import type { Unsubscribe } from './transport.ts';

/** One question to a device and how its answer is recognised. */
export interface ByteRequest<T> {
  /** For messages and recordings, e.g. `jbd basic`. */
  readonly label: string;
  readonly bytes: Uint8Array;
  /** Pure; called with all bytes received since the request (minus skipped ones) whenever some arrive. */
  readonly accept: (received: Uint8Array) => Acceptance<T>;
  /** Time from the last byte written to the complete answer, ms. */
  readonly timeoutMs?: number;
  /** Tries in all, 1..5. */
  readonly tries?: number;
  readonly signal?: AbortSignal;
}

/** Counters since the exchange was made; they only grow. */
export interface ExchangeStats {
  readonly requests: number;
  readonly answers: number;
  readonly timeouts: number;
  readonly refusals: number;
  /** Bytes that arrived while nobody was asking, or that framing skipped. */
  readonly strayBytes: number;
  readonly reconnects: number;
}

/**
 * One bus. At most one request is in flight; others wait in order. Opens its transport on first use and again,
 * with back-off, after it was lost. Every call settles: with the answer, or with a `BridgeError`.
 */
export interface ByteExchange {
  readonly name: string;
  readonly stats: ExchangeStats;
  /** Why there is no connection at the moment; `undefined` while there is one. For devices that are only listened to. */
  readonly trouble?: BridgeError | undefined;
  request<T>(request: ByteRequest<T>): Promise<T>;
  /** Bytes as they come, for devices that talk by themselves. Opens the transport and keeps it open until unsubscribed. */
  listen(listener: (chunk: Uint8Array) => void): Unsubscribe;
  close(): Promise<void>;
}

export type RegisterTable = 'holding' | 'input' | 'coil' | 'discrete';

/** One Modbus read. `address` is the PDU address (0-based), `count` 1..125 registers (1..2000 bits). */
export interface RegisterRead {
  readonly unit: number;
  readonly table: RegisterTable;
  readonly address: number;
  readonly count: number;
  readonly timeoutMs?: number;
  readonly tries?: number;
  readonly signal?: AbortSignal;
}

/** A Modbus bus (RTU or TCP) under the same promises as `ByteExchange`. Bits come as 0/1 words. */
export interface RegisterExchange {
  readonly name: string;
  readonly stats: ExchangeStats;
  read(request: RegisterRead): Promise<Uint16Array>;
  close(): Promise<void>;
}
