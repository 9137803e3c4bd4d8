import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Feed } from '../../../services/assembly/feed.ts';
import type { InfluxConfig } from '../../../services/config/influx.ts';
import type { Sink, Snapshot } from '../../../services/shutdown/view.ts';
import { type InfluxOptions, type InfluxSink, influxSink } from '../../../services/telemetry/influx.ts';
import { influxLines } from '../../../services/telemetry/influx-lines.ts';
import type { InfluxSecrets } from '../../../services/telemetry/influx-request.ts';
import { freePort } from '../../ports.ts';
import {
  type FakeDatabase,
  fakeDatabase,
  influxDb,
  influxd,
  influxRows,
  victoria,
  victoriaMetrics,
} from './databases.ts';
import { until, Workshop } from './peers.ts';
import { later, rackFixture, snapshotFixture, testLog, WALL_MS, withRack } from './snapshot-fixture.ts';

const workshop = new Workshop();
const databases: FakeDatabase[] = [];
const sinks: Sink[] = [];

afterEach(async () => {
  for (const sink of sinks.splice(0)) await sink.stop();
  for (const database of databases.splice(0)) database.close();
  await workshop.clean();
});

async function database(...args: Parameters<typeof fakeDatabase>): Promise<FakeDatabase> {
  const one = await fakeDatabase(...args);
  databases.push(one);
  return one;
}

const EACH = influxLines(snapshotFixture).length;

interface Lived {
  readonly sink: InfluxSink;
  readonly log: ReturnType<typeof testLog>;
  /** One sample, `second` seconds after the fixture; done when the sink has nothing left to do with it. */
  give(second: number, snapshot?: Snapshot): Promise<void>;
}

/** One life of the sink, fed by the real feed. */
async function life(
  url: string,
  dir: string | undefined,
  more: Partial<InfluxConfig> = {},
  secrets: InfluxSecrets = {},
  options: InfluxOptions = {},
): Promise<Lived> {
  const log = testLog();
  const config = {
    url,
    org: 'home',
    every: 10,
    spoolMiB: 16,
    ...('database' in more ? {} : { bucket: 'rack' }),
    ...more,
  };
  const sink = influxSink(config, secrets, log, { ...(dir === undefined ? {} : { spoolDir: dir }), ...options });
  sinks.push(sink);
  const feed = new Feed((error) => {
    throw error;
  });
  await sink.start(feed);
  let given = totalOf(sink);
  return {
    sink,
    log,
    give: async (second, snapshot = later(second)) => {
      feed.publish(snapshot);
      given += influxLines(snapshot).length;
      await sink.atRest();
      expect(totalOf(sink), `sample ${second} is nowhere`).toBe(given);
    },
  };
}

/** Every line is sent, lost or waits. */
const totalOf = (sink: Sink): number => {
  const { sent, dropped, waiting = 0 } = sink.health();
  return sent + dropped + waiting;
};

/** Gives samples from `second` on, every `step` seconds, until one finds the database up and nothing waits. */
async function emptied({ sink, give }: Pick<Lived, 'sink' | 'give'>, second: number, step: number): Promise<void> {
  for (let at = second; sink.health().waiting !== 0; at += step) await give(at);
}

const stampsOf = (lines: readonly string[]): number[] =>
  lines.filter((line) => line.startsWith('holdover_snapshot')).map((line) => Number(line.split(' ').at(-1)));
const seconds = (stamps: readonly number[]): number[] => stamps.map((stamp) => (stamp - WALL_MS) / 1000);

