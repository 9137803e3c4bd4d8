import type { ChildProcess } from 'node:child_process';
import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BridgeError } from '../../firmware-bridge/errors.ts';
import type { RegisterExchange, RegisterRead } from '../../firmware-bridge/exchange.ts';
import { modbusRtuExchange, modbusTcpExchange } from '../../firmware-bridge/modbus.ts';
import { serialTransport } from '../../firmware-bridge/serial.ts';
import { tcpTransport } from '../../firmware-bridge/tcp.ts';
import { peer } from '../peers.ts';
import { freePort } from '../ports.ts';
import { accepts, cable, kill, listening, portOf, pymodbusSlave, temporaryFolder, until } from './peers.ts';

const socat = peer('socat');
const pymodbus = peer('pymodbus');
const reconnect = { firstMs: 20, maxMs: 200 };
const line = { baud: 9600 } as const;

/** What the pymodbus slave holds. */
function held({ unit, table, address, count }: RegisterRead): number[] {
  const base = (unit === 2 ? 5000 : 0) + (table === 'holding' ? 1000 : 2000);
  const bits = table === 'coil' || table === 'discrete';
  return Array.from({ length: count }, (_, at) => (bits ? Number((address + at) % 3 === 0) : base + address + at));
}

const someReads: readonly RegisterRead[] = [
  { unit: 1, table: 'holding', address: 0, count: 1 },
  { unit: 1, table: 'holding', address: 7, count: 125 },
  { unit: 2, table: 'holding', address: 7, count: 3 },
  { unit: 1, table: 'input', address: 40, count: 10 },
  { unit: 1, table: 'coil', address: 1, count: 19 },
  { unit: 2, table: 'discrete', address: 0, count: 8 },
];

async function readsEverything(modbus: RegisterExchange): Promise<void> {
  const together = await Promise.all(someReads.map((request) => modbus.read(request)));
  expect(together.map((words) => [...words])).toEqual(someReads.map(held));
  await expect(modbus.read({ unit: 1, table: 'holding', address: 5000, count: 2 })).rejects.toMatchObject({
    code: 'refused',
    reason: 'exception-2',
    retryable: false,
  });
}

/** Until a read works again, as a poller would find out; every failure on the way must be one it can show. */
async function heals(modbus: RegisterExchange): Promise<void> {
  const request: RegisterRead = { unit: 1, table: 'holding', address: 3, count: 2, timeoutMs: 500, tries: 1 };
  await until('a read after the replug', async () => {
    try {
      return [...(await modbus.read(request))].join() === '1003,1004';
    } catch (error) {
      expect(error).toBeInstanceOf(BridgeError);
      return false;
    }
  });
}

describe.skipIf(socat.skip || pymodbus.skip)(`Modbus RTU with ${pymodbus.title} over ${socat.title}`, () => {
  const folder = temporaryFolder();
  let wire: Awaited<ReturnType<typeof cable>>;
  let slave: ChildProcess;
  let modbus: RegisterExchange;

  beforeAll(async () => {
    wire = await cable(socat.path, folder.path);
    slave = pymodbusSlave(pymodbus.path, folder.path, { serial: wire.b });
    modbus = modbusRtuExchange(serialTransport({ path: wire.a, line }), { reconnect, timeoutMs: 20_000 });
    await heals(modbus);
  });
  afterAll(async () => {
    await modbus.close();
    await kill(slave);
    await wire.pull();
    folder.remove();
  });

  it('reads every table, in parallel from the caller’s side', () => readsEverything(modbus));

  it('a unit that is not there is a timeout, and the next read is right', async () => {
    const absent = modbus.read({ unit: 9, table: 'holding', address: 0, count: 2, timeoutMs: 300, tries: 1 });
    await expect(absent).rejects.toMatchObject({ code: 'timeout', reason: 'silent' });
    expect([...(await modbus.read({ unit: 1, table: 'holding', address: 0, count: 2 }))]).toEqual([1000, 1001]);
  });

  it('heals after the adapter was pulled and plugged in again', async () => {
    const before = modbus.stats.reconnects;
    await wire.pull();
    await kill(slave);
    await until('the loss to be noticed', async () => {
      const failed = await modbus.read({ unit: 1, table: 'holding', address: 0, count: 1, tries: 1 }).then(
        () => undefined,
        (error: BridgeError) => error,
      );
      return failed?.code === 'closed' || failed?.code === 'open';
    });
    wire = await cable(socat.path, folder.path);
    slave = pymodbusSlave(pymodbus.path, folder.path, { serial: wire.b });
    await heals(modbus);
    expect(modbus.stats.reconnects).toBeGreaterThan(before);
    await readsEverything(modbus);
  });
});

