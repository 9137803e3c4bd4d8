import type { World, WorldPack } from '../../model.ts';
import { ascii, type BoardFace, be16, stateOf, switchPack } from './face.ts';
import { takeRead } from './modbus-words.ts';

/** Daly's newer boards: the same values at two addresses and in two orders, from captures of real boards. */

const OFFSET = 40;
/** Neither fitted. */
const ABSENT = 0xffff;

/** At the fixed unit 0xD2, real Modbus. */
export const dalyD2 = (world: World): BoardFace => {
  const balancer = { on: true };
  const set = settable(world.pack, { 165: 'charge', 166: 'discharge', 207: balancer });
  return {
    baud: 9600,
    take: (pending) =>
      takeRead(pending, {
        unit: 0xd2,
        functions: [3],
        word: (address) => (address === 0xcf ? +balancer.on : (statusD2(world.pack).get(address) ?? d2(address))),
        set,
      }),
  };
};

/** Asked as 0x81, answers as 0x51. */
export const dalyP81 = (world: World): BoardFace => ({
  baud: 9600,
  take: (pending) =>
    takeRead(pending, {
      unit: 0x81,
      repliesAs: 0x51,
      functions: [3],
      word: (address) =>
        statusP81(world.pack).get(address) ?? version(address, 0x178, 74) ?? (address <= 0x7e ? 0 : undefined),
      set: settable(world.pack, { 289: 'charge', 290: 'discharge' }),
    }),
});

/** Registers that take 1 or 0: the switches of the pack, and what only the board knows of. */
function settable(
  pack: WorldPack,
  switches: Readonly<Record<number, 'charge' | 'discharge' | { on: boolean }>>,
): (address: number, words: readonly number[]) => boolean {
  return (address, [word, ...more]) => {
    const what = switches[address];
    if (what === undefined || more.length > 0 || (word !== 0 && word !== 1)) return false;
    if (typeof what === 'string') return switchPack(pack, what, word === 1);
    what.on = word === 1;
    return true;
  };
}

function statusD2(pack: WorldPack): Map<number, number> {
  const cells = pack.cellsV.map((cellV) => cellV * 1000);
  const [highest, lowest] = [Math.max(...cells), Math.min(...cells)];
  return registers([
    ...cells.map((mV, at) => [at, mV] as const),
    ...temperatures(0x20, pack),
    [0x28, pack.voltageV * 10],
    [0x29, 30_000 + pack.currentA * 10],
    [0x2a, pack.socRatio * 1000],
    [0x2b, highest],
    [0x2c, lowest],
    [0x2d, Math.max(...pack.temperaturesC) + OFFSET],
    [0x2e, Math.min(...pack.temperaturesC) + OFFSET],
    [0x2f, stateOf(pack.currentA)],
    [0x30, pack.remainingAh * 10],
    [0x31, pack.cells],
    [0x32, pack.temperaturesC.length],
    [0x33, pack.cycles],
    [0x35, +pack.chargeFetClosed],
    [0x36, +pack.dischargeFetClosed],
    [0x37, mean(cells)],
    [0x38, highest - lowest],
    [0x39, Math.abs(pack.voltageV * pack.currentA)],
    [0x40, 30_000],
    [0x42, ABSENT],
    [0x43, ABSENT],
    [0x80, pack.capacityAh * 10],
    [0x81, 3200],
    [0x82, 1],
    [0x83, pack.cells],
    [0x86, pack.temperaturesC.length],
    [0x8a, 0xffff],
    ...[3600, 3650, 2800, 2500].map((mV, at) => [0x8b + at, mV] as const),
    ...[3600, 3650, 2800, 2500].map((mV, at) => [0x8f + at, (pack.cells * mV) / 100] as const),
    // no charging from 55 °C, nor at 0 °C and below
    ...[50, 55, 5, 0].map((celsius, at) => [0x97 + at, celsius + OFFSET] as const),
    [0x93, 30_000 - 1000],
    [0x95, 30_000 + 1000],
    [0xa5, +(pack.locked?.charge !== true)],
    [0xa6, +(pack.locked?.discharge !== true)],
    [0xa7, pack.socRatio * 1000],
  ]);
}

/** The rest of the map reads 0. */
const d2 = (address: number): number | undefined => version(address, 0xa9, 32) ?? (address <= 0xcf ? 0 : undefined);

function statusP81(pack: WorldPack): Map<number, number> {
  const cells = pack.cellsV.map((cellV) => cellV * 1000);
  const [highest, lowest] = [Math.max(...cells), Math.min(...cells)];
  const [warmest, coldest] = [Math.max(...pack.temperaturesC), Math.min(...pack.temperaturesC)];
  return registers([
    ...cells.map((mV, at) => [at, mV] as const),
    ...temperatures(0x30, pack),
    [0x38, pack.voltageV * 10],
    [0x39, 30_000 + pack.currentA * 10],
    [0x3a, pack.socRatio * 1000],
    [0x3c, pack.cells],
    [0x3d, pack.temperaturesC.length],
    [0x3e, highest],
    [0x3f, cells.indexOf(highest) + 1],
    [0x40, lowest],
    [0x41, cells.indexOf(lowest) + 1],
    [0x42, highest - lowest],
    [0x43, warmest + OFFSET],
    [0x44, 1],
    [0x45, coldest + OFFSET],
    [0x46, 1],
    [0x47, warmest - coldest],
    [0x48, stateOf(pack.currentA)],
    [0x4b, pack.remainingAh * 10],
    [0x4c, pack.cycles],
    [0x52, +pack.chargeFetClosed],
    [0x53, +pack.dischargeFetClosed],
    [0x57, mean(cells)],
    [0x58, Math.abs(pack.voltageV * pack.currentA)],
    [0x5a, ABSENT],
    [0x5b, ABSENT],
    [0x5c, ABSENT],
    // a board that stands alone says that it misses the others
    [0x70, 0x80],
  ]);
}

/** Eight sensors; 255 is one that is not there. */
const temperatures = (from: number, pack: WorldPack): [number, number][] =>
  Array.from({ length: 8 }, (_, at) => {
    const celsius = pack.temperaturesC[at];
    return [from + at, celsius === undefined ? 255 : celsius + OFFSET];
  });

const VERSION = 'TWIN_V1.0';

function version(address: number, from: number, count: number): number | undefined {
  if (address < from || address >= from + count) return undefined;
  const [high = 0, low = 0] = ascii(VERSION, count * 2).slice((address - from) * 2);
  return (high << 8) | low;
}

function registers(entries: readonly (readonly [number, number])[]): Map<number, number> {
  return new Map(
    entries.map(([address, value]) => {
      const [high, low] = be16(value);
      return [address, (high << 8) | low];
    }),
  );
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
