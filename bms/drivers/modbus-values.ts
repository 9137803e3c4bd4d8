import { bitNames, bitNumbers, listOf, readText, scaler } from './fields.ts';
import type { Profile, ProfileRegister } from './modbus-profile-schema.ts';
import { bytesOf } from './words.ts';

/** One named value of a profile, ready to be read out of words. */
export interface RegisterValue {
  readonly name: string;
  /** 1 and 2 are bits: addresses, spans and words are of one bit each. */
  readonly fc: 1 | 2 | 3 | 4;
  readonly address: number;
  /** Registers it covers; never split over two reads. */
  readonly span: number;
  /** Named unit it lies in; undefined: the device's own. */
  readonly unit?: string | undefined;
  readonly cadence: 'fast' | 'slow' | 'once';
  readonly optional: boolean;
  /**
   * null: the device says, or the range shows, that there is no value.
   * @param from where `address` is in the words; their beginning when absent
   */
  read(words: Uint16Array, from?: number): unknown;
}

const WIDTH: Readonly<Record<string, number>> = { u16: 1, s16: 1, u32: 2, s32: 2, f32: 2 };
/** Bits that make one number. */
const COILS: Readonly<Record<string, number>> = { b8: 8, b16: 16 };

/** Compiles one entry of a profile. */
export function registerValue(name: string, entry: ProfileRegister, defaults: Profile['defaults']): RegisterValue {
  const type = entry.type ?? defaults.type;
  const order = entry.order ?? defaults.order;
  const swaps = order === 'byte_swap' || order === 'little';
  const { namesOf, count = 1 } = entry;
  const firstByte = entry.byte === 'low' ? 1 : 0;
  const isByte = type === 'u8' || type === 's8' || type === 'sm8';
  const textRegisters = type.startsWith('str') ? Number(type.slice(3)) : 0;
  const coils = COILS[type] ?? 0;
  const width = coils || (WIDTH[type] ?? 1);
  const span = isByte ? Math.ceil((firstByte + count) / 2) : textRegisters || width * count;
  const refine = refiner(entry);
  const number = isByte ? byteReader(type, swaps) : coils > 0 ? coilReader(coils) : wordReader(type, order, swaps);
  /** Bytes are counted from the first of the register. */
  const numberAt = (words: Uint16Array, from: number, at: number): number =>
    isByte ? number(words, 2 * from + firstByte + at) : number(words, from + at * width);

  function read(words: Uint16Array, from = 0): unknown {
    if (textRegisters > 0) return readText(bytesOf(words.subarray(from, from + span), swaps)) || null;
    if (entry.count === undefined && namesOf === undefined) return refine(numberAt(words, from, 0));
    const list = listOf(count, (at) => refine(numberAt(words, from, at)));
    return namesOf === undefined ? list : namesWhere(list, namesOf);
  }

  return {
    name,
    fc: entry.fc ?? defaults.fc,
    address: entry.addr,
    span,
    unit: entry.unit,
    cadence: entry.cadence ?? 'fast',
    optional: entry.optional ?? false,
    read,
  };
}

type NumberReader = (words: Uint16Array, at: number) => number;

const swapped = (word: number): number => ((word & 0xff) << 8) | (word >>> 8);
const floats = new Float32Array(1);
const floatBits = new Uint32Array(floats.buffer);

/** Reads a number straight out of the words, whatever order they come in. */
function wordReader(type: string, order: Profile['defaults']['order'], swaps: boolean): NumberReader {
  const word: NumberReader = swaps ? (words, at) => swapped(words[at] ?? 0) : (words, at) => words[at] ?? 0;
  const lowFirst = order === 'low_first' || order === 'little';
  const long: NumberReader = lowFirst
    ? (words, at) => ((word(words, at + 1) << 16) | word(words, at)) >>> 0
    : (words, at) => ((word(words, at) << 16) | word(words, at + 1)) >>> 0;
  switch (type) {
    case 's16':
      return (words, at) => (word(words, at) << 16) >> 16;
    case 'u32':
      return long;
    case 's32':
      return (words, at) => long(words, at) | 0;
    case 'f32':
      return (words, at) => {
        floatBits[0] = long(words, at);
        return sevenDigits(floats[0] ?? Number.NaN);
      };
    default:
      return word;
  }
}

