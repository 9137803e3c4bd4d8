import type { Acceptance } from './acceptance.ts';
import { crc16Modbus } from './framing/crc.ts';
import { acceptLengthPrefixed } from './framing/length-prefixed.ts';

/**
 * What must be in an answer to be ours. An RTU answer does not say which address it was read from, so these three are all
 * there is to tell answers apart; see modbus-order.ts for what follows from that.
 */
export interface AnswerShape {
  readonly unit: number;
  /** 1 coils, 2 discrete inputs, 3 holding registers, 4 input registers. */
  readonly functionCode: number;
  readonly byteCount: number;
}

const exceptionFlag = 0x80;

/** `unit function byteCount data… crcLow crcHigh`, or `unit function|0x80 exception crcLow crcHigh`. Takes the whole frame. */
export function acceptRtu(received: Uint8Array, shape: AnswerShape): Acceptance<Uint8Array> {
  return acceptLengthPrefixed(received, {
    headerLength: 3,
    startsWith: (byte) => byte === shape.unit,
    measure: ([, functionCode, byteCount]) => {
      if (functionCode === (shape.functionCode | exceptionFlag)) return 5;
      return functionCode === shape.functionCode && byteCount === shape.byteCount ? shape.byteCount + 5 : undefined;
    },
    check: (frame) => (crc16Modbus(frame) === 0 ? undefined : 'crc'),
  });
}

/**
 * The answer of a Modbus TCP device: transaction (2), protocol 0 (2), length (2), unit, then as in RTU without the CRC.
 * Takes the bytes from `unit` on. The transaction number makes every late answer recognisable.
 */
export function acceptTcp(received: Uint8Array, shape: AnswerShape, transaction: number): Acceptance<Uint8Array> {
  const verdict = acceptLengthPrefixed(received, {
    headerLength: 9,
    startsWith: (byte) => byte === transaction >>> 8,
    measure: (header) => {
      const word = (at: number) => ((header[at] ?? 0) << 8) | (header[at + 1] ?? 0);
      if (word(0) !== transaction || word(2) !== 0 || header[6] !== shape.unit) return undefined;
      if (header[7] === (shape.functionCode | exceptionFlag) && word(4) === 3) return 9;
      const matches = header[7] === shape.functionCode && header[8] === shape.byteCount;
      return matches && word(4) === shape.byteCount + 3 ? shape.byteCount + 9 : undefined;
    },
    check: () => undefined,
  });
  return verdict.kind === 'take' ? { ...verdict, value: verdict.value.subarray(6) } : verdict;
}

/** Puts the seven-byte header in front of a request from `unit` on. */
export function tcpFrame(body: Uint8Array, transaction: number): Uint8Array {
  return Uint8Array.from([transaction >>> 8, transaction & 0xff, 0, 0, body.length >>> 8, body.length & 0xff, ...body]);
}

/** The exception code of an answer, `undefined` when it holds data. */
export function exceptionOf(answer: Uint8Array): number | undefined {
  return (answer[1] ?? 0) & exceptionFlag ? answer[2] : undefined;
}
