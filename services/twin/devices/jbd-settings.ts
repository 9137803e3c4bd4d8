import type { JbdRequest } from './jbd-frames.ts';

/**
 * Settings of a classic JBD board, as a maker of LiFePO4 packs sets them: single registers that open in factory mode only,
 * and what newer firmware tells of them as one block of parameters at any time.
 */

const STATUS = { ok: 0x00, unknown: 0x80, notAllowed: 0x81 } as const;
const ENTER = 0x00;
const EXIT = 0x01;
const FUNCTIONS = 0x2d;
const BLOCK = 0xfa;
/** Parameter 0 of a block. */
const FIRST_REGISTER = 0x10;
const MOST_PARAMETERS = 95;

export interface JbdAnswer {
  readonly status: number;
  readonly data?: readonly number[];
}

/** One board's settings and whether they are open. */
export class JbdSettings {
  #open = false;
  #written = new Map<number, number>();
  readonly #kept: Map<number, number>;

  /** @param cells in series */
  constructor(cells: number) {
    this.#kept = new Map(delivered(cells));
  }

  /** The answer to what concerns settings; undefined for everything else. */
  answer({ write, register, data }: JbdRequest): JbdAnswer | undefined {
    const word = ((data[0] ?? 0) << 8) | (data[1] ?? 0);
    if (write && register === ENTER) {
      this.#open = word === 0x5678;
      return { status: this.#open ? STATUS.ok : STATUS.notAllowed };
    }
    if (write && register === EXIT) return this.#leave(word);
    if (!write && register === BLOCK) return this.#block(data);
    if (!this.#kept.has(register)) return undefined;
    if (!this.#open) return { status: STATUS.notAllowed };
    if (!write) return { status: STATUS.ok, data: pair(this.#kept.get(register) ?? 0) };
    // What keeps the pack safe is not for playing.
    if (register !== FUNCTIONS || data.length !== 2) return { status: STATUS.notAllowed };
    this.#written.set(register, word);
    return { status: STATUS.ok };
  }

  #leave(word: number): JbdAnswer {
    if (!this.#open) return { status: STATUS.notAllowed };
    if (word === 0x2828) for (const [register, value] of this.#written) this.#kept.set(register, value);
    this.#written.clear();
    this.#open = false;
    return { status: STATUS.ok };
  }

  #block([high = 0, first = 0, count = 0]: Uint8Array): JbdAnswer {
    if (high !== 0 || count < 1 || count > MOST_PARAMETERS) return { status: STATUS.unknown };
    const values = Array.from({ length: count }, (_, at) => this.#kept.get(FIRST_REGISTER + first + at) ?? 0);
    return { status: STATUS.ok, data: [high, first, count, ...values.flatMap(pair)] };
  }
}

/** Registers 0x18 to 0x2D: temperatures in 0.1 K, pack voltages and currents in 10 mV and 10 mA, cells in mV, functions. */
function delivered(cells: number): [number, number][] {
  const kelvin = (celsius: number): number => celsius * 10 + 2731;
  const values = [
    ...[70, 60, 1, 5, 85, 75, -20, -10].map(kelvin),
    ...[3650, 3500, 2500, 3000].map((mV) => (cells * mV) / 10),
    ...[3650, 3500, 2500, 3000],
    ...[10_000, 0x1_0000 - 10_000, 3400, 15, 1, 0b110],
  ];
  return values.map((value, at) => [0x18 + at, value]);
}

const pair = (value: number): [number, number] => [(value >> 8) & 0xff, value & 0xff];
