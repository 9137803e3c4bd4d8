import type { PackSample } from '../model/sample.ts';
import { decoded, refused } from './decoded.ts';
import type { Cadence, Decoded, Fields, RecordedExchange, RegisterBlock, RegisterDriver } from './driver.ts';
import { JK_SILENCE } from './jk.ts';
import { jkAlarms } from './jk-alarms.ts';
import { jkModbusBalancing, jkModbusMosfets } from './jk-control.ts';
import { type Part, pbAbout, pbSampleFields, pbSettings, pbStatus } from './jk-pb-values.ts';
import { parseRegisters } from './modbus-refusals.ts';
import type { RtuExchange } from './modbus-rtu.ts';
import { packSample } from './pack-fields.ts';
import { bytesOf } from './words.ts';

const SETTINGS = 0x1000;
const STATUS = 0x1200;
const ABOUT = 0x1400;
const COMMANDS = 0x1600;
/** 64 registers are answered, 128 are not. */
const MOST = 64;

/**
 * JK PB series as plain Modbus. Addresses count bytes: 0x1290 is byte 0x90 of the status, and the next register is 0x1292.
 * Boards on a quiet line are known to leave these reads unanswered; `jk-pb` is the reliable way.
 *
 *     ask   03 03 1290 0002 crc
 *     told  03 03 04 0000CDD7 crc       52.695 V
 */
export const jkModbus: RegisterDriver<PackSample> = {
  id: 'jk-modbus',
  title: 'JK (Jikong) PB series, Modbus registers (jk-pb is more reliable)',
  measures: 'pack',
  note: 'protocols/jk.md, section 4',
  whenSilent: `${JK_SILENCE}; some boards leave register reads unanswered, try driver jk-pb`,
  shape: 'registers',
  line: { baud: 115_200 },
  gapMs: 120,
  defaultUnit: 1,
  reads: [
    block('status, cells', 'fast', STATUS, MOST),
    block('status, pack', 'fast', STATUS + MOST * 2, MOST),
    { ...block('settings', 'slow', SETTINGS, MOST), optional: true },
    { ...block('about', 'once', ABOUT, 28), optional: true },
  ],
  mosfets: jkModbusMosfets,
  balancing: jkModbusBalancing,
  decode,
  sample: (fields, measuredAtMs) => packSample(pbSampleFields(fields), measuredAtMs, jkAlarms(fields)),
};

function block(name: string, cadence: Cadence, address: number, count: number): RegisterBlock {
  return {
    name,
    cadence,
    read: { table: 'holding', address, count },
    decode(words) {
      if (words.length !== count) {
        return refused('length_mismatch', `${count} registers were asked for, ${words.length} came`);
      }
      return decoded(values(address, words));
    },
  };
}

function decode(exchange: RecordedExchange): Decoded {
  if ((exchange.response?.length ?? 0) === 0) return refused('timeout', `the BMS did not answer; ${JK_SILENCE}`);
  const rtu = parseRegisters(exchange.request, exchange.response);
  if ('ok' in rtu) return rtu;
  if (rtu.kind === 'write') return decoded(written(rtu));
  if (rtu.address === undefined) {
    return refused('request', 'a Modbus reply does not say which registers it holds: give the request too');
  }
  return decoded(values(rtu.address, rtu.words));
}

function values(address: number, words: Uint16Array): Fields {
  const bytes = bytesOf(words);
  const part = (base: number): Part => ({ bytes, from: address - base, littleEndian: false });
  if (address >= SETTINGS && address < STATUS) return pbSettings(part(SETTINGS));
  if (address >= STATUS && address < ABOUT) return pbStatus(part(STATUS), '32s');
  if (address >= ABOUT && address < COMMANDS) return pbAbout(part(ABOUT));
  return { register: address, values: Array.from(words) };
}

const SWITCHES: Readonly<Record<number, string>> = {
  4208: 'set_charge_mosfet',
  4212: 'set_discharge_mosfet',
  4216: 'set_balance',
};

/** What a recorded write did. */
function written({ address, requested }: RtuExchange & { kind: 'write' }): Fields {
  const [first = 0, second] = requested;
  const value = second === undefined ? first : first * 0x10000 + second;
  const op = SWITCHES[address];
  return op === undefined ? { ack: true, register: address, value } : { ack: true, op, on: value === 1 };
}
