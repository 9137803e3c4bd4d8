import type { Cursor } from '#bridge';
import type { Alarm, AlarmCode } from '../model/alarms.ts';
import { numberedBoards } from './boards.ts';
import type { ExchangeDriver, Fields } from './driver.ts';
import { bitNames, readText, scaler } from './fields.ts';
import { packSample } from './pack-fields.ts';
import { besides, codeAlarms } from './pylontech-codes.ts';
import { type Dialect, decodeDialect, dialectRead } from './pylontech-dialect.ts';
import { cellsV, celsius, codes, counted } from './pylontech-info.ts';

/** 1 is the first pack of a stack; the one that captures are of. */
const BOARDS = { first: 1, last: 15, usual: 1, set: 'the DIP switches' };
/** Not 2731: the document's own example is 26.9 °C for 2999. */
const ZERO_C = 2730;
const milli = scaler(0.001);
const centi = scaler(0.01);
const tenth = scaler(0.1);

const dialect: Dialect = {
  ver: 0x25,
  layouts: {
    66: analog,
    68: status,
    193: (info) => ({ firmware: readText(info.bytes(20)) }),
    194: (info) => ({ serial: readText(info.bytes(info.remaining)) }),
    209: (info) => voltageLimits(info),
    211: (info) => voltageLimits(info),
    213: (info) => voltageLimits(info),
    215: (info) => voltageLimits(info),
    217: currentLimits,
    219: currentLimits,
  },
  recognised: [0x42, 0x44],
  commands: [0x99, 0x9a, 0x9b, 0x9c, 0xa1, 0xa6],
};

/**
 * Pace boards (P16S100A …, PbmsTools) on their RS232 port. The same boards speak Modbus on RS485 (`pace-modbus`).
 *
 *     ask   ~25014642E00201FD30 CR
 *     told  ~25014600F07A0001 10 0CC7 … 06 0B9B … FF1F CCCD 12D3 03 286A 008C 2710 E1E4 CR
 *                             │  └ mV      │      │    │    │       │    │    └ 100 Ah design
 *                             └ 16 cells   └ K/10 │    │    └ 48.19 of 103.46 Ah, 140 cycles
 *                                                 │    └ 52.429 V
 *                                                 └ -2.25 A
 */
export const pace: ExchangeDriver = numberedBoards(BOARDS, (pack) => ({
  id: 'pace',
  title: 'Pace BMS (P16S …, PbmsTools) on RS232',
  measures: 'pack',
  note: 'protocols/pylontech.md, sections 1 and 4',
  shape: 'exchange',
  line: { baud: 9600 },
  gapMs: 50,
  timeoutMs: 1000,
  tries: 2,
  reads: [
    dialectRead(dialect, 'analog values', 'fast', [pack, 0x42, pack]),
    dialectRead(dialect, 'status', 'fast', [pack, 0x44, pack]),
    dialectRead(dialect, 'firmware', 'once', [pack, 0xc1]),
    dialectRead(dialect, 'serial number', 'once', [pack, 0xc2]),
  ],
  decode: (exchange) => decodeDialect(dialect, exchange),
  sample: (fields, measuredAtMs) => packSample(fields, measuredAtMs, alarms(fields)),
}));

function analog(info: Cursor): Fields {
  info.skip(1);
  const pack = info.u8();
  const cells = cellsV(info, false);
  const temperatures = counted(info, () => celsius(info.u16(), ZERO_C));
  // The last two of six are no cells.
  const inside = temperatures.length > 2 ? temperatures.length - 2 : temperatures.length;
  const currentA = centi(info.s16());
  const voltageV = milli(info.u16());
  const remainingAh = centi(info.u16());
  const customCount = info.u8();
  const fullAh = centi(info.u16());
  const cycles = info.u16();
  const ratedAh = centi(info.u16());
  info.skip(Math.max(0, customCount - 3) * 2);
  return {
    pack,
    cellsV: cells,
    tempsC: temperatures.slice(0, inside),
    mosfetTempC: temperatures[inside] ?? null,
    ambientTempC: temperatures[inside + 1] ?? null,
    currentA,
    voltageV,
    remainingAh,
    fullAh,
    ratedAh,
    cycles,
    socRatio: fullAh > 0 ? remainingAh / fullAh : null,
  };
}

type Bits = readonly (readonly [name: string, code: AlarmCode] | undefined)[];

