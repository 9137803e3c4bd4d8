import type { Alarm, AlarmCode } from '../model/alarms.ts';
import type { Fields } from './driver.ts';

/** The code bytes of an alarm table, one for each cell, sensor and figure: 0 normal, 1 below the limit, 2 above it, F0 other. */

const BELOW = 1;
const ABOVE = 2;

interface Words {
  readonly below?: AlarmCode;
  readonly above?: AlarmCode;
}

/**
 * Warnings for the codes of one module. What of temperature is too much depends on which way the current goes, and so
 * does the code that stands for it.
 * @param where which module, for the details; absent where there is one only
 */
export function codeAlarms(state: Fields, where?: string): Alarm[] {
  const way = state.effectiveDischarge === true ? 'discharge' : 'charge';
  const found = [
    ...listed(state.cellAlarms, 'cell', { below: 'cell-undervoltage', above: 'cell-overvoltage' }),
    ...one(state.moduleVoltageAlarm ?? state.voltageAlarm, 'voltage', {
      below: 'pack-undervoltage',
      above: 'pack-overvoltage',
    }),
    ...listed(state.tempAlarms, 'sensor', { below: `${way}-undertemperature`, above: `${way}-overtemperature` }),
    ...one(state.chargeCurrentAlarm, 'charge current', { above: 'charge-overcurrent' }),
    // A discharge is a negative current at some, whose limit it then falls below.
    ...one(state.dischargeCurrentAlarm, 'discharge current', {
      below: 'discharge-overcurrent',
      above: 'discharge-overcurrent',
    }),
    ...one(state.currentAlarm, 'current', { below: 'discharge-overcurrent', above: 'charge-overcurrent' }),
    ...wildCells(state.cellErrorNumbers),
  ];
  if (where === undefined) return found;
  return found.map(({ detail, ...alarm }) => ({
    ...alarm,
    detail: detail === undefined ? where : `${where}, ${detail}`,
  }));
}

/** Those of `codes` that `told` does not say already: its bits tell limits apart better than a code does. */
export function besides(told: readonly Alarm[], codes: readonly Alarm[]): readonly Alarm[] {
  const hasTemperature = told.some(({ code }) => isTemperature(code));
  return codes.filter(
    ({ code }) =>
      !told.some((known) => known.code === code && code !== 'vendor') && !(hasTemperature && isTemperature(code)),
  );
}

const isTemperature = (code: AlarmCode): boolean => code.endsWith('temperature');

function listed(values: unknown, name: string, words: Words): Alarm[] {
  const codes: readonly unknown[] = Array.isArray(values) ? values : [];
  const known = [BELOW, ABOVE].filter((code) => codes.includes(code)).flatMap((code) => one(code, name, words));
  const others = codes.flatMap((code, at) => (isOther(code) ? one(code, `${name} ${at + 1}`, words) : []));
  return [...known, ...others];
}

function one(code: unknown, name: string, words: Words): Alarm[] {
  if (typeof code !== 'number' || code === 0) return [];
  const ours = code === BELOW ? words.below : code === ABOVE ? words.above : undefined;
  if (ours !== undefined) return [{ code: ours, level: 'warning' }];
  return [{ code: 'vendor', level: 'warning', detail: `${name} has code ${code.toString(16).toUpperCase()}` }];
}

const isOther = (code: unknown): boolean => typeof code === 'number' && code > ABOVE;

function wildCells(numbers: unknown): Alarm[] {
  if (!Array.isArray(numbers) || numbers.length === 0) return [];
  return [{ code: 'sensor-fault', level: 'warning', detail: `cell ${numbers.join(', ')} above 4.2 V or below 1 V` }];
}
