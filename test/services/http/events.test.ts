import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { assemble } from '../../../services/http/face.ts';
import type { EventLimits } from '../../../services/http/index.ts';
import { journalAnswer, snapshotEvent } from '../../../services/http/schemas/answers.ts';
import { FakeService, faceOptions } from './fake-service.ts';
import { journalOf, snapshotOf } from './rack-fixture.ts';

const closers: (() => Promise<unknown> | undefined)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function listening(service: FakeService, events: Partial<EventLimits> = {}) {
  const { app, hub } = await assemble(faceOptions(service, { events: { minIntervalMs: 0, ...events } }));
  const sockets: Socket[] = [];
  app.server.on('connection', (socket) => sockets.push(socket));
  await app.listen({ host: '127.0.0.1', port: 0 });
  closers.push(() => app.close());
  const { port } = app.server.address() as AddressInfo;
  return { app, hub, sockets, port, url: `http://127.0.0.1:${port}/api/v1/events` };
}

interface Message {
  readonly event: string;
  readonly data: unknown;
}

/** A well-behaved reader: everything that came so far, and whether the stream ended. */
async function reader(url: string) {
  const leaving = new AbortController();
  const answer = await fetch(url, { signal: leaving.signal });
  const messages: Message[] = [];
  const state = { ended: false };
  closers.push(async () => leaving.abort());
  const read = async () => {
    let rest = '';
    for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const parts = (rest + chunk).split('\n\n');
      rest = parts.pop() ?? '';
      for (const part of parts) {
        const event = /^event: (.*)$/m.exec(part)?.[1];
        const data = /^data: (.*)$/m.exec(part)?.[1];
        if (event !== undefined && data !== undefined) messages.push({ event, data: JSON.parse(data) });
      }
    }
  };
  void read()
    .catch(() => undefined)
    .finally(() => {
      state.ended = true;
    });
  const of = (event: string) => messages.filter((message) => message.event === event).map((message) => message.data);
  return { answer, messages, state, of, leave: () => leaving.abort() };
}

const until = (condition: () => unknown) => vi.waitFor(() => expect(condition()).toBeTruthy(), { timeout: 60_000 });

