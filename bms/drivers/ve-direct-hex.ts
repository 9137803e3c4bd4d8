import { bytesToHex, hexToBytes } from '#bridge';
import { decoded, refused } from './decoded.ts';
import type { Decoded } from './driver.ts';
import { bitNames, readText, scaler } from './fields.ts';
import { productClass } from './ve-direct-products.ts';

/**
 * Answers of the HEX protocol: `:` command digit, data bytes as two hex digits each, check byte, LF. Command, data and check
 * add up to 0x55 modulo 256; numbers are little-endian. Only reading: a write wears the settings memory.
 */

const CHECK_TOTAL = 0x55;

/** A frame whose check is right: command nibble and data without the check byte. */
export interface HexFrame {
  readonly command: number;
  readonly data: Uint8Array;
}

/** Takes the text between colon and line end apart. */
export function parseHex(text: string): HexFrame | 'truncated' | 'checksum' | 'header' {
  if (!/^[0-9A-Fa-f]+$/.test(text)) return text === '' ? 'truncated' : 'header';
  // One digit of command, then pairs.
  if (text.length % 2 === 0 || text.length < 3) return 'truncated';
  const command = Number.parseInt(text.charAt(0), 16);
  const bytes = hexToBytes(text.slice(1));
  const total = bytes.reduce((sum, byte) => sum + byte, command) & 0xff;
  const data = bytes.subarray(0, bytes.length - 1);
  if (total === CHECK_TOTAL) return { command, data };
  return bytes.length < shortest(command, bytes) ? 'truncated' : 'checksum';
}

type NumberType = 'u8' | 'u16' | 's16' | 'u32' | 's32';
interface Register {
  readonly key: string;
  /** `text`: zero-ended, up to 32 bytes. */
  readonly type: NumberType | 'text';
  readonly scale: number;
  /** Added after scaling. */
  readonly offset?: number;
  /** Raw number that means "not there". */
  readonly na?: number;
}

const REGISTERS: ReadonlyMap<number, Register> = new Map<number, Register>([
  [0x010a, { key: 'serial', type: 'text', scale: 1 }],
  [0x010b, { key: 'model', type: 'text', scale: 1 }],
  [0x0100, { key: 'productIdRaw', type: 'u32', scale: 1 }],
  [0x034e, { key: 'relayState', type: 'u8', scale: 1 }],
  [0x0382, { key: 'midVoltageV', type: 'u16', scale: 0.01 }],
  [0x0383, { key: 'midDeviationRatio', type: 's16', scale: 0.001 }],
  // The largest number: for ever.
  [0x0ffe, { key: 'timeToGoS', type: 'u16', scale: 60, na: 0xffff }],
  [0x0fff, { key: 'socRatio', type: 'u16', scale: 0.0001 }],
  [0x1000, { key: 'capacityAh', type: 'u16', scale: 1 }],
  [0x1001, { key: 'chargedVoltageV', type: 'u16', scale: 0.1 }],
  [0x1002, { key: 'tailCurrentRatio', type: 'u16', scale: 0.001 }],
  [0x1003, { key: 'chargedDetectionS', type: 'u16', scale: 60 }],
  [0x1004, { key: 'chargeEfficiencyRatio', type: 'u16', scale: 0.01 }],
  [0x1005, { key: 'peukertExponent', type: 'u16', scale: 0.01 }],
  [0xed7d, { key: 'auxVoltageV', type: 's16', scale: 0.01 }],
  [0xed8c, { key: 'currentA', type: 's32', scale: 0.001 }],
  [0xed8d, { key: 'voltageV', type: 's16', scale: 0.01 }],
  [0xed8e, { key: 'powerW', type: 's16', scale: 1 }],
  [0xed8f, { key: 'currentA', type: 's16', scale: 0.1 }],
  // Of solar chargers, from Victron's "BlueSolar HEX protocol"; no answer of a device is public.
  [0xedbb, { key: 'pvVoltageV', type: 'u16', scale: 0.01, na: 0xffff }],
  [0xedbc, { key: 'pvPowerW', type: 'u32', scale: 0.01, na: 0xffff_ffff }],
  [0xedd5, { key: 'chargerVoltageV', type: 'u16', scale: 0.01, na: 0xffff }],
  [0xedd7, { key: 'chargerCurrentA', type: 'u16', scale: 0.1, na: 0xffff }],
  [0xeddb, { key: 'chargerTempC', type: 's16', scale: 0.01, na: 0x7fff }],
  [0xedec, { key: 'tempC', type: 'u16', scale: 0.01, offset: -273.15, na: 0xffff }],
  [0xeeb6, { key: 'synchronised', type: 'u8', scale: 1 }],
  [0xeefa, { key: 'shuntVoltageV', type: 'u16', scale: 0.001 }],
  [0xeefb, { key: 'shuntCurrentA', type: 'u16', scale: 1 }],
  [0xeeff, { key: 'consumedAh', type: 's32', scale: 0.1 }],
]);

