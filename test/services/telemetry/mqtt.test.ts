import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { Aedes } from 'aedes';
import mqtt from 'mqtt';
import { afterEach, describe, expect, it } from 'vitest';
import type { MqttConfig } from '../../../services/config/schema.ts';
import { type MqttSink, mqttSink } from '../../../services/telemetry/mqtt.ts';
import { freePort } from '../../ports.ts';
import {
  asHoldover,
  mosquitto,
  mosquittoPasswd,
  mosquittoSub,
  nextMessage,
  passwordBroker,
  payloads,
  subscribe,
} from './mosquitto.ts';
import { until, Workshop } from './peers.ts';
import { allStale, changed, later, snapshotFixture, testFeed, testLog, WALL_MS } from './snapshot-fixture.ts';
import { openssl, tlsMaterial } from './tls-material.ts';

const workshop = new Workshop();
const sinks: MqttSink[] = [];

afterEach(async () => {
  for (const sink of sinks.splice(0)) await sink.stop();
  await workshop.clean();
});

/** A clock whose pauses are short, so that attempts to reconnect follow each other quickly. */
const impatient = {
  wallMs: () => Date.now(),
  monoMs: () => performance.now(),
  sleep: (_ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 50);
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    }),
};

function sinkFor(port: number, config: Partial<MqttConfig> = {}, password = 'right') {
  const log = testLog();
  const sink = mqttSink(
    { url: `mqtt://127.0.0.1:${port}`, user: 'holdover', topic: 'holdover', ...config } as MqttConfig,
    { password },
    log,
    { clock: impatient },
  );
  sinks.push(sink);
  return { sink, log };
}

const protocolOf = (log: ReturnType<typeof testLog>): unknown =>
  log.lines.flatMap(({ fields }) => ('protocol' in fields ? [fields.protocol] : [])).at(-1);

const peersMissing = mosquitto.skip || mosquittoSub.skip || mosquittoPasswd.skip;

