import { ocvAt, packResistanceOhm } from '#bms/model';
import { type PlannedPack, packSpecOf } from '../model/battery.ts';
import { leastSquares, type Parameter, type Solution } from './least-squares.ts';
import type { OutageWindow } from './window.ts';

export interface Estimate {
  readonly value: number;
  /** Standard deviation; the truth is within two of them in 19 of 20 cases. */
  readonly sigma: number;
}

/** What an outage says of the pack it ran on. */
export interface PackFit {
  /** Usable charge of the whole pack, Ah, as the recording's own meter counts it. */
  readonly capacityAh: Estimate;
  /** Against the planned one (age and cold as planned included). */
  readonly capacityRatio: Estimate;
  /** Resistance of the whole pack against the planned one, and in ohm at half charge. */
  readonly resistanceRatio: Estimate;
  readonly resistanceOhm: Estimate;
  /** State of charge when the discharge began, 0..1. */
  readonly socStart: Estimate;
  /** By how much the curve of these cells differs from ours, V per cell. */
  readonly curveOffsetV: Estimate;
  /** What the fitted pack still differs from the readings, V, root of the mean square. */
  readonly residualV: number;
  /** Where a figure is mostly a belief, and why. */
  readonly notes: readonly string[];
}

/** A recording too poor to be fitted; the message says what is missing. */
export class TooLittleError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TooLittleError';
  }
}

/** Readings the fit looks at: charge is counted over all of them. */
const MOST_POINTS = 600;
/** Enough to find the hollow the truth lies in. */
const COARSE_POINTS = 120;
const FEWEST_POINTS = 20;
/** Less of the planned charge than this tells nothing. */
const LEAST_USED_RATIO = 0.05;
/** Gain error of a shunt: a capacity can be no better known than the ampere-hours. */
const METER_GAIN = 0.01;
const METER_V = 0.02;
/** By so much charge the curve of these cells may be ahead or behind of ours, 0..1; the same for all neighbours. */
const CURVE_SOC = 0.005;
const MOST_ALIKE = 0.9;

/**
 * Fits charge, resistance, first state of charge and the offset of the curve to the voltages of a discharge:
 * V = Ns (U(s) + c) - I f R(s) with s = s0 - Ah / (q Q). Where the recording does not say, the belief stays and the
 * standard deviation tells: on the flat part of LiFePO4 nothing tells the capacity before the knee.
 * @param socStart state of charge at the beginning where it is known, 0..1; the BMS's first figure when absent
 * @throws TooLittleError when there is too little of a discharge.
 */
export function fitPack(planned: PlannedPack, outage: OutageWindow, socStart?: number): PackFit {
  const spec = packSpecOf(planned);
  const planAh = spec.capacityAh * (spec.capacityRatio ?? 1);
  checkEnough(outage, planAh);
  const { cells, chemistry } = spec;
  const told = socStart ?? outage.readings.find(({ socRatio }) => socRatio !== undefined)?.socRatio;
  const parameters: readonly Parameter[] = [
    { guess: 1, sigma: 0.5, min: 0.05, max: 4 },
    { guess: 1, sigma: 1.5, min: 0, max: 20 },
    { guess: told ?? 0.9, sigma: sigmaOfStart(socStart, told), min: 0.02, max: 1 },
    { guess: 0, sigma: chemistry.facts.trust.curveSigmaV, min: -0.1, max: 0.1 },
  ];
  const curves = {
    planAh,
    cells,
    openV: tabled((soc) => cells * ocvAt(chemistry, soc)),
    ohm: tabled((soc) => packResistanceOhm(spec, soc)),
  };
  const fine = pointsOf(outage, MOST_POINTS);

  // Neither the noise nor where the curve is steep is known beforehand: found from one round, used in the next.
  const coarse = over(pointsOf(outage, COARSE_POINTS), curves, parameters);
  const rough = coarse(coarse(undefined, STARTS), STARTS);
  const whole = over(fine, curves, parameters);
  const found = whole(whole(rough, [rough.values[0] ?? 1]), [rough.values[0] ?? 1]);
  const residualV = rms(deviations(fine, curves, found.values));
  return described(found, {
    planAh,
    planOhm: packResistanceOhm(spec, 0.5),
    residualV,
    strangeness: Math.max(residualV / (cells * chemistry.facts.trust.curveSigmaV), 1),
    told,
  });
}

