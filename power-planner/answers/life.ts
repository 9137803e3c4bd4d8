import { calendarLoss, cycleLoss, datasheetCycles, LONGEST_YEARS, lifeYears } from '../model/life.ts';
import { cellRecord } from '../scenario/catalogue.ts';
import type { Scenario } from '../scenario/schema.ts';
import type { Answer, Assumption } from './answer.ts';
import { chainOf } from './chain.ts';
import { findingsOf, PACK_CHECKLIST, sortedFindings } from './findings.ts';
import { type PackFigures, resolvePack } from './pack.ts';
import { resolve } from './resolve.ts';

export interface LifeModel {
  readonly model: string;
  /** To `endHealth`; `longestYears` means that or more. */
  readonly years: number;
  readonly calendarLoss: number;
  readonly cycleLoss: number;
  /** Share of the charge left after each whole year. */
  readonly curve: readonly { readonly years: number; readonly healthRatio: number }[];
}

export interface StandbyChoice {
  readonly standbySoc: number;
  readonly temperatureC: number;
  readonly yearsMin: number;
  readonly yearsMax: number;
  /** Calendar loss in ten years by the most cautious law. */
  readonly tenYearLoss: number;
}

export interface LifeAnswer extends Answer {
  readonly pack: PackFigures;
  readonly endHealth: number;
  readonly temperatureC: number;
  readonly standbySoc: number;
  readonly outagesPerYear: number;
  readonly depth: number;
  /** The most cautious and the most hopeful law. */
  readonly yearsMin: number;
  readonly yearsMax: number;
  /** No law says anything beyond. */
  readonly longestYears: number;
  readonly models: readonly LifeModel[];
  /** The same pack at other charges and temperatures. */
  readonly choices: readonly StandbyChoice[];
  /** Of the ten-year loss, the share that standing at 80 % instead saves. */
  readonly savedAt80Ratio: number;
  /** Published full cycles at this depth; undefined without a datasheet figure. */
  readonly datasheetCycles?: number;
  readonly targetYears?: number;
}

const HALF_DAY = 0.5;

/** How long does the pack live; undefined when the scenario has no pack. */
export function lifeOf(scenario: Scenario): LifeAnswer | undefined {
  if (scenario.pack === undefined) return undefined;
  const pack = resolvePack(scenario.pack, scenario);
  const { chemistry, nominalV, packAh } = pack.figures;
  const { temperatureC, endHealth, use, wishes } = scenario;
  const standbySoc = scenario.pack.standbySoc;
  const packW = scenario.packWatts ?? chainOf(resolve(scenario), scenario.level).packW;
  const cRate = packW > 0 ? packW / nominalV / packAh : HALF_DAY;
  const cycles = { cyclesPerYear: use.outagesPerYear, depthRatio: use.depth, cRate };
  const estimate = (socRatio: number, celsius: number): ReturnType<typeof lifeYears> =>
    lifeYears(chemistry, { socRatio, temperatureC: celsius }, cycles, endHealth);
  const estimates = estimate(standbySoc, temperatureC);
  const choice = (soc: number, celsius: number): StandbyChoice => {
    const there = estimate(soc, celsius);
    return {
      standbySoc: soc,
      temperatureC: celsius,
      yearsMin: there[0]?.years ?? 0,
      yearsMax: there.at(-1)?.years ?? 0,
      tenYearLoss: Math.max(
        ...there.map(({ model }) => calendarLoss(model, { socRatio: soc, temperatureC: celsius }, 10)),
      ),
    };
  };
  const models = estimates.map(({ model, years, calendarLoss: calendar, cycleLoss: byCycles }): LifeModel => {
    const healthAt = (after: number): number => {
      const cycled = after > 0 ? cycleLoss(use.outagesPerYear * use.depth * after, use.depth, cRate) : 0;
      return Math.max(1 - calendarLoss(model, { socRatio: standbySoc, temperatureC }, after) - cycled, 0);
    };
    const last = Math.min(Math.ceil(years), 30);
    const curve = Array.from({ length: last + 1 }, (_, after) => ({ years: after, healthRatio: healthAt(after) }));
    return { model, years, calendarLoss: calendar, cycleLoss: byCycles, curve };
  });
  const now = choice(standbySoc, temperatureC);
  const at80 = choice(0.8, temperatureC);
  const published = publishedCycles(pack.figures.cell, use.depth);
  return {
    name: scenario.name,
    pack: pack.figures,
    endHealth,
    temperatureC,
    standbySoc,
    outagesPerYear: use.outagesPerYear,
    depth: use.depth,
    yearsMin: now.yearsMin,
    yearsMax: now.yearsMax,
    longestYears: LONGEST_YEARS,
    models,
    choices: [1, 0.8, 0.5].flatMap((soc) => [temperatureC, temperatureC + 10].map((celsius) => choice(soc, celsius))),
    savedAt80Ratio: now.tenYearLoss > 0 ? Math.max(1 - at80.tenYearLoss / now.tenYearLoss, 0) : 0,
    ...(published !== undefined && { datasheetCycles: published }),
    ...(wishes.years !== undefined && { targetYears: wishes.years }),
    findings: sortedFindings([
      findingsOf({
        chemistry: pack.facts.chemistry,
        standbySoc,
        temperatureC,
        yearsTo80: now.yearsMin,
        targetYears: wishes.years,
        unverified: pack.facts.unverified,
      }),
    ]),
    assumptions: [
      ...pack.assumptions,
      calendarSource(chemistry),
      {
        what: 'cycle ageing',
        value: `at ${cRate.toPrecision(2)} C, ${use.depth} deep`,
        source: 'Naumann 2020 (simses)',
        verified: true,
      },
    ],
    checklist: PACK_CHECKLIST,
  };
}

function calendarSource(chemistry: PackFigures['chemistry']): Assumption {
  const what = 'calendar ageing';
  if (chemistry === 'lto')
    return { what, value: 'sam-lmolto', source: 'NREL ssc, LMO against titanate', verified: true };
  return { what, value: 'naumann-lfp and sam-lfp', source: 'Naumann 2018 (simses); NREL SAM', verified: true };
}

/** At 25 °C, between the published depths. */
function publishedCycles(cell: string, depth: number): number | undefined {
  const points = (cellRecord(cell)?.cycle_life ?? []).flatMap(({ cycles, dod, temp_c }) =>
    temp_c === 25 ? [[dod, cycles] as const] : [],
  );
  return points.length === 0 ? undefined : datasheetCycles(points, depth);
}
