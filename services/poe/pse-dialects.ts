import type { PortState } from '../rack/samples.ts';
import { ImplausibleError } from './i2c-registers.ts';
import { type PseInfo, samePort, stateIn, word } from './pse-replies.ts';

/**
 * Where the two dialects of PSE microcontrollers part: numbers of commands and two layouts. The same number means
 * different things (`00` and `01` switch a port in one and everything in the other), so nothing is written before a read
 * has shown which one it is. Broadcom: realtek-poe and captures. Realtek: the proposed Linux driver realtek-pse and the
 * Host Command Guide 2.2 as published in open projects.
 */

export interface PortShort {
  readonly port: number;
  readonly state: PortState;
  /** Where the short form tells it. */
  readonly poeClass?: number;
}

export interface PseTotals {
  readonly drawnW?: number;
  /** Promised to classes. */
  readonly reservedW?: number;
  /** Budget without its guard. */
  readonly usableW?: number;
  /** Which supply the figures belong to. */
  readonly bank: number;
}

export interface PseDialect {
  readonly id: 'broadcom' | 'realtek';
  readonly commands: {
    readonly info: number;
    readonly totals: number;
    readonly short: number;
    readonly status: number;
    readonly figures: number;
    readonly extended: number;
    readonly management: number;
    readonly enable: number;
  };
  /** Whether a controller of this dialect can have said this. */
  knows(info: PseInfo): boolean;
  /** Data of the question for the states of the group of four that begins with this port. */
  askShort(first: number, ports: number): readonly number[];
  /** @throws ImplausibleError */
  decodeShort(frame: Uint8Array, first: number): readonly PortShort[];
  /** Class of a port that delivers. @throws ImplausibleError */
  decodeClass(frame: Uint8Array, port: number): number | undefined;
  decodeTotals(frame: Uint8Array): PseTotals;
  /** The question for budget and guard carries the number of the supply in place of its sequence. */
  readonly bankAsSequence: boolean;
}

export const GROUP = 4;
const NONE = 0xff;

const classIn = (value: number): number | undefined => (value <= 8 ? value : undefined);
const watts = (frame: Uint8Array, at: number): number | undefined => {
  const raw = word(frame, at);
  return raw === 0xffff ? undefined : raw / 10;
};

export const broadcom: PseDialect = {
  id: 'broadcom',
  commands: {
    info: 0x20,
    totals: 0x23,
    short: 0x28,
    status: 0x21,
    figures: 0x30,
    extended: 0x26,
    management: 0x27,
    enable: 0x00,
  },
  knows: ({ deviceId }) => deviceId >> 12 === 0xe,
  askShort: (first, ports) =>
    Array.from({ length: Math.min(GROUP, ports - first) }, (_, at) => first + at).flatMap((port) => [port, 1]),
  decodeShort: (frame, first) => {
    const found: PortShort[] = [];
    for (let at = 2; at < 10; at += 2) {
      const [port = NONE, status = 0] = frame.subarray(at, at + 2);
      if (port === NONE) continue;
      if (port < first || port >= first + GROUP)
        throw new ImplausibleError(`asked for ports ${first} to ${first + GROUP - 1}, it tells of port ${port}`);
      found.push({ port, state: stateIn(status) });
    }
    return found;
  },
  decodeClass: (frame, port) => {
    samePort(frame, port);
    return classIn((frame[5] ?? NONE) & 0x0f);
  },
  decodeTotals: (frame) => told({ drawnW: watts(frame, 2), usableW: watts(frame, 4) }, 0),
  bankAsSequence: false,
};

/** A load that is treated as class 0. */
const AS_CLASS_0 = 0xc;
const REALTEK_CHIPS: ReadonlySet<number> = new Set([0x38, 0x39]);

export const realtek: PseDialect = {
  id: 'realtek',
  commands: {
    info: 0x40,
    totals: 0x41,
    short: 0x43,
    status: 0x42,
    figures: 0x44,
    extended: 0x49,
    management: 0x4b,
    enable: 0x01,
  },
  knows: ({ deviceId }) => deviceId >> 12 === 0 && REALTEK_CHIPS.has(deviceId & 0xff),
  askShort: (first) => [first / GROUP],
  decodeShort: (frame, first) => {
    if (frame[2] !== first / GROUP)
      throw new ImplausibleError(`asked for group ${first / GROUP}, it tells of group ${frame[2]}`);
    return Array.from({ length: GROUP }, (_, at) => {
      const [status = 0, found = 0] = frame.subarray(3 + 2 * at, 5 + 2 * at);
      const state = stateIn(status);
      const poeClass = (found & 0x0f) === AS_CLASS_0 ? 0 : classIn(found & 0x0f);
      return { port: first + at, state, ...(poeClass === undefined || state !== 'delivering' ? {} : { poeClass }) };
    });
  },
  decodeClass: (frame, port) => {
    samePort(frame, port);
    const found = (frame[4] ?? NONE) >> 4;
    return found === AS_CLASS_0 ? 0 : classIn(found);
  },
  decodeTotals: (frame) => told({ reservedW: watts(frame, 2), drawnW: watts(frame, 7) }, frame[6] ?? 0),
  bankAsSequence: true,
};

function told(figures: { [K in keyof PseTotals]?: number | undefined }, bank: number): PseTotals {
  const { drawnW, reservedW, usableW } = figures;
  return {
    // There are eight supplies at most; anything else is a firmware that does not tell.
    bank: bank <= 7 ? bank : 0,
    ...(drawnW === undefined ? {} : { drawnW }),
    ...(reservedW === undefined ? {} : { reservedW }),
    ...(usableW === undefined ? {} : { usableW }),
  };
}