/** Bit 0 first; bit 7 of the second byte says that the pack is full, which is no fault. */
const PROTECT_1: Bits = [
  ['cell_over_voltage_protection', 'cell-overvoltage'],
  ['cell_under_voltage_protection', 'cell-undervoltage'],
  ['pack_over_voltage_protection', 'pack-overvoltage'],
  ['pack_under_voltage_protection', 'pack-undervoltage'],
  ['charge_over_current_protection', 'charge-overcurrent'],
  ['discharge_over_current_protection', 'discharge-overcurrent'],
  ['short_circuit_protection', 'short-circuit'],
];
const PROTECT_2: Bits = [
  ['charge_over_temperature_protection', 'charge-overtemperature'],
  ['discharge_over_temperature_protection', 'discharge-overtemperature'],
  ['charge_under_temperature_protection', 'charge-undertemperature'],
  ['discharge_under_temperature_protection', 'discharge-undertemperature'],
  ['mosfet_over_temperature_protection', 'mosfet-overtemperature'],
  ['ambient_over_temperature_protection', 'ambient-temperature'],
  ['ambient_under_temperature_protection', 'ambient-temperature'],
];
const FAULTS: Bits = [
  ['charge_mosfet_fault', 'mosfet-fault'],
  ['discharge_mosfet_fault', 'mosfet-fault'],
  ['temperature_sensor_fault', 'sensor-fault'],
  undefined,
  ['cell_fault', 'sensor-fault'],
  ['sampling_fault', 'front-end-fault'],
];
const WARN_1: Bits = [
  ['cell_high_voltage_warning', 'cell-overvoltage'],
  ['cell_low_voltage_warning', 'cell-undervoltage'],
  ['pack_high_voltage_warning', 'pack-overvoltage'],
  ['pack_low_voltage_warning', 'pack-undervoltage'],
  ['charge_current_warning', 'charge-overcurrent'],
  ['discharge_current_warning', 'discharge-overcurrent'],
];
const WARN_2: Bits = [
  ['charge_high_temperature_warning', 'charge-overtemperature'],
  ['discharge_high_temperature_warning', 'discharge-overtemperature'],
  ['charge_low_temperature_warning', 'charge-undertemperature'],
  ['discharge_low_temperature_warning', 'discharge-undertemperature'],
  ['ambient_high_temperature_warning', 'ambient-temperature'],
  ['ambient_low_temperature_warning', 'ambient-temperature'],
  ['mosfet_high_temperature_warning', 'mosfet-overtemperature'],
  ['low_power_warning', 'low-soc'],
];
const CODES = new Map([PROTECT_1, PROTECT_2, FAULTS, WARN_1, WARN_2].flat().filter((bit) => bit !== undefined));

/** The names of those bits of a byte that are set. */
function namer(table: Bits): (bits: number) => string[] {
  const names = table.map((bit) => bit?.[0]);
  return (bits) => bitNames(bits, names);
}

const protections1 = namer(PROTECT_1);
const protections2 = namer(PROTECT_2);
const faults = namer(FAULTS);
const warnings1 = namer(WARN_1);
const warnings2 = namer(WARN_2);

function status(info: Cursor): Fields {
  info.skip(1);
  const pack = info.u8();
  const cellAlarms = codes(info);
  const tempAlarms = codes(info);
  const [chargeCurrentAlarm, voltageAlarm, dischargeCurrentAlarm] = [info.u8(), info.u8(), info.u8()];
  const [protect1, protect2, state, control] = [info.u8(), info.u8(), info.u8(), info.u8()];
  const faultBits = info.u8();
  const balanceBytes = [info.u8(), info.u8()];
  const [warn1, warn2] = [info.u8(), info.u8()];
  return {
    pack,
    cellAlarms,
    tempAlarms,
    chargeCurrentAlarm,
    voltageAlarm,
    dischargeCurrentAlarm,
    protections: [...protections1(protect1), ...protections2(protect2 & 0x7f)],
    fullyCharged: (protect2 & 0x80) !== 0,
    limiterOn: (state & 1) !== 0,
    chargeMosfet: (state & 2) !== 0,
    dischargeMosfet: (state & 4) !== 0,
    reverseConnected: (state & 0x10) !== 0,
    acIn: (state & 0x20) !== 0,
    controlBits: control,
    faults: faults(faultBits),
    balanceBytes,
    warnings: [...warnings1(warn1), ...warnings2(warn2)],
  };
}

function voltageLimits(info: Cursor): Fields {
  info.skip(1);
  const limits = { alarmV: milli(info.u16()), protectionV: milli(info.u16()), releaseV: milli(info.u16()) };
  return { ...limits, delayS: tenth(info.u8()) };
}

/** Amperes; those of the discharge are negative when read. */
function currentLimits(info: Cursor): Fields {
  info.skip(1);
  return { alarmA: info.s16(), protectionA: info.s16(), delayS: tenth(info.u8()) };
}

function alarms(fields: Fields): readonly Alarm[] | undefined {
  const told = (['protections', 'faults', 'warnings'] as const).map((key) => fields[key]);
  if (!told.every((list) => Array.isArray(list))) return undefined;
  const [protections = [], faults = [], warnings = []] = told;
  const alarm =
    (level: Alarm['level']) =>
    (name: string): Alarm => {
      const code = CODES.get(name);
      return code === undefined ? { code: 'vendor', level, detail: name } : { code, level };
    };
  const bits = [...[...protections, ...faults].map(alarm('protection')), ...warnings.map(alarm('warning'))];
  const effectiveDischarge = typeof fields.currentA === 'number' && fields.currentA < 0;
  return [...bits, ...besides(bits, codeAlarms({ ...fields, effectiveDischarge }))];
}
