import { type Cursor, Malformed } from '#bridge';
import type { Fields } from './driver.ts';
import { bitNumbers, listOf, readText, scaler } from './fields.ts';

/** Parts of an INFO that the three makers share. All of them throw `Malformed` when the INFO is too short. */

const milli = scaler(0.001);

/** More cells or sensors than any of these packs has: the counter is something else. */
const MAX_COUNT = 32;

/** A counter, then that many values. */
export function counted<T>(info: Cursor, read: () => T): T[] {
  const count = info.u8();
  if (count > MAX_COUNT) throw new Malformed(`${count} values are more than such a pack has`);
  return listOf(count, read);
}

/** Cell voltages, mV on the wire. At least one cell, or it is not such an answer. */
export function cellsV(info: Cursor, signed: boolean): number[] {
  const cells = counted(info, () => milli(signed ? info.s16() : info.u16()));
  if (cells.length === 0) throw new Malformed('a pack without cells');
  return cells;
}

/** Tenths of a kelvin to °C. `zero` is what the maker calls 0 °C: 2731, or 2730 at Pace. */
export function celsius(raw: number, zero: number): number {
  return (raw - zero) / 10;
}

/** Codes of an alarm table: 0 normal, 1 below the lower limit, 2 above the upper one, 0xF0 other. */
export function codes(info: Cursor): number[] {
  return counted(info, () => info.u8());
}

/** Answer to 51: name, version and maker of the device. */
export function makerInfo(info: Cursor): Fields {
  const device = readText(info.bytes(10));
  const version = `${info.u8()}.${info.u8()}`;
  return { device, version, maker: readText(info.bytes(20)) };
}

/** Numbers of the cells whose bits are set, bit 0 of the first byte is cell 1. */
export function cellBits(low: number, high: number): number[] {
  return bitNumbers(low | (high << 8));
}
