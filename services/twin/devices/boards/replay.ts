import { crc16Modbus } from '#bridge';
import type { BoardFace } from './face.ts';
import { type RegisterBoard, takeRead } from './modbus-words.ts';

/** What was captured of a real device: a request and its answer; without a request something it said by itself. */
export interface CapturedExchange {
  readonly request?: Uint8Array;
  readonly response: Uint8Array;
}

const MODBUS_READ = 8;

/**
 * A device made of what was captured of one: it answers requests that were captured, in turn where one was captured several
 * times. Reads of Modbus registers are answered by any cut of the captured ones, others of the same unit with exception 2.
 * Nothing here knows what the bytes mean.
 */
export function replayed(exchanges: readonly CapturedExchange[], baud: number): BoardFace {
  const answers = new Map<string, Uint8Array[]>();
  for (const { request, response } of exchanges) {
    if (request === undefined || response.length === 0) continue;
    const known = answers.get(hex(request)) ?? [];
    answers.set(hex(request), [...known, response]);
  }
  const longest = Math.max(1, ...exchanges.map(({ request }) => request?.length ?? 0));
  const boards = registerBoards(exchanges);
  const speech = exchanges.filter(({ request }) => request === undefined).map(({ response }) => response);
  let spoken = 0;
  const take: BoardFace['take'] = (pending) => {
    const exact = takeCaptured(pending, longest, answers);
    if (exact !== undefined) return exact;
    const board = boards.get(pending[0] ?? -1);
    if (board !== undefined && pending.length >= MODBUS_READ) return takeRead(pending, board);
    return { rest: pending.slice(-longest) };
  };
  if (speech.length === 0) return { baud, take };
  return {
    baud,
    take,
    speaks: () => {
      spoken += 1;
      return speech[(spoken - 1) % speech.length] ?? new Uint8Array();
    },
  };
}

/** The captured request that begins first, its answers taken in turn. */
function takeCaptured(
  pending: Uint8Array,
  longest: number,
  answers: ReadonlyMap<string, Uint8Array[]>,
): ReturnType<BoardFace['take']> | undefined {
  for (let at = 0; at < pending.length; at += 1) {
    for (let length = Math.min(longest, pending.length - at); length > 0; length -= 1) {
      const known = answers.get(hex(pending.subarray(at, at + length)));
      const reply = known?.shift();
      if (known === undefined || reply === undefined) continue;
      known.push(reply);
      return { rest: pending.subarray(at + length), reply };
    }
  }
  return undefined;
}

/** The registers that captured answers hold, by unit. Of one that was captured twice the first counts. */
function registerBoards(exchanges: readonly CapturedExchange[]): ReadonlyMap<number, RegisterBoard> {
  const words = new Map<number, Map<string, number>>();
  for (const { request, response } of exchanges) {
    if (request?.length !== MODBUS_READ || crc16Modbus(request) !== 0) continue;
    const [unit = 0, fc = 0] = request;
    const [first, count] = [u16(request, 2), u16(request, 4)];
    const whole = response[0] === unit && response[1] === fc && response[2] === count * 2 && (fc === 3 || fc === 4);
    if (!whole || response.length !== count * 2 + 5 || crc16Modbus(response) !== 0) continue;
    const known = words.get(unit) ?? new Map<string, number>();
    words.set(unit, known);
    for (let index = 0; index < count; index += 1) {
      const key = `${fc} ${first + index}`;
      if (!known.has(key)) known.set(key, u16(response, 3 + index * 2));
    }
  }
  return new Map(
    [...words].map(([unit, known]) => [
      unit,
      { unit, functions: [3, 4], word: (address: number, fc: number) => known.get(`${fc} ${address}`) },
    ]),
  );
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const u16 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
