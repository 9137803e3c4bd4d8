import { type Cursor, Malformed } from '#bridge';
import type { Alarm, AlarmCode } from '../model/alarms.ts';
import { numberedBoards } from './boards.ts';
import type { ExchangeDriver, Fields } from './driver.ts';
import { readText, scaler } from './fields.ts';
import { packSample } from './pack-fields.ts';
import { codeAlarms } from './pylontech-codes.ts';
import { type Dialect, decodeDialect, dialectRead } from './pylontech-dialect.ts';
import { cellBits, cellsV, celsius, codes, counted, makerInfo } from './pylontech-info.ts';

/** 2 is the master of a single string, 3 the module behind it; groups of strings begin at 0x10. */
const BOARDS = { first: 2, last: 0x7d, usual: 2, set: 'the order of the cables and the DIP switches of the master' };
const isMaster = (address: number): boolean => (address & 0x0f) === 2;
/** Asks the master for the whole string. */
const ALL = 0xff;
const ZERO_C = 2731;
const milli = scaler(0.001);
const tenth = scaler(0.1);

interface Module extends Fields {
  readonly cellsV: readonly number[];
  readonly tempsC: readonly number[];
  readonly bmsTempC: number | null;
  readonly currentA: number;
  readonly voltageV: number;
  readonly remainingAh: number;
  readonly fullAh: number;
}

const dialect: Dialect = {
  ver: 0x20,
  layouts: {
    66: (info, asked) => ({ infoFlag: info.u8(), ...analog(info, asked) }),
    68: (info, asked) => ({ infoFlag: info.u8(), ...status(info, asked) }),
    71: parameters,
    79: () => ({}),
    81: makerInfo,
    146: management,
    147: (info) => ({ battery: info.u8(), serial: readText(info.bytes(16)) }),
    150: (info) => ({
      battery: info.u8(),
      makerVersion: `${info.u8()}.${info.u8()}`,
      firmware: `${info.u8()}.${info.u8()}.${info.u8()}`,
    }),
  },
  recognised: [0x42, 0x44, 0x92],
  commands: [0x94, 0x95],
};

/**
 * Pylontech low-voltage batteries (US2000, US3000, UP2500, Phantom) on RS485: the master answers for its string, one sample
 * is the whole string of parallel modules. Any other address is one module alone.
 *
 *     ask   ~20024642E002FFFD09 CR           analog values of all
 *     told  ~2002460091421103 0F 0CE7 0CE8 … 05 0B91 … FFE6 C189 82DC 02 C350 001F | 0F … CR
 *                         │   │  └ mV        │          │    │    └ 33.50 Ah      └ next module
 *                         │   └ 15 cells     └ 5 × 0.1 K│    └ 49.545 V
 *                         └ three modules               └ -2.6 A
 */
export const pylontech: ExchangeDriver = numberedBoards(BOARDS, (address) => ({
  id: 'pylontech',
  title: 'Pylontech US2000 / US3000 / UP2500 / Phantom on RS485, a whole string',
  measures: 'pack',
  note: 'protocols/pylontech.md, sections 1 and 2',
  shape: 'exchange',
  line: { baud: 115_200 },
  gapMs: 50,
  timeoutMs: 2000,
  tries: 2,
  reads: [
    dialectRead(dialect, 'analog values', 'fast', [address, 0x42, isMaster(address) ? ALL : address]),
    // Documented for a whole string, but nobody has published an answer: a master that refuses it is still read.
    { ...dialectRead(dialect, 'alarms', 'fast', [address, 0x44, isMaster(address) ? ALL : address]), optional: true },
    dialectRead(dialect, 'charge management', 'slow', [address, 0x92, address]),
    { ...dialectRead(dialect, 'parameters', 'slow', [address, 0x47]), optional: true },
    dialectRead(dialect, 'maker', 'once', [address, 0x51]),
    dialectRead(dialect, 'serial number', 'once', [address, 0x93, address]),
    dialectRead(dialect, 'firmware', 'once', [address, 0x96, address]),
  ],
  decode: (exchange) => decodeDialect(dialect, exchange),
  sample: (fields, measuredAtMs) => packSample(forSample(fields), measuredAtMs, alarms(fields)),
}));

