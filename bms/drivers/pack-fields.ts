import type { Alarm } from '../model/alarms.ts';
import type { MeterSample, PackSample } from '../model/sample.ts';
import type { Fields } from './driver.ts';
import { limitsOf } from './limit-fields.ts';

/**
 * The step from decoded names (the vectors' words in camel case) to the names of a sample. A value that is missing, null
 * or not a finite number stays absent: a device that does not tell is never turned into a zero.
 */

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
type KeysOf<T, Kind> = { [Key in keyof T]-?: NonNullable<T[Key]> extends Kind ? Key : never }[keyof T];
type PackNumber = Exclude<KeysOf<PackSample, number>, 'measuredAtMs'>;
type PackText = 'model' | 'firmware' | 'serial';
type PackFlag = KeysOf<PackSample, boolean>;
type MeterNumber = Exclude<KeysOf<MeterSample, number>, 'measuredAtMs'>;

/** Sample key, then the decoded names it is taken from; the first that is there wins. */
const PACK_NUMBERS: readonly (readonly [PackNumber, ...string[]])[] = [
  ['voltageV', 'voltageV'],
  ['currentA', 'currentA'],
  ['powerW', 'powerW'],
  ['socRatio', 'socRatio'],
  ['sohRatio', 'sohRatio'],
  ['remainingAh', 'remainingAh'],
  ['fullAh', 'fullAh'],
  ['ratedAh', 'ratedAh'],
  ['cycles', 'cycles'],
  ['parallelModules', 'moduleCount'],
  ['energyInWh', 'energyInWh', 'chargedWh'],
  ['energyOutWh', 'energyOutWh', 'dischargedWh'],
  ['timeToEmptyS', 'timeToEmptyS', 'timeToGoS'],
];

const PACK_TEXTS: readonly (readonly [PackText, ...string[]])[] = [
  ['model', 'model'],
  ['firmware', 'firmware', 'softwareVersion'],
  ['serial', 'serial'],
];

const PACK_FLAGS: readonly (readonly [PackFlag, ...string[]])[] = [
  ['chargeFetClosed', 'chargeFetClosed', 'chargeMosfet'],
  ['dischargeFetClosed', 'dischargeFetClosed', 'dischargeMosfet'],
];

const METER_NUMBERS: readonly MeterNumber[] = [
  'voltageV',
  'currentA',
  'powerW',
  'apparentVa',
  'powerFactor',
  'frequencyHz',
  'importWh',
  'exportWh',
];

/** A sensor outside these is open or shorted, °C. Cells are long destroyed before either end. */
const SENSOR_LOW_C = -60;
const SENSOR_HIGH_C = 200;

/** Sample of a pack from merged fields. Broken temperature sensors are left out and reported as `sensor-fault`. */
export function packSample(fields: Fields, measuredAtMs: number, alarms: readonly Alarm[] | undefined): PackSample {
  const sample: Mutable<PackSample> = { kind: 'pack', measuredAtMs };
  for (const [key, ...names] of PACK_NUMBERS) {
    const value = first(fields, names, isFiniteNumber);
    if (value !== undefined) sample[key] = value;
  }
  for (const [key, ...names] of PACK_TEXTS) {
    const value = first(fields, names, isText);
    if (value !== undefined) sample[key] = value;
  }
  for (const [key, ...names] of PACK_FLAGS) {
    const value = first(fields, names, isFlag);
    if (value !== undefined) sample[key] = value;
  }
  const cells = fields.cellsV;
  if (isNumbers(cells) && cells.length > 0) sample.cellsV = cells;
  const balancing = fields.balancingCells;
  if (isNumbers(balancing)) sample.balancingCells = balancing;

  const limits = limitsOf(fields);
  if (limits !== undefined) sample.limits = limits;

  const faults: Alarm[] = [];
  const temperatures = readTemperatures(fields, faults);
  if (temperatures.length > 0) sample.temperaturesC = temperatures;
  const mosfet = first(fields, ['mosfetTemperatureC', 'mosfetTempC'], isFiniteNumber);
  if (mosfet !== undefined && sensorWorks(mosfet, 'MOSFET sensor', faults)) sample.mosfetTemperatureC = mosfet;

  if (alarms !== undefined || faults.length > 0) sample.alarms = [...(alarms ?? []), ...faults];
  return sample;
}

/** Sample of an AC meter from merged fields; current and power factor become magnitudes. */
export function meterSample(fields: Fields, measuredAtMs: number): MeterSample {
  const sample: Mutable<MeterSample> = { kind: 'meter', measuredAtMs };
  for (const key of METER_NUMBERS) {
    const value = fields[key];
    if (!isFiniteNumber(value)) continue;
    sample[key] = key === 'currentA' || key === 'powerFactor' ? Math.abs(value) : value;
  }
  return sample;
}

function readTemperatures(fields: Fields, faults: Alarm[]): number[] {
  const list = fields.temperaturesC ?? fields.tempsC ?? (fields.tempC === undefined ? [] : [fields.tempC]);
  if (!Array.isArray(list)) return [];
  return list.filter(
    (value, at): value is number => isFiniteNumber(value) && sensorWorks(value, `sensor ${at + 1}`, faults),
  );
}

function sensorWorks(valueC: number, name: string, faults: Alarm[]): boolean {
  const works = valueC > SENSOR_LOW_C && valueC < SENSOR_HIGH_C;
  if (!works) faults.push({ code: 'sensor-fault', level: 'warning', detail: `${name} reads ${valueC.toFixed(1)} °C` });
  return works;
}

function first<T>(fields: Fields, names: readonly string[], is: (value: unknown) => value is T): T | undefined {
  for (const name of names) {
    const value = fields[name];
    if (is(value)) return value;
  }
  return undefined;
}

function isFiniteNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isFlag(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every(isFiniteNumber);
}
