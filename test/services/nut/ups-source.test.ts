import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { NutSourceConfig } from '../../../services/config/nut.ts';
import { nutUps, type UpsSource } from '../../../services/nut/index.ts';
import { peer } from '../../peers.ts';
import { PlayedClock } from '../runtime/played-clock.ts';
import { until, Workshop } from '../telemetry/peers.ts';
import { Upsd } from './nut-peers.ts';

const sources: UpsSource[] = [];
const servers: Server[] = [];
const workshop = new Workshop();

function source(port: number, more: Partial<NutSourceConfig> = {}, password?: string): UpsSource {
  const config = {
    id: 'apc',
    driver: 'nut',
    host: '127.0.0.1',
    port,
    ups: 'apc',
    login: false,
    every: 1,
    ...more,
  } as const;
  const made = nutUps(config, password === undefined ? {} : { password }, new PlayedClock());
  sources.push(made);
  return made;
}

const poll = (made: UpsSource) => made.poll(new AbortController().signal);

afterEach(async () => {
  for (const made of sources.splice(0)) await made.close();
  for (const server of servers.splice(0)) server.close();
  await workshop.clean();
});

/** A server that answers each line as the test says; nothing: it stays silent. */
async function fake(answer: (line: string, socket: Socket, connection: number) => string | undefined) {
  let connections = 0;
  const heard: string[] = [];
  const server = createServer((socket) => {
    connections += 1;
    const connection = connections;
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      for (const line of String(chunk)
        .split('\n')
        .filter((each) => each !== '')) {
        heard.push(line);
        const text = answer(line, socket, connection);
        if (text !== undefined) socket.write(text);
      }
    });
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, heard, connections: () => connections };
}

const block = (...variables: readonly string[]): string =>
  `BEGIN LIST VAR apc\n${variables.map((each) => `VAR apc ${each}\n`).join('')}END LIST VAR apc\n`;
const GOOD = block('ups.status "OL"', 'battery.charge "90"');

