import type { World } from '../model.ts';
import { lastingPort } from './lasting-port.ts';
import { type PluggableHandle, Sequence } from './plug.ts';

export interface MeterOptions {
  readonly name?: string;
  readonly host?: string;
  /** A free one when absent. */
  readonly port?: number;
  /** Modbus unit; 1 when absent. */
  readonly unit?: number;
  /**
   * Where the meter itself gets its power. `mains`: with mains away it says nothing at all. `pack` (default): it stays
   * and shows 0 V.
   */
  readonly poweredBy?: 'mains' | 'pack';
}

/** Most registers in one request. */
const LONGEST_READ = 60;
/** First address behind the table. */
const TABLE_END = 0x0182;

/** What each pair of input registers holds, from the maker's protocol document; all else in the table reads 0. */
const INPUTS: ReadonlyMap<number, (world: World) => number> = new Map([
  [0x0000, ({ meter }) => meter.voltageV],
  [0x0006, ({ meter }) => meter.currentA],
  [0x000c, ({ meter }) => meter.powerW],
  [0x0012, ({ meter }) => meter.apparentVa],
  [0x0018, ({ meter }) => Math.sqrt(Math.max(0, meter.apparentVa ** 2 - meter.powerW ** 2))],
  [0x001e, ({ meter }) => meter.powerFactor],
  [0x0024, ({ meter }) => (Math.acos(Math.min(1, meter.powerFactor)) * 180) / Math.PI],
  [0x0046, ({ meter }) => meter.frequencyHz],
  [0x0048, ({ meter }) => meter.importWh / 1000],
  [0x0156, ({ meter }) => meter.importWh / 1000],
]);

/** Parity none with one stop bit, the unit number, 9600 baud. */
const holdings = (unit: number): ReadonlyMap<number, number> =>
  new Map([
    [0x0012, 0],
    [0x0014, unit],
    [0x001c, 2],
  ]);

/** An Eastron SDM230 behind a Modbus TCP gateway: float32 input registers, high word first. */
export async function serveModbusMeter(
  world: World,
  options: MeterOptions = {},
): Promise<PluggableHandle & { readonly port: number }> {
  const { host = '127.0.0.1', unit = 1, poweredBy = 'pack', name = 'meter' } = options;
  const modbus = await import('modbus-serial');
  const settings = holdings(unit);
  const mute = () => world.faults.silent.has('meter') || (poweredBy === 'mains' && !world.mainsPresent);
  const answer = (address: number, length: number, valueAt: (pair: number) => number, done: Answer) => {
    if (mute()) return; // an answer that is never given
    if (address % 2 !== 0 || length % 2 !== 0 || length > LONGEST_READ) done(exception(3), []);
    else if (address + length > TABLE_END) done(exception(2), []);
    else done(null, floats(address, length, valueAt));
  };
  const vector = {
    getMultipleInputRegisters: (address: number, length: number, _unit: number, done: Answer) =>
      answer(address, length, (pair) => INPUTS.get(pair)?.(world) ?? 0, done),
    getMultipleHoldingRegisters: (address: number, length: number, _unit: number, done: Answer) =>
      answer(address, length, (pair) => settings.get(pair) ?? 0, done),
    getInputRegister: (_address: number, _unit: number, done: (error: Error | null, value: number) => void) => {
      if (!mute()) done(exception(3), 0);
    },
    getHoldingRegister: (_address: number, _unit: number, done: (error: Error | null, value: number) => void) => {
      if (!mute()) done(exception(3), 0);
    },
  };

  const sequence = new Sequence();
  let port = options.port ?? 0;
  let close: (() => Promise<void>) | undefined;
  const open = async () => {
    if (close) return;
    // The server library takes port 0 for "the default".
    if (port === 0) port = await lastingPort(host);
    const server = new modbus.ServerTCP(vector, { host, port, unitID: unit });
    server.on('error', () => undefined);
    await new Promise<void>((resolve, reject) => {
      server.on('initialized', () => resolve());
      server.on('serverError', (error) => reject(error ?? new Error(`cannot listen on ${host}:${port}`)));
    });
    close = () => {
      close = undefined;
      return new Promise<void>((resolve) => server.close(() => resolve()));
    };
  };

  await open();
  const unplug = () => sequence.run(async () => close?.());
  return { name, port, address: `${host}:${port}`, unplug, replug: () => sequence.run(open), close: unplug };
}

type Answer = (error: Error | null, values: number[]) => void;

function floats(address: number, length: number, valueAt: (pair: number) => number): number[] {
  const view = new DataView(new ArrayBuffer(length * 2));
  for (let at = 0; at < length; at += 2) view.setFloat32(at * 2, valueAt(address + at));
  return Array.from({ length }, (_, at) => view.getUint16(at * 2));
}

const exception = (modbusErrorCode: number): Error => Object.assign(new Error('modbus exception'), { modbusErrorCode });
