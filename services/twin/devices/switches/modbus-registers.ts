import type { World } from '../../model.ts';

/**
 * A PoE switch in registers. No maker has published a map with watts per port, so this one is made up, as a person would
 * have to describe it in a map of their own: coils switch, discrete inputs say whether there is power, input registers
 * hold tenths of a watt from 0, the total at 128 and the budget in watts at 129.
 */
export const MODBUS_MAP = {
  enabled: { fc: 1, base: 0 },
  delivering: { fc: 2, base: 0 },
  powerW: { fc: 4, base: 0, scale: 0.1 },
  totalW: { fc: 4, base: 128, scale: 0.1 },
  budgetW: { fc: 4, base: 129 },
  set: { fc: 15, base: 0 },
} as const;

const TOTAL = 128;
const BUDGET = 129;
const MOST_REGISTERS = 125;

const ILLEGAL_FUNCTION = 1;
const ILLEGAL_ADDRESS = 2;
const ILLEGAL_VALUE = 3;

/** The answer to a request without its frame; a number is the code of an exception. */
type Answer = readonly number[] | number;

/** Answers a request: function code and data, or the function code with its high bit and the code of an exception. */
export function registersAnswer(world: World, pdu: Uint8Array): readonly number[] {
  const [fc = 0] = pdu;
  const said = pdu.length < 5 ? ILLEGAL_VALUE : (FUNCTIONS[fc]?.(world, pdu) ?? ILLEGAL_FUNCTION);
  return typeof said === 'number' ? [fc | 0x80, said] : [fc, ...said];
}

const FUNCTIONS: Readonly<Record<number, (world: World, pdu: Uint8Array) => Answer>> = {
  1: (world, pdu) =>
    bits(
      pdu,
      world.switch.ports.map(({ enabled }) => enabled),
    ),
  2: (world, pdu) =>
    bits(
      pdu,
      world.switch.ports.map(({ state }) => state === 'delivering'),
    ),
  4: registers,
  5: (world, pdu) => {
    const value = word(pdu, 3);
    if (value !== 0 && value !== 0xff00) return ILLEGAL_VALUE;
    return write(world, word(pdu, 1), [value === 0xff00]) ? [...pdu.subarray(1)] : ILLEGAL_ADDRESS;
  },
  15: (world, pdu) => {
    const count = word(pdu, 3);
    const bytes = pdu.subarray(6);
    if (count < 1 || bytes.length !== Math.ceil(count / 8) || pdu[5] !== bytes.length) return ILLEGAL_VALUE;
    const wanted = Array.from({ length: count }, (_, at) => (((bytes[at >> 3] ?? 0) >> (at & 7)) & 1) === 1);
    return write(world, word(pdu, 1), wanted) ? [...pdu.subarray(1, 5)] : ILLEGAL_ADDRESS;
  },
};

const word = (pdu: Uint8Array, at: number): number => (pdu[at] ?? 0) * 256 + (pdu[at + 1] ?? 0);

function bits(pdu: Uint8Array, all: readonly boolean[]): Answer {
  const [from, count] = [word(pdu, 1), word(pdu, 3)];
  if (count < 1 || from + count > all.length) return ILLEGAL_ADDRESS;
  const some = all.slice(from, from + count);
  const bytes = Array.from({ length: Math.ceil(count / 8) }, (_, at) =>
    some.slice(8 * at, 8 * at + 8).reduce((byte, bit, place) => byte | (bit ? 1 << place : 0), 0),
  );
  return [bytes.length, ...bytes];
}

function registers(world: World, pdu: Uint8Array): Answer {
  const [from, count] = [word(pdu, 1), word(pdu, 3)];
  if (count < 1 || count > MOST_REGISTERS) return ILLEGAL_VALUE;
  const words: number[] = [];
  for (let address = from; address < from + count; address += 1) {
    const value = wordAt(world, address);
    if (value === undefined) return ILLEGAL_ADDRESS;
    words.push((value >> 8) & 0xff, value & 0xff);
  }
  return [words.length, ...words];
}

function wordAt({ switch: { ports, drawnW, budgetW } }: World, address: number): number | undefined {
  if (address === TOTAL) return Math.round(drawnW * 10);
  if (address === BUDGET) return Math.round(budgetW);
  const port = ports[address];
  return port === undefined ? undefined : Math.round(port.powerW * 10);
}

function write(world: World, from: number, wanted: readonly boolean[]): boolean {
  const some = world.switch.ports.slice(from, from + wanted.length);
  if (some.length !== wanted.length) return false;
  for (const [at, port] of some.entries()) world.switch.setEnabled(port.port, wanted[at] === true);
  return true;
}
