import { afterEach, describe, expect, it } from 'vitest';
import { ForcedShutdown } from '../../../services/nut/server/forced-shutdown.ts';
import { mustBeginInS } from '../../../services/nut/server/time-left.ts';
import { allStale, snapshotFixture } from '../telemetry/snapshot-fixture.ts';
import { outage, type RunningServer, serve } from './running-server.ts';

const STATUS = 'GET VAR ups ups.status';
const said = (words: string): string => `VAR ups ups.status "${words}"`;

describe('the moment at which machines must be told', () => {
  // The last stage takes 102 s from its begin.
  it.each([
    ['a machine that is quicker than its stage goes with it', 60, 300, 300],
    ['one that is slower goes before it', 202, 300, 200],
    ['one that is much slower goes now', 600, 300, -198],
  ])('%s', (_, needsS, lastBeginsInS, expected) => {
    expect(mustBeginInS(outage({ lastBeginsInS }), { needsS })).toBe(expected);
  });

  it('is now when its stage is going down, and never while mains is there or nothing can be told', () => {
    expect(mustBeginInS(outage({ lastState: 'going-down' }), { needsS: 1 })).toBe(0);
    expect(mustBeginInS(outage({ lastState: 'down' }), { needsS: 1 })).toBe(0);
    expect(mustBeginInS(outage(), { needsS: 1 })).toBeUndefined();
    expect(mustBeginInS(snapshotFixture, { needsS: 100_000 })).toBeUndefined();
  });

  it('is that of the stage it belongs to', () => {
    expect(mustBeginInS(outage({ lastBeginsInS: 900 }), { needsS: 30, stage: 'batch' })).toBe(0);
    expect(mustBeginInS(outage({ lastBeginsInS: 900 }), { needsS: 30, stage: 'no-such' })).toBeCloseTo(41_840, -1);
  });

  it('is reckoned from the energy where there are no stages', () => {
    const snapshot = outage();
    const { coordinator } = snapshot;
    const schedule = { ...coordinator.schedule, stages: [], usableWh: 610, reserveWh: 510, loadW: 100 };
    expect(mustBeginInS({ ...snapshot, coordinator: { ...coordinator, schedule } }, { needsS: 600 })).toBe(3000);
  });

  it('is now when whoever commands a UPS upstream says so, with mains or without', () => {
    const rack = { ...snapshotFixture.rack, forcedShutdown: { ups: 'apc', because: 'x' } };
    expect(mustBeginInS({ ...snapshotFixture, rack }, { needsS: 1 })).toBe(0);
  });
});

describe('the flag', () => {
  const outlook = (inS: number | undefined, { live = true, logins = 1 } = {}) => ({
    live,
    logins,
    mustBeginInS: new Map([['a', inS]]),
  });

  it('is raised in time, does not flicker, and is taken back while nobody has acted', () => {
    const forced = new ForcedShutdown();
    forced.update(0, outlook(5));
    expect(forced.since('a')).toBeUndefined();
    forced.update(1000, outlook(0));
    expect(forced.since('a')).toBe(1000);
    forced.update(2000, outlook(20));
    expect(forced.since('a')).toBe(1000);
    forced.update(3000, outlook(31));
    expect(forced.since('a')).toBeUndefined();
  });

  it('stays once somebody has acted on it, and never outlives the outage', () => {
    const forced = new ForcedShutdown();
    forced.update(0, outlook(-1));
    forced.acted('a');
    forced.update(1000, outlook(9000));
    expect(forced.since('a')).toBe(0);
    forced.update(2000, outlook(undefined, { live: false }));
    expect(forced.since('a')).toBeUndefined();
  });

  it('survives a moment without prediction when somebody has acted, and not otherwise', () => {
    const forced = new ForcedShutdown();
    forced.update(0, outlook(0));
    forced.acted('a');
    forced.update(1, outlook(undefined));
    expect(forced.since('a')).toBe(0);
  });

  it('of a client ends with the outage in which it was given', () => {
    const forced = new ForcedShutdown();
    forced.order(0, true);
    forced.update(1, outlook(500));
    expect(forced.since('anybody')).toBe(0);
    forced.update(2, outlook(undefined, { live: false }));
    expect(forced.since('anybody')).toBeUndefined();
  });

  it('of a client on mains stands until all have seen it and gone, and five minutes at most', () => {
    const forced = new ForcedShutdown();
    forced.order(0, false);
    forced.update(29_000, outlook(undefined, { live: false, logins: 0 }));
    forced.update(31_000, outlook(undefined, { live: false, logins: 1 }));
    expect(forced.since('x')).toBe(0);
    forced.update(32_000, outlook(undefined, { live: false, logins: 0 }));
    expect(forced.since('x')).toBeUndefined();
    forced.order(40_000, false);
    forced.update(341_000, outlook(undefined, { live: false, logins: 9 }));
    expect(forced.since('x')).toBeUndefined();
  });

  it('of a client is taken back by an administrator only while nobody has acted', () => {
    const forced = new ForcedShutdown();
    expect(forced.takeBack()).toBe(false);
    forced.order(0, true);
    expect(forced.takeBack()).toBe(true);
    expect(forced.since('x')).toBeUndefined();
    forced.order(0, true);
    forced.acted('x');
    expect(forced.takeBack()).toBe(false);
  });
});

