import { refused } from './decoded.ts';
import type { Decoded } from './driver.ts';

/** What the answers of a Voltronic-style inverter mean, by position. A field that is no number is not available. */

/** Grid voltage from which mains counts as there, V: well below 100 V nets, well above what an open input picks up. */
export const MAINS_V = 80;

type Reading = (text: string) => unknown;

/** A number as these units print it; null for `-`, `---` and anything else. */
const number: Reading = (text) => (/^-?\d{1,9}(\.\d{1,4})?$/.test(text) ? Number(text) : null);
const percent: Reading = (text) => (/^\d{1,3}$/.test(text) ? Number(text) / 100 : null);
const word: Reading = (text) => (text === '' ? null : text);

type Table = readonly (readonly [name: string, reading: Reading] | undefined)[];

const QPIGS: Table = [
  ['gridVoltageV', number],
  ['gridFrequencyHz', number],
  ['acOutVoltageV', number],
  ['acOutFrequencyHz', number],
  ['acOutVa', number],
  ['acOutPowerW', number],
  ['load', percent],
  ['busVoltageV', number],
  ['voltageV', number],
  ['chargeCurrentA', number],
  ['socRatio', percent],
  ['heatsinkTempC', number],
  ['pvCurrentA', number],
  ['pvVoltageV', number],
  ['batteryVoltageSccV', number],
  ['dischargeCurrentA', number],
];
/** The flags; older units end here. */
const FLAGS_AT = 16;
const LEAST_FIELDS = 17;

/** QPIGS. A list with fewer than 17 fields is of no unit that is known. */
export function generalStatus(payload: string): Decoded {
  const texts = split(payload);
  if (texts.length < LEAST_FIELDS)
    return refused('field_count', `${LEAST_FIELDS} fields or more expected, ${texts.length} came`);
  const fields = read(QPIGS, texts);
  const { chargeCurrentA: charge, dischargeCurrentA: discharge, gridVoltageV: grid } = fields;
  const flags = texts[FLAGS_AT] ?? '';
  const more = texts[20] ?? '';
  return {
    ok: true,
    fields: {
      ...fields,
      currentA: typeof charge === 'number' && typeof discharge === 'number' ? charge - discharge : null,
      mainsPresent: typeof grid === 'number' ? grid >= MAINS_V : null,
      ...(/^[01]{8}$/.test(flags)
        ? {
            loadOn: flags[3] === '1',
            charging: flags[5] === '1',
            sccCharging: flags[6] === '1',
            acCharging: flags[7] === '1',
          }
        : {}),
      ...(texts.length > 19 ? { pvPowerW: number(texts[19] ?? '') } : {}),
      ...(/^[01]{3}$/.test(more) ? { chargingToFloat: more[0] === '1', switchedOn: more[1] === '1' } : {}),
    },
  };
}

const MODES: Readonly<Record<string, string>> = {
  P: 'power_on',
  S: 'standby',
  L: 'line',
  B: 'battery',
  F: 'fault',
  H: 'power_saving',
  Y: 'bypass',
  D: 'shutdown',
  E: 'eco',
  T: 'test',
  C: 'charge',
};

/** The word for a letter of QMOD. */
export function modeName(letter: string): string {
  return MODES[letter] ?? `unknown_${letter}`;
}

/** Names of the characters of QPIWS, number 1 first. 31 and above repeat 27 to 30 for chargers 2 and 3. */
const WARNINGS = [
  'reserved_1',
  'inverter_fault',
  'bus_over',
  'bus_under',
  'bus_soft_fail',
  'line_fail',
  'output_short',
  'inverter_voltage_low',
  'inverter_voltage_high',
  'over_temperature',
  'fan_locked',
  'battery_voltage_high',
  'battery_low',
  'reserved_14',
  'battery_under_shutdown',
  'battery_derating',
  'overload',
  'eeprom_fault',
  'inverter_over_current',
  'inverter_soft_fail',
  'self_test_fail',
  'output_dc_voltage',
  'battery_open',
  'current_sensor_fail',
  'battery_short',
  'power_limit',
  'pv_voltage_high',
  'mppt_overload_fault',
  'mppt_overload_warning',
  'battery_too_low_to_charge',
] as const;