describe('the InfluxDB sink and its spool', () => {
  it('loses nothing of a day without the database, and writes it back in order', async () => {
    let up = false;
    const { url, asked } = await database(() => ({ status: up ? 204 : 503 }));
    const dir = join(workshop.folder(), 'spool');
    const { sink, give } = await life(url, dir);
    // A sample every ten minutes stands for a day of them.
    for (let second = 0; second < 86_400; second += 600) await give(second);
    expect(sink.health()).toMatchObject({ up: false, sent: 0, dropped: 0, waiting: 144 * EACH });
    const before = asked.length;
    up = true;
    await give(86_400);
    await until('all is written', () => sink.health().waiting === 0);
    expect(sink.health()).toMatchObject({ up: true, sent: 145 * EACH, dropped: 0 });
    const stamps = asked.slice(before).flatMap(({ lines }) => stampsOf(lines));
    expect(seconds(stamps)).toEqual(Array.from({ length: 145 }, (_, at) => at * 600));
    expect(readdirSync(dir).filter((name) => name.endsWith('.spool'))).toEqual([]);
  });

  it('goes on after a restart in the middle of writing back: each once but for one batch, and in order', async () => {
    let taken = 0;
    let open = 0;
    const { url, asked } = await database(() => {
      if (taken >= open) return { status: 503 };
      taken += 1;
      return { status: 204 };
    });
    const dir = join(workshop.folder(), 'spool');
    const first = await life(url, dir);
    for (let second = 0; second < 600; second += 10) await first.give(second);
    // Twenty batches are let through, then it dies in the middle of the next.
    open = 20;
    await first.give(700);
    await until('twenty are written', () => taken === 20 && !first.sink.health().up);
    await first.sink.stop();
    expect(first.sink.health()).toMatchObject({ dropped: 0 });

    open = Number.POSITIVE_INFINITY;
    const second = await life(url, dir);
    expect(second.sink.health().waiting).toBe(first.sink.health().waiting);
    await second.give(800);
    await until('all is written', () => second.sink.health().waiting === 0);
    const accepted = asked.filter((_, at) => at >= asked.length - (taken - 20));
    expect(seconds(accepted.flatMap(({ lines }) => stampsOf(lines)))).toEqual([
      ...Array.from({ length: 40 }, (_, at) => 200 + at * 10),
      700,
      800,
    ]);
  });

  it('puts on disk what waits when it stops, and writes it in its next life', async () => {
    const dir = join(workshop.folder(), 'spool');
    const down = `http://127.0.0.1:${await freePort()}`;
    const first = await life(down, dir);
    await first.give(0);
    await first.sink.stop();
    expect(first.sink.health()).toMatchObject({ dropped: 0, waiting: EACH });
    const { url, asked } = await database(() => ({ status: 204 }));
    const second = await life(url, dir);
    await second.give(10);
    await until('all is written', () => second.sink.health().waiting === 0);
    expect(seconds(asked.flatMap(({ lines }) => stampsOf(lines)))).toEqual([0, 10]);
  });

  it.each([401, 403, 404])(
    'keeps everything while the answer is %i, says why once, and what to check',
    async (status) => {
      let right = false;
      const { url, asked } = await database(() => (right ? { status: 204 } : { status, body: 'unauthorized access' }));
      const { sink, give, log } = await life(url, join(workshop.folder(), 'spool'), {}, { token: 'secret-token' });
      for (let second = 0; second < 300; second += 10) await give(second);
      expect(asked.length).toBeGreaterThan(3);
      expect(sink.health()).toMatchObject({ up: false, dropped: 0, waiting: 30 * EACH });
      expect(sink.health().trouble).toBe(`${status}: unauthorized access`);
      const warnings = log.lines.filter(({ level }) => level === 'warn');
      expect(warnings).toHaveLength(1);
      expect(warnings[0]?.message).toMatch(/check the (token|bucket)/);
      expect(JSON.stringify(log.lines)).not.toContain('secret-token');
      right = true;
      await emptied({ sink, give }, 400, 10);
      expect(sink.health()).toMatchObject({ up: true, dropped: 0 });
      expect(sink.health().trouble).toBeUndefined();
    },
  );

  it('drops a batch whose lines are bad, counts it, and does not try it for ever', async () => {
    let up = false;
    const bad = WALL_MS + 20_000;
    const { url, asked } = await database(({ lines }) => {
      if (!up) return { status: 503 };
      return stampsOf(lines).includes(bad) ? { status: 400, body: 'unable to parse' } : { status: 204 };
    });
    const { sink, give, log } = await life(url, join(workshop.folder(), 'spool'));
    for (let second = 0; second < 50; second += 10) await give(second);
    up = true;
    const before = asked.length;
    await give(100);
    await until('all is settled', () => sink.health().waiting === 0);
    expect(sink.health()).toMatchObject({ up: true, dropped: EACH, sent: 5 * EACH });
    expect(asked.length - before).toBe(6);
    expect(JSON.stringify(log.lines)).toContain('unable to parse');
  });

  it('drops the oldest when its room is full, counts them, and writes back the newest in order', async () => {
    let up = false;
    const { url, asked } = await database(() => ({ status: up ? 204 : 503 }));
    const { sink, give } = await life(url, join(workshop.folder(), 'spool'), { spoolMiB: 1 });
    let second = 0;
    for (; sink.health().dropped === 0; second += 10) await give(second, noisy(second));
    const { dropped, waiting } = sink.health();
    expect(dropped + (waiting ?? 0)).toBe((second / 10) * EACH);
    up = true;
    const before = asked.length;
    await give(second + 60, noisy(second + 60));
    await until('all is written', () => sink.health().waiting === 0);
    const stamps = seconds(asked.slice(before).flatMap(({ lines }) => stampsOf(lines)));
    expect(stamps[0]).toBe((dropped / EACH) * 10);
    expect(stamps.length).toBe((waiting ?? 0) / EACH + 1);
    expect(stamps).toEqual(stamps.toSorted((a, b) => a - b));
  });

  it('shows and counts what a full disk costs, and goes on when there is room again', async () => {
    const dir = join(workshop.folder(), 'spool');
    mkdirSync(dir);
    const url = `http://127.0.0.1:${await freePort()}`;
    const { sink, give, log } = await life(url, dir, {}, {}, { memoryLines: 3 * EACH });
    for (let number = 1; number <= 6; number += 1)
      symlinkSync('/dev/full', join(dir, `${number}`.padStart(10, '0').concat('.spool')));
    for (let sample = 0; sample < 5; sample += 1) await give(sample * 10);
    expect(sink.health()).toMatchObject({ up: false, dropped: 2 * EACH, waiting: 3 * EACH });
    expect(sink.health().trouble).toMatch(/ENOSPC/);
    expect(log.lines.filter(({ message }) => message.includes('spool'))).toHaveLength(1);
    // Room again: the files that refuse are used up.
    for (let sample = 5; sample < 10; sample += 1) await give(sample * 10);
    expect(sink.health().trouble).not.toMatch(/ENOSPC/);
    const { dropped } = sink.health();
    await give(200);
    expect(sink.health().dropped).toBe(dropped);
  });

  it('starts and writes although its folder cannot be made', async () => {
    const file = join(workshop.folder(), 'file');
    writeFileSync(file, '');
    const { url } = await database(() => ({ status: 204 }));
    const { sink, give } = await life(url, join(file, 'spool'));
    await give(0);
    await until('it is written', () => sink.health().sent === EACH);
    expect(sink.health().trouble).toMatch(/ENOTDIR/);
  });

  it('keeps order and stamps when the clock is set back', async () => {
    let up = false;
    const { url, asked } = await database(() => ({ status: up ? 204 : 503 }));
    const { sink, give } = await life(url, join(workshop.folder(), 'spool'));
    const walls = [0, 10, -3600, -3590, 40].map((second) => WALL_MS + second * 1000);
    for (const [at, wallMs] of walls.entries())
      await give(at * 10, withRack({ wallMs, monoMs: rackFixture.monoMs + at * 10_000 }));
    up = true;
    const before = asked.length;
    await give(200);
    await until('all is written', () => sink.health().waiting === 0);
    expect(asked.slice(before).flatMap(({ lines }) => stampsOf(lines))).toEqual([...walls, WALL_MS + 200_000]);
  });

  it('waits as long as it is asked to', async () => {
    const { url, asked } = await database(() => ({ status: 429, headers: { 'retry-after': '30' } }));
    const { give } = await life(url, join(workshop.folder(), 'spool'));
    for (const second of [0, 10, 20]) await give(second);
    expect(asked).toHaveLength(1);
    await give(30);
    expect(asked).toHaveLength(2);
  });

  it('takes a redirect to a login page for what it is', async () => {
    const { url } = await database(({ path }) =>
      path === '/login' ? { status: 200, body: 'Welcome' } : { status: 302, headers: { location: '/login' } },
    );
    const { sink, give } = await life(url, join(workshop.folder(), 'spool'));
    await give(0);
    await until('it has failed', () => sink.health().trouble !== undefined);
    expect(sink.health()).toMatchObject({ up: false, sent: 0, dropped: 0, waiting: EACH });
  });

  it('writes to a database of the first version under its name and with its user', async () => {
    const { url, asked } = await database(() => ({ status: 204 }));
    const more = { database: 'rack', retentionPolicy: 'year', user: 'ann' };
    const { sink, give } = await life(`${url}/influx/`, undefined, more, { password: 'pw' });
    await give(0);
    await until('it is written', () => sink.health().sent > 0);
    expect(asked[0]?.path).toBe('/influx/write?db=rack&rp=year&precision=ms');
    expect(asked[0]?.authorization).toBe(`Basic ${Buffer.from('ann:pw').toString('base64')}`);
  });
});

