import type { Driver } from '#bms';
import {
  type ByteExchange,
  byteExchange,
  modbusRtuExchange,
  modbusTcpExchange,
  type RegisterExchange,
  transportAt,
} from '#bridge';
import type { Via } from '../config/schema.ts';
import { Inputs } from '../inputs/index.ts';
import { UserError } from '../runtime/errors.ts';
import { I2cBuses } from './i2c.ts';

type Exchange = ByteExchange | RegisterExchange;

/**
 * One exchange for each bus, however many devices hang on it: two that asked the same line on their own would steal
 * each other's answers.
 */
export class Buses {
  readonly i2c = new I2cBuses();
  /** What others publish. */
  readonly inputs: Inputs;
  readonly #open = new Map<string, Line>();

  constructor(inputs = new Inputs()) {
    this.inputs = inputs;
  }

  /** The bus a device is reached by. @throws UserError when two devices want the same line in different ways */
  for(driver: Driver, via: Via, device: string): Exchange {
    const { key, protocol, make } = plan(driver, via, device);
    const known = this.#open.get(key);
    if (known !== undefined) {
      if (known.protocol !== protocol)
        throw new UserError(`${device}: ${key} is used as ${known.protocol} already`, 'give it a line of its own');
      known.devices.add(device);
      return known.exchange;
    }
    const exchange = make();
    this.#open.set(key, { exchange, protocol, devices: new Set([device]) });
    return exchange;
  }

  /** Whether more than one device hangs on it. */
  isShared(exchange: Exchange): boolean {
    return [...this.#open.values()].some((line) => line.exchange === exchange && line.devices.size > 1);
  }

  async close(): Promise<void> {
    await Promise.all([
      this.i2c.close(),
      this.inputs.close(),
      ...[...this.#open.values()].map(({ exchange }) => exchange.close()),
    ]);
    this.#open.clear();
  }
}

interface Line {
  readonly exchange: Exchange;
  readonly protocol: string;
  /** Names of the devices on it. */
  readonly devices: Set<string>;
}

interface BusPlan {
  readonly key: string;
  readonly protocol: string;
  make(): Exchange;
}

function plan(driver: Driver, via: Via, device: string): BusPlan {
  if ('modbusTcp' in via) {
    if (driver.shape !== 'registers') throw noModbus(device, driver);
    const { host, port } = splitHostPort(via.modbusTcp);
    return { key: `tcp://${via.modbusTcp}`, protocol: 'Modbus TCP', make: () => modbusTcpExchange({ host, port }) };
  }
  if ('i2c' in via || driver.shape === 'i2c')
    throw new UserError(`${device}: driver ${driver.id} and ${JSON.stringify(via)} do not fit`);
  const path = 'modbusRtu' in via ? via.modbusRtu : 'tcp' in via ? `tcp://${via.tcp}` : via.serial;
  const baud = 'baud' in via ? via.baud : undefined;
  const line = { ...driver.line, ...(baud === undefined ? {} : { baud }) };
  const protocol = `${driver.shape === 'registers' ? 'Modbus RTU' : driver.id} at ${line.baud} baud`;
  return {
    key: path,
    protocol,
    make: () => {
      if (driver.shape === 'registers') return modbusRtuExchange(transportAt(path, line), { gapMs: driver.gapMs });
      if ('modbusRtu' in via) throw noModbus(device, driver);
      const timing = driver.shape === 'exchange' ? driver : { gapMs: 0, timeoutMs: 1000, tries: 1 };
      const { gapMs, timeoutMs, tries } = timing;
      const late = 'lateMs' in timing && timing.lateMs !== undefined ? { lateMs: timing.lateMs } : {};
      return byteExchange(transportAt(path, line), { gapMs, timeoutMs, tries, ...late });
    },
  };
}

const noModbus = (device: string, driver: Driver): UserError =>
  new UserError(`${device}: driver ${driver.id} does not speak Modbus`, 'use via: { serial: … } or { tcp: … }');

/** `host:port`, IPv6 in brackets. */
export function splitHostPort(text: string): { host: string; port: number } {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) };
}