/** One battery by its address, or the number of modules and their tables; told apart by what was asked, else by length. */
function packs<T>(info: Cursor, asked: Uint8Array | undefined, read: () => T): { battery: number; list: readonly T[] } {
  const battery = info.u8();
  const all = asked?.[0] === ALL;
  const list = [read()];
  const many = all || (asked === undefined && info.remaining > 0);
  // A string with a module short of what it announces would pass for a smaller one.
  while (many && list.length < battery) list.push(read());
  if (all && battery === 0) throw new Malformed('a string without modules');
  return { battery: all || list.length > 1 ? 0 : battery, list };
}

function analog(info: Cursor, asked: Uint8Array | undefined): Fields {
  const { battery, list } = packs(info, asked, () => module(info));
  const [only] = list;
  if (battery > 0 && only !== undefined) return { battery, ...only };
  return { moduleCount: list.length, modules: list, total: total(list) };
}

function module(info: Cursor): Module {
  const cells = cellsV(info, true);
  const temperatures = counted(info, () => celsius(info.u16(), ZERO_C));
  const currentA = tenth(info.s16());
  const voltageV = milli(info.u16());
  const remaining = info.u16();
  const items = info.u8();
  const full = info.u16();
  const cycles = info.u16();
  // Packs above 65 Ah, and strings with one, count in three bytes more.
  const wide = items === 4;
  const remainingAh = milli(wide ? u24(info) : remaining);
  const fullAh = milli(wide ? u24(info) : full);
  return {
    cellsV: cells,
    tempsC: temperatures.slice(1),
    bmsTempC: temperatures[0] ?? null,
    currentA,
    voltageV,
    remainingAh,
    fullAh,
    cycles,
    socRatio: fullAh > 0 ? remainingAh / fullAh : null,
  };
}

function total(modules: readonly Module[]): Fields {
  const sum = (read: (one: Module) => number): number => modules.reduce((all, one) => all + read(one), 0);
  const remainingAh = clean(sum((one) => one.remainingAh));
  const fullAh = clean(sum((one) => one.fullAh));
  return {
    voltageV: modules.length > 0 ? clean(sum((one) => one.voltageV) / modules.length) : null,
    currentA: clean(sum((one) => one.currentA)),
    powerW: clean(sum((one) => one.voltageV * one.currentA)),
    remainingAh,
    fullAh,
    socRatio: fullAh > 0 ? remainingAh / fullAh : null,
  };
}