describe.skipIf(peersMissing)(`against ${mosquitto.title} and ${mosquittoSub.title}`, () => {
  it('publishes every state retained, with its time, and says online', async () => {
    const broker = await passwordBroker(workshop, ['topic readwrite holdover/#']);
    await broker.start();
    const { sink, log } = sinkFor(broker.port);
    const feed = testFeed(snapshotFixture);
    await sink.start(feed);
    await until('everything has been sent', () => sink.health().sent >= 57);

    const late = subscribe(workshop, broker.port, 'holdover/#', ...asHoldover);
    const [status] = await until('the retained status is there', () => {
      const seen = payloads(late, 'holdover/status');
      return seen.length > 0 && seen;
    });
    expect(status).toBe('online');
    await until('all retained states are there', () => payloads(late, 'holdover/coordinator/main/state').length > 0);
    const pack = JSON.parse(payloads(late, 'holdover/pack/lfp1/state')[0] ?? '');
    expect(pack).toMatchObject({ ts: WALL_MS - 1000, voltageV: 52.984, currentA: -5.21 });
    expect(pack.cellsV).toHaveLength(16);
    expect(payloads(late, 'holdover/pack/lfp1/availability')).toEqual(['online']);
    expect(JSON.parse(payloads(late, 'holdover/host/pi7/state')[0] ?? '')).toMatchObject({ phase: 'up', powerW: 5.7 });
    expect(JSON.parse(payloads(late, 'holdover/schedule/main/state')[0] ?? '')).toMatchObject({ feasible: true });
    expect(protocolOf(log)).toBe('5');
    expect(sink.health()).toMatchObject({ up: true, dropped: 0 });
  });

  it('publishes a new sample once, an old one not again, and offline when it goes stale', async () => {
    const broker = await passwordBroker(workshop, ['topic readwrite holdover/#']);
    await broker.start();
    const watcher = subscribe(workshop, broker.port, 'holdover/pack/#', ...asHoldover, '-q', '1');
    const { sink } = sinkFor(broker.port);
    const feed = testFeed();
    await sink.start(feed);
    const seen = (count: number) =>
      until(`${count} states`, () => payloads(watcher, 'holdover/pack/lfp1/state').length >= count);
    for (let again = 0; again < 5; again += 1) feed.publish(snapshotFixture);
    await seen(1);
    for (let again = 0; again < 5; again += 1) feed.publish(changed(1));
    await seen(2);
    feed.publish(allStale(later(2)));
    await until('it is offline', () => payloads(watcher, 'holdover/pack/lfp1/availability').includes('offline'));
    expect(payloads(watcher, 'holdover/pack/lfp1/state').map((text) => JSON.parse(text).ts)).toEqual([
      WALL_MS - 1000,
      WALL_MS,
    ]);
    expect(payloads(watcher, 'holdover/pack/lfp1/availability')).toEqual(['online', 'offline']);
  });

  it('says offline when it stops, and the will says so when it is killed', async () => {
    const broker = await passwordBroker(workshop, ['topic readwrite holdover/#']);
    await broker.start();
    const watcher = subscribe(workshop, broker.port, 'holdover/status', ...asHoldover, '-q', '1');
    const { sink, log } = sinkFor(broker.port);
    await sink.start(testFeed(snapshotFixture));
    await until('it is up', () => sink.health().up);
    await sink.stop();
    await until('it is offline', () => payloads(watcher, 'holdover/status').includes('offline'));
    expect(sink.health().up).toBe(false);
    expect(log.lines.filter(({ level }) => level !== 'info')).toEqual([]);

    const script = `
      import { mqttSink } from './services/telemetry/mqtt.ts';
      const silent = { debug() {}, info() {}, warn() {}, error() {} };
      const config = { url: 'mqtt://127.0.0.1:${broker.port}', user: 'holdover', topic: 'holdover' };
      await mqttSink(config, { password: 'right' }, silent).start({ latest: () => undefined, subscribe: () => () => {} });
    `;
    const other = workshop.run(process.execPath, ['--input-type=module', '-e', script]);
    await until('the other process is online', () => payloads(watcher, 'holdover/status').at(-1) === 'online');
    await other.stop('SIGKILL');
    await until('its will is heard', () => payloads(watcher, 'holdover/status').at(-1) === 'offline');
    const late = subscribe(workshop, broker.port, 'holdover/status', ...asHoldover);
    await until('the will is retained', () => payloads(late, 'holdover/status').includes('offline'));
  });

  it('notices and counts publishes that the ACL refuses, and goes on with the others', async () => {
    const broker = await passwordBroker(workshop, [
      'topic readwrite holdover/status',
      'topic readwrite holdover/pack/#',
    ]);
    await broker.start();
    const { sink, log } = sinkFor(broker.port);
    await sink.start(testFeed(snapshotFixture));
    await until('all were answered', () => sink.health().sent >= 3 && sink.health().dropped >= 50);
    expect(sink.health()).toMatchObject({ up: true, sent: 3 });
    const refusals = log.lines.filter(({ level }) => level === 'warn');
    expect(refusals).toHaveLength(1);
    expect(refusals[0]?.message).toContain('ACL');
  });

  it('brings all states back after the broker was killed and lost them', async () => {
    const broker = await passwordBroker(workshop, ['topic readwrite holdover/#']);
    const first = await broker.start();
    const { sink, log } = sinkFor(broker.port);
    const feed = testFeed(snapshotFixture);
    await sink.start(feed);
    await until('everything has been sent', () => sink.health().sent >= 57);
    await first.stop('SIGKILL');
    await until('the loss is noticed', () => !sink.health().up);
    feed.publish(changed(1));
    feed.publish(changed(2));

    await broker.start();
    const watcher = subscribe(workshop, broker.port, 'holdover/#', ...asHoldover);
    await until('the newest pack state is retained', () =>
      payloads(watcher, 'holdover/pack/lfp1/state').some((text) => JSON.parse(text).ts === WALL_MS + 1000),
    );
    await until('the unchanged ones are back too', () => payloads(watcher, 'holdover/mains/main/state').length > 0);
    expect(payloads(watcher, 'holdover/status')).toContain('online');
    expect(protocolOf(log)).toBe('5');
  });

  it('says why it cannot connect, once, without the password', async () => {
    const broker = await passwordBroker(workshop, ['topic readwrite holdover/#']);
    const running = await broker.start();
    const { sink, log } = sinkFor(broker.port, {}, 'wrong-secret');
    await sink.start(testFeed(snapshotFixture));
    await until('several attempts were refused', () => running.output().split('not authorised').length > 4);
    expect(sink.health()).toMatchObject({ up: false, sent: 0 });
    const warnings = log.lines.filter(({ level }) => level === 'warn');
    expect(warnings).toHaveLength(1);
    expect(JSON.stringify(warnings)).toMatch(/Not authorized/i);
    expect(JSON.stringify(log.lines)).not.toContain('wrong-secret');
  });
});

