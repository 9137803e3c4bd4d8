import { type Acceptance, acceptLengthPrefixed, byteSum, type LengthPrefixedShape } from '#bridge';

/**
 * Frames of JK's `4E57` protocol, big-endian.
 *
 *     4E57 length terminal×4 command source type  tags…  record×4 68 0000 sum
 *
 * `length` counts everything but the first two bytes; the sum is that of all bytes up to and including 68.
 */

const START = 0x4e;
const START_2 = 0x57;
const HEADER = 11;
/** Record number, 68, two zeros and the sum. */
const TRAILER = 9;
const SHORTEST = 21;
const LONGEST = 1024;
const END = 0x68;
const REQUEST = 0;

const ACTIVATE = 0x01;
const READ_ALL = 0x06;

/** A frame with a good end and sum. */
export interface JkFrame {
  readonly command: number;
  /** 0 request, 1 answer, 2 sent by the BMS on its own. */
  readonly type: number;
  /** Tags and their values. */
  readonly body: Uint8Array;
}

/** What a whole frame can be turned down for. */
type Fault = 'truncated' | 'terminator' | 'checksum' | 'malformed';

/** The request for everything the board knows. */
export const readAllRequest: Uint8Array = Uint8Array.of(
  ...[START, START_2, 0x00, 0x13, 0x00, 0x00, 0x00, 0x00, READ_ALL, 0x03, REQUEST, 0x00],
  ...[0x00, 0x00, 0x00, 0x00, END, 0x00, 0x00, 0x01, 0x29],
);

/** Wakes a board that sleeps; it is answered, then the board can be asked. */
export const activateRequest: Uint8Array = Uint8Array.of(
  ...[START, START_2, 0x00, 0x13, 0x00, 0x00, 0x00, 0x00, ACTIVATE, 0x03, REQUEST, 0x00],
  ...[0x00, 0x00, 0x00, 0x00, END, 0x00, 0x00, 0x01, 0x24],
);

function faultOf(frame: Uint8Array): Fault | undefined {
  const length = frame.length;
  if (frame[length - 5] !== END) return 'terminator';
  const sum = u16(frame, length - 2);
  return (byteSum(frame, 0, length - 4) & 0xffff) === sum ? undefined : 'checksum';
}

const shape: LengthPrefixedShape = {
  headerLength: HEADER,
  startsWith: (first) => first === START,
  measure(header) {
    // Our own request comes back from some adapters; a board never sends one.
    if (header[1] !== START_2 || header[10] === REQUEST) return undefined;
    const length = u16(header, 2) + 2;
    return length < SHORTEST || length > LONGEST ? undefined : length;
  },
  check: faultOf,
};

/** Framing of the answer to `readAllRequest`, and to the one that wakes. */
export function acceptAnswer(received: Uint8Array): Acceptance<Uint8Array> {
  return acceptLengthPrefixed(received, shape);
}

/** What recorded bytes hold: the first answer, an echoed or sent request, and the first fault. */
export interface JkScan {
  readonly answer: JkFrame | undefined;
  readonly request: JkFrame | undefined;
  readonly fault: Fault | undefined;
}

/** Finds the first answer in recorded bytes, whatever surrounds it. */
export function scanFrames(bytes: Uint8Array): JkScan {
  let request: JkFrame | undefined;
  let fault: Fault | undefined;
  for (let at = 0; at + 1 < bytes.length; at += 1) {
    if (bytes[at] !== START || bytes[at + 1] !== START_2) continue;
    const rest = bytes.subarray(at);
    const length = rest.length < 4 ? Number.POSITIVE_INFINITY : u16(rest, 2) + 2;
    const frame = rest.subarray(0, length);
    let wrong: Fault | undefined;
    if (length < SHORTEST) wrong = 'malformed';
    else wrong = rest.length < length ? 'truncated' : faultOf(frame);
    if (wrong !== undefined) {
      fault ??= wrong;
      continue;
    }
    const found: JkFrame = {
      command: frame[8] ?? 0,
      type: frame[10] ?? 0,
      body: frame.subarray(HEADER, length - TRAILER),
    };
    if (found.type !== REQUEST) return { answer: found, request, fault };
    request ??= found;
    at += length - 1;
  }
  return { answer: undefined, request, fault };
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
