import { type Acceptance, acceptLengthPrefixed, byteSum, type LengthPrefixedShape } from '#bridge';

/**
 * Frames of the classic JBD protocol.
 *
 *     request  DD A5 reg n data… sum sum 77     (5A instead of A5 writes)
 *     reply    DD reg status n data… sum sum 77
 *
 * The sum is 0x10000 minus the bytes from register (request) or status (reply) up to the last data byte, so the register
 * byte of a reply is not protected by it: it is compared with the one asked for.
 */

const START = 0xdd;
const END = 0x77;
const READ = 0xa5;
const WRITE = 0x5a;
/** Bytes around the data. */
const OVERHEAD = 7;
const HEADER = 4;

/** What a host asked. */
export interface JbdRequest {
  readonly write: boolean;
  readonly register: number;
  readonly data: Uint8Array;
}

/** A reply with a good checksum, or one whose status is an error. */
export interface JbdReply {
  readonly register: number;
  /** 0 is ok, see `jbdStatus`. */
  readonly status: number;
  readonly data: Uint8Array;
}

const STATUS: Readonly<Record<number, string>> = {
  128: 'it does not know this register',
  129: 'not allowed now (factory mode or a password is needed)',
  130: 'it saw a wrong checksum in the request',
  131: 'the password does not match',
};

/** Says in words what a reply's error status means. */
export function jbdStatus(status: number): string {
  return `the BMS answers status 0x${status.toString(16).padStart(2, '0')}: ${STATUS[status] ?? 'unknown status'}`;
}

/** The bytes of a read request; only reads of a block of parameters have data. */
export function readRequest(register: number, data: readonly number[] = []): Uint8Array {
  return request(READ, register, data);
}

/** The bytes of a write request. */
export function writeRequest(register: number, data: readonly number[]): Uint8Array {
  return request(WRITE, register, data);
}

function request(kind: number, register: number, data: readonly number[]): Uint8Array {
  const body = [register, data.length, ...data];
  const sum = (0x10000 - byteSum(Uint8Array.from(body))) & 0xffff;
  return Uint8Array.of(START, kind, ...body, sum >>> 8, sum & 0xff, END);
}

/** Takes a request apart; `undefined` when it is none. */
export function parseRequest(bytes: Uint8Array): JbdRequest | undefined {
  const [start, kind, register, length] = bytes;
  if (start !== START || register === undefined || length === undefined) return undefined;
  if (kind !== READ && kind !== WRITE) return undefined;
  if (bytes.length < length + OVERHEAD || bytes[length + OVERHEAD - 1] !== END) return undefined;
  return { write: kind === WRITE, register, data: bytes.subarray(HEADER, HEADER + length) };
}

/**
 * Judges a whole reply. The status comes before the checksum: some firmware sends error replies with the sum 0000
 * (fl4p/batmon-ha issue 4), and a host must learn the status all the same.
 */
function fault(frame: Uint8Array): 'terminator' | 'checksum' | undefined {
  const length = frame.length;
  if (frame[length - 1] !== END) return 'terminator';
  if (frame[2] !== 0) return undefined;
  const sent = ((frame[length - 3] ?? 0) << 8) | (frame[length - 2] ?? 0);
  return ((byteSum(frame, 2, length - 3) + sent) & 0xffff) === 0 ? undefined : 'checksum';
}

function reply(frame: Uint8Array): JbdReply {
  return { register: frame[1] ?? 0, status: frame[2] ?? 0, data: frame.subarray(HEADER, frame.length - 3) };
}

function shapeFor(register: number): LengthPrefixedShape {
  return {
    headerLength: HEADER,
    startsWith: (first) => first === START,
    // An echo of the request (DD A5) and a late answer to another question both fail here and are skipped.
    measure: (header) => (header[1] === register ? (header[3] ?? 0) + OVERHEAD : undefined),
    check: fault,
  };
}

/** Framing for one register: finds its reply among echo, noise and late replies; refuses an error status. */
export function acceptReply(register: number): (received: Uint8Array) => Acceptance<Uint8Array> {
  const shape = shapeFor(register);
  return (received) => {
    const acceptance = acceptLengthPrefixed(received, shape);
    if (acceptance.kind !== 'take') return acceptance;
    const { status, data } = reply(acceptance.value);
    if (status === 0) return acceptance;
    // A real error reply carries no data; anything else is a damaged frame that may come whole next time.
    const retryable = status === 0x82 || data.length > 0;
    return { kind: 'refuse', code: 'status', message: jbdStatus(status), retryable };
  };
}

/** Framing of the acknowledgement of a write; a refusal that factory mode may cure is `not_allowed`. */
export function acceptWrite(register: number): (received: Uint8Array) => Acceptance<Uint8Array> {
  const shape = shapeFor(register);
  return (received) => {
    const acceptance = acceptLengthPrefixed(received, shape);
    if (acceptance.kind !== 'take') return acceptance;
    const { status } = reply(acceptance.value);
    if (status === 0) return acceptance;
    const code = status === 0x81 ? 'not_allowed' : 'status';
    return { kind: 'refuse', code, message: jbdStatus(status), retryable: status === 0x82 };
  };
}

/** What was found in recorded bytes: the replies, and the first thing that was wrong. */
export interface JbdScan {
  readonly replies: readonly JbdReply[];
  readonly fault: 'header' | 'truncated' | 'terminator' | 'checksum' | undefined;
}

/**
 * Finds every reply in recorded bytes. Slides by one byte after a bad frame, by a whole frame after a good one; echoes of
 * requests are passed over.
 */
export function scanReplies(bytes: Uint8Array): JbdScan {
  const replies: JbdReply[] = [];
  let first: JbdScan['fault'];
  let at = 0;
  while (at < bytes.length) {
    if (bytes[at] !== START) {
      at += 1;
      continue;
    }
    const rest = bytes.subarray(at);
    const echo = parseRequest(rest);
    if (echo !== undefined) {
      at += echo.data.length + OVERHEAD;
      continue;
    }
    const length = rest.length < HEADER ? Number.POSITIVE_INFINITY : (rest[3] ?? 0) + OVERHEAD;
    const wrong = length > rest.length ? 'truncated' : fault(rest.subarray(0, length));
    if (wrong === undefined) {
      replies.push(reply(rest.subarray(0, length)));
      at += length;
    } else {
      first ??= wrong;
      at += 1;
    }
  }
  return { replies, fault: first ?? (replies.length === 0 ? 'header' : undefined) };
}
