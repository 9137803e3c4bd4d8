import { CELLS } from '../model/catalogue.ts';
import type { Facts } from '../model/facts.ts';
import { CALENDAR_MODELS, calendarLoss, lifeYears } from '../model/life.ts';
import {
  type Candidate,
  type SizedPack,
  type SizingAnswer,
  type SizingCharge,
  type SizingLife,
  sizePack,
} from '../model/sizing.ts';
import { seriesWindow } from '../model/strings.ts';
import { UPS_TABLES, upsMinutes } from '../model/ups.ts';
import type { Answer } from './answer.ts';
import { CaseError, type Fields, RANGE } from './fields.ts';
import { cellOf } from './pack-kinds.ts';

/** Kinds about what to buy and how long it lives. */

export function calendarAgeing(fields: Fields): Answer {
  const model = fields.oneOf('model', CALENDAR_MODELS);
  const socRatio = fields.number('soc', RANGE.share);
  const temperatureC = fields.number('temp_c', RANGE.celsius);
  const loss = calendarLoss(model, { temperatureC, socRatio }, fields.number('years', RANGE.years));
  return {
    result: { capacity_fraction: 1 - loss, loss_fraction: loss },
    facts: { standbySoc: socRatio, chemistry: model === 'sam-lmolto' ? 'LTO' : 'LFP' },
  };
}

export function life(fields: Fields): Answer {
  const chemistry = fields.oneOf('chemistry', ['LFP', 'LTO']);
  const standby = {
    temperatureC: fields.number('temp_c', RANGE.celsius),
    socRatio: fields.number('soc', RANGE.share),
  };
  const estimates = lifeYears(chemistry === 'LFP' ? 'lifepo4' : 'lto', standby, {
    cyclesPerYear: fields.optional('cycles_per_year', { min: 0, max: 10_000 }) ?? 0,
    depthRatio: fields.optional('depth', RANGE.share) ?? 0.8,
    cRate: fields.optional('c_rate', { min: 0, max: 100 }) ?? 0.2,
  });
  const [cautious] = estimates;
  return {
    result: {
      years_to_80_min: cautious?.years ?? null,
      years_to_80_max: estimates.at(-1)?.years ?? null,
      models: estimates.map((one) => ({
        model: one.model,
        years_to_80: one.years,
        calendar_loss: one.calendarLoss,
        cycle_loss: one.cycleLoss,
      })),
    },
    // The rate here is that of the outages a year, not of a discharge to be predicted.
    facts: { standbySoc: standby.socRatio, yearsTo80: cautious?.years, rateC: undefined },
  };
}

export function upsFit(fields: Fields): Answer {
  const model = fields.text('model');
  const table = UPS_TABLES.find((one) => one.model === model);
  if (!fields.has('points') && model !== undefined && table === undefined) {
    throw new CaseError('out-of-range', `model ${model} has no published table here: expected points`);
  }
  const points =
    table !== undefined && !fields.has('points')
      ? table.points
      : fields.pairs('points', RANGE.someWatts, { above: 0, max: 1_000_000 });
  const answer = upsMinutes(points, fields.number('load', RANGE.someWatts));
  return {
    result: { minutes: answer.minutes, extrapolated: answer.extrapolated },
    facts: { extrapolated: answer.extrapolated },
  };
}

function candidateOf(item: Fields): Candidate {
  const cutoffV = item.number('v_lvc', RANGE.cellVolts);
  return {
    id: item.text('id') ?? '',
    cell: cellOf(item),
    chargeV: item.number('v_charge', { above: cutoffV, max: RANGE.cellVolts.max }),
    cutoffV,
    dischargeC: item.number('cont_discharge_c', RANGE.rate),
    chargeC: item.optional('cont_charge_c', RANGE.rate),
    priceUsd: item.number('price_usd', { min: 0, max: 1_000_000 }),
    massKg: item.number('mass_kg', { min: 0, max: 100_000 }),
  };
}

/** Far more than any catalogue: the search is exhaustive and its time must stay bounded. */
const MOST_CANDIDATES = 200;
const OBJECTIVES = { cost: 'cost', mass: 'mass', weight: 'mass', hours: 'hours', runtime: 'hours' } as const;
const OBJECTIVE_NAMES = Object.keys(OBJECTIVES) as readonly (keyof typeof OBJECTIVES)[];

