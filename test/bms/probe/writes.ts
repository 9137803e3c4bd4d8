import { crc16Modbus } from '../../../firmware-bridge/index.ts';

/**
 * What would be a write, or an order, to some board: written from the notes of each protocol and not from our drivers. Each
 * looks at bytes that begin at one place of what was sent, since a board looks for its start anywhere. Stricter than the
 * boards: where a checksum is missing or wrong, the start of a write counts already, except where two bytes prove nothing.
 */
export const WRITES: Readonly<Record<string, (bytes: Uint8Array) => boolean>> = {
  // unit, function 5, 6, 15, 16, 21, 22, 23 of Modbus, 0x79 of JBD UP, 0x41 to 0x48 of makers: a good CRC at the length it has
  modbus(bytes) {
    const [, fc = 0, , , , , count = 0] = bytes;
    if ([0x05, 0x06].includes(fc)) return goodCrc(bytes, 8);
    if ([0x0f, 0x10, 0x79].includes(fc)) return goodCrc(bytes, 9 + count);
    if (fc === 0x16) return goodCrc(bytes, 10);
    if (fc === 0x17) return goodCrc(bytes, 13 + (bytes[10] ?? 0));
    return false;
  },
  jbd: ([start, kind]) => start === 0xdd && kind === 0x5a,
  // A5, from a host (0x20, 0x40, 0x80 and up), command, 08: read are 90 to 98, 50 to 5A, 61
  daly: ([start, host = 0, command = 0, length]) =>
    start === 0xa5 &&
    host >= 0x20 &&
    length === 8 &&
    !((command >= 0x90 && command <= 0x98) || (command >= 0x50 && command <= 0x5a) || command === 0x61),
  // 4E57 length×2 terminal×4 command: 3 and 6 read
  jk: (bytes) => bytes[0] === 0x4e && bytes[1] === 0x57 && bytes[8] !== 0x06 && bytes[8] !== 0x03,
  // the triggers of JK PB: any register in 0x16xx
  jkPb: ([, fc, page]) => fc === 0x10 && page === 0x16,
  jkBluetooth: (bytes) => hex(bytes, 4) === 'aa5590eb',
  // ~ version address class command: these read
  ascii: (bytes) =>
    /^~[0-9A-F]{12}/.test(text(bytes.subarray(0, 13))) &&
    !['42', '44', '47', '4F', '51', '92', '93', '96', 'C1', 'C2'].includes(text(bytes.subarray(7, 9))),
  // AA, 40 bytes with 88 before the two that are no data: commands 1 and 3 read
  diybms(bytes) {
    const packet = bytes[0] === 0xaa ? unstuffed(bytes.subarray(1)) : [];
    return packet.length === 40 && xmodem(packet) === 0 && ![1, 3].includes((packet[2] ?? 0) & 0x0f);
  },
  veDirectHex: (bytes) => /^:[0-9A-F]+\n/.test(text(bytes)),
};

/** What a Modbus device would take for an order by its function alone, were the silence around it all it looks at. */
export const isModbusWrite = ([, fc = 0]: Uint8Array): boolean =>
  [0x05, 0x06, 0x08, 0x0f, 0x10, 0x15, 0x16, 0x17, 0x79].includes(fc);

/**
 * A line of a Voltronic inverter, whatever came before its CR: questions begin with Q, all else is an order when its CRC is
 * right. One that throws away noise in front may begin anywhere.
 */
export function isVoltronicOrder(line: Uint8Array): boolean {
  return [...line.keys()].some((at) => {
    const [command, crc] = [line.subarray(at, -2), line.subarray(-2)];
    return (
      /^[\^A-PR-Z][A-Z0-9.,]+$/.test(text(command)) && voltronicCrc(command).every((byte, place) => byte === crc[place])
    );
  });
}

/** XMODEM, high byte first; bytes that mean something else on the line are one higher. */
function voltronicCrc(command: Uint8Array): number[] {
  const crc = crcXmodem(command);
  return [crc >>> 8, crc & 0xff].map((byte) => ([0x28, 0x0d, 0x0a].includes(byte) ? byte + 1 : byte));
}

function goodCrc(bytes: Uint8Array, length: number): boolean {
  return bytes.length >= length && crc16Modbus(bytes.subarray(0, length)) === 0;
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const hex = (bytes: Uint8Array, length: number): string => Buffer.from(bytes.subarray(0, length)).toString('hex');

/** The first 40 bytes of a packet; a new AA ends it. */
function unstuffed(bytes: Uint8Array): number[] {
  const packet: number[] = [];
  for (let at = 0; at < bytes.length && packet.length < 40 && bytes[at] !== 0xaa; at += 1) {
    const escaped = bytes[at] === 0x88;
    if (escaped) at += 1;
    packet.push((bytes[at] ?? 0) | (escaped ? 0x80 : 0));
  }
  return packet;
}

/** 0 when the CRC in the last two bytes, low byte first, is right. */
const xmodem = (packet: readonly number[]): number =>
  crcXmodem(packet.slice(0, 38)) ^ ((packet[38] ?? 0) | ((packet[39] ?? 0) << 8));

function crcXmodem(bytes: Iterable<number>): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc;
}
