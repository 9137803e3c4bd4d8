import type { MqttClient } from 'mqtt';
import { Outbox, type Retained } from './mqtt-outbox.ts';

/** Publishes under way at a time; brokers allow at least this many by default. */
const UNDER_WAY = 16;

export interface PostingOptions {
  /** The connection of this moment, if there is one. */
  readonly client: () => MqttClient | undefined;
  /** The first publish that the broker refuses on a connection. */
  readonly onRefused: (topic: string, reason: string) => void;
}

/** Carries what is in the outbox to the broker, a few at a time, and counts what it took and what it refused. */
export class Posting {
  readonly outbox = new Outbox();
  readonly #options: PostingOptions;
  #onIdle: (() => void) | undefined;
  #sent = 0;
  #refused = 0;
  #refusalTold = false;

  constructor(options: PostingOptions) {
    this.#options = options;
  }

  /** Publishes that a broker took. */
  get sent(): number {
    return this.#sent;
  }

  /** Payloads that no broker ever got: refused, or replaced by newer ones before. */
  get dropped(): number {
    return this.#refused + this.outbox.replaced;
  }

  /** A new connection, which knows nothing of the one before: `first` is said, then everything once more. */
  begin(client: MqttClient, first: Retained): void {
    this.#refusalTold = false;
    this.#publish(client, first, () => {});
    this.outbox.everythingDue();
  }

  /** Sends what is due, as far as the broker keeps up. */
  pump(): void {
    const client = this.#options.client();
    if (client === undefined) return;
    while (this.outbox.underWay < UNDER_WAY) {
      const item = this.outbox.take();
      if (!item) break;
      this.#publish(client, item, () => {
        this.outbox.settled(item);
        this.pump();
      });
    }
    if (this.outbox.idle) this.#onIdle?.();
  }

  /** Settles when nothing is due or under way any more; never, when the connection is lost before. */
  async drained(): Promise<void> {
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
    this.pump();
    await idle;
  }

  /** @param answered called once the broker took or refused it; not called when the connection was lost before */
  #publish(client: MqttClient, item: Retained, answered: () => void): void {
    client.publish(item.topic, item.payload, { qos: 1, retain: true }, (error) => {
      if (this.#options.client() !== client || (error && !client.connected)) return;
      if (error) this.#countRefusal(item.topic, error);
      else this.#sent += 1;
      answered();
    });
  }

  #countRefusal(topic: string, error: Error): void {
    this.#refused += 1;
    if (this.#refusalTold) return;
    this.#refusalTold = true;
    this.#options.onRefused(topic, error.message);
  }
}
