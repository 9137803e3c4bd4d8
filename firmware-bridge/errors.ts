/**
 * Why an exchange on a wire failed.
 *
 * `timeout`: nothing (or nothing complete) came in time. `closed`: the transport is not open, or went away meanwhile.
 * `refused`: an answer came and the driver's framing turned it down. `busy`: the bus queue is full.
 * `aborted`: the caller gave up. `open`: the port or socket could not be opened. `write`: the bytes could not be sent.
 */
export type BridgeErrorCode = 'timeout' | 'closed' | 'refused' | 'busy' | 'aborted' | 'open' | 'write';

/** A failure on the wire: what happened, on which transport, and whether another try makes sense. */
export class BridgeError extends Error {
  readonly code: BridgeErrorCode;
  /** Name of the transport, e.g. `serial:/dev/ttyUSB0`. */
  readonly transport: string;
  /** The driver's own word for a refusal (`checksum`, `wrong_register`, …), when there is one. */
  readonly reason: string | undefined;
  readonly retryable: boolean;

  constructor(
    code: BridgeErrorCode,
    transport: string,
    message: string,
    options: { reason?: string; retryable?: boolean; cause?: unknown } = {},
  ) {
    super(`${transport}: ${message}`, { cause: options.cause });
    this.name = 'BridgeError';
    this.code = code;
    this.transport = transport;
    this.reason = options.reason;
    this.retryable = options.retryable ?? (code === 'timeout' || code === 'refused' || code === 'closed');
  }
}
