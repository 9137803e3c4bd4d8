import { healthyAh, type PackSpec } from './pack.ts';
import { readPack } from './reading.ts';
import { deliverableEnergyWh } from './runtime.ts';
import { isSpent } from './sagging.ts';
import type { PackSample } from './sample.ts';
import type { SocState } from './soc.ts';

/** One pack of the bank. Without a fresh sample and a state of charge it counts as missing: it gives no energy. */
export interface BankMember {
  /** As it is now: without modules that are missing. */
  readonly spec: PackSpec;
  /** As it is configured, where that is more. */
  readonly configured?: PackSpec | undefined;
  readonly sample?: PackSample | undefined;
  readonly soc?: SocState | undefined;
  /** True when the sample is old and the charge was reckoned on from it (`reckonedOn`). */
  readonly reckoned?: boolean | undefined;
}

/**
 * All packs in parallel on one DC bus as one source of energy. Sums and means are over the packs that are there; what a
 * reckoned one gives is taken to be its share by capacity.
 */
export interface BankFigure {
  /** Every member has a sample and a state of charge. */
  readonly complete: boolean;
  readonly voltageV?: number;
  /** Positive charges; absent when one of the packs does not tell. */
  readonly currentA?: number;
  readonly powerW?: number;
  /** 0..1, weighted by capacity, with its standard deviation; packs that disagree make it wider. */
  readonly socRatio?: number;
  readonly socSigma?: number;
  /**
   * Deliverable at the load until the cut-off, Wh; and the same two sigma low. Packs that are switched off give nothing,
   * nor do those of which a cell does not hold its voltage at the present load.
   */
  readonly usableWh?: number;
  readonly usableLowWh?: number;
  /** All configured packs, full, at 25 °C and no load, Wh: a constant of the configuration. */
  readonly fullWh: number;
  /** `usableWh` at this load, s; absent at no load. */
  readonly runtimeS?: number;
  readonly weakestCellV?: number;
  /** Largest spread between the cells of one pack, V. */
  readonly cellSpreadV?: number;
}

/** How many standard deviations the cautious figure lies low. */
const CAUTIOUS_SIGMAS = 2;
/** A discharge above this C-rate through a switch reported open: the report is wrong, not the current. */
const FLOWING_C = 0.02;

/**
 * The bank at `loadW` (taken from the bus, W; charging counts as 0).
 * Members of a bank share the load by the charge they have left, so that they run empty together.
 */
export function bankFigure(members: readonly BankMember[], loadW: number): BankFigure {
  const present = members.filter(isPresent);
  const fullWh = sum(members.map(({ spec, configured }) => whenFullWh(configured ?? spec)));
  const complete = members.every((member) => isPresent(member) && !member.reckoned);
  if (present.length === 0) return { complete, fullWh };

  const usableWh = usableOf(present, loadW, 0);
  return {
    complete,
    fullWh,
    ...electrical(present),
    socRatio: meanSoc(present),
    socSigma: sum(present.map((member) => member.soc.sigma * share(member, present))) + disagreement(present),
    usableWh,
    usableLowWh: usableOf(present, loadW, CAUTIOUS_SIGMAS),
    ...(loadW > 0 && { runtimeS: (usableWh / loadW) * 3600 }),
    ...cells(present),
  };
}

/**
 * Energy the bank delivers at a load it need not have now, Wh; absent when no pack is there.
 * @param sigmas how many standard deviations below the state of charge to reckon with; 0: the best estimate
 */
export function bankUsableWh(members: readonly BankMember[], loadW: number, sigmas = 0): number | undefined {
  const present = members.filter(isPresent);
  return present.length === 0 ? undefined : usableOf(present, loadW, sigmas);
}

/** By pack: an integral that would else be taken at every look at the bank. */
const fullWhOf = new WeakMap<PackSpec, number>();

function whenFullWh(spec: PackSpec): number {
  const known = fullWhOf.get(spec);
  if (known !== undefined) return known;
  const fullWh = deliverableEnergyWh(spec, { socRatio: 1, powerW: 0 });
  fullWhOf.set(spec, fullWh);
  return fullWh;
}

interface Present {
  readonly spec: PackSpec;
  readonly sample: PackSample;
  readonly soc: SocState;
  readonly reckoned?: boolean | undefined;
}

function isPresent(member: BankMember): member is Present {
  return member.sample !== undefined && member.soc !== undefined;
}

