import { once } from 'node:events';
import { createServer } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { LineReader, MOST_LINE_BYTES } from '../../../services/nut/server/line-reader.ts';
import { wordsOf } from '../../../services/nut/words.ts';
import { freePort } from '../../ports.ts';
import { until } from '../telemetry/peers.ts';
import { type RunningServer, type ServeOptions, serve } from './running-server.ts';
import { Talk } from './talk.ts';

/** Clients that are slow, endless, gone, or speak something else. */

let running: RunningServer | undefined;
const talks: Talk[] = [];

async function server(options?: ServeOptions): Promise<RunningServer> {
  running = await serve(options);
  return running;
}

async function client(): Promise<Talk> {
  const talk = await Talk.to(running?.port ?? 0);
  talks.push(talk);
  return talk;
}

afterEach(async () => {
  for (const talk of talks.splice(0)) talk.close();
  await running?.stop();
  running = undefined;
});

describe('words of a line', () => {
  it.each([
    ['SET VAR ups x "a b"', ['SET', 'VAR', 'ups', 'x', 'a b']],
    ['  a\t"b" # c "d', ['a', 'b']],
    ['a\\ b "c\\"d\\\\"', ['a b', 'c"d\\']],
    ['a"b c"d', ['ab cd']],
    ['""', ['']],
    ['# all', []],
    ['', []],
  ])('%j', (line, words) => expect(wordsOf(line)).toEqual(words));

  it.each(['"open', 'a "b', 'end\\'])('%j is no line', (line) => expect(wordsOf(line)).toBeUndefined());

  it('takes any bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2048 }), (line) => {
        expect(wordsOf(line)?.length ?? 0).toBeLessThanOrEqual(64);
      }),
    );
  });
});

describe('lines', () => {
  it('come out the same however they are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 40 })), fc.array(fc.nat(30)), (said, cuts) => {
        const lines = said.map((text) => text.replaceAll('\n', '').replace(/[^\x20-\x7e]/g, ''));
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const reader = new LineReader();
        const found: (string | undefined)[] = [];
        let at = 0;
        for (const cut of [...cuts, bytes.length]) {
          found.push(...reader.push(bytes.subarray(at, at + cut)));
          at = Math.min(bytes.length, at + cut);
        }
        expect(found).toEqual(lines);
      }),
    );
  });

  it('that are too long are told once and dropped to their end', () => {
    const reader = new LineReader();
    expect(reader.push(Buffer.from('x'.repeat(MOST_LINE_BYTES)))).toEqual([]);
    expect(reader.push(Buffer.from('x'))).toEqual([undefined]);
    expect(reader.push(Buffer.from('x'.repeat(100_000)))).toEqual([]);
    expect(reader.push(Buffer.from('x\nVER\n'))).toEqual(['VER']);
    expect(reader.push(Buffer.from(`${'y'.repeat(3000)}\nNETVER\n`))).toEqual([undefined, 'NETVER']);
  });
});

