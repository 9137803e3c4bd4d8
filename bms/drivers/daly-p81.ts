import { acceptLengthPrefixed, crc16Modbus, withCrc16Modbus } from '#bridge';
import type { Alarm } from '../model/alarms.ts';
import { numberedBoards } from './boards.ts';
import { DALY_SILENCE } from './daly.ts';
import { dalyAlarm, signContradiction, signDoubt } from './daly-alarms.ts';
import { dalyP81Mosfets } from './daly-control.ts';
import { FIRST, FIRST_COUNT, p81Fields, SECOND, SECOND_COUNT, VERSION, VERSION_COUNT } from './daly-p81-values.ts';
import { withoutEcho } from './daly-registers.ts';
import { plausible } from './daly-values.ts';
import { decoded, refused } from './decoded.ts';
import type { Cadence, Decoded, ExchangeDriver, ExchangeRead, Fields, RecordedExchange } from './driver.ts';
import { parseRegisters } from './modbus-refusals.ts';
import { packSample } from './pack-fields.ts';

const READ = 0x03;
const HEADER = 3;
const CRC = 2;
/** Board n is asked at 0x80 + n and answers from 0x50 + n, which no Modbus master accepts. */
const ASK = 0x80;
const ANSWER = 0x50;
const BOARDS = { first: 1, last: 16, usual: 1, set: 'the Daly tool' };

/**
 * Daly H, K, M and S series: frames of Modbus RTU, but the answer comes from another address than was asked.
 *
 *     ask   81 03 0000 0040 5BFA
 *     told  51 03 80 0CF4 0CF0 … 0212 74D7 0360 … crc     16 cells of 3.31 V, 53.0 V, -8.9 A, 86.4 %
 */
export const dalyP81: ExchangeDriver = numberedBoards(BOARDS, (board) => ({
  id: 'daly-p81',
  title: 'Daly H, K, M, S series and active balancers (81/51 frames)',
  measures: 'pack',
  note: 'protocols/daly.md, section 4',
  whenSilent: DALY_SILENCE,
  doubt: signDoubt,
  shape: 'exchange',
  line: { baud: 9600 },
  gapMs: 50,
  timeoutMs: 600,
  tries: 3,
  reads: [
    read(board, 'cells and pack', 'fast', FIRST, FIRST_COUNT),
    read(board, 'state and faults', 'fast', SECOND, SECOND_COUNT),
    read(board, 'version', 'once', VERSION, VERSION_COUNT),
  ],
  mosfets: dalyP81Mosfets(board),
  decode,
  sample: (fields, measuredAtMs) => packSample(fields, measuredAtMs, alarms(fields)),
}));

function read(board: number, name: string, cadence: Cadence, address: number, count: number): ExchangeRead {
  const answers = ANSWER + board;
  const shape = {
    headerLength: HEADER,
    startsWith: (first: number) => first === answers,
    measure: (header: Uint8Array) => {
      if (header[0] !== answers) return undefined;
      if (header[1] === (READ | 0x80)) return HEADER + CRC;
      return header[1] === READ && header[2] === count * 2 ? HEADER + count * 2 + CRC : undefined;
    },
    check: (frame: Uint8Array) => (crc16Modbus(frame) === 0 ? undefined : 'checksum'),
  };
  return {
    name,
    cadence,
    request: readRequest(board, address, count),
    accept(received) {
      const acceptance = acceptLengthPrefixed(received, shape);
      if (acceptance.kind !== 'take' || acceptance.value[1] === READ) return acceptance;
      const message = `the board answers exception ${acceptance.value[2]}`;
      return { kind: 'refuse', code: 'modbus_exception', message, retryable: false };
    },
  };
}

function readRequest(board: number, address: number, count: number): Uint8Array {
  return withCrc16Modbus(Uint8Array.of(ASK + board, READ, address >>> 8, address & 0xff, count >>> 8, count & 0xff));
}

function decode(exchange: RecordedExchange): Decoded {
  let response = exchange.response ?? new Uint8Array();
  if (response.length === 0) return refused('timeout', `the BMS did not answer; ${DALY_SILENCE}`);
  const { request } = exchange;
  if (request !== undefined) response = withoutEcho(request, response);
  const rtu = parseRegisters(standardRequest(request), response);
  if ('ok' in rtu) return rtu;
  const bmsNumber = rtu.unit - ANSWER;
  if (rtu.kind === 'write') {
    const op = writeOf(rtu.address);
    if (op === undefined) return decoded({ bmsNumber, ack: true, register: rtu.address, count: rtu.count });
    return decoded({ bmsNumber, ack: true, op, on: rtu.requested[0] === 1 });
  }
  if (rtu.address === undefined) {
    return refused('request', 'a reply does not say which registers it holds: give the request too');
  }
  return plausible({ ...p81Fields(rtu.address, rtu.words), bmsNumber });
}

/** The request as a Modbus master would have sent it to the address that answers. */
function standardRequest(request: Uint8Array | undefined): Uint8Array | undefined {
  if (request === undefined || request.length < 8 || crc16Modbus(request) !== 0) return undefined;
  const body = request.slice(0, -CRC);
  body[0] = ((body[0] ?? 0) - ASK + ANSWER) & 0xff;
  return withCrc16Modbus(body);
}

function writeOf(register: number): string | undefined {
  if (register === 0x121) return 'set_charge_mosfet';
  return register === 0x122 ? 'set_discharge_mosfet' : undefined;
}

/** States, not troubles. A board on its own says `parallel_comm_fault` all the time. */
const NO_ALARM = new Set([
  'smart_charger_connected',
  'smart_discharger_connected',
  'parallel_comm_active',
  'parallel_comm_fault',
  'heater_on',
  'current_limiting',
]);

function alarms(fields: Fields): readonly Alarm[] | undefined {
  const { alarmLevels, alarmFlags } = fields;
  const contradiction = signContradiction(fields);
  if (!Array.isArray(alarmFlags) || typeof alarmLevels !== 'object' || alarmLevels === null) {
    return contradiction.length > 0 ? contradiction : undefined;
  }
  const levels = Object.entries(alarmLevels).map(([name, level]) =>
    dalyAlarm(name, Number(level) > 1 ? 'protection' : 'warning'),
  );
  const flags = alarmFlags.map(String).filter((name) => !NO_ALARM.has(name));
  return [...levels, ...flags.map((name) => dalyAlarm(name)), ...contradiction];
}
