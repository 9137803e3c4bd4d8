import { type Cursor, Malformed } from '#bridge';
import type { Alarm, AlarmCode } from '../model/alarms.ts';
import { numberedBoards } from './boards.ts';
import type { ExchangeDriver, Fields } from './driver.ts';
import { bitNames, listOf, scaler } from './fields.ts';
import { packSample } from './pack-fields.ts';
import { besides, codeAlarms } from './pylontech-codes.ts';
import { type Dialect, decodeDialect, dialectRead } from './pylontech-dialect.ts';
import { cellBits, cellsV, celsius, codes, counted, makerInfo } from './pylontech-info.ts';

const BOARDS = { first: 0, last: 15, usual: 0, set: 'the DIP switches' };
const ZERO_C = 2731;
/** An open sensor: -60.0 °C. */
const NO_SENSOR = 0x0853;
const milli = scaler(0.001);
const centi = scaler(0.01);
const perMille = scaler(0.001);

const dialect: Dialect = {
  ver: 0x20,
  layouts: {
    66: telemetry,
    68: alarmTable,
    71: parameters,
    79: (info) => ({ infoHex: info.remaining === 0 ? '' : null }),
    81: makerInfo,
  },
  recognised: [0x42, 0x44],
  commands: [0x92, 0x93],
};

/**
 * Seplos V2 boards (EMU10xx, EMU11xx) on RS485. Newer boards talk at 19200 baud, and Seplos V3 is
 * another protocol (`seplos-v3`).
 *
 *     ask   ~20004642E00200FD37 CR
 *     told  ~2000460010960001 10 0CD7 … 06 0BA6 … FD5C 14A0 344E 0A 4268 0313 4650 0046 03E8 149F … DC6C CR
 *                             │  └ mV      │      │    │    └ 133.90 Ah  │    └ 180 Ah rated
 *                             └ 16 cells   └ K/10 │    └ 52.80 V         └ 78.7 %
 *                                                 └ -6.76 A
 */
export const seplos: ExchangeDriver = numberedBoards(BOARDS, (address) => ({
  id: 'seplos',
  title: 'Seplos V2 (EMU10xx, EMU11xx) on RS485',
  measures: 'pack',
  note: 'protocols/pylontech.md, sections 1 and 3',
  shape: 'exchange',
  line: { baud: 9600 },
  gapMs: 50,
  timeoutMs: 1000,
  tries: 2,
  reads: [
    dialectRead(dialect, 'telemetry', 'fast', [address, 0x42, address]),
    dialectRead(dialect, 'alarms', 'fast', [address, 0x44, address]),
    dialectRead(dialect, 'maker', 'once', [address, 0x51]),
    { ...dialectRead(dialect, 'parameters', 'slow', [address, 0x47]), optional: true },
  ],
  decode: (exchange) => decodeDialect(dialect, exchange),
  sample: (fields, measuredAtMs) => packSample({ ...fields, model: fields.device }, measuredAtMs, alarms(fields)),
}));

function telemetry(info: Cursor): Fields {
  info.skip(1);
  const group = info.u8();
  const cells = cellsV(info, false);
  const raw = counted(info, () => info.u16());
  const temperatures = raw.map((one) => (one === NO_SENSOR ? null : celsius(one, ZERO_C)));
  // The last two of six are no cells.
  const inside = temperatures.length > 2 ? temperatures.length - 2 : temperatures.length;
  const common = {
    group,
    cellsV: cells,
    ambientTempC: temperatures[inside] ?? null,
    mosfetTempC: temperatures[inside + 1] ?? null,
    currentA: centi(info.s16()),
    voltageV: centi(info.u16()),
  };
  const tempsC = temperatures.slice(0, inside);
  const remaining = info.u16();
  const customCount = info.u8();
  if (customCount === 2) {
    // Seen with VER 26; the unit of the capacities is not known.
    return {
      ...common,
      tempsC,
      tempsRaw: raw,
      remainingRaw: remaining,
      customCount,
      fullRaw: info.u16(),
      cycles: info.u16(),
    };
  }
  const own = {
    fullAh: centi(info.u16()),
    socRatio: perMille(info.u16()),
    ratedAh: centi(info.u16()),
    cycles: info.u16(),
    sohRatio: perMille(info.u16()),
    portVoltageV: centi(info.u16()),
  };
  // The six above, and words without a meaning.
  info.skip(Math.max(0, customCount - 6) * 2);
  return { ...common, tempsC, remainingAh: centi(remaining), customCount, ...own };
}

/** The first words of sixty, each threshold with the one of its release: alarms, then protections. */
function parameters(info: Cursor): Fields {
  info.skip(1);
  const count = info.u8();
  if (count < 8) throw new Malformed(`${count} parameters do not hold the limits of the cells`);
  const words = listOf(8, () => milli(info.u16()));
  // Voltages of the pack, temperatures and currents, then delays and switches in single bytes.
  info.skip((count - words.length) * 2);
  info.skip(info.remaining);
  const [cellHighAlarmV, , cellLowAlarmV, , cellOvervoltageV, , cellUndervoltageV] = words;
  return { cellHighAlarmV, cellLowAlarmV, cellOvervoltageV, cellUndervoltageV };
}

type Bit = readonly [name: string, code?: AlarmCode];

