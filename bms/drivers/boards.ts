import type { Sample } from '../model/sample.ts';
import type { Boards, Driver, ExchangeDriver } from './driver.ts';

/**
 * A driver for boards that carry a number of their own, so that several of them can share one line. The driver itself is
 * that of the usual number.
 * @param make the driver of one board
 */
export function numberedBoards<S extends Sample>(
  { first, last, usual, set }: Omit<Boards<S>, 'at'>,
  make: (address: number) => ExchangeDriver<S>,
): ExchangeDriver<S> {
  const boards: Boards<S> = {
    first,
    last,
    usual,
    set,
    at(address) {
      if (!Number.isInteger(address) || address < first || address > last) {
        throw new RangeError(`driver ${own.id} has addresses from ${first} to ${last}, not ${address}`);
      }
      return address === usual ? own : { ...make(address), boards };
    },
  };
  const own: ExchangeDriver<S> = { ...make(usual), boards };
  return own;
}

/**
 * The driver for one board of a line.
 * @throws RangeError when the driver knows no addresses, or not this one
 */
export function driverAt(driver: Driver, address: number): Driver {
  if (driver.shape === 'registers') {
    throw new RangeError(`driver ${driver.id} speaks Modbus: its address is the unit in via`);
  }
  if (driver.shape !== 'exchange' || driver.boards === undefined) {
    throw new RangeError(`boards of driver ${driver.id} have no address: one to a line`);
  }
  return driver.boards.at(address);
}
