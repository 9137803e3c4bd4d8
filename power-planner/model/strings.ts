import { deliverableEnergyWh, type PackSpec } from '#bms/model';
import { type OcvName, packSpecOf } from './battery.ts';
import { datasheetCycles, lifeYears } from './life.ts';
import { recharge } from './recharge.ts';
import type { Candidate, Refusal, SizedPack, SizingQuestion } from './sizing.ts';

/** What a cell can do on this bus: one pack per series count, or why there is none. */
export interface Designs {
  readonly packs: readonly SizedPack[];
  readonly refusal?: Refusal;
  /** Series counts the bus leaves. */
  readonly windows: number;
}

/** Steps of a refill from empty to full while searching; within 1 % of the fine one. */
const SEARCH_STEPS = 200;

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

/** Cells of one family replace each other; another family is another chemistry. */
export const family = (ocv: OcvName): 'lto' | 'lfp' => (ocv.startsWith('lto') ? 'lto' : 'lfp');

/** The fewest strings for every series count, of which `most` are tried at most, evenly. */
export function designsOf(candidate: Candidate, question: SizingQuestion, most: number): Designs {
  const { busMinV, busMaxV } = question;
  const { from, to } = seriesWindow(candidate, busMinV, busMaxV);
  const refuse = refusing(candidate);
  if (from > to) {
    const needs = `${from} cells for ${busMinV} V are ${figure(from * candidate.chargeV)} V when full`;
    return { packs: [], windows: 0, refusal: refuse('window', `${needs}, above ${busMaxV} V`) };
  }
  const windows = to - from + 1;
  const years = yearsOf(candidate, question);
  const target = question.life?.targetYears;
  if (target !== undefined && years !== undefined && years < target) {
    const text = `at 80 % after ${figure(years)} years of ${figure(target)} years`;
    return { packs: [], windows, refusal: refuse('life', text) };
  }
  const search = { candidate, question, years, refuse, energyWh: energyByCells(candidate, question) };
  const fewestCells = cellsFor(search, to * question.maxParallel);
  const packs: SizedPack[] = [];
  let refusal: Refusal | undefined;
  for (let n = 0; n < Math.min(windows, most); n++) {
    const series = windows <= most ? from + n : from + Math.floor((n * (windows - 1)) / Math.max(most - 1, 1));
    const found = fewestStrings(search, series, fewestCells);
    if ('because' in found) refusal = found;
    else packs.push(found);
  }
  return { packs, windows, ...(refusal !== undefined && { refusal }) };
}

interface Search {
  readonly candidate: Candidate;
  readonly question: SizingQuestion;
  readonly years: number | undefined;
  readonly refuse: (because: Refusal['because'], text: string) => Refusal;
  /** Of a pack of so many cells, whatever way they are wired. */
  readonly energyWh: (cells: number) => number;
}

const refusing =
  ({ id }: Candidate) =>
  (because: Refusal['because'], text: string): Refusal => ({ id, because, text });

function fewestStrings(search: Search, series: number, fewestCells: number | undefined): SizedPack | Refusal {
  const { candidate, question, refuse, energyWh } = search;
  const { powerW, targetHours, maxParallel, bmsA = Number.POSITIVE_INFINITY } = question;
  const worstA = Math.max(question.maxPowerW ?? powerW, powerW) / (series * candidate.cutoffV);
  if (worstA > bmsA) return refuse('bms', `${figure(worstA)} A at the cut-off, the BMS carries ${figure(bmsA)} A`);
  const stringA = candidate.dischargeC * candidate.cell.capacityAh;
  const forCurrent = Math.max(Math.ceil(worstA / stringA - 1e-9), 1);
  if (forCurrent > maxParallel) {
    return refuse('current', `${figure(worstA)} A need ${forCurrent} strings, ${maxParallel} are allowed`);
  }
  const parallel = Math.max(forCurrent, fewestCells === undefined ? maxParallel + 1 : Math.ceil(fewestCells / series));
  if (parallel > maxParallel) {
    const got = figure(Math.max(hoursOf(search, series * maxParallel), 0));
    return refuse('energy', `${maxParallel} strings of ${series} last ${got} h of ${figure(targetHours)} h`);
  }
  const cells = series * parallel;
  const byCurrent = parallel === 1 ? 'one-string' : 'current';
  return withinLimits(search, {
    candidate,
    series,
    parallel,
    hours: hoursOf(search, cells),
    energyWh: energyWh(cells),
    costUsd: cells * candidate.priceUsd,
    massKg: cells * candidate.massKg,
    rechargeHours: undefined,
    years: search.years,
    limitedBy: parallel > forCurrent ? 'energy' : byCurrent,
  });
}