/** Alarm bytes 1 to 6 and 14 (bit 0 first). Names end in `alarm` for warnings; the others have opened something. */
const ALARM_BYTES: Readonly<Record<number, readonly (Bit | undefined)[]>> = {
  0: [
    ['voltage_sensor_fault', 'sensor-fault'],
    ['temperature_sensor_fault', 'sensor-fault'],
    ['current_sensor_fault', 'sensor-fault'],
    ['key_switch_fault'],
    ['cell_dropout_fault', 'sensor-fault'],
    ['charge_switch_fault', 'mosfet-fault'],
    ['discharge_switch_fault', 'mosfet-fault'],
    ['limiter_fault'],
  ],
  1: [
    ['cell_high_voltage_alarm', 'cell-overvoltage'],
    ['cell_over_voltage_protection', 'cell-overvoltage'],
    ['cell_low_voltage_alarm', 'cell-undervoltage'],
    ['cell_under_voltage_protection', 'cell-undervoltage'],
    ['pack_high_voltage_alarm', 'pack-overvoltage'],
    ['pack_over_voltage_protection', 'pack-overvoltage'],
    ['pack_low_voltage_alarm', 'pack-undervoltage'],
    ['pack_under_voltage_protection', 'pack-undervoltage'],
  ],
  2: [
    ['charge_high_temperature_alarm', 'charge-overtemperature'],
    ['charge_over_temperature_protection', 'charge-overtemperature'],
    ['charge_low_temperature_alarm', 'charge-undertemperature'],
    ['charge_under_temperature_protection', 'charge-undertemperature'],
    ['discharge_high_temperature_alarm', 'discharge-overtemperature'],
    ['discharge_over_temperature_protection', 'discharge-overtemperature'],
    ['discharge_low_temperature_alarm', 'discharge-undertemperature'],
    ['discharge_under_temperature_protection', 'discharge-undertemperature'],
  ],
  3: [
    ['ambient_high_temperature_alarm', 'ambient-temperature'],
    ['ambient_over_temperature_protection', 'ambient-temperature'],
    ['ambient_low_temperature_alarm', 'ambient-temperature'],
    ['ambient_under_temperature_protection', 'ambient-temperature'],
    ['mosfet_over_temperature_protection', 'mosfet-overtemperature'],
    ['mosfet_high_temperature_alarm', 'mosfet-overtemperature'],
    ['low_temperature_heating_alarm'],
  ],
  4: [
    ['charge_current_alarm', 'charge-overcurrent'],
    ['charge_over_current_protection', 'charge-overcurrent'],
    ['discharge_current_alarm', 'discharge-overcurrent'],
    ['discharge_over_current_protection', 'discharge-overcurrent'],
    ['transient_over_current_protection', 'discharge-overcurrent'],
    ['short_circuit_protection', 'short-circuit'],
    ['transient_over_current_lockout', 'discharge-overcurrent'],
    ['short_circuit_lockout', 'short-circuit'],
  ],
  5: [
    ['charge_high_voltage_protection', 'pack-overvoltage'],
    ['intermittent_recharge_waiting_alarm'],
    ['remaining_capacity_alarm', 'low-soc'],
    ['remaining_capacity_protection', 'low-soc'],
    ['charging_forbidden_cell_too_low_protection', 'cell-undervoltage'],
    ['reverse_polarity_protection'],
    ['output_connection_fault'],
  ],
  13: [
    ['eeprom_fault'],
    ['rtc_fault'],
    ['voltage_calibration_missing_alarm'],
    ['current_calibration_missing_alarm'],
    ['zero_calibration_missing_alarm'],
  ],
};

const ALARM_NAMES = Object.entries(ALARM_BYTES).map(([at, bits]) => [Number(at), bits.map((bit) => bit?.[0])] as const);

const CODES = new Map(
  Object.values(ALARM_BYTES).flatMap((bits) => bits.flatMap((bit) => (bit?.[1] ? [[bit[0], bit[1]] as const] : []))),
);

const STATES = ['discharge', 'charge', 'floating', undefined, 'standby', 'shutdown'];

function alarmTable(info: Cursor): Fields {
  info.skip(1);
  const group = info.u8();
  const cellAlarms = codes(info);
  const tempAlarms = codes(info);
  const [currentAlarm, voltageAlarm] = [info.u8(), info.u8()];
  const bytes = counted(info, () => info.u8());
  const byte = (number: number): number => bytes[number - 1] ?? 0;
  return {
    group,
    cellAlarms,
    tempAlarms,
    currentAlarm,
    voltageAlarm,
    alarms: ALARM_NAMES.flatMap(([at, names]) => bitNames(byte(at + 1), names)),
    dischargeMosfet: (byte(7) & 1) !== 0,
    chargeMosfet: (byte(7) & 2) !== 0,
    limiterOn: (byte(7) & 4) !== 0,
    heaterOn: (byte(7) & 8) !== 0,
    balancingCells: cellBits(byte(8), byte(9)),
    systemState: bitNames(byte(10), STATES),
    disconnectedCells: cellBits(byte(11), byte(12)),
  };
}

function alarms(fields: Fields): readonly Alarm[] | undefined {
  if (!Array.isArray(fields.alarms)) return undefined;
  const told = fields.alarms.map((name: string): Alarm => {
    const level = name.endsWith('_alarm') ? 'warning' : 'protection';
    const code = CODES.get(name);
    return code === undefined ? { code: 'vendor', level, detail: name } : { code, level };
  });
  const states = Array.isArray(fields.systemState) ? fields.systemState : [];
  return [...told, ...besides(told, codeAlarms({ ...fields, effectiveDischarge: states.includes('discharge') }))];
}
