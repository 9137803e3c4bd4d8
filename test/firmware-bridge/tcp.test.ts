import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { transportAt } from '../../firmware-bridge/address.ts';
import { byteExchange } from '../../firmware-bridge/byte-exchange.ts';
import type { BridgeError } from '../../firmware-bridge/errors.ts';
import { tcpTransport } from '../../firmware-bridge/tcp.ts';
import { freePort } from '../ports.ts';
import { listening, portOf, until } from './peers.ts';

let server: Server;
let clients: Set<Socket>;
let port: number;
/** What the bridge does with bytes it gets. */
let behave: (chunk: Buffer, client: Socket) => void;

async function start(onPort: number): Promise<void> {
  server = createServer((client) => {
    clients.add(client);
    client.on('close', () => clients.delete(client));
    client.on('error', () => {});
    client.on('data', (chunk) => behave(chunk, client));
  });
  await listening(server, onPort);
  port = portOf(server);
}

async function stop(): Promise<void> {
  for (const client of clients) client.destroy();
  if (server.listening) await new Promise((resolve) => server.close(resolve));
}

beforeEach(async () => {
  clients = new Set();
  behave = (chunk, client) => void client.write(chunk);
  await start(0);
});
afterEach(stop);

const request = (byte: number) => ({
  label: 'echo',
  bytes: Uint8Array.of(byte),
  accept: (received: Uint8Array) => ({ kind: 'take', value: received[0], length: 1 }) as const,
});

describe('a TCP bridge', () => {
  it('carries bytes, and closes for good', async () => {
    const wire = tcpTransport({ host: '127.0.0.1', port });
    expect(wire.name).toBe(`tcp:127.0.0.1:${port}`);
    const heard: number[] = [];
    wire.onData((chunk) => heard.push(...chunk));
    await wire.open();
    await wire.write(Uint8Array.of(1, 2, 3));
    await until('the echo', () => heard.length === 3);
    const closed: unknown[] = [];
    wire.onClosed((reason) => closed.push(reason));
    await wire.close();
    await wire.close();
    expect(wire.isOpen).toBe(false);
    expect(closed).toEqual([undefined]);
    await expect(wire.write(Uint8Array.of(1))).rejects.toMatchObject({ code: 'closed' });
    await until('the bridge to see it', () => clients.size === 0);
  });

  it('says once that the other side closed', async () => {
    behave = (_, client) => client.end();
    const wire = tcpTransport({ host: '127.0.0.1', port });
    const losses: (BridgeError | undefined)[] = [];
    wire.onClosed((reason) => losses.push(reason));
    await wire.open();
    await wire.write(Uint8Array.of(1));
    await until('the loss', () => losses.length > 0);
    expect(losses).toMatchObject([{ code: 'closed', retryable: true }]);
  });

  it('a reset is a loss, too', async () => {
    behave = (_, client) => client.resetAndDestroy();
    const wire = tcpTransport({ host: '127.0.0.1', port });
    const losses: (BridgeError | undefined)[] = [];
    wire.onClosed((reason) => losses.push(reason));
    await wire.open();
    await wire.write(Uint8Array.of(1));
    await until('the loss', () => losses.length > 0);
    expect(losses).toMatchObject([{ code: 'closed' }]);
  });

  it('nothing listens: says what to look at', async () => {
    const wire = tcpTransport({ host: '127.0.0.1', port: await freePort() });
    await expect(wire.open()).rejects.toMatchObject({
      code: 'open',
      retryable: true,
      message: expect.stringContaining('nothing listens on that port'),
    });
  });

  it('an unknown host is named as such', async () => {
    const wire = tcpTransport({ host: 'no-such-host.invalid', port: 1 });
    await expect(wire.open()).rejects.toMatchObject({ code: 'open', message: expect.stringMatching(/name/) });
  });

  it('gives up opening when told to', async () => {
    const wire = tcpTransport({ host: '127.0.0.1', port });
    await expect(wire.open(AbortSignal.abort())).rejects.toMatchObject({ code: 'open' });
    await wire.open();
    await expect(wire.open()).rejects.toMatchObject({ code: 'open' });
    await wire.close();
  });

  it('takes our bytes and never says anything: given up as dead, then connected anew', async () => {
    behave = () => {};
    const wire = tcpTransport({ host: '127.0.0.1', port, silentMs: 50 });
    const losses: (BridgeError | undefined)[] = [];
    wire.onClosed((reason) => losses.push(reason));
    await wire.open();
    await until('the transport to lose patience', async () => {
      await wire.write(Uint8Array.of(1)).catch(() => {});
      return losses.length > 0;
    });
    expect(losses).toMatchObject([{ code: 'closed', retryable: true }]);
    await wire.open();
    expect(wire.isOpen).toBe(true);
    await wire.close();
  });

  it('an exchange over it survives the restart of the bridge', async () => {
    const exchange = byteExchange(tcpTransport({ host: '127.0.0.1', port }), {
      gapMs: 0,
      timeoutMs: 5000,
      tries: 1,
      reconnect: { firstMs: 10, maxMs: 50 },
    });
    expect(await exchange.request(request(7))).toBe(7);
    await stop();
    await until('the loss', async () => {
      const failed = await exchange.request(request(8)).catch((error: BridgeError) => error.code);
      return failed === 'open';
    });
    await start(port);
    await until('an answer', async () => (await exchange.request(request(9)).catch(() => 0)) === 9);
    expect(exchange.stats.reconnects).toBe(1);
    await exchange.close();
  });

  it('a bridge that drops idle clients costs nothing but a reconnect', async () => {
    const exchange = byteExchange(tcpTransport({ host: '127.0.0.1', port }), {
      gapMs: 0,
      timeoutMs: 5000,
      tries: 1,
      reconnect: { firstMs: 0, maxMs: 50 },
    });
    for (const byte of [1, 2, 3]) {
      expect(await exchange.request(request(byte))).toBe(byte);
      for (const client of clients) client.destroy();
      await until('the drop to arrive', () => exchange.trouble !== undefined);
    }
    await exchange.close();
  });
});

describe('transportAt', () => {
  const line = { baud: 9600 } as const;

  it.each([
    ['/dev/ttyUSB0', 'serial:/dev/ttyUSB0'],
    ['/dev/serial/by-id/usb-FTDI:0', 'serial:/dev/serial/by-id/usb-FTDI:0'],
    ['COM3', 'serial:COM3'],
    ['tcp://10.0.0.7:4001', 'tcp:10.0.0.7:4001'],
    ['tcp://rs485.lan:4001/', 'tcp:rs485.lan:4001'],
    ['tcp://[::1]:4001', 'tcp:[::1]:4001'],
  ])('%s', (device, name) => {
    expect(transportAt(device, line).name).toBe(name);
  });

  it.each([
    '',
    'tcp://10.0.0.7',
    'tcp://:4001',
    'tcp://a:99999',
    'tcp://a:0',
    'http://a:1',
    'tcp://a:1/x',
    'tcp://a:b',
  ])('refuses %j with an example of what it wants', (device) => {
    expect(() => transportAt(device, line)).toThrow(/tcp:\/\/10\.0\.0\.7:4001/);
  });

  it('does not repeat a password', () => {
    expect(() => transportAt('tcp://ops:hunter2@a:1', line)).toThrow(/^(?!.*hunter2)/s);
  });
});
