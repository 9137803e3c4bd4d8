import type { Alarm } from './alarms.ts';
import { ocvAt } from './chemistry/chemistry.ts';
import type { PackSpec } from './pack.ts';
import type { BoardLimits } from './sample.ts';

/** A board that stops charging before this share of the charge is there is set for other cells. */
const CHARGED_RATIO = 0.8;
/** Data sheets let a cell be emptied further in the cold (LiFePO4 to 2.0 V), as a share of the usual cut-off: an assumption. */
const DEEPEST_SHARE = 0.8;
/** Registers of pack voltages round, V per cell. */
const ROUNDING_V = 0.015;

/**
 * A warning when the limits a board is set to do not fit the cells it is said to watch. It is one alarm, whatever is wrong,
 * for one look into the board's app mends all of it. Pure.
 */
export function boardLimitAlarms(limits: BoardLimits | undefined, spec: PackSpec): readonly Alarm[] {
  if (limits === undefined) return [];
  const misfits = [
    ...otherChemistry(limits, spec),
    ...upper(limits, spec),
    ...lower(limits, spec),
    ...cold(limits, spec),
  ];
  return misfits.length === 0 ? [] : [{ code: 'unfit-limits', level: 'warning', detail: misfits.join('; ') }];
}

function otherChemistry({ chemistry }: BoardLimits, spec: PackSpec): string[] {
  const { facts } = spec.chemistry;
  if (chemistry === undefined || chemistry === facts.id) return [];
  return [`the board is set to ${chemistry}, the cells are ${facts.title}`];
}

function upper({ cellMaxV, packMaxV }: BoardLimits, spec: PackSpec): string[] {
  const { facts, limits } = spec.chemistry;
  const ofPackV = packMaxV === undefined ? undefined : packMaxV / spec.cells;
  // A sane limit of the whole pack still lets one cell run away.
  const reachV = cellMaxV ?? ofPackV;
  if (reachV === undefined) return [];
  if (reachV > limits.overProtectionV + ROUNDING_V)
    return [`the board lets cells reach ${volts(reachV)}, ${facts.title} ends at ${volts(limits.overWarningV)}`];
  const stopV = Math.min(reachV, ofPackV ?? reachV);
  if (stopV >= ocvAt(spec.chemistry, CHARGED_RATIO) - ROUNDING_V) return [];
  return [
    `the board stops charging at ${volts(stopV)} per cell, ${facts.title} is charged to ${volts(limits.chargeV)}`,
  ];
}

function lower({ cellMinV, packMinV }: BoardLimits, spec: PackSpec): string[] {
  const { facts, limits } = spec.chemistry;
  const ofPackV = packMinV === undefined ? undefined : packMinV / spec.cells;
  const fallV = cellMinV ?? ofPackV;
  if (fallV === undefined) return [];
  if (fallV < limits.bmsCutoffV * DEEPEST_SHARE - ROUNDING_V)
    return [`the board lets cells fall to ${volts(fallV)}, ${facts.title} ends at ${volts(limits.bmsCutoffV)}`];
  const openV = Math.max(fallV, ofPackV ?? fallV);
  const countedV = spec.cutoffCellV ?? limits.cutoffV;
  if (openV <= countedV + ROUNDING_V) return [];
  return [`the board opens at ${volts(openV)} per cell, and ${volts(countedV)} is counted on`];
}

function cold({ chargeMinC }: BoardLimits, spec: PackSpec): string[] {
  const { facts } = spec.chemistry;
  if (chargeMinC === undefined || chargeMinC >= facts.charge.minC) return [];
  return [
    `the board charges down to ${chargeMinC} °C, ${facts.title} must not be charged below ${facts.charge.minC} °C`,
  ];
}

const volts = (value: number): string => `${value.toFixed(2)} V`;
