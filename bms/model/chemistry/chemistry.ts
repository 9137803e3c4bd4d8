import { at, type Curve, curveOf, inverseAt, type Points, valueAt } from './curve.ts';

export type ChemistryId = 'lifepo4' | 'lto';

/** Voltages of one cell, V. */
export interface CellLimits {
  /** End of a normal charge. */
  readonly chargeV: number;
  /** Where we stop the discharge, under load, unless the configuration says otherwise. */
  readonly cutoffV: number;
  /** Where a BMS of this chemistry usually opens by itself. */
  readonly bmsCutoffV: number;
  /** Above this a cell is charged too far (warning), and in danger (protection). */
  readonly overWarningV: number;
  readonly overProtectionV: number;
  /** Under load below this voltage the open-circuit curve is steep enough to tell the charge that is left. */
  readonly kneeV: number;
  /** What a cell of this chemistry can show at all; anything else is a broken wire, a wrong scale or another chemistry. */
  readonly physicalMinV: number;
  readonly physicalMaxV: number;
}

export interface TemperatureWindow {
  /** Below it the pack must not work this way, °C. */
  readonly minC: number;
  readonly maxC: number;
}

/** How well a voltage tells the charge. */
export interface VoltageTrust {
  /** Standard deviation between this curve and a cell of another maker, V. */
  readonly curveSigmaV: number;
  /** What is left of polarization right after the current stops, V, and how fast it goes, s. */
  readonly relaxationV: number;
  readonly relaxationS: number;
  /** Shortest rest before a voltage counts as open-circuit, s. */
  readonly restS: number;
}

export interface ChemistryFacts {
  readonly id: ChemistryId;
  readonly title: string;
  readonly nominalCellV: number;
  /** Open-circuit voltage of one cell at 25 °C by state of charge 0..1: mean of charge and discharge. Rises strictly. */
  readonly ocvV: Points;
  /** Half the distance between the charge and the discharge branch by state of charge, V. Absent: negligible. */
  readonly hysteresisV?: Points;
  /** Discharge resistance times capacity at 25 °C by state of charge, ohm·Ah; includes slow polarization. */
  readonly resistanceOhmAh: Points;
  readonly limits: CellLimits;
  /** At or below `minC` LiFePO4 must not be charged. */
  readonly charge: TemperatureWindow;
  readonly discharge: TemperatureWindow;
  /** Usable share of the charge by temperature, °C; never above 1. */
  readonly capacityByC: Points;
  /** Allowed share of the charge current by temperature, °C; 0 means do not charge. */
  readonly chargeCurrentByC: Points;
  readonly trust: VoltageTrust;
  /** Figures without a source we could check, by name. */
  readonly unverified: readonly string[];
}

/** The three tables on one grid, which the runtime integral walks. */
export interface ChemistryGrid {
  readonly soc: Float64Array;
  readonly ocvV: Float64Array;
  readonly resistanceOhmAh: Float64Array;
}

/** All we know of one kind of cell, compiled for lookup. Make one with `defineChemistry`. */
export interface Chemistry {
  readonly facts: ChemistryFacts;
  readonly limits: CellLimits;
  readonly ocv: Curve;
  readonly hysteresis: Curve;
  readonly resistance: Curve;
  readonly capacity: Curve;
  readonly chargeCurrent: Curve;
  readonly grid: ChemistryGrid;
}

/** @throws RangeError when a table is not usable: grids that do not rise, an OCV that does not rise with charge. */
export function defineChemistry(facts: ChemistryFacts): Chemistry {
  const ocv = curveOf(facts.ocvV);
  if (at(ocv.x, 0) !== 0 || at(ocv.x, ocv.x.length - 1) !== 1) {
    throw new RangeError(`${facts.title}: the OCV table must span charge 0 to 1`);
  }
  for (let i = 1; i < ocv.y.length; i++) {
    if (at(ocv.y, i) <= at(ocv.y, i - 1)) throw new RangeError(`${facts.title}: OCV must rise, point ${i} does not`);
  }
  const resistance = curveOf(facts.resistanceOhmAh);
  const nodes = new Set([...ocv.x, ...resistance.x.filter((soc) => soc >= 0 && soc <= 1)]);
  const soc = Float64Array.from(nodes).sort();
  return {
    facts,
    limits: facts.limits,
    ocv,
    hysteresis: curveOf(facts.hysteresisV ?? [[0, 0]]),
    resistance,
    capacity: curveOf(facts.capacityByC),
    chargeCurrent: curveOf(facts.chargeCurrentByC),
    grid: {
      soc,
      ocvV: soc.map((s) => valueAt(ocv, s)),
      resistanceOhmAh: soc.map((s) => valueAt(resistance, s)),
    },
  };
}

/** Open-circuit voltage of one cell, V; the end values outside 0..1. */
export function ocvAt(chemistry: Chemistry, socRatio: number): number {
  return valueAt(chemistry.ocv, socRatio);
}

/** State of charge 0..1 whose open-circuit voltage this is; 0 or 1 outside the table. */
export function socAtOcv(chemistry: Chemistry, cellV: number): number {
  return inverseAt(chemistry.ocv, cellV);
}

/** Usable share of the rated charge at this temperature, 0..1. Unknown temperature: 1. */
export function capacityFactor(chemistry: Chemistry, temperatureC?: number): number {
  return Number.isFinite(temperatureC) ? Math.min(1, valueAt(chemistry.capacity, temperatureC ?? 25)) : 1;
}

/** Share of the charge current that is allowed at this temperature, 0..1; 0: must not be charged. */
export function chargeCurrentFactor(chemistry: Chemistry, temperatureC: number): number {
  return valueAt(chemistry.chargeCurrent, temperatureC);
}