/** Every string more is heavier, dearer and slower to refill: what the fewest strings miss, no number of them meets. */
function withinLimits({ question, refuse }: Search, pack: SizedPack): SizedPack | Refusal {
  const { maxMassKg = Number.POSITIVE_INFINITY, maxCostUsd = Number.POSITIVE_INFINITY, charge } = question;
  const what = `${pack.series}s${pack.parallel}p`;
  if (pack.massKg > maxMassKg) {
    return refuse('mass', `${what} weighs ${figure(pack.massKg)} kg of ${figure(maxMassKg)} kg`);
  }
  if (pack.costUsd > maxCostUsd) {
    return refuse('cost', `${what} costs ${figure(pack.costUsd)} of ${figure(maxCostUsd)} dollars`);
  }
  if (charge === undefined) return pack;
  const rechargeHours = refillHours(pack, question);
  if (rechargeHours === Number.POSITIVE_INFINITY) return refuse('recharge', `${what} cannot be charged so`);
  const { withinHours = Number.POSITIVE_INFINITY } = charge;
  if (rechargeHours > withinHours) {
    return refuse('recharge', `${what} is full after ${figure(rechargeHours)} h of ${figure(withinHours)} h`);
  }
  return { ...pack, rechargeHours };
}

function refillHours({ candidate, series, parallel }: SizedPack, question: SizingQuestion): number {
  const { charge, capacityFactor, resistanceFactor } = question;
  const answer = recharge(
    {
      pack: { cell: candidate.cell, series, parallel, capacityFactor, resistanceFactor },
      powerDcW: charge?.powerDcW,
      currentA: charge?.currentA,
      temperatureC: charge?.temperatureC,
      cellChargeC: candidate.chargeC,
      holdCellV: candidate.chargeV,
      tailC: 0.02,
    },
    SEARCH_STEPS,
  );
  return answer.hours;
}

/** By the most cautious law, and no longer than the maker's own cycles last. */
function yearsOf({ cell, cycles }: Candidate, { life }: SizingQuestion): number | undefined {
  if (life === undefined) return undefined;
  const [cautious] = lifeYears(family(cell.ocv) === 'lto' ? 'lto' : 'lifepo4', life.standby, life.use);
  const years = cautious?.years;
  const { cyclesPerYear, depthRatio } = life.use;
  if (years === undefined || cycles === undefined || cycles.length === 0 || !(cyclesPerYear > 0)) return years;
  return Math.min(years, datasheetCycles(cycles, depthRatio) / cyclesPerYear);
}

const hoursOf = ({ energyWh, question }: Search, cells: number): number =>
  (energyWh(cells) - (question.reserveWh ?? 0)) / question.powerW;

/**
 * Without wiring every cell carries the same share, so the energy depends on the number of cells alone: it is that of
 * one cell at its share of the power, times the cells.
 */
function energyByCells(
  { cell, cutoffV }: Candidate,
  { powerW, capacityFactor, resistanceFactor }: SizingQuestion,
): (cells: number) => number {
  const one: PackSpec = packSpecOf({ cell, series: 1, parallel: 1, cutoffV, capacityFactor, resistanceFactor });
  return (cells) => cells * deliverableEnergyWh(one, { socRatio: 1, powerW: powerW / cells });
}

/** Fewest cells that last long enough; undefined when `most` do not. */
function cellsFor(search: Search, most: number): number | undefined {
  const enough = (cells: number): boolean => hoursOf(search, cells) >= search.question.targetHours;
  if (!enough(most)) return undefined;
  let from = 1;
  let to = most;
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if (enough(middle)) to = middle;
    else from = middle + 1;
  }
  return to;
}

const figure = (value: number): string => String(Number(value.toPrecision(3)));
