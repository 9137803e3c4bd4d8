import { type Acceptance, acceptLengthPrefixed, byteSum, more } from '#bridge';
import { listOf } from './fields.ts';

/**
 * Frames of Daly's classic protocol, 13 bytes each.
 *
 *     request  A5 40 90 08 00×8 7D      host (40 RS485, 80 Bluetooth, 20 GPRS) + board - 1, command, 8 bytes of data, sum
 *     reply    A5 01 90 08 … sum        board, command
 *
 * Cells, temperatures and texts come in several frames, numbered from 1 in the first byte of data. A sum covers one frame, so
 * bytes lost in between show only as a missing number.
 */

const START = 0xa5;
const DATA_LENGTH = 8;
const HEADER = 4;
export const FRAME_LENGTH = 13;
/** Our address on the line; boards count from 0x01, hosts have 0x20, 0x40 and 0x80. */
const HOST = 0x40;
const FIRST_HOST = 0x20;

/** One frame with a good sum. */
export interface DalyFrame {
  readonly address: number;
  readonly command: number;
  readonly data: Uint8Array;
  readonly bytes: Uint8Array;
}

/**
 * The bytes that ask a board for a command.
 * @param board 1 and up
 * @param data up to 8 bytes; the rest is 0
 */
export function request(board: number, command: number, data: readonly number[] = []): Uint8Array {
  const bytes = new Uint8Array(FRAME_LENGTH);
  bytes.set([START, HOST + board - 1, command, DATA_LENGTH, ...data]);
  bytes[FRAME_LENGTH - 1] = byteSum(bytes) & 0xff;
  return bytes;
}

/** Number of the board a host's address byte speaks to, 1-based. */
export function boardAsked(address: number): number {
  return (address & 0x1f) + 1;
}

/** What recorded bytes hold: replies in their order, echoes of requests left out, and the first fault. */
export interface DalyScan {
  readonly replies: readonly DalyFrame[];
  readonly requests: readonly DalyFrame[];
  readonly fault: 'checksum' | 'truncated' | undefined;
}

/** Finds every frame; slides by one byte where none begins, because A5 is a legal byte of data. */
export function scanFrames(bytes: Uint8Array): DalyScan {
  const replies: DalyFrame[] = [];
  const requests: DalyFrame[] = [];
  let fault: DalyScan['fault'];
  let at = 0;
  while (at < bytes.length) {
    const rest = bytes.subarray(at);
    const wrong = faultHere(rest);
    if (wrong === 'none') {
      const frame = frameOf(rest.subarray(0, FRAME_LENGTH));
      (frame.address >= FIRST_HOST ? requests : replies).push(frame);
      at += FRAME_LENGTH;
    } else {
      if (wrong !== undefined) fault ??= wrong;
      at += 1;
    }
  }
  return { replies, requests, fault };
}

function faultHere(rest: Uint8Array): 'none' | DalyScan['fault'] {
  if (rest[0] !== START) return undefined;
  if (rest.length >= HEADER && rest[3] !== DATA_LENGTH) return undefined;
  if (rest.length < FRAME_LENGTH) return 'truncated';
  return sumFits(rest) ? 'none' : 'checksum';
}

function frameOf(bytes: Uint8Array): DalyFrame {
  return { address: bytes[1] ?? 0, command: bytes[2] ?? 0, data: bytes.subarray(HEADER, FRAME_LENGTH - 1), bytes };
}

function sumFits(frame: Uint8Array): boolean {
  return (byteSum(frame, 0, FRAME_LENGTH - 1) & 0xff) === frame[FRAME_LENGTH - 1];
}

/** Framing for a command of one board that is answered with one frame. */
export function acceptFrame(board: number, command: number): (received: Uint8Array) => Acceptance<Uint8Array> {
  const shape = {
    headerLength: HEADER,
    startsWith: (first: number) => first === START,
    measure: (header: Uint8Array) =>
      header[1] === board && header[2] === command && header[3] === DATA_LENGTH ? FRAME_LENGTH : undefined,
    check: (frame: Uint8Array) => (sumFits(frame) ? undefined : 'checksum'),
  };
  return (received) => acceptLengthPrefixed(received, shape);
}

/**
 * Framing for a command of one board that is answered with numbered frames: takes the first `count` of them, whatever lies
 * between. Gives up as soon as the last one came and another did not.
 */
export function acceptFrames(
  received: Uint8Array,
  board: number,
  command: number,
  count: number,
): Acceptance<Uint8Array> {
  if (received.length === 0) return more;
  const byNumber = numbered(
    scanFrames(received).replies.filter((one) => one.address === board && one.command === command),
  );
  const missing = missingNumbers(byNumber, count);
  if (missing.length === 0 && count > 0) {
    const bytes = new Uint8Array(count * FRAME_LENGTH);
    for (let number = 1; number <= count; number += 1) {
      bytes.set(byNumber.get(number)?.bytes ?? [], (number - 1) * FRAME_LENGTH);
    }
    return { kind: 'take', value: bytes, length: received.length };
  }
  if (!byNumber.has(count)) return more;
  return {
    kind: 'refuse',
    code: 'incomplete',
    message: `frames ${missing.join(', ')} of ${count} were lost on the line`,
  };
}

/** Frames by their number; the first of each stays. 0 and 255 are no numbers. */
export function numbered(frames: readonly DalyFrame[]): ReadonlyMap<number, DalyFrame> {
  const byNumber = new Map<number, DalyFrame>();
  for (const frame of frames) {
    const number = frame.data[0] ?? 0;
    if (number > 0 && number < 0xff && !byNumber.has(number)) byNumber.set(number, frame);
  }
  return byNumber;
}

/** Which of the frames 1 to `count` did not come. */
export function missingNumbers(byNumber: ReadonlyMap<number, DalyFrame>, count: number): readonly number[] {
  return listOf(count, (at) => at + 1).filter((number) => !byNumber.has(number));
}
