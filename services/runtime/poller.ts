import type { Clock } from './clock.ts';
import { messageOf } from './errors.ts';
import type { Part } from './lifecycle.ts';
import type { Log } from './log.ts';

/** Something that is asked again and again. */
export interface Source<S> {
  readonly id: string;
  readonly kind: 'pack' | 'meter' | 'ups' | 'switch' | 'cluster' | 'host';
  readonly everyMs: number;
  poll(signal: AbortSignal): Promise<S>;
}

export interface PollFailure {
  readonly code: string;
  readonly message: string;
  /** What was sampled before does not hold any longer, however young it is. */
  readonly endsFreshness?: boolean;
}

/** Where samples and failures go. */
export interface PollListener<S> {
  sampled(source: Source<S>, sample: S): void;
  failed(source: Source<S>, failure: PollFailure): void;
}

const codeOf = (error: unknown): string => {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code.toLowerCase() : 'error';
};

const freshnessOf = (error: unknown): Pick<PollFailure, 'endsFreshness'> =>
  (error as { endsFreshness?: unknown } | undefined)?.endsFreshness === true ? { endsFreshness: true } : {};

/**
 * Asks one source at its interval, never twice at once. A poll that takes longer than the interval makes the next one
 * follow at once; a failing source is logged when it fails and when it is back, not in between.
 */
export function poller<S>(source: Source<S>, listener: PollListener<S>, clock: Clock, log: Log): Part {
  const stop = new AbortController();
  let loop: Promise<void> = Promise.resolve();
  let failing: string | undefined;

  async function once(): Promise<void> {
    try {
      const sample = await source.poll(stop.signal);
      if (stop.signal.aborted) return;
      if (failing !== undefined) log.info({ [source.kind]: source.id }, 'answers again');
      failing = undefined;
      listener.sampled(source, sample);
    } catch (error) {
      if (stop.signal.aborted) return;
      const failure = { code: codeOf(error), message: messageOf(error), ...freshnessOf(error) };
      if (failing !== failure.code) log.warn({ [source.kind]: source.id, ...failure }, 'poll failed');
      failing = failure.code;
      listener.failed(source, failure);
    }
  }

  async function run(): Promise<void> {
    let dueMs = clock.monoMs();
    while (!stop.signal.aborted) {
      await once();
      dueMs = Math.max(dueMs + source.everyMs, clock.monoMs());
      await clock.sleep(dueMs - clock.monoMs(), stop.signal).catch(() => {});
    }
  }

  return {
    name: `${source.kind} ${source.id}`,
    start: () => {
      loop = run();
    },
    stop: async () => {
      stop.abort();
      await loop;
    },
  };
}
