import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { i2cBusAt, i2cExchange } from '../../firmware-bridge/index.ts';

/** A bus behind TCP against a server of few words. */

let server: Server | undefined;
const sockets = new Set<Socket>();
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
});

/** Answers each line with what `say` makes of it; nothing where that is undefined. */
async function serve(say: (line: string) => string | undefined): Promise<{ path: string; asked: string[] }> {
  const asked: string[] = [];
  const made = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      for (const line of chunk.toString().split('\n').filter(Boolean)) {
        asked.push(line);
        const said = say(line);
        if (said !== undefined) socket.write(said);
      }
    });
  });
  server = made;
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  const at = made.address();
  return { path: `i2c-tcp://127.0.0.1:${typeof at === 'object' ? at?.port : 0}`, asked };
}

const ask = (path: string, timeoutMs = 500) => {
  const exchange = i2cExchange(i2cBusAt(path));
  const answer = exchange.converse({
    address: 0x40,
    label: 'test',
    tries: 1,
    timeoutMs,
    talk: (chip) => chip.transfer(Uint8Array.of(2), 2),
  });
  return { answer, exchange };
};

describe('an I2C bus behind TCP', () => {
  it('asks in lines, and reads, writes and does both', async () => {
    const { path, asked } = await serve(
      (line) => `${JSON.stringify({ hex: line.includes('"read":0') ? '' : 'a400' })}\n`,
    );
    const bus = i2cBusAt(path);
    expect(await bus.transfer(0x40, Uint8Array.of(2), 2)).toEqual(Uint8Array.of(0xa4, 0));
    expect(await bus.read(0x20, 2)).toEqual(Uint8Array.of(0xa4, 0));
    await bus.write(0x20, Uint8Array.of(0x19, 0x20));
    expect(asked).toEqual([
      '{"address":64,"write":"02","read":2}',
      '{"address":32,"write":"","read":2}',
      '{"address":32,"write":"1920","read":0}',
    ]);
    await bus.close();
    await bus.close();
  });

  it('hands on what the operating system there says', async () => {
    const { path } = await serve(() => '{"error":"ENXIO"}\n');
    const { answer, exchange } = ask(path);
    await expect(answer).rejects.toMatchObject({ code: 'timeout', reason: 'nack' });
    await exchange.close();
  });

  it.each([
    ['another program', 'HTTP/1.1 400 Bad Request\n'],
    ['bytes that are none', '{"hex":"zz00"}\n'],
    ['too few bytes', '{"hex":"a4"}\n'],
    ['an error with words of its own', '{"error":"rm -rf /"}\n'],
    ['null', 'null\n'],
  ])('refuses %s', async (_, said) => {
    const { path } = await serve(() => said);
    const { answer, exchange } = ask(path);
    await expect(answer).rejects.toMatchObject({ code: 'refused', reason: 'bad_answer' });
    await exchange.close();
  });

  it('gives up one that never ends its line, and one that hangs up', async () => {
    const endless = await serve(() => 'x'.repeat(40_000));
    await expect(ask(endless.path).answer).rejects.toMatchObject({ code: 'closed' });
    const silent = await serve(() => undefined);
    await expect(ask(silent.path, 100).answer).rejects.toMatchObject({ code: 'timeout', reason: 'hangs' });
  });

  it('says that nobody is there, and connects anew when somebody is', async () => {
    const { path } = await serve(() => '{"hex":"0001"}\n');
    const { answer, exchange } = ask(path);
    expect(await answer).toEqual(Uint8Array.of(0, 1));
    for (const socket of sockets) socket.destroy();
    const again = () =>
      exchange.converse({
        address: 0x40,
        label: 'again',
        tries: 3,
        talk: (chip) => chip.transfer(Uint8Array.of(2), 2),
      });
    expect(await again()).toEqual(Uint8Array.of(0, 1));
    await exchange.close();
    await expect(ask('i2c-tcp://127.0.0.1:1').answer).rejects.toMatchObject({ code: 'open', reason: 'no_bus' });
  });

  it.each(['i2c-tcp://', 'i2c-tcp://host', 'i2c-tcp://user:secret@host:1', '/dev/ttyUSB0'])(
    'knows no bus by the name of %s, and repeats no secret',
    (path) => {
      expect(() => i2cBusAt(path)).toThrow(/called/);
    },
  );
});
