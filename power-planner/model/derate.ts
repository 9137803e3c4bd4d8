import {
  type ChemistryId,
  capacityFactor,
  chargeCurrentFactor,
  chemistryOf,
  curveOf,
  resistanceFactor,
  valueAt,
} from '#bms/model';

export type CapacityTable = 'conservative' | 'sam';

export interface Derating {
  /** Usable share of the charge, 0..1. */
  readonly capacityFactor: number;
  /** Cell resistance against 25 °C. */
  readonly resistanceFactor: number;
  /** Allowed share of the charge current, 0..1; 0: must not be charged. */
  readonly chargeCurrentFactor: number;
}

/** LiFePO4, NREL SAM BatteryStateful_LFPGraphite.json: °C, share of the charge. */
const SAM_LFP = curveOf([
  [-20, 0.7233],
  [-10, 0.818],
  [0, 0.888],
  [10, 0.93],
  [23, 0.9667],
  [45, 1.01],
  [60, 1.01],
]);

/**
 * What a temperature does to a pack.
 * @throws RangeError when the table does not cover the chemistry.
 */
export function derate(chemistry: ChemistryId, temperatureC: number, table: CapacityTable = 'conservative'): Derating {
  const cell = chemistryOf(chemistry);
  if (table === 'sam' && chemistry !== 'lifepo4') {
    throw new RangeError(`the sam table is for LiFePO4, not ${cell.facts.title}; use conservative`);
  }
  return {
    capacityFactor: table === 'sam' ? Math.min(1, valueAt(SAM_LFP, temperatureC)) : capacityFactor(cell, temperatureC),
    resistanceFactor: resistanceFactor(temperatureC),
    chargeCurrentFactor: chargeCurrentFactor(cell, temperatureC),
  };
}
