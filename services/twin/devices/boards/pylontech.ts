import type { World, WorldPack } from '../../model.ts';
import { asciiFace, unknownCommand } from './ascii-frames.ts';
import { ascii, type BoardFace, be16 } from './face.ts';

/** A single Pylontech module as master of its string, from the maker's RS485 document and captures of a US2000. */
const MASTER = 2;
const ALL = 0xff;

export const pylontech = (world: World): BoardFace =>
  asciiFace({
    baud: 115_200,
    version: '20',
    address: MASTER,
    answer(command, [which = 0]) {
      const { pack } = world;
      if (command === 0x51) return [...ascii('TWIN', 10), 1, 0, ...ascii('Pylon', 20)];
      if (command === 0x42 || command === 0x44) {
        const one = command === 0x42 ? analog(pack) : alarms(pack);
        // the number of modules when the string was asked for, else the address
        return [0, which === ALL ? 1 : MASTER, ...one];
      }
      if (command === 0x47) return [0, ...parameters(pack)];
      if (command === 0x92)
        return [MASTER, ...be16(57_600), ...be16(44_000), ...be16(500), ...be16(-500), permissions(pack)];
      if (command === 0x93) return [MASTER, ...ascii('TWIN000000000001')];
      if (command === 0x96) return [MASTER, 1, 2, 3, 4, 5];
      return unknownCommand;
    },
  });

function analog(pack: WorldPack): number[] {
  const kelvin = (celsius: number) => be16(celsius * 10 + 2731);
  const [board = 25] = pack.temperaturesC;
  // four items: the wide counters hold what the narrow ones cannot
  return [
    ...[pack.cells, ...pack.cellsV.flatMap((cellV) => be16(cellV * 1000))],
    ...[pack.temperaturesC.length + 1, ...kelvin(board), ...pack.temperaturesC.flatMap(kelvin)],
    ...[...be16(pack.currentA * 10), ...be16(pack.voltageV * 1000), 0xff, 0xff, 4, 0xff, 0xff, ...be16(pack.cycles)],
    ...[...be24(pack.remainingAh * 1000), ...be24(pack.capacityAh * 1000)],
  ];
}

function alarms(pack: WorldPack): number[] {
  const tooLow = pack.cellsV.map(() => (!pack.dischargeFetClosed ? 1 : 0));
  const switches = (+pack.dischargeFetClosed << 2) | (+pack.chargeFetClosed << 1);
  const state = (+(pack.currentA > 0.1) << 7) | (+(pack.currentA < -0.1) << 6);
  return [
    ...[pack.cells, ...tooLow, pack.temperaturesC.length + 1, 0, ...pack.temperaturesC.map(() => 0)],
    ...[0, 0, 0, pack.dischargeFetClosed ? 0 : 1 << 1, switches, state, 0, 0],
  ];
}

/** Cells, temperatures and current of charging; then the module, temperatures and current of discharging. */
function parameters({ cells }: WorldPack): number[] {
  const kelvin = (celsius: number): number => celsius * 10 + 2731;
  const charging = [3650, 3000, 2900, kelvin(50), kelvin(0), 500];
  const discharging = [cells * 3600, cells * 3000, cells * 2900, kelvin(55), kelvin(-10), -500];
  return [...charging, ...discharging].flatMap(be16);
}

const permissions = (pack: WorldPack): number => (+pack.chargeFetClosed << 7) | (+pack.dischargeFetClosed << 6);

const be24 = (value: number): number[] => {
  const whole = Math.round(value);
  return [(whole >> 16) & 0xff, (whole >> 8) & 0xff, whole & 0xff];
};
