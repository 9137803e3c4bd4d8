import { type Acceptance, acceptLengthPrefixed, crc16Modbus, type LengthPrefixedShape } from '#bridge';
import type { Alarm, AlarmCode } from '../model/alarms.ts';
import { numberedBoards } from './boards.ts';
import { decoded, refused } from './decoded.ts';
import type { Decoded, ExchangeDriver, RecordedExchange } from './driver.ts';
import { bitNames, bitNumbers, fieldTable, readRun, readText } from './fields.ts';
import { packSample } from './pack-fields.ts';

/**
 * JBD UP series rack packs (UP16S010/015/020).
 *
 *     ask   01 78 1000 10A0 0000 crc            address, function, start, end, payload length
 *     told  01 78 1000 10A0 009E payload… crc   CRC-16/Modbus, low byte first
 *
 * Replies begin after 0.3 to 0.6 s. Address 1 is the master of a parallel group; its current limits are the group's.
 * The block at 0x2000 is never read: it can make the master drop its discharge limit for a moment.
 */

const HEADER = 8;
const CRC = 2;
const BOARDS = { first: 1, last: 16, usual: 1, set: 'the DIP switches' };
const READ = 0x78;
const STATUS_START = 0x1000;
const STATUS_END = 0x10a0;

const status = fieldTable([
  { key: 'voltageV', offset: 0, size: 2, scale: 0.01 },
  { key: 'currentA', offset: 4, size: 4, add: -300_000, scale: 0.01 },
  { key: 'socRatio', offset: 8, size: 2, scale: 0.0001 },
  { key: 'remainingAh', offset: 10, size: 2, scale: 0.01 },
  { key: 'fullAh', offset: 12, size: 2, scale: 0.01 },
  { key: 'ratedAh', offset: 14, size: 2, scale: 0.01 },
  { key: 'mosfetTempC', offset: 16, size: 2, add: -500, scale: 0.1 },
  { key: 'ambientTempC', offset: 18, size: 2, add: -500, scale: 0.1 },
  { key: 'sohRatio', offset: 22, size: 2, scale: 0.01 },
  { key: 'faultBits', offset: 24, size: 4 },
  { key: 'alarmBits', offset: 28, size: 4 },
  { key: 'cycles', offset: 36, size: 2 },
  { key: 'cellCount', offset: 66, size: 2 },
]);

/** Unknown word, balancing bits, firmware, 30 bytes of serial. */
const TAIL = 36;

function request(address: number): Uint8Array {
  const bytes = new Uint8Array(HEADER + CRC);
  const view = new DataView(bytes.buffer);
  bytes[0] = address;
  bytes[1] = READ;
  view.setUint16(2, STATUS_START);
  view.setUint16(4, STATUS_END);
  view.setUint16(HEADER, crc16Modbus(bytes, 0, HEADER), true);
  return bytes;
}

const shapeOf = (address: number): LengthPrefixedShape => ({
  headerLength: HEADER,
  startsWith: (first) => first === address,
  measure: (header) => {
    if (header[0] !== address || header[1] !== READ) return undefined;
    if (u16(header, 2) !== STATUS_START || u16(header, 4) !== STATUS_END) return undefined;
    const length = u16(header, 6);
    // Length 0 is the request itself, echoed by the adapter.
    return length === 0 || length > 512 ? undefined : HEADER + length + CRC;
  },
  check: (frame) => (crc16Modbus(frame) === 0 ? undefined : 'checksum'),
});

/** JBD UP series; each pack of a group by its own address. */
export const jbdUp: ExchangeDriver = numberedBoards(BOARDS, (address) => ({
  id: 'jbd-up',
  title: 'JBD UP series rack packs (UP16S)',
  measures: 'pack',
  note: 'protocols/jbd.md, section 9',
  shape: 'exchange',
  line: { baud: 9600 },
  gapMs: 100,
  timeoutMs: 1500,
  tries: 2,
  reads: [
    {
      name: 'pack status',
      cadence: 'fast',
      request: request(address),
      accept: acceptAnswer(address),
    },
  ],
  decode,
  sample(fields, measuredAtMs) {
    const bits = fields.balancingBits;
    const balancing = typeof bits === 'number' ? { balancingCells: bitNumbers(bits) } : {};
    return packSample({ ...fields, ...balancing }, measuredAtMs, alarms(fields.faultBits, fields.alarmBits));
  },
}));

function acceptAnswer(address: number): (received: Uint8Array) => Acceptance<Uint8Array> {
  const shape = shapeOf(address);
  return (received) => acceptLengthPrefixed(received, shape);
}

