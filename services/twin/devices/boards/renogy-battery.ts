import type { World, WorldPack } from '../../model.ts';
import type { BoardFace } from './face.ts';
import { takeRead } from './modbus-words.ts';

/** A Renogy battery on RS485, unit 48: cells to a tenth of a volt, charge as two numbers of 32 bits, no percentage. */
export const renogyBattery = (world: World): BoardFace => ({
  baud: 9600,
  take: (pending) =>
    takeRead(pending, {
      unit: 0x30,
      functions: [3],
      word: (address) => registers(world.pack).get(address) ?? text(address) ?? (inTable(address) ? 0 : undefined),
    }),
});

const inTable = (address: number): boolean => address >= 5000 && address < 5140;

/** High word first. */
const long = (address: number, value: number): readonly (readonly [number, number])[] => {
  const whole = Math.round(value);
  return [
    [address, Math.floor(whole / 0x1_0000)],
    [address + 1, whole % 0x1_0000],
  ];
};

const registers = (pack: WorldPack): ReadonlyMap<number, number> =>
  new Map([
    [5000, pack.cells],
    ...pack.cellsV.slice(0, 16).map((cellV, at) => [5001 + at, cellV * 10] as const),
    [5017, pack.temperaturesC.length],
    ...pack.temperaturesC.slice(0, 16).map((celsius, at) => [5018 + at, celsius * 10] as const),
    [5042, pack.currentA * 100],
    [5043, pack.voltageV * 10],
    ...long(5044, pack.remainingAh * 1000),
    ...long(5046, pack.capacityAh * 1000),
    [5048, pack.cycles],
  ]);

/** Serial number, model, firmware and maker, by their first register. */
const TEXTS = new Map([
  [5110, ['TWIN000000000001', 8]],
  [5122, ['RBT100LFP48S', 8]],
  [5130, ['0100', 2]],
  [5132, ['RENOGY', 8]],
] as const);

function text(address: number): number | undefined {
  for (const [first, [words, length]] of TEXTS) {
    const at = 2 * (address - first);
    if (at >= 0 && address < first + length)
      return ((words.charCodeAt(at) || 0) << 8) | (words.charCodeAt(at + 1) || 0);
  }
  return undefined;
}
