import { acceptLengthPrefixed, crc16Modbus } from '#bridge';
import { decoded, refused } from './decoded.ts';
import type { Decoded, ExchangeDriver, RecordedExchange } from './driver.ts';
import { fieldTable } from './fields.ts';
import { packSample } from './pack-fields.ts';

/**
 * Copy this file to start a driver; it is registered nowhere. Then: draw a captured request and its reply here, give the
 * driver one line in `registry.ts`, put captures with their source into `test/fixtures/bms` and add them to
 * `test/contracts/drivers.test.ts`, which runs the promises of `driver.ts` over every driver.
 *
 * A device that talks by itself has the shape `stream` (see `ve-direct.ts`); one that speaks Modbus needs no code but a
 * profile (see `profiles/`).
 *
 *     ask   AA 01 crc                    one command byte
 *     told  AA 01 05 0A28 FFE2 64 crc    command, length, 26.00 V, -0.30 A, 100 %; CRC-16/Modbus, low byte first
 */

const START = 0xaa;
const STATUS = 0x01;
const HEADER = 3;
const CRC = 2;

/** Value = (raw + add) x scale; SI, positive current charges. */
const status = fieldTable([
  { key: 'voltageV', offset: 0, size: 2, scale: 0.01 },
  { key: 'currentA', offset: 2, size: 2, signed: true, scale: 0.01 },
  { key: 'socRatio', offset: 4, size: 1, scale: 0.01 },
]);

export const blueprint: ExchangeDriver = {
  id: 'blueprint',
  title: 'Maker and models',
  measures: 'pack',
  note: 'protocols/<note>.md, section',
  shape: 'exchange',
  line: { baud: 9600 },
  gapMs: 50,
  timeoutMs: 500,
  tries: 2,
  reads: [
    {
      name: 'status',
      cadence: 'fast',
      request: Uint8Array.of(START, STATUS, 0xbe, 0xd0),
      accept: (received) =>
        acceptLengthPrefixed(received, {
          headerLength: HEADER,
          startsWith: (first) => first === START,
          measure: (header) => (header[1] === STATUS ? HEADER + (header[2] ?? 0) + CRC : undefined),
          check: (frame) => (crc16Modbus(frame) === 0 ? undefined : 'checksum'),
        }),
    },
  ],
  decode,
  // Everything the device does not tell stays absent; vendor bits become alarms of ours in the third argument.
  sample: (fields, measuredAtMs) => packSample(fields, measuredAtMs, undefined),
};

/** Refuse before decoding: length, checksum, echo of the command; each with its word. */
function decode(exchange: RecordedExchange): Decoded {
  const frame = exchange.response ?? new Uint8Array();
  if (frame.length === 0) return refused('timeout', 'the BMS did not answer');
  if (frame[0] !== START) return refused('header', 'no frame begins here');
  if (frame[1] !== STATUS) return refused('wrong_command', `the reply is to command ${frame[1]}`);
  const length = HEADER + (frame[2] ?? 0) + CRC;
  if (frame.length < length) return refused('truncated', `${length} bytes announced, ${frame.length} came`);
  if (crc16Modbus(frame, 0, length) !== 0) return refused('checksum', 'the CRC does not match');
  const payload = frame.subarray(HEADER, length - CRC);
  if (payload.length < status.length) return refused('short_payload', `${status.length} bytes of data expected`);
  return decoded(status.read(payload));
}
