import type { Admission, PortPriority, PortState } from '../rack/samples.ts';
import { ImplausibleError } from './i2c-registers.ts';

/**
 * What the answers of a PSE microcontroller mean, where both dialects agree. Numbers are big-endian. The sum does not see
 * swapped bytes, so what cannot be is refused. Pure.
 */

export interface PseInfo {
  /** Ports of the controller, numbered from 0. */
  readonly ports: number;
  /** Kind of PSE chips: 0xe121 is a BCM59121, 0x0138 an RTL8238B. */
  readonly deviceId: number;
  readonly version: string;
  /** As the controller numbers its own kind. */
  readonly mcuType: number;
  /** Bit 0: configuration not saved (Broadcom). Bit 1: it was reset since the last question. */
  readonly status: number;
}

export interface PseFigures {
  readonly voltageV: number;
  readonly currentA: number;
  readonly temperatureC: number;
  readonly powerW: number;
}

export interface PseExtended {
  /** 0 none, 1 by class, 2 by the user. */
  readonly limitType: number;
  readonly priority?: PortPriority;
  /** 0 keeps its power longest. */
  readonly priorityRank: number;
}

export interface PseManagement {
  readonly mode: number;
  readonly budgetW: number;
  readonly guardW: number;
  readonly admission?: Admission;
}

export const word = (frame: Uint8Array, at: number): number => (frame[at] ?? 0) * 256 + (frame[at + 1] ?? 0);
const tenths = (frame: Uint8Array, at: number): number => word(frame, at) / 10;

const MOST_PORTS = 48;
const MOST_V = 60;
const MOST_A = 2;
const MOST_W = 100;
/** Rounding of the three figures, and that they were not measured in one moment. */
const DISAGREE_W = 1.5;
const DISAGREE_RATIO = 0.1;
const VOLT_V = 0.06445;

const STATES: Readonly<Record<number, PortState>> = {
  0: 'disabled',
  1: 'searching',
  2: 'delivering',
  4: 'fault',
  5: 'fault',
  // Requesting power: a load was found, and the budget has no room.
  6: 'searching',
};

/** State of a port in the low half of a byte. */
export const stateIn = (byte: number): PortState => STATES[byte & 0x0f] ?? 'unknown';

/** Answer to `20` and `40`. @throws ImplausibleError */
export function decodeInfo(frame: Uint8Array): PseInfo {
  const [, , , ports = 0, , , , version = 0, mcuType = 0, status = 0, minor = 0] = frame;
  if (ports === 0 || ports > MOST_PORTS) throw new ImplausibleError(`it tells of ${ports} ports`);
  return { ports, deviceId: word(frame, 5), version: `${version}.${minor}`, mcuType, status };
}

/** Answer to `30` and `44`. @throws ImplausibleError when no port can have these figures */
export function decodeFigures(frame: Uint8Array, port: number): PseFigures {
  samePort(frame, port);
  const voltageV = Math.round(word(frame, 3) * VOLT_V * 1000) / 1000;
  const currentA = word(frame, 5) / 1000;
  const temperatureC = (220 - word(frame, 7)) * 1.25;
  const powerW = tenths(frame, 9);
  const product = voltageV * currentA;
  const agree = Math.abs(product - powerW) <= Math.max(DISAGREE_W, powerW * DISAGREE_RATIO);
  if (voltageV > MOST_V || currentA > MOST_A || powerW > MOST_W || !agree)
    throw new ImplausibleError(
      `port ${port} reads ${voltageV.toFixed(1)} V, ${currentA.toFixed(2)} A and ${powerW.toFixed(1)} W`,
    );
  return { voltageV, currentA, temperatureC, powerW };
}

const PRIORITIES: readonly (PortPriority | undefined)[] = ['low', undefined, 'high', 'critical'];

/** Answer to `26` and `49`. @throws ImplausibleError */
export function decodeExtended(frame: Uint8Array, port: number): PseExtended {
  samePort(frame, port);
  const [, , , , limitType = 0, , step = 0] = frame;
  if (step >= PRIORITIES.length) throw new ImplausibleError(`port ${port} has a priority of ${step}`);
  // "normal" has no word of ours, only its place.
  const priority = PRIORITIES[step];
  return { limitType, priorityRank: PRIORITIES.length - 1 - step, ...(priority === undefined ? {} : { priority }) };
}

const ADMISSIONS: Readonly<Record<number, Admission>> = { 1: 'static', 2: 'dynamic', 3: 'static', 4: 'dynamic' };

/** Answer to `27` and `4b`. @throws ImplausibleError */
export function decodeManagement(frame: Uint8Array): PseManagement {
  const mode = frame[2] ?? 0;
  const [budgetW, guardW] = [tenths(frame, 3), tenths(frame, 5)];
  if (mode > 4 || budgetW === 0 || guardW >= budgetW || word(frame, 3) === 0xffff)
    throw new ImplausibleError(`mode ${mode} with ${budgetW} W and a guard of ${guardW} W`);
  const admission = ADMISSIONS[mode];
  return { mode, budgetW, guardW, ...(admission === undefined ? {} : { admission }) };
}

export function samePort(frame: Uint8Array, port: number): void {
  if (frame[2] !== port) throw new ImplausibleError(`asked for port ${port}, it tells of port ${frame[2]}`);
}
