import { anchored, type SocBelief, type SocMeasurement, sigmaOf, socFromOcv } from './anchor.ts';
import { valueAt } from './chemistry/curve.ts';
import { healthyAh, type PackSpec, packResistanceOhm } from './pack.ts';
import { type PackReading, readPack } from './reading.ts';
import { type Sagging, sagging } from './sagging.ts';
import type { PackSample } from './sample.ts';

/**
 * State of charge by counting ampere-hours, corrected by voltage where voltage knows better (`anchor.ts`).
 *
 * Counting makes the state less certain: by the share of what was counted (meter gain and true capacity, 3 %), by the
 * meter's offset over time (0.05 A or C/2000), by half the difference of two neighbouring readings, and by what may have
 * happened in a gap or without a current reading. Offset and share are systematic, so their sigmas add linearly. When it has lost its
 * thread in a long gap, it begins anew with the BMS's own percentage.
 */

/** Standard deviation of a state of charge taken over from a BMS: it may have drifted for weeks. */
const BMS_SIGMA = 0.15;
/** Know-nothing: a uniform distribution over 0..1. */
const UNKNOWN_SIGMA = 0.29;
const WIDEST_SIGMA = 0.5;
/** A count that is less certain than this has lost its thread; up to here it is our own and better than a percentage. */
const LOST_SIGMA = 2 * BMS_SIGMA;
/** Meter gain (1 %) and capacity (2..3 %) together, of every unit of charge counted. */
const COUNTED_SIGMA = 0.03;
const OFFSET_SIGMA_A = 0.05;
const OFFSET_SIGMA_C = 1 / 2000;
/** Longer between two samples than this, s, and the current in between is a guess. */
const GAP_S = 120;
const LONGEST_STEP_S = 30 * 86_400;
/** Standard deviation of the current in a gap (at least), and with no reading, as C-rate. */
const GAP_SIGMA_C = 0.05;
const NO_CURRENT_SIGMA_C = 0.1;
/** Currents below this C-rate are rest. */
const REST_C = 0.02;
const TAIL_C = 0.05;
const FULL_HOLD_S = 60;
const EMPTY_HOLD_S = 30;
/** How near to the charge voltage a cell must be on average to count as full, V. */
const FULL_MARGIN_V = 0.03;
/** A voltage that jumps more than this between two samples, V, is not at rest, whatever the current says. */
const STEADY_V = 0.03;
/** A higher voltage that was seen while a cell was low is forgotten by this, V/s: a cell that runs empty falls about as fast. */
const FADING_V_PER_S = STEADY_V / EMPTY_HOLD_S;
/** Our resistance is a table's, not this cell's: share of I·R that may be wrong. */
const RESISTANCE_SIGMA = 0.5;
/** Charge to move, as a ratio, from one branch of the hysteresis to the middle. */
const HYSTERESIS_SOC = 0.1;

export type AnchorKind = 'bms' | 'voltage' | 'rest' | 'full' | 'empty' | 'none';

/** Plain data: can be written down and read back. */
export interface SocState extends SocBelief {
  /** State of charge, 0..1. */
  readonly socRatio: number;
  /** Its standard deviation, above 0 and at most 0.5. */
  readonly sigma: number;
  /** What the figure was last anchored on, and how long ago, s. */
  readonly anchor: AnchorKind;
  readonly sinceAnchorS: number;
  /** Our figure minus the BMS's own at the latest sample; absent when the BMS tells none. */
  readonly driftRatio?: number;
  /** Which branch the cells are on: -1 after a discharge, 1 after a charge. */
  readonly branch: number;
  /** For how long the conditions of each anchor have held, s. */
  readonly restS: number;
  readonly fullS: number;
  readonly emptyS: number;
  /** Of the latest sample: current, A, and lowest cell without its I·R, V. */
  readonly currentA?: number;
  readonly restingCellV?: number;
  /** Highest of those lately, since `emptyS` began: what the cell shows when the load is least. */
  readonly emptyCellV?: number;
  readonly sagging?: Sagging;
}

/** The first state: the BMS's own figure, widely distrusted, unless the voltage knows better; else the voltage; else 0.5. */
export function socStart(sample: PackSample, spec: PackSpec): SocState {
  const reading = readPack(sample, spec);
  const bms = bmsSoc(sample, spec);
  const guess = bms ?? 0.5;
  const startSigma = bms === undefined ? UNKNOWN_SIGMA : BMS_SIGMA;
  const restingCellV = openCellV(reading, guess, spec);
  const start: SocState = {
    socRatio: guess,
    sigma: startSigma,
    countedSigma: startSigma,
    voltageSigma: 0,
    anchor: bms === undefined ? 'none' : 'bms',
    sinceAnchorS: 0,
    branch: 0,
    restS: 0,
    fullS: 0,
    emptyS: 0,
    ...(reading.currentA !== undefined && { currentA: reading.currentA }),
    ...(restingCellV !== undefined && { restingCellV }),
  };
  const heard = hear(start, reading, spec, Number.NaN, restingCellV);
  const settled = heard !== undefined && heard.sigma < start.sigma ? anchorOn(start, heard, 'voltage') : start;
  return withDrift(settled, bms);
}