/** The planned pack by charge. */
interface Curves {
  readonly planAh: number;
  readonly cells: number;
  readonly openV: (soc: number) => number;
  readonly ohm: (soc: number) => number;
}

/** Looked up a million times: straight lines on a grid that holds the nodes of our tables. */
function tabled(value: (soc: number) => number): (soc: number) => number {
  const steps = 2000;
  const grid = Float64Array.from({ length: steps + 2 }, (_, i) => value(Math.min(i / steps, 1)));
  return (soc) => {
    const at = Math.min(Math.max(soc, 0), 1) * steps;
    const i = Math.floor(at);
    const low = grid[i] ?? 0;
    return low + (at - i) * ((grid[i + 1] ?? low) - low);
  };
}

const socAt = ([q = 1, , s0 = 1]: readonly number[], planAh: number, usedAh: number): number =>
  Math.min(Math.max(s0 - usedAh / (q * planAh), 0), 1);

function deviations(points: readonly Point[], curves: Curves, values: readonly number[]): Float64Array {
  const [, f = 1, , c = 0] = values;
  const { planAh, cells, openV, ohm } = curves;
  const out = new Float64Array(points.length);
  for (const [i, { usedAh, amperes, volts }] of points.entries()) {
    const soc = socAt(values, planAh, usedAh);
    out[i] = openV(soc) + cells * c - amperes * f * ohm(soc) - volts;
  }
  return out;
}

/** Where the curve is steep, a charge that differs a little from our table's is many millivolts. */
function steepV(points: readonly Point[], { planAh, openV }: Curves, values: readonly number[]): Float64Array {
  return Float64Array.from(points, ({ usedAh }) => {
    const soc = socAt(values, planAh, usedAh);
    return (openV(soc + CURVE_SOC) - openV(soc - CURVE_SOC)) / 2;
  });
}

/** A round of the fit over these points: weighted by the solution before it, begun from these shares of the charge. */
function over(points: readonly Point[], curves: Curves, parameters: readonly Parameter[]) {
  return (before: Solution | undefined, shares: readonly number[]): Solution => {
    const sigmasV =
      before === undefined
        ? points.map(() => METER_V * Math.sqrt(curves.cells))
        : sigmasOf(deviations(points, curves, before.values), steepV(points, curves, before.values));
    const residuals = (values: readonly number[]): Float64Array =>
      deviations(points, curves, values).map((one, i) => one / (sigmasV[i] ?? 1));
    const rest = (before?.values ?? parameters.map(({ guess }) => guess)).slice(1);
    return shares
      .map((share) => leastSquares(parameters, residuals, [share, ...rest]))
      .reduce((one, other) => (other.cost < one.cost ? other : one));
  };
}

/** Shares of the planned charge to begin with: the flat curve has hollows of its own. */
const STARTS = [1, 0.85, 0.7, 0.55, 0.4, 1.15, 1.35];

/**
 * Standard deviation of every reading for the fit, V. Neighbours that err the same way tell less than they seem to: with the
 * correlation r of neighbours the noise counts as √((1+r)/(1-r)) times itself.
 */
function sigmasOf(residuals: Float64Array, steepV: Float64Array): readonly number[] {
  let squares = 0;
  let neighbours = 0;
  let before = 0;
  for (const [i, one] of residuals.entries()) {
    // What the steepness explains already is no noise.
    const rest = Math.abs(one) > (steepV[i] ?? 0) ? one : Math.min(Math.abs(one), METER_V) * Math.sign(one);
    squares += rest * rest;
    neighbours += rest * before;
    before = rest;
  }
  const alike = Math.min(Math.max(squares > 0 ? neighbours / squares : 0, 0), 0.99);
  const noiseV = Math.max(Math.sqrt((squares / residuals.length) * ((1 + alike) / (1 - alike))), 1e-3);
  const seen = Math.sqrt((1 + MOST_ALIKE) / (1 - MOST_ALIKE));
  return [...steepV].map((steep) => Math.hypot(noiseV, steep * seen));
}

