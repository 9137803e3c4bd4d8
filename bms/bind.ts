import { BridgeError, type ByteExchange, type RegisterExchange } from '#bridge';
import { byteLink } from './control/byte-link.ts';
import type { Device } from './device.ts';
import { withDoubt } from './doubted-alarms.ts';
import { driverAt } from './drivers/boards.ts';
import type { Decoded, Driver, ExchangeDriver, Fields } from './drivers/driver.ts';
import { invertedCurrent } from './invert.ts';
import type { Sample } from './model/sample.ts';
import { PolledDevice, type Question } from './polled-device.ts';
import { registerQuestions } from './register-questions.ts';
import { StreamDevice } from './stream-device.ts';

/** The times a bound device lives by, and its Modbus unit. */
export interface BindOptions {
  /** Wall time, ms; stamps the samples. */
  readonly now: () => number;
  /** Monotonic time of the wire, ms; never a sped-up one. */
  readonly mono: () => number;
  /** Modbus unit, when it is not the profile's own. */
  readonly unit?: number;
  /** Named units of a profile whose registers lie in several, where they are not the usual ones. */
  readonly units?: Readonly<Record<string, number>>;
  /** Ask a device that talks by itself now and then for what it does not tell. */
  readonly hex?: boolean;
  /** Read the settings of a board that opens them in a mode only. */
  readonly settings?: boolean;
  /** Whether other devices wait for the bus: one that falls silent is then asked less often. */
  readonly shared?: () => boolean;
  /** Number of the board on its line, when it is not the usual one. */
  readonly address?: number;
  /** `ignore`: a stream whose checksums are wrong by themselves is believed without. */
  readonly checksum?: 'ignore';
  /** The board counts its current the other way round. */
  readonly invertCurrent?: boolean;
}

/**
 * Binds a driver to a bus. The bus stays the caller's: several devices can share it, and `close` of the device leaves it open.
 * Make the bus with the driver's `line` and `gapMs`.
 * @throws RangeError when the driver knows no such address
 * @throws TypeError when the bus is of the wrong kind for the driver (bytes for a Modbus profile, registers for the others)
 */
export function bindDevice<D extends Driver>(
  driver: D,
  id: string,
  bus: ByteExchange | RegisterExchange,
  options: BindOptions,
): Device<ReturnType<D['sample']>>;
export function bindDevice(
  given: Driver,
  id: string,
  bus: ByteExchange | RegisterExchange,
  options: BindOptions,
): Device {
  const { now, mono } = options;
  const driver = asConfigured(given, options);
  if (driver.shape === 'i2c') throw new TypeError(`${id}: chips on I2C make a pack together; see SensorPack`);
  if (driver.shape === 'registers') {
    if (!('read' in bus))
      throw new TypeError(`${id}: driver ${driver.id} speaks Modbus; use via: modbusRtu or modbusTcp`);
    const questions = registerQuestions(driver, bus, options, {
      explain: explainSilence(driver),
      fieldsOf: (result, label) => fieldsOf(result, bus.name, label),
    });
    return polled(driver, id, bus, questions, options);
  }
  if (!('request' in bus))
    throw new TypeError(`${id}: driver ${driver.id} does not speak Modbus; use via: serial or tcp`);
  if (driver.shape === 'exchange')
    return polled(driver, id, bus, byteQuestions(driver, bus, options.settings ?? false), options);
  return driver.measures === 'pack'
    ? new StreamDevice({ id, driver, bus, now, mono, ask: options.hex ?? false })
    : new StreamDevice({ id, driver, bus, now, mono, ask: options.hex ?? false });
}

/** The driver for this board: its address, whether its checksums count, and which way its current does. */
function asConfigured(given: Driver, { address, checksum, invertCurrent = false }: BindOptions): Driver {
  const checked = address === undefined ? given : driverAt(given, address);
  const driver = checksum === 'ignore' && checked.shape === 'stream' ? unchecked(checked) : checked;
  if (!invertCurrent) return driver;
  return { ...driver, sample: invertedCurrent<Sample>(driver.sample) } as Driver;
}

function unchecked(driver: Driver & { readonly shape: 'stream' }): Driver {
  return { ...driver, parser: () => driver.parser(true) };
}

function polled(
  driver: Driver,
  id: string,
  bus: ByteExchange | RegisterExchange,
  questions: readonly Question[],
  { now, mono, shared }: BindOptions,
): Device {
  const sample = withDoubt<Sample>(driver.sample, driver.doubt);
  return new PolledDevice<Sample>({
    ...(shared === undefined ? {} : { shared }),
    id,
    driver: driver.id,
    bus: bus.name,
    questions,
    reconnects: () => bus.stats.reconnects,
    sample,
    now,
    mono,
  });
}

function byteQuestions(driver: ExchangeDriver<Sample>, bus: ByteExchange, settings: boolean): readonly Question[] {
  const polls = driver.reads.map(
    (read): Question => ({
      name: read.name,
      cadence: read.cadence,
      optional: read.optional ?? false,
      async ask(signal, known, most) {
        const label = `${driver.id} ${read.name}`;
        const { timeoutMs } = driver;
        const tries = Math.min(driver.tries, most ?? driver.tries);
        const accept = (received: Uint8Array) => read.accept(received, known);
        const ask = { label, bytes: read.request, accept, timeoutMs, signal };
        const frame = await bus
          .request({ ...ask, tries })
          .catch((error: unknown) => wake(driver, bus, error, signal).then(() => bus.request({ ...ask, tries: 1 })))
          .catch(explainSilence(driver));
        const exchange = { request: read.request, response: frame, context: known };
        return fieldsOf(driver.decode(exchange), bus.name, label);
      },
    }),
  );
  const { settings: inside } = driver;
  if (!settings || inside === undefined) return polls;
  const link = byteLink(driver, bus);
  return [...polls, { name: 'settings', cadence: 'once', optional: true, ask: (signal) => link.look(inside, signal) }];
}

/** Wakes a board that let a question time out. Rejects with `error` where it cannot be woken, or does not. */
async function wake(
  driver: ExchangeDriver<Sample>,
  bus: ByteExchange,
  error: unknown,
  signal: AbortSignal,
): Promise<void> {
  const { wake: call, timeoutMs } = driver;
  if (call === undefined || !(error instanceof BridgeError) || error.code !== 'timeout') throw error;
  const { name, request: bytes, accept } = call;
  try {
    await bus.request({ label: `${driver.id} ${name}`, bytes, accept, timeoutMs, tries: 1, signal });
  } catch {
    throw error;
  }
}

/** A time-out of a device that may be silent without being broken says so. */
function explainSilence({ whenSilent }: Pick<Driver, 'whenSilent'>): (error: unknown) => never {
  return (error) => {
    if (whenSilent === undefined || !(error instanceof BridgeError) || error.code !== 'timeout') throw error;
    const { transport, message, retryable } = error;
    const said = message.startsWith(`${transport}: `) ? message.slice(transport.length + 2) : message;
    throw new BridgeError('timeout', transport, `${said}; ${whenSilent}`, { retryable, cause: error });
  };
}

function fieldsOf(result: Decoded, bus: string, label: string): Fields {
  if (result.ok) return result.fields;
  throw new BridgeError('refused', bus, `${label} was refused: ${result.error.message}`, { reason: result.error.code });
}