describe('what clients see of it', () => {
  let running: RunningServer | undefined;
  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });

  it('tells each as early as it needs, LB before FSD, and a primary last', async () => {
    running = await serve();
    const { feed } = running;
    const [boss, sec, slow, reader] = [
      await running.as('boss'),
      await running.as('sec'),
      await running.as('slow'),
      await running.talk(),
    ];
    const all = async (): Promise<string[]> =>
      (await Promise.all([boss, sec, slow, reader].map((each) => each.ask(STATUS)))).map((text) => text.slice(20, -1));
    feed.publish(outage({ lastBeginsInS: 2000 }));
    expect(await all()).toEqual(['OB DISCHRG', 'OB DISCHRG', 'OB DISCHRG', 'OB DISCHRG']);
    feed.publish(outage({ lastBeginsInS: 510 }));
    expect(await all()).toEqual(['OB DISCHRG', 'OB DISCHRG', 'OB LB DISCHRG', 'OB DISCHRG']);
    feed.publish(outage({ lastBeginsInS: 498 }));
    expect(await all()).toEqual(['OB DISCHRG', 'OB DISCHRG', 'FSD OB LB DISCHRG', 'OB DISCHRG']);
    feed.publish(outage({ lastBeginsInS: 14 }));
    expect(await all()).toEqual(['OB DISCHRG', 'OB LB DISCHRG', 'FSD OB LB DISCHRG', 'OB LB DISCHRG']);
    feed.publish(outage({ lastState: 'going-down' }));
    expect(new Set(await all())).toEqual(new Set(['FSD OB LB DISCHRG']));
    feed.publish(snapshotFixture);
    expect(new Set(await all())).toEqual(new Set(['OL DISCHRG']));
  });

  it('shows LB only on battery, however empty the bank is', async () => {
    const empty = { ...snapshotFixture.rack.bank, socRatio: 0.02, runtimeS: 10 };
    running = await serve({ snapshot: { ...snapshotFixture, rack: { ...snapshotFixture.rack, bank: empty } } });
    expect(await (await running.talk()).ask(STATUS)).toBe(said('OL DISCHRG'));
  });

  it('is in LIST VAR as in GET VAR', async () => {
    running = await serve({ snapshot: outage({ lastBeginsInS: 490 }) });
    expect(await (await running.as('slow')).ask('LIST VAR ups')).toContain(
      '\nVAR ups ups.status "FSD OB LB DISCHRG"\n',
    );
    expect(await (await running.talk()).ask('LIST VAR ups')).toContain('\nVAR ups ups.status "OB DISCHRG"\n');
  });

  it('is told even when the figures of the bank are too old to be told', async () => {
    running = await serve({ snapshot: outage({ lastState: 'going-down' }) });
    const sec = await running.as('sec', true);
    const { bank } = allStale().rack;
    const forced = outage({ lastState: 'going-down' });
    running.feed.publish({ ...forced, rack: { ...forced.rack, bank } });
    expect(await sec.asks(STATUS, 'GET VAR ups battery.charge', 'LIST VAR ups')).toEqual([
      said('FSD OB LB'),
      'ERR DATA-STALE',
      'ERR DATA-STALE',
    ]);
  });

  it('learns how long machines take from the order to their leaving', async () => {
    running = await serve();
    const { clock, feed } = running;
    const sec = await running.as('sec', true);
    const other = await running.as('sec');
    feed.publish(outage({ lastState: 'going-down' }));
    expect(await sec.ask(STATUS)).toBe(said('FSD OB LB DISCHRG'));
    clock.nowMs += 400_000;
    sec.close();
    await expect.poll(() => running?.log.messages).toContain('NUT client goes down as ordered');
    feed.publish(snapshotFixture);
    expect(await other.ask(STATUS)).toBe(said('OL DISCHRG'));
    // 400 s instead of the configured 20: 102 s of them lie in the stage itself.
    feed.publish(outage({ lastBeginsInS: 297 }));
    expect(await other.ask(STATUS)).toBe(said('FSD OB LB DISCHRG'));
  });

  it('by a primary reaches everybody, and can be called off while nobody has left', async () => {
    running = await serve({
      snapshot: outage({ lastBeginsInS: 5000 }),
      desk: () => Promise.resolve({ accepted: false, because: 'no' }),
    });
    const [boss, sec] = [await running.as('boss', true), await running.as('sec', true)];
    expect(await boss.asks('FSD nosuch', 'FSD ups', 'FSD ups', STATUS)).toEqual([
      'ERR UNKNOWN-UPS',
      'OK FSD-SET',
      'OK FSD-SET',
      said('FSD OB LB DISCHRG'),
    ]);
    expect(await sec.ask(STATUS)).toBe(said('FSD OB LB DISCHRG'));
    expect(await boss.ask('INSTCMD ups shutdown.stop')).toBe('OK');
    expect(await sec.ask(STATUS)).toBe(said('OB DISCHRG'));
    await boss.ask('FSD ups');
    expect(await sec.ask(STATUS)).toBe(said('FSD OB LB DISCHRG'));
    sec.close();
    await expect.poll(() => boss.ask('GET NUMLOGINS ups')).toBe('NUMLOGINS ups 1');
    expect(await boss.asks('INSTCMD ups shutdown.stop', STATUS)).toEqual([
      'ERR INSTCMD-FAILED',
      said('FSD OB LB DISCHRG'),
    ]);
    running.feed.publish(snapshotFixture);
    expect(await boss.ask(STATUS)).toBe(said('OL DISCHRG'));
  });

  it('is raised again by a service that starts anew in the middle of it', async () => {
    running = await serve({ snapshot: outage({ lastState: 'going-down' }) });
    expect(await (await running.as('sec', true)).ask(STATUS)).toBe(said('FSD OB LB DISCHRG'));
  });
});
