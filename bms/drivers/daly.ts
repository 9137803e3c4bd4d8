import type { Alarm } from '../model/alarms.ts';
import { numberedBoards } from './boards.ts';
import { dalyAlarm, signContradiction, signDoubt } from './daly-alarms.ts';
import { dalyMosfets } from './daly-control.ts';
import { acceptFrame, acceptFrames, boardAsked, type DalyFrame, request, scanFrames } from './daly-frame.ts';
import {
  CELLS,
  COUNTS,
  cellFrames,
  decodeReplies,
  decodeWrite,
  FAULTS,
  isWrite,
  PACK,
  RATED,
  STATE,
  TEMPERATURES,
  temperatureFrames,
} from './daly-values.ts';
import { refused } from './decoded.ts';
import type { Decoded, ExchangeDriver, ExchangeRead, Fields, RecordedExchange } from './driver.ts';
import { packSample } from './pack-fields.ts';

const CELL_LIMITS = 0x59;

/** A sleeping board of Daly cannot be woken over the wire. */
export const DALY_SILENCE =
  'a Daly board sleeps when idle (often after an hour) and wakes only by current, its button or a charger: ' +
  'set its sleep time to 65535 in the Daly tool';

/**
 * Daly's classic "smart BMS" (UART and RS485, 2019 to 2023). Board n is asked at 0x40 + n - 1 and answers as n.
 *
 *     ask   A5 40 90 08 00 00 00 00 00 00 00 00 7D
 *     told  A5 01 90 08 0214 0000 7545 0378 89      53.2 V, 30000 - 0x7545 = -21 → -2.1 A, 88.8 %
 */
export const daly: ExchangeDriver = numberedBoards({ first: 1, last: 16, usual: 1, set: 'the Daly tool' }, (board) => ({
  id: 'daly',
  title: 'Daly smart BMS (classic A5 frames)',
  measures: 'pack',
  note: 'protocols/daly.md, section 2',
  whenSilent: DALY_SILENCE,
  doubt: signDoubt,
  shape: 'exchange',
  line: { baud: 9600 },
  gapMs: 50,
  timeoutMs: 500,
  tries: 3,
  reads: [
    read(board, 'pack', 'fast', PACK),
    read(board, 'state', 'fast', STATE),
    // Before the cells: it tells how many frames they fill.
    read(board, 'counts', 'fast', COUNTS),
    {
      name: 'cells',
      cadence: 'fast',
      request: request(board, CELLS),
      accept: (received, known = {}) => acceptFrames(received, board, CELLS, cellFrames(known)),
    },
    read(board, 'faults', 'fast', FAULTS),
    {
      // A board without a sensor may not answer; a slow read does not cost the poll.
      name: 'temperatures',
      cadence: 'slow',
      request: request(board, TEMPERATURES),
      accept: (received, known = {}) => acceptFrames(received, board, TEMPERATURES, temperatureFrames(known)),
    },
    read(board, 'rated', 'once', RATED),
    { ...read(board, 'cell limits', 'slow', CELL_LIMITS), optional: true },
  ],
  mosfets: dalyMosfets(board),
  decode,
  sample(fields, measuredAtMs) {
    // Which bit is which cell was never seen on a wire.
    const { balancingCells: _, ...told } = fields;
    return packSample({ ...told, ratedAh: fields.nominalAh }, measuredAtMs, dalyAlarms(fields));
  },
}));

function read(board: number, name: string, cadence: ExchangeRead['cadence'], command: number): ExchangeRead {
  return { name, cadence, request: request(board, command), accept: acceptFrame(board, command) };
}

function decode(exchange: RecordedExchange): Decoded {
  const response = exchange.response ?? new Uint8Array();
  if (response.length === 0) return refused('timeout', `the BMS did not answer; ${DALY_SILENCE}`);
  const { replies, requests, fault } = scanFrames(response);
  const [asked] = exchange.request === undefined ? [] : scanFrames(exchange.request).requests;
  const [first] = replies;
  if (first === undefined) {
    if (fault === 'checksum') return refused(fault, 'the sum of the frame does not match');
    if (fault === 'truncated') return refused(fault, 'the frame ends before its 13 bytes');
    if (requests.length > 0) return refused('timeout', `only the echo of the request came; ${DALY_SILENCE}`);
    return refused('header', 'no frame begins with A5');
  }
  const command = asked?.command ?? first.command;
  const board = asked === undefined ? first.address : boardAsked(asked.address);
  const ofCommand = replies.filter((reply) => reply.command === command);
  if (ofCommand.length === 0) {
    if (fault !== undefined) return refused(fault, 'the frame is damaged');
    return refused('wrong_command', `asked for command ${hex(command)}, the reply is of ${hex(first.command)}`);
  }
  const [reply, ...rest] = ofCommand.filter(({ address }) => address === board);
  if (reply === undefined) {
    return refused('wrong_address', `asked board ${board}, board ${ofCommand[0]?.address} answered`);
  }
  if (asked !== undefined && isWrite(command)) return decodeWrite(asked, reply);
  const frames: [DalyFrame, ...DalyFrame[]] = [reply, ...rest];
  return decodeReplies(frames, exchange.context ?? {});
}

/** Alarms of the classic and the fixed-address protocol, whose fault bits are the same. */
export function dalyAlarms(fields: Fields): readonly Alarm[] | undefined {
  const contradiction = signContradiction(fields);
  if (!Array.isArray(fields.alarms)) return contradiction.length > 0 ? contradiction : undefined;
  const found: Alarm[] = fields.alarms.map((name) => dalyAlarm(String(name)));
  const { faultCode } = fields;
  if (typeof faultCode === 'number' && faultCode !== 0) {
    found.push({ code: 'vendor', level: 'warning', detail: `fault code ${faultCode}` });
  }
  return [...found, ...contradiction];
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}