function rms(values: Float64Array): number {
  let squares = 0;
  for (const one of values) squares += one * one;
  return Math.sqrt(squares / values.length);
}

function sigmaOfStart(given: number | undefined, told: number | undefined): number {
  if (given !== undefined) return 0.01;
  return told === undefined ? 0.3 : 0.08;
}

function described(
  { values, sigmas }: Solution,
  known: { planAh: number; planOhm: number; residualV: number; strangeness: number; told: number | undefined },
): PackFit {
  // Cells that follow another curve than ours by more than makers differ make every figure as much less certain.
  const estimate = (i: number): Estimate => ({
    value: values[i] ?? Number.NaN,
    sigma: (sigmas[i] ?? Number.NaN) * known.strangeness,
  });
  const q = estimate(0);
  const capacityRatio = { value: q.value, sigma: Math.hypot(q.sigma, METER_GAIN * q.value) };
  const resistanceRatio = estimate(1);
  const socStart = estimate(2);
  const by = ({ value, sigma }: Estimate, factor: number): Estimate => ({
    value: value * factor,
    sigma: sigma * factor,
  });
  const notes: string[] = [];
  if (capacityRatio.sigma > 0.1 * capacityRatio.value) {
    notes.push('the capacity is a guess: the discharge did not come near the end, where the voltage tells');
  }
  if (resistanceRatio.sigma > 0.3 * Math.max(resistanceRatio.value, 0.1)) {
    notes.push('the resistance is a guess: the current hardly changed; record from a few minutes before the outage');
  }
  if (known.told === undefined && socStart.sigma > 0.05) {
    notes.push('the charge at the beginning is a guess: tell it, or record the state of charge of the BMS');
  }
  if (known.strangeness > 1) {
    notes.push('these cells follow another curve than the planner’s: trust a discharge to the end, not a part of one');
  }
  return {
    capacityAh: by(capacityRatio, known.planAh),
    capacityRatio,
    resistanceRatio,
    resistanceOhm: by(resistanceRatio, known.planOhm),
    socStart,
    curveOffsetV: estimate(3),
    residualV: known.residualV,
    notes,
  };
}

function checkEnough({ readings, usedAh, hours }: OutageWindow, planAh: number): void {
  if (readings.length < FEWEST_POINTS) {
    throw new TooLittleError(`${readings.length} readings of a discharge: at least ${FEWEST_POINTS} are needed`);
  }
  if (!(hours > 0 && usedAh > 0)) throw new TooLittleError('the pack does not discharge in it');
  const ratio = usedAh / planAh;
  if (ratio < LEAST_USED_RATIO) {
    const percent = `${Number((100 * ratio).toPrecision(2))} %`;
    throw new TooLittleError(`only ${percent} of the planned charge was used: at least 5 % must flow to tell anything`);
  }
}

interface Point {
  readonly usedAh: number;
  readonly amperes: number;
  readonly volts: number;
}

/** Every so many readings, with the charge counted over all of them. */
function pointsOf({ readings }: OutageWindow, most: number): readonly Point[] {
  const every = Math.max(Math.ceil(readings.length / most), 1);
  const points: Point[] = [];
  let usedAh = 0;
  for (const [i, { seconds, amperes, volts }] of readings.entries()) {
    const before = readings[i - 1];
    if (before !== undefined) usedAh += (((before.amperes + amperes) / 2) * (seconds - before.seconds)) / 3600;
    if (i % every === 0) points.push({ usedAh, amperes, volts });
  }
  return points;
}
