import { type Acceptance, latin1Bytes, latin1Text, more } from '#bridge';
import { type HexFrame, parseHex } from './ve-direct-hex.ts';

/**
 * Questions of the HEX protocol and their answers, which fall in anywhere between the bytes of the text.
 *
 *     ask   :7 0010 00 3E LF            register 0x1000: battery capacity
 *     told  :7 0010 00 C800 76 LF       200 Ah
 */

const COLON = 0x3a;
const LF = 0x0a;
/** Some firmware ends a frame with this. */
const BROKEN_LF = 0xfe;
/** No answer to a read is longer: command, id, flags, 32 bytes of text, check, as hex digits. */
const LONGEST = 80;
const GET = 7;
const CHECK_TOTAL = 0x55;

/** The bytes that ask for one register. Only reads: a write wears the memory of the settings. */
export function hexGet(register: number): Uint8Array {
  const data = [register & 0xff, register >>> 8, 0];
  const check = (CHECK_TOTAL - GET - data.reduce((sum, byte) => sum + byte, 0)) & 0xff;
  const digits = [...data, check].map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join('');
  return latin1Bytes(`:${GET}${digits}\n`);
}

/** Framing of the answer about one register; text, and frames that the device sends unasked, are passed. */
export function acceptHex(register: number): (received: Uint8Array) => Acceptance<Uint8Array> {
  return (received) => {
    for (let at = received.indexOf(COLON); at >= 0; at = received.indexOf(COLON, at + 1)) {
      const verdict = answerAt(received.subarray(at, at + LONGEST), register);
      if (verdict === undefined) continue;
      return at === 0 || verdict.kind === 'refuse' ? verdict : { kind: 'skip', length: at, reason: 'text' };
    }
    return received.length === 0 ? more : { kind: 'skip', length: received.length, reason: 'text' };
  };
}

/** What begins at a colon; undefined: nothing of ours. */
function answerAt(bytes: Uint8Array, register: number): Acceptance<Uint8Array> | undefined {
  const end = bytes.findIndex((byte) => byte === LF || byte === BROKEN_LF);
  if (end < 0) return bytes.length < LONGEST ? more : undefined;
  const frame = parseHex(latin1Text(bytes.subarray(1, end)));
  return typeof frame === 'string' ? undefined : answer(frame, register, bytes.subarray(0, end + 1));
}

function answer({ command, data }: HexFrame, register: number, value: Uint8Array): Acceptance<Uint8Array> | undefined {
  if (command === 3) return refuse('unknown_command', 'the device does not know this command');
  if (command === 4) return refuse('framing', 'the device could not read our frame');
  const id = (data[0] ?? 0) | ((data[1] ?? 0) << 8);
  if (command !== GET || data.length < 3 || id !== register) return undefined;
  return { kind: 'take', value, length: value.length };
}

function refuse(code: string, message: string): Acceptance<Uint8Array> {
  return { kind: 'refuse', code, message, retryable: false };
}
