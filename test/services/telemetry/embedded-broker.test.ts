import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import mqtt, { type IClientOptions } from 'mqtt';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  type BrokerUser,
  type EmbeddedBroker,
  type EmbeddedBrokerOptions,
  openEmbeddedBroker,
} from '../../../services/telemetry/embedded-broker.ts';
import { mqttSink } from '../../../services/telemetry/mqtt.ts';
import { freePort } from '../../ports.ts';
import { mosquittoSub, nextMessage, payloads, subscribe } from './mosquitto.ts';
import { until, Workshop } from './peers.ts';
import { snapshotFixture, testFeed, testLog } from './snapshot-fixture.ts';
import { openssl, tlsMaterial } from './tls-material.ts';

const workshop = new Workshop();
const brokers: EmbeddedBroker[] = [];
const clients: mqtt.MqttClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.endAsync(true);
  for (const broker of brokers.splice(0)) await broker.close();
  await workshop.clean();
});

async function open(
  users: readonly BrokerUser[] = [],
  more: Partial<EmbeddedBrokerOptions> = {},
): Promise<EmbeddedBroker> {
  const log = testLog();
  const broker = await openEmbeddedBroker({ port: 0, listen: '127.0.0.1', users, root: 'holdover', log, ...more });
  brokers.push(broker);
  return broker;
}

async function client(broker: EmbeddedBroker, options: IClientOptions = {}) {
  const connected = await mqtt.connectAsync(broker.url, { protocolVersion: 4, reconnectPeriod: 0, ...options }, false);
  clients.push(connected);
  connected.on('error', () => {});
  return connected;
}

const ours = (broker: EmbeddedBroker): IClientOptions => ({ username: broker.user, password: broker.password });
const users: readonly BrokerUser[] = [
  { user: 'reader', password: 'read', write: false },
  { user: 'writer', password: 'write', write: true },
];

/** Publishes with QoS 1; whether the broker kept the connection says whether it was allowed. */
async function mayPublish(connected: mqtt.MqttClient, topic: string): Promise<boolean> {
  const cut = new Promise<boolean>((resolve) => connected.once('close', () => resolve(false)));
  const taken = connected.publishAsync(topic, 'x', { qos: 1 }).then(
    () => true,
    () => false,
  );
  return await Promise.race([cut, taken]);
}

