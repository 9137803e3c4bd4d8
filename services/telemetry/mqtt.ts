import type { MqttClient } from 'mqtt';
import { discoveryPrefix, type MqttConfig } from '../config/mqtt.ts';
import { type Clock, systemClock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { type MqttTarget, type MqttVersion, targetOf } from '../runtime/mqtt-connection.ts';
import type { Desk, Sink, SinkHealth, Snapshot, SnapshotFeed } from '../shutdown/view.ts';
import type { EmbeddedBroker } from './embedded-broker.ts';
import { HomeAssistant } from './homeassistant.ts';
import { Board, OFFLINE, ONLINE } from './mqtt-board.ts';
import { Link } from './mqtt-link.ts';
import { Orders } from './mqtt-orders.ts';
import { isListenError, type MqttSecrets, openOwnBroker } from './mqtt-own-broker.ts';
import { Posting } from './mqtt-posting.ts';
import { orderTopic } from './mqtt-topics.ts';

const STOP_DEADLINE_MS = 2_000;

export type { MqttSecrets };

export interface MqttSink extends Sink {
  /** Port of the embedded broker while it listens. */
  brokerPort(): number | undefined;
}

export interface MqttOptions {
  /** Paces the attempts to reconnect. */
  readonly clock?: Clock;
  /** Who takes orders, when the configuration allows them. */
  readonly desk?: Pick<Desk, 'command'>;
}

/**
 * Publishes every state of the rack, retained, under the configured root; `<root>/status` is birth and will.
 * A broker that is away is tried again for ever; meanwhile only the newest state of each topic is kept.
 */
export function mqttSink(config: MqttConfig, secrets: MqttSecrets, log: Log, options: MqttOptions = {}): MqttSink {
  return new Publisher(config, secrets, log, options);
}

class Publisher implements MqttSink {
  readonly name = 'mqtt';
  readonly #config: MqttConfig;
  readonly #secrets: MqttSecrets;
  readonly #log: Log;
  readonly #root: string;
  readonly #orders: Orders | undefined;
  readonly #homeAssistant: HomeAssistant | undefined;
  readonly #link: Link;
  readonly #posting: Posting;
  readonly #board: Board;

  #unsubscribe: (() => void) | undefined;
  #broker: EmbeddedBroker | undefined;
  #latest: Snapshot | undefined;
  #wakePending = false;
  #leaving = false;
  #lastReason = '';

  constructor(config: MqttConfig, secrets: MqttSecrets, log: Log, { clock = systemClock, desk }: MqttOptions) {
    this.#config = config;
    this.#secrets = secrets;
    this.#log = log;
    const root = config.topic.replace(/\/+$/, '');
    this.#root = root;
    this.#link = new Link({
      target: () => this.#target(),
      preferred: 'embedded' in config ? 4 : 5,
      will: { topic: this.#topic('status'), payload: OFFLINE },
      clock,
      onReached: (client, version) => this.#onReached(client, version),
      onLost: (reason) => this.#noteFailure(reason),
    });
    const client = (): MqttClient | undefined => this.#link.client;
    const answer = (topic: string, payload: string): void => {
      client()?.publish(topic, payload, { qos: 1 });
    };
    const commands = config.commands === true && desk !== undefined;
    if (commands) this.#orders = new Orders({ root, desk, clock, log, answer });
    const prefix = discoveryPrefix(config);
    if (prefix !== undefined) this.#homeAssistant = new HomeAssistant({ prefix, root, commands });
    this.#posting = new Posting({ client, onRefused: (topic, reason) => this.#onRefused(topic, reason) });
    this.#board = new Board(root, this.#posting.outbox, this.#homeAssistant);
  }

  /** @throws only what no later attempt could mend: the package for the embedded broker is missing */
  async start(feed: SnapshotFeed): Promise<void> {
    if ('embedded' in this.#config) {
      await this.#openBroker().catch((error: unknown) => {
        if (!isListenError(error)) throw error;
        this.#noteFailure(error instanceof Error ? error.message : String(error));
      });
    }
    this.#unsubscribe = feed.subscribe((snapshot) => this.#onSnapshot(snapshot));
    const latest = feed.latest();
    if (latest) this.#onSnapshot(latest);
    await this.#link.start();
  }

  brokerPort(): number | undefined {
    return this.#broker?.port;
  }

  health(): SinkHealth {
    const { sent, dropped } = this.#posting;
    return { sink: this.name, up: this.#link.client !== undefined, sent, dropped };
  }

  /** Hands over what is still due, says goodbye, and is gone within the deadline. */
  async stop(): Promise<void> {
    if (this.#leaving) return;
    this.#leaving = true;
    this.#link.leave();
    this.#unsubscribe?.();
    const { client } = this.#link;
    if (client) await withinDeadline(this.#farewell(client));
    await this.#link.stop();
    await this.#broker?.close();
    this.#broker = undefined;
  }

  async #farewell(client: MqttClient): Promise<void> {
    if (this.#latest) this.#board.show(this.#latest);
    await this.#posting.drained();
    await client.publishAsync(this.#topic('status'), OFFLINE, { qos: 1, retain: true });
    await client.endAsync();
  }

  #onSnapshot(snapshot: Snapshot): void {
    this.#latest = snapshot;
    this.#wake();
  }

  /** Looks at the latest snapshot soon, once. */
  #wake(): void {
    if (this.#wakePending) return;
    this.#wakePending = true;
    setImmediate(() => {
      this.#wakePending = false;
      if (this.#link.stopped || !this.#latest) return;
      this.#board.show(this.#latest);
      this.#posting.pump();
    });
  }

  #topic(...levels: readonly string[]): string {
    return [this.#root, ...levels].join('/');
  }

  async #target(): Promise<MqttTarget> {
    if ('url' in this.#config) return await targetOf(this.#config, this.#secrets);
    return this.#broker ?? (await this.#openBroker());
  }

  async #openBroker(): Promise<EmbeddedBroker> {
    if (!('embedded' in this.#config)) throw new Error('mqtt.embedded is not configured');
    const { embedded } = this.#config;
    const parts = { root: this.#root, log: this.#log, orders: this.#orders };
    this.#broker = await openOwnBroker(embedded, this.#secrets, parts);
    this.#log.info(
      { sink: this.name, listen: embedded.listen, port: this.#broker.port },
      'embedded MQTT broker listens',
    );
    return this.#broker;
  }

  #onReached(client: MqttClient, version: MqttVersion): void {
    this.#lastReason = '';
    this.#log.info(
      { sink: this.name, protocol: version === 5 ? '5' : '3.1.1' },
      version === 5 || 'embedded' in this.#config
        ? 'MQTT connected'
        : 'MQTT connected; with 3.1.1 a publish that the broker’s ACL refuses cannot be noticed',
    );
    this.#posting.begin(client, { topic: this.#topic('status'), payload: ONLINE, key: ONLINE });
    this.#listen(client, version);
    this.#posting.pump();
  }

  #listen(client: MqttClient, version: MqttVersion): void {
    client.on('message', (topic, payload, { retain }) => this.#onMessage(topic, payload, retain));
    const availability = this.#topic('+', '+', 'availability');
    const homeAssistant = this.#homeAssistant;
    this.#subscribe(client, [
      availability,
      ...(homeAssistant === undefined ? [] : [homeAssistant.birthTopic, homeAssistant.ownTopics]),
    ]);
    // The embedded broker hands orders over itself, with the user who gave them.
    if (this.#orders === undefined || 'embedded' in this.#config) return;
    // Retain as published: only so can an order that stays in the broker be told from one that is meant for now.
    this.#subscribe(client, [this.#topic('+', '+', 'set', '+')], version === 5 ? { rap: true } : {});
  }

  #subscribe(client: MqttClient, topics: string[], more: { readonly rap?: boolean } = {}): void {
    client.subscribe(topics, { qos: 1, ...more }, (error, granted) => {
      const refused = (granted ?? []).filter(({ qos }) => qos > 2).map(({ topic }) => topic);
      if (refused.length === 0 && (!error || !client.connected)) return;
      this.#log.warn(
        { sink: this.name, topics: refused.length === 0 ? topics : refused, reason: error?.message },
        'the broker refuses a subscription: allow this user to read these topics in the broker’s ACL',
      );
    });
  }

  #onMessage(topic: string, payload: Buffer, retain: boolean): void {
    const homeAssistant = this.#homeAssistant;
    if (topic === homeAssistant?.birthTopic) {
      // Retained, it tells that Home Assistant runs, not that it has just started.
      if (retain || String(payload) !== ONLINE) return;
      this.#posting.outbox.again();
      this.#posting.pump();
    } else if (orderTopic(this.#root, topic) !== undefined) {
      void this.#orders?.take({ topic, payload, retain });
    } else if (topic.startsWith(`${this.#root}/`)) {
      if (!retain || payload.length === 0) return;
      this.#board.found(topic);
      this.#wake();
    } else if (retain) {
      homeAssistant?.onRetained(topic, String(payload));
      this.#wake();
    }
  }

  #onRefused(topic: string, reason: string): void {
    this.#log.warn(
      { sink: this.name, topic, reason },
      `the broker refuses to take a publish: allow this user to write to ${this.#root}/# in the broker's ACL`,
    );
  }

  /** Once per reason, not once per attempt. */
  #noteFailure(reason: string): void {
    if (reason === this.#lastReason) return;
    this.#lastReason = reason;
    const where = 'url' in this.#config ? this.#config.url.replace(/\/\/[^@/]*@/, '//') : 'embedded';
    this.#log.warn({ sink: this.name, broker: where, reason }, 'MQTT is not connected; trying again');
  }
}

/** Settles when `task` does, or at the deadline; a failure is as good as an end here. */
async function withinDeadline(task: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, STOP_DEADLINE_MS);
  });
  await Promise.race([task.catch(() => {}), deadline]);
  clearTimeout(timer);
}
