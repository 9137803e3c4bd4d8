import type { ByteExchange, WritableExchange } from '#bridge';
import { driverAt } from '../drivers/boards.ts';
import type { Driver } from '../drivers/driver.ts';
import type { Balancing, Mosfets } from '../drivers/switches.ts';
import { byteLink } from './byte-link.ts';
import { registerLink } from './register-link.ts';
import { type ControlOutcome, type Setting, switching } from './switching.ts';

/** What of a board can be switched. */
export type BoardSwitch = keyof Mosfets | keyof Balancing;

/**
 * What can be switched in a pack's board. Every call reads how it stands, writes, and reads back; it never rejects.
 * Switching the discharge off cuts everything that lives from the pack, this program included: whoever calls decides that.
 */
export interface PackControl {
  readonly id: string;
  setDischarge(on: boolean, signal?: AbortSignal): Promise<ControlOutcome>;
  setCharge(on: boolean, signal?: AbortSignal): Promise<ControlOutcome>;
  setBalancing(on: boolean, signal?: AbortSignal): Promise<ControlOutcome>;
}

/** Which board, what is allowed, and times of the wire; the defaults suit real boards. */
export interface ControlOptions {
  /** Number of the board on its line, when it is not the usual one. */
  readonly address?: number;
  /** Modbus unit, when it is not the driver's own. */
  readonly unit?: number;
  /** What may be switched; both MOSFETs when absent. */
  readonly allow?: { readonly mosfets: boolean; readonly balancing: boolean };
  /** How long the state may take to follow, ms. */
  readonly settleMs?: number;
  /** Between two looks at the state, ms. */
  readonly everyMs?: number;
}

/** Whether a driver knows how its board's MOSFETs, or its balancing, are switched. */
export function canSwitch(driver: Driver, what: 'mosfets' | 'balancing'): boolean {
  return (driver.shape === 'exchange' || driver.shape === 'registers') && driver[what] !== undefined;
}

/**
 * The switches of a board over its bus, which it shares with the polls.
 * @throws TypeError when the driver cannot switch its board, or the bus is of the wrong kind
 * @throws RangeError when the driver knows no such address
 */
export function bindControl(given: Driver, id: string, bus: unknown, options: ControlOptions = {}): PackControl {
  const driver = options.address === undefined ? given : driverAt(given, options.address);
  const { allow = { mosfets: true, balancing: false } } = options;
  const lacks = (['mosfets', 'balancing'] as const).find((what) => allow[what] && !canSwitch(driver, what));
  if (lacks !== undefined) {
    const what = lacks === 'mosfets' ? 'its board' : 'the balancing of its board';
    throw new TypeError(`${id}: driver ${driver.id} cannot switch ${what}`);
  }
  const { mosfets, balancing } = settings(driver, id, bus, options);
  // Two at once could each write the other's switch as it was before.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = (set: () => Promise<ControlOutcome>): Promise<ControlOutcome> => {
    const outcome = last.then(set);
    last = outcome;
    return outcome;
  };
  const locked = (key: string) => (): Promise<ControlOutcome> =>
    Promise.resolve({ code: 'refused', detail: `control.${key} is not set for this pack` });
  const setMosfet: Setting<keyof Mosfets> = allow.mosfets && mosfets !== undefined ? mosfets : locked('mosfets');
  const setBalancing: Setting<keyof Balancing> =
    allow.balancing && balancing !== undefined ? balancing : locked('balancing');
  return {
    id,
    setDischarge: (on, signal) => inTurn(() => setMosfet('discharge', on, signal)),
    setCharge: (on, signal) => inTurn(() => setMosfet('charge', on, signal)),
    setBalancing: (on, signal) => inTurn(() => setBalancing('balancing', on, signal)),
  };
}

interface Settings {
  readonly mosfets: Setting<keyof Mosfets> | undefined;
  readonly balancing: Setting<keyof Balancing> | undefined;
}

function settings(driver: Driver, id: string, bus: unknown, options: ControlOptions): Settings {
  if (driver.shape === 'registers') {
    if (!isWritable(bus)) throw new TypeError(`${id}: driver ${driver.id} needs a Modbus bus`);
    const link = registerLink(driver, bus, options.unit ?? driver.defaultUnit);
    return {
      mosfets: driver.mosfets && switching(driver.mosfets, link, options),
      balancing: driver.balancing && switching(driver.balancing, link, options),
    };
  }
  if (driver.shape !== 'exchange') return { mosfets: undefined, balancing: undefined };
  if (!isByteExchange(bus)) throw new TypeError(`${id}: driver ${driver.id} needs a bus of bytes`);
  const link = byteLink(driver, bus);
  return {
    mosfets: driver.mosfets && switching(driver.mosfets, link, options),
    balancing: driver.balancing && switching(driver.balancing, link, options),
  };
}

function isByteExchange(bus: unknown): bus is ByteExchange {
  return typeof bus === 'object' && bus !== null && 'request' in bus && 'listen' in bus;
}

function isWritable(bus: unknown): bus is WritableExchange {
  return typeof bus === 'object' && bus !== null && 'read' in bus && 'write' in bus;
}