describe.skipIf(peersMissing || openssl.skip)(`over TLS, against ${mosquitto.title} with ${openssl.title}`, () => {
  const acl = ['topic readwrite holdover/#'];

  it('connects to a broker whose certificate it can trust, and to no other', async () => {
    const { ca, server } = tlsMaterial(workshop);
    const listener = [`cafile ${ca}`, `certfile ${server.cert}`, `keyfile ${server.key}`];
    const broker = await passwordBroker(workshop, acl, listener);
    await broker.start();

    const url = `mqtts://localhost:${broker.port}`;
    const { sink } = sinkFor(broker.port, { url, tls: { ca } });
    await sink.start(testFeed(snapshotFixture));
    await until('everything has been sent', () => sink.health().sent >= 57);

    const distrustful = sinkFor(broker.port, { url });
    await distrustful.sink.start(testFeed(snapshotFixture));
    await until('it says why', () => JSON.stringify(distrustful.log.lines).includes('certificate'));
    expect(distrustful.sink.health()).toMatchObject({ up: false, sent: 0 });
  });

  it('shows its own certificate where the broker wants one instead of a password', async () => {
    const { ca, server, client } = tlsMaterial(workshop);
    const listener = [`cafile ${ca}`, `certfile ${server.cert}`, `keyfile ${server.key}`];
    const wanted = ['require_certificate true', 'use_identity_as_username true'];
    const broker = await passwordBroker(workshop, acl, [...listener, ...wanted]);
    await broker.start();
    const url = `mqtts://localhost:${broker.port}`;
    const secrets = { tlsKey: readFileSync(client.key, 'utf8') };
    const config = { url, tls: { ca, cert: client.cert }, topic: 'holdover' } as MqttConfig;
    const sink = mqttSink(config, secrets, testLog(), { clock: impatient });
    sinks.push(sink);
    await sink.start(testFeed(snapshotFixture));
    await until('everything has been sent', () => sink.health().sent >= 57);

    const stranger = sinkFor(broker.port, { url, tls: { ca } });
    await stranger.sink.start(testFeed(snapshotFixture));
    await until('it is refused', () => stranger.log.lines.some(({ level }) => level === 'warn'));
    expect(stranger.sink.health()).toMatchObject({ up: false, sent: 0 });
  });
});