describe('the event stream', () => {
  it('sends a snapshot and the journal at once, and each tick after', async () => {
    const service = new FakeService(snapshotOf('mains'), journalOf('mains'));
    const { url } = await listening(service);
    const stream = await reader(url);
    expect(stream.answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(stream.answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    await until(() => stream.of('journal').length === 1);
    const first = snapshotEvent.parse(stream.of('snapshot')[0]);
    expect(first.coordinator.phase).toBe('mains');
    expect(first.freshness).toBe('fresh');
    service.tick(snapshotOf('on-battery'), journalOf('on-battery'));
    await until(() => stream.of('snapshot').length === 2);
    expect(snapshotEvent.parse(stream.of('snapshot')[1]).coordinator.phase).toBe('on-battery');
  });

  it('sends every journal line once', async () => {
    const service = new FakeService(snapshotOf('mains'), journalOf('restoring').slice(0, 3));
    const { url } = await listening(service);
    const stream = await reader(url);
    await until(() => stream.of('journal').length === 1);
    service.tick(snapshotOf('mains', 1));
    service.tick(snapshotOf('mains', 2), journalOf('restoring').slice(0, 5));
    service.tick(snapshotOf('mains', 3));
    await until(() => stream.of('snapshot').length === 4);
    const seqs = stream.of('journal').flatMap((data) => journalAnswer.parse(data).entries.map((line) => line.seq));
    expect(seqs).toEqual([1, 2, 3, 4, 5]);
  });

  it('goes on when the journal cannot be read', async () => {
    const service = new FakeService(snapshotOf('mains'));
    service.journal = () => {
      throw new Error('journal is gone');
    };
    const { url } = await listening(service);
    const stream = await reader(url);
    await until(() => stream.of('snapshot').length === 1);
    expect(() => service.tick(snapshotOf('mains', 1))).not.toThrow();
    await until(() => stream.of('snapshot').length === 2);
    expect(stream.of('journal')).toEqual([]);
  });

  it('opens before there is a snapshot and beats until there is one', async () => {
    const service = new FakeService();
    const { url } = await listening(service, { heartbeatMs: 10 });
    const stream = await reader(url);
    await until(() => stream.of('heartbeat').length > 1);
    expect(stream.of('heartbeat')[0]).toEqual({});
    expect(stream.of('snapshot')).toEqual([]);
    service.tick(snapshotOf('mains'));
    await until(() => stream.of('snapshot').length === 1);
    await until(() => stream.of('heartbeat').some((data) => 'ageMs' in (data as object)));
  });

  it('joins ticks that come faster than anyone can look, and ends with the newest', async () => {
    const service = new FakeService(snapshotOf('mains'));
    const { url, hub } = await listening(service, { minIntervalMs: 50 });
    const stream = await reader(url);
    await until(() => hub.size === 1);
    for (let tick = 1; tick <= 500; tick += 1) service.tick(snapshotOf('on-battery', tick));
    const newest = snapshotOf('on-battery', 500).rack.monoMs;
    await until(() => snapshotEvent.parse(stream.of('snapshot').at(-1)).rack.monoMs === newest);
    expect(stream.of('snapshot').length).toBeLessThan(10);
  });

  it('refuses more readers than it has room for, and takes new ones when others leave', async () => {
    const { url, hub } = await listening(new FakeService(snapshotOf('mains')), { maxClients: 2 });
    const first = await reader(url);
    await reader(url);
    const third = await reader(url);
    expect(third.answer.status).toBe(503);
    expect(third.answer.headers.get('retry-after')).toBe('10');
    first.leave();
    await until(() => hub.size === 1);
    expect((await reader(url)).answer.status).toBe(200);
  });

  it('ends with the service and forgets the feed', async () => {
    const service = new FakeService(snapshotOf('mains'));
    const { url, app, hub } = await listening(service);
    const streams = [await reader(url), await reader(url)];
    expect(service.listeners).toBe(1);
    await app.close();
    await until(() => streams.every((stream) => stream.state.ended));
    expect(hub.size).toBe(0);
    expect(service.listeners).toBe(0);
  });

  it('answers HEAD without opening a stream', async () => {
    const { url, hub } = await listening(new FakeService(snapshotOf('mains')));
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(404);
    expect(hub.size).toBe(0);
  });
});

describe('a client that does not read', () => {
  /** Opens a stream on a bare socket and never takes a byte of it, then ticks until its socket is full. */
  async function stuck(stallMs: number) {
    const service = new FakeService(snapshotOf('mains'), journalOf('restoring'));
    const parts = await listening(service, { stallMs, heartbeatMs: 20 });
    const socket = connect({ host: '127.0.0.1', port: parts.port });
    socket.on('error', () => undefined);
    closers.push(async () => void socket.destroy());
    await once(socket, 'connect');
    socket.pause();
    socket.write('GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await until(() => parts.hub.size === 1);
    const server = parts.sockets.at(-1);
    if (!server) throw new Error('no connection seen');
    let tick = 0;
    const ticks = async (count: number) => {
      for (let index = 0; index < count; index += 1) {
        tick += 1;
        service.tick(snapshotOf('on-battery', tick % 90));
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    return { ...parts, service, socket, server, ticks };
  }

  it('costs one socket buffer and one message, however long the outage', async () => {
    const { server, ticks, hub } = await stuck(600_000);
    const messageBytes = JSON.stringify(snapshotOf('on-battery')).length * 1.2;
    let full = 0;
    for (let round = 0; round < 200 && full < 3; round += 1) {
      await ticks(50);
      full = server.writableLength > 0 ? full + 1 : 0;
    }
    expect(full).toBe(3);
    const before = server.writableLength;
    await ticks(500);
    expect(server.writableLength).toBe(before);
    expect(server.writableLength).toBeLessThan(server.writableHighWaterMark + messageBytes);
    expect(hub.size).toBe(1);
  });

  it('is dropped, while others go on', async () => {
    const { server, ticks, hub, url } = await stuck(100);
    const other = await reader(url);
    for (let round = 0; round < 400 && hub.dropped === 0; round += 1) await ticks(50);
    await until(() => server.destroyed);
    expect(hub.dropped).toBe(1);
    const seen = other.of('snapshot').length;
    await ticks(1);
    await until(() => other.of('snapshot').length > seen);
    expect(hub.size).toBe(1);
  });

  it('gets the newest snapshot when it reads again', async () => {
    const { socket, server, ticks, service } = await stuck(600_000);
    let full = 0;
    for (let round = 0; round < 200 && full < 3; round += 1) {
      await ticks(50);
      full = server.writableLength > 0 ? full + 1 : 0;
    }
    expect(full).toBe(3);
    service.tick({ ...snapshotOf('dark'), site: 'the-newest-one' });
    let tail = '';
    socket.on('data', (chunk) => {
      tail = (tail + chunk.toString()).slice(-60_000);
    });
    socket.resume();
    await until(() => tail.includes('"site":"the-newest-one"'));
  });
});
