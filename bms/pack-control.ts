import { BridgeError, type ByteExchange, pause } from '#bridge';
import { driverAt } from './drivers/boards.ts';
import type { Driver, ExchangeDriver, Fields, MosfetControl, Mosfets, MosfetWrite } from './drivers/driver.ts';
import type { PackSample } from './model/sample.ts';

/** What came of switching, in the words of the coordinator. */
export interface ControlOutcome {
  readonly code: 'done' | 'already' | 'refused' | 'timeout' | 'unreachable' | 'disobeyed';
  readonly detail?: string;
}

/**
 * The two switches of a pack's board. Every call reads how they stand, writes, and reads back; it never rejects. Switching
 * the discharge off cuts everything that lives from the pack, this program included: whoever calls decides that.
 */
export interface PackControl {
  readonly id: string;
  setDischarge(on: boolean, signal?: AbortSignal): Promise<ControlOutcome>;
  setCharge(on: boolean, signal?: AbortSignal): Promise<ControlOutcome>;
}

/** Times of the wire; the defaults suit real boards. */
export interface ControlOptions {
  /** Number of the board on its line, when it is not the usual one. */
  readonly address?: number;
  /** How long the state may take to follow, ms. */
  readonly settleMs?: number;
  /** Between two looks at the state, ms. */
  readonly everyMs?: number;
}

/**
 * The switches of a board over its bus, which it shares with the polls.
 * @throws TypeError when the driver cannot switch its board, or the bus is of the wrong kind
 * @throws RangeError when the driver knows no such address
 */
export function bindControl(given: Driver, id: string, bus: unknown, options: ControlOptions = {}): PackControl {
  const driver = options.address === undefined ? given : driverAt(given, options.address);
  if (driver.shape !== 'exchange' || driver.measures !== 'pack' || driver.mosfets === undefined)
    throw new TypeError(`${id}: driver ${driver.id} cannot switch its board`);
  if (!isByteExchange(bus)) throw new TypeError(`${id}: driver ${driver.id} needs a bus of bytes`);
  const board = new Board(driver, driver.mosfets, bus, options);
  // Two at once could each write the other's switch as it was before.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = (which: keyof Mosfets, on: boolean, signal?: AbortSignal): Promise<ControlOutcome> => {
    const outcome = last.then(() => board.set(which, on, signal));
    last = outcome;
    return outcome;
  };
  return {
    id,
    setDischarge: (on, signal) => inTurn('discharge', on, signal),
    setCharge: (on, signal) => inTurn('charge', on, signal),
  };
}

function isByteExchange(bus: unknown): bus is ByteExchange {
  return typeof bus === 'object' && bus !== null && 'request' in bus && 'listen' in bus;
}

class Board {
  readonly #driver: ExchangeDriver<PackSample>;
  readonly #control: MosfetControl;
  readonly #bus: ByteExchange;
  readonly #settleMs: number;
  readonly #everyMs: number;

  constructor(
    driver: ExchangeDriver<PackSample>,
    control: MosfetControl,
    bus: ByteExchange,
    { settleMs = 3000, everyMs = 300 }: ControlOptions,
  ) {
    this.#driver = driver;
    this.#control = control;
    this.#bus = bus;
    this.#settleMs = settleMs;
    this.#everyMs = everyMs;
  }

  async set(which: keyof Mosfets, on: boolean, signal: AbortSignal | undefined): Promise<ControlOutcome> {
    try {
      const before = await this.#state(signal);
      const standing = this.#control.read(before);
      if (standing === undefined) return { code: 'refused', detail: 'the board does not tell how its switches stand' };
      if (standing[which] === on && !this.#control.pending?.(which, on, before)) return { code: 'already' };
      for (const write of this.#control.write(which, on, before)) await this.#write(write, signal);
      return await this.#readBack(which, on, signal);
    } catch (error) {
      return signal?.aborted ? { code: 'timeout', detail: 'the caller gave up' } : outcomeOf(error);
    }
  }

  async #state(signal: AbortSignal | undefined): Promise<Fields> {
    const read = this.#driver.reads.find(({ name }) => name === this.#control.state);
    if (read === undefined) throw new TypeError(`driver ${this.#driver.id} has no read ${this.#control.state}`);
    const { id, timeoutMs, tries } = this.#driver;
    const response = await this.#bus.request({
      label: `${id} ${read.name}`,
      bytes: read.request,
      accept: (received) => read.accept(received),
      timeoutMs,
      tries,
      ...(signal === undefined ? {} : { signal }),
    });
    const result = this.#driver.decode({ request: read.request, response });
    if (result.ok) return result.fields;
    throw new BridgeError('refused', this.#bus.name, result.error.message, { reason: result.error.code });
  }

  /** Where the board wants a mode for it, entering, writing and leaving stand in line together, so that no poll comes between. */
  async #write(write: MosfetWrite, signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.#send(write, signal);
    } catch (error) {
      const { ifRefused } = write;
      if (ifRefused === undefined || !(error instanceof BridgeError) || error.reason !== ifRefused.code) throw error;
      const jobs = [ifRefused.before, write, ifRefused.after].map((step) => this.#send(step, signal));
      const failed = (await Promise.allSettled(jobs)).find((job) => job.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    }
  }

  /** Tried once more only where nothing was heard: a second write of the same state changes nothing. */
  async #send({ name, request, accept, pauseMs = 0 }: MosfetWrite, signal: AbortSignal | undefined): Promise<void> {
    const { id, timeoutMs } = this.#driver;
    const common = { label: `${id} ${name}`, bytes: request, ...(signal === undefined ? {} : { signal }) };
    if (accept !== undefined) {
      await this.#bus.request({ ...common, accept, timeoutMs, tries: 2 });
      if (pauseMs > 0) await pause(pauseMs, signal ?? NEVER);
      return;
    }
    // Nobody answers: the request is over when the pause is.
    const silence = this.#bus.request({ ...common, accept: skipAll, timeoutMs: Math.max(1, pauseMs), tries: 1 });
    await silence.catch((error: unknown) => {
      if (!(error instanceof BridgeError) || error.code !== 'timeout') throw error;
    });
  }

  async #readBack(which: keyof Mosfets, on: boolean, signal: AbortSignal | undefined): Promise<ControlOutcome> {
    let fields: Fields = {};
    for (let waitedMs = 0; ; waitedMs += this.#everyMs) {
      fields = await this.#state(signal);
      if (this.#control.read(fields)?.[which] === on) return { code: 'done' };
      if (waitedMs >= this.#settleMs) break;
      await pause(this.#everyMs, signal ?? NEVER);
    }
    const held = on ? this.#control.heldOpen?.(which, fields) : undefined;
    const says = `the board says ${which} is still ${on ? 'off' : 'on'}${held === undefined ? '' : `: ${held}`}`;
    if (this.#control.proof === 'acknowledgement') return { code: 'done', detail: `acknowledged, although ${says}` };
    return { code: 'disobeyed', detail: says };
  }
}

/** For callers that do not give up. */
const NEVER = new AbortController().signal;

const skipAll = (received: Uint8Array) =>
  received.length === 0
    ? ({ kind: 'more' } as const)
    : ({ kind: 'skip', length: received.length, reason: 'nothing was expected' } as const);

function outcomeOf(error: unknown): ControlOutcome {
  const detail = error instanceof Error ? error.message : String(error);
  if (!(error instanceof BridgeError)) return { code: 'refused', detail };
  if (error.code === 'timeout' || error.code === 'aborted') return { code: 'timeout', detail };
  return { code: error.code === 'refused' ? 'refused' : 'unreachable', detail };
}
