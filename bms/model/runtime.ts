import { capacityFactor } from './chemistry/chemistry.ts';
import { at, segmentOf } from './chemistry/curve.ts';
import { cutoffV, fixedOhm, healthyAh, ohmPerOhmAh, type PackSpec } from './pack.ts';

/**
 * Discharge at constant power. With E the open-circuit voltage and R the resistance of the pack, the terminals show
 * V = (E + √(E² - 4RP)) / 2, so energy and time follow from ∫V ds: no marching through time.
 */

export interface Draw {
  /** State of charge at the start, 0..1. */
  readonly socRatio: number;
  /** Taken from the pack's terminals, W; below 0 counts as 0. */
  readonly powerW: number;
  /** Of the coldest cell; 25 °C when unknown. */
  readonly temperatureC?: number | undefined;
  /** Stop here at the latest, 0..1, even if the cut-off voltage is not reached. */
  readonly floorSoc?: number | undefined;
}

/**
 * Energy the pack delivers at this power until its cut-off, Wh. At 0 W the open-circuit voltage decides.
 * A power the pack cannot deliver gives 0, and so does a figure that is not a number.
 */
export function deliverableEnergyWh(spec: PackSpec, draw: Draw): number {
  const { socRatio, powerW, temperatureC } = draw;
  if (Number.isNaN(socRatio) || Number.isNaN(powerW)) return 0;
  return energyBetweenWh(spec, socRatio, stopSoc(spec, draw), powerW, temperatureC);
}

/** Time until the cut-off at this power, s; Infinity at no load, 0 when the pack cannot deliver the power. */
export function runtimeS(spec: PackSpec, draw: Draw): number {
  if (draw.powerW <= 0) return Number.POSITIVE_INFINITY;
  return durationOf(deliverableEnergyWh(spec, draw), draw.powerW);
}

/** State of charge at which the terminals reach the cut-off at this power, or the floor; the start when at once. */
export function stopSoc(spec: PackSpec, draw: Draw): number {
  const start = unit(draw.socRatio);
  const floor = Math.min(unit(draw.floorSoc ?? 0), start);
  const powerW = Math.max(draw.powerW, 0);
  const { soc, ocvV, resistanceOhmAh } = spec.chemistry.grid;
  const lowV = cutoffV(spec);
  const fixed = fixedOhm(spec, draw.temperatureC);
  const perOhmAh = ohmPerOhmAh(spec, draw.temperatureC);

  // Downwards from the start, because the first crossing ends the discharge: with R rising again somewhere below full
  // there can be several at high power.
  let i = segmentOf(soc, start);
  let upper = start;
  let upperE = spec.cells * along(soc, ocvV, i, start);
  let upperR = fixed + perOhmAh * along(soc, resistanceOhmAh, i, start);
  if (!(upperE >= neededV(lowV, upperR, powerW))) return start;
  for (; i >= 0; i--) {
    const lower = Math.max(at(soc, i), floor);
    const lowerE = spec.cells * along(soc, ocvV, i, lower);
    const lowerR = fixed + perOhmAh * along(soc, resistanceOhmAh, i, lower);
    if (lowerE < neededV(lowV, lowerR, powerW)) {
      return crossing(lowV, powerW, lower, lowerE, lowerR, upper, upperE, upperR);
    }
    if (lower <= floor) return floor;
    upper = lower;
    upperE = lowerE;
    upperR = lowerR;
  }
  return floor;
}

/** Energy at the terminals while the charge falls from `from` to `to` at constant power, Wh; 0 when it does not fall. */
export function energyBetweenWh(
  spec: PackSpec,
  from: number,
  to: number,
  powerW: number,
  temperatureC?: number,
): number {
  const top = unit(from);
  const bottom = unit(to);
  if (!(top > bottom)) return 0;
  const power = Math.max(powerW, 0);
  const { soc, ocvV, resistanceOhmAh } = spec.chemistry.grid;
  const fixed = fixedOhm(spec, temperatureC);
  const perOhmAh = ohmPerOhmAh(spec, temperatureC);

  let volts = 0;
  let a = bottom;
  let i = segmentOf(soc, bottom);
  let aE = spec.cells * along(soc, ocvV, i, a);
  let aR = fixed + perOhmAh * along(soc, resistanceOhmAh, i, a);
  while (a < top) {
    const b = Math.min(at(soc, i + 1), top);
    const bE = spec.cells * along(soc, ocvV, i, b);
    const bR = fixed + perOhmAh * along(soc, resistanceOhmAh, i, b);
    const middle = terminalV((aE + bE) / 2, (aR + bR) / 2, power);
    volts += ((b - a) / 6) * (terminalV(aE, aR, power) + 4 * middle + terminalV(bE, bR, power));
    a = b;
    aE = bE;
    aR = bR;
    i++;
  }
  return volts * healthyAh(spec) * capacityFactor(spec.chemistry, temperatureC);
}

