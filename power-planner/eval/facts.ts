import type { CircuitLoad } from '../model/circuit.ts';
import { PLUGS } from '../model/circuit.ts';
import type { Facts } from '../model/facts.ts';
import { CaseError, type Fields, RANGE, type Range } from './fields.ts';

type NumberFact = {
  [K in keyof Facts]-?: NonNullable<Facts[K]> extends number ? K : never;
}[keyof Facts];

/** Facts that are plain numbers: the names a case may use for them, and their range. */
const NUMBERS: Readonly<Partial<Record<NumberFact, readonly [range: Range, ...names: string[]]>>> = {
  volts: [RANGE.volts, 'v'],
  breakerA: [RANGE.someAmperes, 'breaker_a'],
  continuousFactor: [RANGE.someShare, 'continuous_factor'],
  currentA: [RANGE.amperes, 'current_a', 'load_a'],
  chargerAcA: [RANGE.amperes, 'charger_ac_a'],
  continuousA: [RANGE.amperes, 'continuous_a'],
  dropRatio: [{ min: 0, max: 100 }, 'drop_fraction'],
  inrushA: [RANGE.amperes, 'inrush_a', 'inrush_peak_a'],
  poeTotalW: [RANGE.watts, 'pse_total_w', 'poe_total_w', 'poe_allocated_w'],
  poeBudgetW: [RANGE.watts, 'poe_budget_w'],
  portW: [RANGE.watts, 'port_w', 'p_pse_w'],
  portLimitW: [RANGE.watts, 'port_limit_w'],
  portV: [RANGE.volts, 'v_pse'],
  loopOhm: [RANGE.ohm, 'loop_ohm'],
  deviceW: [RANGE.watts, 'p_pd_w'],
  supplyW: [RANGE.watts, 'supply_w', 'supply_load_w'],
  supplyRatedW: [RANGE.someWatts, 'supply_rated_w'],
  temperatureC: [RANGE.celsius, 'temp_c'],
  series: [RANGE.series, 'series'],
  parallel: [RANGE.strings, 'parallel'],
  cellChargeV: [RANGE.cellVolts, 'v_charge', 'v_charge_cell', 'v_cv_cell'],
  cellCutoffV: [RANGE.cellVolts, 'v_lvc', 'v_lvc_cell'],
  cellBmsCutoffV: [RANGE.cellVolts, 'v_bms_cutoff', 'v_bms_cutoff_cell'],
  fullV: [RANGE.volts, 'full_v', 'pack_full_v'],
  cutoffV: [RANGE.volts, 'lvc_v'],
  bmsCutoffV: [RANGE.volts, 'bms_cutoff_v'],
  busMinV: [RANGE.volts, 'bus_v_min'],
  busMaxV: [RANGE.volts, 'bus_v_max'],
  capacityAh: [RANGE.ampereHours, 'capacity_ah'],
  cellDischargeC: [RANGE.rate, 'cont_discharge_c'],
  cellChargeC: [RANGE.rate, 'cont_charge_c'],
  bmsA: [RANGE.someAmperes, 'bms_a', 'bms_current_a', 'bms_limit_a'],
  dischargeA: [RANGE.amperes, 'discharge_a', 'i_max_a'],
  chargeA: [RANGE.amperes, 'charge_a', 'charger_dc_a', 'charger_a'],
  powerW: [RANGE.watts, 'power_w'],
  openV: [RANGE.volts, 'ocv_v', 'open_v'],
  packOhm: [RANGE.ohm, 'r_ohm', 'pack_ohm'],
  rateC: [{ min: 0, max: 1000 }, 'c_rate'],
  hours: [RANGE.hours, 'hours', 'runtime_hours'],
  targetHours: [RANGE.hours, 'target_hours'],
  reserveWh: [RANGE.wattHours, 'reserve_wh'],
  energyWh: [RANGE.wattHours, 'energy_total_wh', 'energy_wh'],
  rechargeHours: [RANGE.hours, 'recharge_hours', 'recharge_h'],
  standbySoc: [RANGE.share, 'standby_soc', 'soc'],
  yearsTo80: [RANGE.years, 'years_to_80'],
  targetYears: [RANGE.years, 'target_years'],
  shortCircuitA: [RANGE.amperes, 'short_circuit_a'],
};

const FLAGS = [
  ['charging', 'charging'],
  ['directFeed', 'direct_feed'],
  ['stringFuses', 'string_fuses'],
  ['extrapolated', 'extrapolated'],
  ['indoors', 'indoors'],
  ['rateIsMeasured', 'rate_measured'],
] as const satisfies readonly (readonly [keyof Facts, string])[];

