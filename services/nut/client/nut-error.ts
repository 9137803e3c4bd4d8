/** `data-stale`, `driver-not-connected`: the server is there and the UPS is not. `closed`: the connection ended. */
export type NutErrorCode =
  | 'data-stale'
  | 'driver-not-connected'
  | 'unknown-ups'
  | 'access-denied'
  | 'waiting'
  | 'refused'
  | 'protocol'
  | 'tls'
  | 'unreachable'
  | 'closed'
  | 'timeout';

export class NutError extends Error {
  readonly code: NutErrorCode;

  constructor(code: NutErrorCode, message: string) {
    super(message);
    this.name = 'NutError';
    this.code = code;
  }
}