/**
 * The state after one more sample.
 * @param dtS monotonic time since the sample before, s; below 0 or not a number counts as 0
 */
export function socStep(state: SocState, sample: PackSample, dtS: number, spec: PackSpec): SocState {
  const dt = dtS > 0 ? Math.min(dtS, LONGEST_STEP_S) : 0;
  const reading = readPack(sample, spec);
  const counted = count(state, reading, dt, spec);
  const held = withSagging(hold(state, counted, reading, dt, spec), reading, dt, spec);
  const bms = bmsSoc(sample, spec);
  return withDrift(askBms(anchor(held, reading, spec), bms), bms);
}

/** The BMS's own state of charge, from its ratio or its remaining charge. */
export function bmsSoc(sample: PackSample, spec: PackSpec): number | undefined {
  const { socRatio, remainingAh, fullAh } = sample;
  const full = fullAh !== undefined && fullAh > 0 ? fullAh : spec.capacityAh;
  const told = socRatio ?? (remainingAh === undefined ? Number.NaN : remainingAh / full);
  return told >= 0 && told <= 1.2 ? Math.min(told, 1) : undefined;
}

function count(state: SocState, reading: PackReading, dt: number, spec: PackSpec): SocState {
  const perAh = 1 / healthyAh(spec);
  const hours = dt / 3600;
  const { currentA: before, ...kept } = state;
  const now = reading.currentA;
  const sinceAnchorS = state.sinceAnchorS + dt;
  if (now === undefined) {
    return { ...kept, ...wider(state, 0, NO_CURRENT_SIGMA_C * hours), sinceAnchorS };
  }
  const meanA = before === undefined ? now : (before + now) / 2;
  const moved = meanA * hours * perAh;
  const offsetA = Math.max(OFFSET_SIGMA_A, OFFSET_SIGMA_C * spec.capacityAh);
  const gapA = dt > GAP_S ? Math.max(Math.abs(meanA) / 2, GAP_SIGMA_C * spec.capacityAh) : 0;
  const between = (Math.abs(now - (before ?? now)) / 2) * hours * perAh;
  return {
    ...kept,
    socRatio: unit(state.socRatio + moved),
    ...wider(state, between, COUNTED_SIGMA * Math.abs(moved) + (offsetA + gapA) * hours * perAh),
    branch: Math.min(Math.max(state.branch + moved / HYSTERESIS_SOC, -1), 1),
    currentA: now,
    sinceAnchorS,
  };
}

/** Advances the three stop-watches; a gap, a missing reading or a jumping voltage starts them again. */
function hold(before: SocState, counted: SocState, reading: PackReading, dt: number, spec: PackSpec): SocState {
  const { restingCellV: previousV, emptyCellV: highestV, ...kept } = counted;
  const restingCellV = openCellV(reading, counted.socRatio, spec);
  const { currentA, meanCellV, lowestCellV } = reading;
  const stopped = { ...kept, restS: 0, fullS: 0, emptyS: 0 };
  if (restingCellV === undefined || currentA === undefined || meanCellV === undefined || lowestCellV === undefined) {
    return stopped;
  }
  const { chargeV, kneeV } = spec.chemistry.limits;
  // A weak cell's voltage swings with the load, and is empty all the same if it never comes up again.
  const low = lowestCellV < kneeV && currentA < 0 && previousV !== undefined && dt <= GAP_S;
  const empty = low
    ? { emptyS: before.emptyS + dt, emptyCellV: Math.max(restingCellV, (highestV ?? 0) - FADING_V_PER_S * dt) }
    : { emptyS: 0 };
  const steady = previousV !== undefined && Math.abs(restingCellV - previousV) <= STEADY_V && dt <= GAP_S;
  if (!steady) return { ...stopped, ...empty, restingCellV };
  const restA = REST_C * spec.capacityAh;
  const resting = Math.abs(currentA) <= restA;
  const full = meanCellV >= chargeV - FULL_MARGIN_V && currentA >= -restA && currentA <= TAIL_C * spec.capacityAh;
  return {
    ...kept,
    ...empty,
    restingCellV,
    restS: resting ? before.restS + dt : 0,
    fullS: full ? before.fullS + dt : 0,
  };
}