/** Seven digits are what 32 bits can hold; the rest is binary dust (230.2 arrives as 230.19999695). */
function sevenDigits(value: number): number {
  const size = Math.abs(value);
  if (!(size >= 1e-3 && size < 1e9)) return Number(value.toPrecision(7));
  const places = 6 - Math.floor(Math.log10(size));
  const power = 10 ** Math.abs(places);
  return places >= 0 ? Math.round(value * power) / power : Math.round(value / power) * power;
}

/** A number of so many coils, the first lowest. */
function coilReader(coils: number): NumberReader {
  return (words, at) => {
    let bits = 0;
    for (let coil = 0; coil < coils; coil += 1) if ((words[at + coil] ?? 0) !== 0) bits |= 1 << coil;
    return bits;
  };
}

/** Bytes in the order in which they stand in the registers. */
function byteReader(type: string, swaps: boolean): NumberReader {
  return (words, at) => {
    const word = words[at >> 1] ?? 0;
    const byte = ((at & 1) === 0) === swaps ? word & 0xff : word >>> 8;
    if (type === 'u8' || (byte & 0x80) === 0) return byte;
    return type === 's8' ? byte - 0x100 : 0 - (byte & 0x7f);
  };
}

function namesWhere(values: readonly unknown[], { equals, names }: NonNullable<ProfileRegister['namesOf']>): string[] {
  return values.flatMap((value, at) => (value === equals ? [names[at] ?? `number_${at + 1}`] : []));
}

/** What becomes of one raw number: bits, a word, or a scaled value in its plausible range. */
function refiner(entry: ProfileRegister): (value: number) => unknown {
  const { bits, bit, enum: words, na = [], min = -Infinity, max = Infinity } = entry;
  const apply = scaler(entry.scale ?? 1);
  const offset = entry.offset ?? 0;
  const masked = (value: number): number => {
    const part = entry.mask === undefined ? value : (value & entry.mask) >>> 0;
    return entry.shift === undefined ? part : part >>> entry.shift;
  };
  const available = (value: number): boolean => Number.isFinite(value) && !na.includes(value);

  if (bits === 'numbers') return (value) => (available(value) ? bitNumbers(masked(value)) : null);
  if (bits !== undefined || entry.parts !== undefined) {
    const { parts = [] } = entry;
    const names = bits === undefined ? undefined : listOf(32, (at) => bits[String(at)]);
    return (value) => {
      if (!available(value)) return null;
      const set = names === undefined ? [] : bitNames(masked(value), names);
      return parts.length === 0 ? set : [...parts.flatMap((part) => partName(value, part)), ...set];
    };
  }
  if (bit !== undefined) {
    return (value) => (available(value) ? ((value >>> bit) & 1) !== (entry.invert ? 1 : 0) : null);
  }
  if (words !== undefined) {
    return (value) => (available(value) ? (words[String(masked(value))] ?? `unknown_${masked(value)}`) : null);
  }
  return (value) => {
    if (!available(value)) return null;
    const scaled = apply(masked(value)) + offset;
    const clean = Number.isInteger(offset) ? scaled : Math.round(scaled * 1e6) / 1e6;
    return clean >= min && clean <= max ? clean : null;
  };
}

/** The word for one part of a status word; none for 0. */
function partName(value: number, { mask, names }: NonNullable<ProfileRegister['parts']>[number]): string[] {
  const number = (value & mask) >>> (31 - Math.clz32(mask & -mask));
  return number === 0 ? [] : [names[String(number)] ?? `unknown_${number}`];
}