function decode(exchange: RecordedExchange): Decoded {
  const asked = exchange.request;
  let response = exchange.response ?? new Uint8Array();
  if (response.length === 0) return refused('timeout', 'the BMS did not answer');
  if (asked !== undefined && asked.length > 0 && startsWith(response, asked))
    response = response.subarray(asked.length);
  if (response.length < HEADER) return refused('truncated', 'the frame ends inside its header');
  if (asked !== undefined && response[0] !== asked[0]) {
    return refused('wrong_address', `asked address ${asked[0]}, address ${response[0]} answered`);
  }
  if (response[1] !== READ) return refused('header', `function 0x${response[1]?.toString(16)} is not a status reply`);
  const length = HEADER + u16(response, 6) + CRC;
  if (response.length < length) return refused('truncated', `${length} bytes announced, ${response.length} came`);
  const frame = response.subarray(0, length);
  if (crc16Modbus(frame) !== 0) return refused('checksum', 'the CRC does not match');
  if (asked !== undefined && !startsWith(response.subarray(1), asked.subarray(1, 6))) {
    return refused('wrong_register', 'the reply is of another block than was asked for');
  }
  if (u16(frame, 2) !== STATUS_START) return decoded({ address: frame[0], block: u16(frame, 2) });
  return packStatus(frame[0] ?? 0, frame.subarray(HEADER, length - CRC));
}

function packStatus(address: number, payload: Uint8Array): Decoded {
  const cellsAt = status.length;
  const cellCount = payload.length < cellsAt ? 0 : u16(payload, 66);
  const sensorsAt = cellsAt + 2 * cellCount;
  const sensors = u16(payload, sensorsAt);
  const tailAt = sensorsAt + 2 + 2 * sensors;
  if (payload.length < tailAt + TAIL) {
    return refused(
      'short_payload',
      `${cellCount} cells and ${sensors} sensors do not fit into ${payload.length} bytes`,
    );
  }
  const switches = u16(payload, 32);
  return decoded({
    address,
    ...status.read(payload),
    dischargeMosfet: (switches & 1) !== 0,
    chargeMosfet: (switches & 2) !== 0,
    cellsV: readRun(payload, cellsAt, cellCount, 0.001),
    tempsC: readRun(payload, sensorsAt + 2, sensors, 0.1, -500),
    balancingBits: u16(payload, tailAt + 2),
    firmwareRaw: u16(payload, tailAt + 4),
    serial: readText(payload.subarray(tailAt + 6, tailAt + TAIL)),
  });
}

/** Fault bits, bit 0 first; `undefined` has no code of ours and is reported as `vendor`. */
const FAULTS: readonly (AlarmCode | undefined)[] = [
  'cell-overvoltage',
  'cell-undervoltage',
  'pack-overvoltage',
  'pack-undervoltage',
  'charge-overcurrent',
  'charge-overcurrent',
  'discharge-overcurrent',
  'discharge-overcurrent',
  'charge-overtemperature',
  'charge-undertemperature',
  'discharge-overtemperature',
  'discharge-undertemperature',
  'mosfet-overtemperature',
  'ambient-temperature',
  'ambient-temperature',
  'cell-imbalance',
  undefined,
  'low-soc',
  'short-circuit',
  'sensor-fault',
  'sensor-fault',
  'mosfet-fault',
  'mosfet-fault',
  undefined,
  undefined,
  undefined,
  'front-end-fault',
];

const WARNINGS: readonly (AlarmCode | undefined)[] = [
  'cell-overvoltage',
  'cell-undervoltage',
  'pack-overvoltage',
  'pack-undervoltage',
  'charge-overcurrent',
  'discharge-overcurrent',
  'charge-overtemperature',
  'charge-undertemperature',
  'discharge-overtemperature',
  'discharge-undertemperature',
  'mosfet-overtemperature',
  'ambient-temperature',
  'ambient-temperature',
  'cell-imbalance',
  undefined,
  'low-soc',
];

/** Bits 25 and 18 say "full": a state, no alarm. */
const FULL_FAULT = 1 << 25;
const FULL_ALARM = 1 << 18;

function alarms(faultBits: unknown, alarmBits: unknown): readonly Alarm[] | undefined {
  if (typeof faultBits !== 'number' || typeof alarmBits !== 'number') return undefined;
  return [
    ...named(faultBits & ~FULL_FAULT, FAULTS, 'protection', 'fault'),
    ...named(alarmBits & ~FULL_ALARM, WARNINGS, 'warning', 'alarm'),
  ];
}

function named(
  bits: number,
  codes: readonly (AlarmCode | undefined)[],
  level: Alarm['level'],
  word: string,
): readonly Alarm[] {
  return bitNames(bits, []).map((bit) => {
    const code = codes[Number(bit.slice('bit_'.length))];
    return code === undefined ? { code: 'vendor', level, detail: `${word} ${bit}` } : { code, level };
  });
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return bytes.length >= prefix.length && prefix.every((byte, at) => bytes[at] === byte);
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