function usableOf(present: readonly Present[], loadW: number, sigmas: number): number {
  const able = present.filter(canDeliver);
  const left = sum(able.map(chargeAh));
  if (left <= 0) return 0;
  const extra = disagreement(present);
  return sum(
    able.map((member) =>
      deliverableEnergyWh(member.spec, {
        socRatio: member.soc.socRatio - sigmas * (member.soc.sigma + extra),
        powerW: Math.max(loadW, 0) * (chargeAh(member) / left),
        temperatureC: readPack(member.sample, member.spec).coldestC,
      }),
    ),
  );
}

function canDeliver({ spec, sample, soc }: Present): boolean {
  if (isSpent(soc.sagging)) return false;
  if (sample.dischargeFetClosed !== false) return true;
  return (readPack(sample, spec).currentA ?? 0) < -FLOWING_C * spec.capacityAh;
}

const chargeAh = ({ spec, soc }: Present): number => soc.socRatio * healthyAh(spec);

const share = ({ spec }: Present, all: readonly Present[]): number =>
  healthyAh(spec) / sum(all.map((member) => healthyAh(member.spec)));

const meanSoc = (all: readonly Present[]): number => sum(all.map((member) => member.soc.socRatio * share(member, all)));

/** Spread of the packs' states of charge that their own sigmas do not explain: they hang on one bus and should agree. */
function disagreement(all: readonly Present[]): number {
  const mean = meanSoc(all);
  const spread = sum(all.map((member) => share(member, all) * (member.soc.socRatio - mean) ** 2));
  const explained = sum(all.map((member) => share(member, all) * member.soc.sigma ** 2));
  return Math.sqrt(Math.max(spread - explained, 0));
}

function electrical(present: readonly Present[]): Pick<BankFigure, 'voltageV' | 'currentA' | 'powerW'> {
  const all = present.filter(({ reckoned }) => !reckoned);
  // Packs on one bus share its current by capacity, heard or not.
  const whole = sum(
    present.filter((member) => !member.reckoned || canDeliver(member)).map(({ spec }) => healthyAh(spec)),
  );
  const heard = sum(all.map(({ spec }) => healthyAh(spec)));
  const grown = heard > 0 ? whole / heard : 1;
  const volts = all.map(({ sample }) => sample.voltageV).filter((voltageV) => voltageV !== undefined);
  const amperes = told(all.map((member) => readPack(member.sample, member.spec).currentA));
  const watts = told(
    all.map(({ sample, spec }) => {
      const { currentA } = readPack(sample, spec);
      const product = sample.voltageV !== undefined && currentA !== undefined ? sample.voltageV * currentA : undefined;
      return sample.powerW ?? product;
    }),
  );
  return {
    ...(volts.length > 0 && { voltageV: sum(volts) / volts.length }),
    ...(amperes !== undefined && amperes.length > 0 && { currentA: sum(amperes) * grown }),
    ...(watts !== undefined && watts.length > 0 && { powerW: sum(watts) * grown }),
  };
}

function cells(all: readonly Present[]): Pick<BankFigure, 'weakestCellV' | 'cellSpreadV'> {
  const readings = all
    .filter(({ sample, reckoned }) => !reckoned && (sample.cellsV?.length ?? 0) > 0)
    .map(({ sample, spec }) => readPack(sample, spec));
  const lowest = readings.map(({ lowestCellV }) => lowestCellV).filter((cellV) => cellV !== undefined);
  const spreads = readings.map((reading) => (reading.highestCellV ?? 0) - (reading.lowestCellV ?? 0));
  if (lowest.length === 0) return {};
  return { weakestCellV: Math.min(...lowest), cellSpreadV: Math.max(...spreads) };
}

/** A pack that is not heard is taken to be emptied this much faster than those that are. */
const RECKONED_FASTER = 1.2;
/** What silence adds to the doubt at once, and by how much of what is reckoned, 0..1. */
const SILENT_SIGMA = 0.03;
const RECKONED_SIGMA = 0.2;

/**
 * The charge of a pack that has fallen silent while others on the same bus are heard: it goes the way they go, and it
 * is never taken to charge.
 * @param othersFell by how much the charge of the others has fallen since it was last heard, 0..1; below 0 counts as 0
 */
export function reckonedOn(soc: SocState, othersFell: number): SocState {
  const fell = Math.max(0, othersFell) * RECKONED_FASTER;
  const sigma = Math.min(0.5, soc.sigma + SILENT_SIGMA + RECKONED_SIGMA * fell);
  return { ...soc, socRatio: Math.max(0, soc.socRatio - fell), sigma };
}

/** The values when every one is there. */
function told(values: readonly (number | undefined)[]): readonly number[] | undefined {
  const there = values.filter((value) => value !== undefined);
  return there.length === values.length ? there : undefined;
}

function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
