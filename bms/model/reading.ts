import type { PackSpec } from './pack.ts';
import type { PackSample } from './sample.ts';

/** More than this many times the capacity per hour is no current of a rack: the reading is not used. */
const ABSURD_C_RATE = 30;
/** Open and shorted sensors read far outside this range, °C. */
const SENSOR_MIN_C = -50;
const SENSOR_MAX_C = 125;

/** What of a sample can be used to reason with; what is absurd is left out, what is dangerous is kept. */
export interface PackReading {
  /** Positive charges. */
  readonly currentA?: number;
  /** A string is as empty as its emptiest cell. */
  readonly lowestCellV?: number;
  readonly highestCellV?: number;
  readonly meanCellV?: number;
  readonly coldestC?: number;
  readonly hottestC?: number;
}

export function readPack(sample: PackSample, spec: PackSpec): PackReading {
  const currentA = usableCurrent(sample, spec);
  const cells = (sample.cellsV ?? []).filter((cellV) => possibleCell(cellV, spec));
  const temperatures = (sample.temperaturesC ?? []).filter((t) => t > SENSOR_MIN_C && t < SENSOR_MAX_C);
  const meanV = cells.length > 0 ? sum(cells) / cells.length : averageCell(sample, spec);
  return {
    ...(currentA !== undefined && { currentA }),
    ...(meanV !== undefined && {
      meanCellV: meanV,
      lowestCellV: cells.length > 0 ? Math.min(...cells) : meanV,
      highestCellV: cells.length > 0 ? Math.max(...cells) : meanV,
    }),
    ...(temperatures.length > 0 && {
      coldestC: Math.min(...temperatures),
      hottestC: Math.max(...temperatures),
    }),
  };
}

/** Current above which a reading is absurd for this pack, A. */
export const absurdCurrentA = (spec: PackSpec): number => ABSURD_C_RATE * spec.capacityAh;

/** Could a whole cell of this chemistry show this voltage? */
export function possibleCell(cellV: number, spec: PackSpec): boolean {
  const { physicalMinV, physicalMaxV } = spec.chemistry.limits;
  return cellV >= physicalMinV && cellV <= physicalMaxV;
}

function usableCurrent(sample: PackSample, spec: PackSpec): number | undefined {
  const { currentA, powerW, voltageV } = sample;
  const amperes = currentA ?? (powerW !== undefined && voltageV !== undefined ? powerW / voltageV : Number.NaN);
  return Math.abs(amperes) <= absurdCurrentA(spec) ? amperes : undefined;
}

function averageCell(sample: PackSample, spec: PackSpec): number | undefined {
  const cellV = (sample.voltageV ?? Number.NaN) / spec.cells;
  return possibleCell(cellV, spec) ? cellV : undefined;
}

function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
