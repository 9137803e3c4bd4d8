import { crc16Modbus, withCrc16Modbus } from '#bridge';
import { refused } from './decoded.ts';
import type { Decoded } from './driver.ts';

/**
 * Recorded Modbus TCP, made into the RTU form that everything else reads.
 *
 *     0007 0000 0006 64 03 0348 0007
 *     │    │    │    └ unit, function, data: as RTU, without its CRC
 *     │    │    └ bytes that follow
 *     │    └ protocol, always 0
 *     └ transaction: the answer repeats it
 */
const HEADER = 6;
/** Unit and the longest PDU. */
const LONGEST = 254;

export interface RtuForm {
  readonly request: Uint8Array;
  readonly response: Uint8Array;
}

/** True for a request that has the header of Modbus TCP and is no good RTU frame. */
export function isTcpRequest(request: Uint8Array | undefined): request is Uint8Array {
  if (request === undefined || request.length < HEADER + 2) return false;
  return u16(request, 2) === 0 && u16(request, 4) === request.length - HEADER && crc16Modbus(request) !== 0;
}

/** The exchange in RTU form; bytes behind the answer stay behind it. Never throws. */
export function rtuForm(
  request: Uint8Array,
  response: Uint8Array | undefined,
): RtuForm | (Decoded & { readonly ok: false }) {
  if (response === undefined || response.length === 0) return refused('timeout', 'the device did not answer');
  if (response.length < HEADER) return refused('truncated', 'the answer ends within its header');
  const length = u16(response, 4);
  if (u16(response, 2) !== 0 || length < 2 || length > LONGEST) {
    return refused('framing', `the header is not one of Modbus TCP (length ${length}): close the connection`);
  }
  const [own, other] = [u16(request, 0), u16(response, 0)];
  if (own !== other) {
    return refused('wrong_transaction', `asked with transaction ${own}, ${other} was answered (a late answer?)`);
  }
  const end = HEADER + length;
  if (response.length < end) return refused('truncated', 'the answer ends before its length');
  return {
    request: withCrc16Modbus(request.subarray(HEADER)),
    response: Uint8Array.from([...withCrc16Modbus(response.subarray(HEADER, end)), ...response.subarray(end)]),
  };
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