describe('a broker that is away', () => {
  it('does not keep the service from starting or stopping, and only the newest states are kept', async () => {
    const { sink, log } = sinkFor(await freePort());
    const feed = testFeed(snapshotFixture);
    await sink.start(feed);
    await until('it has tried', () => log.lines.some(({ level }) => level === 'warn'));
    for (let second = 1; second <= 50; second += 1) {
      feed.publish(changed(second));
      await new Promise((resolve) => setImmediate(resolve));
    }
    // The pack, the meter and the switch had fifty samples each, and the UPS said the same all the time.
    expect(sink.health()).toEqual({ sink: 'mqtt', up: false, sent: 0, dropped: 155 });
    await sink.stop();
    expect(feed.listeners).toBe(0);
  });

  it('never holds up the feed: a listener returns before anything is published', async () => {
    const { sink } = sinkFor(await freePort());
    const feed = testFeed();
    await sink.start(feed);
    feed.publish(snapshotFixture);
    feed.publish(changed(1));
    // Nothing was even looked at yet: the second snapshot replaces the first without a loss on a topic.
    expect(sink.health().dropped).toBe(0);
    await new Promise((resolve) => setImmediate(resolve));
    feed.publish(changed(2));
    await new Promise((resolve) => setImmediate(resolve));
    expect(sink.health().dropped).toBe(3);
  });

  it('may accept and never answer: stop still returns', async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { sink } = sinkFor((server.address() as { port: number }).port);
    await sink.start(testFeed(snapshotFixture));
    await until('it has connected', () => sockets.length > 0);
    await sink.stop();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
});

it('does not connect any more when it is stopped while it starts', async () => {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.on('error', () => {});
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  // Reading a certificate file takes a while; any file does.
  const { sink } = sinkFor((server.address() as { port: number }).port, { tls: { ca: 'package.json' } });
  await sink.start(testFeed(snapshotFixture));
  await sink.stop();
  server.close();
  expect([connections, sink.health().up]).toEqual([0, false]);
});

describe('a broker that speaks 3.1.1 only', () => {
  it('is spoken to in 3.1.1', async () => {
    const broker = await Aedes.createBroker();
    const server = createServer((socket) => void broker.handle(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const { sink, log } = sinkFor(port);
    await sink.start(testFeed(snapshotFixture));
    await until('everything has been sent', () => sink.health().sent >= 57);
    expect(protocolOf(log)).toBe('3.1.1');
    const reader = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 4 }, false);
    const heard = nextMessage(reader);
    await reader.subscribeAsync('holdover/status');
    expect(await heard).toEqual({ topic: 'holdover/status', text: 'online', retain: true });
    await reader.endAsync(true);
    await sink.stop();
    await new Promise<void>((resolve) => broker.close(() => resolve()));
    server.close();
  });

  it('is not taken for one when another program answers there later', async () => {
    const versions: number[] = [];
    let speaks = 4;
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (chunk) => {
        const level = chunk[chunk.indexOf('MQTT') + 4] ?? 0;
        versions.push(level);
        if (level !== speaks) socket.destroy();
        else socket.write(level === 5 ? Uint8Array.of(0x20, 3, 0, 0, 0) : Uint8Array.of(0x20, 2, 0, 0));
        if (level === 4 && speaks === 4) {
          speaks = 5;
          setImmediate(() => socket.destroy());
        }
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { sink } = sinkFor((server.address() as { port: number }).port);
    await sink.start(testFeed(snapshotFixture));
    await until('it speaks 5', () => versions.length > 2 && versions.at(-1) === 5 && sink.health().up);
    expect(versions.slice(0, 2)).toEqual([5, 4]);
    await sink.stop();
    server.close();
  });

  it.each(['destroy', 'resetAndDestroy'] as const)('is found out when it only hangs up (%s)', async (hangUp) => {
    const versions: (number | undefined)[] = [];
    const server = createServer((socket) => {
      socket.once('data', (chunk) => {
        // The protocol level follows the fixed header and the name `MQTT`.
        const level = chunk[chunk.indexOf('MQTT') + 4];
        versions.push(level);
        if (level === 4) socket.write(Uint8Array.of(0x20, 2, 0, 0));
        else socket[hangUp]();
      });
      socket.on('error', () => {});
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { sink } = sinkFor((server.address() as { port: number }).port);
    await sink.start(testFeed(snapshotFixture));
    await until('it is up', () => sink.health().up);
    expect(versions).toEqual([5, 4]);
    await sink.stop();
    server.close();
  });
});