/** A sample that gzip can do little with. */
function noisy(second: number): Snapshot {
  const snapshot = later(second);
  const alarms = rackFixture.alarms.map((alarm) => ({
    ...alarm,
    subject: Array.from({ length: 6_000 }, (_, at) =>
      String.fromCharCode(33 + ((at * 7919 + second * 104_729 + at * at) % 90)),
    )
      .join('')
      .replace(/[,= \\"]/g, 'x'),
  }));
  return { ...snapshot, rack: { ...snapshot.rack, alarms } };
}

describe.skipIf(influxd.skip)(`into ${influxd.title}`, () => {
  const STORED = 'SELECT "timestamp_seconds" FROM "holdover_snapshot"';

  it('comes all that happened while it was down, also over a restart of ours', async () => {
    const real = await influxDb(workshop);
    const running = await real.start();
    const dir = join(workshop.folder(), 'spool');
    const first = await life(real.url, dir, { database: 'rack' });
    await first.give(0);
    await until('it is written', () => first.sink.health().sent === EACH);
    await running.stop();
    for (let second = 10; second < 200; second += 10) await first.give(second);
    await first.sink.stop();
    const second = await life(real.url, dir, { database: 'rack' });
    for (let at = 200; at < 300; at += 10) await second.give(at);
    expect(second.sink.health().waiting).toBe(29 * EACH);

    await real.start();
    await emptied(second, 400, 60);
    const rows = await influxRows(real.url, STORED);
    expect(seconds(rows.map(([stamp]) => Number(stamp))).slice(0, 31)).toEqual([
      ...Array.from({ length: 30 }, (_, at) => at * 10),
      400,
    ]);
    expect(second.sink.health().dropped).toBe(0);
    const cells = await influxRows(
      real.url,
      'SELECT count("voltage_volts") FROM "holdover_cell" WHERE "cell" = \'16\'',
    );
    expect(Number(cells[0]?.[1])).toBe(rows.length);
  });

  it('comes nothing with a wrong password, and all of it with the right one', async () => {
    const real = await influxDb(workshop, true);
    await real.start();
    const dir = join(workshop.folder(), 'spool');
    const config = { database: 'rack', user: 'admin' };
    const wrong = await life(real.url, dir, config, { password: 'wrong' });
    for (let second = 0; second < 50; second += 10) await wrong.give(second);
    expect(wrong.sink.health()).toMatchObject({ up: false, dropped: 0, waiting: 5 * EACH });
    expect(wrong.sink.health().trouble).toMatch(/^401/);
    await wrong.sink.stop();
    const right = await life(real.url, dir, config, { password: 'right' });
    await right.give(50);
    await until('all is written', () => right.sink.health().waiting === 0);
    expect(await influxRows(real.url, STORED, true)).toHaveLength(6);
  });

  it('says what it thinks of the second version, and loses nothing by it', async () => {
    const real = await influxDb(workshop);
    await real.start();
    const { sink, give } = await life(real.url, join(workshop.folder(), 'spool'));
    await give(0);
    await until('it has failed', () => sink.health().trouble !== undefined);
    expect(sink.health()).toMatchObject({ dropped: 0, waiting: EACH, trouble: expect.stringMatching(/^404/) });
  });
});

describe.skipIf(victoria.skip)(`into ${victoria.title}`, () => {
  it.each([
    ['v2', {}],
    ['v1', { database: 'rack' }],
  ])('comes all that happened while it was down (%s)', async (_, more) => {
    const real = await victoriaMetrics(workshop);
    const dir = join(workshop.folder(), 'spool');
    const { sink, give } = await life(real.url, dir, more);
    for (let second = 0; second < 200; second += 10) await give(second);
    expect(existsSync(join(dir, '0000000001.spool'))).toBe(true);
    await real.start();
    await emptied({ sink, give }, 300, 60);
    await fetch(`${real.url}/internal/force_flush`);
    const stamps = await until('the series can be seen', async () => {
      const text = await (await fetch(`${real.url}/api/v1/export?match[]=holdover_pack_voltage_volts`)).text();
      return text !== '' && (JSON.parse(text.split('\n')[0] ?? '') as { timestamps: number[] }).timestamps;
    });
    // A pack is measured a second before its snapshot.
    expect(seconds(stamps).slice(0, 21)).toEqual([...Array.from({ length: 20 }, (_, at) => at * 10 - 1), 299]);
    expect(sink.health().dropped).toBe(0);
  });
});
