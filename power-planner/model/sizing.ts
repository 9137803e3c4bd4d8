import { deliverableEnergyWh } from '#bms/model';
import { type OcvName, type PlannedCell, packSpecOf } from './battery.ts';

/** A cell that may be bought. */
export interface Candidate {
  readonly id: string;
  readonly cell: PlannedCell;
  /** Per cell: end of charge and where the discharge stops, V. */
  readonly chargeV: number;
  readonly cutoffV: number;
  /** Continuous discharge, 1/h. */
  readonly dischargeC: number;
  /** Of one cell. */
  readonly priceUsd: number;
  readonly massKg: number;
  /** Figures of it without a source that could be checked. */
  readonly unverified?: readonly string[] | undefined;
}

export type Objective = 'cost' | 'mass' | 'hours';

export interface SizingQuestion {
  readonly busMinV: number;
  readonly busMaxV: number;
  /** From the pack, W; and its peak when that is higher. */
  readonly powerW: number;
  readonly maxPowerW?: number | undefined;
  readonly targetHours: number;
  /** Kept for the shutdown itself, Wh; 0 when absent. */
  readonly reserveWh?: number | undefined;
  /** Age and cold together, against new at 25 °C; 1 when absent. */
  readonly capacityFactor?: number | undefined;
  readonly resistanceFactor?: number | undefined;
  /** What the BMS carries for hours, A; no limit when absent. */
  readonly bmsA?: number | undefined;
  readonly objective: Objective;
  readonly maxParallel: number;
  readonly candidates: readonly Candidate[];
}

export interface SizedPack {
  readonly candidate: Candidate;
  readonly series: number;
  readonly parallel: number;
  /** Aged and cold as asked, after the reserve. */
  readonly hours: number;
  readonly energyWh: number;
  readonly costUsd: number;
  readonly massKg: number;
  /** Why it has not one string less: too little energy, too much current, or it is one string only. */
  readonly limitedBy: 'energy' | 'current' | 'one-string';
}

export interface Refusal {
  readonly id: string;
  /** No series count fits the bus; too many strings for the energy or for the current; the BMS carries too little. */
  readonly because: 'window' | 'energy' | 'current' | 'bms';
  readonly text: string;
}

export interface SizingAnswer {
  /** By the objective, best first; one per candidate and series count. */
  readonly packs: readonly SizedPack[];
  readonly winner: SizedPack | undefined;
  /** The next best of another cell, and the best of another chemistry. */
  readonly runnerUp: SizedPack | undefined;
  readonly otherChemistry: SizedPack | undefined;
  /** Nothing is at once cheaper, lighter and longer running than these. */
  readonly pareto: readonly SizedPack[];
  readonly refused: readonly Refusal[];
}

/** Exhaustive search over cells and series counts for the fewest strings that carry the load long enough. */
export function sizePack(question: SizingQuestion): SizingAnswer {
  const packs: SizedPack[] = [];
  const refused: Refusal[] = [];
  for (const candidate of question.candidates) {
    const found = packsOf(candidate, question);
    if (found.packs.length > 0) packs.push(...found.packs);
    else if (found.refusal !== undefined) refused.push(found.refusal);
  }
  packs.sort(better(question.objective));
  const [winner] = packs;
  return {
    packs,
    winner,
    runnerUp: packs.find(({ candidate }) => candidate.id !== winner?.candidate.id),
    otherChemistry: packs.find(
      ({ candidate }) => winner !== undefined && family(candidate.cell.ocv) !== family(winner.candidate.cell.ocv),
    ),
    pareto: paretoFront(packs),
    refused,
  };
}

/** Series counts whose charge and cut-off voltage stay inside the bus; from > to: none. */
export function seriesWindow(
  { chargeV, cutoffV }: Pick<Candidate, 'chargeV' | 'cutoffV'>,
  busMinV: number,
  busMaxV: number,
): { readonly from: number; readonly to: number } {
  // 16 × 2.9 V is 46.4 V, whatever floating point makes of it.
  const slack = 1e-9;
  return { from: Math.max(Math.ceil(busMinV / cutoffV - slack), 1), to: Math.floor(busMaxV / chargeV + slack) };
}

function packsOf(
  candidate: Candidate,
  question: SizingQuestion,
): { readonly packs: readonly SizedPack[]; readonly refusal?: Refusal } {
  const { busMinV, busMaxV } = question;
  const { from, to } = seriesWindow(candidate, busMinV, busMaxV);
  if (from > to) {
    const needs = `${from} cells for ${busMinV} V are ${figure(from * candidate.chargeV)} V when full`;
    return { packs: [], refusal: { id: candidate.id, because: 'window', text: `${needs}, above ${busMaxV} V` } };
  }
  const packs: SizedPack[] = [];
  let refusal: Refusal | undefined;
  for (let series = from; series <= to; series++) {
    const found = fewestStrings(candidate, series, question);
    if ('because' in found) refusal = found;
    else packs.push(found);
  }
  return { packs, ...(refusal !== undefined && { refusal }) };
}

