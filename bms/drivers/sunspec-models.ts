import type { Fields } from './driver.ts';
import { bitNames, readText } from './fields.ts';
import { bytesOf } from './words.ts';

/** The SunSpec models that are read. Words begin with the model's number; scale factors are registers of the same model. */

export const MARKER = [0x5375, 0x6e53] as const;
export const COMMON = 1;
export const BATTERY = 802;
export const STORAGE = 713;

export const endOfModels: Fields = { end: true };

/** A register that is not there: u16 FFFF, s16 and scale factors 8000. */
const NO_U16 = 0xffff;
const NO_S16 = 0x8000;

/** Model 1: who made it. */
export function commonModel(words: Uint16Array): Fields {
  return {
    model: words[0],
    length: words[1],
    manufacturer: text(words, 2, 16),
    modelName: text(words, 18, 16),
    version: text(words, 42, 8),
    serial: text(words, 50, 16),
    deviceAddress: unsigned(words, 66),
  };
}

/** Model 802, the base of every battery. */
export function baseBattery(words: Uint16Array): Fields {
  const scaled = (at: number, factor: number, signed = false): number | null => scaledWord(words, at, factor, signed);
  const currentRawA = scaled(44, 61, true);
  return {
    model: words[0],
    ratedAh: scaled(2, 52),
    ratedWh: scaled(3, 53),
    maxChargeW: scaled(4, 54),
    maxDischargeW: scaled(5, 54),
    socRatio: share(scaled(11, 56)),
    depthOfDischarge: share(scaled(12, 57)),
    soh: share(scaled(13, 58)),
    sohRatio: share(scaled(13, 58)),
    cycles: long(words, 14),
    chargeStatus: named(words[16], CHARGE_STATUS),
    chemistry: named(words[21], CHEMISTRY),
    state: named(words[22], STATE),
    events: events(words),
    voltageV: scaled(34, 59),
    maxVoltageV: scaled(35, 59),
    minVoltageV: scaled(36, 59),
    cellMaxV: scaled(37, 60),
    cellMinV: scaled(40, 60),
    cellAvgV: scaled(43, 60),
    currentRawA,
    currentA: currentRawA,
    chargeCurrentLimitA: scaled(45, 62),
    dischargeCurrentLimitA: scaled(46, 62),
    powerW: scaled(47, 63, true),
  };
}

/** Model 713, storage of any kind. */
export function storage(words: Uint16Array): Fields {
  return {
    model: words[0],
    ratedWh: scaledWord(words, 2, 7, false),
    availableWh: scaledWord(words, 3, 7, false),
    socRatio: share(scaledWord(words, 4, 8, false)),
    sohRatio: share(scaledWord(words, 5, 8, false)),
    storageStatus: named(words[6], { 0: 'ok', 1: 'warning', 2: 'error' }),
  };
}

const CHARGE_STATUS = {
  1: 'off',
  2: 'empty',
  3: 'discharging',
  4: 'charging',
  5: 'full',
  6: 'holding',
  7: 'testing',
};
const CHEMISTRY = { 1: 'lead_acid', 4: 'lithium_ion', 10: 'flow', 99: 'other' };
const STATE = {
  1: 'disconnected',
  2: 'initialising',
  3: 'connected',
  4: 'standby',
  5: 'soc_protection',
  6: 'suspending',
  99: 'fault',
};

/** Event bits, bit 0 first. */
const EVENTS: readonly string[] = [
  'communication_error',
  'over_temp_alarm',
  'over_temp_warning',
  'under_temp_alarm',
  'under_temp_warning',
  'over_charge_current_alarm',
  'over_charge_current_warning',
  'over_discharge_current_alarm',
  'over_discharge_current_warning',
  'over_volt_alarm',
  'over_volt_warning',
  'under_volt_alarm',
  'under_volt_warning',
  'under_soc_min_alarm',
  'under_soc_min_warning',
  'over_soc_max_alarm',
  'over_soc_max_warning',
  'voltage_imbalance_warning',
  'temperature_imbalance_alarm',
  'temperature_imbalance_warning',
  'contactor_error',
  'fan_error',
  'ground_fault',
  'open_door_error',
  'current_imbalance_warning',
  'other_alarm',
  'other_warning',
  'bit_27',
  'configuration_alarm',
  'configuration_warning',
];

function events(words: Uint16Array): readonly string[] | null {
  const bits = ((words[26] ?? NO_U16) * 0x10000 + (words[27] ?? NO_U16)) >>> 0;
  if (bits === 0xffff_ffff) return null;
  return bitNames(bits, EVENTS);
}

function unsigned(words: Uint16Array, at: number): number | null {
  const word = words[at] ?? NO_U16;
  return word === NO_U16 ? null : word;
}

function long(words: Uint16Array, at: number): number | null {
  const value = (words[at] ?? NO_U16) * 0x10000 + (words[at + 1] ?? NO_U16);
  return value === 0xffff_ffff ? null : value;
}

/** raw x 10^factor; null while one of the two is not there. */
function scaledWord(words: Uint16Array, at: number, factorAt: number, signed: boolean): number | null {
  const raw = words[at] ?? NO_U16;
  const factor = words[factorAt] ?? NO_S16;
  if (raw === (signed ? NO_S16 : NO_U16) || factor === NO_S16) return null;
  const exponent = toSigned(factor);
  if (Math.abs(exponent) > 10) return null;
  const value = signed ? toSigned(raw) : raw;
  return exponent < 0 ? value / 10 ** -exponent : value * 10 ** exponent;
}

function toSigned(word: number): number {
  return word >= 0x8000 ? word - 0x10000 : word;
}

/** Percent to a share. */
function share(percent: number | null): number | null {
  return percent === null ? null : Math.round(percent * 1e6) / 1e8;
}

function named(word: number | undefined, names: Readonly<Record<number, string>>): string | null {
  if (word === undefined || word === NO_U16) return null;
  return names[word] ?? `unknown_${word}`;
}

function text(words: Uint16Array, at: number, count: number): string | null {
  return readText(bytesOf(words.subarray(at, at + count))) || null;
}
