import { chemistryOf } from './chemistry/chemistries.ts';
import { type Chemistry, type ChemistryId, ocvAt } from './chemistry/chemistry.ts';
import { valueAt } from './chemistry/curve.ts';
import { resistanceFactor } from './chemistry/temperature.ts';

/** What one BMS watches, as built. */
export interface PackSpec {
  readonly chemistry: Chemistry;
  /** Cells in series. */
  readonly cells: number;
  /** Rated charge of all parallel strings together, new, at 25 °C. */
  readonly capacityAh: number;
  /** Resistance of the cells of the whole pack at 25 °C; from the chemistry and the capacity when absent. */
  readonly resistanceOhm?: number;
  /** Wiring, fuse and BMS, in addition; neither ages nor feels the cold. */
  readonly wiringOhm?: number;
  /** Voltage per cell, under load, where the discharge must have stopped; the chemistry's default when absent. */
  readonly cutoffCellV?: number;
  /** State of health: charge and resistance against new, 1 when absent. */
  readonly capacityRatio?: number;
  readonly resistanceRatio?: number;
}

/** How a configuration describes a pack: the words of `PackSpec`, the chemistry by name. */
export interface PackDescription {
  readonly chemistry: ChemistryId;
  readonly cells: number;
  readonly capacityAh: number;
  readonly resistanceOhm?: number | undefined;
  readonly wiringOhm?: number | undefined;
  readonly cutoffCellV?: number | undefined;
  readonly capacityRatio?: number | undefined;
  readonly resistanceRatio?: number | undefined;
}

/**
 * A pack from its configuration.
 * @throws RangeError when cells, capacity, a resistance or the cut-off makes no sense.
 */
export function packOf(described: PackDescription): PackSpec {
  const { cells, capacityAh, resistanceOhm, wiringOhm, cutoffCellV, capacityRatio, resistanceRatio } = described;
  const spec: PackSpec = {
    chemistry: chemistryOf(described.chemistry),
    cells,
    capacityAh,
    ...(resistanceOhm !== undefined && { resistanceOhm }),
    ...(wiringOhm !== undefined && { wiringOhm }),
    ...(cutoffCellV !== undefined && { cutoffCellV }),
    ...(capacityRatio !== undefined && { capacityRatio }),
    ...(resistanceRatio !== undefined && { resistanceRatio }),
  };
  checkPack(spec);
  return spec;
}

/** @throws RangeError naming the figure that makes no sense. */
export function checkPack(spec: PackSpec): void {
  demand(Number.isInteger(spec.cells) && spec.cells > 0, 'cells', spec.cells, 'a whole number of cells in series');
  demand(positive(spec.capacityAh), 'capacityAh', spec.capacityAh, 'a positive charge');
  demand(notNegative(spec.resistanceOhm ?? 0), 'resistanceOhm', spec.resistanceOhm, 'a resistance of 0 or more');
  demand(notNegative(spec.wiringOhm ?? 0), 'wiringOhm', spec.wiringOhm, 'a resistance of 0 or more');
  demand(positive(spec.cutoffCellV ?? 1), 'cutoffCellV', spec.cutoffCellV, 'a positive voltage per cell');
  demand(positive(spec.capacityRatio ?? 1), 'capacityRatio', spec.capacityRatio, 'a positive share');
  demand(positive(spec.resistanceRatio ?? 1), 'resistanceRatio', spec.resistanceRatio, 'a positive factor');
}

function demand(holds: boolean, name: string, value: unknown, wanted: string): void {
  if (!holds) throw new RangeError(`pack ${name} is ${String(value)}: expected ${wanted}`);
}

const positive = (value: number): boolean => Number.isFinite(value) && value > 0;
const notNegative = (value: number): boolean => Number.isFinite(value) && value >= 0;

/** Pack voltage under load where the discharge stops, V. */
export function cutoffV(spec: PackSpec): number {
  return spec.cells * (spec.cutoffCellV ?? spec.chemistry.limits.cutoffV);
}

/** Charge of the pack when full, aged but at 25 °C, Ah. */
export function healthyAh(spec: PackSpec): number {
  return spec.capacityAh * (spec.capacityRatio ?? 1);
}

/** Open-circuit voltage of the pack, V. */
export function packOcvV(spec: PackSpec, socRatio: number): number {
  return spec.cells * ocvAt(spec.chemistry, socRatio);
}

/** Part of the pack's resistance that does not depend on charge, ohm. */
export function fixedOhm(spec: PackSpec, temperatureC?: number): number {
  const wiring = spec.wiringOhm ?? 0;
  if (spec.resistanceOhm === undefined) return wiring;
  return wiring + spec.resistanceOhm * (spec.resistanceRatio ?? 1) * resistanceFactor(temperatureC);
}

/** What to multiply the chemistry's ohm·Ah by to get the rest of the pack's resistance; 0 when it was measured. */
export function ohmPerOhmAh(spec: PackSpec, temperatureC?: number): number {
  if (spec.resistanceOhm !== undefined) return 0;
  return (spec.cells / spec.capacityAh) * (spec.resistanceRatio ?? 1) * resistanceFactor(temperatureC);
}

/** Resistance of the whole pack, ohm. */
export function packResistanceOhm(spec: PackSpec, socRatio: number, temperatureC?: number): number {
  return fixedOhm(spec, temperatureC) + ohmPerOhmAh(spec, temperatureC) * valueAt(spec.chemistry.resistance, socRatio);
}

/** Below this a state of health is a counter that was never set, and no battery anybody still uses. */
const LEAST_HEALTH = 0.3;

/**
 * The pack with the state of health its BMS tells, 0..1, where that is less than what is configured: what is counted on
 * is never more than either says. `spec` itself where the figure is absent or makes no sense.
 */
export function worn(spec: PackSpec, sohRatio: number | undefined): PackSpec {
  const believed = sohRatio !== undefined && sohRatio >= LEAST_HEALTH && sohRatio < (spec.capacityRatio ?? 1);
  return believed ? { ...spec, capacityRatio: sohRatio } : spec;
}
