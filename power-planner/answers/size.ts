import { chemistryOf } from '#bms/model';
import { CELLS } from '../model/catalogue.ts';
import { derate } from '../model/derate.ts';
import { agedResistanceFactor } from '../model/life.ts';
import { type Candidate, type Refusal, type SizedPack, sizePack } from '../model/sizing.ts';
import type { Scenario } from '../scenario/schema.ts';
import type { Answer } from './answer.ts';
import { budgetOf } from './budget.ts';
import { chainOf } from './chain.ts';
import { findingOf, findingsOf, PACK_CHECKLIST, sortedFindings } from './findings.ts';
import { resolve } from './resolve.ts';

/** A pack that can be bought, in plain figures. */
export interface PackOffer {
  readonly cell: string;
  readonly chemistry: 'lifepo4' | 'lto';
  readonly series: number;
  readonly parallel: number;
  /** At the end of its life in the cold, after the reserve. */
  readonly hours: number;
  readonly energyWh: number;
  readonly costUsd: number;
  readonly massKg: number;
  /** From empty to full. */
  readonly rechargeHours?: number;
  /** To 80 %, by the most cautious law. */
  readonly years?: number;
  readonly fullV: number;
  readonly cutoffV: number;
  /** Why it has not one string less. */
  readonly limitedBy: SizedPack['limitedBy'];
  readonly unverified: readonly string[];
}

export interface SizeAnswer extends Answer {
  readonly targetHours: number;
  readonly packW: number;
  readonly peakW: number;
  readonly busMinV: number;
  readonly busMaxV: number;
  readonly healthRatio: number;
  readonly coldestC: number;
  readonly objective: string;
  readonly reserveWh: number;
  readonly winner?: PackOffer;
  readonly runnerUp?: PackOffer;
  readonly otherChemistry?: PackOffer;
  readonly pareto: readonly PackOffer[];
  /** All that fulfil the wishes, best first. */
  readonly offers: readonly PackOffer[];
  readonly refused: readonly Refusal[];
  /** Why not every series count was tried; absent when all were. */
  readonly thinned?: string;
}

const DEFAULT_HOURS = 4;
const DEFAULT_BUS_V = [44, 57] as const;

