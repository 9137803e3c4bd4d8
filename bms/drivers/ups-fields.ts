import type { Alarm } from '../model/alarms.ts';
import type { UpsSample } from '../model/sample.ts';
import type { Fields } from './driver.ts';

type KeysOf<Kind> = {
  [Key in keyof UpsSample]-?: NonNullable<UpsSample[Key]> extends Kind ? Key : never;
}[keyof UpsSample];
type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

const NUMBERS: readonly Exclude<KeysOf<number>, 'measuredAtMs'>[] = [
  'inputVoltageV',
  'inputFrequencyHz',
  'outputVoltageV',
  'outputFrequencyHz',
  'loadPowerW',
  'loadApparentVa',
  'loadRatio',
  'batteryVoltageV',
  'batteryCurrentA',
  'socRatio',
  'runtimeS',
  'temperatureC',
];
const FLAGS: readonly KeysOf<boolean>[] = ['mainsPresent', 'lowBattery', 'forcedShutdown'];
const TEXTS: readonly ('mode' | 'model' | 'firmware' | 'serial')[] = ['mode', 'model', 'firmware', 'serial'];

/**
 * Sample of an inverter or a UPS from fields of the same names. What is missing, null or of another kind stays absent.
 */
export function upsSample(fields: Fields, measuredAtMs: number, alarms: readonly Alarm[] | undefined): UpsSample {
  const sample: Mutable<UpsSample> = { kind: 'ups', measuredAtMs };
  for (const key of NUMBERS) {
    const value = fields[key];
    if (typeof value === 'number' && Number.isFinite(value)) sample[key] = value;
  }
  for (const key of FLAGS) {
    const value = fields[key];
    if (typeof value === 'boolean') sample[key] = value;
  }
  for (const key of TEXTS) {
    const value = fields[key];
    if (typeof value === 'string' && value !== '') sample[key] = value;
  }
  if (alarms !== undefined) sample.alarms = alarms;
  return sample;
}
