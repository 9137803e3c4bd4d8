import { afterEach, describe, expect, it } from 'vitest';
import { peer } from '../../peers.ts';
import { until, Workshop } from '../telemetry/peers.ts';
import { snapshotFixture } from '../telemetry/snapshot-fixture.ts';
import { runs, upsmon } from './nut-peers.ts';
import { outage, PASSWORDS, type RunningServer, type ServeOptions, serve } from './running-server.ts';

/** Debian's own clients against our server. */

const upsc = peer('upsc');
const monitor = peer('upsmon');
const skipMonitors = monitor.skip || peer('unshare').skip;

const workshop = new Workshop();
let running: RunningServer | undefined;

async function server(options?: ServeOptions): Promise<{ running: RunningServer; ups: string }> {
  running = await serve(options);
  return { running, ups: `ups@127.0.0.1:${running.port}` };
}

afterEach(async () => {
  await workshop.clean();
  await running?.stop();
  running = undefined;
});

describe.skipIf(upsc.skip)(`${upsc.title}, upscmd and upsrw`, () => {
  it('list the UPS, its variables and its clients', async () => {
    const { running, ups } = await server();
    const host = ups.replace('ups@', '');
    expect((await runs('upsc', ['-l', host])).out).toBe('rack\n');
    expect((await runs('upsc', ['-L', host])).out).toBe('rack: holdover battery bank\n');
    const { out } = await runs('upsc', [ups]);
    expect(out).toMatch(/^battery\.charge: 81$/m);
    expect(out).toMatch(/^ups\.status: OL DISCHRG$/m);
    expect((await runs('upsc', [ups, 'battery.voltage'])).out).toBe('52.98\n');
    await running.as('sec', true);
    expect((await runs('upsc', ['-c', ups])).out).toBe('127.0.0.1\n');
    const unknown = await runs('upsc', [ups, 'no.such']);
    expect(unknown).toMatchObject({ status: 1, err: expect.stringContaining('Variable not supported by UPS') });
  });

  it('give commands, and wait for what becomes of them', async () => {
    let accepted = true;
    const { running, ups } = await server({ desk: () => Promise.resolve({ accepted, because: 'x' }) });
    expect((await runs('upscmd', ['-l', ups])).out).toMatch(
      /^shutdown\.stop - Call back what can still be called back$/m,
    );
    const who = ['-u', 'boss', '-p', PASSWORDS.boss];
    expect(await runs('upscmd', [...who, ups, 'shutdown.return'])).toMatchObject({
      status: 0,
      err: expect.stringContaining('OK'),
    });
    expect(await runs('upscmd', [...who, '-w', ups, 'experimental.shutdown.hold', '90'])).toMatchObject({
      status: 0,
      err: expect.stringContaining('SUCCESS'),
    });
    expect(running.commands.map(({ command }) => command)).toEqual([{ kind: 'begin' }, { kind: 'hold', forS: 90 }]);
    accepted = false;
    expect(await runs('upscmd', [...who, '-w', ups, 'shutdown.stop'])).toMatchObject({
      err: expect.stringContaining('FAILED'),
    });
    expect(await runs('upscmd', ['-u', 'boss', '-p', 'wrong', ups, 'shutdown.stop'])).toMatchObject({
      status: 1,
      err: expect.stringContaining('ACCESS-DENIED'),
    });
  });

  it('read and write what is writable', async () => {
    const { ups } = await server();
    const { out } = await runs('upsrw', [ups]);
    expect(out).toContain('[battery.charge.low]');
    expect(out).toContain('Option: "0-100"');
    expect(out).toContain('[ups.id]');
    const who = ['-u', 'admin', '-p', PASSWORDS.admin];
    expect(await runs('upsrw', ['-s', 'battery.charge.low=33', ...who, ups])).toMatchObject({ status: 0 });
    expect((await runs('upsc', [ups, 'battery.charge.low'])).out).toBe('33\n');
    expect(await runs('upsrw', ['-s', 'battery.charge.low=333', ...who, ups])).toMatchObject({ status: 1 });
  });

  it('are told plainly that there are no data', async () => {
    const { running, ups } = await server();
    running.clock.nowMs += 20_000;
    expect(await runs('upsc', [ups])).toMatchObject({ status: 1, err: expect.stringContaining('Data stale') });
  });
});

