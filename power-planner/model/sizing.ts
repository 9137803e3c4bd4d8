import type { PlannedCell } from './battery.ts';
import type { CycleUse, Standby } from './life.ts';
import { paretoFront } from './pareto.ts';
import { designsOf, family } from './strings.ts';

/** A cell that may be bought. */
export interface Candidate {
  readonly id: string;
  readonly cell: PlannedCell;
  /** Per cell: end of charge and where the discharge stops, V. */
  readonly chargeV: number;
  readonly cutoffV: number;
  /** Continuous discharge and charge, 1/h; without the latter only the charger limits the charge. */
  readonly dischargeC: number;
  readonly chargeC?: number | undefined;
  /** Of one cell. */
  readonly priceUsd: number;
  readonly massKg: number;
  /** Published cycles to 80 % by depth of discharge 0..1, at 25 °C. */
  readonly cycles?: readonly (readonly [depthRatio: number, cycles: number])[] | undefined;
  /** Figures of it without a source that could be checked. */
  readonly unverified?: readonly string[] | undefined;
}

export type Objective = 'cost' | 'mass' | 'hours';

/** What refills the pack beside the load: at least one of power and current. */
export interface SizingCharge {
  readonly powerDcW?: number | undefined;
  readonly currentA?: number | undefined;
  /** Of the coldest cell while it is charged, °C. */
  readonly temperatureC?: number | undefined;
  /** From empty to full in at most so many hours; any when absent. */
  readonly withinHours?: number | undefined;
}

/** How the pack lives, for its years to 80 %. */
export interface SizingLife {
  readonly standby: Standby;
  readonly use: CycleUse;
  /** At least so many years; any when absent. */
  readonly targetYears?: number | undefined;
}

export interface SizingQuestion {
  readonly busMinV: number;
  readonly busMaxV: number;
  /** From the pack, W; and its peak when that is higher. */
  readonly powerW: number;
  readonly maxPowerW?: number | undefined;
  readonly targetHours: number;
  /** Kept for the shutdown itself, Wh; 0 when absent. */
  readonly reserveWh?: number | undefined;
  /** Age and cold together, against new at 25 °C; 1 when absent. Those of the end of life make it last until then. */
  readonly capacityFactor?: number | undefined;
  readonly resistanceFactor?: number | undefined;
  /** What the BMS carries for hours, A; no limit when absent. */
  readonly bmsA?: number | undefined;
  readonly maxMassKg?: number | undefined;
  readonly maxCostUsd?: number | undefined;
  readonly charge?: SizingCharge | undefined;
  readonly life?: SizingLife | undefined;
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
  /** From empty to full; undefined when nothing is known of the charger. */
  readonly rechargeHours: number | undefined;
  /** To 80 %, by the most cautious law; undefined when nothing is known of its life. */
  readonly years: number | undefined;
  /** Why it has not one string less: too little energy, too much current, or it is one string only. */
  readonly limitedBy: 'energy' | 'current' | 'one-string';
}

export interface Refusal {
  readonly id: string;
  /**
   * No series count fits the bus; too many strings for the energy or for the current; the BMS carries too little; the
   * refill takes too long or must not be; it is too heavy, too dear, or at 80 % too soon.
   */
  readonly because: 'window' | 'energy' | 'current' | 'bms' | 'recharge' | 'mass' | 'cost' | 'life';
  readonly text: string;
}

export interface SizingAnswer {
  /** By the objective, best first; one per candidate and series count. */
  readonly packs: readonly SizedPack[];
  readonly winner: SizedPack | undefined;
  /** The next best of another cell, and the best of another chemistry. */
  readonly runnerUp: SizedPack | undefined;
  readonly otherChemistry: SizedPack | undefined;
  /** Nothing is at once cheaper, lighter, longer running and longer lived than these; by rising cost. */
  readonly pareto: readonly SizedPack[];
  readonly refused: readonly Refusal[];
  /** Why not every series count was tried; undefined when all were. */
  readonly thinned: string | undefined;
}

/** Series counts that are tried in all: far more than any real bus leaves, few enough to answer at once. */
const MOST_DESIGNS = 3000;

/**
 * Search over cells and series counts for the fewest strings that carry the load long enough. Exhaustive on every bus
 * that makes sense; on one that leaves thousands of series counts only some are tried, evenly, and `thinned` says so.
 */
export function sizePack(question: SizingQuestion): SizingAnswer {
  const { candidates, busMinV, busMaxV, objective } = question;
  const most = Math.max(Math.floor(MOST_DESIGNS / Math.max(candidates.length, 1)), 1);
  const packs: SizedPack[] = [];
  const refused: Refusal[] = [];
  let windows = 0;
  let tried = 0;
  for (const candidate of candidates) {
    const found = designsOf(candidate, question, most);
    windows += found.windows;
    tried += Math.min(found.windows, most);
    if (found.packs.length > 0) packs.push(...found.packs);
    else if (found.refusal !== undefined) refused.push(found.refusal);
  }
  packs.sort(better(objective));
  const [winner] = packs;
  return {
    packs,
    winner,
    runnerUp: packs.find(({ candidate }) => candidate.id !== winner?.candidate.id),
    otherChemistry: packs.find(
      ({ candidate }) => winner !== undefined && family(candidate.cell.ocv) !== family(winner.candidate.cell.ocv),
    ),
    pareto: paretoFront([...packs].sort(better('cost'))),
    refused,
    thinned:
      tried === windows
        ? undefined
        : `a bus of ${busMinV} to ${busMaxV} V leaves ${windows} series counts: ${tried} of them were tried, evenly`,
  };
}

function better(objective: Objective): (a: SizedPack, b: SizedPack) => number {
  const cost = (a: SizedPack, b: SizedPack): number => a.costUsd - b.costUsd;
  const mass = (a: SizedPack, b: SizedPack): number => a.massKg - b.massKg;
  const hours = (a: SizedPack, b: SizedPack): number => b.hours - a.hours;
  const years = (a: SizedPack, b: SizedPack): number => (b.years ?? 0) - (a.years ?? 0);
  const order = {
    cost: [cost, mass, hours, years],
    mass: [mass, cost, hours, years],
    hours: [hours, cost, mass, years],
  }[objective];
  return (a, b) => order.map((compare) => compare(a, b)).find((sign) => sign !== 0) ?? 0;
}
