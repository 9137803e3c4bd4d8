/** One number in a frame: where it lies and how it becomes SI. value = (raw + add) x scale. */
export interface NumberField {
  /** Name of the decoded value, unit included (`voltageV`). */
  readonly key: string;
  /** Bytes from the start of the payload. */
  readonly offset: number;
  readonly size: 1 | 2 | 4;
  readonly signed?: boolean;
  /** Added to the raw value before scaling, e.g. -2731 for tenths of a kelvin. */
  readonly add?: number;
  readonly scale?: number;
}

/** Reads a number that begins at a byte. */
type NumberReader = (view: DataView, at: number, littleEndian?: boolean) => number;

/** How to read whole numbers, by their width in bits. */
export const NUMBERS: Readonly<Record<`${'u' | 's'}${8 | 16 | 32}`, NumberReader>> = {
  u8: (view, at) => view.getUint8(at),
  s8: (view, at) => view.getInt8(at),
  u16: (view, at, littleEndian) => view.getUint16(at, littleEndian),
  s16: (view, at, littleEndian) => view.getInt16(at, littleEndian),
  u32: (view, at, littleEndian) => view.getUint32(at, littleEndian),
  s32: (view, at, littleEndian) => view.getInt32(at, littleEndian),
};

/** Reads all fields of one table from a payload into a new object. */
export interface FieldTable {
  /** Bytes the payload must have at least. */
  readonly length: number;
  /** @throws RangeError when the payload is shorter than `length`; check first */
  read(payload: Uint8Array): Record<string, number>;
}

/** A payload as a reader wants it. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * How to apply a decimal scale without binary dust: 498 x 0.01 is 4.98 only when it is done as 498 / 100.
 * Scales that are not one over a whole number are multiplied.
 */
export function scaler(scale: number): (raw: number) => number {
  if (scale === 1) return (raw) => raw;
  const divisor = Math.round(1 / scale);
  const exact = divisor !== 0 && Math.abs(1 / scale - divisor) < 1e-6;
  return exact ? (raw) => raw / divisor : (raw) => raw * scale;
}

/** Compiles a table once; `read` is then a plain loop without look-ups. Numbers are big-endian. */
export function fieldTable(fields: readonly NumberField[]): FieldTable {
  const length = fields.reduce((end, field) => Math.max(end, field.offset + field.size), 0);
  const steps = fields.map(({ key, offset, size, signed = false, add = 0, scale = 1 }) => {
    const bits = (size * 8) as 8 | 16 | 32;
    return { key, offset, add, reader: NUMBERS[`${signed ? 's' : 'u'}${bits}`], scale: scaler(scale) };
  });
  return {
    length,
    read(payload) {
      const view = viewOf(payload);
      const values: Record<string, number> = {};
      for (const step of steps) values[step.key] = step.scale(step.reader(view, step.offset) + step.add);
      return values;
    },
  };
}

/** A list of `count` values; `Array.from` with a length takes twenty times as long. */
export function listOf<T>(count: number, value: (at: number) => T): T[] {
  const list = new Array<T>(count);
  for (let at = 0; at < count; at += 1) list[at] = value(at);
  return list;
}

/** A run of u16 numbers from `offset` on (cells, temperatures). */
export function readRun(payload: Uint8Array, offset: number, count: number, scale: number, add = 0): number[] {
  const apply = scaler(scale);
  return listOf(count, (at) => {
    const low = offset + at * 2;
    return apply(((payload[low] ?? 0) << 8) + (payload[low + 1] ?? 0) + add);
  });
}

/** Names of the set bits; a set bit without a name becomes `bit_<n>`. `bits` is at most 32 wide. */
export function bitNames(bits: number, names: readonly (string | undefined)[]): string[] {
  return bitNumbers(bits).map((number) => names[number - 1] ?? `bit_${number - 1}`);
}

/** 1-based numbers of the set bits, for balancing masks where bit 0 is cell 1. */
export function bitNumbers(bits: number): number[] {
  const numbers: number[] = [];
  for (let rest = bits >>> 0, number = 1; rest !== 0; rest >>>= 1, number += 1) if (rest & 1) numbers.push(number);
  return numbers;
}

/** Printable ASCII of a fixed-width or zero-ended text field, without the padding. */
export function readText(payload: Uint8Array): string {
  let text = '';
  for (const byte of payload) {
    if (byte === 0) break;
    if (byte >= 0x20 && byte < 0x7f) text += String.fromCharCode(byte);
  }
  return text.trim();
}
