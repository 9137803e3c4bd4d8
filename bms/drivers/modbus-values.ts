import { bitNumbers, readText, scaler } from './fields.ts';
import type { Profile, ProfileRegister } from './modbus-profile-schema.ts';

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

/** Compiles one entry of a profile. */
export function registerValue(name: string, entry: ProfileRegister, defaults: Profile['defaults']): RegisterValue {
  const type = entry.type ?? defaults.type;
  const order = entry.order ?? defaults.order;
  const count = entry.count ?? 1;
  const firstByte = entry.byte === 'low' ? 1 : 0;
  const isByte = type === 'u8' || type === 's8' || type === 'sm8';
  const coils = type === 'b8' ? 8 : type === 'b16' ? 16 : 0;
  const textRegisters = type.startsWith('str') ? Number(type.slice(3)) : 0;
  const width = coils || (WIDTH[type] ?? 1);
  const span = isByte ? Math.ceil((firstByte + count) / 2) : textRegisters || width * count;
  const refine = refiner(entry);
  const plain = isByte || coils > 0 || textRegisters > 0 ? undefined : wordReader(type, order);

  function read(words: Uint16Array, from = 0): unknown {
    if (plain !== undefined && entry.count === undefined) return refine(plain(words, from));
    if (plain !== undefined) {
      const list = new Array<unknown>(count);
      for (let at = 0; at < count; at += 1) list[at] = refine(plain(words, from + at * width));
      return entry.namesOf === undefined ? list : namesWhere(list, entry.namesOf);
    }
    if (coils > 0) return refine(fromCoils(words.subarray(from, from + coils)));
    const bytes = toBytes(words.subarray(from, from + span), order);
    if (textRegisters > 0) return readText(bytes) || null;
    const view = new DataView(bytes.buffer);
    const values = Array.from({ length: count }, (_, at) => refine(raw(view, firstByte + at, type)));
    if (entry.namesOf !== undefined) return namesWhere(values, entry.namesOf);
    return entry.count === undefined ? values[0] : values;
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

type WordReader = (words: Uint16Array, at: number) => number;

const swapped = (word: number): number => ((word & 0xff) << 8) | (word >>> 8);
const floats = new Float32Array(1);
const floatBits = new Uint32Array(floats.buffer);

/** Reads a number straight out of the words, whatever order they come in. */
function wordReader(type: string, order: Profile['defaults']['order']): WordReader {
  const word: WordReader =
    order === 'little' || order === 'byte_swap'
      ? (words, at) => swapped(words[at] ?? 0)
      : (words, at) => words[at] ?? 0;
  const lowFirst = order === 'low_first' || order === 'little';
  const long: WordReader = lowFirst
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

/** A number of coils, the first lowest. */
function fromCoils(coils: Uint16Array): number {
  return coils.reduce((sum, coil, at) => sum + (coil === 0 ? 0 : 2 ** at), 0);
}

function namesWhere(values: readonly unknown[], { equals, names }: NonNullable<ProfileRegister['namesOf']>): string[] {
  return values.flatMap((value, at) => (value === equals ? [names[at] ?? `number_${at + 1}`] : []));
}

/** Bytes of registers in the order in which they stand there. */
function toBytes(words: Uint16Array, order: Profile['defaults']['order']): Uint8Array {
  const swap = order === 'byte_swap' || order === 'little';
  const bytes = new Uint8Array(words.length * 2);
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? 0;
    bytes[at * 2] = swap ? word & 0xff : word >>> 8;
    bytes[at * 2 + 1] = swap ? word >>> 8 : word & 0xff;
  }
  return bytes;
}

function raw(view: DataView, at: number, type: string): number {
  if (type === 's8') return view.getInt8(at);
  const byte = view.getUint8(at);
  if (type === 'u8') return byte;
  return byte & 0x80 ? 0 - (byte & 0x7f) : byte;
}

/** What becomes of one raw number: bits, a word, or a scaled value in its plausible range. */
function refiner(entry: ProfileRegister): (value: number) => unknown {
  const { bits, bit, enum: words, min = -Infinity, max = Infinity } = entry;
  const missing = new Set(entry.na);
  const apply = scaler(entry.scale ?? 1);
  const offset = entry.offset ?? 0;
  const masked = (value: number): number => {
    const part = entry.mask === undefined ? value : (value & entry.mask) >>> 0;
    return entry.shift === undefined ? part : part >>> entry.shift;
  };
  const available = (value: number): boolean => Number.isFinite(value) && !missing.has(value);

  if (bits === 'numbers') return (value) => (available(value) ? bitNumbers(masked(value)) : null);
  if (bits !== undefined || entry.parts !== undefined) {
    const { parts = [] } = entry;
    return (value) => {
      if (!available(value)) return null;
      const named = parts.flatMap((part) => partName(value, part));
      if (bits === undefined) return named;
      return [...named, ...bitNumbers(masked(value)).map((number) => bits[String(number - 1)] ?? `bit_${number - 1}`)];
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
