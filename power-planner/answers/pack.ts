import { type ChemistryId, chemistryOf, packOcvV, packResistanceOhm } from '#bms/model';
import { type PlannedPack, packSpecOf } from '../model/battery.ts';
import { derate } from '../model/derate.ts';
import type { Facts } from '../model/facts.ts';
import { agedResistanceFactor, calendarLoss, cycleLoss, lifeYears } from '../model/life.ts';
import { type CellRecord, cellRecord, isVerified } from '../scenario/catalogue.ts';
import type { PackPlan, Scenario } from '../scenario/schema.ts';
import type { Assumption } from './answer.ts';

/** The pack of a scenario on paper, and what age and cold make of it. */

export interface PackFigures {
  readonly chemistry: ChemistryId;
  readonly cell: string;
  readonly series: number;
  readonly parallel: number;
  /** Of one cell. */
  readonly capacityAh: number;
  readonly packAh: number;
  /** Cells at their nominal voltage. */
  readonly ratedWh: number;
  readonly nominalV: number;
  /** Of the pack. */
  readonly fullV: number;
  readonly cutoffV: number;
  /** Cells and wiring at half charge, new, at 25 °C. */
  readonly resistanceOhm: number;
  /** Of all cells; null when the catalogue does not tell. */
  readonly massKg: number | null;
  readonly costUsd: number | null;
}

export interface ResolvedPack {
  readonly figures: PackFigures;
  readonly planned: PlannedPack;
  /** What the warnings need to know of it. */
  readonly facts: Facts;
  readonly assumptions: readonly Assumption[];
}

/** A pack at an age and a temperature. */
export interface PackCase {
  readonly id: 'new' | 'aged' | 'end-of-life' | 'cold' | 'end-of-life-cold';
  readonly label: string;
  readonly temperatureC: number;
  /** Share of the charge it had when new, 0..1. */
  readonly healthRatio: number;
  /** Age and cold together. */
  readonly capacityFactor: number;
  readonly resistanceFactor: number;
}

/** @throws RangeError for a cell that is not in the catalogue; a checked scenario names none such. */
export function resolvePack(plan: PackPlan, scenario: Scenario): ResolvedPack {
  const cell = cellOf(plan);
  const { chemistry, record } = cell;
  const { limits } = chemistryOf(chemistry);
  const { series, parallel } = plan;
  const cutoffV = series * (plan.cutoffCellVolts ?? limits.cutoffV);
  const planned: PlannedPack = {
    cell: plannedCell(plan, cell),
    series,
    parallel,
    cutoffV,
    // A resistance of the whole pack was measured with its wiring.
    extraResistanceOhm: plan.resistanceOhm === undefined ? plan.wiringMohm / 1000 : 0,
  };
  const spec = packSpecOf(planned);
  const chargeCellV = plan.chargeCellVolts ?? limits.chargeV;
  const figures: PackFigures = {
    chemistry,
    cell: cell.name,
    series,
    parallel,
    capacityAh: cell.capacityAh,
    packAh: spec.capacityAh,
    ratedWh: series * cell.nominalV * spec.capacityAh,
    nominalV: series * cell.nominalV,
    fullV: series * chargeCellV,
    cutoffV,
    resistanceOhm: packResistanceOhm(spec, 0.5),
    ...worthOf(record, series * parallel),
  };
  const shortCircuitA = packOcvV(spec, 1) / packResistanceOhm(spec, 1);
  return {
    figures,
    planned,
    facts: { ...factsOf(plan, figures, scenario), cellChargeV: chargeCellV, shortCircuitA, ...cellFacts(record) },
    assumptions: packAssumptions(plan, figures, record),
  };
}

interface Cell {
  readonly record: CellRecord | undefined;
  readonly name: string;
  readonly chemistry: ChemistryId;
  readonly capacityAh: number;
  readonly resistanceMohm: number | undefined;
  readonly nominalV: number;
}

function cellOf({ cell }: PackPlan): Cell {
  if (typeof cell !== 'string') {
    const { title, nominalCellV } = chemistryOf(cell.chemistry).facts;
    const name = `${cell.capacityAh} Ah ${title}`;
    return { record: undefined, name, ...cell, resistanceMohm: cell.resistanceMohm, nominalV: nominalCellV };
  }
  const record = cellRecord(cell);
  if (record === undefined) throw new RangeError(`cell ${cell} is not in the catalogue`);
  return {
    record,
    name: record.id,
    chemistry: record.chemistry === 'LTO' ? 'lto' : 'lifepo4',
    capacityAh: record.capacity_ah,
    resistanceMohm: record.r_dc_mohm ?? undefined,
    nominalV: record.nominal_v,
  };
}

function plannedCell(plan: PackPlan, { record, chemistry, capacityAh, resistanceMohm }: Cell): PlannedPack['cell'] {
  const { resistanceOhm: whole, series, parallel } = plan;
  const mohm = whole === undefined ? resistanceMohm : (whole * 1000 * parallel) / series;
  return { ocv: record?.ocv ?? (chemistry === 'lto' ? 'lto-nmc' : 'lfp'), capacityAh, resistanceMohm: mohm };
}

function worthOf(record: CellRecord | undefined, cells: number): Pick<PackFigures, 'massKg' | 'costUsd'> {
  const mass = record?.mass_kg ?? null;
  const [low, high = low] = record?.price_usd ?? [];
  return {
    massKg: mass === null ? null : mass * cells,
    costUsd: low === undefined || high === undefined ? null : ((low + high) / 2) * cells,
  };
}

