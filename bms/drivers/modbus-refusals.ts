import { refused } from './decoded.ts';
import type { Decoded } from './driver.ts';
import { parseRtu, type RtuExchange } from './modbus-rtu.ts';

/** `parseRtu` with the words that the notes of the Modbus boards have for a refusal. */
export function parseRegisters(
  request: Uint8Array | undefined,
  response: Uint8Array | undefined,
): RtuExchange | (Decoded & { readonly ok: false }) {
  const parsed = parseRtu(request, response);
  if (!('ok' in parsed)) return parsed;
  const { code, message, detail } = parsed.error;
  return refused(WORDS[code] ?? code, message, detail);
}

const WORDS: Readonly<Record<string, string>> = {
  crc: 'checksum',
  exception: 'modbus_exception',
  wrong_unit: 'wrong_address',
  wrong_function: 'wrong_command',
  wrong_length: 'length_mismatch',
};
