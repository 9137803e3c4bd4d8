import { crc16Modbus } from '../../firmware-bridge/framing/crc.ts';
import type { MemoryTransport } from './memory-transport.ts';

/** How the slave treats one request. */
export interface Manners {
  /** Processing time; answers keep the order of the requests however long one takes. */
  readonly delayMs?: number;
  readonly answers?: 'once' | 'twice' | 'never';
  /** Time from an answer to its second copy. */
  readonly copyAfterMs?: number;
  readonly echo?: boolean;
  /** A frame of a unit that nobody here asks, in front of the answer. */
  readonly stranger?: boolean;
  /** Bytes per chunk, 0: all at once. */
  readonly dribble?: number;
  readonly exception?: number;
  readonly damage?: boolean;
}

/** Every unit, table and address holds another value, so a wrong block shows. */
function registerValue(unit: number, functionCode: number, address: number): number {
  return (unit * 20_011 + functionCode * 7_001 + address * 31) & 0xffff;
}

const bitValue = (unit: number, functionCode: number, address: number) =>
  Number(registerValue(unit, functionCode, address) % 3 === 0);

/** What a read of this block must give. */
export function truth(unit: number, functionCode: number, address: number, count: number): number[] {
  const value = functionCode <= 2 ? bitValue : registerValue;
  return Array.from({ length: count }, (_, at) => value(unit, functionCode, address + at));
}

function withCrc(...body: number[]): Uint8Array {
  const crc = crc16Modbus(Uint8Array.from(body));
  return Uint8Array.from([...body, crc & 0xff, crc >>> 8]);
}

/**
 * A Modbus RTU slave (all units in one) on a wire in memory, written from "MODBUS over Serial Line" and not from our own framing.
 * Addresses from `legalUpTo` on do not exist.
 */
export function memorySlave(
  wire: MemoryTransport,
  manners: (request: number, unit: number) => Manners,
  legalUpTo = 0x10000,
): void {
  let requests = 0;
  let lastAnswerMs = 0;
  const say = (atMs: number, frame: Uint8Array, dribble: number) => {
    const size = dribble > 0 ? dribble : frame.length;
    for (let at = 0; at < frame.length; at += size) {
      // Bytes of one frame follow each other closely.
      setTimeout(() => wire.say(frame.slice(at, at + size)), atMs - performance.now() + at / size / 100);
    }
  };
  wire.device = (request) => {
    if (request.length !== 8 || crc16Modbus(request) !== 0) throw new Error('the slave got a bad request');
    const [unit = 0, functionCode = 0, addressHigh = 0, addressLow = 0, countHigh = 0, countLow = 0] = request;
    const {
      delayMs = 1,
      answers = 'once',
      copyAfterMs = 0,
      echo,
      stranger,
      dribble = 0,
      exception,
      damage,
    } = manners(requests, unit);
    requests += 1;
    if (echo) wire.say(request);
    if (answers === 'never') return;
    const address = addressHigh * 256 + addressLow;
    const count = countHigh * 256 + countLow;
    const code = exception ?? (address + count > legalUpTo ? 2 : undefined);
    const answer =
      code === undefined
        ? withCrc(unit, functionCode, ...block(truth(unit, functionCode, address, count), functionCode))
        : withCrc(unit, functionCode | 0x80, code);
    if (damage) answer[answer.length - 1] = (answer.at(-1) ?? 0) ^ 0xff;
    lastAnswerMs = Math.max(lastAnswerMs + 1, performance.now() + delayMs);
    const other = withCrc(
      unit + 100,
      functionCode,
      ...block(truth(unit + 100, functionCode, address, count), functionCode),
    );
    if (stranger) say(lastAnswerMs, other, 0);
    say(lastAnswerMs, answer, dribble);
    if (answers === 'twice') say(lastAnswerMs + copyAfterMs, answer, dribble);
  };
}

function block(values: readonly number[], functionCode: number): number[] {
  if (functionCode > 2) return [values.length * 2, ...values.flatMap((value) => [value >>> 8, value & 0xff])];
  const bytes = Array.from({ length: Math.ceil(values.length / 8) }, () => 0);
  values.forEach((bit, at) => {
    bytes[at >>> 3] = (bytes[at >>> 3] ?? 0) | (bit << (at & 7));
  });
  return [bytes.length, ...bytes];
}
