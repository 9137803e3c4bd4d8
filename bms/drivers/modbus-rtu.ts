import { crc16Modbus } from '#bridge';
import { refused } from './decoded.ts';
import type { Decoded } from './driver.ts';
import { wordsOf } from './words.ts';

/**
 * A recorded Modbus RTU exchange taken apart.
 *
 *     request   unit fc address count crc          reply  unit fc bytes data… crc
 *                                              exception  unit fc+80 code crc       (CRC low byte first)
 */
export type RtuExchange =
  | {
      readonly kind: 'read';
      readonly unit: number;
      readonly fc: number;
      /** 0-based; undefined when the request was not recorded. */
      readonly address: number | undefined;
      /** Registers; of functions 1 and 2 bits, as 0 or 1. */
      readonly words: Uint16Array;
      /** Bytes behind the reply: noise, or another reply, which is never part of this one. */
      readonly strayBytes: number;
    }
  | {
      readonly kind: 'write';
      readonly unit: number;
      readonly fc: number;
      readonly address: number;
      readonly count: number;
      /** What the request wanted to write, empty when it was not recorded. */
      readonly requested: Uint16Array;
    };

const EXCEPTIONS: Readonly<Record<number, string>> = {
  1: 'it does not know this function',
  2: 'it has no such register',
  3: 'it does not accept this count or value',
  4: 'the device failed',
  5: 'acknowledged, still working',
  6: 'the device is busy',
  8: 'memory parity error',
  10: 'the gateway has no path to it',
  11: 'the device behind the gateway does not answer',
};

/** Words for an exception code. */
function exceptionText(code: number): string {
  return `the device answers exception ${code}: ${EXCEPTIONS[code] ?? 'unknown exception'}`;
}

/** Takes request and reply apart; an echo of the request before the reply is passed over. Never throws. */
export function parseRtu(
  request: Uint8Array | undefined,
  response: Uint8Array | undefined,
): RtuExchange | (Decoded & { readonly ok: false }) {
  const frame = withoutEcho(request, response ?? new Uint8Array());
  if (frame.length === 0) return refused('timeout', 'the device did not answer');
  const length = replyLength(frame);
  if (length === undefined || frame.length < length) return refused('truncated', 'the reply ends before its length');
  const reply = frame.subarray(0, length);
  if (crc16Modbus(reply) !== 0) return refused('crc', 'the CRC of the reply does not match');
  const asked = request !== undefined && request.length >= 8 && crc16Modbus(request) === 0 ? request : undefined;
  return refuseStranger(asked, reply) ?? takeApart(asked, reply, frame.length - length);
}

/** A write of one register is answered with the request itself, so only the echo of a read is one when alone. */
function withoutEcho(request: Uint8Array | undefined, response: Uint8Array): Uint8Array {
  if (request === undefined || request.length === 0 || response.length < request.length) return response;
  const alone = response.length === request.length;
  if (alone && (request[1] ?? 0) > 4) return response;
  return request.every((byte, at) => response[at] === byte) ? response.subarray(request.length) : response;
}

/** Length the function code and byte count announce; undefined while they are not there. */
function replyLength(frame: Uint8Array): number | undefined {
  const [, fc, bytes] = frame;
  if (fc === undefined) return undefined;
  if (fc & 0x80) return 5;
  if (fc >= 1 && fc <= 4) return bytes === undefined ? undefined : bytes + 5;
  return 8;
}

function refuseStranger(
  asked: Uint8Array | undefined,
  reply: Uint8Array,
): (Decoded & { readonly ok: false }) | undefined {
  const unit = reply[0] ?? 0;
  const fc = (reply[1] ?? 0) & 0x7f;
  if (asked !== undefined && asked[0] !== unit) {
    return refused('wrong_unit', `asked unit ${asked[0]}, unit ${unit} answered`, { unit, requestedUnit: asked[0] });
  }
  if (asked !== undefined && asked[1] !== fc) {
    return refused('wrong_function', `asked function ${asked[1]}, the reply is of ${fc}`, { function: fc });
  }
  if (((reply[1] ?? 0) & 0x80) === 0) return undefined;
  const code = reply[2] ?? 0;
  return refused('exception', exceptionText(code), { exceptionCode: code, unit, function: fc });
}

function takeApart(
  asked: Uint8Array | undefined,
  reply: Uint8Array,
  strayBytes: number,
): RtuExchange | (Decoded & { readonly ok: false }) {
  const [unit = 0, fc = 0, bytes = 0] = reply;
  if (fc === 3 || fc === 4) {
    const count = asked === undefined ? bytes / 2 : u16(asked, 4);
    if (bytes !== count * 2) {
      return refused('wrong_length', `${count} registers were asked for, the reply has ${bytes} bytes`);
    }
    const address = asked === undefined ? undefined : u16(asked, 2);
    return { kind: 'read', unit, fc, address, words: wordsOf(reply.subarray(3, 3 + bytes)), strayBytes };
  }
  if ((fc === 1 || fc === 2) && asked !== undefined) return takeBits(asked, reply, strayBytes);
  if (fc === 6 || fc === 16) {
    const requested =
      asked === undefined ? new Uint16Array() : wordsOf(fc === 6 ? asked.subarray(4, 6) : asked.subarray(7, -2));
    return { kind: 'write', unit, fc, address: u16(reply, 2), count: fc === 6 ? 1 : u16(reply, 4), requested };
  }
  return refused('wrong_function', `function ${fc} is neither a register read nor a register write`, { function: fc });
}

function takeBits(
  asked: Uint8Array,
  reply: Uint8Array,
  strayBytes: number,
): RtuExchange | (Decoded & { readonly ok: false }) {
  const [unit = 0, fc = 0, bytes = 0] = reply;
  const count = u16(asked, 4);
  if (bytes !== Math.ceil(count / 8)) {
    return refused('wrong_length', `${count} bits were asked for, the reply has ${bytes} bytes`);
  }
  const bits = new Uint16Array(count);
  for (let at = 0; at < count; at += 1) bits[at] = ((reply[3 + (at >> 3)] ?? 0) >>> (at & 7)) & 1;
  return { kind: 'read', unit, fc, address: u16(asked, 2), words: bits, strayBytes };
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
