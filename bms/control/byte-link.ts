import { BridgeError, type ByteExchange, pause } from '#bridge';
import type { ExchangeDriver, ExchangeLook, ExchangeRead, Fields } from '../drivers/driver.ts';
import type { BoardWrite, Mode } from '../drivers/switches.ts';
import type { Sample } from '../model/sample.ts';
import { type BoardLink, NEVER } from './switching.ts';

/** Reads and writes a board that speaks frames of its own. */
export function byteLink(driver: ExchangeDriver<Sample>, bus: ByteExchange): BoardLink<BoardWrite, ExchangeLook> {
  const { id, timeoutMs } = driver;

  async function ask(read: ExchangeRead, signal: AbortSignal | undefined): Promise<Fields> {
    const response = await bus.request({
      label: `${id} ${read.name}`,
      bytes: read.request,
      accept: (received) => read.accept(received),
      timeoutMs,
      tries: driver.tries,
      ...(signal === undefined ? {} : { signal }),
    });
    const result = driver.decode({ request: read.request, response });
    if (result.ok) return result.fields;
    throw new BridgeError('refused', bus.name, result.error.message, { reason: result.error.code });
  }

  /** Tried once more only where nothing was heard: a second write of the same state changes nothing. */
  async function write(step: BoardWrite, signal: AbortSignal | undefined): Promise<void> {
    const { name, request, accept, pauseMs = 0 } = step;
    const common = { label: `${id} ${name}`, bytes: request, ...(signal === undefined ? {} : { signal }) };
    if (accept !== undefined) {
      await bus.request({ ...common, accept, timeoutMs, tries: 2 });
      if (pauseMs > 0) await pause(pauseMs, signal ?? NEVER);
      return;
    }
    // Nobody answers: the request is over when the pause is.
    const silence = bus.request({ ...common, accept: skipAll, timeoutMs: Math.max(1, pauseMs), tries: 1 });
    await silence.catch((error: unknown) => {
      if (!(error instanceof BridgeError) || error.code !== 'timeout') throw error;
    });
  }

  /**
   * Entering the mode, what is to be done in it, and leaving stand in line together, so that no poll comes between. It is
   * left whatever became of the rest, also when the caller gives up.
   */
  async function within<T>({ before, after }: Mode, job: () => Promise<T>, signal: AbortSignal | undefined) {
    const entered = write(before, signal);
    const done = job();
    const left = write(after, undefined);
    const all = await Promise.allSettled([entered, done, left]);
    const failed = all.find((each) => each.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return done;
  }

  async function lookInside({ reads, inside }: ExchangeLook, signal: AbortSignal | undefined): Promise<Fields> {
    const all = await within(inside, () => Promise.all(reads.map((read) => ask(read, signal))), signal);
    return Object.assign({}, ...all);
  }

  return {
    look(state, signal) {
      if (typeof state !== 'string') return lookInside(state, signal);
      const read = driver.reads.find(({ name }) => name === state);
      if (read === undefined) throw new TypeError(`driver ${id} has no read ${state}`);
      return ask(read, signal);
    },
    async send(step, signal) {
      const { inside, ifRefused } = step;
      if (inside !== undefined) return within(inside, () => write(step, signal), signal);
      try {
        return await write(step, signal);
      } catch (error) {
        if (ifRefused === undefined || !(error instanceof BridgeError) || error.reason !== ifRefused.code) throw error;
        return within(ifRefused, () => write(step, signal), signal);
      }
    },
  };
}

const skipAll = (received: Uint8Array) =>
  received.length === 0
    ? ({ kind: 'more' } as const)
    : ({ kind: 'skip', length: received.length, reason: 'nothing was expected' } as const);