const POE_TYPES: Readonly<Record<string, number>> = { af: 1, at: 2, bt: 3, '802.3af': 1, '802.3at': 2, '802.3bt': 3 };

/**
 * Everything a case says about its plan, whatever its kind; what it does not say stays open.
 * @throws CaseError naming a field that makes no sense.
 */
export function factsOf(fields: Fields): Facts {
  const facts: Record<string, unknown> = {};
  for (const [fact, [range, ...names]] of Object.entries(NUMBERS)) {
    const name = names.find((one) => fields.has(one));
    if (name !== undefined) facts[fact] = fields.optional(name, range);
  }
  for (const [fact, name] of FLAGS) if (fields.has(name)) facts[fact] = fields.flag(name);
  const known = facts as Facts;
  return {
    ...known,
    ...words(fields),
    ...(fields.has('loads') && { loads: fields.list('loads', loadOf) }),
    ...chargerOf(fields, known),
    ...(fields.has('charge_temp_c') && { chargeRangeC: rangeC(fields, 'charge_temp_c') }),
    ...(fields.has('discharge_temp_c') && { dischargeRangeC: rangeC(fields, 'discharge_temp_c') }),
    ...kiloOf(fields, 'fuseBreakingA', 'fuse_breaking_ka', 1000),
    ...kiloOf(fields, 'shortCircuitA', 'short_circuit_ka', 1000),
    ...kiloOf(fields, 'ratedWh', 'energy_kwh', RANGE.wattHours.max / 1000),
    ...(fields.has('unverified') && { unverified: unverifiedOf(fields) }),
  };
}

/** A fact given in thousands. */
function kiloOf(fields: Fields, fact: keyof Facts, name: string, max: number): Facts {
  const value = fields.optional(name, { above: 0, max });
  return value === undefined ? {} : { [fact]: 1000 * value };
}

/** One load of a circuit; an unknown power factor counts as that of a corrected supply. */
export function loadOf(item: Fields): CircuitLoad {
  return { powerW: item.number('w', RANGE.watts), powerFactor: item.optional('pf', RANGE.someShare) ?? 0.95 };
}

function words(fields: Fields): Facts {
  const type = fields.raw('poe_type');
  const chemistry = fields.optionalOneOf('chemistry', ['LFP', 'LTO', 'PbA']);
  const plug = fields.optionalOneOf('plug', PLUGS);
  return {
    ...(chemistry !== undefined && { chemistry }),
    ...(plug !== undefined && { plug }),
    ...(type !== undefined && { poeType: poeTypeOf(fields, type) }),
    ...(fields.has('cell_grade') && { cellGrade: fields.text('cell_grade') }),
    ...(fields.given('fuse') && { fuse: fuseOf(fields.raw('fuse')) }),
  };
}

function poeTypeOf(fields: Fields, type: unknown): number {
  if (typeof type !== 'string') return fields.number('poe_type', { min: 1, max: 4, whole: true });
  return POE_TYPES[fields.oneOf('poe_type', Object.keys(POE_TYPES))] ?? 2;
}

/** A fuse is there unless it is null, `false` or `"none"`; its name, e.g. `"class-t"`, is as good as `true`. */
const fuseOf = (value: unknown): boolean => value !== undefined && value !== false && value !== 'none';

/** Mains current of a charger given by its power or its direct current. */
function chargerOf(fields: Fields, { volts, chargerAcA }: Facts): Facts {
  if (chargerAcA !== undefined || volts === undefined) return {};
  const powerFactor = fields.optional('charger_pf', RANGE.someShare) ?? 0.95;
  const acW = fields.optional('charger_ac_w', RANGE.watts) ?? chargerAcW(fields);
  return acW === undefined ? {} : { chargerAcA: acW / powerFactor / volts };
}

function chargerAcW(fields: Fields): number | undefined {
  const directA = fields.optional('charger_dc_a', RANGE.amperes);
  const packV = fields.optional('pack_v', RANGE.volts);
  if (directA === undefined || packV === undefined) return undefined;
  return (directA * packV) / (fields.optional('charger_efficiency', RANGE.someShare) ?? 0.92);
}

function rangeC(fields: Fields, name: string): readonly [number, number] {
  const value = fields.raw(name);
  const [from, to] = Array.isArray(value) ? value : [];
  if (typeof from === 'number' && typeof to === 'number' && from <= to) return [from, to];
  throw new CaseError('wrong-type', `${name}: expected two temperatures, the lower one first`);
}

function unverifiedOf(fields: Fields): readonly string[] {
  const value = fields.raw('unverified');
  if (value === true) return ['*'];
  if (value === false) return [];
  if (Array.isArray(value)) return value.map(String);
  throw new CaseError('wrong-type', 'unverified: expected a list of field names');
}