/** QPIWS. */
export function warnings(payload: string): Decoded {
  const names: string[] = [];
  for (let at = 0; at < payload.length; at += 1) {
    if (payload[at] !== '1') continue;
    const charger = at < WARNINGS.length ? 1 : 2 + Math.floor((at - WARNINGS.length) / 4);
    const name = WARNINGS[at < WARNINGS.length ? at : 26 + ((at - WARNINGS.length) % 4)];
    names.push(charger === 1 ? String(name) : `${name}_${charger}`);
  }
  return { ok: true, fields: { bits: payload.length, warnings: names } };
}

const QPIRI: Table = [
  ['gridRatingV', number],
  undefined,
  ['outputRatingV', number],
  ['outputRatingHz', number],
  undefined,
  ['outputRatingVa', number],
  ['outputRatingW', number],
  ['batteryRatingV', number],
  ['rechargeV', number],
  ['underVoltageV', number],
  ['bulkV', number],
  ['floatV', number],
  ['batteryTypeCode', number],
  ['maxAcChargeA', number],
  ['maxChargeA', number],
  undefined,
  ['outputSourcePriorityCode', number],
  ['chargerSourcePriorityCode', number],
];

/** QPIRI: ratings and the settings that decide when the load is dropped. */
export function ratings(payload: string): Decoded {
  const texts = split(payload);
  if (texts.length < QPIRI.length)
    return refused('field_count', `${QPIRI.length} fields or more expected, ${texts.length} came`);
  return { ok: true, fields: read(QPIRI, texts) };
}

const QPGS: Table = [
  ['exists', (text) => text === '1'],
  ['serial', word],
  ['mode', modeName],
  ['faultCode', word],
  ['gridVoltageV', number],
  ['gridFrequencyHz', number],
  ['acOutVoltageV', number],
  ['acOutFrequencyHz', number],
  ['acOutVa', number],
  ['acOutPowerW', number],
  ['load', percent],
  ['voltageV', number],
  ['chargeCurrentA', number],
  ['socRatio', percent],
  ['pvVoltageV', number],
  ['totalChargeCurrentA', number],
  ['totalAcOutVa', number],
  ['totalAcOutW', number],
  ['totalLoad', percent],
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  ['pvCurrentA', number],
  ['dischargeCurrentA', number],
];
const QPGS_FLAGS_AT = 19;

/** QPGSn: one unit of a parallel set. */
export function parallelUnit(payload: string): Decoded {
  const texts = split(payload);
  if (texts.length < QPGS.length)
    return refused('field_count', `${QPGS.length} fields or more expected, ${texts.length} came`);
  const flags = texts[QPGS_FLAGS_AT] ?? '';
  const read1 = read(QPGS, texts);
  if (!/^[01]{8}$/.test(flags)) return { ok: true, fields: read1 };
  return {
    ok: true,
    fields: {
      ...read1,
      acCharging: flags[1] === '1',
      sccCharging: flags[2] === '1',
      batteryStateCode: flags.slice(3, 5),
      lineLost: flags[5] === '1',
      loadOn: flags[6] === '1',
    },
  };
}

const FLAG_NAMES: Readonly<Record<string, string>> = {
  a: 'buzzer',
  b: 'overload_bypass',
  j: 'power_saving',
  k: 'lcd_reset',
  u: 'overload_restart',
  v: 'over_temperature_restart',
  x: 'backlight',
  y: 'primary_source_alarm',
  z: 'fault_record',
};

/** QFLAG: `E` and the letters that are on, `D` and those that are off. */
export function settingFlags(payload: string): Decoded {
  const [, on = '', off = ''] = /^E([a-z]*)D([a-z]*)$/.exec(payload) ?? [];
  const names = (letters: string): string[] => Array.from(letters, (letter) => FLAG_NAMES[letter] ?? `flag_${letter}`);
  return { ok: true, fields: { enabled: names(on), disabled: names(off) } };
}

/** QT: the clock as 14 digits. */
export function clock(payload: string): Decoded {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(payload) ?? [];
  return { ok: true, fields: { clock: `${year}-${month}-${day}T${hour}:${minute}:${second}` } };
}

function split(payload: string): readonly string[] {
  return payload.trim().split(/ +/);
}

function read(table: Table, texts: readonly string[]): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  table.forEach((entry, at) => {
    const text = texts[at];
    if (entry !== undefined && text !== undefined) fields[entry[0]] = entry[1](text);
  });
  return fields;
}
