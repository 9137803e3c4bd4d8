import type { MapQuantity, MapState } from '../config/modbus-switch.ts';

/** Numbers out of the registers of a user's own map. Pure. */

/** One read: at most 125 registers, or 2000 bits. */
export interface MapRead {
  readonly fc: 1 | 2 | 3 | 4;
  readonly address: number;
  readonly count: number;
}

/** Words by function code and address, `4:0x5000` as a number of its own. */
export class MapWords {
  readonly #words = new Map<number, number>();

  add({ fc, address }: MapRead, words: Iterable<number>): void {
    let at = address;
    for (const word of words) {
      this.#words.set(fc * 0x10000 + at, word);
      at += 1;
    }
  }

  at(fc: number, address: number): number | undefined {
    return this.#words.get(fc * 0x10000 + address);
  }
}

const MOST_REGISTERS = 125;

type Place = Pick<MapQuantity, 'fc' | 'base' | 'type'> | Pick<MapState, 'fc' | 'base'>;

/** Something of every port, or of the whole switch (`count` 1). */
export interface MapPlace {
  readonly place: Place;
  readonly stride: number;
  readonly count: number;
}

/** The registers of all these places, runs of neighbours in one read each. */
export function readsOf(places: readonly MapPlace[]): readonly MapRead[] {
  const wanted = new Set<number>();
  for (const { place, stride, count } of places)
    for (let port = 0; port < count; port += 1)
      for (let word = 0; word < widthOf(place); word += 1)
        wanted.add(place.fc * 0x10000 + place.base + port * stride + word);
  const reads: { fc: MapRead['fc']; address: number; count: number }[] = [];
  for (const key of [...wanted].sort((a, b) => a - b)) {
    const last = reads.at(-1);
    const fc = Math.floor(key / 0x10000) as MapRead['fc'];
    const address = key % 0x10000;
    if (last?.fc === fc && last.address + last.count === address && last.count < MOST_REGISTERS) last.count += 1;
    else reads.push({ fc, address, count: 1 });
  }
  return reads;
}

const widthOf = (place: Place): number => ('type' in place && /32/.test(place.type) ? 2 : 1);

/** The value of a port (1-based), or of a whole switch; undefined where the device says that there is none. */
export function quantityOf(words: MapWords, quantity: Omit<MapQuantity, 'stride'>, offset = 0): number | undefined {
  const { fc, base, type, scale, offset: added, invalid } = quantity;
  const first = words.at(fc, base + offset);
  const second = widthOf(quantity) === 2 ? words.at(fc, base + offset + 1) : 0;
  if (first === undefined || second === undefined) return undefined;
  const [high, low] = type.endsWith('le') ? [second, first] : [first, second];
  const raw = rawOf(type, high, low, first);
  if (raw === invalid || !Number.isFinite(raw)) return undefined;
  return exact(raw, scale) + added;
}

function rawOf(type: MapQuantity['type'], high: number, low: number, only: number): number {
  if (type === 'u16') return only;
  if (type === 's16') return only >= 0x8000 ? only - 0x10000 : only;
  if (type.startsWith('u32')) return high * 0x10000 + low;
  const view = new DataView(new ArrayBuffer(4));
  view.setUint16(0, high);
  view.setUint16(2, low);
  return view.getFloat32(0);
}

/** 52 x 0.1 is 5.2 only when it is done as 52 / 10. */
function exact(raw: number, scale: number): number {
  const divisor = Math.round(1 / scale);
  return divisor !== 0 && Math.abs(1 / scale - divisor) < 1e-6 ? raw / divisor : raw * scale;
}

/** On, off, or neither. */
export function stateOf(words: MapWords, { fc, base, on, off }: MapState, offset: number): boolean | undefined {
  const word = words.at(fc, base + offset);
  return word === on ? true : word === off ? false : undefined;
}
