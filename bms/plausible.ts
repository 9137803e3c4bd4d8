import type { Sample } from './model/sample.ts';

type Limits = Readonly<Record<string, readonly [low: number, high: number, unit: string]>>;

/**
 * What no device on a small rack can measure. These are not alarm limits: an overcharged cell must reach the caller. They
 * stop what a weak checksum let through (exchanged digits, swapped bytes) and a profile with the wrong scale.
 */
const PACK: Limits = {
  voltageV: [0, 1000, 'V'],
  currentA: [-5000, 5000, 'A'],
  powerW: [-1_000_000, 1_000_000, 'W'],
  socRatio: [0, 1, ''],
  sohRatio: [0, 1.2, ''],
  remainingAh: [0, 1_000_000, 'Ah'],
  fullAh: [0, 1_000_000, 'Ah'],
  ratedAh: [0, 1_000_000, 'Ah'],
  cycles: [0, 1_000_000, ''],
  timeToEmptyS: [0, 1e9, 's'],
};

const METER: Limits = {
  voltageV: [0, 1000, 'V'],
  currentA: [0, 1000, 'A'],
  powerW: [-1_000_000, 1_000_000, 'W'],
  apparentVa: [0, 1_000_000, 'VA'],
  powerFactor: [0, 1.01, ''],
  frequencyHz: [0, 100, 'Hz'],
};

const UPS: Limits = {
  inputVoltageV: [0, 1000, 'V'],
  inputFrequencyHz: [0, 100, 'Hz'],
  outputVoltageV: [0, 1000, 'V'],
  outputFrequencyHz: [0, 100, 'Hz'],
  loadPowerW: [-1_000_000, 1_000_000, 'W'],
  loadApparentVa: [0, 1_000_000, 'VA'],
  /** An overload is more than all. */
  loadRatio: [0, 10, ''],
  batteryVoltageV: [0, 1000, 'V'],
  batteryCurrentA: [-5000, 5000, 'A'],
  socRatio: [0, 1, ''],
  runtimeS: [0, 1e9, 's'],
};

const LIMITS = { pack: PACK, meter: METER, ups: UPS } as const;

/** Above any chemistry and any front end, V. 0 is possible: an open sense wire. */
const CELL_MAX_V = 6;

/** Why a sample cannot be true (`socRatio 1.36 is outside 0..1`); `undefined` when it can. */
export function implausible(sample: Sample): string | undefined {
  for (const [key, [low, high, unit]] of Object.entries(LIMITS[sample.kind])) {
    const value: unknown = sample[key as keyof Sample];
    if (typeof value === 'number' && !(value >= low && value <= high)) {
      return `${key} ${value} is outside ${low}..${high}${unit === '' ? '' : ` ${unit}`}`;
    }
  }
  if (sample.kind !== 'pack') return undefined;
  const cell = sample.cellsV?.findIndex((cellV) => !(cellV >= 0 && cellV <= CELL_MAX_V)) ?? -1;
  return cell < 0 ? undefined : `cell ${cell + 1} at ${sample.cellsV?.[cell]} V is outside 0..${CELL_MAX_V} V`;
}
