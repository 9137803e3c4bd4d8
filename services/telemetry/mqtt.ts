import { randomBytes } from 'node:crypto';
import type { MqttClient } from 'mqtt';
import { discoveryPrefix, type MqttConfig } from '../config/mqtt.ts';
import { type Clock, systemClock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import {
  type ConnectionEnd,
  connection,
  type MqttTarget,
  type MqttVersion,
  pem,
  targetOf,
} from '../runtime/mqtt-connection.ts';
import type { Desk, Sink, SinkHealth, Snapshot, SnapshotFeed } from '../shutdown/view.ts';
import { type EmbeddedBroker, openEmbeddedBroker } from './embedded-broker.ts';
import { HomeAssistant } from './homeassistant.ts';
import { Orders } from './mqtt-orders.ts';
import { Outbox, type Retained } from './mqtt-outbox.ts';
import { type TopicState, topicStates } from './mqtt-states.ts';
import { orderTopic } from './mqtt-topics.ts';

/** What is sampled is published at least so often while it is fresh, also without a change. */
const BEAT_MS = 10_000;
/** Publishes under way at a time; brokers allow at least this many by default. */
const UNDER_WAY = 16;
const BACKOFF_MS = { first: 1_000, most: 30_000 } as const;
const STOP_DEADLINE_MS = 2_000;

const ONLINE = 'online';
const OFFLINE = 'offline';

/** Secrets of the configuration, resolved. */
export interface MqttSecrets {
  readonly password?: string;
  /** Private key of the client certificate, PEM. */
  readonly tlsKey?: string;
  /** Passwords of the embedded broker's users by user name. */
  readonly users?: Readonly<Record<string, string>>;
}

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
  readonly #clock: Clock;
  readonly #root: string;
  readonly #clientId = `holdover-${randomBytes(5).toString('hex')}`;
  readonly #orders: Orders | undefined;
  readonly #homeAssistant: HomeAssistant | undefined;
  readonly #outbox = new Outbox();
  readonly #stopped = new AbortController();

  #unsubscribe: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #broker: EmbeddedBroker | undefined;
  #client: MqttClient | undefined;
  #latest: Snapshot | undefined;
  /** Topics of the things that are there, without their last level. */
  #named: ReadonlySet<string> = new Set();
  /** The same, of things that the broker knows from before. */
  readonly #earlier = new Set<string>();
  #wakePending = false;
  #onIdle: (() => void) | undefined;
  #leaving = false;
  #sent = 0;
  #refused = 0;
  #refusalLogged = false;
  #lastReason = '';

  constructor(config: MqttConfig, secrets: MqttSecrets, log: Log, { clock = systemClock, desk }: MqttOptions) {
    this.#config = config;
    this.#secrets = secrets;
    this.#log = log;
    this.#clock = clock;
    const root = config.topic.replace(/\/+$/, '');
    this.#root = root;
    const answer = (topic: string, payload: string): void => {
      this.#client?.publish(topic, payload, { qos: 1 });
    };
    const commands = config.commands === true && desk !== undefined;
    if (commands) this.#orders = new Orders({ root, desk, clock, log, answer });
    const prefix = discoveryPrefix(config);
    if (prefix !== undefined) this.#homeAssistant = new HomeAssistant({ prefix, root, commands });
  }

  /** @throws only what no later attempt could mend: the package for the embedded broker is missing */
  async start(feed: SnapshotFeed): Promise<void> {
    if ('embedded' in this.#config) {
      await this.#openBroker().catch((error: unknown) => {
        if (!isListenError(error)) throw error;
        this.#noteFailure(reasonOf(error));
      });
    }
    const { default: mqtt } = await import('mqtt');
    this.#unsubscribe = feed.subscribe((snapshot) => this.#onSnapshot(snapshot));
    const latest = feed.latest();
    if (latest) this.#onSnapshot(latest);
    this.#running = this.#stayConnected(mqtt);
  }

  brokerPort(): number | undefined {
    return this.#broker?.port;
  }

  health(): SinkHealth {
    return {
      sink: this.name,
      up: this.#client !== undefined,
      sent: this.#sent,
      dropped: this.#refused + this.#outbox.replaced,
    };
  }

  /** Hands over what is still due, says goodbye, and is gone within the deadline. */
  async stop(): Promise<void> {
    if (this.#leaving) return;
    this.#leaving = true;
    this.#unsubscribe?.();
    const client = this.#client;
    if (client) await withinDeadline(this.#farewell(client));
    this.#stopped.abort();
    await this.#running;
    await this.#broker?.close();
    this.#broker = undefined;
  }

  async #farewell(client: MqttClient): Promise<void> {
    if (this.#latest) this.#offerAll(this.#latest);
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
    this.#pump();
    await idle;
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
      if (this.#stopped.signal.aborted || !this.#latest) return;
      this.#offerAll(this.#latest);
      this.#pump();
    });
  }

  #offerAll(snapshot: Snapshot): void {
    const states = topicStates(snapshot);
    for (const item of this.#homeAssistant?.messages(snapshot, states) ?? []) {
      if (item.payload === '') this.#outbox.retire(item.topic);
      else this.#outbox.offer(item);
    }
    const beat = Math.floor(snapshot.rack.monoMs / BEAT_MS);
    const named = new Set<string>();
    for (const state of states) {
      const topic = this.#topic(state.kind, state.id);
      named.add(topic);
      for (const item of retainedOf(state, topic, beat)) this.#outbox.offer(item);
    }
    for (const topic of [...this.#named, ...this.#earlier]) {
      if (named.has(topic)) continue;
      for (const leaf of ['state', 'availability']) this.#outbox.retire(`${topic}/${leaf}`);
    }
    this.#named = named;
    this.#earlier.clear();
  }

  #topic(...levels: readonly string[]): string {
    return [this.#root, ...levels].join('/');
  }

  async #stayConnected(mqtt: typeof import('mqtt').default): Promise<void> {
    const { signal } = this.#stopped;
    const preferred: MqttVersion = 'embedded' in this.#config ? 4 : 5;
    let version = preferred;
    let backoffMs = 0;
    while (!this.#leaving) {
      const end = await this.#oneConnection(mqtt, version);
      this.#client = undefined;
      if (this.#leaving) return;
      if (end.otherVersion && version === 5) {
        version = 4;
        continue;
      }
      if (!end.reached) version = preferred;
      this.#noteFailure(end.reason);
      backoffMs = end.reached ? BACKOFF_MS.first : Math.min(BACKOFF_MS.most, Math.max(BACKOFF_MS.first, backoffMs * 2));
      await this.#clock.sleep(backoffMs * (0.75 + Math.random() / 2), signal).catch(() => {});
    }
  }

  async #oneConnection(mqtt: typeof import('mqtt').default, version: MqttVersion): Promise<ConnectionEnd> {
    let target: MqttTarget;
    try {
      target = await this.#target();
    } catch (error) {
      return { reached: false, reason: reasonOf(error), otherVersion: false };
    }
    return await connection(mqtt, {
      target,
      version,
      clientId: this.#clientId,
      will: { topic: this.#topic('status'), payload: OFFLINE },
      signal: this.#stopped.signal,
      onReached: (client) => this.#onReached(client, version),
    });
  }

  async #target(): Promise<MqttTarget> {
    if ('url' in this.#config) return await targetOf(this.#config, this.#secrets);
    return this.#broker ?? (await this.#openBroker());
  }

  async #openBroker(): Promise<EmbeddedBroker> {
    if (!('embedded' in this.#config)) throw new Error('mqtt.embedded is not configured');
    const { port, listen, users, tls } = this.#config.embedded;
    const orders = this.#orders;
    this.#broker = await openEmbeddedBroker({
      port,
      listen,
      root: this.#root,
      log: this.#log,
      ...(orders === undefined ? {} : { onOrder: (ordered) => void orders.take(ordered) }),
      ...(tls === undefined ? {} : { tls: await embeddedTls(tls.cert, this.#secrets.tlsKey) }),
      users: users.map(({ user, write, orders: may, read }) => {
        const password = this.#secrets.users?.[user];
        if (password === undefined) throw new Error(`mqtt.embedded.users: no password for user ${user}`);
        return {
          user,
          write,
          password,
          ...(may === undefined ? {} : { orders: may }),
          ...(read === undefined ? {} : { read }),
        };
      }),
    });
    this.#log.info({ sink: this.name, listen, port: this.#broker.port }, 'embedded MQTT broker listens');
    return this.#broker;
  }

  #onReached(client: MqttClient, version: MqttVersion): void {
    this.#client = client;
    this.#lastReason = '';
    this.#refusalLogged = false;
    this.#log.info(
      { sink: this.name, protocol: version === 5 ? '5' : '3.1.1' },
      version === 5 || 'embedded' in this.#config
        ? 'MQTT connected'
        : 'MQTT connected; with 3.1.1 a publish that the broker’s ACL refuses cannot be noticed',
    );
    this.#publish(client, { topic: this.#topic('status'), payload: ONLINE, key: ONLINE }, () => {});
    this.#outbox.everythingDue();
    this.#listen(client, version);
    this.#pump();
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
      this.#outbox.again();
      this.#pump();
    } else if (orderTopic(this.#root, topic) !== undefined) {
      void this.#orders?.take({ topic, payload, retain });
    } else if (topic.startsWith(`${this.#root}/`)) {
      if (!retain || payload.length === 0) return;
      this.#earlier.add(topic.slice(0, topic.lastIndexOf('/')));
      this.#wake();
    } else if (retain) {
      homeAssistant?.onRetained(topic, String(payload));
      this.#wake();
    }
  }

  #pump(): void {
    const client = this.#client;
    if (client === undefined) return;
    while (this.#outbox.underWay < UNDER_WAY) {
      const item = this.#outbox.take();
      if (!item) break;
      this.#publish(client, item, () => {
        this.#outbox.settled(item);
        this.#pump();
      });
    }
    if (this.#outbox.idle) this.#onIdle?.();
  }

  /** @param answered called once the broker took or refused it; not called when the connection was lost before */
  #publish(client: MqttClient, item: Retained, answered: () => void): void {
    client.publish(item.topic, item.payload, { qos: 1, retain: true }, (error) => {
      if (this.#client !== client || (error && !client.connected)) return;
      if (error) this.#onRefused(item.topic, error);
      else this.#sent += 1;
      answered();
    });
  }

  #onRefused(topic: string, error: Error): void {
    this.#refused += 1;
    if (this.#refusalLogged) return;
    this.#refusalLogged = true;
    this.#log.warn(
      { sink: this.name, topic, reason: error.message },
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

function retainedOf(state: TopicState, topic: string, beat: number): readonly Retained[] {
  const availability = state.available ? ONLINE : OFFLINE;
  const available = { topic: `${topic}/availability`, payload: availability, key: availability };
  if (!state.body) return [available];
  const text = JSON.stringify(state.body);
  const payload = JSON.stringify({ ts: Math.round(state.atMs), ...state.body });
  return [{ topic: `${topic}/state`, payload, key: state.beats ? `${beat} ${text}` : text }, available];
}

async function embeddedTls(cert: string, key: string | undefined): Promise<{ cert: string; key: string }> {
  if (key === undefined) throw new Error('mqtt.embedded.tls: no private key');
  return { cert: (await pem(cert)) ?? '', key };
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

const isListenError = (error: unknown): boolean =>
  error instanceof Error && 'syscall' in error && (error.syscall === 'listen' || error.syscall === 'getaddrinfo');

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
