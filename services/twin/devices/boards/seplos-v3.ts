import type { World, WorldPack } from '../../model.ts';
import type { BoardFace } from './face.ts';
import { takeRead } from './modbus-words.ts';

/** A Seplos V3 board at unit 1: three blocks of input registers and one of coils, each answered only as a whole. */
export const seplosV3 = (world: World): BoardFace => ({
  baud: 19_200,
  take: (pending) =>
    takeRead(pending, {
      unit: 1,
      functions: [1, 4],
      reads: (address, count) => BLOCKS.get(address) === count,
      word: (address) => summary(world.pack).get(address) ?? cells(world.pack).get(address) ?? text(address),
      bit: (address) => status(world.pack)[address - STATUS],
    }),
});

const SUMMARY = 0x1000;
const CELLS = 0x1100;
const STATUS = 0x1200;
const NAMES = 0x1700;
const BLOCKS = new Map([
  [SUMMARY, 17],
  [CELLS, 26],
  [STATUS, 144],
  [NAMES, 51],
]);

/** In tenths of a kelvin. */
const kelvin = (celsius: number): number => celsius * 10 + 2731;
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function summary(pack: WorldPack): ReadonlyMap<number, number> {
  const { cellsV, temperaturesC } = pack;
  const values = [
    pack.voltageV * 100,
    pack.currentA * 100,
    pack.remainingAh * 100,
    pack.capacityAh * 100,
    (pack.cycles * pack.capacityAh) / 10,
    pack.socRatio * 1000,
    1000,
    pack.cycles,
    mean(cellsV) * 1000,
    kelvin(mean(temperaturesC)),
    Math.max(...cellsV) * 1000,
    Math.min(...cellsV) * 1000,
    kelvin(Math.max(...temperaturesC)),
    kelvin(Math.min(...temperaturesC)),
    0,
    100,
    100,
  ];
  return new Map(values.map((value, at) => [SUMMARY + at, value]));
}

function cells({ cellsV, temperaturesC }: WorldPack): ReadonlyMap<number, number> {
  const [first = 25, second = first] = temperaturesC;
  const values = [
    ...Array.from({ length: 16 }, (_, at) => (cellsV[at] ?? 0) * 1000),
    ...[first, second, first, second, 0, 0, 0, 0, first, second].map((celsius, at) =>
      at < 4 || at > 7 ? kelvin(celsius) : 0,
    ),
  ];
  return new Map(values.map((value, at) => [CELLS + at, value]));
}

/** State in the ninth byte, switches in the sixteenth. */
function status(pack: WorldPack): readonly boolean[] {
  const bytes = new Array<number>(18).fill(0);
  const idle = Math.abs(pack.currentA) <= 0.05;
  bytes[8] = idle ? 1 << 4 : pack.currentA < 0 ? 1 << 0 : 1 << 1;
  bytes[15] = +pack.dischargeFetClosed | (+pack.chargeFetClosed << 1);
  return bytes.flatMap((byte) => Array.from({ length: 8 }, (_, place) => ((byte >> place) & 1) === 1));
}

/** Maker, model, firmware and serial number, each filled with zeros; two characters in a register. */
const TEXTS = (
  [
    ['XZH-ElecTech Co.,Ltd', 20],
    ['TWIN-16S', 20],
    ['10', 2],
    ['TWIN0001', 60],
  ] as const
)
  .map(([words, length]) => words.padEnd(length, '\0'))
  .join('');

function text(address: number): number | undefined {
  const at = 2 * (address - NAMES);
  return at < 0 || at >= TEXTS.length ? undefined : (TEXTS.charCodeAt(at) << 8) | TEXTS.charCodeAt(at + 1);
}
