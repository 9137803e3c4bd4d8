import type { World } from '../../model.ts';
import type { BoardFace } from './face.ts';

/**
 * A Voltronic inverter with PI30 commands: lines that end with two bytes of CRC and CR. Anything but a question is refused.
 *
 *     request  QPIGS crc×2 CR        reply  ( values crc×2 CR
 */
const CR = 0x0d;
const AWKWARD = [0x28, 0x0d, 0x0a];

export const voltronic = (world: World): BoardFace => ({
  baud: 2400,
  take(pending) {
    const end = pending.indexOf(CR);
    if (end < 0) return { rest: pending };
    const [command, crc] = [pending.subarray(0, Math.max(0, end - 2)), pending.subarray(Math.max(0, end - 2), end)];
    const good = command.length > 0 && crcOf(command).every((byte, at) => byte === crc[at]);
    const question = Buffer.from(command).toString('latin1');
    return { rest: pending.subarray(end + 1), reply: line(good ? (answers(world)[question] ?? 'NAK') : 'NAK') };
  },
});

function answers(world: World): Readonly<Record<string, string>> {
  const { meter, pack, mainsPresent } = world;
  const digits = (value: number, whole: number, places = 0): string =>
    Math.max(0, value)
      .toFixed(places)
      .padStart(places === 0 ? whole : whole + 1 + places, '0');
  const loadW = Math.max(0, mainsPresent ? meter.powerW : -pack.currentA * pack.voltageV);
  const gridV = mainsPresent ? meter.voltageV : 0;
  const gridHz = mainsPresent ? meter.frequencyHz : 0;
  const [charging, discharging] = [Math.max(0, pack.currentA), Math.max(0, -pack.currentA)];
  return {
    QPIGS: [
      ...[digits(gridV, 3, 1), digits(gridHz, 2, 1), digits(110, 3, 1), digits(60, 2, 1)],
      ...[digits(loadW, 4), digits(loadW, 4), digits((loadW / 3000) * 100, 3), digits(380, 3)],
      ...[digits(pack.voltageV, 2, 2), digits(charging, 3), digits(pack.socRatio * 100, 3), '0035'],
      ...['0000', '000.0', digits(pack.voltageV, 2, 2), digits(discharging, 5)],
      ...[`0001${'0'}${charging > 0.5 ? '1' : '0'}0${charging > 0.5 ? '1' : '0'}`, '00', '00', '00000', '010'],
    ].join(' '),
    QMOD: mainsPresent ? 'L' : 'B',
    QPIWS: Array.from({ length: 36 }, (_, at) => (at === 5 && !mainsPresent ? '1' : '0')).join(''),
    QPIRI: '110.0 27.2 110.0 60.0 27.2 3000 3000 48.0 46.0 42.0 56.4 54.0 2 30 060 1 0 2 1 01 0 0 54.0 0 1',
    QVFW: 'VERFW:00072.70',
    QID: '92931701100510',
    QPI: 'PI30',
  };
}

function line(text: string): Uint8Array {
  const bytes = Buffer.from(`(${text}`, 'latin1');
  return Uint8Array.of(...bytes, ...crcOf(bytes), CR);
}

/** XMODEM, high byte first; bytes that mean something else on the line are one higher. */
function crcOf(bytes: Uint8Array): number[] {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return [crc >>> 8, crc & 0xff].map((byte) => (AWKWARD.includes(byte) ? byte + 1 : byte));
}
