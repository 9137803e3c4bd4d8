/**
 * Remainders for every byte value: polynomial 0x8005, bits reversed (0xA001), as in "MODBUS over Serial Line" V1.02, 6.2.2.
 */
const table = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  return crc;
});

/** CRC-16/Modbus of `bytes[start..end)`. On the wire the low byte goes first. The CRC over a frame with its CRC is 0. */
export function crc16Modbus(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let crc = 0xffff;
  for (let at = start; at < end; at += 1) crc = (crc >>> 8) ^ (table[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
  return crc;
}

/** The bytes and their CRC-16/Modbus behind them, as it goes on the wire. */
export function withCrc16Modbus(body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(body.length + 2);
  frame.set(body);
  const crc = crc16Modbus(body);
  frame.set([crc & 0xff, crc >>> 8], body.length);
  return frame;
}

/**
 * Plain sum of `bytes[start..end)`, not reduced; the protocol says modulo what (JBD: `0x10000 - sum`, VE.Direct text: sum
 * modulo 256 is 0, VE.Direct HEX: sum modulo 256 is 0x55).
 */
export function byteSum(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let sum = 0;
  for (let at = start; at < end; at += 1) sum += bytes[at] ?? 0;
  return sum;
}
