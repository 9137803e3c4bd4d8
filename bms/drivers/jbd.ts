import type { Alarm, AlarmCode } from '../model/alarms.ts';
import { decoded, refused } from './decoded.ts';
import type { Decoded, ExchangeDriver, ExchangeRead, Fields, RecordedExchange } from './driver.ts';
import { bitNames } from './fields.ts';
import { jbdBalancing, jbdMosfets, jbdSettings } from './jbd-control.ts';
import {
  acceptReply,
  type JbdReply,
  type JbdRequest,
  jbdStatus,
  parseRequest,
  readRequest,
  scanReplies,
} from './jbd-frame.ts';
import {
  BASIC,
  CELLS,
  decodeRead,
  decodeWrite,
  LIMIT_BLOCK,
  limitFields,
  MODEL,
  PARAMETER_BLOCK,
  TRIP_COUNTERS,
} from './jbd-registers.ts';
import { jbdUp } from './jbd-up.ts';
import { packSample } from './pack-fields.ts';

/**
 * JBD, Overkill Solar, Xiaoxiang: boards of the `DD … 77` protocol, one per port.
 *
 *     ask   DD A5 03 00 FF FD 77
 *     told  DD 03 00 1D 0618 0000 01F2 01F4 … 0304 03 0B8B 0B8A 0B84 FA8D 77
 *                 │  │  └ 15.60 V, 0 A, 4.98 of 5.00 Ah, …
 *                 │  └ 29 bytes of data
 *                 └ status: ok
 *
 * A sleeping board does not answer the first request: that one only wakes it, so a single time-out means nothing and the
 * second try is part of the protocol (`tries`).
 */
export const jbd: ExchangeDriver = {
  id: 'jbd',
  title: 'JBD / Overkill Solar / Xiaoxiang (classic frames)',
  measures: 'pack',
  note: 'protocols/jbd.md, sections 1-8',
  shape: 'exchange',
  line: { baud: 9600 },
  gapMs: 100,
  timeoutMs: 500,
  tries: 3,
  reads: [
    read('basic', 'fast', BASIC),
    read('cells', 'fast', CELLS),
    read('model', 'once', MODEL),
    read('trip counters', 'slow', TRIP_COUNTERS),
    // Older firmware does not know blocks, and opens single registers in factory mode only.
    { ...read('limits', 'slow', PARAMETER_BLOCK, LIMIT_BLOCK), optional: true },
  ],
  mosfets: jbdMosfets,
  balancing: jbdBalancing,
  settings: jbdSettings,
  decode,
  sample: (fields, measuredAtMs) =>
    packSample({ ...withLearnedCapacity(fields), ...limits(fields) }, measuredAtMs, alarms(fields)),
};

function read(
  name: string,
  cadence: ExchangeRead['cadence'],
  register: number,
  data: readonly number[] = [],
): ExchangeRead {
  return { name, cadence, request: readRequest(register, data), accept: acceptReply(register) };
}

function decode(exchange: RecordedExchange): Decoded {
  if (exchange.protocol === 'jbd-up') return jbdUp.decode(exchange);
  const response = exchange.response ?? new Uint8Array();
  if (response.length === 0) return refused('timeout', 'the BMS did not answer');
  const request = exchange.request === undefined ? undefined : parseRequest(exchange.request);
  const { replies, fault } = scanReplies(response);
  if (request === undefined) return replies.length > 0 ? decodeAll(replies) : refusedFault(fault);

  const answer = replies.find((reply) => reply.register === request.register);
  if (answer !== undefined) return decodeAnswer(answer, request);
  const other = replies[0];
  if (other === undefined) return refusedFault(fault);
  const [asked, told] = [hex(request.register), hex(other.register)];
  return refused('wrong_register', `asked for register ${asked}, the reply is of ${told} (a late reply?)`);
}

function decodeAnswer(reply: JbdReply, request: JbdRequest | undefined): Decoded {
  if (reply.status !== 0) return refused('status', jbdStatus(reply.status), { status: reply.status });
  if (request?.write) return decoded(decodeWrite(request));
  return decodeRead(reply.register, reply.data);
}

/** Without a request every reply speaks for itself; several become a list. */
function decodeAll(replies: readonly JbdReply[]): Decoded {
  const frames: Fields[] = [];
  for (const reply of replies) {
    const one = decodeAnswer(reply, undefined);
    if (!one.ok) return one;
    frames.push(one.fields);
  }
  const [only] = frames;
  return frames.length === 1 && only !== undefined ? decoded(only) : decoded({ frames });
}

