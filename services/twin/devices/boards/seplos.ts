import type { World, WorldPack } from '../../model.ts';
import { asciiFace, unknownCommand } from './ascii-frames.ts';
import { ascii, type BoardFace, be16 } from './face.ts';

/** A Seplos V2 board at address 0, from its document and captures. */
export const seplos = (world: World): BoardFace =>
  asciiFace({
    baud: 9600,
    version: '20',
    address: 0,
    answer(command) {
      if (command === 0x42) return telemetry(world.pack);
      if (command === 0x44) return alarms(world.pack);
      if (command === 0x51) return [...ascii('1101-TWIN', 10), 2, 8, ...ascii('SEPLOS', 20)];
      if (command === 0x47) return [0, 60, ...parameters().flatMap(be16), ...new Array<number>(47).fill(0)];
      return unknownCommand;
    },
  });

function telemetry(pack: WorldPack): number[] {
  const [first = 25, second = first] = pack.temperaturesC;
  const sensors = [first, first, second, second, first, second];
  return [
    ...[0, 1, pack.cells, ...pack.cellsV.flatMap((cellV) => be16(cellV * 1000))],
    ...[6, ...sensors.flatMap((celsius) => be16(celsius * 10 + 2731))],
    ...[...be16(pack.currentA * 100), ...be16(pack.voltageV * 100), ...be16(pack.remainingAh * 100)],
    ...[10, ...be16(pack.capacityAh * 100), ...be16(pack.socRatio * 1000), ...be16(pack.capacityAh * 100)],
    ...[...be16(pack.cycles), ...be16(1000), ...be16(pack.voltageV * 100), 0, 0, 0, 0, 0, 0, 0, 0],
  ];
}

/** Sixty words, of which the first eight are the cells': alarm and recovery high and low, protection and recovery likewise. */
function parameters(): number[] {
  return [3600, 3400, 2900, 3000, 3650, 3450, 2700, 2900, ...new Array<number>(52).fill(0)];
}

function alarms(pack: WorldPack): number[] {
  const status = new Array<number>(20).fill(0);
  status[1] = (pack.dischargeFetClosed ? 0 : 1 << 3) | (pack.chargeFetClosed ? 0 : 1 << 1);
  status[6] = +pack.dischargeFetClosed | (+pack.chargeFetClosed << 1);
  status[9] = +(pack.currentA < 0) | (+(pack.currentA > 0) << 1);
  return [0, 1, pack.cells, ...pack.cellsV.map(() => 0), 6, 0, 0, 0, 0, 0, 0, 0, 0, 20, ...status];
}
