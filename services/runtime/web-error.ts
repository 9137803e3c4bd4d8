import { BridgeError, type BridgeErrorCode } from '#bridge';

/**
 * Why an exchange with a device over HTTP (or through a command) failed.
 *
 * `no_answer`: silence until the deadline. `unreachable`: no connection. `certificate`: it is not the device we know.
 * `credentials`: user or password turned down. `forbidden`: the account may not do this. `login_required`: the session
 * is gone. `no_session`: the device has no free session. `rate_limited`: too many logins. `restarting`: it is there and
 * not ready. `rejected`: the device said no. `bad_answer`: an answer that is none, so what was written may have arrived.
 */
export type WebReason =
  | 'no_answer'
  | 'unreachable'
  | 'certificate'
  | 'credentials'
  | 'forbidden'
  | 'login_required'
  | 'no_session'
  | 'rate_limited'
  | 'restarting'
  | 'rejected'
  | 'bad_answer'
  | 'aborted'
  | 'closed';

const BRIDGE_CODES: Partial<Record<WebReason, BridgeErrorCode>> = {
  no_answer: 'timeout',
  unreachable: 'open',
  certificate: 'open',
  aborted: 'aborted',
  closed: 'closed',
};

const RETRYABLE: ReadonlySet<WebReason> = new Set([
  'no_answer',
  'unreachable',
  'bad_answer',
  'login_required',
  'no_session',
  'restarting',
]);

const HINTS: Partial<Record<WebReason, string>> = {
  no_answer: 'check the address and that the device is not overloaded',
  unreachable: 'check the address, the port and the network',
  certificate: 'give its authority as tls.ca, or its own SHA-256 as tls.fingerprint',
  credentials: 'check user and password',
  forbidden: 'the account may read but not write: give it the right to write',
  no_session: 'its few sessions are taken: log out elsewhere, or wait some minutes',
  rate_limited: 'too many logins: wait some minutes',
};

/** A failed exchange: which device, what happened, what to try. Never holds a password or a token. */
export class WebError extends BridgeError {
  declare readonly reason: WebReason;

  constructor(reason: WebReason, device: string, what: string, cause?: unknown) {
    const hint = HINTS[reason];
    super(BRIDGE_CODES[reason] ?? 'refused', device, hint === undefined ? what : `${what} (${hint})`, {
      reason,
      retryable: RETRYABLE.has(reason),
      cause,
    });
    this.name = 'WebError';
  }
}

/** A device's own words, made fit for a message: one line, printable, short, without our secrets. */
export function quoted(text: string, secrets: readonly string[] = []): string {
  let clean = text;
  for (const secret of secrets) if (secret !== '') clean = clean.replaceAll(secret, '***');
  clean = clean.replace(/[^\x20-\x7e]+/g, ' ').trim();
  return clean.length > 120 ? `${clean.slice(0, 119)}…` : clean;
}
