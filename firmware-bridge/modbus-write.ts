import { type Acceptance, more } from './acceptance.ts';
import { crc16Modbus } from './framing/crc.ts';
import { acceptLengthPrefixed } from './framing/length-prefixed.ts';

/** One Modbus write. Addresses are those of the PDU, from 0. */
export interface RegisterWrite {
  readonly unit: number;
  /** 5 one coil, 6 one register, 15 several coils, 16 several registers. */
  readonly functionCode: 5 | 6 | 15 | 16;
  readonly address: number;
  /** Words; for coils 0 and everything else. One of them for 5 and 6. */
  readonly values: readonly number[];
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const EXCEPTION = 0x80;
/** Transaction, protocol and length, of two bytes each, before the unit. */
const HEADER = 6;

const word = (value: number): readonly [number, number] => [(value >> 8) & 0xff, value & 0xff];

/** The request from the unit on. */
export function writeBody({ unit, functionCode, address, values }: RegisterWrite): Uint8Array {
  const [first = 0] = values;
  const head = [unit, functionCode, ...word(address)];
  if (functionCode === 5) return Uint8Array.from([...head, first === 0 ? 0 : 0xff, 0]);
  if (functionCode === 6) return Uint8Array.from([...head, ...word(first)]);
  const data = functionCode === 15 ? packed(values) : values.flatMap(word);
  return Uint8Array.from([...head, ...word(values.length), data.length, ...data]);
}

/** Eight coils a byte, the lowest address in the lowest bit. */
function packed(values: readonly number[]): number[] {
  const bytes = Array.from({ length: Math.ceil(values.length / 8) }, () => 0);
  for (const [at, value] of values.entries()) if (value !== 0) bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (1 << (at & 7));
  return bytes;
}

/**
 * The answer to a write: it repeats the beginning of the request, or is an exception, whose code is the value.
 * `undefined`: it was done. An answer of another transaction is passed over, one that repeats something else refused.
 */
export function acceptWrite(
  received: Uint8Array,
  body: Uint8Array,
  transaction: number,
): Acceptance<{ readonly exception?: number }> {
  if (received.length < HEADER) return more;
  const at = (index: number): number => (received[index] ?? 0) * 256 + (received[index + 1] ?? 0);
  const length = HEADER + at(4);
  if (at(2) !== 0 || at(4) < 3 || at(4) > 254)
    return { kind: 'skip', length: 1, reason: 'no Modbus TCP answer begins here' };
  if (received.length < length) return more;
  if (at(0) !== transaction) return { kind: 'skip', length, reason: 'the answer to another request' };
  const [unit, functionCode] = body;
  const answer = received.subarray(HEADER, length);
  if (answer[0] === unit && answer[1] === (functionCode ?? 0) + EXCEPTION && answer.length === 3)
    return { kind: 'take', value: { exception: answer[2] ?? 0 }, length };
  const same = answer.length === 6 && answer.every((byte, index) => byte === body[index]);
  if (!same)
    return { kind: 'refuse', code: 'echo', message: 'the answer does not repeat the request', retryable: false };
  return { kind: 'take', value: {}, length };
}

const RTU_ANSWER = 8;
const RTU_EXCEPTION = 5;

/**
 * The answer to a write on RTU: its first six bytes are those of the request, or it is an exception, whose code is the
 * value. An adapter that gives the request back is passed over where the request is longer than its answer; the write of
 * one register looks like its own echo, so only reading it back proves that it was done.
 * @param body the request from the unit on, without its CRC
 */
export function acceptRtuWrite(received: Uint8Array, body: Uint8Array): Acceptance<{ readonly exception?: number }> {
  const [unit, functionCode = 0] = body;
  const acceptance = acceptLengthPrefixed(received, {
    headerLength: 2,
    startsWith: (byte) => byte === unit,
    measure: (header) => {
      if (header[1] === functionCode + EXCEPTION) return RTU_EXCEPTION;
      if (header[1] !== functionCode) return undefined;
      return echoes(header, body) ? echoLength(header, body) : RTU_ANSWER;
    },
    check: (frame) => (crc16Modbus(frame) === 0 ? undefined : 'crc'),
  });
  if (acceptance.kind !== 'take') return acceptance;
  const { value: answer, length } = acceptance;
  if (length === RTU_EXCEPTION) return { kind: 'take', value: { exception: answer[2] ?? 0 }, length };
  const same = answer.subarray(0, RTU_ANSWER - 2).every((byte, index) => byte === body[index]);
  if (!same)
    return { kind: 'refuse', code: 'echo', message: 'the answer does not repeat the request', retryable: false };
  return { kind: 'take', value: {}, length };
}

/** Goes on like the request where an answer would have its CRC. */
function echoes(received: Uint8Array, body: Uint8Array): boolean {
  const long = body.length > RTU_ANSWER - 2 && received.length > RTU_ANSWER - 2;
  return long && received.subarray(0, body.length).every((byte, index) => byte === body[index]);
}

/** Undefined when all of the echo is there: the answer is behind it. */
function echoLength(received: Uint8Array, body: Uint8Array): number | undefined {
  return received.length < body.length + 2 ? body.length + 2 : undefined;
}