function fewestStrings(candidate: Candidate, series: number, question: SizingQuestion): SizedPack | Refusal {
  const { powerW, targetHours, reserveWh = 0, maxParallel, bmsA = Number.POSITIVE_INFINITY } = question;
  const worstA = Math.max(question.maxPowerW ?? powerW, powerW) / (series * candidate.cutoffV);
  const refuse = (because: Refusal['because'], text: string): Refusal => ({ id: candidate.id, because, text });
  if (worstA > bmsA) return refuse('bms', `${figure(worstA)} A at the cut-off, the BMS carries ${figure(bmsA)} A`);
  const stringA = candidate.dischargeC * candidate.cell.capacityAh;
  const forCurrent = Math.max(Math.ceil(worstA / stringA - 1e-9), 1);
  if (forCurrent > maxParallel) {
    return refuse('current', `${figure(worstA)} A need ${forCurrent} strings, ${maxParallel} are allowed`);
  }
  const energyOf = (parallel: number): number => deliveredWh(candidate, series, parallel, question);
  const hoursOf = (energyWh: number): number => (energyWh - reserveWh) / powerW;
  const parallel = fewest(forCurrent, maxParallel, (strings) => hoursOf(energyOf(strings)) >= targetHours);
  if (parallel === undefined) {
    const got = figure(Math.max(hoursOf(energyOf(maxParallel)), 0));
    return refuse('energy', `${maxParallel} strings of ${series} last ${got} h of ${figure(targetHours)} h`);
  }
  const energyWh = energyOf(parallel);
  const cells = series * parallel;
  const byCurrent = parallel === 1 ? 'one-string' : 'current';
  return {
    candidate,
    series,
    parallel,
    hours: hoursOf(energyWh),
    energyWh,
    costUsd: cells * candidate.priceUsd,
    massKg: cells * candidate.massKg,
    limitedBy: parallel > forCurrent ? 'energy' : byCurrent,
  };
}

/** Smallest whole number from `low` to `high` that is enough, when more is never worse; undefined when none is. */
function fewest(low: number, high: number, enough: (count: number) => boolean): number | undefined {
  if (!enough(high)) return undefined;
  let from = low;
  let to = high;
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if (enough(middle)) to = middle;
    else from = middle + 1;
  }
  return to;
}

function deliveredWh(candidate: Candidate, series: number, parallel: number, question: SizingQuestion): number {
  const spec = packSpecOf({
    cell: candidate.cell,
    series,
    parallel,
    cutoffV: series * candidate.cutoffV,
    capacityFactor: question.capacityFactor,
    resistanceFactor: question.resistanceFactor,
  });
  return deliverableEnergyWh(spec, { socRatio: 1, powerW: question.powerW });
}

/** Cells of one family replace each other; another family is another chemistry. */
const family = (ocv: OcvName): string => (ocv.startsWith('lto') ? 'lto' : 'lfp');

function better(objective: Objective): (a: SizedPack, b: SizedPack) => number {
  const cost = (a: SizedPack, b: SizedPack): number => a.costUsd - b.costUsd;
  const mass = (a: SizedPack, b: SizedPack): number => a.massKg - b.massKg;
  const hours = (a: SizedPack, b: SizedPack): number => b.hours - a.hours;
  const order = { cost: [cost, mass, hours], mass: [mass, cost, hours], hours: [hours, cost, mass] }[objective];
  return (a, b) => order.map((compare) => compare(a, b)).find((sign) => sign !== 0) ?? 0;
}

/** By rising cost: whatever beats a pack costs no more, so it was met before, and a pack it hides is hidden by the front. */
function paretoFront(packs: readonly SizedPack[]): SizedPack[] {
  const front: SizedPack[] = [];
  for (const pack of [...packs].sort(better('cost'))) {
    if (!front.some((other) => dominates(other, pack))) front.push(pack);
  }
  return front;
}

function dominates(a: SizedPack, b: SizedPack): boolean {
  const noWorse = a.costUsd <= b.costUsd && a.massKg <= b.massKg && a.hours >= b.hours;
  return noWorse && (a.costUsd < b.costUsd || a.massKg < b.massKg || a.hours > b.hours);
}

const figure = (value: number): string => String(Number(value.toPrecision(3)));
