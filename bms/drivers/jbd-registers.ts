import { bytesToHex } from '#bridge';
import { decoded, refused } from './decoded.ts';
import type { Decoded, Fields } from './driver.ts';
import { bitNames, bitNumbers, type FieldTable, fieldTable, type NumberField, readRun, readText } from './fields.ts';
import type { JbdRequest } from './jbd-frame.ts';

/** What the registers of a classic JBD board hold. Payloads only: framing is `jbd-frame.ts`. */

export const BASIC = 0x03;
export const CELLS = 0x04;
export const MODEL = 0x05;
export const TRIP_COUNTERS = 0xaa;
export const PARAMETER_BLOCK = 0xfa;

/** Names of the protection bits of 0x03, bit 0 first. Trips, not warnings: the board has opened a switch. */
const PROTECTIONS = [
  'cell_overvoltage',
  'cell_undervoltage',
  'pack_overvoltage',
  'pack_undervoltage',
  'charge_overtemperature',
  'charge_undertemperature',
  'discharge_overtemperature',
  'discharge_undertemperature',
  'charge_overcurrent',
  'discharge_overcurrent',
  'short_circuit',
  'frontend_ic_error',
  'mosfet_software_lock',
  'charge_mosfet_broken',
  'discharge_mosfet_broken',
] as const;

/** Offsets of 0x03 up to the temperatures; flags, date and lists are read below. */
const basicNumbers = fieldTable([
  { key: 'voltageV', offset: 0, size: 2, scale: 0.01 },
  { key: 'currentA', offset: 2, size: 2, signed: true, scale: 0.01 },
  { key: 'remainingAh', offset: 4, size: 2, scale: 0.01 },
  { key: 'fullAh', offset: 6, size: 2, scale: 0.01 },
  { key: 'cycles', offset: 8, size: 2 },
  { key: 'protectionBits', offset: 16, size: 2 },
  { key: 'socRatio', offset: 19, size: 1, scale: 0.01 },
  { key: 'cellCount', offset: 21, size: 1 },
  { key: 'tempCount', offset: 22, size: 1 },
]);

/** Behind the temperatures on newer firmware; the nine bytes come together. */
const extensionNumbers = fieldTable([
  { key: 'humidityPct', offset: 0, size: 1 },
  { key: 'alarmBits', offset: 1, size: 2 },
  { key: 'fullChargeAh', offset: 3, size: 2, scale: 0.01 },
  { key: 'remainingAh', offset: 5, size: 2, scale: 0.01 },
  { key: 'balanceCurrentA', offset: 7, size: 2, scale: 0.001 },
]);

const KELVIN_TENTHS = -2731;

function basic(data: Uint8Array): Decoded {
  const sensors = data[22] ?? 0;
  const extensionAt = basicNumbers.length + 2 * sensors;
  if (data.length < extensionAt) return tooShort('basic information', extensionAt, data.length);
  const fields: Record<string, unknown> = basicNumbers.read(data);
  const state = data[20] ?? 0;
  fields.manufactureDate = manufactureDate(u16(data, 10));
  fields.balancingCells = bitNumbers(u16(data, 12) | (u16(data, 14) << 16));
  fields.protections = bitNames(u16(data, 16), PROTECTIONS);
  fields.softwareVersion = `${(data[18] ?? 0) >>> 4}.${(data[18] ?? 0) & 15}`;
  fields.chargeMosfet = (state & 1) !== 0;
  fields.dischargeMosfet = (state & 2) !== 0;
  if (state & 4) fields.currentLimiterOn = true;
  if (state & 8) fields.heaterOn = true;
  fields.tempsC = readRun(data, basicNumbers.length, sensors, 0.1, KELVIN_TENTHS);
  if (data.length >= extensionAt + extensionNumbers.length) {
    fields.ext = extensionNumbers.read(data.subarray(extensionAt));
  }
  if (state & 0x80) tenfold(fields);
  return decoded(fields);
}