const FAULTS: Readonly<Record<string, string>> = {
  header: 'no frame begins with DD',
  truncated: 'the frame ends before the length it announces',
  terminator: 'the frame does not end with 77',
  checksum: 'the checksum does not match',
};

function refusedFault(fault = 'header'): Decoded {
  return refused(fault, FAULTS[fault] ?? fault);
}

/** The learned capacity of newer firmware (extension of 0x03) before the nominal one. */
function withLearnedCapacity(fields: Fields): Fields {
  const learnedAh = extension(fields).fullChargeAh;
  return typeof learnedAh === 'number' && learnedAh > 0 ? { ...fields, fullAh: learnedAh } : fields;
}

/** Whether limits of the current come in units ten times as large with the current itself is not known: they are left out then. */
function limits(fields: Fields): Fields {
  const { chargeOvercurrentA, dischargeOvercurrentA, ...rest } = limitFields(fields);
  return fields.tenfoldUnits === true ? rest : { ...rest, chargeOvercurrentA, dischargeOvercurrentA };
}

const PROTECTION_ALARMS: Readonly<Record<string, AlarmCode>> = {
  cell_overvoltage: 'cell-overvoltage',
  cell_undervoltage: 'cell-undervoltage',
  pack_overvoltage: 'pack-overvoltage',
  pack_undervoltage: 'pack-undervoltage',
  charge_overtemperature: 'charge-overtemperature',
  charge_undertemperature: 'charge-undertemperature',
  discharge_overtemperature: 'discharge-overtemperature',
  discharge_undertemperature: 'discharge-undertemperature',
  charge_overcurrent: 'charge-overcurrent',
  discharge_overcurrent: 'discharge-overcurrent',
  short_circuit: 'short-circuit',
  frontend_ic_error: 'front-end-fault',
  charge_mosfet_broken: 'mosfet-fault',
  discharge_mosfet_broken: 'mosfet-fault',
};

/** Alarm bits of the extension, bit 0 first. */
const WARNINGS: readonly AlarmCode[] = [
  'cell-overvoltage',
  'cell-undervoltage',
  'pack-overvoltage',
  'pack-undervoltage',
  'charge-overtemperature',
  'charge-undertemperature',
  'discharge-overtemperature',
  'discharge-undertemperature',
  'charge-overcurrent',
  'discharge-overcurrent',
  'cell-imbalance',
  'low-soc',
];

function alarms(fields: Fields): readonly Alarm[] | undefined {
  const names = fields.protections;
  if (!Array.isArray(names)) return undefined;
  const found: Alarm[] = names.map((name: string) => protection(name));
  const bits = extension(fields).alarmBits;
  if (typeof bits === 'number') {
    for (const name of bitNames(bits, WARNINGS)) {
      const code = WARNINGS.find((known) => known === name);
      found.push(code ? { code, level: 'warning' } : { code: 'vendor', level: 'warning', detail: name });
    }
  }
  const contradiction = cellsAgainstPack(fields);
  return contradiction === undefined ? found : [...found, contradiction];
}

function protection(name: string): Alarm {
  // Set whenever a host or the app switched a FET off: somebody's wish, not a fault.
  if (name === 'mosfet_software_lock') return { code: 'locked-by-command', level: 'warning' };
  const code = PROTECTION_ALARMS[name];
  if (code === undefined) return { code: 'vendor', level: 'protection', detail: name };
  return code === 'mosfet-fault' ? { code, level: 'protection', detail: name } : { code, level: 'protection' };
}

/** Both are published when the cells do not add up to the pack (an open sense wire); the loads may differ a little between the two reads. */
function cellsAgainstPack(fields: Fields): Alarm | undefined {
  const { cellsV, voltageV } = fields;
  if (!Array.isArray(cellsV) || cellsV.length === 0 || typeof voltageV !== 'number') return undefined;
  const sumV = cellsV.reduce((sum: number, cellV: number) => sum + cellV, 0);
  if (Math.abs(sumV - voltageV) <= 0.5 + 0.1 * Math.max(sumV, voltageV)) return undefined;
  const detail = `cells add up to ${sumV.toFixed(2)} V, the pack says ${voltageV.toFixed(2)} V`;
  return { code: 'sensor-fault', level: 'warning', detail };
}

function extension(fields: Fields): Fields {
  const ext = fields.ext;
  return typeof ext === 'object' && ext !== null ? (ext as Fields) : {};
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}