function withSagging(state: SocState, reading: PackReading, dt: number, spec: PackSpec): SocState {
  const { sagging: before, ...kept } = state;
  const seen = sagging(before, reading, dt, spec);
  return seen === undefined ? kept : { ...kept, sagging: seen };
}

function anchor(state: SocState, reading: PackReading, spec: PackSpec): SocState {
  const kind = dueAnchor(state, spec);
  if (kind === undefined) return state;
  // At full and empty the current still flows and nothing has relaxed.
  const openV = kind === 'empty' ? state.emptyCellV : openCellV(reading, state.socRatio, spec);
  const heard = hear(state, reading, spec, kind === 'rest' ? state.restS : 0, openV);
  return heard === undefined ? state : anchorOn(state, heard, kind);
}

/**
 * A count that has lost its thread (a long gap) begins anew with the BMS's percentage, as it would without a past. How far the two are apart counts as doubt.
 */
function askBms(state: SocState, bms: number | undefined): SocState {
  if (bms === undefined || state.sigma <= LOST_SIGMA) return state;
  const sigma = Math.max(BMS_SIGMA, Math.abs(state.socRatio - bms));
  if (sigma >= state.sigma) return state;
  return { ...state, socRatio: bms, sigma, countedSigma: sigma, voltageSigma: 0, anchor: 'bms', sinceAnchorS: 0 };
}

function dueAnchor(state: SocState, spec: PackSpec): 'full' | 'empty' | 'rest' | undefined {
  if (state.fullS >= FULL_HOLD_S) return 'full';
  if (state.emptyS >= EMPTY_HOLD_S) return 'empty';
  return state.restS >= spec.chemistry.facts.trust.restS ? 'rest' : undefined;
}

/**
 * What the voltage says of the charge.
 * @param restS time without current, s; NaN when unknown
 * @param openV lowest cell's voltage without what the current makes of it, V
 */
function hear(
  state: SocState,
  reading: PackReading,
  spec: PackSpec,
  restS: number,
  openV: number | undefined,
): SocMeasurement | undefined {
  const { chemistry } = spec;
  const { curveSigmaV, relaxationV, relaxationS } = chemistry.facts.trust;
  if (openV === undefined) return undefined;
  const hysteresisV = valueAt(chemistry.hysteresis, state.socRatio);
  const branchV = Number.isNaN(restS) ? 0 : state.branch * hysteresisV;
  const branchSigmaV = Number.isNaN(restS) ? hysteresisV : hysteresisV / 2;
  const relaxing = Number.isNaN(restS) ? relaxationV : relaxationV * Math.exp(-restS / relaxationS);
  const dropSigmaV = RESISTANCE_SIGMA * Math.abs(cellDropV(reading, state.socRatio, spec));
  const noiseV = Math.hypot(curveSigmaV, branchSigmaV, relaxing, dropSigmaV);
  return socFromOcv(chemistry, openV - branchV, noiseV);
}

function anchorOn(state: SocState, heard: SocMeasurement, kind: AnchorKind): SocState {
  const belief = anchored(state, heard);
  if (belief === state) return state;
  return { ...state, ...belief, anchor: kind, sinceAnchorS: 0 };
}

/** Lowest cell's voltage without what the current makes of it, V. */
function openCellV(reading: PackReading, socRatio: number, spec: PackSpec): number | undefined {
  if (reading.lowestCellV === undefined) return undefined;
  return reading.lowestCellV - cellDropV(reading, socRatio, spec);
}

/** I·R of one cell, V; positive while charging. */
function cellDropV(reading: PackReading, socRatio: number, spec: PackSpec): number {
  return ((reading.currentA ?? 0) * packResistanceOhm(spec, socRatio, reading.coldestC)) / spec.cells;
}

function withDrift(state: SocState, bms: number | undefined): SocState {
  const { driftRatio: _, ...kept } = state;
  return bms === undefined ? kept : { ...kept, driftRatio: state.socRatio - bms };
}

/** The sigmas after more counting: `random` is independent of what was before, `systematic` is not. */
function wider(state: SocBelief, random: number, systematic: number): Pick<SocBelief, 'sigma' | 'countedSigma'> {
  const countedSigma = Math.min(Math.hypot(state.countedSigma, random) + systematic, WIDEST_SIGMA);
  return { countedSigma, sigma: Math.min(sigmaOf(countedSigma, state.voltageSigma), WIDEST_SIGMA) };
}

const unit = (ratio: number): number => Math.min(Math.max(ratio, 0), 1);
