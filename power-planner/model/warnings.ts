import { type Chemistry, chargeCurrentFactor, chemistryOf } from '#bms/model';
import { inrushLimitA, plugLimitA } from './circuit.ts';
import type { Facts } from './facts.ts';
import { poeLink, poeType } from './poe.ts';
import { MAX_BRANCH_DROP_RATIO } from './wire.ts';

/** `danger`: do not build it so; `caution`: it will not do what is wanted; `note`: the reader should know. */
export type WarningLevel = 'danger' | 'caution' | 'note';

interface Rule {
  readonly level: WarningLevel;
  /** One line for people. */
  readonly text: string;
  when(facts: Facts): boolean;
}

const rule = (level: WarningLevel, text: string, when: Rule['when']): Rule => ({ level, text, when });

/** a > b where both are known; round numbers meet round limits, hence the slack. */
function above(a: number | undefined, b: number | undefined): boolean {
  return a !== undefined && b !== undefined && a > b + Math.abs(b) * 1e-9;
}

const times = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : a * b;

const limitA = ({ breakerA, continuousFactor = 0.8 }: Facts): number | undefined => times(breakerA, continuousFactor);

function mainsA({ currentA, loads, volts }: Facts): number | undefined {
  if (currentA !== undefined || loads === undefined || volts === undefined) return currentA;
  return loads.reduce((sum, { powerW, powerFactor }) => sum + powerW / powerFactor, 0) / volts;
}

const fullV = (facts: Facts): number | undefined => facts.fullV ?? times(facts.series, facts.cellChargeV);
const cutoffV = (facts: Facts): number | undefined => facts.cutoffV ?? times(facts.series, facts.cellCutoffV);

function lithium({ chemistry }: Facts): Chemistry | undefined {
  if (chemistry === 'LFP') return chemistryOf('lifepo4');
  return chemistry === 'LTO' ? chemistryOf('lto') : undefined;
}

/** Where the BMS opens, V: as told, else where one of this chemistry usually does. */
function bmsCutoffV(facts: Facts): number | undefined {
  const cellV = facts.cellBmsCutoffV ?? lithium(facts)?.limits.bmsCutoffV;
  return facts.bmsCutoffV ?? times(facts.series, cellV);
}

function dischargeA(facts: Facts): number | undefined {
  const lowV = cutoffV(facts);
  if (facts.dischargeA !== undefined || facts.powerW === undefined || lowV === undefined) return facts.dischargeA;
  return facts.powerW / lowV;
}

/** A rate of the cell for the whole pack, A. */
function packLimitA({ capacityAh, parallel = 1 }: Facts, rateC: number | undefined): number | undefined {
  return times(times(capacityAh, parallel), rateC);
}

function chargeLimitA(facts: Facts): number | undefined {
  const chemistry = lithium(facts);
  const cold =
    chemistry === undefined || facts.temperatureC === undefined
      ? 1
      : chargeCurrentFactor(chemistry, facts.temperatureC);
  return packLimitA(facts, times(facts.cellChargeC, cold));
}

function outsideTemperature(facts: Facts): boolean {
  const { temperatureC, charging, chargeRangeC, dischargeRangeC } = facts;
  const window = lithium(facts)?.facts[charging === true ? 'charge' : 'discharge'];
  const own = charging === true ? chargeRangeC : dischargeRangeC;
  const minC = own?.[0] ?? window?.minC;
  const maxC = own?.[1] ?? window?.maxC;
  return above(minC, temperatureC) || above(temperatureC, maxC);
}

function undeliverable({ undeliverable: known, openV, packOhm, powerW }: Facts): boolean {
  const neededV2 = times(times(packOhm, powerW), 4);
  return known === true || above(neededV2, times(openV, openV));
}

function linkOverloaded({ portV, loopOhm, deviceW }: Facts): boolean {
  if (portV === undefined || loopOhm === undefined || deviceW === undefined) return false;
  return poeLink({ sourceV: portV, loopOhm, deviceW }) === undefined;
}

function lowPowerFactor({ loads = [] }: Facts): boolean {
  const total = loads.reduce((sum, { powerW, powerFactor }) => sum + powerW / powerFactor, 0);
  return loads.some(({ powerW, powerFactor }) => powerFactor < 0.7 && powerW / powerFactor > 0.05 * total);
}