const WIDTH: Readonly<Record<Register['type'], number>> = { text: 0, u8: 1, u16: 2, s16: 2, u32: 4, s32: 4 };

const FLAGS = ['unknown_id', 'not_supported', 'parameter_error'] as const;
const FIRMWARE_KINDS = ['boot_loader', 'application', 'tester', 'release_candidate'] as const;

/** Bytes (check included) below which an answer cannot be whole. */
function shortest(command: number, bytes: Uint8Array): number {
  if (command === 1 || command === 4 || command === 5) return 3;
  if (command !== 7 && command !== 8 && command !== 10) return 1;
  const header = 4;
  if (bytes.length < header) return header;
  const register = REGISTERS.get(u16(bytes, 0));
  return register === undefined || bytes[2] !== 0 ? header : header + WIDTH[register.type];
}

/** Decodes one answer. `request` tells a product id from a firmware version: both are answered with command 1. */
export function decodeHex(frame: HexFrame, request: HexFrame | undefined): Decoded {
  const { command, data } = frame;
  if (command === 3) return refused('unknown_command', 'the device does not know this command', { response: 3 });
  if (command === 7 || command === 8 || command === 10) return registerAnswer(command, data);
  if (data.length < 2) return refused('truncated', `the answer ${command} has ${data.length} of 2 bytes`);
  const value = u16(data, 0);
  if (command === 4) return decoded({ response: command, framingError: value === 0xaaaa, value });
  if (command === 5) return decoded({ response: command, ...firmware(value) });
  if (command !== 1) return decoded({ response: command, payloadHex: bytesToHex(data) });
  const isProduct = request === undefined ? productClass(value) !== 'unknown' : request.command === 4;
  return decoded(isProduct ? { response: command, productId: value } : { response: command, ...firmware(value) });
}

/** Low 12 bits are the version as BCD, the top two its kind. */
function firmware(value: number): { firmware: string; firmwareKind: string } {
  const digits = (value & 0xfff).toString(16).padStart(3, '0');
  return {
    firmware: `${digits.slice(0, 1)}.${digits.slice(1)}`,
    firmwareKind: FIRMWARE_KINDS[value >>> 14] ?? 'unknown',
  };
}

function registerAnswer(response: number, data: Uint8Array): Decoded {
  if (data.length < 3) return refused('truncated', `a register answer has at least 3 bytes, this one ${data.length}`);
  const id = u16(data, 0);
  const flags = data[2] ?? 0;
  const payload = data.subarray(3);
  const head = { response, register: id, flags, ...(flags === 0 ? {} : { flagNames: bitNames(flags, FLAGS) }) };
  const register = REGISTERS.get(id);
  if (register === undefined) return decoded({ ...head, payloadHex: bytesToHex(payload) });
  if (payload.length < WIDTH[register.type]) {
    if (flags !== 0) return decoded(head);
    return refused('truncated', `register 0x${id.toString(16)} is ${register.type}, ${payload.length} bytes came`);
  }
  if (register.type === 'text') {
    const text = readText(payload);
    return decoded(flags === 0 && text !== '' ? { ...head, [register.key]: text } : head);
  }
  const value = read(payload, register.type);
  // With any flag set the number is not the value of the register (after a refused write: the nearest allowed one).
  if (flags !== 0) return decoded({ ...head, value });
  const scaled = scaler(register.scale)(value) + (register.offset ?? 0);
  return decoded({ ...head, value, [register.key]: value === register.na ? null : Math.round(scaled * 1e6) / 1e6 });
}

function read(payload: Uint8Array, type: NumberType): number {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  switch (type) {
    case 'u8':
      return view.getUint8(0);
    case 'u16':
      return view.getUint16(0, true);
    case 's16':
      return view.getInt16(0, true);
    case 'u32':
      return view.getUint32(0, true);
    case 's32':
      return view.getInt32(0, true);
  }
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}
