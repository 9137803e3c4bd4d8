import { type RegisterWindow, registerWindow } from './daly-registers.ts';
import { offsetCurrent, stateName } from './daly-values.ts';
import type { Fields } from './driver.ts';
import { bitNumbers, readText } from './fields.ts';

/** Registers of the H, K, M and S series. */

export const FIRST = 0x00;
export const FIRST_COUNT = 0x40;
export const SECOND = 0x41;
export const SECOND_COUNT = 0x3e;
export const VERSION = 0x178;
export const VERSION_COUNT = 0x4a;

const MOST_CELLS = 48;
const MOST_SENSORS = 8;
const FAULT_WORDS = 0x6d;
const FAULT_WORD_COUNT = 7;

const volts = (raw: number): number => raw / 1000;
const plain = (raw: number): number => raw;
const isOn = (raw: number): boolean => raw === 1;

const FIELDS: readonly (readonly [number, string, (raw: number) => unknown])[] = [
  [0x38, 'voltageV', (raw) => raw / 10],
  [0x39, 'currentA', (raw) => offsetCurrent(raw)],
  [0x3a, 'socRatio', (raw) => raw / 1000],
  [0x3b, 'lifeCounter', plain],
  [0x3c, 'cellCount', plain],
  [0x3d, 'tempCount', plain],
  [0x3e, 'cellMaxV', volts],
  [0x3f, 'cellMaxNo', plain],
  [0x40, 'cellMinV', volts],
  [0x41, 'cellMinNo', plain],
  [0x42, 'cellDifferenceV', volts],
  [0x43, 'tempMaxC', celsius],
  [0x45, 'tempMinC', celsius],
  [0x48, 'state', stateName],
  [0x4b, 'remainingAh', (raw) => raw / 10],
  [0x4c, 'cycles', plain],
  [0x4d, 'balancerRaw', plain],
  [0x4e, 'balanceCurrentA', (raw) => offsetCurrent(raw, 1000)],
  [0x52, 'chargeMosfet', isOn],
  [0x53, 'dischargeMosfet', isOn],
  [0x54, 'prechargeMosfet', isOn],
  [0x57, 'cellAverageV', volts],
  [0x58, 'powerAbsW', plain],
  [0x5a, 'mosfetTempC', fitted],
  [0x5b, 'boardTempC', fitted],
  [0x5c, 'heaterTempC', fitted],
];

/** Every value whose registers are part of the read. */
export function p81Fields(address: number, words: Uint16Array): Fields {
  const window = registerWindow(address, words);
  const fields: Record<string, unknown> = {};
  for (const [register, name, convert] of FIELDS) {
    const raw = window.at(register);
    if (raw !== undefined) fields[name] = convert(raw);
  }
  const cellsV = window.run(0x00, Math.min(window.at(0x3c) ?? 0, MOST_CELLS), volts);
  if (window.at(0x3c) !== undefined && cellsV !== undefined) fields.cellsV = cellsV;
  const tempsC = window.run(0x30, Math.min(window.at(0x3d) ?? 0, MOST_SENSORS), celsius);
  if (window.at(0x3d) !== undefined && tempsC !== undefined) fields.tempsC = tempsC;
  const masks = window.run(0x4f, 3, plain);
  if (masks !== undefined) {
    fields.balancingCells = masks.flatMap((mask, at) => bitNumbers(mask).map((bit) => at * 16 + bit));
  }
  return Object.assign(fields, faults(window), versions(window));
}

/** Levels: word, lowest bit, name. Three bits each, 0 is none. */
const LEVELS: readonly (readonly [number, number, string])[] = [
  [0, 0, 'cell_overvoltage'],
  [0, 3, 'cell_undervoltage'],
  [0, 8, 'cell_difference'],
  [0, 11, 'charge_overtemperature'],
  [1, 0, 'charge_undertemperature'],
  [1, 3, 'discharge_overtemperature'],
  [1, 8, 'discharge_undertemperature'],
  [1, 11, 'temperature_difference'],
  [2, 0, 'pack_overvoltage'],
  [2, 3, 'pack_undervoltage'],
  [2, 8, 'charge_overcurrent'],
  [2, 11, 'discharge_overcurrent'],
  [3, 0, 'soc_low'],
  [3, 3, 'soh_low'],
  [3, 8, 'mosfet_overtemperature'],
  [3, 11, 'thermal_runaway'],
];

