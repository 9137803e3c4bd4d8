import { type ChemistryId, chemistryOf } from '#bms/model';
import { chargerHeadroom } from '../model/circuit.ts';
import type { Facts } from '../model/facts.ts';
import type { LoadProfile } from '../model/profile.ts';
import { stretchesOf } from '../model/profile.ts';
import { recharge } from '../model/recharge.ts';
import { reserve, triggerSoc } from '../model/reserve.ts';
import { type Stretch, type Timeline, type TimelinePoint, timeline } from '../model/timeline.ts';
import type { Scenario } from '../scenario/schema.ts';
import type { Answer, Finding } from './answer.ts';
import { type BudgetAnswer, budgetOf } from './budget.ts';
import { type Chain, chainOf } from './chain.ts';
import { findingOf, findingsOf, PACK_CHECKLIST, sortedFindings } from './findings.ts';
import { type PackCase, type PackFigures, packCases, type ResolvedPack, resolvePack } from './pack.ts';
import { type Resolved, resolve } from './resolve.ts';

export interface RuntimeCase extends PackCase {
  /** To the cut-off; Infinity at no load. */
  readonly hours: number;
  /** To where the shutdown must begin, so that the reserve is left. */
  readonly hoursToTrigger: number;
  readonly energyWh: number;
  readonly socEnd: number;
  readonly endedBy: Timeline['endedBy'];
  /** The course of the discharge: straight lines join these points well. */
  readonly curve: readonly TimelinePoint[];
}

export interface ShedStep {
  /** What went off; the first step is the whole rack. */
  readonly name: string;
  readonly off: readonly string[];
  readonly packW: number;
  readonly fromHours: number;
  readonly hours: number;
  readonly socStart: number;
  readonly socEnd: number;
}

export interface Shedding {
  readonly steps: readonly ShedStep[];
  readonly hours: number;
  readonly unshedHours: number;
  readonly curve: readonly TimelinePoint[];
}

export interface RunAnswer extends Answer {
  readonly pack: PackFigures;
  /** What the pack is asked for, and at the most. */
  readonly packW: number;
  readonly peakW: number;
  /** Where the watts go; absent when the scenario tells the pack's power itself. */
  readonly chain?: Chain;
  /** A load over time instead of a constant one. */
  readonly byProfile: boolean;
  readonly cases: readonly RuntimeCase[];
  readonly shedding?: Shedding;
  readonly reserve: {
    readonly reserveWh: number;
    /** Of what this load gets out of the full pack. */
    readonly reserveRatio: number;
    /** State of charge at which the shutdown must begin. */
    readonly triggerSoc: number;
  };
  readonly recharge?: {
    /** From the cut-off to full. Infinity: never. */
    readonly hours: number;
    readonly packWh: number;
    readonly mainsWh: number;
    /** What the charger gives at the most, and what limits it. */
    readonly currentA: number;
    readonly limitedBy: 'charger' | 'circuit';
  };
  readonly targetHours?: number;
}

/** How long does it run, new, at the end of its life and in the cold; undefined when the scenario has no pack. */
export function runtimeOf(scenario: Scenario): RunAnswer | undefined {
  if (scenario.pack === undefined) return undefined;
  const rack = resolve(scenario);
  const pack = resolvePack(scenario.pack, scenario);
  const chain = chainOf(rack, scenario.level);
  const packW = scenario.packWatts ?? chain.packW;
  const profile = profileOf(scenario, rack);
  const profileW = Math.max(0, ...(profile?.steps ?? []).map(({ watts }) => watts));
  const peakW = Math.max(packW, scenario.packWatts ?? chainOf(rack, 'max').packW, profileW);
  const cRate = packW / pack.figures.nominalV / pack.figures.packAh;
  const cases = packCases(scenario, pack, cRate);
  const stretches = (): Iterable<Stretch> => (profile === undefined ? [{ powerW: packW }] : stretchesOf(profile));
  const [fresh] = cases;
  const full = runCase(fresh, pack, stretches, 0);
  const kept = reserveOf(scenario, packW, full);
  const answered = cases.map((one): RuntimeCase => {
    const run = one === fresh ? full : runCase(one, pack, stretches, 0);
    const stop = Math.min(run.socEnd + (kept.triggerSoc - full.socEnd), 1);
    return {
      ...one,
      hours: hoursOf(run, packW),
      hoursToTrigger: hoursOf(runCase(one, pack, stretches, stop), packW),
      energyWh: run.energyWh,
      socEnd: run.socEnd,
      endedBy: run.endedBy,
      curve: run.points,
    };
  });
  const shedding = sheddingOf(scenario, rack, pack, cases[0], full);
  const refill = refillOf(scenario, pack, full.socEnd, budgetOf(scenario));
  const { hours: targetHours } = scenario.wishes;
  return {
    name: scenario.name,
    pack: pack.figures,
    packW,
    peakW,
    ...(scenario.packWatts === undefined && { chain }),
    byProfile: profile !== undefined,
    cases: answered,
    ...(shedding !== undefined && { shedding }),
    reserve: kept,
    ...(refill !== undefined && { recharge: refill }),
    ...(targetHours !== undefined && { targetHours }),
    findings: sortedFindings(runtimeFindings(scenario, pack, { packW, peakW, cRate, kept, refill, cases: answered })),
    assumptions: [...rack.assumptions, ...pack.assumptions],
    checklist: PACK_CHECKLIST,
  };
}