describe.skipIf(pymodbus.skip)(`Modbus TCP with ${pymodbus.title}`, () => {
  const folder = temporaryFolder();
  let port = 0;
  let slave: ChildProcess;
  let modbus: RegisterExchange;

  beforeAll(async () => {
    port = await freePort();
    slave = pymodbusSlave(pymodbus.path, folder.path, { port });
    await until('pymodbus to listen', () => accepts(port));
    modbus = modbusTcpExchange({ host: '127.0.0.1', port }, { reconnect, timeoutMs: 20_000 });
  });
  afterAll(async () => {
    await modbus.close();
    await kill(slave);
    folder.remove();
  });

  it('reads every table, in parallel from the caller’s side', () => readsEverything(modbus));

  it('a unit that is not there fails, and the next read is right', async () => {
    const absent = modbus.read({ unit: 9, table: 'holding', address: 0, count: 2, timeoutMs: 300, tries: 1 });
    await expect(absent).rejects.toBeInstanceOf(BridgeError);
    expect([...(await modbus.read({ unit: 1, table: 'holding', address: 0, count: 2 }))]).toEqual([1000, 1001]);
  });

  it('heals after the device was restarted', async () => {
    await kill(slave);
    const failed = modbus.read({ unit: 1, table: 'holding', address: 0, count: 1, tries: 1 });
    await expect(failed).rejects.toMatchObject({ retryable: true });
    slave = pymodbusSlave(pymodbus.path, folder.path, { port });
    await heals(modbus);
    await readsEverything(modbus);
  });
});

describe.skipIf(socat.skip || pymodbus.skip)(
  `Modbus RTU behind a TCP bridge (${socat.title} as ser2net, ${pymodbus.title})`,
  () => {
    it('reads, loses the bridge, and heals', async () => {
      const folder = temporaryFolder();
      const wire = await cable(socat.path, folder.path);
      const slave = pymodbusSlave(pymodbus.path, folder.path, { serial: wire.b });
      const bridge = await serialServer(wire.a);
      const modbus = modbusRtuExchange(tcpTransport({ host: '127.0.0.1', port: bridge.port }), {
        reconnect,
        timeoutMs: 20_000,
      });
      try {
        await heals(modbus);
        await readsEverything(modbus);
        await bridge.stop();
        await until('the loss to be noticed', async () => {
          const failed = await modbus.read({ unit: 1, table: 'holding', address: 0, count: 1, tries: 1 }).then(
            () => undefined,
            (error: BridgeError) => error,
          );
          return failed?.code === 'open';
        });
        await bridge.start();
        await heals(modbus);
        await readsEverything(modbus);
      } finally {
        await modbus.close();
        await bridge.stop();
        await bridge.end();
        await kill(slave);
        await wire.pull();
        folder.remove();
      }
    });
  },
);

/** ser2net in small: a TCP port that is a serial port, for one client at a time. */
async function serialServer(path: string) {
  const serial = serialTransport({ path, line });
  await serial.open();
  const clients = new Set<Socket>();
  const start = async (port: number) => {
    const server = createServer((client) => {
      clients.add(client);
      const stop = serial.onData((chunk) => client.write(chunk));
      client.on('data', (chunk) => void serial.write(chunk));
      client.on('error', () => {});
      client.on('close', () => {
        stop();
        clients.delete(client);
      });
    });
    await listening(server, port);
    return server;
  };
  let server = await start(0);
  const port = portOf(server);
  return {
    port,
    start: async () => {
      server = await start(port);
    },
    stop: async () => {
      for (const client of clients) client.destroy();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
    end: () => serial.close(),
  };
}

it('Modbus TCP: late, doubled and foreign transactions are told apart by their numbers', async () => {
  // Answers each request twice and in reverse order of two; built by hand from the Modbus TCP layout.
  const held: Buffer[] = [];
  const server = createServer((client) => {
    client.on('error', () => {});
    client.on('data', (request) => {
      const [high = 0, low = 0] = request;
      const address = request.readUInt16BE(8);
      const answer = Buffer.from([high, low, 0, 0, 0, 5, 1, 3, 2, address >>> 8, address & 0xff]);
      const foreign = Buffer.from(answer);
      foreign[1] = (foreign[1] ?? 0) ^ 0x80;
      client.write(Buffer.concat([...held, foreign, answer.subarray(0, 4)]));
      setImmediate(() => client.write(Buffer.concat([answer.subarray(4), answer])));
      held.splice(0, held.length, answer);
    });
  });
  await listening(server, 0);
  const modbus = modbusTcpExchange({ host: '127.0.0.1', port: portOf(server) });
  const addresses = [5, 900, 3, 3, 77, 40_000];
  const words = await Promise.all(
    addresses.map((address) => modbus.read({ unit: 1, table: 'holding', address, count: 1 })),
  );
  expect(words.map(([word]) => word)).toEqual(addresses);
  await modbus.close();
  await new Promise((resolve) => server.close(resolve));
});

it('our Modbus TCP requests are understood by modbus-serial’s own server', async () => {
  const { ServerTCP } = await import('modbus-serial');
  const port = await freePort();
  const server = new ServerTCP(
    { getHoldingRegister: (address: number, unit: number) => address + unit * 1000 },
    { host: '127.0.0.1', port, unitID: 255 },
  );
  await until('the server', () => accepts(port));
  const modbus = modbusTcpExchange({ host: '127.0.0.1', port });
  expect([...(await modbus.read({ unit: 3, table: 'holding', address: 10, count: 2 }))]).toEqual([3010, 3011]);
  await modbus.close();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});