/** Without the binary dust of a sum; the wire has no more than five places. */
function clean(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

function u24(info: Cursor): number {
  return info.u8() * 0x10000 + info.u16();
}

/** Status byte 1, the highest bit first. */
const PROTECTIONS: readonly (readonly [bit: number, name: string, code: AlarmCode])[] = [
  [7, 'module_under_voltage', 'pack-undervoltage'],
  [6, 'charge_over_temperature', 'charge-overtemperature'],
  [5, 'discharge_over_temperature', 'discharge-overtemperature'],
  [4, 'discharge_over_current', 'discharge-overcurrent'],
  [2, 'charge_over_current', 'charge-overcurrent'],
  [1, 'cell_under_voltage', 'cell-undervoltage'],
  [0, 'module_over_voltage', 'pack-overvoltage'],
];

function status(info: Cursor, asked: Uint8Array | undefined): Fields {
  const { battery, list } = packs(info, asked, () => moduleStatus(info));
  const [only] = list;
  if (battery > 0 && only !== undefined) return { battery, ...only };
  return { moduleStatus: list };
}

function moduleStatus(info: Cursor): Fields {
  const cellAlarms = codes(info);
  const tempAlarms = codes(info);
  const [chargeCurrentAlarm, moduleVoltageAlarm, dischargeCurrentAlarm] = [info.u8(), info.u8(), info.u8()];
  const [trips, switches, state] = [info.u8(), info.u8(), info.u8()];
  const cellErrorNumbers = cellBits(info.u8(), info.u8());
  const bit = (byte: number, at: number): boolean => ((byte >>> at) & 1) === 1;
  return {
    cellAlarms,
    tempAlarms,
    chargeCurrentAlarm,
    moduleVoltageAlarm,
    dischargeCurrentAlarm,
    protections: PROTECTIONS.filter(([at]) => bit(trips, at)).map(([, name]) => name),
    modulePowerInUse: bit(switches, 3),
    dischargeMosfet: bit(switches, 2),
    chargeMosfet: bit(switches, 1),
    prechargeMosfet: bit(switches, 0),
    effectiveCharge: bit(state, 7),
    effectiveDischarge: bit(state, 6),
    heaterOn: bit(state, 5),
    fullyCharged: bit(state, 3),
    buzzerOn: bit(state, 0),
    cellErrorNumbers,
  };
}

function parameters(info: Cursor): Fields {
  const temperature = (): number => celsius(info.u16(), ZERO_C);
  return {
    infoFlag: info.u8(),
    cellHighV: milli(info.u16()),
    cellLowAlarmV: milli(info.u16()),
    cellUnderV: milli(info.u16()),
    chargeTempHighC: temperature(),
    chargeTempLowC: temperature(),
    chargeCurrentLimitA: tenth(info.s16()),
    moduleHighV: milli(info.u16()),
    moduleLowAlarmV: milli(info.u16()),
    moduleUnderV: milli(info.u16()),
    dischargeTempHighC: temperature(),
    dischargeTempLowC: temperature(),
    dischargeCurrentLimitA: tenth(info.s16()),
  };
}

function management(info: Cursor): Fields {
  const limits = {
    battery: info.u8(),
    chargeVoltageLimitV: milli(info.u16()),
    dischargeVoltageLimitV: milli(info.u16()),
    chargeCurrentLimitA: tenth(info.s16()),
    dischargeCurrentLimitA: tenth(info.s16()),
  };
  const bits = info.u8();
  return {
    ...limits,
    chargeEnable: (bits & 0x80) !== 0,
    dischargeEnable: (bits & 0x40) !== 0,
    chargeImmediately1: (bits & 0x20) !== 0,
    chargeImmediately2: (bits & 0x10) !== 0,
    fullChargeRequest: (bits & 0x08) !== 0,
  };
}

/**
 * A string as one pack: modules are in parallel, so currents and charges add up. Cells cannot: those of the module with the
 * lowest cell stand for all, because that one ends the discharge.
 */
function forSample(fields: Fields): Fields {
  const modules = modulesOf(fields);
  const [first] = modules;
  if (first === undefined) return { ...fields, model: fields.device };
  const lowest = modules.reduce((low, one) => (Math.min(...one.cellsV) < Math.min(...low.cellsV) ? one : low), first);
  const states = list(fields.moduleStatus);
  const every = (name: string): unknown => (states.length > 0 ? states.every((one) => one[name] === true) : undefined);
  const sum = fields.modules === undefined ? {} : (fields.total as Fields);
  return {
    ...first,
    chargeMosfet: every('chargeMosfet'),
    dischargeMosfet: every('dischargeMosfet'),
    ...fields,
    ...sum,
    model: fields.device,
    cellsV: lowest.cellsV,
    tempsC: modules.flatMap(({ bmsTempC, tempsC }) => [...tempsC, ...(bmsTempC === null ? [] : [bmsTempC])]),
    cycles: Math.max(...modules.map(({ cycles }) => Number(cycles))),
  };
}

function modulesOf(fields: Fields): readonly Module[] {
  const told = fields.modules === undefined ? [fields] : list(fields.modules);
  return told.filter((one): one is Module => Array.isArray(one.cellsV) && one.cellsV.length > 0 && 'bmsTempC' in one);
}

function list(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value : [];
}

function alarms(fields: Fields): readonly Alarm[] | undefined {
  const states = fields.moduleStatus === undefined ? [fields] : list(fields.moduleStatus);
  const told = states.filter(({ protections }) => Array.isArray(protections));
  if (told.length === 0 && fields.dischargeEnable === undefined) return undefined;
  const found = told.flatMap((state, at) => stateAlarms(state, states.length > 1 ? `module ${at + 1}` : undefined));
  if (fields.dischargeEnable === false) found.push(vendor('discharging is not allowed'));
  if (fields.chargeImmediately1 === true || fields.chargeImmediately2 === true)
    found.push(vendor('wants to be charged'));
  return found;
}

function stateAlarms(state: Fields, where: string | undefined): Alarm[] {
  const detail = where === undefined ? {} : { detail: where };
  const trips = PROTECTIONS.filter(([, name]) => (state.protections as readonly string[]).includes(name));
  const found: Alarm[] = trips.map(([, , code]) => ({ code, level: 'protection', ...detail }));
  return [...found, ...codeAlarms(state, where)];
}

function vendor(detail: string): Alarm {
  return { code: 'vendor', level: 'warning', detail };
}
