import type { World, WorldPack } from '../../model.ts';
import { ascii, type BoardFace, be16, be32, sumOf, switchPack } from './face.ts';

/**
 * A JK board on its GPS port, from the vendor's text and captures.
 *
 *     request  4E57 length terminal×4 06 03 00 00 record×4 68 0000 sum
 *     reply    4E57 length terminal×4 06 00 01 tag value tag value … record×4 68 0000 sum
 */
const WRITE = 0x02;
const READ_ALL = 0x06;
const SHORTEST = 21;
const LONGEST = 300;

export const jk4e57 = (world: World): BoardFace => {
  const balancer = { on: true };
  return { baud: 115_200, take: (pending) => take(pending, world.pack, balancer) };
};

function take(pending: Uint8Array, pack: WorldPack, balancer: { on: boolean }): ReturnType<BoardFace['take']> {
  for (let at = 0; at < pending.length; at += 1) {
    const rest = pending.subarray(at);
    const length = requestLength(rest);
    if (length === 'none') continue;
    if (length === 'more') return { rest };
    const behind = rest.subarray(length);
    if (rest[8] === READ_ALL && rest[10] === 0) return { rest: behind, reply: frame(tags(pack, balancer.on)) };
    if (rest[8] === WRITE && rest[10] === 0) write(rest[11] ?? 0, rest[12] ?? 0, pack, balancer);
    return { rest: behind };
  }
  return { rest: new Uint8Array() };
}

/** Is not answered: what came of it shows in the next list. */
function write(tag: number, value: number, pack: WorldPack, balancer: { on: boolean }): void {
  if (value > 1) return;
  if (tag === 0xab) switchPack(pack, 'charge', value === 1);
  if (tag === 0xac) switchPack(pack, 'discharge', value === 1);
  if (tag === 0x9d) balancer.on = value === 1;
}

/** Length of the good request that begins here. */
function requestLength(bytes: Uint8Array): number | 'more' | 'none' {
  if (bytes[0] !== 0x4e || (bytes[1] ?? 0x57) !== 0x57) return 'none';
  if (bytes.length < SHORTEST) return 'more';
  const length = (((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0)) + 2;
  if (length < SHORTEST || length > LONGEST) return 'none';
  if (bytes.length < length) return 'more';
  const sum = ((bytes[length - 2] ?? 0) << 8) | (bytes[length - 1] ?? 0);
  return bytes[length - 5] === 0x68 && sumOf(bytes.subarray(0, length - 4)) === sum ? length : 'none';
}

function tags(pack: WorldPack, balances: boolean): number[] {
  const [first = 25, second = first] = pack.temperaturesC;
  // with protocol version 1 the highest bit says charging
  const current = Math.min(0x7fff, Math.round(Math.abs(pack.currentA) * 100)) | (pack.currentA > 0 ? 0x8000 : 0);
  return [
    0x79,
    pack.cells * 3,
    ...pack.cellsV.flatMap((cellV, at) => [at + 1, ...be16(cellV * 1000)]),
    ...[0x80, ...celsius(first), 0x81, ...celsius(first), 0x82, ...celsius(second)],
    ...[0x83, ...be16(pack.voltageV * 100), 0x84, ...be16(current), 0x85, Math.round(pack.socRatio * 100)],
    ...[0x86, 2, 0x87, ...be16(pack.cycles), 0x89, ...be32(pack.cycles * pack.capacityAh), 0x8a, ...be16(pack.cells)],
    ...[0x8b, 0, 0, 0x8c, ...be16(+pack.chargeFetClosed | (+pack.dischargeFetClosed << 1))],
    // pack and cells, too high and too low, as the LiFePO4 preset has them; then the balancer's switch
    ...[0x8e, ...be16(pack.cells * 365), 0x8f, ...be16(pack.cells * 258), 0x90, ...be16(3650), 0x93, ...be16(2580)],
    ...[0x9d, +balances, 0xa5, ...be16(2)],
    ...[
      0xaa,
      ...be32(pack.capacityAh),
      0xab,
      +(pack.locked?.charge !== true),
      0xac,
      +(pack.locked?.discharge !== true),
    ],
    ...[0xaf, 0, 0xb7, ...ascii('11.XW_TWIN', 15), 0xb9, ...be32(pack.capacityAh), 0xc0, 1],
  ];
}

/** 0 to 100; above that, negative: 101 is -1. */
const celsius = (value: number): number[] => be16(value < 0 ? 100 - value : value);

function frame(body: readonly number[]): Uint8Array {
  const inner = [0, 0, 0, 0, READ_ALL, 0, 1, ...body, 0, 0, 0, 0, 0x68];
  const head = [0x4e, 0x57, ...be16(inner.length + 2 + 4), ...inner];
  return Uint8Array.of(...head, 0, 0, ...be16(sumOf(head)));
}
