import { type Acceptance, acceptLengthPrefixed, byteSum, crc16Modbus, withCrc16Modbus } from '#bridge';

/**
 * Requests and answers of JK's PB series.
 *
 *     ask   01 10 16 20 00 01 02 00 00 crc                        a Modbus write that triggers an answer
 *     told  55 AA EB 90 02 … sum  00  01 10 16 20 00 01 crc       300 bytes, a filler, the acknowledgement
 *
 * The frame carries no address: only the acknowledgement says which board spoke.
 */

/**
 * All that is ever sent. One bit beside 161E and 161C lie 160E and 160C, which overwrite every protection threshold of the
 * board with a preset: no register but these three becomes a request.
 */
const TRIGGERS = [
  { register: 0x1620, frameType: 2 },
  { register: 0x161e, frameType: 1 },
  { register: 0x161c, frameType: 3 },
] as const;

export const STATUS = 0x1620;
export const SETTINGS = 0x161e;
export const ABOUT = 0x161c;

export const FRAME_LENGTH = 300;
/** Where the block begins in the frame. */
export const BLOCK_AT = 6;
const ACK_LENGTH = 8;
const MAGIC = [0x55, 0xaa, 0xeb, 0x90] as const;
const TRIGGER = 0x10;

/**
 * The bytes that ask a board for one of the three frames.
 * @param address 1 to 15, the DIP switches of the board
 * @throws RangeError for any other register or address: they would write to the board
 */
export function triggerRequest(address: number, register: number): Uint8Array {
  const trigger = TRIGGERS.find((known) => known.register === register);
  if (trigger === undefined) {
    throw new RangeError(`0x${register.toString(16)} is none of the three registers that only ask a JK PB board`);
  }
  if (!Number.isInteger(address) || address < 1 || address > 15) {
    throw new RangeError(`a JK PB board has an address from 1 to 15, not ${address}`);
  }
  const body = Uint8Array.of(address, TRIGGER, register >>> 8, register & 0xff, 0, 1, 2, 0, 0);
  return withCrc16Modbus(body);
}

/** The frame type a trigger is answered with; `undefined` when it is none. */
export function frameTypeOf(register: number): number | undefined {
  return TRIGGERS.find((known) => known.register === register)?.frameType;
}

/** The trigger in recorded bytes; `undefined` when they are none. */
export function parseTrigger(request: Uint8Array): Acknowledgement | undefined {
  if (request.length < 11 || request[1] !== TRIGGER || crc16Modbus(request, 0, 11) !== 0) return undefined;
  return { address: request[0] ?? 0, register: u16(request, 2) };
}

/** Which board was asked for what. */
export interface Acknowledgement {
  readonly address: number;
  readonly register: number;
}

/** What recorded bytes hold: the first good frame and what came behind it, or the first fault. */
export type PbScan =
  | { readonly frame: Uint8Array; readonly behind: Uint8Array }
  | { readonly fault: 'header' | 'truncated' | 'checksum' };

/** Finds the first good frame behind echo and noise. */
export function scanFrames(bytes: Uint8Array): PbScan {
  let fault: 'truncated' | 'checksum' | undefined;
  for (let at = 0; at + MAGIC.length <= bytes.length; at += 1) {
    const rest = bytes.subarray(at);
    if (!hasMagic(rest)) continue;
    if (rest.length < FRAME_LENGTH) fault ??= 'truncated';
    else if (sumFits(rest)) return { frame: rest.subarray(0, FRAME_LENGTH), behind: rest.subarray(FRAME_LENGTH) };
    else fault ??= 'checksum';
  }
  return { fault: fault ?? (beginsMagic(bytes) ? 'truncated' : 'header') };
}

/** The acknowledgement behind a frame, with or without its filler; a word when it is damaged, `undefined` when there is none. */
export function acknowledgement(behind: Uint8Array): Acknowledgement | 'truncated' | 'checksum' | undefined {
  for (const at of [0, 1]) {
    const ack = behind.subarray(at, at + ACK_LENGTH);
    if (at === 1 && behind[0] !== 0) break;
    if (ack.length === ACK_LENGTH && ack[1] === TRIGGER && crc16Modbus(ack) === 0) {
      return { address: ack[0] ?? 0, register: u16(ack, 2) };
    }
  }
  if (behind.every((byte) => byte === 0)) return undefined;
  return behind.length < ACK_LENGTH + (behind[0] === 0 ? 1 : 0) ? 'truncated' : 'checksum';
}

/**
 * Framing of an answer with its acknowledgement: the next board is asked only after all of it, or its tail would be taken for
 * a part of the next answer.
 */
export function acceptAnswer(asked: Acknowledgement): (received: Uint8Array) => Acceptance<Uint8Array> {
  const type = frameTypeOf(asked.register);
  const shape = {
    headerLength: MAGIC.length + 1,
    startsWith: (first: number) => first === MAGIC[0],
    measure: (header: Uint8Array) => {
      if (!hasMagic(header) || header[4] !== type) return undefined;
      // No board that is asked has the address 0, so a 0 here is the filler.
      return FRAME_LENGTH + (header[FRAME_LENGTH] === 0 ? 1 : 0) + ACK_LENGTH;
    },
    check: (answer: Uint8Array) => {
      if (!sumFits(answer)) return 'checksum';
      const ack = acknowledgement(answer.subarray(FRAME_LENGTH));
      if (ack === undefined || typeof ack === 'string') return ack ?? 'checksum';
      if (ack.address !== asked.address) return 'wrong_address';
      return ack.register === asked.register ? undefined : 'wrong_frame_type';
    },
  };
  return (received) => acceptLengthPrefixed(received, shape);
}

function hasMagic(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, at) => bytes[at] === byte);
}

/** The bytes end inside the four that begin a frame. */
function beginsMagic(bytes: Uint8Array): boolean {
  return [3, 2, 1].some((length) => {
    const tail = bytes.subarray(-length);
    return bytes.length >= length && tail.every((byte, at) => byte === MAGIC[at]);
  });
}

function sumFits(frame: Uint8Array): boolean {
  return (byteSum(frame, 0, FRAME_LENGTH - 1) & 0xff) === frame[FRAME_LENGTH - 1];
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