function factsOf(plan: PackPlan, figures: PackFigures, { wishes }: Scenario): Facts {
  const { series, parallel, chemistry, cutoffV, capacityAh, ratedWh } = figures;
  const bmsCutoffV = plan.bmsCutoffCellVolts === undefined ? undefined : series * plan.bmsCutoffCellVolts;
  return {
    chemistry: chemistry === 'lto' ? 'LTO' : 'LFP',
    series,
    parallel,
    cutoffV,
    bmsCutoffV,
    bmsA: plan.bmsAmps,
    busMinV: wishes.busVolts?.[0],
    busMaxV: wishes.busVolts?.[1],
    capacityAh,
    ratedWh,
    standbySoc: plan.standbySoc,
    fuse: plan.fuse === 'unknown' ? undefined : plan.fuse !== false,
    fuseBreakingA: typeof plan.fuse === 'object' ? times1000(plan.fuse.breakingKiloamps) : undefined,
    stringFuses: plan.stringFuses,
    cellGrade: plan.grade,
    indoors: plan.indoors,
  };
}

function cellFacts(record: CellRecord | undefined): Facts {
  return {
    cellDischargeC: record?.cont_discharge_c,
    cellChargeC: record?.cont_charge_c,
    chargeRangeC: pair(record?.charge_temp_c),
    dischargeRangeC: pair(record?.discharge_temp_c),
    unverified: record?.unverified,
  };
}

const times1000 = (value: number | undefined): number | undefined => (value === undefined ? undefined : value * 1000);

function pair(values: readonly number[] | undefined): readonly [number, number] | undefined {
  const [low, high] = values ?? [];
  return low === undefined || high === undefined ? undefined : [low, high];
}

function packAssumptions(plan: PackPlan, figures: PackFigures, record: CellRecord | undefined): readonly Assumption[] {
  const list: Assumption[] = [];
  const add = (what: string, value: string, source: string): void => {
    list.push({ what, value, source, verified: isVerified(source) });
  };
  if (record !== undefined) {
    const by = (field: string): string => record.source[field] ?? record.source['*'] ?? 'unverified';
    add(`${record.id}: charge`, `${record.capacity_ah} Ah`, by('capacity_ah'));
    add(`${record.id}: resistance`, `${record.r_dc_mohm} mohm`, by('r_dc_mohm'));
    add(`${record.id}: discharge at most`, `${record.cont_discharge_c} C`, by('cont_discharge_c'));
    if (figures.massKg !== null) add(`${record.id}: mass`, `${record.mass_kg} kg`, by('mass_kg'));
    if (figures.costUsd !== null) add(`${record.id}: price`, `${record.price_usd?.join(' to ')} USD`, by('price_usd'));
  }
  if (plan.cutoffCellVolts === undefined) {
    const perCell = figures.cutoffV / figures.series;
    add('cut-off', `${perCell} V per cell`, 'default of the chemistry (dbus-serialbattery, LibreSolar)');
  }
  if (plan.resistanceOhm === undefined) {
    add(
      'wiring, fuse and BMS',
      `${plan.wiringMohm} mohm`,
      'unverified: BMS 1 to 2, fuse 0.5, lugs 0.1 to 0.2 mohm each',
    );
  }
  return list;
}

/** Share of the charge left after so many years of standing and outages, by the most cautious law. */
export function healthAfter(scenario: Scenario, pack: ResolvedPack, years: number, cRate: number): number {
  const standby = { temperatureC: scenario.temperatureC, socRatio: pack.facts.standbySoc ?? 1 };
  const { outagesPerYear, depth } = scenario.use;
  const models = lifeYears(pack.figures.chemistry, standby, { cyclesPerYear: 0, depthRatio: depth, cRate });
  const calendar = Math.max(...models.map(({ model }) => calendarLoss(model, standby, years)));
  const cycles = years > 0 ? cycleLoss(outagesPerYear * depth * years, depth, cRate) : 0;
  return Math.min(Math.max(1 - calendar - cycles, 0.01), 1);
}

/** New, at the end of its life, and in the cold; at its present age too when the scenario tells one. */
export function packCases(scenario: Scenario, pack: ResolvedPack, cRate: number): readonly [PackCase, ...PackCase[]] {
  const { temperatureC, ageYears, endHealth } = scenario;
  const coldestC = Math.min(scenario.coldestC, temperatureC);
  const of = (id: PackCase['id'], label: string, celsius: number, healthRatio: number): PackCase => {
    const cold = derate(pack.figures.chemistry, celsius);
    return {
      id,
      label,
      temperatureC: celsius,
      healthRatio,
      capacityFactor: healthRatio * cold.capacityFactor,
      resistanceFactor: agedResistanceFactor(healthRatio) * cold.resistanceFactor,
    };
  };
  const aged = ageYears > 0 ? [healthAfter(scenario, pack, ageYears, cRate)] : [];
  return [
    of('new', 'new', temperatureC, 1),
    ...aged.map((health) => of('aged', `after ${ageYears} years`, temperatureC, health)),
    of('end-of-life', 'at the end of its life', temperatureC, endHealth),
    of('cold', 'new, in the cold', coldestC, 1),
    of('end-of-life-cold', 'at the end, in the cold', coldestC, endHealth),
  ];
}
