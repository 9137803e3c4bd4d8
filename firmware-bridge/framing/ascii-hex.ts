import { Malformed } from './malformed.ts';

/**
 * Bytes of a hex text in either case; blanks between bytes are allowed.
 * @throws Malformed on anything else, and on half a byte
 */
export function hexToBytes(text: string): Uint8Array {
  const digits = text.replace(/\s+/g, '');
  if (digits.length % 2 !== 0) throw new Malformed(`hex text has ${digits.length} digits, half a byte too many`);
  if (!/^[0-9a-fA-F]*$/.test(digits)) throw new Malformed('hex text holds something that is not a hex digit');
  const bytes = new Uint8Array(digits.length / 2);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = Number.parseInt(digits.slice(at * 2, at * 2 + 2), 16);
  return bytes;
}

/** Lower-case hex without blanks. */
export function bytesToHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