/** Which pack is needed? By the wishes of the scenario, at the end of life and in the cold. */
export function sizeOf(scenario: Scenario): SizeAnswer {
  const { wishes, endHealth, charger, use } = scenario;
  const rack = resolve(scenario);
  const packW = scenario.packWatts ?? chainOf(rack, scenario.level).packW;
  const peakW = Math.max(packW, scenario.packWatts ?? chainOf(rack, 'max').packW);
  const coldestC = Math.min(scenario.coldestC, scenario.temperatureC);
  const [busMinV, busMaxV] = wishes.busVolts ?? DEFAULT_BUS_V;
  const targetHours = wishes.hours ?? DEFAULT_HOURS;
  const reserveWh = (packW * scenario.reserve.shutdownMinutes * scenario.reserve.margin) / 60;
  const freeA = budgetOf(scenario).rows.find(({ level }) => level === scenario.level)?.headroomA ?? 0;
  const powerFactor = charger?.powerFactor ?? 0.95;
  const circuitW = Math.max(freeA, 0) * scenario.circuit.volts * powerFactor * (charger?.efficiency ?? 0.92);
  const answers = wishes.chemistries.map((chemistry) => {
    const cold = derate(chemistry, coldestC);
    return sizePack({
      busMinV,
      busMaxV,
      powerW: packW,
      maxPowerW: peakW,
      targetHours,
      reserveWh,
      capacityFactor: endHealth * cold.capacityFactor,
      resistanceFactor: agedResistanceFactor(endHealth) * cold.resistanceFactor,
      bmsA: scenario.pack?.bmsAmps,
      maxMassKg: wishes.maxMassKg,
      maxCostUsd: wishes.maxCostUsd,
      charge: {
        powerDcW: Math.min(circuitW, charger?.watts ?? Number.POSITIVE_INFINITY),
        currentA: charger?.amps,
        temperatureC: scenario.temperatureC,
        withinHours: wishes.chargeHours,
      },
      life: {
        standby: { temperatureC: scenario.temperatureC, socRatio: scenario.pack?.standbySoc ?? 1 },
        use: { cyclesPerYear: use.outagesPerYear, depthRatio: use.depth, cRate: 1 / targetHours },
        targetYears: wishes.years,
      },
      objective: wishes.objective,
      maxParallel: wishes.maxParallel,
      candidates: CELLS.filter(
        (one) => chemistryOfCandidate(one) === chemistry && (wishes.cells ?? [one.id]).includes(one.id),
      ),
    });
  });
  const offers = answers.flatMap(({ packs }) => packs.map(offerOf)).sort(byObjective(wishes.objective));
  const [winner] = offers;
  const runnerUp = offers.find(({ cell }) => cell !== winner?.cell);
  const other = offers.find(({ chemistry }) => winner !== undefined && chemistry !== winner.chemistry);
  const thinned = answers.map((one) => one.thinned).find((text) => text !== undefined);
  const limits = winner === undefined ? undefined : chemistryOf(winner.chemistry);
  return {
    name: scenario.name,
    targetHours,
    packW,
    peakW,
    busMinV,
    busMaxV,
    healthRatio: endHealth,
    coldestC,
    objective: wishes.objective,
    reserveWh,
    ...(winner !== undefined && { winner }),
    ...(runnerUp !== undefined && { runnerUp }),
    ...(other !== undefined && { otherChemistry: other }),
    pareto: front(answers.flatMap(({ pareto }) => pareto.map(offerOf))),
    offers,
    refused: answers.flatMap(({ refused }) => refused),
    ...(thinned !== undefined && { thinned }),
    findings: sortedFindings([
      winner === undefined
        ? [findingOf('RUNTIME_BELOW_TARGET', 'no pack of the catalogue fulfils the wishes')]
        : findingsOf({
            series: winner.series,
            parallel: winner.parallel,
            fullV: winner.fullV,
            cutoffV: winner.cutoffV,
            chemistry: limits?.facts.id === 'lto' ? 'LTO' : 'LFP',
            unverified: winner.unverified,
            rechargeHours: winner.rechargeHours,
            ratedWh: winner.energyWh,
            indoors: scenario.pack?.indoors,
          }),
    ]),
    assumptions: [
      ...rack.assumptions,
      {
        what: 'prices',
        value: 'the middle of the range in the catalogue',
        source: 'order of magnitude only, unverified',
        verified: false,
      },
    ],
    checklist: PACK_CHECKLIST,
  };
}

const chemistryOfCandidate = ({ cell }: Candidate): 'lifepo4' | 'lto' =>
  cell.ocv.startsWith('lto') ? 'lto' : 'lifepo4';

function offerOf(pack: SizedPack): PackOffer {
  const { candidate, series, parallel, hours, energyWh, costUsd, massKg, rechargeHours, years, limitedBy } = pack;
  return {
    cell: candidate.id,
    chemistry: chemistryOfCandidate(candidate),
    series,
    parallel,
    hours,
    energyWh,
    costUsd,
    massKg,
    ...(rechargeHours !== undefined && { rechargeHours }),
    ...(years !== undefined && { years }),
    fullV: series * candidate.chargeV,
    cutoffV: series * candidate.cutoffV,
    limitedBy,
    unverified: candidate.unverified ?? [],
  };
}

function byObjective(objective: 'cost' | 'mass' | 'hours'): (a: PackOffer, b: PackOffer) => number {
  const cost = (a: PackOffer, b: PackOffer): number => a.costUsd - b.costUsd;
  const mass = (a: PackOffer, b: PackOffer): number => a.massKg - b.massKg;
  const hours = (a: PackOffer, b: PackOffer): number => b.hours - a.hours;
  const order = { cost: [cost, mass, hours], mass: [mass, cost, hours], hours: [hours, cost, mass] }[objective];
  return (a, b) => order.map((compare) => compare(a, b)).find((sign) => sign !== 0) ?? 0;
}

/** Of the fronts of all chemistries: what no other beats in cost, mass, hours and years at once. */
function front(offers: readonly PackOffer[]): readonly PackOffer[] {
  const noWorse = (a: PackOffer, b: PackOffer): boolean =>
    a.costUsd <= b.costUsd && a.massKg <= b.massKg && a.hours >= b.hours && (a.years ?? 0) >= (b.years ?? 0);
  return offers
    .filter((one) => !offers.some((other) => other !== one && noWorse(other, one) && !noWorse(one, other)))
    .sort(byObjective('cost'));
}
