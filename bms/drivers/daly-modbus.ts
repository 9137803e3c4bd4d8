import type { PackSample } from '../model/sample.ts';
import { DALY_SILENCE, dalyAlarms } from './daly.ts';
import { dalyFaults, signDoubt } from './daly-alarms.ts';
import { dalyD2Balancing, dalyD2Mosfets } from './daly-control.ts';
import { type RegisterWindow, registerWindow } from './daly-registers.ts';
import { offsetCurrent, plausible, stateName } from './daly-values.ts';
import { decoded, refused } from './decoded.ts';
import type { Cadence, Decoded, Fields, RecordedExchange, RegisterBlock, RegisterDriver } from './driver.ts';
import { bitNumbers, readText } from './fields.ts';
import { parseRegisters } from './modbus-refusals.ts';
import type { RtuExchange } from './modbus-rtu.ts';
import { packSample } from './pack-fields.ts';

/** All boards of this kind have the same address: one to a line. */
const UNIT = 0xd2;
const MOST_CELLS = 32;
const MOST_SENSORS = 8;

const SETTINGS = 0x80;
const SETTINGS_COUNT = 0x29;
const VERSION = 0xa9;
const VERSION_COUNT = 0x20;

/**
 * Newer boards of Daly: standard Modbus RTU at the fixed address 0xD2.
 *
 *     ask   D2 03 0000 003E D7B9
 *     told  D2 03 7C 0CDC 0CDB … 0316 7530 014D … crc     24 cells of 3.29 V, 79.0 V, 0 A, 33.3 %
 */
export const dalyModbus: RegisterDriver<PackSample> = {
  id: 'daly-modbus',
  title: 'Daly, newer boards (Modbus at address 0xD2)',
  measures: 'pack',
  note: 'protocols/daly.md, section 3',
  whenSilent: DALY_SILENCE,
  doubt: signDoubt,
  shape: 'registers',
  line: { baud: 9600 },
  gapMs: 50,
  defaultUnit: UNIT,
  reads: [
    block('status', 'fast', 0x00, 0x3e, status),
    // Not on every board: on its own, so that an exception costs nobody else.
    { ...block('balancer and MOSFET', 'slow', 0x3e, 9, status), optional: true },
    { ...block('settings', 'slow', SETTINGS, SETTINGS_COUNT, settings), optional: true },
    { ...block('version', 'once', VERSION, VERSION_COUNT, version), optional: true },
  ],
  mosfets: dalyD2Mosfets,
  balancing: dalyD2Balancing,
  decode,
  sample(fields, measuredAtMs) {
    const { balancingCells: mask, ...told } = fields;
    const balancing = told.balancing === true && mask !== undefined ? { balancingCells: mask } : {};
    return packSample({ ...told, ...balancing, ratedAh: fields.nominalAh }, measuredAtMs, dalyAlarms(fields));
  },
};

function block(
  name: string,
  cadence: Cadence,
  address: number,
  count: number,
  read: (window: RegisterWindow) => Fields,
): RegisterBlock {
  return {
    name,
    cadence,
    read: { table: 'holding', address, count },
    decode(words) {
      if (words.length !== count) {
        return refused('length_mismatch', `${count} registers were asked for, ${words.length} came`);
      }
      return plausible(read(registerWindow(address, words)));
    },
  };
}

function decode(exchange: RecordedExchange): Decoded {
  if ((exchange.response?.length ?? 0) === 0) return refused('timeout', `the BMS did not answer; ${DALY_SILENCE}`);
  const rtu = parseRegisters(exchange.request, exchange.response);
  if ('ok' in rtu) return rtu;
  if (rtu.unit !== UNIT) return refused('wrong_address', `unit ${rtu.unit} answered; these boards are unit ${UNIT}`);
  if (rtu.kind === 'write') return decoded(written(rtu));
  const { address, words } = rtu;
  if (address === undefined) {
    return refused('request', 'a Modbus reply does not say which registers it holds: give the request too');
  }
  if (words.length === 1) return decoded({ register: address, value: words[0] });
  const window = registerWindow(address, words);
  return plausible({ ...status(window), ...settings(window), ...version(window) });
}

function written({ address, count, requested }: RtuExchange & { kind: 'write' }): Fields {
  const op = address === 0xa5 ? 'set_charge_mosfet' : address === 0xa6 ? 'set_discharge_mosfet' : undefined;
  if (op !== undefined && count === 1) return { ack: true, op, on: requested[0] === 1 };
  return { ack: true, register: address, count };
}