/** Flags: word, bit, name. */
const FLAGS: readonly (readonly [number, number, string])[] = [
  [0, 6, 'smart_charger_connected'],
  [0, 7, 'smart_charger_comm_fault'],
  [0, 14, 'smart_discharger_connected'],
  [0, 15, 'smart_discharger_comm_fault'],
  [1, 6, 'charge_mosfet_overtemperature'],
  [1, 7, 'charge_mosfet_sensor_fault'],
  [1, 14, 'discharge_mosfet_overtemperature'],
  [1, 15, 'discharge_mosfet_sensor_fault'],
  [2, 6, 'short_circuit'],
  [2, 7, 'upgrading'],
  [2, 14, 'charge_undervoltage'],
  [2, 15, 'discharge_overvoltage'],
  [3, 6, 'parallel_comm_active'],
  [3, 7, 'parallel_comm_fault'],
  [5, 8, 'afe_fault'],
  [5, 9, 'afe_communication_fault'],
  [5, 10, 'afe_sampling_fault'],
  [5, 11, 'cell_sensor_fault'],
  [5, 12, 'sense_wire_open'],
  [5, 13, 'pack_voltage_sense_fault'],
  [5, 14, 'current_module_fault'],
  [5, 15, 'temperature_sensor_fault'],
  [6, 0, 'temperature_sensor_open'],
  [6, 1, 'eeprom_fault'],
  [6, 2, 'flash_fault'],
  [6, 3, 'rtc_fault'],
  [6, 4, 'charge_mosfet_fault'],
  [6, 5, 'discharge_mosfet_fault'],
  [6, 6, 'precharge_mosfet_fault'],
  [6, 7, 'precharge_failed'],
  [6, 8, 'charge_off_by_command'],
  [6, 9, 'discharge_off_by_command'],
  [6, 10, 'charge_off_by_switch'],
  [6, 11, 'discharge_off_by_switch'],
  [6, 12, 'fan_fault'],
  [6, 13, 'heater_on'],
  [6, 14, 'current_limiting'],
  [6, 15, 'heater_fault'],
];

function faults(window: RegisterWindow): Fields {
  const words = window.run(FAULT_WORDS, FAULT_WORD_COUNT, plain);
  if (words === undefined) return {};
  const alarmLevels: Record<string, number> = {};
  for (const [word, bit, name] of LEVELS) {
    const level = ((words[word] ?? 0) >>> bit) & 7;
    if (level > 0) alarmLevels[name] = level;
  }
  return {
    faultWords: words.map((word) => word.toString(16).toUpperCase().padStart(4, '0')),
    alarmLevels,
    alarmFlags: FLAGS.filter(([word, bit]) => ((words[word] ?? 0) >>> bit) & 1).map(([, , name]) => name),
  };
}

/** Three texts of unlike length, padded with zeros and blanks. */
function versions(window: RegisterWindow): Fields {
  const texts = window.bytes(VERSION, VERSION_COUNT);
  if (texts === undefined) return {};
  return { softwareVersion: readText(texts.subarray(0, 28)), hardwareVersion: readText(texts.subarray(28, 44)) };
}

/** A place for a sensor that may be empty: 0 as well as FFFF. */
function fitted(raw: number): number | null {
  return raw === 0 ? null : celsius(raw);
}

/** Offset by 40; null: no sensor there, even where the count includes it. */
function celsius(raw: number): number | null {
  return raw === 0xff || raw === 0xffff ? null : raw - 40;
}