/** At no load nothing ends. */
const hoursOf = (run: Timeline, packW: number): number =>
  packW > 0 || run.energyWh > 0 ? run.hours : Number.POSITIVE_INFINITY;

const agedPack = (pack: ResolvedPack, { capacityFactor, resistanceFactor }: PackCase): ResolvedPack['planned'] => ({
  ...pack.planned,
  capacityFactor,
  resistanceFactor,
});

function runCase(one: PackCase, pack: ResolvedPack, stretches: () => Iterable<Stretch>, socStop: number): Timeline {
  return timeline(agedPack(pack, one), stretches(), { socStop });
}

/** A level means the rack at this level, with the losses of its own. */
function profileOf({ profile, packWatts }: Scenario, rack: Resolved): LoadProfile | undefined {
  if (profile === undefined) return undefined;
  return {
    repeatH: profile.repeatHours,
    startH: profile.startHour,
    steps: profile.steps.map(({ fromHour, untilHour, level = 'typical', watts }) => ({
      fromH: fromHour,
      untilH: untilHour,
      watts: watts ?? packWatts ?? chainOf(rack, level).packW,
    })),
  };
}

function reserveOf({ reserve: wanted }: Scenario, packW: number, full: Timeline): RunAnswer['reserve'] {
  const durationS = wanted.shutdownMinutes * 60;
  const need =
    wanted.ratio === undefined
      ? reserve(full.energyWh, { powerW: packW, durationS, margin: wanted.margin })
      : { reserveWh: wanted.ratio * full.energyWh, reserveRatio: wanted.ratio };
  return { ...need, triggerSoc: Math.min(triggerSoc(full.socEnd, need.reserveRatio), 1) };
}

/** The stages one after the other; every step with the losses of what is left. */
function sheddingOf(
  scenario: Scenario,
  rack: Resolved,
  pack: ResolvedPack,
  fresh: PackCase,
  unshed: Timeline,
): Shedding | undefined {
  if (scenario.stages.length === 0 || scenario.packWatts !== undefined) return undefined;
  const planned = agedPack(pack, fresh);
  const off = new Set<string>();
  const steps: ShedStep[] = [];
  const curve: TimelinePoint[] = [];
  let hours = 0;
  let socStart = 1;
  let name = 'everything';
  let gone: readonly string[] = [];
  for (const next of [...scenario.stages, undefined]) {
    const packW = chainOf(rack, scenario.level, off).packW;
    const leftH = next?.afterMinutes === undefined ? undefined : Math.max(next.afterMinutes / 60 - hours, 0);
    const stretch: Stretch = {
      powerW: packW,
      untilSoc: next?.atSoc,
      ...(leftH !== undefined && { forS: leftH * 3600 }),
    };
    const run = timeline(planned, [stretch], { socStart });
    const fromHours = hours;
    steps.push({ name, off: gone, packW, fromHours, hours: run.hours, socStart, socEnd: run.socEnd });
    curve.push(...run.points.map((point) => ({ ...point, hours: point.hours + fromHours })));
    hours += run.hours;
    socStart = run.socEnd;
    if (run.endedBy === 'cut-off' || run.endedBy === 'limit' || next === undefined) break;
    for (const id of next.off) off.add(id);
    name = next.name;
    gone = next.off;
  }
  return { steps, hours, unshedHours: unshed.hours, curve };
}