/** Registers 00 to 43; a value whose register is not part of the read is left out. */
function status(window: RegisterWindow): Fields {
  const fields: Record<string, unknown> = {};
  const cellCount = window.at(0x31);
  const cellsV = window.run(0x00, Math.min(cellCount ?? 0, MOST_CELLS), volts);
  if (cellCount !== undefined && cellsV !== undefined) Object.assign(fields, { cellCount, cellsV });
  const tempCount = window.at(0x32);
  const tempsC = window.run(0x20, Math.min(tempCount ?? 0, MOST_SENSORS), celsius);
  if (tempCount !== undefined && tempsC !== undefined) Object.assign(fields, { tempCount, tempsC });
  put(fields, 'voltageV', window.at(0x28), (raw) => raw / 10);
  put(fields, 'currentA', window.at(0x29), (raw) => offsetCurrent(raw));
  put(fields, 'socRatio', window.at(0x2a), (raw) => raw / 1000);
  put(fields, 'cellMaxV', window.at(0x2b), (raw) => raw / 1000);
  put(fields, 'cellMinV', window.at(0x2c), (raw) => raw / 1000);
  put(fields, 'state', window.at(0x2f), stateName);
  put(fields, 'remainingAh', window.at(0x30), (raw) => raw / 10);
  put(fields, 'cycles', window.at(0x33), (raw) => raw);
  put(fields, 'balancing', window.at(0x34), (raw) => raw !== 0);
  put(fields, 'chargeMosfet', window.at(0x35), (raw) => raw === 1);
  put(fields, 'dischargeMosfet', window.at(0x36), (raw) => raw === 1);
  const faults = window.run(0x3a, 4, plain);
  if (faults !== undefined) fields.alarms = dalyFaults(faults.flatMap((word) => [word & 0xff, word >>> 8]));
  const mask = window.run(0x3e, 2, plain);
  if (mask !== undefined) fields.balancingCells = bitNumbers(((mask[1] ?? 0) << 16) | (mask[0] ?? 0));
  put(fields, 'balanceCurrentA', window.at(0x40), (raw) => offsetCurrent(raw, 1000));
  // 0 as well as FFFF: not fitted.
  put(fields, 'mosfetTempC', window.at(0x42), (raw) => (raw === 0 ? null : celsius(raw)));
  put(fields, 'boardTempC', window.at(0x43), (raw) => (raw === 0 ? null : celsius(raw)));
  return fields;
}

const volts = (raw: number): number => raw / 1000;
const tenths = (raw: number): number => raw / 10;
const plain = (raw: number): number => raw;
const isOn = (raw: number): boolean => raw === 1;

const SETTING_FIELDS: readonly (readonly [number, string, (raw: number) => unknown])[] = [
  [0x80, 'nominalAh', tenths],
  [0x81, 'cellReferenceV', volts],
  [0x83, 'cellCountBoard1', plain],
  [0x86, 'tempCountBoard1', plain],
  [0x89, 'batteryType', (raw) => ['lifepo4', 'li-ion', 'lto'][raw] ?? `unknown_${raw}`],
  [0x8a, 'sleepWaitS', plain],
  [0x8b, 'cellOvL1V', volts],
  [0x8c, 'cellOvL2V', volts],
  [0x8d, 'cellUvL1V', volts],
  [0x8e, 'cellUvL2V', volts],
  [0x8f, 'packOvL1V', tenths],
  [0x90, 'packOvL2V', tenths],
  [0x91, 'packUvL1V', tenths],
  [0x92, 'packUvL2V', tenths],
  [0x93, 'chargeOcL1RawA', (raw) => offsetCurrent(raw)],
  [0x94, 'chargeOcL2RawA', (raw) => offsetCurrent(raw)],
  [0x95, 'dischargeOcL1RawA', (raw) => offsetCurrent(raw)],
  [0x96, 'dischargeOcL2RawA', (raw) => offsetCurrent(raw)],
  [0x97, 'chargeOtL1C', celsius],
  [0x98, 'chargeOtL2C', celsius],
  [0x99, 'chargeUtL1C', celsius],
  [0x9a, 'chargeUtL2C', celsius],
  [0x9b, 'dischargeOtL1C', celsius],
  [0x9c, 'dischargeOtL2C', celsius],
  [0x9d, 'dischargeUtL1C', celsius],
  [0x9e, 'dischargeUtL2C', celsius],
  [0xa3, 'balanceStartV', volts],
  [0xa4, 'balanceDeltaV', volts],
  [0xa5, 'chargeMosfetSwitch', isOn],
  [0xa6, 'dischargeMosfetSwitch', isOn],
  [0xa7, 'socSetting', (raw) => raw / 1000],
  [0xa8, 'mosfetOvertempC', celsius],
];

function settings(window: RegisterWindow): Fields {
  const fields: Record<string, unknown> = {};
  for (const [address, name, convert] of SETTING_FIELDS) put(fields, name, window.at(address), convert);
  return fields;
}

function version(window: RegisterWindow): Fields {
  const texts = window.bytes(VERSION, VERSION_COUNT);
  if (texts === undefined) return {};
  return { softwareVersion: readText(texts.subarray(0, 32)), hardwareVersion: readText(texts.subarray(32)) };
}

function put(
  fields: Record<string, unknown>,
  name: string,
  raw: number | undefined,
  convert: (raw: number) => unknown,
): void {
  if (raw !== undefined) fields[name] = convert(raw);
}

/** Offset by 40; null: no sensor there. */
function celsius(raw: number): number | null {
  return raw === 0xff || raw === 0xffff ? null : raw - 40;
}
