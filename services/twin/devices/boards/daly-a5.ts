import type { World, WorldPack } from '../../model.ts';
import { type BoardFace, be16, be32, stateOf, sumOf, switchPack } from './face.ts';

/**
 * Daly's classic board number 1, from the vendor's "UART/485 Communications Protocol" V1.2 and captures of real boards.
 *
 *     request  A5 40 command 08 data×8 sum      reply  A5 01 command 08 data×8 sum, for cells and sensors several
 */
const LENGTH = 13;
const HOST = 0x40;

export function dalyA5(world: World): BoardFace {
  return {
    baud: 9600,
    take(pending) {
      for (let at = 0; at < pending.length; at += 1) {
        const frame = pending.subarray(at, at + LENGTH);
        if (frame[0] !== 0xa5 || (frame[1] ?? HOST) !== HOST || (frame[3] ?? 8) !== 8) continue;
        if (frame.length < LENGTH) return { rest: pending.subarray(at) };
        if ((sumOf(frame.subarray(0, 12)) & 0xff) !== frame[12]) continue;
        const rest = pending.subarray(at + LENGTH);
        const reply = said(frame[2] ?? 0, frame[4] ?? 0, world.pack);
        return reply === undefined ? { rest } : { rest, reply };
      }
      return { rest: new Uint8Array() };
    },
  };
}

function said(command: number, first: number, pack: WorldPack): Uint8Array | undefined {
  const frames = command === 0xd9 || command === 0xda ? switched(command, first, pack) : READS[command]?.(pack);
  return frames && Uint8Array.from(frames.flatMap((data) => frame(command, data)));
}

const READS: Readonly<Record<number, (pack: WorldPack) => number[][]>> = {
  // 0x90; discharging counts above 30000
  144: (pack) => [
    [...be16(pack.voltageV * 10), 0, 0, ...be16(30_000 - pack.currentA * 10), ...be16(pack.socRatio * 1000)],
  ],
  147: (pack) => [
    [stateOf(pack.currentA), +pack.chargeFetClosed, +pack.dischargeFetClosed, 0, ...be32(pack.remainingAh * 1000)],
  ],
  148: (pack) => [[pack.cells, pack.temperaturesC.length, 0, 0, 0, ...be16(pack.cycles)]],
  149: (pack) =>
    numbered(
      3,
      pack.cellsV.map((cellV) => be16(cellV * 1000)),
    ),
  150: (pack) =>
    numbered(
      7,
      pack.temperaturesC.map((celsius) => [Math.round(celsius) + 40]),
    ),
  151: () => [[]],
  152: (pack) => [faults(pack)],
  80: (pack) => [[...be32(pack.capacityAh * 1000), ...be32(3200)]],
  // cells too high and too low, two levels each
  89: () => [[3600, 3650, 2800, 2500].flatMap(be16)],
};

/** Frames counted from 1, each with so many items. */
function numbered(most: number, items: readonly (readonly number[])[]): number[][] {
  const frames = Math.ceil(items.length / most);
  return Array.from({ length: frames }, (_, at) => [at + 1, ...items.slice(at * most, (at + 1) * most).flat()]);
}

/** The protection that opened a switch, level 2: cell too high, cell too low. */
const faults = (pack: WorldPack): number[] => [
  (!pack.chargeFetClosed && pack.locked?.charge !== true ? 1 << 1 : 0) |
    (!pack.dischargeFetClosed && pack.locked?.discharge !== true ? 1 << 3 : 0),
];

/** The acknowledgement repeats the state that was asked for. */
function switched(command: number, on: number, pack: WorldPack): number[][] | undefined {
  if (on > 1) return undefined;
  if (!switchPack(pack, command === 0xda ? 'charge' : 'discharge', on === 1)) return undefined;
  return [[on]];
}

function frame(command: number, data: readonly number[]): number[] {
  const body = [0xa5, 0x01, command, 8, ...Array.from({ length: 8 }, (_, at) => data[at] ?? 0)];
  return [...body, sumOf(body) & 0xff];
}