function poorHeadroom(facts: Facts): boolean {
  const used = mainsA(facts);
  const limit = limitA(facts);
  return above(used, times(limit, 0.9)) && !above(used, limit);
}

function shortCircuitA({ shortCircuitA: known, openV, packOhm }: Facts): number | undefined {
  if (known !== undefined || openV === undefined || packOhm === undefined || packOhm <= 0) return known;
  return openV / packOhm;
}

/** Rated energy of the pack, Wh: as told, else its cells at their nominal voltage. */
function ratedWh(facts: Facts): number | undefined {
  const cellWh = times(facts.capacityAh, lithium(facts)?.facts.nominalCellV);
  return facts.ratedWh ?? times(times(cellWh, facts.series), facts.parallel ?? 1);
}

function beyondBus(facts: Facts): boolean {
  return above(fullV(facts), facts.busMaxV) || above(facts.busMinV, cutoffV(facts));
}

/** NFPA 855, one unit indoors (unverified). */
const INDOOR_WH = 20_000;
const TOUCH_V = 60;
const SLOW_RECHARGE_H = 24;
const UNCERTAIN_C = 0.5;
const HIGH_STANDBY_SOC = 0.95;
const LOADED_RATIO = 0.8;

const RULES = {
  CIRCUIT_OVER_BREAKER: rule('danger', 'the load is above the rating of the breaker', (f) =>
    above(mainsA(f), f.breakerA),
  ),
  CIRCUIT_OVER_CONTINUOUS: rule('danger', 'the load is above what the circuit may carry for hours', (f) =>
    above(mainsA(f), limitA(f)),
  ),
  CIRCUIT_LOW_HEADROOM: rule('caution', 'less than 10 % of the circuit is left', poorHeadroom),
  PLUG_LIMIT: rule('danger', 'more goes through the plug than it carries for hours', (f) =>
    above(f.continuousA ?? mainsA(f), f.plug === undefined ? undefined : plugLimitA(f.plug)),
  ),
  CHARGER_EXCEEDS_HEADROOM: rule('caution', 'load and charger together are above the continuous limit', (f) => {
    const load = mainsA(f);
    return f.chargerAcA !== undefined && load !== undefined && above(load + f.chargerAcA, limitA(f));
  }),
  LOW_POWER_FACTOR: rule('note', 'a load with a power factor below 0.7 takes a good part of the VA', lowPowerFactor),
  VOLTAGE_DROP_BRANCH: rule('caution', 'the branch loses more than 3 % of its voltage', (f) =>
    above(f.dropRatio, MAX_BRANCH_DROP_RATIO),
  ),
  INRUSH_RISK: rule('caution', 'what switches on together may trip the breaker; enable it in stages', (f) =>
    above(f.inrushA, f.breakerA === undefined ? undefined : inrushLimitA(f.breakerA)),
  ),
  POE_BUDGET_EXCEEDED: rule('danger', 'the ports take more than the switch has for PoE', (f) =>
    above(f.poeTotalW, f.poeBudgetW),
  ),
  POE_PORT_LIMIT: rule('danger', 'one port takes more than its limit', (f) => above(f.portW, f.portLimitW)),
  POE_LINK_OVERLOAD: rule('danger', 'the cable cannot carry the power of its device', linkOverloaded),
  POE_BUS_VOLTAGE_LOW: rule('caution', 'the pack falls below what a PoE source needs; a converter is needed', (f) =>
    f.directFeed === true ? above(poeType(f.poeType ?? 2)?.minV, cutoffV(f)) : false,
  ),
  POE_BUS_VOLTAGE_HIGH: rule('danger', 'the full pack is above what a PoE source stands', (f) =>
    f.directFeed === true ? above(fullV(f), poeType(f.poeType ?? 2)?.maxV) : false,
  ),
  SUPPLY_LIMIT: rule('caution', 'a supply is loaded with 80 % of its rating or more', (f) => {
    const fromW = times(f.supplyRatedW, LOADED_RATIO);
    return f.supplyW !== undefined && fromW !== undefined && f.supplyW >= fromW * (1 - 1e-9);
  }),
  PACK_VOLTAGE_WINDOW: rule('danger', 'the pack leaves the voltage window of its bus', beyondBus),
  TOUCH_VOLTAGE_60V: rule('danger', 'above 60 V direct current: no longer extra-low voltage', (f) =>
    above(fullV(f), TOUCH_V),
  ),
  LFP_CHARGE_BELOW_FREEZING: rule(
    'danger',
    'LiFePO4 must not be charged at or below 0 °C',
    (f) => f.chemistry === 'LFP' && f.charging === true && f.temperatureC !== undefined && f.temperatureC <= 0,
  ),
  TEMP_OUT_OF_RANGE: rule('caution', 'the temperature is outside the range of the cell', outsideTemperature),
  C_RATE_DISCHARGE: rule('danger', 'the load takes more current than the cells give for hours', (f) =>
    above(dischargeA(f), packLimitA(f, f.cellDischargeC)),
  ),
  C_RATE_CHARGE: rule('danger', 'the charger gives more current than the cells take', (f) =>
    above(f.chargeA, chargeLimitA(f)),
  ),
  BMS_CURRENT: rule(
    'danger',
    'the BMS carries less than the worst current',
    (f) => above(dischargeA(f), f.bmsA) || above(f.chargeA, f.bmsA),
  ),
  LVC_TOO_LOW: rule('caution', 'the BMS drops the load before the planned cut-off is reached', (f) => {
    const planned = cutoffV(f);
    const bms = bmsCutoffV(f);
    return planned !== undefined && bms !== undefined && !above(planned, bms);
  }),
  POWER_NOT_DELIVERABLE: rule('danger', 'the pack cannot deliver this power at all', undeliverable),
  HIGH_RATE_UNCERTAIN: rule(
    'note',
    'above 0.5C this model is 3 to 20 % too long for a slow cell',
    (f) => above(f.rateC, UNCERTAIN_C) && f.rateIsMeasured !== true,
  ),
  RUNTIME_BELOW_TARGET: rule('caution', 'the pack does not last as long as wanted', (f) =>
    above(f.targetHours, f.hours),
  ),
  RESERVE_EXCEEDS_CAPACITY: rule('danger', 'the pack cannot carry its own shutdown', (f) =>
    above(f.reserveWh, f.energyWh),
  ),
  RECHARGE_TOO_SLOW: rule('caution', 'full again only after more than a day: a second outage finds less', (f) =>
    above(f.rechargeHours, SLOW_RECHARGE_H),
  ),
  HIGH_STANDBY_SOC: rule(
    'note',
    'standing nearly full costs life, the more the warmer',
    (f) => f.chemistry !== 'PbA' && above(f.standbySoc, HIGH_STANDBY_SOC),
  ),
  LIFE_BELOW_TARGET: rule('caution', 'the pack is at 80 % earlier than wanted', (f) =>
    above(f.targetYears, f.yearsTo80),
  ),
  FUSE_MISSING: rule('danger', 'the pack has no fuse', (f) => f.fuse === false),
  FUSE_BREAKING_CAPACITY: rule('danger', 'a short circuit is more than the fuse can break', (f) =>
    above(shortCircuitA(f), f.fuseBreakingA),
  ),
  PARALLEL_STRINGS: rule(
    'caution',
    'parallel strings need a fuse each',
    (f) => above(f.parallel, 1) && f.stringFuses !== true,
  ),
  CELL_GRADE_UNKNOWN: rule('note', 'nobody knows the grade of these cells', (f) =>
    /^(unknown|none|\?|)$/i.test(f.cellGrade ?? 'A'),
  ),
  UNVERIFIED_DATA: rule(
    'note',
    'figures without a source that could be checked',
    (f) => (f.unverified?.length ?? 0) > 0,
  ),
  EXTRAPOLATED: rule('note', 'a figure lies outside its table', (f) => f.extrapolated === true),
  ENERGY_CODE: rule(
    'note',
    'more than 20 kWh indoors: ask an electrician about the code',
    (f) => f.indoors !== false && above(ratedWh(f), INDOOR_WH),
  ),
} as const satisfies Readonly<Record<string, Rule>>;

export type WarningCode = keyof typeof RULES;

/** Every code there is, in the order they are reported: mains, PoE, pack, time, life, safety, data. */
export const WARNING_CODES = Object.keys(RULES) as readonly WarningCode[];

/** The codes that hold for what is known. */
export function warningsFor(facts: Facts): readonly WarningCode[] {
  return WARNING_CODES.filter((code) => RULES[code].when(facts));
}

/** How bad a code is, and what it says. */
export function warningText(code: WarningCode): { readonly level: WarningLevel; readonly text: string } {
  const { level, text } = RULES[code];
  return { level, text };
}
