import { packOcvV, packResistanceOhm } from '#bms/model';
import { type OcvName, type PlannedCell, type PlannedPack, packSpecOf } from '../model/battery.ts';
import { derate } from '../model/derate.ts';
import type { Facts, PackChemistry } from '../model/facts.ts';
import { recharge } from '../model/recharge.ts';
import { reserve, triggerSoc } from '../model/reserve.ts';
import { runtimeHours } from '../model/runtime.ts';
import { shed } from '../model/shed.ts';
import { leadAcidCapacity } from '../model/ups.ts';
import type { Answer } from './answer.ts';
import { type Fields, RANGE } from './fields.ts';

/** Kinds about a pack: how long it runs, what cold does, how it is charged again, what must be kept. */

export const OCV_NAMES: readonly OcvName[] = ['lfp', 'lto-nmc', 'lto-lmo', 'prada2013'];
const CHEMISTRIES = { LFP: 'lifepo4', LTO: 'lto' } as const;

export function cellOf(fields: Fields): PlannedCell {
  return {
    ocv: fields.oneOf('ocv', OCV_NAMES),
    capacityAh: fields.number('capacity_ah', RANGE.ampereHours),
    resistanceMohm: fields.optional('r_dc_mohm', RANGE.milliohm),
    resistanceTable: fields.optionalOneOf('r_table', ['lfp-10c', 'lfp-25c', 'lfp-40c']),
  };
}

/** With `temp_c` the cautious tables of the chemistry come on top of the factors given. */
function packOf(fields: Fields): PlannedPack {
  const cell = cellOf(fields.within('cell'));
  const temperatureC = fields.optional('temp_c', RANGE.celsius);
  const cold = temperatureC === undefined ? undefined : derate(CHEMISTRIES[chemistryOfOcv(cell.ocv)], temperatureC);
  return {
    cell,
    series: fields.number('series', RANGE.series),
    parallel: fields.optional('parallel', RANGE.strings) ?? 1,
    cutoffV: fields.optional('lvc_v', RANGE.volts),
    capacityFactor: (fields.optional('capacity_factor', RANGE.factor) ?? 1) * (cold?.capacityFactor ?? 1),
    resistanceFactor: (fields.optional('r_factor', RANGE.factor) ?? 1) * (cold?.resistanceFactor ?? 1),
    extraResistanceOhm: fields.optional('extra_r_ohm', RANGE.ohm),
  };
}

function chemistryOfOcv(ocv: OcvName): 'LFP' | 'LTO' {
  return ocv.startsWith('lto') ? 'LTO' : 'LFP';
}

function packFacts(fields: Fields, pack: PlannedPack): Facts {
  const cell = fields.within('cell');
  const chemistry: PackChemistry = chemistryOfOcv(pack.cell.ocv);
  return {
    chemistry,
    capacityAh: pack.cell.capacityAh,
    parallel: pack.parallel,
    ...(cell.has('cont_discharge_c') && { cellDischargeC: cell.number('cont_discharge_c', RANGE.rate) }),
    ...(cell.has('cont_charge_c') && { cellChargeC: cell.number('cont_charge_c', RANGE.rate) }),
  };
}

export function runtime(fields: Fields): Answer {
  const pack = packOf(fields);
  const powerW = fields.number('power_w', RANGE.watts);
  const socStart = fields.optional('soc_start', RANGE.share) ?? 1;
  const answer = runtimeHours({ pack, powerW, socStart, socStop: fields.optional('soc_stop', RANGE.share) });
  const spec = packSpecOf(pack);
  const usedRatio = (pack.capacityFactor ?? 1) * (socStart - answer.socEnd);
  return {
    result: {
      hours: answer.hours,
      energy_wh: answer.energyWh,
      soc_end: answer.socEnd,
      ended_by: answer.endedBy,
    },
    facts: {
      ...packFacts(fields, pack),
      hours: answer.hours,
      energyWh: answer.energyWh,
      openV: packOcvV(spec, socStart),
      packOhm: packResistanceOhm(spec, socStart),
      rateC: answer.hours > 0 ? usedRatio / answer.hours : undefined,
    },
  };
}

