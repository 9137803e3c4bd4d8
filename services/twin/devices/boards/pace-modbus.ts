import type { World, WorldPack } from '../../model.ts';
import type { BoardFace } from './face.ts';
import { takeRead } from './modbus-words.ts';

/** A Pace BMS on RS485, unit 1: registers in decimal, from the document of its protocol. */
export const paceModbus = (world: World): BoardFace => ({
  baud: 9600,
  take: (pending) =>
    takeRead(pending, {
      unit: 1,
      functions: [3],
      word: (address) => measured(world.pack).get(address) ?? limits(world.pack).get(address) ?? texts(address),
    }),
});

const CHARGING = 8;
const DISCHARGING = 9;
const CHARGE_FET = 10;
const DISCHARGE_FET = 11;

/** 0 to 36: everything that is measured. */
function measured(pack: WorldPack): ReadonlyMap<number, number> {
  const { currentA } = pack;
  const state =
    (+(currentA > 0.05) << CHARGING) |
    (+(currentA < -0.05) << DISCHARGING) |
    (+pack.chargeFetClosed << CHARGE_FET) |
    (+pack.dischargeFetClosed << DISCHARGE_FET);
  const [first = 25, second = first] = pack.temperaturesC;
  return new Map([
    [0, currentA * 100],
    [1, pack.voltageV * 100],
    [2, pack.socRatio * 100],
    [3, 100],
    [4, pack.remainingAh * 100],
    [5, pack.capacityAh * 100],
    [6, pack.capacityAh * 100],
    [7, pack.cycles],
    [8, 0],
    [9, 0],
    [10, 0],
    [11, state],
    [12, 0],
    [13, 0],
    [14, 0],
    ...Array.from({ length: 16 }, (_, at) => [15 + at, (pack.cellsV[at] ?? 0) * 1000] as const),
    ...[first, first, second, second, first, second].map((celsius, at) => [31 + at, celsius * 10] as const),
  ]);
}

/** 60 to 114; those nobody reads are 0. */
function limits({ cells }: WorldPack): ReadonlyMap<number, number> {
  const cell = [3600, 3650, 3400, 10, 2800, 2500, 2900, 10];
  const [high = 0, over = 0, overBack = 0, , low = 0, under = 0, underBack = 0] = cell;
  const told: [number, number][] = [
    ...[high, over, overBack].map((mV, at): [number, number] => [60 + at, mV * cells]),
    ...[high, over, overBack].map((mV, at): [number, number] => [64 + at, mV]),
    ...[low, under, underBack].map((mV, at): [number, number] => [68 + at, mV * cells]),
    ...[low, under, underBack].map((mV, at): [number, number] => [72 + at, mV]),
  ];
  const rest = Array.from({ length: 55 }, (_, at): [number, number] => [60 + at, 0]);
  return new Map([...rest, ...told]);
}

/** Firmware, model and serial number: ten registers each, two characters in one. */
function texts(address: number): number | undefined {
  if (address < 150 || address >= 180) return undefined;
  const text = ['P16S100A-TWIN-1.00', 'P16S100A', 'TWIN0001'][Math.floor((address - 150) / 10)] ?? '';
  const at = 2 * ((address - 150) % 10);
  return ((text.charCodeAt(at) || 0) << 8) | (text.charCodeAt(at + 1) || 0);
}
