import { latin1Bytes } from '#bridge';

/**
 * The ASCII frame that Pylontech, Seplos V2 and Pace share (YD/T 1363.3).
 *
 *     ~ 20 02 46 42 E002 02 FD33 CR      request: analog values of battery 2
 *       │  │  │  │  │    │  └ two's complement of the sum of all characters between ~ and here
 *       │  │  │  │  │    └ INFO, two hex digits a byte
 *       │  │  │  │  └ check digit over the three digits of the number of INFO characters
 *       │  │  │  └ command; in an answer the return code, 00 is good
 *       │  │  └ battery
 *       │  └ address
 *       └ version
 *
 * An answer does not say to which command it is.
 */
export interface AsciiFrame {
  readonly ver: number;
  readonly address: number;
  readonly cid1: number;
  /** Command of a request, return code of an answer. */
  readonly cid2: number;
  readonly info: Uint8Array;
}

/** What is wrong with a frame, in the order in which it is looked for. */
export type FrameFault = 'header' | 'length_checksum' | 'length' | 'checksum';

const SOI = 0x7e;
const EOI = 0x0d;
const BATTERY = 0x46;
/** Characters around INFO: ~, twelve digits in front, four behind, CR. */
const OVERHEAD = 18;
/** Where INFO begins: behind ~ and twelve digits. */
const INFO_AT = 13;
const NO_DIGIT = 255;
/** Four thousand and ninety-five characters of INFO, the most that three digits can say. */
const MAX_LENGTH = OVERHEAD + 0xfff;

/** The bytes of a request, or of anything else in this form. */
export function asciiFrame(ver: number, address: number, cid2: number, info: readonly number[] = []): Uint8Array {
  const length = info.length * 2;
  const body = `${[ver, address, BATTERY, cid2].map(hexByte).join('')}${hex(lengthCheck(length), 1)}${hex(length, 3)}${info.map(hexByte).join('')}`;
  return latin1Bytes(`~${body}${checksum(body)}\r`);
}

/** Value of a hex digit's character in either case; 255: it is none. */
const DIGITS = Uint8Array.from({ length: 256 }, (_, code) => {
  const value = Number.parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(value) ? NO_DIGIT : value;
});

/** Takes a frame from ~ to CR apart, or says what is wrong with it. */
export function parseAsciiFrame(bytes: Uint8Array): AsciiFrame | FrameFault {
  const end = bytes.length - 5;
  if (bytes[0] !== SOI || bytes.length < OVERHEAD) return 'header';
  let sum = 0;
  for (let at = 1; at < end; at += 1) {
    const code = bytes[at] ?? 0;
    if (DIGITS[code] === NO_DIGIT) return 'header';
    sum += code;
  }
  const length = (digit(bytes, 10) << 8) | hexAt(bytes, 11);
  if (digit(bytes, 9) !== lengthCheck(length)) return 'length_checksum';
  if (end !== INFO_AT + length || length % 2 !== 0) return 'length';
  if (((hexAt(bytes, end) << 8) | hexAt(bytes, end + 2)) !== (-sum & 0xffff) || !isHex(bytes, end, 4))
    return 'checksum';
  const info = new Uint8Array(length / 2);
  for (let at = 0; at < info.length; at += 1) info[at] = hexAt(bytes, INFO_AT + 2 * at);
  return { ver: hexAt(bytes, 1), address: hexAt(bytes, 3), cid1: hexAt(bytes, 5), cid2: hexAt(bytes, 7), info };
}

function digit(bytes: Uint8Array, at: number): number {
  return DIGITS[bytes[at] ?? 0] ?? NO_DIGIT;
}

/** The byte whose two digits begin there. */
function hexAt(bytes: Uint8Array, at: number): number {
  return ((digit(bytes, at) << 4) | digit(bytes, at + 1)) & 0xff;
}

function isHex(bytes: Uint8Array, from: number, count: number): boolean {
  for (let at = from; at < from + count; at += 1) if (digit(bytes, at) === NO_DIGIT) return false;
  return true;
}

/** One stretch from ~ to CR, or to the end of what has come (`end` undefined). */
export interface FrameSpan {
  readonly start: number;
  /** One past the CR. */
  readonly end: number | undefined;
}

/** Where frames lie in bytes. A new ~ begins anew, as does a stretch that is longer than any frame. */
export function frameSpans(bytes: Uint8Array): readonly FrameSpan[] {
  const spans: FrameSpan[] = [];
  let start: number | undefined;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === SOI) start = at;
    else if (start !== undefined && at - start >= MAX_LENGTH) start = undefined;
    else if (byte === EOI && start !== undefined) {
      spans.push({ start, end: at + 1 });
      start = undefined;
    }
  }
  if (start !== undefined) spans.push({ start, end: undefined });
  return spans;
}

/** True for a frame of a battery, as all of the three makers send. */
export function isBattery({ cid1 }: AsciiFrame): boolean {
  return cid1 === BATTERY;
}

/** Same bytes; the echo of a half-duplex adapter is. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => other[at] === byte);
}

function lengthCheck(length: number): number {
  const sum = (length >>> 8) + ((length >>> 4) & 15) + (length & 15);
  return -sum & 15;
}

function checksum(body: string): string {
  let sum = 0;
  for (let at = 0; at < body.length; at += 1) sum += body.charCodeAt(at);
  return hex(-sum & 0xffff, 4);
}

function hexByte(byte: number): string {
  return hex(byte, 2);
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}
