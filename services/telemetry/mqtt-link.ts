import { randomBytes } from 'node:crypto';
import type { MqttClient } from 'mqtt';
import type { Clock } from '../runtime/clock.ts';
import { type ConnectionEnd, connection, type MqttTarget, type MqttVersion } from '../runtime/mqtt-connection.ts';

const BACKOFF_MS = { first: 1_000, most: 30_000 } as const;

export interface LinkOptions {
  /** Asked before every attempt; a failure of it is one of the attempt. */
  readonly target: () => Promise<MqttTarget>;
  /** The first to try; version 5 falls back to 3.1.1 for as long as the broker can be reached. */
  readonly preferred: MqttVersion;
  readonly will: { readonly topic: string; readonly payload: string };
  /** Paces the attempts. */
  readonly clock: Clock;
  readonly onReached: (client: MqttClient, version: MqttVersion) => void;
  /** Why there is no connection, after each that ended or never began. */
  readonly onLost: (reason: string) => void;
}

/** A connection to the broker that is made again for ever, ever more slowly while the broker is away. */
export class Link {
  readonly #options: LinkOptions;
  readonly #clientId = `holdover-${randomBytes(5).toString('hex')}`;
  readonly #stopped = new AbortController();
  #client: MqttClient | undefined;
  #running: Promise<void> | undefined;
  #leaving = false;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** While the broker is reached. */
  get client(): MqttClient | undefined {
    return this.#client;
  }

  get stopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  async start(): Promise<void> {
    const { default: mqtt } = await import('mqtt');
    this.#running = this.#stay(mqtt);
  }

  /** The connection there is may end by itself; no other follows. */
  leave(): void {
    this.#leaving = true;
  }

  /** Ends what there is, at once. */
  async stop(): Promise<void> {
    this.#leaving = true;
    this.#stopped.abort();
    await this.#running;
  }

  async #stay(mqtt: typeof import('mqtt').default): Promise<void> {
    const { preferred, clock, onLost } = this.#options;
    let version = preferred;
    let backoffMs = 0;
    while (!this.#leaving) {
      const end = await this.#once(mqtt, version);
      this.#client = undefined;
      if (this.#leaving) return;
      if (end.otherVersion && version === 5) {
        version = 4;
        continue;
      }
      if (!end.reached) version = preferred;
      onLost(end.reason);
      backoffMs = end.reached ? BACKOFF_MS.first : Math.min(BACKOFF_MS.most, Math.max(BACKOFF_MS.first, backoffMs * 2));
      await clock.sleep(backoffMs * (0.75 + Math.random() / 2), this.#stopped.signal).catch(() => {});
    }
  }

  async #once(mqtt: typeof import('mqtt').default, version: MqttVersion): Promise<ConnectionEnd> {
    const { target, will, onReached } = this.#options;
    let reached: MqttTarget;
    try {
      reached = await target();
    } catch (error) {
      return { reached: false, reason: error instanceof Error ? error.message : String(error), otherVersion: false };
    }
    return await connection(mqtt, {
      target: reached,
      version,
      clientId: this.#clientId,
      will,
      signal: this.#stopped.signal,
      onReached: (client) => {
        this.#client = client;
        onReached(client, version);
      },
    });
  }
}
