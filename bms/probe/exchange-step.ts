import { BridgeError, type ByteTransport, byteExchange } from '#bridge';
import { bindDevice } from '../bind.ts';
import { driverAt } from '../drivers/boards.ts';
import type { Driver, ExchangeDriver, StreamDriver } from '../drivers/driver.ts';
import type { Sample } from '../model/sample.ts';
import { certainty } from './belief.ts';
import type { Finding } from './finding.ts';
import { lent } from './own-line.ts';

/** The clocks of a probe, as of a bound device. */
export interface ProbeClocks {
  /** Wall time, ms. */
  readonly now: () => number;
  /** Monotonic time of the wire, ms. */
  readonly mono: () => number;
}

/** How often one question is asked, and of whom. */
export interface StepOptions extends ProbeClocks {
  readonly signal: AbortSignal;
  /** 1 or 2. */
  readonly tries: number;
  /** Number of the board; its usual one when absent. */
  readonly address?: number;
}

/** A device that talks is heard within this, ms: VE.Direct says everything once a second. */
const LISTEN_MS = 2500;

/**
 * Asks the first question of a driver, and everything else when that was answered. Undefined when nobody answers so.
 * @throws BridgeError when the line itself is gone
 */
export async function askDriver(
  driver: Driver & ExchangeDriver<Sample>,
  line: ByteTransport,
  options: StepOptions,
): Promise<Finding | undefined> {
  const { signal, tries, address } = options;
  const board = (address === undefined ? driver : driverAt(driver, address)) as typeof driver;
  const [first] = board.reads;
  if (first === undefined) return undefined;
  const bus = byteExchange(lent(line), board);
  try {
    const { timeoutMs } = board;
    const accept = (received: Uint8Array) => first.accept(received);
    const label = `${board.id} ${first.name}`;
    const frame = await bus.request({ label, bytes: first.request, accept, timeoutMs, tries, signal });
    const said = board.decode({ request: first.request, response: frame });
    if (!said.ok) return undefined;
    const whole = await bindDevice(board as Driver, board.id, bus, options)
      .poll(signal)
      .catch(orNothing);
    const found = finding(board, whole ?? board.sample(said.fields, options.now()));
    return found && { ...found, ...addressOf(driver, address) };
  } catch (error) {
    return orNothing(error);
  } finally {
    await bus.close();
  }
}

/** Listens for a device that talks by itself; nothing is sent. */
export async function hearDriver(
  driver: Driver & StreamDriver<Sample>,
  line: ByteTransport,
  options: StepOptions,
): Promise<Finding | undefined> {
  const bus = byteExchange(lent(line), { gapMs: 0, timeoutMs: LISTEN_MS, tries: 1 });
  const impatient = { ...driver, silenceMs: LISTEN_MS };
  const device = bindDevice(impatient as Driver, driver.id, bus, options);
  try {
    return finding(driver, await device.poll(options.signal));
  } catch (error) {
    return orNothing(error);
  } finally {
    await device.close();
    await bus.close();
  }
}

/** What a sample says of the driver that made it; undefined when it can be no such device. */
export function finding(driver: Driver, sample: Sample): Finding | undefined {
  const how = certainty(driver, sample);
  return how && { driver: driver.id, title: driver.title, certainty: how, sample, fitsToo: [] };
}

/** Silence and nonsense are answers here; a line that is gone, or a caller who gave up, is not. */
export function orNothing(error: unknown): undefined {
  if (error instanceof BridgeError && (error.code === 'timeout' || error.code === 'refused')) return undefined;
  throw error;
}

function addressOf({ boards }: ExchangeDriver<Sample>, address: number | undefined): { address?: number } {
  return boards === undefined ? {} : { address: address ?? boards.usual };
}
