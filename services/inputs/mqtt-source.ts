import type { BoundMapping, MappingDriver, Sample } from '#bms';
import type { Clock } from '../runtime/clock.ts';
import type { Source } from '../runtime/poller.ts';
import type { Broker, Listener } from './broker.ts';
import { InputError } from './input-error.ts';
import { type Arrival, Memory } from './memory.ts';

/** How one device is heard. */
export interface MqttSourceOptions {
  readonly id: string;
  readonly driver: MappingDriver;
  readonly bound: BoundMapping;
  readonly everyMs: number;
  readonly staleAfterMs: number;
  readonly invertCurrent?: boolean | undefined;
  /** A topic whose messages only show that the publisher lives. */
  readonly heartbeat?: string | undefined;
  /** Wall time of samples. */
  readonly clock: Clock;
  /** Ages and waiting: the machine's own. */
  readonly wire: Clock;
}

/** The messages of one round of a publisher come one after the other: so long is waited for the rest of them, ms. */
const ROUND_MS = 150;
/** The longest a poll waits before it says that nothing came, ms. */
const PATIENCE_MS = 10_000;

/** A device that is heard over MQTT. A poll waits for news, and is answered with all that is known then. */
export function mqttSource(broker: Broker, options: MqttSourceOptions): Source<Sample> {
  const { id, driver, bound, everyMs, staleAfterMs, invertCurrent, heartbeat, clock, wire } = options;
  const memory = new Memory(driver, bound, staleAfterMs);
  let given = 0;
  let listening = false;
  let wake = (): void => {};

  const listener: Listener = {
    topics: heartbeat === undefined ? bound.topics : [...new Set([...bound.topics, heartbeat])],
    heard: (topic, text, retained) => {
      const arrival: Arrival = { monoMs: wire.monoMs(), wallMs: clock.wallMs(), retained };
      if (topic === heartbeat) memory.alive(arrival);
      if (bound.topics.includes(topic)) memory.take(topic, text, arrival);
      if (memory.changes !== given) wake();
    },
    changed: () => wake(),
  };

  /** Resolves when there is news, or after `ms`. */
  async function news(ms: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    wake = () => woken.abort();
    await wire.sleep(ms, AbortSignal.any([signal, woken.signal])).catch(() => {});
    wake = () => {};
  }

  function trouble(): InputError | undefined {
    const denied = broker.deniedTo(listener);
    if (denied.length > 0)
      return new InputError('denied', `the broker does not let us read ${denied[0]}; allow it in its ACL`);
    if (!broker.connected && broker.trouble !== undefined)
      return new InputError('disconnected', `no connection to the broker: ${broker.trouble}`);
    return undefined;
  }

  /** Why there will be no sample for now, or until when one may still come, monotonic ms. */
  function expected(patienceMs: number): InputError | number {
    const nowMs = wire.monoMs();
    if (memory.away) return new InputError('offline', 'its publisher, or its last will, says that it is away');
    const { staleAtMs } = memory;
    if (staleAtMs !== undefined && nowMs > staleAtMs) {
      const silentS = Math.round((nowMs - staleAtMs + staleAfterMs) / 1000);
      return new InputError('silent', `nothing new was published for ${silentS} s`);
    }
    return (
      trouble() ??
      (staleAtMs === undefined && nowMs >= patienceMs ? neverHeard(memory, bound) : (staleAtMs ?? patienceMs))
    );
  }

  async function poll(signal: AbortSignal): Promise<Sample> {
    if (!listening) broker.listen(listener, bound.keepAlive);
    listening = true;
    const patienceMs = wire.monoMs() + Math.min(PATIENCE_MS, staleAfterMs);
    while (memory.away || memory.changes === given) {
      signal.throwIfAborted();
      const until = expected(patienceMs);
      if (typeof until !== 'number') throw until;
      await news(Math.max(1, until - wire.monoMs() + 1), signal);
    }
    // The rest of a round belongs to it.
    if (ROUND_MS < everyMs) await wire.sleep(ROUND_MS, signal);
    given = memory.changes;
    return memory.sample(wire.monoMs(), clock.wallMs(), invertCurrent);
  }

  return { id, kind: driver.measures, everyMs, poll };
}

function neverHeard({ refusal }: Memory, { topics }: BoundMapping): InputError {
  if (refusal !== undefined) return new InputError('bad_answer', `what is published cannot be read: ${refusal}`);
  return new InputError(
    'silent',
    `nothing new was published on ${topics.length === 1 ? topics[0] : `${topics[0]} and ${topics.length - 1} more topics`}; what the broker kept does not count`,
  );
}