export type DischargeEnd = 'cut-off' | 'floor' | 'time' | 'never';

export interface Discharge {
  readonly energyWh: number;
  /** Infinity when nothing ends it: no load and no time limit. */
  readonly durationS: number;
  /** State of charge at the end, 0..1. */
  readonly socRatio: number;
  readonly endedBy: DischargeEnd;
}

/** One stretch at constant power until the cut-off, the floor, or `durationS`, whichever comes first. */
export function discharge(spec: PackSpec, draw: Draw, durationS = Number.POSITIVE_INFINITY): Discharge {
  const start = unit(draw.socRatio);
  if (draw.powerW <= 0) {
    const endless = durationS === Number.POSITIVE_INFINITY;
    return { energyWh: 0, durationS, socRatio: start, endedBy: endless ? 'never' : 'time' };
  }
  const end = stopSoc(spec, draw);
  const energyWh = deliverableEnergyWh(spec, draw);
  const wantedWh = (draw.powerW * Math.max(durationS, 0)) / 3600;
  if (wantedWh < energyWh) {
    const socRatio = socAfter(spec, draw, start, end, wantedWh);
    return { energyWh: wantedWh, durationS: Math.max(durationS, 0), socRatio, endedBy: 'time' };
  }
  const floored = stopSoc(spec, { ...draw, floorSoc: 0 }) < end;
  return {
    energyWh,
    durationS: durationOf(energyWh, draw.powerW),
    socRatio: end,
    endedBy: floored ? 'floor' : 'cut-off',
  };
}

/** Voltage at the terminals while this power is drawn, V; half the open-circuit voltage at the most power there is. */
export function terminalV(openV: number, ohm: number, powerW: number): number {
  return (openV + Math.sqrt(Math.max(openV * openV - 4 * ohm * powerW, 0))) / 2;
}

/** Open-circuit voltage needed to hold the terminals at `lowV`, or to deliver the power at all. */
function neededV(lowV: number, ohm: number, powerW: number): number {
  const product = ohm * powerW;
  return product <= lowV * lowV ? lowV + product / lowV : 2 * Math.sqrt(product);
}

function crossing(
  lowV: number,
  powerW: number,
  lower: number,
  lowerE: number,
  lowerR: number,
  upper: number,
  upperE: number,
  upperR: number,
): number {
  if (Math.max(lowerR, upperR) * powerW <= lowV * lowV) {
    // E, R and so the needed voltage are straight lines here.
    const below = lowerE - neededV(lowV, lowerR, powerW);
    const above = upperE - neededV(lowV, upperR, powerW);
    return lower + ((upper - lower) * below) / (below - above);
  }
  let low = 0;
  let high = 1;
  for (let n = 0; n < 50; n++) {
    const t = (low + high) / 2;
    const margin = lowerE + t * (upperE - lowerE) - neededV(lowV, lowerR + t * (upperR - lowerR), powerW);
    if (margin < 0) low = t;
    else high = t;
  }
  return lower + high * (upper - lower);
}

/** State of charge once `wantedWh` (less than there is down to `end`) were delivered. */
function socAfter(spec: PackSpec, draw: Draw, start: number, end: number, wantedWh: number): number {
  let low = end;
  let high = start;
  for (let n = 0; n < 60; n++) {
    const middle = (low + high) / 2;
    if (energyBetweenWh(spec, start, middle, draw.powerW, draw.temperatureC) > wantedWh) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** y at x inside segment i of a grid. */
function along(grid: Float64Array, y: Float64Array, i: number, x: number): number {
  const x0 = at(grid, i);
  const y0 = at(y, i);
  return y0 + ((x - x0) / (at(grid, i + 1) - x0)) * (at(y, i + 1) - y0);
}

const durationOf = (energyWh: number, powerW: number): number => (energyWh > 0 ? (energyWh / powerW) * 3600 : 0);

const unit = (ratio: number): number => (ratio > 0 ? Math.min(ratio, 1) : 0);
