import { type BoardFace, sumOf } from './face.ts';

/**
 * Frames that Pylontech, Seplos and Pace share: hexadecimal text between `~` and CR.
 *
 *     ~ version address class command length info… checksum CR     (command is the return code in answers)
 */
export interface AsciiDialect {
  readonly baud: number;
  /** `20` or `25`. */
  readonly version: string;
  readonly address: number;
  /** The bytes of the answer to a command; a number is a return code. */
  answer(command: number, info: readonly number[]): readonly number[] | number;
}

const CLASS = '46';
const NO_SUCH_COMMAND = 0x04;
const LONGEST = 256;

export const asciiFace = (dialect: AsciiDialect): BoardFace => ({
  baud: dialect.baud,
  take(pending) {
    const start = pending.lastIndexOf(0x7e, Math.max(0, firstCr(pending)));
    if (start < 0) return { rest: new Uint8Array() };
    const end = pending.indexOf(0x0d, start);
    if (end < 0) return { rest: pending.length - start > LONGEST ? new Uint8Array() : pending.subarray(start) };
    const rest = pending.subarray(end + 1);
    const reply = answered(Buffer.from(pending.subarray(start + 1, end)).toString('latin1'), dialect);
    return reply === undefined ? { rest } : { rest, reply };
  },
});

function firstCr(bytes: Uint8Array): number {
  const at = bytes.indexOf(0x0d);
  return at < 0 ? bytes.length - 1 : at;
}

function answered(text: string, { version, address, answer }: AsciiDialect): Uint8Array | undefined {
  const [body, sum] = [text.slice(0, -4), text.slice(-4)];
  if (!/^[0-9A-F]{16,}$/.test(text) || checksum(body) !== sum) return undefined;
  if (body.slice(0, 2) !== version || body.slice(2, 4) !== hex(address) || body.slice(4, 6) !== CLASS) return undefined;
  const info = body.slice(12);
  if (body.slice(8, 12) !== length(info.length)) return undefined;
  const said = answer(Number.parseInt(body.slice(6, 8), 16), [...Buffer.from(info, 'hex')]);
  const [code, bytes] = typeof said === 'number' ? [said, []] : [0, said];
  const text2 = bytes.map(hex).join('');
  const whole = `${version}${hex(address)}${CLASS}${hex(code)}${length(text2.length)}${text2}`;
  return Uint8Array.from(Buffer.from(`~${whole}${checksum(whole)}\r`, 'latin1'));
}

/** The answer to a command that this board does not know. */
export const unknownCommand = NO_SUCH_COMMAND;

const hex = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, '0');

/** Characters of the info in three digits, behind the two's complement of their sum. */
function length(characters: number): string {
  const digits = characters.toString(16).toUpperCase().padStart(3, '0');
  const sum = sumOf([...digits].map((digit) => Number.parseInt(digit, 16)));
  return ((16 - (sum % 16)) % 16).toString(16).toUpperCase() + digits;
}

const checksum = (body: string): string =>
  ((0x1_0000 - (sumOf(Buffer.from(body, 'latin1')) & 0xffff)) & 0xffff).toString(16).toUpperCase().padStart(4, '0');
