import { decoded, refused } from '../decoded.ts';
import type { Decoded, Fields, I2cDriver, I2cRead, RecordedExchange, RegisterBytes } from '../driver.ts';
import { packSample } from '../pack-fields.ts';

/**
 * What the chips on I2C have in common: registers of a known length, big-endian, decoded from whichever of them are
 * there. No chip of these has a checksum, so the length, reserved bits, the identity and what is possible are all there
 * is to tell a value from noise.
 */

/** How a chip is wired, in the names of the configuration and of the vectors. What does not concern a chip is ignored. */
export interface Wiring {
  readonly shuntOhm?: number | undefined;
  /** The shunt sits the other way round: what the chip sees as positive discharges the pack. */
  readonly invert?: boolean | undefined;
  /** More than this cannot be, A. */
  readonly maxCurrentA?: number | undefined;
  /** 1..3, where a chip has several. */
  readonly channel?: number | undefined;
  readonly calibration?: number;
  readonly currentLsbA?: number;
  readonly adcRange?: number;
  /** Full scale of an ADC, V. */
  readonly pgaV?: number;
  /** What is divided down before the ADC: true voltage / voltage at the pin. */
  readonly dividerRatio?: number;
  /** Of a tachometer. */
  readonly polesFactor?: number;
}

export interface Chip {
  readonly id: string;
  readonly title: string;
  readonly note: string;
  /** The usual one first. */
  readonly addresses: readonly number[];
  /** Length in bytes of each register that is known. */
  readonly lengths: Readonly<Record<number, number>>;
  /** All ones are a value: a tachometer that stands still. */
  readonly onesAreTrue?: true;
  /** Registers read at every poll, in this order. */
  readonly polled: readonly number[];
  /** Values of those registers that are there; their lengths were checked. */
  values(registers: Registers, wiring: Wiring): Fields | Decoded;
}

/** Numbers out of the registers that are there. */
export interface Registers {
  has(at: number): boolean;
  bytes(at: number): Uint8Array;
  /** All its bytes, big-endian, unsigned. */
  u(at: number): number;
  /** The same, two's complement. */
  s(at: number): number;
}

/** Decodes what was read of a chip. Never throws. */
export function decodeChip(chip: Chip, registers: RegisterBytes, wiring: Wiring): Decoded {
  if (registers.size === 0) return refused('timeout', `the ${chip.id} told nothing`);
  let known = 0;
  for (const [at, bytes] of registers) {
    const length = chip.lengths[at];
    if (length === undefined) continue;
    known += 1;
    if (bytes.length !== length)
      return refused('wrong_length', `register ${hex(at)} has ${length} bytes, ${bytes.length} came`);
  }
  if (known === 0) return refused('unknown_register', `none of these registers is one of the ${chip.id}`);
  if (!chip.onesAreTrue && [...registers.values()].every((bytes) => bytes.every((byte) => byte === 0xff)))
    return refused('floating', 'nothing but ones: the bus is held, or the chip has no power');
  const result = chip.values(numbers(registers), wiring);
  return isDecoded(result) ? result : decoded(result);
}

const isDecoded = (result: Fields | Decoded): result is Decoded => typeof result.ok === 'boolean';

function numbers(registers: RegisterBytes): Registers {
  const bytes = (at: number): Uint8Array => registers.get(at) ?? new Uint8Array();
  const u = (at: number): number => bytes(at).reduce((number, byte) => number * 256 + byte, 0);
  return {
    has: (at) => registers.has(at),
    bytes,
    u,
    s: (at) => signed(u(at), bytes(at).length * 8),
  };
}

/** Two's complement of that many bits. */
export const signed = (value: number, bits: number): number => (value >= 2 ** (bits - 1) ? value - 2 ** bits : value);

/** The driver of a chip that is wired like this. */
export function chipDriver(chip: Chip, wiring: Wiring = {}): I2cDriver {
  const { id, title, note, addresses, polled, lengths } = chip;
  const read: I2cRead = {
    name: 'values',
    cadence: 'fast',
    registers: polled.map((at) => ({ at, length: lengths[at] ?? 2 })),
    decode: (registers) => decodeChip(chip, registers, wiring),
  };
  return {
    id,
    title,
    note,
    measures: 'pack',
    shape: 'i2c',
    addresses,
    reads: [read],
    decode: (exchange) => decodeRecorded(chip, exchange, wiring),
    sample: (fields, measuredAtMs) => packSample(fields, measuredAtMs, undefined),
  };
}

