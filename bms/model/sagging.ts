import type { PackSpec } from './pack.ts';
import type { PackReading } from './reading.ts';

/**
 * A cell that does not hold its voltage under the load there is. The charge of the pack may be fine and its curve may say
 * nothing (a weak cell, a bad joint, a load that swings): the board opens all the same, and it goes by this very figure.
 */
export interface Sagging {
  /** Readings below the cut-off, each under load. */
  readonly readings: number;
  /** Since the latest of them, s. */
  readonly agoS: number;
}

/** One reading may be a glitch or a start of something large; a second one within this time is neither, s. */
const FORGOTTEN_S = 60;
const READINGS = 2;

/** Counts on with one more reading; undefined when there is nothing to remember. */
export function sagging(
  before: Sagging | undefined,
  { currentA, lowestCellV }: PackReading,
  dtS: number,
  spec: PackSpec,
): Sagging | undefined {
  // What charges is not at its end, whatever it was before.
  if (currentA !== undefined && currentA > 0) return undefined;
  const agoS = (before?.agoS ?? 0) + dtS;
  const known = before === undefined || agoS > FORGOTTEN_S ? undefined : { ...before, agoS };
  const cutoffV = spec.cutoffCellV ?? spec.chemistry.limits.cutoffV;
  const below = currentA !== undefined && currentA < 0 && lowestCellV !== undefined && lowestCellV < cutoffV;
  return below ? { readings: Math.min((known?.readings ?? 0) + 1, READINGS), agoS: 0 } : known;
}

/** Nothing more can be counted on at the present load: the cut-off is where the discharge must have stopped. */
export const isSpent = (seen: Sagging | undefined): boolean => (seen?.readings ?? 0) >= READINGS;