/** Bit 7 of the state byte (vendor document V11): current and capacities come in units ten times as large. */
function tenfold(fields: Record<string, unknown>): void {
  fields.tenfoldUnits = true;
  const { ext } = fields;
  const groups = typeof ext === 'object' && ext !== null ? [fields, ext as Record<string, unknown>] : [fields];
  for (const group of groups) {
    for (const key of ['currentA', 'remainingAh', 'fullAh', 'fullChargeAh']) {
      const value = group[key];
      if (typeof value === 'number') group[key] = value * 10;
    }
  }
}

/** Bits 15-9 year since 2000, 8-5 month, 4-0 day; null when the board was never given one. */
function manufactureDate(raw: number): string | null {
  const [year, month, day] = [2000 + (raw >>> 9), (raw >>> 5) & 15, raw & 31];
  if (month < 1 || month > 12 || day < 1) return null;
  return `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}

function cells(data: Uint8Array): Decoded {
  if (data.length % 2 !== 0)
    return refused('odd_length', `cell voltages come in pairs of bytes, got ${data.length} bytes`);
  return decoded({ cellsV: readRun(data, 0, data.length / 2, 0.001) });
}

const COUNTERS = [
  'shortCircuit',
  'chargeOvercurrent',
  'dischargeOvercurrent',
  'cellOvervoltage',
  'cellUndervoltage',
  'chargeOvertemperature',
  'chargeUndertemperature',
  'dischargeOvertemperature',
  'dischargeUndertemperature',
  'packOvervoltage',
  'packUndervoltage',
  'systemRestarts',
] as const;

/** 22 bytes on old firmware, which does not count restarts; 24 on newer. */
function tripCounters(data: Uint8Array): Decoded {
  if (data.length < 22) return tooShort('trip counters', 22, data.length);
  const errorCounts: Record<string, number> = {};
  for (const [at, name] of COUNTERS.entries()) if (data.length >= at * 2 + 2) errorCounts[name] = u16(data, at * 2);
  return decoded({ errorCounts });
}

function parameterBlock(data: Uint8Array): Decoded {
  const count = data[2] ?? 0;
  if (data.length < 3 + 2 * count) return tooShort('parameter block', 3 + 2 * count, data.length);
  return decoded({ firstParam: u16(data, 0), count, values: readRun(data, 3, count, 1) });
}

const volts = (key: string, scale: number): NumberField => ({ key, offset: 0, size: 2, scale });
const celsius = (key: string): NumberField => ({ key, offset: 0, size: 2, scale: 0.1, add: KELVIN_TENTHS });
const plain = (key: string, scale = 1, signed = false): NumberField => ({ key, offset: 0, size: 2, scale, signed });

/** Configuration registers whose meaning is one number; the others are shown raw. */
const CONFIGURATION: ReadonlyMap<number, FieldTable> = new Map(
  (
    [
      [0x10, plain('designCapacityAh', 0.01)],
      [0x11, plain('cycleCapacityAh', 0.01)],
      [0x12, volts('cellFullV', 0.001)],
      [0x13, volts('cellEmptyV', 0.001)],
      [0x14, plain('selfDischargeRatioPerMonth', 0.001)],
      [0x17, plain('cycles')],
      [0x18, celsius('chargeOvertemperatureC')],
      [0x19, celsius('chargeOvertemperatureReleaseC')],
      [0x1a, celsius('chargeUndertemperatureC')],
      [0x1b, celsius('chargeUndertemperatureReleaseC')],
      [0x1c, celsius('dischargeOvertemperatureC')],
      [0x1d, celsius('dischargeOvertemperatureReleaseC')],
      [0x1e, celsius('dischargeUndertemperatureC')],
      [0x1f, celsius('dischargeUndertemperatureReleaseC')],
      [0x20, volts('packOvervoltageV', 0.01)],
      [0x21, volts('packOvervoltageReleaseV', 0.01)],
      [0x22, volts('packUndervoltageV', 0.01)],
      [0x23, volts('packUndervoltageReleaseV', 0.01)],
      [0x24, volts('cellOvervoltageV', 0.001)],
      [0x25, volts('cellOvervoltageReleaseV', 0.001)],
      [0x26, volts('cellUndervoltageV', 0.001)],
      [0x27, volts('cellUndervoltageReleaseV', 0.001)],
      [0x28, plain('chargeOvercurrentA', 0.01, true)],
      [0x29, plain('dischargeOvercurrentA', 0.01, true)],
      [0x2a, volts('balanceStartV', 0.001)],
      [0x2b, volts('balanceWindowV', 0.001)],
      [0x2c, plain('shuntMilliohm', 0.1)],
      [0x2d, plain('functionBits')],
      [0x2f, plain('cellCount')],
      [0x36, volts('hardwareCellOvervoltageV', 0.001)],
      [0x37, volts('hardwareCellUndervoltageV', 0.001)],
      [0xe0, plain('remainingAh', 0.01)],
    ] as const
  ).map(([register, field]) => [register, fieldTable([field])]),
);

const TEXTS: ReadonlyMap<number, string> = new Map([
  [0xa0, 'maker'],
  [0xa1, 'deviceName'],
  [0xa2, 'barcode'],
]);

/** Parameter n of a block stands for register 0x10 + n, as far as we use them. */
const FIRST_PARAMETER = 0x10;
/** Registers 0x18 to 0x29: at which temperatures, voltages and currents the board opens, and when it closes again. */
const LIMITS = { first: 0x18, count: 0x12 } as const;

/** What asks for a board's protection limits in one block: first parameter, and how many. */
export const LIMIT_BLOCK = [0, LIMITS.first - FIRST_PARAMETER, LIMITS.count] as const;

/** The limits by their names, out of such a block; nothing out of any other. */
export function limitFields({ firstParam, values }: Fields): Fields {
  if (firstParam !== LIMITS.first - FIRST_PARAMETER || !Array.isArray(values)) return {};
  const fields: Record<string, unknown> = {};
  for (const [at, value] of values.entries()) {
    const raw = Number(value);
    Object.assign(fields, CONFIGURATION.get(LIMITS.first + at)?.read(Uint8Array.of(raw >>> 8, raw & 0xff)));
  }
  return fields;
}

/** Decodes the data of an ok reply to a read of `register`. */
export function decodeRead(register: number, data: Uint8Array): Decoded {
  if (register === BASIC)
    return data.length < basicNumbers.length ? tooShort('basic information', 23, data.length) : basic(data);
  if (register === CELLS) return cells(data);
  if (register === MODEL) return decoded({ model: readText(data) });
  if (register === TRIP_COUNTERS) return tripCounters(data);
  if (register === PARAMETER_BLOCK) return parameterBlock(data);
  const text = TEXTS.get(register);
  if (text !== undefined) return decoded({ [text]: readText(data.subarray(1, 1 + (data[0] ?? 0))) });
  if (data.length !== 2) return decoded({ register, dataHex: bytesToHex(data) });
  return decoded({ register, value: u16(data, 0), ...CONFIGURATION.get(register)?.read(data) });
}

/** Decodes the acknowledgement of a write: what was done, taken from the request. */
export function decodeWrite(request: JbdRequest): Fields {
  const { register, data } = request;
  const value = u16(data, 0);
  switch (register) {
    case 0x00:
      return { ack: true, op: 'enter_factory' };
    case 0x01:
      return { ack: true, op: 'exit_factory', save: value === 0x2828 };
    case 0x06:
      return { ack: true, op: 'use_password', digits: Array.from(data.subarray(1)).join('') };
    case 0x0a:
      return { ack: true, op: 'control', code: value };
    case 0xe1:
      // On the wire a set bit switches off.
      return { ack: true, op: 'set_mosfets', charge: (value & 1) === 0, discharge: (value & 2) === 0 };
    default:
      if (data.length === 2) return { ack: true, op: 'write_register', register, value };
      return { ack: true, op: 'write_register', register, dataHex: bytesToHex(data) };
  }
}

function u16(data: Uint8Array, at: number): number {
  return ((data[at] ?? 0) << 8) | (data[at + 1] ?? 0);
}

function tooShort(what: string, wanted: number, got: number): Decoded {
  return refused('short_payload', `${what} needs at least ${wanted} bytes of data, the frame has ${got}`);
}