/** A recorded set of registers; its own wiring goes before the driver's. */
export function decodeRecorded(chip: Chip, { registers }: RecordedExchange, wiring: Wiring = {}): Decoded {
  if (registers?.failure !== undefined)
    return refused(registers.failure, 'the chip was not there; that is no voltage and no current');
  if (registers === undefined) return refused('timeout', 'no registers: give {"registers":{"0x02":"fa00"}}');
  const result = decodeChip(chip, registers.bytes, { ...wiring, ...wiringOf(registers.wiring) });
  return result.ok ? decoded({ ...result.fields, ...registers.told }) : result;
}

/** Only what has the right type: recorded lines come from anywhere. */
function wiringOf(given: Fields): Wiring {
  const names = [
    'shuntOhm',
    'maxCurrentA',
    'channel',
    'calibration',
    'currentLsbA',
    'adcRange',
    'pgaV',
    'dividerRatio',
    'polesFactor',
  ] as const;
  const wiring: { -readonly [K in keyof Wiring]: Wiring[K] } = {};
  for (const name of names) {
    const value = given[name];
    if (typeof value === 'number' && Number.isFinite(value)) wiring[name] = value;
  }
  if (typeof given.invert === 'boolean') wiring.invert = given.invert;
  return wiring;
}

/**
 * Current through a shunt, A, in our sign; null when it is beyond what the wiring allows, and nothing without a shunt.
 * @param shuntV voltage across it
 */
export function shuntCurrent(shuntV: number, { shuntOhm, invert, maxCurrentA }: Wiring): Fields {
  if (shuntOhm === undefined || !(shuntOhm > 0)) return {};
  return { currentA: bounded((invert ? -shuntV : shuntV) / shuntOhm, maxCurrentA) };
}

/** A current of the chip's own reckoning, in our sign. */
export const chipCurrent = (currentA: number, { invert, maxCurrentA }: Wiring): number | null =>
  bounded(invert ? -currentA : currentA, maxCurrentA);

/** A tenth more than the largest is left to tolerances; -0 is 0. */
const bounded = (currentA: number, most = Infinity): number | null =>
  Math.abs(currentA) <= most * 1.1 ? currentA + 0 : null;

/** The maker of INA226, INA228 and INA3221 in their register for it. */
const TEXAS_INSTRUMENTS = 0x5449;

/** Who the chip says it is; a refusal when it is another one. */
export function identity(
  registers: Registers,
  { maker, die, expected }: { readonly maker: number; readonly die: number; readonly expected: number },
): Fields | Decoded {
  const fields: Record<string, unknown> = {};
  if (registers.has(maker)) {
    const word = registers.u(maker);
    if (word !== TEXAS_INSTRUMENTS)
      return refused('wrong_chip', `the maker reads ${hex(word, 4)}, not 0x5449: another chip is at this address`);
    fields.manufacturer = 'TI';
  }
  if (registers.has(die)) {
    const word = registers.u(die);
    if (word >> 4 !== expected)
      return refused('wrong_chip', `the chip reads ${hex(word, 4)}: another one than configured`, { dieId: word >> 4 });
    fields.dieId = word >> 4;
    fields.revision = word & 15;
  }
  return fields;
}

export const isRefusal = (result: Fields | Decoded): result is Decoded & { readonly ok: false } => result.ok === false;

/** A refusal when bits that always read 0 do not: what came is no answer of this chip. */
export function reserved(registers: Registers, masks: Readonly<Record<number, number>>): Decoded | undefined {
  for (const [key, mask] of Object.entries(masks)) {
    const at = Number(key);
    const low = registers.has(at) ? (registers.u(at) % 0x10000) & mask : 0;
    if (low !== 0) return refused('reserved_bits', `register ${hex(at)} has bits set that are always 0`);
  }
  return undefined;
}

export const hex = (value: number, digits = 2): string => `0x${value.toString(16).padStart(digits, '0')}`;