describe('a UPS over NUT', () => {
  it('is asked over one connection, in one request', async () => {
    const { port, heard, connections } = await fake(() => GOOD);
    const ups = source(port);
    expect(await poll(ups)).toMatchObject({ mainsPresent: true, socRatio: 0.9 });
    await poll(ups);
    expect(connections()).toBe(1);
    expect(heard).toEqual(['LIST VAR apc', 'LIST VAR apc']);
  });

  it('is asked anew when the server has closed an idle connection, without a failure', async () => {
    const { port, connections } = await fake((_, socket) => {
      setImmediate(() => socket.end());
      return GOOD;
    });
    const ups = source(port);
    await poll(ups);
    await until('the server has closed', async () => connections() === 1);
    expect(await poll(ups)).toMatchObject({ mainsPresent: true });
    expect(connections()).toBe(2);
  });

  it('and when the server closes it at the very request', async () => {
    const { port } = await fake((_, socket, connection) => {
      if (connection === 1 && socket.bytesRead > 20) return void socket.destroy();
      return GOOD;
    });
    const ups = source(port);
    await poll(ups);
    expect(await poll(ups)).toMatchObject({ mainsPresent: true });
  });

  it.each([
    ['ERR DATA-STALE\n', 'data-stale'],
    ['ERR DRIVER-NOT-CONNECTED\n', 'driver-not-connected'],
    ['ERR UNKNOWN-UPS\n', 'unknown-ups'],
    ['ERR ACCESS-DENIED\n', 'access-denied'],
    ['ERR SOMETHING-ELSE\n', 'refused'],
    [block('ups.status "WAIT"'), 'waiting'],
    [block('battery.charge "90"'), 'protocol'],
    ['HTTP/1.1 400 Bad Request\r\n\r\n', 'protocol'],
    ['x'.repeat(300_000), 'protocol'],
  ])('that answers %j gives no sample but %s, and the next good answer heals it', async (text, code) => {
    let bad = true;
    const { port } = await fake(() => (bad ? text : GOOD));
    const ups = source(port);
    await expect(poll(ups)).rejects.toMatchObject({ code });
    bad = false;
    expect(await poll(ups)).toMatchObject({ mainsPresent: true });
  });

  it.each([
    ['ERR DATA-STALE\n', 1],
    ['ERR ACCESS-DENIED\n', 2],
  ])('keeps its connection or makes a new one after %j', async (text, expected) => {
    let bad = true;
    const { port, connections } = await fake(() => (bad ? text : GOOD));
    const ups = source(port);
    await expect(poll(ups)).rejects.toThrow();
    bad = false;
    await poll(ups);
    expect(connections()).toBe(expected);
  });

  it('survives a list that was cut and glued', async () => {
    const long = `VAR apc ups.alarm "${'y'.repeat(700)}"`.slice(0, 511);
    const { port } = await fake(() => `BEGIN LIST VAR apc\n${long}VAR apc ups.status "OB"\nEND LIST VAR apc\n`);
    expect(await poll(source(port))).toMatchObject({ mainsPresent: false });
  });

  it('refuses an answer that nobody asked for', async () => {
    const { port } = await fake(() => `${GOOD}VAR apc ups.status "OB LB"\n`);
    const ups = source(port);
    await poll(ups);
    await expect(poll(ups)).rejects.toMatchObject({ code: 'protocol' });
    expect(await poll(ups)).toMatchObject({ mainsPresent: true });
  });

  it('says that nobody is there', async () => {
    const { port } = await fake(() => GOOD);
    for (const server of servers.splice(0)) server.close();
    await expect(poll(source(port))).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });

  it('gives up a silent server when it is told to', async () => {
    const { port, heard } = await fake(() => undefined);
    const stop = new AbortController();
    const polled = source(port).poll(stop.signal);
    await until('it has asked', () => heard.length > 0);
    stop.abort();
    await expect(polled).rejects.toMatchObject({ code: 'closed' });
  });

  it('gives up a silent server by itself', async () => {
    const { port } = await fake(() => undefined);
    await expect(poll(source(port))).rejects.toMatchObject({ code: 'timeout' });
  });

  it('says who it is and logs in where that is configured, and names no secret in an error', async () => {
    const { port, heard } = await fake((line) => (line.startsWith('LIST') ? GOOD : 'OK\n'));
    await poll(source(port, { user: 'me', login: true }, 'p w'));
    expect(heard).toEqual(['USERNAME me', 'PASSWORD "p w"', 'LOGIN apc', 'LIST VAR apc']);
    const strict = await fake((line) => (line.startsWith('PASSWORD') ? 'ERR INVALID-PASSWORD\n' : 'OK\n'));
    const refused = await poll(source(strict.port, { user: 'me' }, 's3cret')).catch((error: unknown) => String(error));
    expect(refused).toContain('PASSWORD');
    expect(refused).not.toContain('s3cret');
  });

  it('does not go on in the clear where TLS is demanded', async () => {
    const { port, heard } = await fake(() => 'ERR FEATURE-NOT-CONFIGURED\n');
    await expect(poll(source(port, { user: 'me', tls: { insecure: false } }, 'x'))).rejects.toMatchObject({
      code: 'tls',
    });
    expect(heard).toEqual(['STARTTLS']);
  });
});

const upsd = peer('upsd');
describe.skipIf(upsd.skip || peer('dummy-ups').skip)(`${upsd.title} over dummy-ups`, () => {
  it('is read, and told apart when its driver hangs, dies, and when it is gone itself', async () => {
    const line = {
      'ups.status': 'OL',
      'battery.charge': '88',
      'battery.runtime': '1800',
      'ups.realpower': '150',
      'device.serial': 'AS1',
    };
    const server = await Upsd.start(workshop, line);
    const ups = source(server.port, { user: 'holdover', login: true }, 'a b#c');
    const code = async (): Promise<string> =>
      await poll(ups).then(
        () => 'fine',
        (error: { code: string }) => error.code,
      );
    await until('it has been read', async () => (await code()) === 'fine');
    expect(await poll(ups)).toMatchObject({
      mainsPresent: true,
      socRatio: 0.88,
      runtimeS: 1800,
      loadPowerW: 150,
      serial: 'AS1',
    });
    server.say({ ...line, 'ups.status': 'OB LB' });
    await until('it is on battery', async () => (await poll(ups)).mainsPresent === false);
    expect(await poll(ups)).toMatchObject({ lowBattery: true, mode: 'battery' });
    server.freeze();
    await until('its data are stale', async () => (await code()) === 'data-stale');
    server.thaw();
    await until('it is fresh again', async () => (await code()) === 'fine');
    await server.unplug();
    await until('its driver is gone', async () => (await code()) === 'driver-not-connected');
    await server.plugIn();
    await until('its driver is back', async () => (await code()) === 'fine');
    await server.hangUp();
    expect(await code()).toBe('unreachable');
    await server.serve();
    await until('all is well', async () => (await code()) === 'fine');
  });
});
