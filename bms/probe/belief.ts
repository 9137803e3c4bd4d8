import type { Driver } from '../drivers/driver.ts';
import type { Sample } from '../model/sample.ts';
import { implausible } from '../plausible.ts';

/**
 * How sure an answer makes us. `sure`: only this kind of device says this. `likely`: it fits, and others would fit too.
 * `perhaps`: the registers are there, and nothing in them proves whose they are.
 */
export type Certainty = 'sure' | 'likely' | 'perhaps';

/** Cells and voltage of one pack differ by less, of the voltage. */
const SUM_TOLERANCE = 0.03;
const CELL_V = { low: 0.8, high: 4.5 } as const;
const MAINS = { lowV: 80, highV: 280, lowHz: 45, highHz: 65 } as const;

/**
 * What a sample is worth as a proof of the driver that made it; undefined when it can be no such device. A frame with a start
 * and a checksum of its own proves itself. Registers do not: there the values have to fit each other.
 */
export function certainty(driver: Driver, sample: Sample): Certainty | undefined {
  if (implausible(sample) !== undefined) return undefined;
  if (driver.shape !== 'registers' || driver.discover !== undefined) return 'sure';
  if (sample.kind === 'pack') return ofPack(sample.voltageV, sample.cellsV, sample.socRatio);
  const [voltageV, frequencyHz] =
    sample.kind === 'meter'
      ? [sample.voltageV, sample.frequencyHz]
      : [sample.inputVoltageV ?? sample.outputVoltageV, sample.inputFrequencyHz ?? sample.outputFrequencyHz];
  if (voltageV === undefined) return undefined;
  const isMains = within(voltageV, MAINS.lowV, MAINS.highV) && within(frequencyHz ?? 0, MAINS.lowHz, MAINS.highHz);
  return isMains ? 'likely' : 'perhaps';
}

function ofPack(
  voltageV: number | undefined,
  cellsV: readonly number[] | undefined,
  socRatio: number | undefined,
): Certainty | undefined {
  if (voltageV === undefined || voltageV < 2) return undefined;
  const cells = cellsV?.filter((cellV) => cellV > 0) ?? [];
  if (cells.length === 0) return socRatio === undefined ? 'perhaps' : within(voltageV, 8, 70) ? 'likely' : 'perhaps';
  const sumV = cells.reduce((sum, cellV) => sum + cellV, 0);
  const fits = cells.every((cellV) => within(cellV, CELL_V.low, CELL_V.high));
  return fits && Math.abs(sumV - voltageV) <= SUM_TOLERANCE * voltageV ? 'sure' : undefined;
}

const within = (value: number, low: number, high: number): boolean => value >= low && value <= high;
