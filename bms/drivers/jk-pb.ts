import { crc16Modbus } from '#bridge';
import { numberedBoards } from './boards.ts';
import { decoded, refused } from './decoded.ts';
import type { Cadence, Decoded, ExchangeDriver, ExchangeRead, Fields, RecordedExchange } from './driver.ts';
import { JK_SILENCE } from './jk.ts';
import { jkAlarms } from './jk-alarms.ts';
import { jkPbBalancing, jkPbMosfets } from './jk-control.ts';
import {
  ABOUT,
  acceptAnswer,
  acknowledgement,
  BLOCK_AT,
  FRAME_LENGTH,
  frameTypeOf,
  parseTrigger,
  SETTINGS,
  STATUS,
  scanFrames,
  triggerRequest,
} from './jk-pb-frame.ts';
import { type Part, pbAbout, pbSampleFields, pbSettings, pbStatus } from './jk-pb-values.ts';
import { packSample } from './pack-fields.ts';

/** 0 would make the board a master itself. */
const BOARDS = { first: 1, last: 15, usual: 1, set: 'the DIP switches' };

/**
 * JK PB series and "inverter" BMS on RS485, protocol 001. Every request is a trigger out of a list of three
 * (`jk-pb-frame.ts`).
 */
export const jkPb: ExchangeDriver = numberedBoards(BOARDS, (address) => ({
  id: 'jk-pb',
  title: 'JK (Jikong) PB series and inverter BMS on RS485 (55 AA EB 90 frames)',
  measures: 'pack',
  note: 'protocols/jk.md, section 3',
  whenSilent: `${JK_SILENCE}, and its DIP switches to 1 to 15: at 0 it polls others by itself`,
  shape: 'exchange',
  line: { baud: 115_200 },
  gapMs: 120,
  timeoutMs: 500,
  tries: 3,
  reads: [
    read(address, 'status', 'fast', STATUS),
    // Its owner may change them at any time.
    read(address, 'settings', 'slow', SETTINGS),
    // Firmware from 15.36 on may keep it to itself.
    read(address, 'about', 'once', ABOUT),
  ],
  mosfets: jkPbMosfets(address),
  balancing: jkPbBalancing(address),
  decode,
  sample: (fields, measuredAtMs) => packSample(pbSampleFields(fields), measuredAtMs, jkAlarms(fields)),
}));

function read(address: number, name: string, cadence: Cadence, register: number): ExchangeRead {
  const request = triggerRequest(address, register);
  return { name, cadence, request, accept: acceptAnswer({ address, register }) };
}

const FAULTS: Readonly<Record<string, string>> = {
  header: 'no frame begins with 55 AA EB 90',
  truncated: 'the answer is cut: some single-channel RS485 adapters lose its end',
  checksum: 'the sum of the answer does not match',
};

function decode(exchange: RecordedExchange): Decoded {
  const response = exchange.response ?? new Uint8Array();
  if (response.length === 0) return refused('timeout', `the BMS did not answer; ${JK_SILENCE}`);
  const asked = exchange.request === undefined ? undefined : parseTrigger(exchange.request);
  const found = scanFrames(response);
  if ('fault' in found) return exception(response) ?? refused(found.fault, FAULTS[found.fault] ?? found.fault);
  const { frame, behind } = found;
  const type = frame[4] ?? 0;
  const wanted = asked === undefined ? type : frameTypeOf(asked.register);
  if (type !== wanted) return refused('wrong_frame_type', `a frame of type ${type} came instead of ${wanted}`);
  const ack = acknowledgement(behind);
  if (typeof ack === 'string') {
    // Behind a frame that nobody asked for, anything may follow.
    if (asked !== undefined) return refused(ack, FAULTS[ack] ?? ack);
  } else if (ack !== undefined && asked !== undefined && ack.address !== asked.address) {
    return refused('wrong_address', `asked address ${asked.address}, address ${ack.address} answered`);
  }
  const values = block(type, frame, exchange.protocol);
  if (values === undefined) return refused('wrong_frame_type', `frames of type ${type} are not known`);
  const responder = typeof ack === 'object' ? { responderAddress: ack.address, parts: 2 } : {};
  return decoded({ ...values, frameType: type, frameCounter: frame[5] ?? 0, ...responder });
}

function block(type: number, frame: Uint8Array, protocol: string | undefined): Fields | undefined {
  const part: Part = { bytes: frame.subarray(BLOCK_AT, FRAME_LENGTH - 1), from: 0, littleEndian: true };
  if (type === 1) return pbSettings(part);
  if (type === 3) return pbAbout(part);
  if (type !== 2) return undefined;
  return pbStatus(part, protocol === 'jk-55aa-24s' ? '24s' : protocol === 'jk-55aa-32s' ? '32s' : undefined);
}

function exception(response: Uint8Array): Decoded | undefined {
  const answer = response.subarray(-5);
  if (answer.length < 5 || answer[1] !== 0x90 || crc16Modbus(answer) !== 0) return undefined;
  return refused('modbus_exception', `the board answers exception ${answer[2]}`, { exceptionCode: answer[2] });
}
