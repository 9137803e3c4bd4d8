import { crc16Modbus } from '#bridge';
import type { World, WorldPack } from '../../model.ts';
import { ascii, type BoardFace, be16, be32, sumOf, switchPack } from './face.ts';
import { type RegisterBoard, sealed, takeRead } from './modbus-words.ts';

/**
 * A JK PB board with DIP address 1. Three triggers, each a Modbus write to a register of page 16, ask for one of three frames
 * of 300 bytes, little-endian; the same values are Modbus registers, big-endian, at addresses that count bytes.
 *
 *     request  01 10 16 20 00 01 02 00 00 crc
 *     reply    55 AA EB 90 02 00 data… sum  00  01 10 16 20 00 01 crc
 */
const ADDRESS = 1;
const FRAME_TYPES: Readonly<Record<number, number>> = { 30: 1, 32: 2, 28: 3 };
const TRIGGER = 11;
const READ = 3;
const WRITE = 0x10;
/** High byte of the addresses of settings. */
const SETTINGS_PAGE = 0x10;
/** First data byte of a frame. */
const DATA_AT = 6;

/** A value at its place in the data: u16 or u32 numbers, single bytes, text. */
type Value = readonly [offset: number, kind: 8 | 16 | 32, value: number] | readonly [offset: number, text: string];

export const jkPb = (world: World): BoardFace => {
  const switches: Switches = { balancing: true };
  return { baud: 115_200, take: (pending) => take(pending, world.pack, switches) };
};

/** What only the board knows of. */
interface Switches {
  balancing: boolean;
}

function take(pending: Uint8Array, pack: WorldPack, switches: Switches): ReturnType<BoardFace['take']> {
  const registers: RegisterBoard = {
    unit: ADDRESS,
    functions: [READ],
    step: 2,
    word: (at) => word(at, pack, switches),
    set: (at, words) => set(at, words, pack, switches),
  };
  for (let at = 0; at < pending.length; at += 1) {
    const rest = pending.subarray(at);
    const [heard, fc, page] = rest;
    if (heard !== ADDRESS || (fc !== undefined && fc !== READ && fc !== WRITE)) continue;
    if (fc === READ || (fc === WRITE && page === SETTINGS_PAGE)) return takeRead(rest, registers);
    if (rest.length < TRIGGER) return { rest };
    const type = triggered(rest.subarray(0, TRIGGER));
    if (type === undefined) continue;
    const acknowledge = sealed(...rest.subarray(0, 6));
    const reply = Uint8Array.of(...frame(type, pack, switches), 0, ...acknowledge);
    return { rest: rest.subarray(TRIGGER), reply };
  }
  return { rest: new Uint8Array() };
}

/** Two registers each, 1 or 0: charging, discharging, balancing. */
function set(address: number, [high, low, ...more]: readonly number[], pack: WorldPack, switches: Switches): boolean {
  if (high !== 0 || (low !== 0 && low !== 1) || more.length > 0) return false;
  if (address === 0x1070) return switchPack(pack, 'charge', low === 1);
  if (address === 0x1074) return switchPack(pack, 'discharge', low === 1);
  if (address !== 0x1078) return false;
  switches.balancing = low === 1;
  return true;
}

/** The frame type that a good trigger asks for. */
function triggered(frame: Uint8Array): number | undefined {
  return frame[2] === 0x16 && crc16Modbus(frame) === 0 ? FRAME_TYPES[frame[3] ?? 0] : undefined;
}

const BLOCKS: Readonly<Record<number, (pack: WorldPack, switches: Switches) => readonly Value[]>> = {
  1: (pack, { balancing }) => [
    ...[2800, 2900, 3600, 3500].map((mV, at) => [4 + at * 4, 32, mV] as const),
    [108, 32, pack.cells],
    [112, 32, +(pack.locked?.charge !== true)],
    // from 70 °C on nothing flows, below 2 °C nothing is charged
    [76, 32, 700],
    [84, 32, 700],
    [92, 32, 20],
    [116, 32, +(pack.locked?.discharge !== true)],
    [120, 32, +balancing],
    [124, 32, pack.capacityAh * 1000],
    [264, 32, ADDRESS],
  ],
  2: status,
  3: () => [
    [0, 'JK_PB2A16S20P'],
    [16, '14A'],
    [24, '14.24'],
    [40, 'TWIN0001'],
  ],
};

function status(pack: WorldPack): readonly Value[] {
  const cells = pack.cellsV.map((cellV) => cellV * 1000);
  const [first = 25, second = first] = pack.temperaturesC;
  return [
    ...cells.map((mV, at) => [at * 2, 16, mV] as const),
    [64, 32, 2 ** pack.cells - 1],
    [68, 16, cells.reduce((sum, mV) => sum + mV, 0) / cells.length],
    [70, 16, Math.max(...cells) - Math.min(...cells)],
    [138, 16, first * 10],
    [144, 32, pack.voltageV * 1000],
    [148, 32, Math.abs(pack.voltageV * pack.currentA) * 1000],
    [152, 32, pack.currentA * 1000],
    [156, 16, first * 10],
    [158, 16, second * 10],
    [160, 32, 0],
    [167, 8, pack.socRatio * 100],
    [168, 32, pack.remainingAh * 1000],
    [172, 32, pack.capacityAh * 1000],
    [176, 32, pack.cycles],
    [180, 32, pack.cycles * pack.capacityAh * 1000],
    [184, 8, 100],
    [192, 8, +pack.chargeFetClosed],
    [193, 8, +pack.dischargeFetClosed],
    // MOSFET sensor and two of the battery
    [208, 8, 0b111],
    [228, 16, pack.voltageV * 100],
    // the others are not fitted
    ...[248, 250, 252].map((offset) => [offset, 16, -2000] as const),
  ];
}

/** The data of a block, low byte first or high byte first. */
function data(type: number, pack: WorldPack, switches: Switches, little: boolean): Uint8Array {
  const bytes = new Uint8Array(293);
  for (const [offset, kind, value] of BLOCKS[type]?.(pack, switches) ?? []) {
    const whole =
      typeof kind === 'string' ? ascii(kind) : kind === 8 ? [Math.round(value ?? 0)] : numeric(kind, value ?? 0);
    bytes.set(little && typeof kind === 'number' ? whole.toReversed() : whole, offset);
  }
  return bytes;
}

const numeric = (kind: 16 | 32, value: number): number[] => (kind === 16 ? be16(value) : be32(value));

function frame(type: number, pack: WorldPack, switches: Switches): Uint8Array {
  const body = Uint8Array.of(0x55, 0xaa, 0xeb, 0x90, type, 0, ...data(type, pack, switches, true));
  return Uint8Array.of(...body, sumOf(body.subarray(0, DATA_AT + 293)) & 0xff);
}

const PAGES: Readonly<Record<number, number>> = { 16: 1, 18: 2, 20: 3 };

/** Addresses count bytes, and one register takes two of them. */
function word(register: number, pack: WorldPack, switches: Switches): number | undefined {
  const type = PAGES[register >>> 8];
  if (type === undefined) return undefined;
  const bytes = data(type, pack, switches, false);
  const at = register & 0xff;
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
