import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { type Connection, connectMqtt, type Medium } from '../../../services/lease/connection.ts';
import { Lease } from '../../../services/lease/index.ts';
import { systemClock } from '../../../services/runtime/clock.ts';
import { mosquitto, mosquittoPasswd, passwordBroker } from '../telemetry/mosquitto.ts';
import { until, Workshop } from '../telemetry/peers.ts';
import { openssl, type TlsMaterial, tlsMaterial } from '../telemetry/tls-material.ts';

/** The lease over a real mosquitto that wants TLS and a password. */

const TOPIC = 'holdover/lease';
const workshop = new Workshop();
const stops: (() => unknown)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await workshop.clean();
});

interface Heard {
  readonly topic: string;
  readonly text: string;
  readonly stored: boolean;
}

/** What became of one connection: it is ready, or it has ended with a reason. */
async function connected(connect: ReturnType<typeof connectMqtt>) {
  const abort = new AbortController();
  const heard: Heard[] = [];
  let medium: Medium | undefined;
  let ended: string | undefined;
  const connection: Connection = {
    topics: [TOPIC, `${TOPIC}/state`],
    keepaliveS: 5,
    signal: abort.signal,
    onReady: (ready) => {
      medium = ready;
    },
    onMessage: (topic, payload, stored) => heard.push({ topic, text: Buffer.from(payload).toString(), stored }),
  };
  const running = connect(connection).then((reason) => {
    ended = reason;
  });
  stops.push(async () => {
    abort.abort();
    await running;
  });
  await until('the connection is ready or over', () => medium !== undefined || ended !== undefined);
  return { medium, ended, heard };
}

async function brokerWith(tls: TlsMaterial, more: readonly string[] = []) {
  const files = [`cafile ${tls.ca}`, `certfile ${tls.server.cert}`, `keyfile ${tls.server.key}`];
  const broker = await passwordBroker(workshop, [`topic readwrite ${TOPIC}/#`], [...files, ...more]);
  await broker.start();
  const mqtt = { url: `mqtts://localhost:${broker.port}`, user: 'holdover', topic: TOPIC, tls: { ca: tls.ca } };
  return { mqtt };
}

describe.skipIf(mosquitto.skip || mosquittoPasswd.skip || openssl.skip)('a broker with TLS', () => {
  it('carries words in order, keeps what is to be kept, and says which are old', async () => {
    const { mqtt } = await brokerWith(tlsMaterial(workshop));
    const first = await connected(connectMqtt(mqtt, { password: 'right' }));
    expect(first.ended).toBeUndefined();
    for (const n of [1, 2, 3]) first.medium?.publish(TOPIC, `kept ${n}`, true);
    first.medium?.publish(TOPIC, 'not kept', false);
    await until('all of it comes back', () => first.heard.length === 4);
    expect(first.heard.map(({ text }) => text)).toEqual(['kept 1', 'kept 2', 'kept 3', 'not kept']);
    expect(first.heard.some(({ stored }) => stored)).toBe(false);
    const pem = { ...mqtt, tls: { ca: readFileSync(mqtt.tls.ca, 'utf8') } };
    const second = await connected(connectMqtt(pem, { password: 'right' }));
    await until('the stored one is heard', () => second.heard.length > 0);
    expect(second.heard).toEqual([{ topic: TOPIC, text: 'kept 3', stored: true }]);
  });

  it('is left with a reason that holds no secret: a wrong password, an authority nobody knows', async () => {
    const { mqtt } = await brokerWith(tlsMaterial(workshop));
    const wrong = await connected(connectMqtt(mqtt, { password: 'a wrong secret' }));
    expect(wrong.ended).toMatch(/not authorized/i);
    const { tls: _, ...stranger } = mqtt;
    const distrusted = await connected(connectMqtt(stranger, { password: 'right' }));
    expect(distrusted.ended).toMatch(/certificate/i);
    for (const { ended } of [wrong, distrusted]) expect(ended).not.toMatch(/right|secret/);
  });

  it('may want a certificate instead of a password', async () => {
    const tls = tlsMaterial(workshop);
    const { mqtt } = await brokerWith(tls, ['require_certificate true', 'use_identity_as_username true']);
    const { user: _, ...nobody } = mqtt;
    const certified = { ...nobody, tls: { ...mqtt.tls, cert: tls.client.cert } };
    const known = await connected(connectMqtt(certified, { tlsKey: readFileSync(tls.client.key, 'utf8') }));
    expect(known.ended).toBeUndefined();
    known.medium?.publish(TOPIC, 'heard', false);
    await until('it comes back', () => known.heard.length === 1);
    expect((await connected(connectMqtt(nobody, {}))).ended).toEqual(expect.any(String));
  });

  it('lets one of two nodes act, and the other one when a person says so', async () => {
    const { mqtt } = await brokerWith(tlsMaterial(workshop));
    const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    const node = (holder: string): Lease => {
      const lease = new Lease({ holder, ttl: 1, mqtt }, { password: 'right' }, { clock: systemClock, log: quiet });
      lease.begin(undefined, () => {});
      stops.push(() => lease.stop());
      return lease;
    };
    const a = node('node-a');
    await until('node-a acts', () => a.view().role === 'acting');
    const b = node('node-b');
    await until('node-b watches', () => b.view().role === 'watching' && b.view().medium === 'alive');
    expect(b.view().holder).toBe('node-a');
    expect(b.order({ do: 'give' })).toMatchObject({ accepted: false });
    expect(b.order({ do: 'take' })).toMatchObject({ accepted: true, because: expect.stringContaining('2 s') });
    await until('node-b acts', () => b.view().role === 'acting');
    expect(a.view()).toMatchObject({ role: 'watching', holder: 'node-b', epoch: b.view().epoch });
    await until('node-b hears node-a', () => b.order({ do: 'give' }).accepted);
    await until('node-a acts again', () => a.view().role === 'acting');
    expect(b.view().role).toBe('watching');
  });
});
