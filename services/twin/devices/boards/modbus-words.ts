import { crc16Modbus } from '#bridge';
import { be16 } from './face.ts';

/** A board with registers behind Modbus RTU frames, or frames like them. */
export interface RegisterBoard {
  /** What it listens to, and what it calls itself in answers: the same for all but Daly's newer boards. */
  readonly unit: number;
  readonly repliesAs?: number;
  /** Function codes it reads by: 3 holding, 4 input. */
  readonly functions: readonly number[];
  /** How far the next register is away; 2 where addresses count bytes. 1 when absent. */
  readonly step?: number;
  /** Register by address; undefined: there is none. */
  word(address: number, functionCode: number): number | undefined;
}

const REQUEST = 8;

/** Takes the next good read out of `pending`; other units, functions and damaged frames are passed over byte by byte. */
export function takeRead(pending: Uint8Array, board: RegisterBoard): { rest: Uint8Array; reply?: Uint8Array } {
  const { unit, functions } = board;
  for (let at = 0; at < pending.length; at += 1) {
    const frame = pending.subarray(at, at + REQUEST);
    const [heard, fc] = frame;
    if (heard !== unit || (fc !== undefined && !functions.includes(fc))) continue;
    if (frame.length < REQUEST) return { rest: pending.subarray(at) };
    if (crc16Modbus(frame) !== 0) continue;
    return { rest: pending.subarray(at + REQUEST), reply: answer(frame, board) };
  }
  return { rest: new Uint8Array() };
}

function answer(frame: Uint8Array, { unit, repliesAs = unit, step = 1, word }: RegisterBoard): Uint8Array {
  const [, fc = 0, high = 0, low = 0, countHigh = 0, countLow = 0] = frame;
  const [first, count] = [(high << 8) | low, (countHigh << 8) | countLow];
  if (count < 1 || count > 125) return sealed(repliesAs, fc | 0x80, 3);
  const words = Array.from({ length: count }, (_, index) => word(first + index * step, fc));
  if (words.some((value) => value === undefined)) return sealed(repliesAs, fc | 0x80, 2);
  return sealed(repliesAs, fc, count * 2, ...words.flatMap((value) => be16(value ?? 0)));
}

/** With its CRC, low byte first. */
export function sealed(...body: readonly number[]): Uint8Array {
  const crc = crc16Modbus(Uint8Array.from(body));
  return Uint8Array.of(...body, crc & 0xff, crc >>> 8);
}
