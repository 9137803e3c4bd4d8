import type { WorldPack } from '../model.ts';
import type { JbdSettings } from './jbd-settings.ts';

/**
 * What a classic JBD board says, written from the vendor's text and from captures of real boards.
 *
 *     request  DD A5 reg 00            sum sum 77      (5A instead of A5: write, n data bytes)
 *     reply    DD reg status n data… sum sum 77
 *
 * The checksum is 0x10000 minus the sum of everything between the first two bytes and itself.
 */

const START = 0xdd;
const READ = 0xa5;
const WRITE = 0x5a;
const END = 0x77;
/** Bytes of a frame around its data. */
const FRAME = 7;

const STATUS = { ok: 0x00, unknown: 0x80, notAllowed: 0x81 } as const;

export interface JbdRequest {
  readonly write: boolean;
  readonly register: number;
  readonly data: Uint8Array;
}

/** What the board knows besides the state of the pack. */
export interface JbdBoard {
  /** At most 31 ASCII characters. */
  readonly model: string;
  /** `[year, month, day]`, year from 2000. */
  readonly made: readonly [number, number, number];
  /** Times each protection has tripped. */
  readonly trips: { cellOvervoltage: number; cellUndervoltage: number; chargeUndertemperature: number };
  /** Absent: a board that never opens them. */
  readonly settings?: JbdSettings;
}

const checksum = (bytes: Uint8Array): number => (0x1_0000 - bytes.reduce((sum, byte) => sum + byte, 0)) & 0xffff;

/**
 * Takes the next good request out of `pending`. A board with a bad checksum before it stays silent, so whatever is not
 * a request is dropped byte by byte.
 */
export function nextRequest(pending: Uint8Array): { request?: JbdRequest; rest: Uint8Array } {
  let rest = pending;
  while (rest.length > 0) {
    const [start, kind, register = 0, length = 0] = rest;
    const looksRight = start === START && (rest.length < 2 || kind === READ || kind === WRITE);
    if (looksRight) {
      if (rest.length < 4 || rest.length < length + FRAME) return { rest };
      const sum = ((rest[4 + length] ?? 0) << 8) | (rest[5 + length] ?? 0);
      if (rest[6 + length] === END && checksum(rest.subarray(2, 4 + length)) === sum) {
        const data = rest.slice(4, 4 + length);
        return { request: { write: kind === WRITE, register, data }, rest: rest.subarray(length + FRAME) };
      }
    }
    rest = rest.subarray(1);
  }
  return { rest };
}

/** The reply of the board; every request with a good checksum gets one. */
export function reply(request: JbdRequest, pack: WorldPack, board: JbdBoard): Uint8Array {
  const { register } = request;
  const set = board.settings?.answer(request);
  if (set !== undefined) return frame(register, set.status, set.data);
  const read = request.write ? undefined : READS[register];
  if (read) return frame(register, STATUS.ok, read(pack, board));
  if (request.write && register === SWITCHES) return frame(register, switched(request.data, pack));
  const entersFactoryMode = request.write && register <= 0x01;
  return frame(register, entersFactoryMode || needsFactoryMode(register) ? STATUS.notAllowed : STATUS.unknown);
}

/** Bit 0 of the second byte switches charging off, bit 1 discharging; no factory mode is needed for it. */
const SWITCHES = 0xe1;

function switched(data: Uint8Array, pack: WorldPack): number {
  const [high, bits] = data;
  if (data.length !== 2 || high !== 0 || bits === undefined || bits > 3 || pack.lock === undefined)
    return STATUS.notAllowed;
  pack.lock({ charge: (bits & 1) !== 0, discharge: (bits & 2) !== 0 });
  return STATUS.ok;
}

/** Calibration and names open only in factory mode, and are not there even then. */
const needsFactoryMode = (register: number): boolean =>
  (register >= 0x10 && register <= 0x47) ||
  (register >= 0xa0 && register <= 0xa2) ||
  (register >= 0xad && register <= 0xe1);

const READS: Readonly<Record<number, (pack: WorldPack, board: JbdBoard) => number[]>> = {
  // type of the measuring chip: 0 is TI
  0: () => [0x00, 0x00],
  3: basicInformation,
  4: (pack) => pack.cellsV.flatMap((cellV) => word(cellV * 1000)),
  5: (_, board) => [...board.model.slice(0, 31)].map((letter) => letter.charCodeAt(0) & 0x7f),
  170: tripCounters,
};

/** 23 bytes and two per temperature sensor. */
function basicInformation(pack: WorldPack, board: JbdBoard): number[] {
  const [year, month, day] = board.made;
  return [
    ...word(pack.voltageV * 100),
    ...word(pack.currentA * 100),
    ...word(pack.remainingAh * 100),
    ...word(pack.capacityAh * 100),
    ...word(pack.cycles),
    ...word(((year - 2000) << 9) | (month << 5) | day),
    ...word(0), // no cell is being balanced
    ...word(0),
    ...word(protectionBits(pack)),
    0x23, // firmware 2.3
    Math.round(pack.socRatio * 100),
    (pack.chargeFetClosed ? 1 : 0) | (pack.dischargeFetClosed ? 2 : 0),
    pack.cells,
    pack.temperaturesC.length,
    ...pack.temperaturesC.flatMap((celsius) => word(celsius * 10 + 2731)),
  ];
}

/**
 * Bit 0 cell overvoltage, bit 1 cell undervoltage, bit 5 charge undertemperature: what opens a switch in this pack. Bit 12:
 * somebody has.
 */
function protectionBits(pack: WorldPack): number {
  let bits = 0;
  const { charge = false, discharge = false } = pack.locked ?? {};
  if (charge || discharge) bits |= 1 << 12;
  if (!pack.dischargeFetClosed && !discharge) bits |= 1 << 1;
  if (!pack.chargeFetClosed && !charge) bits |= isCold(pack) ? 1 << 5 : 1 << 0;
  return bits;
}

/** A charge switch that is open for the cold, not for a full cell. */
export const isCold = (pack: WorldPack): boolean => Math.min(...pack.temperaturesC) < 5;

/** Short, charge OC, discharge OC, cell OV, cell UV, charge OT, charge UT, discharge OT, UT, pack OV, pack UV, restarts. */
function tripCounters(_: WorldPack, board: JbdBoard): number[] {
  const { cellOvervoltage, cellUndervoltage, chargeUndertemperature } = board.trips;
  return [0, 0, 0, cellOvervoltage, cellUndervoltage, 0, chargeUndertemperature, 0, 0, 0, 0, 1].flatMap(word);
}

function frame(register: number, status: number, data: readonly number[] = []): Uint8Array {
  const body = Uint8Array.from([status, data.length, ...data]);
  return Uint8Array.from([START, register, ...body, ...word(checksum(body)), END]);
}

/** Two bytes, high byte first; negative numbers as two's complement; held at the ends of its range. */
function word(value: number): [number, number] {
  const held = Math.max(-0x8000, Math.min(0xffff, Math.round(value))) & 0xffff;
  return [held >> 8, held & 0xff];
}
