import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { serveControl } from '../../../services/twin/control.ts';
import { serveJbdOnTcp } from '../../../services/twin/devices/jbd-bms.ts';
import type { DeviceHandle } from '../../../services/twin/model.ts';
import { Timeline } from '../../../services/twin/timeline.ts';
import { hostOf, smallWorld } from './small-world.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function served() {
  const world = smallWorld();
  const timeline = new Timeline();
  timeline.follow(world);
  const bms = await serveJbdOnTcp(world);
  const holds: boolean[] = [];
  const deaf: DeviceHandle = { name: 'switch', address: 'nowhere', close: async () => undefined };
  const control = await serveControl({
    world,
    timeline,
    cluster: () => ({ nodes: [], pods: 3, pendingPods: 1 }),
    hold: (held) => holds.push(held),
    devices: new Map([
      ['bms', bms],
      ['switch', deaf],
    ]),
  });
  closers.push(
    () => bms.close(),
    () => control.close(),
  );
  const get = async (path: string) => (await fetch(control.address + path)).json() as Promise<Record<string, unknown>>;
  const post = (path: string, body: unknown, type = 'application/json') =>
    fetch(control.address + path, {
      method: 'POST',
      headers: { 'content-type': type },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  return { world, bms, control, holds, get, post };
}

describe('control of the simulated rack', () => {
  it('tells what really is', async () => {
    const { world, get } = await served();
    world.step(3);
    expect(await get('/state')).toMatchObject({
      timeS: 3,
      mainsPresent: true,
      pack: { socRatio: world.pack.socRatio, dischargeFetClosed: true },
      meter: { powerW: world.meter.powerW },
      switch: { id: 'sw1', ports: [{ port: '1', state: 'delivering', hostId: 'pi1' }, {}, {}, {}] },
      hosts: [{ id: 'pi1', node: 'pi1', state: 'running' }, {}, {}, { id: 'router' }],
      violations: [],
      faults: { silent: [], switchDisobeys: false },
      devices: [{ name: 'bms' }, { name: 'switch', address: 'nowhere' }],
      cluster: { pods: 3, pendingPods: 1 },
    });
  });

  it('takes mains away, brings it back, and keeps the story with numbers', async () => {
    const { world, get, post } = await served();
    world.step(2);
    expect((await post('/mains', { present: false })).status).toBe(200);
    expect(world.mainsPresent).toBe(false);
    hostOf(world, 'pi1').halt();
    world.step(15);
    world.switch.setEnabled('1', false);
    await post('/mains', { present: true });
    const { events } = (await get('/events')) as { events: { seq: number; atS: number; detail: string }[] };
    expect(events.map((event) => event.detail)).toEqual([
      'lost',
      'running → halting',
      'halting → halted',
      'disabled',
      'halted → off',
      'returned',
    ]);
    expect(events.map((event) => event.seq)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(events[0]?.atS).toBe(2);
    expect(((await get('/events?after=4')) as { events: unknown[] }).events).toHaveLength(2);
  });

  it('lets the world stand still and go on', async () => {
    const { holds, post } = await served();
    expect(await (await post('/hold', { held: true })).json()).toEqual({ timeS: 0, held: true });
    await post('/hold', { held: false });
    expect((await post('/hold', { held: 'long' })).status).toBe(400);
    expect(holds).toEqual([true, false]);
  });

  it('sets faults and clears them', async () => {
    const { world, post } = await served();
    await post('/fault', { name: 'silent', value: ['bms'] });
    expect([...world.faults.silent]).toEqual(['bms']);
    const answer = await post('/fault', { name: 'switchDisobeys', value: true });
    expect(await answer.json()).toMatchObject({ faults: { switchDisobeys: true, silent: ['bms'] } });
    await post('/fault', { name: 'silent', value: false });
    expect([...world.faults.silent]).toEqual([]);
  });

  it('unplugs a device and plugs it in again', async () => {
    const { bms, get, post } = await served();
    const dial = () => fetch(`http://127.0.0.1:${bms.port}`).then(String, (error: Error) => String(error.cause));
    expect((await post('/unplug', { device: 'bms' })).status).toBe(200);
    expect(await dial()).toContain('ECONNREFUSED');
    expect((await post('/replug', { device: 'bms' })).status).toBe(200);
    expect(((await get('/events')) as { events: unknown[] }).events).toMatchObject([
      { kind: 'device', subject: 'bms', detail: 'unplugged' },
      { kind: 'device', subject: 'bms', detail: 'plugged in' },
    ]);
  });

  it.each([
    ['/mains', { present: 'no' }, 400],
    ['/mains', { present: true, more: 1 }, 400],
    ['/mains', '{"present":', 400],
    ['/mains', '', 400],
    ['/fault', { name: 'sabotage', value: true }, 400],
    ['/fault', { name: 'silent', value: true }, 400],
    ['/fault', { name: 'switchDisobeys', value: ['x'] }, 400],
    ['/unplug', { device: 'toaster' }, 404],
    ['/unplug', { device: 'switch' }, 409],
    ['/unplug', `{"device":"${'x'.repeat(20_000)}"}`, 413],
    ['/nothing', {}, 404],
  ])('answers POST %s %o with a reason', async (path, body, status) => {
    const { world, post } = await served();
    const answer = await post(path, body);
    expect(answer.status).toBe(status);
    expect(((await answer.json()) as { error: string }).error.length).toBeGreaterThan(5);
    expect(world.mainsPresent).toBe(true);
  });

  it('is out of reach for pages in a browser', async () => {
    const { world, control, post } = await served();
    expect((await post('/mains', '{"present":false}', 'text/plain')).status).toBe(415);
    const status = await new Promise((resolve, reject) => {
      const request = httpRequest(`${control.address}/state`, { headers: { host: 'rebound.example:80' } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      request.on('error', reject);
      request.end();
    });
    expect(status).toBe(403);
    expect(world.mainsPresent).toBe(true);
  });

  it('survives what is not HTTP', async () => {
    const { control, get } = await served();
    for (const junk of [
      '\x00\xff\xdd\x03garbage\r\n\r\n',
      'GET // HTTP/1.1\r\nHost: localhost\r\n\r\n',
      'POST /mains HTTP/1.1\r\n',
    ]) {
      const socket = connect(control.port, '127.0.0.1');
      await once(socket, 'connect');
      socket.on('error', () => undefined);
      socket.write(junk);
      socket.end();
    }
    expect(await get('/state')).toMatchObject({ mainsPresent: true });
  });

  it('keeps the newest events and says by their numbers that some are gone', () => {
    const timeline = new Timeline(100);
    for (let n = 1; n <= 1000; n++) timeline.add(n, 'host', `h${n}`, 'x');
    const events = timeline.after(0);
    expect(events).toHaveLength(100);
    expect(events[0]?.seq).toBe(901);
    expect(timeline.after(998).map((event) => event.subject)).toEqual(['h999', 'h1000']);
  });
});