/** From the cut-off to full, beside the load: with the planned charger, or with all the circuit has left. */
function refillOf(
  scenario: Scenario,
  pack: ResolvedPack,
  socStart: number,
  budget: BudgetAnswer,
): RunAnswer['recharge'] {
  const { circuit, charger } = scenario;
  const row = budget.rows.find(({ level }) => level === scenario.level);
  const efficiencyRatio = charger?.efficiency ?? 0.92;
  const free = chargerHeadroom(
    { volts: circuit.volts, breakerA: circuit.breakerAmps, continuousFactor: circuit.continuousRatio },
    [{ powerW: row?.apparentVa ?? 0, powerFactor: 1 }],
    { powerFactor: charger?.powerFactor ?? 0.95, efficiencyRatio, packV: pack.figures.nominalV },
  );
  const circuitW = free.chargerAcW * efficiencyRatio;
  const { fullV, nominalV, series } = pack.figures;
  const chargerW = Math.min(
    charger?.watts ?? Number.POSITIVE_INFINITY,
    (charger?.amps ?? Number.POSITIVE_INFINITY) * fullV,
  );
  const answer = recharge({
    pack: pack.planned,
    powerDcW: Math.min(circuitW, charger?.watts ?? Number.POSITIVE_INFINITY),
    ...(charger?.amps !== undefined && { currentA: charger.amps }),
    holdCellV: fullV / series,
    tailC: charger?.tailC ?? 0.03,
    socStart,
    cellChargeC: pack.facts.cellChargeC,
    temperatureC: scenario.temperatureC,
  });
  return {
    hours: answer.hours,
    packWh: answer.energyWh,
    mainsWh: answer.energyWh / efficiencyRatio,
    currentA: Math.min(charger?.amps ?? Number.POSITIVE_INFINITY, Math.min(chargerW, circuitW) / nominalV),
    limitedBy: chargerW <= circuitW ? 'charger' : 'circuit',
  };
}

/** Below it nobody has published what is left of the charge, °C. */
const coldestOfTable = (chemistry: ChemistryId): number =>
  Math.min(...chemistryOf(chemistry).facts.capacityByC.map(([celsius]) => celsius));

interface Found {
  readonly packW: number;
  readonly peakW: number;
  readonly cRate: number;
  readonly kept: RunAnswer['reserve'];
  readonly refill: RunAnswer['recharge'];
  readonly cases: readonly RuntimeCase[];
}

function runtimeFindings(scenario: Scenario, pack: ResolvedPack, found: Found): readonly (readonly Finding[])[] {
  const { packW, peakW, cRate, kept, refill, cases } = found;
  const worst = cases.at(-1);
  const { standbySoc: _standby, ...still } = pack.facts;
  const facts: Facts = {
    ...still,
    dischargeA: peakW / pack.figures.cutoffV,
    chargeA: refill?.currentA,
    rateC: cRate,
    hours: worst?.hours,
    targetHours: scenario.wishes.hours,
    reserveWh: kept.reserveWh,
    energyWh: cases[0]?.energyWh,
    rechargeHours: refill?.hours,
  };
  const climate = (temperatureC: number): Facts => ({
    chemistry: facts.chemistry,
    chargeRangeC: facts.chargeRangeC,
    dischargeRangeC: facts.dischargeRangeC,
    temperatureC,
    extrapolated: temperatureC < coldestOfTable(pack.figures.chemistry),
  });
  const cold = Math.min(scenario.coldestC, scenario.temperatureC);
  const dead = cases.filter(({ hours, endedBy }) => hours === 0 && endedBy === 'cut-off' && packW > 0);
  return [
    findingsOf(facts),
    findingsOf(climate(scenario.temperatureC), `at ${scenario.temperatureC} °C`),
    findingsOf({ ...climate(cold), charging: true }, `charging at ${cold} °C`),
    findingsOf(climate(cold), `at ${cold} °C`),
    ...dead.map(({ label }) => [findingOf('POWER_NOT_DELIVERABLE', label)]),
  ];
}