describe('the embedded broker without users', () => {
  it('lets anyone here read, and nobody but us publish', async () => {
    const broker = await open();
    const publisher = await client(broker, ours(broker));
    await publisher.publishAsync('holdover/status', 'online', { qos: 1, retain: true });
    const reader = await client(broker);
    const heard = nextMessage(reader);
    await reader.subscribeAsync('holdover/#');
    expect((await heard).text).toBe('online');
    expect(await mayPublish(reader, 'holdover/status')).toBe(false);
    expect(await mayPublish(await client(broker), 'anything')).toBe(false);
    expect(await mayPublish(publisher, 'holdover/status')).toBe(true);
  });

  it('does not publish the will of somebody who may not publish', async () => {
    const broker = await open();
    const reader = await client(broker);
    const heard: string[] = [];
    reader.on('message', (topic, payload) => heard.push(`${topic} ${payload}`));
    await reader.subscribeAsync('holdover/#');
    const liar = await client(broker, {
      will: { topic: 'holdover/status', payload: Buffer.from('lie'), qos: 0, retain: true },
    });
    liar.stream.destroy();
    const publisher = await client(broker, ours(broker));
    await publisher.publishAsync('holdover/status', 'truth', { qos: 1 });
    await until('the truth is heard', () => heard.length > 0);
    expect(heard).toEqual(['holdover/status truth']);
  });

  it('refuses a user name it does not know, and ours with another password', async () => {
    const broker = await open();
    await expect(client(broker, { username: 'admin', password: 'admin' })).rejects.toThrow(/refused/i);
    await expect(client(broker, { username: broker.user, password: 'guess' })).rejects.toThrow(/refused/i);
  });

  it('keeps no session for a client that is gone', async () => {
    const broker = await open();
    const options = { clean: false, clientId: 'absent-minded' };
    const first = await client(broker, options);
    await first.subscribeAsync('holdover/#', { qos: 1 });
    await first.endAsync();
    const publisher = await client(broker, ours(broker));
    await publisher.publishAsync('holdover/event', 'missed', { qos: 1 });
    const again = mqtt.connect(broker.url, { protocolVersion: 4, reconnectPeriod: 0, ...options });
    clients.push(again);
    const sessionPresent = await new Promise((resolve) =>
      again.once('connect', (connack) => resolve(connack.sessionPresent)),
    );
    expect(sessionPresent).toBe(false);
  });

  it('hangs up on a packet that is too long, before it has come', async () => {
    const broker = await open();
    const reader = await client(broker);
    const hungUp = new Promise((resolve) => reader.once('close', () => resolve(true)));
    // A publish that declares 100 MB and brings none of them; without a limit the broker would wait for the rest.
    reader.stream.write(Uint8Array.of(0x30, 0x80, 0xc2, 0xd7, 0x2f));
    expect(await hungUp).toBe(true);
    expect(await client(broker)).toBeDefined();
  });

  it('survives garbage', async () => {
    const broker = await open();
    for (const bytes of [[0], [0xff, 0xff, 0xff, 0xff, 0xff], [0x10, 2, 1, 1], [0x82, 0], [0xc0, 0]]) {
      const socket = connect(broker.port, '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'connect');
      socket.end(Uint8Array.from(bytes));
      await once(socket, 'close');
    }
    expect(await client(broker)).toBeDefined();
  });
});

describe('the embedded broker with users', () => {
  it('lets nobody in without a name and the right password', async () => {
    const broker = await open(users);
    await expect(client(broker)).rejects.toThrow(/not authorized/i);
    await expect(client(broker, { username: 'writer', password: 'read' })).rejects.toThrow(/refused/i);
    await expect(client(broker, { username: 'nobody', password: 'write' })).rejects.toThrow(/refused/i);
  });

  it('lets a reader read and a writer write, outside what is ours', async () => {
    const broker = await open(users);
    const as = (name: string) =>
      client(broker, { username: name, password: name.replace('er', '').replace('writ', 'write') });
    expect(await mayPublish(await as('reader'), 'home/lamp')).toBe(false);
    expect(await mayPublish(await as('writer'), 'home/lamp')).toBe(true);
    // Nobody takes orders here.
    expect(await mayPublish(await as('writer'), 'holdover/coordinator/main/set/hold')).toBe(false);
    expect(await mayPublish(await as('writer'), 'holdover/pack/lfp1/state')).toBe(false);
    expect(await mayPublish(await as('writer'), 'holdover/status')).toBe(false);
    expect(await mayPublish(await as('writer'), '$SYS/lie')).toBe(false);
    expect(await mayPublish(await client(broker, ours(broker)), 'holdover/status')).toBe(true);
  });
});

describe('rights by topic', () => {
  const HOLD = 'holdover/coordinator/main/set/hold';
  const staff: readonly BrokerUser[] = [
    { user: 'boss', password: 'b', write: true },
    { user: 'holder', password: 'h', write: true, orders: ['coordinator/main/set/hold', 'host/+/set/skip'] },
    { user: 'watcher', password: 'w', write: false, read: ['holdover/pack/#', 'holdover/status'] },
  ];
  const as = (broker: EmbeddedBroker, user: string) => client(broker, { username: user, password: user.charAt(0) });

  function office() {
    const orders: { topic: string; text: string; retain: boolean; user: string | undefined }[] = [];
    const onOrder: EmbeddedBrokerOptions['onOrder'] = ({ topic, payload, retain, user }) =>
      void orders.push({ topic, text: Buffer.from(payload).toString(), retain, user });
    return { orders, onOrder };
  }

  it('let each user give only the orders that are allowed to it, and say who it was', async () => {
    const { orders, onOrder } = office();
    const broker = await open(staff, { onOrder });
    expect(await mayPublish(await as(broker, 'holder'), HOLD)).toBe(true);
    expect(await mayPublish(await as(broker, 'holder'), 'holdover/host/pi1/set/skip')).toBe(true);
    expect(await mayPublish(await as(broker, 'holder'), 'holdover/host/pi1/set/power-cycle')).toBe(false);
    expect(await mayPublish(await as(broker, 'holder'), 'holdover/coordinator/main/set/begin')).toBe(false);
    expect(await mayPublish(await as(broker, 'holder'), `${HOLD}/result`)).toBe(false);
    expect(await mayPublish(await as(broker, 'watcher'), HOLD)).toBe(false);
    expect(await mayPublish(await as(broker, 'boss'), 'holdover/coordinator/main/set/begin')).toBe(true);
    expect(orders.map(({ user, topic }) => `${user} ${topic.split('/').at(-1)}`)).toEqual([
      'holder hold',
      'holder skip',
      'boss begin',
    ]);
  });

  it('never keep an order, and hand a retained one over as such', async () => {
    const { orders, onOrder } = office();
    const broker = await open(staff, { onOrder });
    const boss = await as(broker, 'boss');
    await boss.publishAsync(HOLD, '60', { qos: 1, retain: true });
    await boss.publishAsync('home/lamp', 'on', { qos: 1, retain: true });
    expect(orders).toEqual([{ topic: HOLD, text: '60', retain: true, user: 'boss' }]);
    const late = await as(broker, 'boss');
    const heard: string[] = [];
    late.on('message', (topic) => heard.push(topic));
    await late.subscribeAsync('#');
    await until('the lamp is heard', () => heard.includes('home/lamp'));
    expect(heard).toEqual(['home/lamp']);
  });

  it('let a user read only what is allowed to it, retained or not', async () => {
    const broker = await open(staff);
    const publisher = await client(broker, ours(broker));
    for (const topic of ['holdover/pack/a/state', 'holdover/host/a/state', 'holdover/status'])
      await publisher.publishAsync(topic, 'kept', { qos: 1, retain: true });
    const heard: string[] = [];
    const watcher = await as(broker, 'watcher');
    watcher.on('message', (topic, payload) => heard.push(`${topic} ${payload}`));
    await watcher.subscribeAsync('#', { qos: 1 });
    for (const topic of ['holdover/host/a/state', 'home/lamp', 'holdover/pack/a/state'])
      await publisher.publishAsync(topic, 'live', { qos: 1 });
    await until('the last is heard', () => heard.includes('holdover/pack/a/state live'));
    expect(heard.toSorted()).toEqual([
      'holdover/pack/a/state kept',
      'holdover/pack/a/state live',
      'holdover/status kept',
    ]);
  });
});

describe('the MQTT sink with the embedded broker', () => {
  it('takes orders by name, answers them, and offers buttons', async () => {
    const asked: unknown[] = [];
    const desk = {
      command: async (command: object, author: string) => {
        asked.push([command, author]);
        return { accepted: true, because: 'so be it' };
      },
    };
    const embedded = {
      port: 0,
      listen: '127.0.0.1',
      users: [{ user: 'ann', password: { env: 'X' }, write: true }],
    };
    const config = { embedded, topic: 'rack', commands: true, homeAssistant: true };
    const sink = mqttSink(config, { users: { ann: 'pw' } }, testLog(), { desk });
    await sink.start(testFeed(snapshotFixture));
    const port = await until('the broker listens', () => sink.brokerPort());
    const ann = await mqtt.connectAsync(
      `mqtt://127.0.0.1:${port}`,
      { username: 'ann', password: 'pw', protocolVersion: 4 },
      false,
    );
    clients.push(ann);
    const heard = new Map<string, string>();
    ann.on('message', (topic, payload) => heard.set(topic, String(payload)));
    await ann.subscribeAsync(['rack/+/+/set/+/result', 'homeassistant/device/rack/coordinator_main/config']);
    await until('the buttons are announced', () =>
      heard.get('homeassistant/device/rack/coordinator_main/config')?.includes('order-begin'),
    );
    await ann.publishAsync('rack/coordinator/main/set/begin', 'PRESS', { qos: 1 });
    await until('it is answered', () => heard.has('rack/coordinator/main/set/begin/result'));
    expect(JSON.parse(heard.get('rack/coordinator/main/set/begin/result') ?? '')).toMatchObject({ accepted: true });
    expect(asked).toEqual([[{ kind: 'begin' }, 'mqtt:ann']]);
    await sink.stop();
  });

  describe.skipIf(mosquittoSub.skip || openssl.skip)(`over TLS, observed by ${mosquittoSub.title}`, () => {
    it('speaks to nobody in the clear but itself', async () => {
      const { ca, server } = tlsMaterial(workshop);
      const tls = { cert: server.cert, key: { file: server.key } };
      const embedded = { port: 0, listen: '127.0.0.1', users: [], tls };
      const secrets = { tlsKey: readFileSync(server.key, 'utf8') };
      const sink = mqttSink({ embedded, topic: 'rack' }, secrets, testLog());
      await sink.start(testFeed(snapshotFixture));
      const port = await until('the broker listens', () => sink.brokerPort());
      await until('everything has been sent', () => sink.health().sent >= 57);
      const trusting = subscribe(workshop, port, 'rack/status', '--cafile', ca);
      await until('it is heard over TLS', () => payloads(trusting, 'rack/status').length > 0);
      const plain = mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 4, reconnectPeriod: 0 }, false);
      await expect(plain).rejects.toThrow();
      await sink.stop();
    });
  });

  const silent = testLog();

  describe.skipIf(mosquittoSub.skip)(`observed by ${mosquittoSub.title}`, () => {
    it('shows its states, and offline at the end', async () => {
      const sink = mqttSink({ embedded: { port: 0, listen: '127.0.0.1', users: [] }, topic: 'rack' }, {}, silent);
      await sink.start(testFeed(snapshotFixture));
      const port = await until('the broker listens', () => sink.brokerPort());
      await until('everything has been sent', () => sink.health().sent >= 57);
      const watcher = subscribe(workshop, port, 'rack/#', '-q', '1');
      await until('a pack is seen', () => payloads(watcher, 'rack/pack/lfp1/state').length > 0);
      await until('the status is seen', () => payloads(watcher, 'rack/status').length > 0);
      expect(payloads(watcher, 'rack/status')).toEqual(['online']);
      await sink.stop();
      await until('it is offline', () => payloads(watcher, 'rack/status').at(-1) === 'offline');
    });
  });

  it('starts although the port is taken, and listens once it is free', async () => {
    const port = await freePort();
    const other = await openEmbeddedBroker({ port, listen: '127.0.0.1', users: [], root: 'x', log: silent });
    const log = testLog();
    const sink = mqttSink({ embedded: { port, listen: '127.0.0.1', users: [] }, topic: 'rack' }, {}, log);
    await sink.start(testFeed(snapshotFixture));
    expect(sink.health().up).toBe(false);
    expect(JSON.stringify(log.lines)).toContain('EADDRINUSE');
    await other.close();
    await until('it is up', () => sink.health().up);
    await sink.stop();
  });

  it('wants a password for each user', async () => {
    const embedded = { port: 0, listen: '127.0.0.1', users: [{ user: 'ha', password: { env: 'HA' }, write: false }] };
    const sink = mqttSink({ embedded, topic: 'rack' }, {}, silent);
    await expect(sink.start(testFeed())).rejects.toThrow(/no password for user ha/);
  });

  it('keeps no buffer for every number that could be sent', async () => {
    const broker = await open(users);
    const writer = await client(broker, ours(broker));
    await writer.publishAsync('x', 'x', { qos: 1 });
    const { cache } = createRequire(import.meta.url)('mqtt-packet/numbers.js') as { cache: object };
    expect(Object.keys(cache)).toEqual([]);
  });

  it('says which package is missing, and how to get it', async () => {
    vi.doMock('aedes', () => {
      throw new Error('Cannot find package');
    });
    try {
      const sink = mqttSink({ embedded: { port: 0, listen: '127.0.0.1', users: [] }, topic: 'rack' }, {}, silent);
      await expect(sink.start(testFeed())).rejects.toThrow(/npm install aedes/);
    } finally {
      vi.doUnmock('aedes');
    }
  });
});
