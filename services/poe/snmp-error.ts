import { BridgeError, type BridgeErrorCode } from '#bridge';

/** Error states of an answer (RFC 3416), by number. */
export const ERROR_STATUS = [
  'noError',
  'tooBig',
  'noSuchName',
  'badValue',
  'readOnly',
  'genErr',
  'noAccess',
  'wrongType',
  'wrongLength',
  'wrongEncoding',
  'wrongValue',
  'noCreation',
  'inconsistentValue',
  'resourceUnavailable',
  'commitFailed',
  'undoFailed',
  'authorizationError',
  'notWritable',
  'inconsistentName',
] as const;
export type ErrorStatus = (typeof ERROR_STATUS)[number];

/**
 * Why an SNMP exchange failed: an error state of the agent, or one of ours.
 *
 * `no_answer`: silence until the deadline. `unreachable`: the datagram could not be sent. `credentials`: the agent
 * turned user or keys down. `bad_answer`: an answer that cannot be what was asked for. `oid_not_increasing`,
 * `too_many_rows`: a walk that would not end. `no_poe`: it speaks SNMP and has no PoE tables.
 */
export type SnmpReason =
  | ErrorStatus
  | 'no_answer'
  | 'unreachable'
  | 'credentials'
  | 'bad_answer'
  | 'oid_not_increasing'
  | 'too_many_rows'
  | 'no_poe'
  | 'aborted'
  | 'closed';

const BRIDGE_CODES: Partial<Record<SnmpReason, BridgeErrorCode>> = {
  no_answer: 'timeout',
  unreachable: 'open',
  aborted: 'aborted',
  closed: 'closed',
};

/** Asking again in a moment may help. */
const RETRYABLE: ReadonlySet<SnmpReason> = new Set([
  'no_answer',
  'unreachable',
  'genErr',
  'resourceUnavailable',
  'bad_answer',
]);

const READ_ONLY = 'the community or user may read but not write: give it write access on the switch';

/** What to try, where there is something to say. */
const HINTS: Partial<Record<SnmpReason, string>> = {
  no_answer: 'check the address and that SNMP is on; a wrong community or a wrong privacy key looks exactly like this',
  unreachable: 'check the address, the network and the name resolution',
  credentials: 'check v3 user, auth protocol and keys',
  noAccess: READ_ONLY,
  readOnly: READ_ONLY,
  authorizationError: READ_ONLY,
  notWritable: 'this switch does not let PoE be switched through this object',
  noSuchName: 'the object does not exist, or the community may only read',
  no_poe: 'it has no POWER-ETHERNET-MIB; name its vendor table under portWatts, or ask for another driver',
};

/** A failed SNMP exchange: which switch, what happened, what to try. Never holds a community or a key. */
export class SnmpError extends BridgeError {
  declare readonly reason: SnmpReason;
  /** The variable the agent complained about, where it said. */
  readonly oid: string | undefined;

  constructor(reason: SnmpReason, device: string, what: string, options: { oid?: string; cause?: unknown } = {}) {
    const hint = HINTS[reason];
    super(BRIDGE_CODES[reason] ?? 'refused', device, hint === undefined ? what : `${what} (${hint})`, {
      reason,
      retryable: RETRYABLE.has(reason),
      cause: options.cause,
    });
    this.name = 'SnmpError';
    this.oid = options.oid;
  }
}

/** The name of an error state; agents that invent numbers get `genErr`. */
export const errorStatus = (status: number): ErrorStatus => ERROR_STATUS[status] ?? 'genErr';

/**
 * Puts whatever the SNMP library threw into our words. The library's own text never goes on: for a community that does
 * not match it prints both.
 */
export function snmpError(error: unknown, device: string, what: string): SnmpError {
  if (error instanceof SnmpError) return error;
  const {
    name = '',
    message = '',
    status,
    code,
  } = (error ?? {}) as {
    name?: string;
    message?: string;
    status?: unknown;
    code?: unknown;
  };
  if (name === 'RequestTimedOutError') return new SnmpError('no_answer', device, `no answer to ${what}`);
  if (name === 'RequestFailedError' && typeof status === 'number') {
    const reason = errorStatus(status);
    const oid = /: ([\d.]+)$/.exec(message)?.[1];
    const where = oid === undefined ? '' : ` for ${oid}`;
    return new SnmpError(
      reason,
      device,
      `${what} was answered with ${reason}${where}`,
      oid === undefined ? {} : { oid },
    );
  }
  if (name === 'ResponseInvalidError') {
    const turnedDown = code === AUTH_FAILURE || code === COULD_NOT_DECRYPT;
    if (turnedDown) return new SnmpError('credentials', device, `${what} was turned down: ${usmWord(message)}`);
    return new SnmpError('bad_answer', device, `the answer to ${what} does not belong to it`);
  }
  if (typeof code === 'string') return new SnmpError('unreachable', device, `${what} could not be sent: ${code}`);
  return new SnmpError('bad_answer', device, `${what} failed: ${name || 'unknown error'}`, { cause: error });
}

/** net-snmp ResponseInvalidCode. */
const COULD_NOT_DECRYPT = 4;
const AUTH_FAILURE = 5;

/** The library's word for a report of the user security model, if it is one we know to hold no secret. */
const usmWord = (message: string): string =>
  /^(Unsupported Security Level|Not In Time Window|Unknown User Name|Unknown Engine ID|Wrong Digest|Decryption Error)/i.exec(
    message,
  )?.[0] ?? 'authentication failed';