export function sizing(fields: Fields): Answer {
  const candidates = fields.has('candidates') ? fields.list('candidates', candidateOf, MOST_CANDIDATES) : CELLS;
  const busMinV = fields.number('bus_v_min', RANGE.volts);
  const busMaxV = fields.number('bus_v_max', RANGE.volts);
  const powerW = fields.number('power_w', RANGE.someWatts);
  const maxPowerW = fields.optional('power_max_w', RANGE.someWatts);
  const answer = sizePack({
    busMinV,
    busMaxV,
    powerW,
    maxPowerW,
    targetHours: fields.number('target_hours', RANGE.hours),
    reserveWh: fields.optional('reserve_wh', RANGE.wattHours),
    capacityFactor: fields.optional('capacity_factor', RANGE.factor),
    resistanceFactor: fields.optional('r_factor', RANGE.factor),
    bmsA: fields.optional('bms_a', RANGE.someAmperes),
    maxMassKg: fields.optional('mass_max_kg', { above: 0, max: 1_000_000 }),
    maxCostUsd: fields.optional('cost_max_usd', { above: 0, max: 100_000_000 }),
    charge: chargeOf(fields),
    life: lifeOf(fields),
    objective: OBJECTIVES[fields.optionalOneOf('objective', OBJECTIVE_NAMES) ?? 'cost'],
    maxParallel: fields.optional('parallel_max', { min: 1, max: 100, whole: true }) ?? 8,
    candidates,
  });
  const { winner, runnerUp, otherChemistry, pareto, refused, thinned } = answer;
  return {
    result: {
      feasible: winner !== undefined,
      ...(winner === undefined ? NOTHING : described(winner)),
      runner_up: runnerUp === undefined ? null : described(runnerUp),
      other_chemistry: otherChemistry === undefined ? null : described(otherChemistry),
      pareto: pareto.slice(0, MOST_SHOWN).map(described),
      refused: refused.map(({ id, because, text }) => ({ cell: id, because, text })),
      ...(thinned !== undefined && { thinned }),
    },
    facts:
      winner === undefined
        ? unmet(answer, candidates, busMinV, busMaxV)
        : sizedFacts(winner, Math.max(maxPowerW ?? 0, powerW)),
  };
}

/** A front of more than this is a question too wide, not an answer. */
const MOST_SHOWN = 100;

/** What refills the pack, when the case tells it. */
function chargeOf(fields: Fields): SizingCharge | undefined {
  const charge = {
    powerDcW: fields.optional('p_dc_w', RANGE.someWatts),
    currentA: fields.optional('charge_a', RANGE.someAmperes),
    temperatureC: fields.optional('charge_temp', RANGE.celsius),
    withinHours: fields.optional('charge_hours_max', RANGE.hours),
  };
  return charge.powerDcW === undefined && charge.currentA === undefined ? undefined : charge;
}

/** How it stands and is used, when the case tells at least how warm or how full. */
function lifeOf(fields: Fields): SizingLife | undefined {
  const temperatureC = fields.optional('standby_temp_c', RANGE.celsius);
  const socRatio = fields.optional('standby_soc', RANGE.share);
  if (temperatureC === undefined && socRatio === undefined) return undefined;
  return {
    standby: { temperatureC: temperatureC ?? 25, socRatio: socRatio ?? 1 },
    use: {
      cyclesPerYear: fields.optional('cycles_per_year', { min: 0, max: 10_000 }) ?? 12,
      depthRatio: fields.optional('depth', RANGE.share) ?? 0.8,
      cRate: fields.optional('c_rate', { min: 0, max: 100 }) ?? 0.2,
    },
    targetYears: fields.optional('target_years', RANGE.years),
  };
}

function described(pack: SizedPack): Record<string, unknown> {
  return {
    cell: pack.candidate.id,
    series: pack.series,
    parallel: pack.parallel,
    hours: pack.hours,
    energy_wh: pack.energyWh,
    cost_usd: pack.costUsd,
    mass_kg: pack.massKg,
    limited_by: pack.limitedBy,
    ...(pack.rechargeHours !== undefined && { recharge_hours: pack.rechargeHours }),
    ...(pack.years !== undefined && { years_to_80: pack.years }),
  };
}

const NOTHING = { cell: null, series: null, parallel: null, hours: null, cost_usd: null, mass_kg: null };

function sizedFacts(
  { candidate, series, parallel, hours, energyWh, rechargeHours, years }: SizedPack,
  powerW: number,
): Facts {
  return {
    series,
    parallel,
    hours,
    energyWh,
    powerW,
    chemistry: candidate.cell.ocv.startsWith('lto') ? 'LTO' : 'LFP',
    cellChargeV: candidate.chargeV,
    cellCutoffV: candidate.cutoffV,
    capacityAh: candidate.cell.capacityAh,
    cellDischargeC: candidate.dischargeC,
    rechargeHours,
    yearsTo80: years,
    unverified: candidate.unverified,
  };
}

/** With no pack at all the target is missed, and when the bus was in every cell's way that is said too. */
function unmet({ refused }: SizingAnswer, candidates: readonly Candidate[], busMinV: number, busMaxV: number): Facts {
  const [first] = candidates;
  if (first === undefined || refused.some(({ because }) => because !== 'window')) return { hours: 0 };
  const { from } = seriesWindow(first, busMinV, busMaxV);
  return { hours: 0, fullV: from * first.chargeV };
}
