import type { World, WorldPack } from '../../model.ts';
import { asciiFace, unknownCommand } from './ascii-frames.ts';
import { ascii, type BoardFace, be16 } from './face.ts';

/** A Pace BMS on RS232, pack 1, protocol version 25, from its document and captures of a P16S100A. */
const PACK = 1;

export const pace = (world: World): BoardFace =>
  asciiFace({
    baud: 9600,
    version: '25',
    address: PACK,
    answer(command) {
      if (command === 0x42) return analog(world.pack);
      if (command === 0x44) return status(world.pack);
      if (command === 0xc1) return ascii('P16S100A-TWIN-1.00', 20);
      if (command === 0xc2) return ascii('TWIN0001', 40);
      return unknownCommand;
    },
  });

function analog(pack: WorldPack): number[] {
  const [first = 25, second = first] = pack.temperaturesC;
  const sensors = [first, first, second, second, first, second];
  return [
    ...[0, PACK, pack.cells, ...pack.cellsV.flatMap((cellV) => be16(cellV * 1000))],
    // the document's own example counts from 2730
    ...[6, ...sensors.flatMap((celsius) => be16(celsius * 10 + 2730))],
    ...[...be16(pack.currentA * 100), ...be16(pack.voltageV * 1000), ...be16(pack.remainingAh * 100)],
    ...[3, ...be16(pack.capacityAh * 100), ...be16(pack.cycles), ...be16(pack.capacityAh * 100)],
  ];
}

function status(pack: WorldPack): number[] {
  const protect = (pack.chargeFetClosed ? 0 : 1) | (pack.dischargeFetClosed ? 0 : 1 << 1);
  const state = (+pack.chargeFetClosed << 1) | (+pack.dischargeFetClosed << 2);
  return [
    ...[0, PACK, pack.cells, ...pack.cellsV.map(() => 0), 6, 0, 0, 0, 0, 0, 0],
    ...[0, 0, 0, protect, 0, state, 0, 0, 0, 0, 0, 0],
  ];
}
