import type { World, WorldPack } from '../../model.ts';

/** A board on a serial line: what it says to what it hears. Written from the notes and captures, never from a driver. */
export interface BoardFace {
  readonly baud: number;
  /**
   * Takes the next whole request out of what has been received. Without a request `rest` is what has to be kept; a board with
   * a damaged request before it stays silent. Called again until nothing is taken any more.
   */
  take(pending: Uint8Array): { readonly rest: Uint8Array; readonly reply?: Uint8Array };
  /** Said every second without being asked. */
  readonly speaks?: () => Uint8Array;
}

export type MakeBoard = (world: World) => BoardFace;

/** Two bytes, high one first; negative numbers as two's complement; held at the ends of its range. */
export function be16(value: number): [number, number] {
  const held = Math.max(-0x8000, Math.min(0xffff, Math.round(value))) & 0xffff;
  return [held >> 8, held & 0xff];
}

/** Four bytes, high one first, likewise. */
export function be32(value: number): [number, number, number, number] {
  const held = Math.max(-0x8000_0000, Math.min(0xffff_ffff, Math.round(value))) >>> 0;
  return [held >>> 24, (held >>> 16) & 0xff, (held >>> 8) & 0xff, held & 0xff];
}

/** Characters of a text, filled with zeros to a length. */
export function ascii(text: string, length = text.length): number[] {
  return Array.from({ length }, (_, at) => (at < text.length ? text.charCodeAt(at) & 0x7f : 0));
}

export const sumOf = (bytes: Iterable<number>): number => {
  let sum = 0;
  for (const byte of bytes) sum += byte;
  return sum;
};

/** 0 idle, 1 charging, 2 discharging: what several makers call the state of a pack. */
export const stateOf = (currentA: number): 0 | 1 | 2 => (currentA > 0.05 ? 1 : currentA < -0.05 ? 2 : 0);

/** Somebody switches charging or discharging off, or on again; false where the pack cannot be switched. */
export function switchPack(pack: WorldPack, which: 'charge' | 'discharge', on: boolean): boolean {
  if (pack.lock === undefined) return false;
  const { charge = false, discharge = false } = pack.locked ?? {};
  pack.lock({ charge, discharge, [which]: !on });
  return true;
}
