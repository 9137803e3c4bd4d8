import { randomBytes } from 'node:crypto';
import type { MqttClient } from 'mqtt';
import { MAX_PAYLOAD } from '#bms';
import type { Clock } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import { type ConnectionEnd, connection, type MqttTarget, type MqttVersion } from '../runtime/mqtt-connection.ts';

const BACKOFF_MS = { first: 1_000, most: 30_000 } as const;

/** Somebody who wants to hear some topics. Nothing in it may throw. */
export interface Listener {
  readonly topics: readonly string[];
  heard(topic: string, text: string, retained: boolean): void;
  /** The connection came or went. */
  changed(): void;
}

/** What is published now and then so that a publisher goes on. */
export interface KeepAlive {
  readonly topic: string;
  readonly payload: string;
  readonly everyS: number;
}

/**
 * One connection to a broker, however many devices are heard over it. It connects when the first of them is asked for,
 * and again for ever when it is lost, with longer and longer pauses.
 */
export class Broker {
  readonly #target: () => Promise<MqttTarget>;
  readonly #clock: Clock;
  readonly #clientId = `holdover-in-${randomBytes(5).toString('hex')}`;
  readonly #stopped = new AbortController();
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #keepAlives = new Map<string, KeepAlive>();
  readonly #denied = new Set<string>();
  #running: Promise<void> | undefined;
  #client: MqttClient | undefined;
  #reason: string | undefined;

  /** @param clock paces the attempts to reconnect; the machine's own */
  constructor(target: () => Promise<MqttTarget>, clock: Clock) {
    this.#target = target;
    this.#clock = clock;
  }

  get connected(): boolean {
    return this.#client !== undefined;
  }

  /** Why there is no connection, when an attempt has failed. */
  get trouble(): string | undefined {
    return this.#reason;
  }

  /** Topics of a listener that the broker does not let us read. */
  deniedTo({ topics }: Listener): readonly string[] {
    return topics.filter((topic) => this.#denied.has(topic));
  }

  /** From now on it hears its topics. */
  listen(listener: Listener, keepAlive?: KeepAlive): void {
    for (const topic of listener.topics) {
      const known = this.#listeners.get(topic) ?? new Set();
      this.#listeners.set(topic, known.add(listener));
    }
    if (keepAlive !== undefined) this.#keepAlives.set(`${keepAlive.topic} ${keepAlive.payload}`, keepAlive);
    if (this.#client !== undefined) this.#subscribe(this.#client, listener.topics);
    this.#running ??= this.#stayConnected();
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #stayConnected(): Promise<void> {
    const { signal } = this.#stopped;
    const { default: mqtt } = await import('mqtt');
    let version: MqttVersion = 5;
    let backoffMs = 0;
    while (!signal.aborted) {
      const end = await this.#once(mqtt, version);
      this.#client = undefined;
      if (signal.aborted) return;
      if (end.otherVersion && version === 5) {
        version = 4;
        continue;
      }
      if (!end.reached) version = 5;
      this.#reason = end.reason;
      this.#tellAll();
      backoffMs = end.reached ? BACKOFF_MS.first : Math.min(BACKOFF_MS.most, Math.max(BACKOFF_MS.first, backoffMs * 2));
      await this.#clock.sleep(backoffMs * (0.75 + Math.random() / 2), signal).catch(() => {});
    }
  }

  async #once(mqtt: typeof import('mqtt').default, version: MqttVersion): Promise<ConnectionEnd> {
    let target: MqttTarget;
    try {
      target = await this.#target();
    } catch (error) {
      return { reached: false, reason: messageOf(error), otherVersion: false };
    }
    const over = new AbortController();
    try {
      return await connection(mqtt, {
        target,
        version,
        clientId: this.#clientId,
        maxPacketBytes: 2 * MAX_PAYLOAD,
        signal: this.#stopped.signal,
        onReached: (client) => this.#onReached(client, over.signal),
      });
    } finally {
      over.abort();
    }
  }

  #onReached(client: MqttClient, over: AbortSignal): void {
    this.#client = client;
    this.#reason = undefined;
    this.#denied.clear();
    client.on('message', (topic, payload, { retain }) => {
      const text = payload.length > MAX_PAYLOAD ? ' '.repeat(MAX_PAYLOAD + 1) : payload.toString('utf8');
      for (const listener of this.#listeners.get(topic) ?? []) listener.heard(topic, text, retain);
    });
    this.#subscribe(client, [...this.#listeners.keys()]);
    for (const each of this.#keepAlives.values()) void this.#keepAlive(client, each, over);
    this.#tellAll();
  }

  #subscribe(client: MqttClient, topics: readonly string[]): void {
    client.subscribe([...topics], { qos: 1 }, (_error, granted) => {
      for (const { topic, qos } of granted ?? []) if (qos > 2) this.#denied.add(topic);
      if (this.#denied.size > 0) this.#tellAll();
    });
  }

  async #keepAlive(client: MqttClient, { topic, payload, everyS }: KeepAlive, over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      client.publish(topic, payload, { qos: 0 }, () => {});
      await this.#clock.sleep(everyS * 1000, over).catch(() => {});
    }
  }

  #tellAll(): void {
    for (const listener of new Set([...this.#listeners.values()].flatMap((each) => [...each]))) listener.changed();
  }
}
