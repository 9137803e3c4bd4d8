import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';
import { Feed } from '../../../services/assembly/feed.ts';
import { openSinks } from '../../../services/assembly/sinks.ts';
import { configSchema } from '../../../services/config/schema.ts';
import type { Sink, Snapshot } from '../../../services/shutdown/view.ts';
import { changed, testLog } from '../telemetry/snapshot-fixture.ts';

const folders: string[] = [];
const servers: { server: Server; sockets: Socket[] }[] = [];
const sinks: Sink[] = [];

afterEach(async () => {
  for (const sink of sinks.splice(0)) await sink.stop();
  for (const { server, sockets } of servers.splice(0)) {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** Somebody who accepts a connection and does `what` with it. */
async function peerThat(what: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    what(socket);
  }).listen(0, '127.0.0.1');
  servers.push({ server, sockets });
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

const silent = (): void => {};
const hangUp = (socket: Socket): void => void socket.destroy();
const answer = (status: string) => (socket: Socket) =>
  void socket.on('data', () => void socket.end(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n`));

const free = async (): Promise<number> => {
  const port = await peerThat(silent);
  const last = servers.pop();
  last?.server.close();
  return port;
};

/** What is really held, bytes. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

it('hold no more after a week of pictures in which machines come and go than after its first days', async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'holdover-sinks-'));
  folders.push(stateDir);
  const config = configSchema.parse({
    mqtt: { embedded: { port: 0 }, homeAssistant: true },
    influx: { url: `http://127.0.0.1:${await free()}`, bucket: 'rack', spoolMiB: 1 },
  });
  sinks.push(
    ...openSinks(config, testLog(), { stateDir, desk: { command: async () => ({ accepted: false, because: '' }) } }),
  );
  const feed = new Feed((error) => {
    throw error;
  });
  for (const sink of sinks) await sink.start(feed);
  const held: number[] = [];
  // A picture every half hour stands for a week of them; every machine that comes has a name of its own.
  for (let half = 0; half < 7 * 48; half += 1) {
    const snapshot = changed(half * 1800);
    const { coordinator } = snapshot;
    const hosts = coordinator.hosts.map((host) => ({ ...host, id: `${host.id}-${Math.floor(half / 8)}` }));
    feed.publish({ ...snapshot, coordinator: { ...coordinator, hosts } });
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    if (half % 48 === 47) held.push(heldBytes());
  }
  const [, second = 0] = held;
  // A day more of names and states alone would be some 300 kB.
  expect((held.at(-1) ?? 0) - second).toBeLessThan(1_000_000);
  expect(held).toHaveLength(7);
});

describe('sinks in trouble', () => {
  it.each([
    ['down', free, free],
    ['slow: they accept and never answer', () => peerThat(silent), () => peerThat(silent)],
    ['rejecting', () => peerThat(hangUp), () => peerThat(answer('400 Bad Request'))],
    ['of the opinion that we may not', () => peerThat(hangUp), () => peerThat(answer('401 Unauthorized'))],
  ])('%s: everybody else gets every picture at once, and what is lost is counted', async (_, broker, database) => {
    const stateDir = mkdtempSync(join(tmpdir(), 'holdover-sinks-'));
    folders.push(stateDir);
    // The disk is full besides.
    const spool = join(stateDir, 'influx-spool');
    mkdirSync(spool);
    const secret = join(stateDir, 'secret');
    writeFileSync(secret, 'x');
    const config = configSchema.parse({
      mqtt: { url: `mqtt://127.0.0.1:${await broker()}`, homeAssistant: true, commands: true },
      influx: { url: `http://127.0.0.1:${await database()}`, bucket: 'rack', token: { file: secret }, every: '1s' },
    });
    const log = testLog();
    const desk = { command: async () => ({ accepted: false, because: 'a test' }) };
    sinks.push(...openSinks(config, log, { stateDir, desk }));
    const faults: unknown[] = [];
    const feed = new Feed((error) => faults.push(error));
    for (const sink of sinks) await sink.start(feed);
    for (let number = 1; number <= 200; number += 1)
      symlinkSync('/dev/full', join(spool, `${number}`.padStart(10, '0').concat('.spool')));
    const seen: Snapshot[] = [];
    feed.subscribe((snapshot) => seen.push(snapshot));

    for (let second = 0; second < 120; second += 1) {
      const snapshot = changed(second);
      const before = JSON.stringify(sinks.map((sink) => sink.health()));
      feed.publish(snapshot);
      expect(seen.at(-1)).toBe(snapshot);
      // The sinks have only taken note: nothing was formatted, compressed or sent while the feed was held.
      expect(JSON.stringify(sinks.map((sink) => sink.health()))).toBe(before);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(faults).toEqual([]);
    expect(seen).toHaveLength(120);
    for (const sink of sinks) await sink.stop();
    const lost = Object.fromEntries(sinks.map((sink) => [sink.name, sink.health()]));
    expect(lost.mqtt).toMatchObject({ up: false, sent: 0 });
    expect(lost.mqtt?.dropped).toBeGreaterThan(100);
    expect(lost.influx).toMatchObject({ up: false, sent: 0, waiting: 0 });
    expect(lost.influx?.dropped).toBeGreaterThan(10_000);
    // Said, and not at every attempt.
    expect(log.lines.filter(({ level }) => level === 'warn').length).toBeLessThan(130);
  });
});