export function derating(fields: Fields): Answer {
  const chemistry = fields.oneOf('chemistry', ['LFP', 'LTO', 'PbA']);
  const temperatureC = fields.number('temp_c', RANGE.celsius);
  if (chemistry === 'PbA') return leadAcid(fields, temperatureC);
  const tables = chemistry === 'LFP' ? (['conservative', 'sam'] as const) : (['conservative'] as const);
  const table = fields.optionalOneOf('table', tables);
  const factors = derate(CHEMISTRIES[chemistry], temperatureC, table);
  const coldest = chemistry === 'LFP' ? -20 : -30;
  return {
    result: {
      capacity_factor: factors.capacityFactor,
      r_factor: factors.resistanceFactor,
      charge_current_factor: factors.chargeCurrentFactor,
    },
    facts: { extrapolated: temperatureC < coldest },
  };
}

/** May be charged cold; nothing is known of its resistance. */
function leadAcid(fields: Fields, temperatureC: number): Answer {
  fields.optionalOneOf('table', ['sam', 'conservative']);
  const { factor, extrapolated } = leadAcidCapacity(temperatureC);
  return {
    result: { capacity_factor: factor, r_factor: null, charge_current_factor: 1 },
    facts: { extrapolated },
  };
}

export function recharging(fields: Fields): Answer {
  const pack = packOf(fields);
  const currentName = ['current_a', 'charger_a', 'charger_dc_a', 'charge_a'].find((name) => fields.has(name));
  const currentA = currentName === undefined ? undefined : fields.optional(currentName, RANGE.someAmperes);
  const facts = packFacts(fields, pack);
  const answer = recharge({
    pack,
    powerDcW:
      currentA === undefined ? fields.number('p_dc_w', RANGE.someWatts) : fields.optional('p_dc_w', RANGE.someWatts),
    currentA,
    holdCellV: fields.number('v_cv_cell', RANGE.cellVolts),
    tailC: fields.optional('tail_c', { min: 0, max: 10 }) ?? 0.02,
    socStart: fields.optional('soc_start', RANGE.share),
    cellChargeC: facts.cellChargeC ?? fields.optional('cont_charge_c', RANGE.rate),
    temperatureC: fields.optional('temp_c', RANGE.celsius),
  });
  const efficiency = fields.optional('charger_efficiency', RANGE.someShare);
  return {
    result: {
      hours: answer.hours,
      energy_wh: answer.energyWh,
      soc_end: answer.socEnd,
      hours_to_hold: answer.hoursToHold,
      mains_wh: efficiency === undefined ? null : answer.energyWh / efficiency,
    },
    facts: { ...facts, rechargeHours: answer.hours, chargeA: currentA, charging: true, currentA: undefined },
  };
}

export function shedding(fields: Fields): Answer {
  const pack = packOf(fields);
  const stages = fields.list('stages', (stage) => {
    return {
      powerW: stage.number('power_w', RANGE.watts),
      untilSoc: stage.optional('until_soc', RANGE.share),
      untilS: untilS(stage),
    };
  });
  const answer = shed(pack, stages, fields.optional('soc_start', RANGE.share) ?? 1);
  return {
    result: {
      hours_total: answer.hoursTotal,
      hours_stage: answer.stages.map(({ hours }) => hours),
      soc_stage: answer.stages.map(({ socEnd }) => socEnd),
      ended_by: answer.stages.map(({ endedBy }) => endedBy),
      energy_wh: answer.energyWh,
      soc_end: answer.socEnd,
    },
    facts: {
      ...packFacts(fields, pack),
      hours: answer.hoursTotal,
      powerW: stages.reduce((most, { powerW }) => Math.max(most, powerW), 0),
    },
  };
}

const TIME_FIELDS = [
  ['until_hours', 3600],
  ['until_h', 3600],
  ['until_min', 60],
  ['until_s', 1],
] as const;

/** How long a stage lasts at most, s. */
function untilS(stage: Fields): number | undefined {
  for (const [name, seconds] of TIME_FIELDS) {
    const value = stage.optional(name, { min: 0, max: 1e9 });
    if (value !== undefined) return value * seconds;
  }
  return undefined;
}

export function reserving(fields: Fields): Answer {
  const energyWh = fields.number('energy_total_wh', RANGE.wattHours);
  const { reserveWh, reserveRatio } = reserve(energyWh, {
    powerW: fields.number('shutdown_power_w', RANGE.watts),
    durationS: 60 * fields.number('shutdown_min', { min: 0, max: 100_000 }),
    margin: fields.optional('margin', { min: 1, max: 10 }) ?? 1.25,
  });
  const stopSoc = fields.optional('stop_soc', RANGE.share) ?? 0;
  return {
    result: { reserve_wh: reserveWh, reserve_soc: reserveRatio, trigger_soc: triggerSoc(stopSoc, reserveRatio) },
    facts: { reserveWh, energyWh },
  };
}
