import { decoded, refused } from './decoded.ts';
import type { Decoded, Fields } from './driver.ts';
import { MAINS_V, modeName } from './voltronic-values.ts';

/** Answers of PI18 units by position: comma separated, volts and hertz in tenths without a point. From the document alone. */

const GS_FIELDS = 28;
const FWS_FIELDS = 17;
/** Letters of QMOD for the numbers of MOD: power on, standby, bypass, battery, fault, line. */
const MODE_LETTERS = 'PSYBFL';

type Reading = (text: string) => number | null;

/** A whole number; null for anything else. */
const whole: Reading = (text) => (/^-?\d{1,7}$/.test(text) ? Number(text) : null);
const tenth: Reading = (text) => divided(whole(text), 10);
const percent: Reading = (text) => divided(whole(text), 100);

function divided(value: number | null, by: number): number | null {
  return value === null ? null : value / by;
}

const GS: readonly (readonly [name: string, reading: Reading])[] = [
  ['gridVoltageV', tenth],
  ['gridFrequencyHz', tenth],
  ['acOutVoltageV', tenth],
  ['acOutFrequencyHz', tenth],
  ['acOutVa', whole],
  ['acOutPowerW', whole],
  ['load', percent],
  ['voltageV', tenth],
  ['batteryVoltageSccV', tenth],
  ['batteryVoltageScc2V', tenth],
  // The other way round than in QPIGS.
  ['dischargeCurrentA', whole],
  ['chargeCurrentA', whole],
  ['socRatio', percent],
  ['heatsinkTempC', whole],
  ['sccTempC', whole],
  ['scc2TempC', whole],
  ['pvPowerW', whole],
  ['pv2PowerW', whole],
  ['pvVoltageV', tenth],
  ['pv2VoltageV', tenth],
];
const LOAD_AT = 23;
const BATTERY_WAY_AT = 24;
const LINE_WAY_AT = 26;

const FLAGS = [
  'line_fail',
  'output_short',
  'over_temperature',
  'fan_locked',
  'battery_voltage_high',
  'battery_low',
  'battery_under_shutdown',
  'overload',
  'eeprom_fault',
  'power_limit',
  'pv_voltage_high',
  'pv_voltage_high_2',
  'mppt_overload_warning',
  'mppt_overload_warning_2',
  'battery_too_low_to_charge',
  'battery_too_low_to_charge_2',
] as const;

/**
 * The data of an answer `^D`, without its length.
 * @param command what was asked (`GS`, `MOD`, `FWS`, `PI`), where it was recorded; else the shape tells
 */
export function pi18Values(data: string, command: string | undefined): Decoded {
  const texts = data.split(',');
  if (command === 'GS' || (command === undefined && texts.length === GS_FIELDS)) return generalStatus(texts);
  if (command === 'FWS' || (command === undefined && texts.length === FWS_FIELDS)) return faults(texts);
  if (command === 'MOD' || (command === undefined && /^0[0-5]$/.test(data))) return mode(data);
  if (/^\d\d$/.test(data)) return decoded({ protocol: `PI${data}` });
  return decoded({ payload: data });
}

function generalStatus(texts: readonly string[]): Decoded {
  if (texts.length < GS_FIELDS) return fewer(GS_FIELDS, texts);
  const fields: Record<string, unknown> = {};
  GS.forEach(([name, reading], at) => {
    fields[name] = reading(texts[at] ?? '');
  });
  const { gridVoltageV: grid, chargeCurrentA: charge, dischargeCurrentA: discharge } = fields;
  return decoded({
    ...fields,
    currentA: typeof charge === 'number' && typeof discharge === 'number' ? charge - discharge : null,
    mainsPresent: typeof grid === 'number' ? grid >= MAINS_V : null,
    loadOn: texts[LOAD_AT] === '1',
    batteryDirection: wayOf(texts[BATTERY_WAY_AT], ['none', 'charging', 'discharging']),
    lineDirection: wayOf(texts[LINE_WAY_AT], ['none', 'input', 'output']),
  });
}

function wayOf(text: string | undefined, words: readonly string[]): string | null {
  return (text === undefined ? undefined : words[whole(text) ?? -1]) ?? null;
}

function mode(data: string): Decoded {
  const number = /^\d\d$/.test(data) ? Number(data) : undefined;
  if (number === undefined) return refused('malformed', 'a mode is two digits');
  return decoded({ mode: modeName(MODE_LETTERS[number] ?? data) });
}

function faults([code = '', ...flags]: readonly string[]): Decoded {
  if (flags.length < FWS_FIELDS - 1) return fewer(FWS_FIELDS, [code, ...flags]);
  const number = whole(code);
  const fault: Fields = number === null ? {} : { faultCode: number };
  const set = FLAGS.filter((_, at) => flags[at] === '1');
  return decoded({ ...fault, warnings: number === null || number === 0 ? set : ['inverter_fault', ...set] });
}

function fewer(expected: number, texts: readonly string[]): Decoded {
  return refused('field_count', `${expected} fields or more expected, ${texts.length} came`);
}
