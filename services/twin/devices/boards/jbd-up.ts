import { crc16Modbus } from '#bridge';
import type { World, WorldPack } from '../../model.ts';
import { ascii, type BoardFace, be16, be32 } from './face.ts';
import { sealed } from './modbus-words.ts';

/**
 * A JBD UP16S at address 1: frames like those of Modbus, with an end instead of a count.
 *
 *     request  01 78 start×2 end×2 00 00 crc      reply  01 78 start×2 end×2 length×2 data… crc
 */
const REQUEST = 10;
const STATUS = 0x1000;
const STATUS_END = 0x10a0;

export const jbdUp = (world: World): BoardFace => ({
  baud: 9600,
  take(pending) {
    for (let at = 0; at < pending.length; at += 1) {
      const frame = pending.subarray(at, at + REQUEST);
      if (frame[0] !== 0x01 || (frame[1] ?? 0x78) !== 0x78) continue;
      if (frame.length < REQUEST) return { rest: pending.subarray(at) };
      if (crc16Modbus(frame) !== 0) continue;
      const rest = pending.subarray(at + REQUEST);
      const [start, end] = [u16(frame, 2), u16(frame, 4)];
      if (start !== STATUS || end !== STATUS_END) return { rest };
      const data = status(world.pack);
      return { rest, reply: sealed(...frame.subarray(0, 6), ...be16(data.length), ...data) };
    }
    return { rest: new Uint8Array() };
  },
});

function status(pack: WorldPack): number[] {
  const cells = pack.cellsV.map((cellV) => cellV * 1000);
  const [highest, lowest] = [Math.max(...cells), Math.min(...cells)];
  const [first = 25, second = first] = pack.temperaturesC;
  const warm = (celsius: number) => be16(celsius * 10 + 500);
  return [
    ...[...be16(pack.voltageV * 100), 0, 0, ...be32(pack.currentA * 100 + 300_000), ...be16(pack.socRatio * 10_000)],
    ...[...be16(pack.remainingAh * 100), ...be16(pack.capacityAh * 100), ...be16(pack.capacityAh * 100)],
    ...[...warm(first), ...warm(second), 0, 0, ...be16(100), ...be32(0), ...be32(0)],
    ...[...be16(+pack.dischargeFetClosed | (+pack.chargeFetClosed << 1)), 0, 0, ...be16(pack.cycles)],
    ...[...be16(cells.indexOf(highest) + 1), ...be16(highest), ...be16(cells.indexOf(lowest) + 1), ...be16(lowest)],
    ...be16(cells.reduce((sum, mV) => sum + mV, 0) / cells.length),
    ...[
      ...be16(1),
      ...warm(Math.max(...pack.temperaturesC)),
      ...be16(1),
      ...warm(Math.min(...pack.temperaturesC)),
      0,
      0,
    ],
    ...[...be16(576), ...be16(1000), ...be16(432), ...be16(1000)],
    ...[...be16(pack.cells), ...cells.flatMap(be16)],
    ...[...be16(pack.temperaturesC.length), ...pack.temperaturesC.flatMap(warm)],
    ...[0, 0, 0, 0, ...be16(12), ...ascii('UP16S-TWIN', 30)],
  ];
}

const u16 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