describe('a client', () => {
  it('that never ends its line gets one error and may go on', async () => {
    await server();
    const talk = await client();
    talk.send('x'.repeat(1_000_000));
    expect(await talk.answer()).toBe('ERR INVALID-ARGUMENT');
    talk.send('\n');
    expect(await talk.ask('NETVER')).toBe('1.3');
  });

  it('that sends any bytes gets one answer for each line and breaks nothing', async () => {
    await server();
    const good = await client();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 20 }), async (lines) => {
        const talk = await Talk.to(running?.port ?? 0);
        for (const line of lines)
          talk.socket.write(
            Buffer.concat([Buffer.from(line).map((byte) => (byte === 10 ? 0 : byte)), Buffer.from('\n')]),
          );
        for (const _ of lines) expect(await talk.answer()).toMatch(/^ERR [A-Z-]+$/);
        talk.close();
      }),
      { numRuns: 25 },
    );
    expect(await good.ask('NETVER')).toBe('1.3');
  });

  it('that asks without ever reading is dropped, and nobody else waits for it', async () => {
    const { server: sink } = await server({ patienceMs: 300 });
    const slow = await client();
    const other = await client();
    slow.socket.pause();
    for (let batch = 0; batch < 50; batch += 1) slow.send('LIST VAR ups\n'.repeat(1000));
    expect(await other.ask('NETVER')).toBe('1.3');
    await until('it is dropped', () => sink.health().dropped === 1);
    expect(sink.health().sent).toBeLessThan(5_000);
    expect(await other.ask('NETVER')).toBe('1.3');
  });

  it('that asks a thousand things at once and reads slowly gets all of them', async () => {
    await server();
    const talk = await client();
    talk.socket.pause();
    talk.send(`${'LIST VAR ups\n'.repeat(1000)}NETVER\n`);
    talk.socket.resume();
    for (let at = 0; at < 1000; at += 1) expect(await talk.answer()).toMatch(/^BEGIN LIST VAR ups\n/);
    expect(await talk.answer()).toBe('1.3');
  });

  it('that goes in the middle of an answer, or right after LOGOUT, leaves nothing behind', async () => {
    const { log } = await server();
    for (let at = 0; at < 20; at += 1) {
      const talk = await client();
      talk.send(at % 2 === 0 ? 'LIST VAR ups\nLIST VAR ups\n' : 'LOGOUT\n');
      talk.socket.resetAndDestroy();
    }
    const talk = await client();
    expect(await talk.ask('GET NUMLOGINS ups')).toBe('NUMLOGINS ups 0');
    expect(log.lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
  });

  it('that says nothing for long is let go, and is no longer logged in', async () => {
    const { as } = await server({ idleTimeout: 0.3 });
    const talk = await as('sec', true);
    await talk.gone();
    expect(await (await client()).ask('GET NUMLOGINS ups')).toBe('NUMLOGINS ups 0');
  });

  it('too many is turned away until another leaves', async () => {
    const { server: sink } = await server({ config: { maxClients: 2 } });
    const [one, two] = [await client(), await client()];
    expect(await one.ask('NETVER')).toBe('1.3');
    expect(await two.ask('NETVER')).toBe('1.3');
    const three = await client();
    await three.gone();
    expect(sink.health().dropped).toBe(1);
    one.close();
    await until('there is room again', async () => {
      const four = await client();
      four.send('NETVER\n');
      return await four.answer().catch(() => undefined);
    });
  });

  it('that guesses passwords waits for each answer', async () => {
    const { talk: open } = await server();
    const talk = await open();
    await talk.asks('USERNAME boss', 'PASSWORD guess');
    talk.send('FSD ups\nNETVER\n');
    const other = await client();
    for (let asked = 0; asked < 200; asked += 1) expect(await other.ask('NETVER')).toBe('1.3');
    expect(talk.pending).toBe('');
    expect(await talk.answer()).toBe('ERR ACCESS-DENIED');
    talk.close();
  });
});

describe('the port', () => {
  it('that is taken is tried again, and the rest of the service goes on', async () => {
    const port = await freePort();
    const thief = createServer().listen(port, '127.0.0.1');
    await once(thief, 'listening');
    const { server: sink, clock, log } = await server({ config: { listen: `127.0.0.1:${port}` } });
    expect(sink.health().up).toBe(false);
    expect(log.messages).toContain('NUT server cannot listen yet');
    thief.close();
    await once(thief, 'close');
    await clock.pass(10_000);
    await until('it listens', () => sink.health().up);
    expect(await (await Talk.to(port)).ask('NETVER')).toBe('1.3');
  });

  it('is the same for a service that starts again while clients are logged in', async () => {
    const port = await freePort();
    const config = { listen: `127.0.0.1:${port}` };
    const first = await server({ config });
    const before = await first.as('sec', true);
    await first.stop();
    await before.gone();
    await server({ config });
    const again = await (running as RunningServer).as('sec', true);
    expect(await again.ask('GET NUMLOGINS ups')).toBe('NUMLOGINS ups 1');
  });
});