describe.skipIf(skipMonitors)(`${monitor.title}`, () => {
  const monitors = (server: RunningServer, count: number, user: 'sec' | 'boss', role: 'primary' | 'secondary') =>
    Array.from({ length: count }, () => upsmon(workshop, { port: server.port, user, password: PASSWORDS[user], role }));

  const logins = async (server: RunningServer, count: number): Promise<void> => {
    const reader = await server.talk();
    await until(
      `${count} are logged in`,
      async () => (await reader.ask('GET NUMLOGINS ups')) === `NUMLOGINS ups ${count}`,
      60_000,
    );
    reader.close();
  };

  it('as 54 secondaries and a primary: all are told, the secondaries leave, and the primary leaves after them', async () => {
    const { running: server54 } = await server();
    const [primary] = monitors(server54, 1, 'boss', 'primary');
    const secondaries = monitors(server54, 54, 'sec', 'secondary');
    await logins(server54, 55);
    expect((await runs('upsc', ['-c', `ups@127.0.0.1:${server54.port}`])).out.trim().split('\n')).toHaveLength(55);
    server54.feed.publish(outage({ lastBeginsInS: 5000 }));
    const reader = await server54.talk();
    expect(await reader.ask('GET NUMLOGINS ups')).toBe('NUMLOGINS ups 55');
    server54.feed.publish(outage({ lastState: 'going-down' }));
    await until('every machine is told to shut down', () => secondaries.every((each) => each.isDown()), 60_000);
    await until('the primary too', () => primary?.isDown(), 60_000);
    await until('nobody is logged in', async () => (await reader.ask('GET NUMLOGINS ups')) === 'NUMLOGINS ups 0');
    const left = server54.log.lines.filter(({ message }) => message === 'NUT client goes down as ordered');
    expect(left).toHaveLength(55);
  });

  it('as a secondary that needs long goes long before the others', async () => {
    const { running: server } = await serverOf();
    const slow = upsmon(workshop, { port: server.port, user: 'slow', password: PASSWORDS.slow, role: 'secondary' });
    const [quick] = monitors(server, 1, 'sec', 'secondary');
    await logins(server, 2);
    server.feed.publish(outage({ lastBeginsInS: 490 }));
    await until('the slow one goes', () => slow.isDown());
    expect(quick?.isDown()).toBe(false);
    server.feed.publish(outage({ lastState: 'going-down' }));
    await until('the quick one goes', () => quick?.isDown());
  });

  it('as a primary orders everybody down, and what it left behind ends with the outage', async () => {
    const { running: server } = await serverOf();
    const [primary] = monitors(server, 1, 'boss', 'primary');
    const [secondary] = monitors(server, 1, 'sec', 'secondary');
    await logins(server, 2);
    // OB and LB, and no order of ours: upsmon decides by itself.
    server.feed.publish(outage({ lastBeginsInS: 5000, socRatio: 0.05 }));
    await until('both go', () => primary?.isDown() && secondary?.isDown());
    const back = await server.talk();
    expect(await back.ask('GET VAR ups ups.status')).toBe('VAR ups ups.status "FSD OB LB DISCHRG"');
    server.feed.publish(snapshotFixture);
    const [again] = monitors(server, 1, 'sec', 'secondary');
    await logins(server, 1);
    await until('it has looked', () => server.server.health().sent > 12);
    expect(await back.ask('GET VAR ups ups.status')).toBe('VAR ups ups.status "OL DISCHRG"');
    expect(again?.isDown()).toBe(false);
  });

  it('stays up when the order is taken back before it has looked', async () => {
    const { running: server } = await serverOf();
    const [secondary] = monitors(server, 1, 'sec', 'secondary');
    await logins(server, 1);
    server.feed.publish(outage({ lastBeginsInS: 0 }));
    server.feed.publish(outage({ lastBeginsInS: 3000 }));
    const before = server.server.health().sent;
    await until('it has looked twice', () => server.server.health().sent >= before + 2);
    expect(secondary?.isDown()).toBe(false);
    await logins(server, 1);
  });

  const serverOf = server;
});
