import type { BoardLimits } from '../model/sample.ts';
import type { Fields } from './driver.ts';

/** The step from decoded names of a board's settings to the limits of a sample. */

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Limit, what it can be at all, then the decoded names it is taken from; of two levels the one that opens a switch. */
const LIMITS: readonly (readonly [Exclude<keyof BoardLimits, 'chemistry'>, low: number, high: number, ...string[]])[] =
  [
    ['cellMaxV', 1, 6, 'cellOvervoltageV', 'cellOvV', 'cellOvL2V', 'cellHighV'],
    ['cellMinV', 0.5, 6, 'cellUndervoltageV', 'cellUvV', 'cellUvL2V', 'cellUnderV'],
    ['packMaxV', 1, 1000, 'packOvervoltageV', 'packOvV', 'packOvL2V', 'moduleHighV'],
    ['packMinV', 0.5, 1000, 'packUndervoltageV', 'packUvV', 'packUvL2V', 'moduleUnderV'],
    ['chargeMaxC', -60, 150, 'chargeOvertemperatureC', 'chargeOtC', 'chargeOtL2C', 'chargeTempHighC'],
    ['chargeMinC', -60, 150, 'chargeUndertemperatureC', 'chargeUtC', 'chargeUtL2C', 'chargeTempLowC'],
    ['dischargeMaxC', -60, 150, 'dischargeOvertemperatureC', 'dischargeOtC', 'dischargeOtL2C', 'dischargeTempHighC'],
    ['dischargeMinC', -60, 150, 'dischargeUndertemperatureC', 'dischargeUtC', 'dischargeUtL2C', 'dischargeTempLowC'],
    ['chargeMaxA', 0.1, 5000, 'chargeOvercurrentA', 'chargeOcA', 'chargeLimitA', 'chargeOcL2RawA'],
    ['dischargeMaxA', 0.1, 5000, 'dischargeOvercurrentA', 'dischargeOcA', 'dischargeLimitA', 'dischargeOcL2RawA'],
  ];

const CHEMISTRIES: Readonly<Record<string, BoardLimits['chemistry']>> = {
  lifepo4: 'lifepo4',
  'li-ion': 'li-ion',
  lto: 'lto',
};

/** What a board is set to; undefined when it tells none of it. A value that cannot be a limit is left out: some boards hold 0 for "off". */
export function limitsOf(fields: Fields): BoardLimits | undefined {
  const limits: Mutable<BoardLimits> = {};
  let told = false;
  for (const [key, low, high, ...names] of LIMITS) {
    for (const name of names) {
      const value = fields[name];
      if (typeof value !== 'number') continue;
      // Boards differ in how they sign a current.
      const size = key.endsWith('A') ? Math.abs(value) : value;
      if (!(size >= low && size <= high)) continue;
      limits[key] = size;
      told = true;
      break;
    }
  }
  const chemistry = CHEMISTRIES[String(fields.batteryType)];
  // The kind of cells alone limits nothing.
  if (told && chemistry !== undefined) limits.chemistry = chemistry;
  return told ? limits : undefined;
}
