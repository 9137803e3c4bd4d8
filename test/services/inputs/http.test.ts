import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { viaHttp } from '../../../services/config/inputs.ts';
import { Inputs } from '../../../services/inputs/index.ts';
import { systemClock } from '../../../services/runtime/clock.ts';
import { type FakeDevice, fakeDevice, type Said } from '../poe/fake-device.ts';
import { Workshop } from '../telemetry/peers.ts';
import { openssl, tlsMaterial } from '../telemetry/tls-material.ts';

const workshop = new Workshop();
const open: { close(): Promise<void> }[] = [];
const never = new AbortController().signal;

afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
  await workshop.clean();
});

const said: Said = { body: { v: 52.7, c: -3.5, pwr: -184.45, soc: 64.2, lowcellv: 3280, highextt: -40 } };

async function deviceThat(answer: () => Said, tls?: { key: string; cert: string }): Promise<FakeDevice> {
  const device = await fakeDevice(answer, tls);
  open.push(device);
  return device;
}

/** What one poll of a diyBMS controller at that address comes to. */
function polled(url: string, more: object = {}): Promise<unknown> {
  const inputs = new Inputs();
  open.push(inputs);
  const folder = workshop.folder();
  writeFileSync(join(folder, 'key'), 'abracadabra\n');
  const via = viaHttp.parse({ http: { url, headers: { ApiKey: { file: join(folder, 'key') } }, ...more } });
  const device = { id: 'p1', driver: 'diybms-http', via, every: 1, cells: 16 };
  return inputs
    .source('pack', device, systemClock, systemClock)
    .poll(never)
    .catch((error) => error);
}

describe('a device that answers with JSON', () => {
  it('is a sample of what the answer holds', async () => {
    const device = await deviceThat(() => said);
    expect(await polled(device.url)).toEqual({
      kind: 'pack',
      measuredAtMs: expect.any(Number),
      voltageV: 52.7,
      currentA: -3.5,
      powerW: -184.45,
      socRatio: 0.642,
    });
    expect(device.asked).toMatchObject([{ method: 'GET', path: '/ha', headers: { apikey: 'abracadabra' } }]);
  });

  it.each([
    ['an error', { status: 500, body: 'abracadabra' }, /answered with 500/],
    ['a closed door', { status: 401 }, /was turned down \(check user and password\)/],
    ['another device', { status: 404, body: 'no abracadabra here' }, /answered with 404 no \*\*\* here/],
    ['a page', { body: '<html>' }, /the answer to \/ha cannot be read: JSON is expected/],
    ['JSON of something else', { body: { hello: 1 } }, /holds nothing that mapping diybms-http knows/],
    ['no voltage', { body: { c: 1 } }, /voltageV was not heard/],
    ['what cannot be', { body: { v: 5e6 } }, /voltageV 5000000 is outside/],
    ['a broken line', 'hang up', /the connection broke/],
    ['noise', 'noise', /is not HTTP/],
  ] as const)('says so of %s', async (_what, answer, why) => {
    const device = await deviceThat(() => answer as Said);
    const error = await polled(device.url);
    expect(String(error)).toMatch(why);
    expect(String(error)).not.toContain('abracadabra');
  });

  it('does not wait for ever', async () => {
    const device = await deviceThat(() => 'silence');
    expect(await polled(device.url, { requestTimeout: 0.2 })).toMatchObject({ code: 'timeout' });
  });

  it.skipIf(openssl.skip)('is believed over TLS when it is the one that was pinned', async () => {
    const { server } = tlsMaterial(workshop);
    const [key, cert] = [readFileSync(server.key, 'utf8'), readFileSync(server.cert, 'utf8')];
    const device = await deviceThat(() => said, { key, cert });
    const fingerprint = new X509Certificate(cert).fingerprint256;
    expect(await polled(device.url, { tls: { fingerprint } })).toMatchObject({ voltageV: 52.7 });
    const other = fingerprint.replace(/^../, fingerprint.startsWith('00') ? '01' : '00');
    expect(String(await polled(device.url, { tls: { fingerprint: other } }))).toMatch(/not trusted/);
    expect(String(await polled(device.url))).toMatch(/not trusted/);
    expect(device.asked).toHaveLength(1);
  });
});
