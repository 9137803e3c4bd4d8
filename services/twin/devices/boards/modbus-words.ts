import { crc16Modbus } from '#bridge';
import { be16 } from './face.ts';

/** A board with registers behind Modbus RTU frames, or frames like them. */
export interface RegisterBoard {
  /** What it listens to, and what it calls itself in answers: the same for all but Daly's newer boards. */
  readonly unit: number;
  readonly repliesAs?: number;
  /** Function codes it reads by: 1 coils, 3 holding, 4 input. */
  readonly functions: readonly number[];
  /** How far the next register is away; 2 where addresses count bytes. 1 when absent. */
  readonly step?: number;
  /** Register by address; undefined: there is none. */
  word(address: number, functionCode: number): number | undefined;
  /** Coil by address; needed for function 1. */
  bit?(address: number): boolean | undefined;
  /** Which reads are answered at all: some boards know whole blocks only. All when absent. */
  readonly reads?: (address: number, count: number) => boolean;
  /** Takes what is written to registers from `address` on by functions 6 and 16; false: there is nothing to be written. */
  readonly set?: (address: number, words: readonly number[]) => boolean;
}

const REQUEST = 8;
const READ_COILS = 1;
const WRITE_ONE = 6;
const WRITE_MANY = 16;
/** Of a write of several: up to the number of bytes that follow. */
const HEAD = 7;

/**
 * Takes the next good read or write out of `pending`; other units, functions and damaged frames are passed over byte by
 * byte.
 */
export function takeRead(pending: Uint8Array, board: RegisterBoard): { rest: Uint8Array; reply?: Uint8Array } {
  const functions = board.set === undefined ? board.functions : [...board.functions, WRITE_ONE, WRITE_MANY];
  for (let at = 0; at < pending.length; at += 1) {
    const rest = pending.subarray(at);
    const [heard, fc] = rest;
    if (heard !== board.unit || (fc !== undefined && !functions.includes(fc))) continue;
    const length = fc === WRITE_MANY ? HEAD + (rest[HEAD - 1] ?? 0) + 2 : REQUEST;
    if (rest.length < REQUEST || rest.length < length) return { rest };
    const frame = rest.subarray(0, length);
    if (crc16Modbus(frame) !== 0) continue;
    return { rest: rest.subarray(length), reply: written(frame, board) ?? answer(frame, board) };
  }
  return { rest: new Uint8Array() };
}

/** The first six bytes of a write again; exception 2 where nothing can be written. Undefined: it is none. */
function written(frame: Uint8Array, { unit, repliesAs = unit, set }: RegisterBoard): Uint8Array | undefined {
  const [, fc = 0, high = 0, low = 0, ...more] = frame;
  if (fc !== WRITE_ONE && fc !== WRITE_MANY) return undefined;
  const bytes = fc === WRITE_ONE ? more.slice(0, 2) : more.slice(HEAD - 4, -2);
  const words = Array.from(
    { length: bytes.length / 2 },
    (_, at) => ((bytes[at * 2] ?? 0) << 8) | (bytes[at * 2 + 1] ?? 0),
  );
  const taken = set?.((high << 8) | low, words) ?? false;
  return taken ? sealed(repliesAs, ...frame.subarray(1, 6)) : sealed(repliesAs, fc | 0x80, 2);
}

function answer(frame: Uint8Array, board: RegisterBoard): Uint8Array {
  const { unit, repliesAs = unit, step = 1, word, reads } = board;
  const [, fc = 0, high = 0, low = 0, countHigh = 0, countLow = 0] = frame;
  const [first, count] = [(high << 8) | low, (countHigh << 8) | countLow];
  if (reads?.(first, count) === false) return sealed(repliesAs, fc | 0x80, 2);
  if (fc === READ_COILS) return coils(repliesAs, first, count, board);
  if (count < 1 || count > 125) return sealed(repliesAs, fc | 0x80, 3);
  const words = Array.from({ length: count }, (_, index) => word(first + index * step, fc));
  if (words.some((value) => value === undefined)) return sealed(repliesAs, fc | 0x80, 2);
  return sealed(repliesAs, fc, count * 2, ...words.flatMap((value) => be16(value ?? 0)));
}

/** Eight to a byte, the first in the lowest bit. */
function coils(from: number, first: number, count: number, { bit }: RegisterBoard): Uint8Array {
  if (count < 1 || count > 2000) return sealed(from, READ_COILS | 0x80, 3);
  const bits = Array.from({ length: count }, (_, at) => bit?.(first + at));
  if (bits.some((value) => value === undefined)) return sealed(from, READ_COILS | 0x80, 2);
  const bytes = Array.from({ length: Math.ceil(count / 8) }, (_, at) =>
    bits.slice(8 * at, 8 * at + 8).reduce((byte, on, place) => byte | (on ? 1 << place : 0), 0),
  );
  return sealed(from, READ_COILS, bytes.length, ...bytes);
}

/** With its CRC, low byte first. */
export function sealed(...body: readonly number[]): Uint8Array {
  const crc = crc16Modbus(Uint8Array.from(body));
  return Uint8Array.of(...body, crc & 0xff, crc >>> 8);
}
