import type { World, WorldPack } from '../../model.ts';
import type { BoardFace } from './face.ts';

/**
 * A ring of diyBMS cell modules, one to a cell: the packet comes back with what each wrote into it.
 *
 *     AA first last command hops sequence×2 words×16 crc×2, low bytes first; AA and 88 within are 88 and the byte less bit 7
 */
const START = 0xaa;
const ESCAPE = 0x88;
const PACKET = 40;
const WORDS_AT = 6;
const SEEN = 0x80;

export const diybms = (world: World): BoardFace => ({
  baud: 9600,
  take(pending) {
    const start = pending.indexOf(START);
    if (start < 0) return { rest: new Uint8Array() };
    const { packet, end } = unstuffed(pending, start + 1);
    if (pending[end] === START && packet.length < PACKET) return { rest: pending.subarray(end) };
    if (packet.length < PACKET) return { rest: pending.subarray(start) };
    const rest = pending.subarray(end);
    // a damaged packet is not passed on
    return crc(packet.slice(0, 38)) === le16(packet, 38)
      ? { rest, reply: onWire(passed(packet, world.pack)) }
      : { rest };
  },
});

/** Bytes of the packet that begins there, up to its last or to the next start. */
function unstuffed(bytes: Uint8Array, from: number): { packet: number[]; end: number } {
  const packet: number[] = [];
  let at = from;
  while (at < bytes.length && packet.length < PACKET && bytes[at] !== START) {
    const byte = bytes[at] ?? 0;
    if (byte === ESCAPE && at + 1 >= bytes.length) break;
    packet.push(byte === ESCAPE ? (bytes[at + 1] ?? 0) | 0x80 : byte);
    at += byte === ESCAPE ? 2 : 1;
  }
  return { packet, end: at };
}

function passed(packet: readonly number[], pack: WorldPack): number[] {
  const [first = 0, last = 0, command = 0] = packet;
  const answer = ANSWERS[command & 0x0f];
  const back = [...packet.slice(0, 38)];
  for (let module = first; module <= last && module < pack.cells; module += 1) {
    const value = answer?.(pack, module);
    if (value === undefined) continue;
    back[2] = command | SEEN;
    back[WORDS_AT + (module % 16) * 2] = value & 0xff;
    back[WORDS_AT + (module % 16) * 2 + 1] = value >>> 8;
  }
  back[3] = pack.cells;
  const sum = crc(back);
  return [...back, sum & 0xff, sum >>> 8];
}

const ANSWERS: Readonly<Record<number, (pack: WorldPack, module: number) => number>> = {
  1: (pack, module) => Math.round((pack.cellsV[module] ?? 0) * 1000) & 0x1fff,
  3: (pack) => {
    const [first = 25, second = first] = pack.temperaturesC;
    return ((Math.round(first) + 40) << 8) | (Math.round(second) + 40);
  },
};

const le16 = (bytes: readonly number[], at: number): number => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);

const onWire = (packet: readonly number[]): Uint8Array =>
  Uint8Array.of(
    START,
    ...packet.flatMap((byte) => (byte === START || byte === ESCAPE ? [ESCAPE, byte & 0x7f] : [byte])),
  );

/** XMODEM. */
function crc(bytes: readonly number[]): number {
  let sum = 0;
  for (const byte of bytes) {
    sum ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum & 0x8000 ? (sum << 1) ^ 0x1021 : sum << 1) & 0xffff;
  }
  return sum;
}
