import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type NotifyConfig, notifySchema } from '../../../services/config/notify.ts';
import type { Message, Sent } from '../../../services/notify/index.ts';
import { Notifier } from '../../../services/notify/index.ts';
import type { ReportSource } from '../../../services/notify/report.ts';
import { Zone } from '../../../services/runtime/zone.ts';
import type { Snapshot } from '../../../services/shutdown/view.ts';
import { type Moment, rackAt, WALL0 } from '../history/rack-days.ts';
import { KeptLog } from '../runtime/kept-log.ts';
import { PlayedClock } from '../runtime/played-clock.ts';
import { testFeed } from '../telemetry/snapshot-fixture.ts';

let folder: string;
const closers: (() => Promise<unknown>)[] = [];
const S = 1000;
const MIN = 60_000;
const HOUR = 3_600_000;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdover-notify-'));
});

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  rmSync(folder, { recursive: true, force: true });
});

const CHANNEL = { id: 'phone', ntfy: { topic: 'a' } };

interface LifeOptions {
  readonly config?: object;
  readonly answer?: (message: Message) => Sent | Promise<Sent>;
  /** Where time stands when this life begins, ms. */
  readonly fromMs?: number;
  readonly source?: ReportSource;
  readonly path?: string;
  /** A channel never comes to rest. */
  readonly hangs?: boolean;
}

/** The notifier on a clock of its own; channels take what `answer` lets them. */
async function life({ config = {}, answer, fromMs = 0, source, path, hangs = false }: LifeOptions = {}) {
  const clock = new PlayedClock();
  clock.wallOffsetMs = WALL0;
  clock.nowMs = fromMs;
  const log = new KeptLog();
  const feed = testFeed();
  const got: (Message & { readonly channel: string })[] = [];
  const parsed: NotifyConfig = notifySchema.parse({ channels: [CHANNEL], ...config });
  const notifier = new Notifier({
    config: parsed,
    site: 'closet',
    carriers: parsed.channels.map(({ id }) => ({
      id,
      send: async (message) => {
        const result = (await answer?.(message)) ?? { kind: 'sent', said: 'ok' };
        if (result.kind === 'sent') got.push({ ...message, channel: id });
        return result;
      },
    })),
    path: path ?? join(folder, 'notify.json'),
    zone: new Zone('UTC'),
    ...(source === undefined ? {} : { source }),
    clock,
    log,
  });
  await notifier.start(feed);
  closers.push(() => notifier.stop());
  let moment: Partial<Moment> = {};
  /** The rack is like this from now on. */
  const is = (next: Partial<Moment>): void => {
    moment = next;
  };
  /** Time passes, with a snapshot each `everyMs`. The file is written by real disks: they get their turns. */
  const pass = async (ms: number, everyMs = 1000): Promise<void> => {
    const endMs = clock.nowMs + ms;
    while (clock.nowMs < endMs) {
      feed.publish(rackAt({ atMs: clock.nowMs, ...moment }));
      await written();
      // Of a long step only the end is played; whoever slept through it wakes then.
      const stepMs = Math.min(everyMs, endMs - clock.nowMs);
      if (stepMs > 5 * S) clock.nowMs += stepMs - 2 * S;
      await clock.pass(Math.min(stepMs, 2 * S));
      await written();
    }
  };
  /** Every channel sleeps again; one that hangs is not waited for. */
  const written = async (): Promise<void> => {
    for (let turn = 0; turn < (hangs ? 40 : 5000); turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (turn > 2 && clock.sleeping >= parsed.channels.length) return;
    }
  };
  return { notifier, clock, got, log, is, pass, titles: () => got.map(({ title }) => title) };
}

const away = (sinceMs: number, more: Partial<Moment> = {}): Partial<Moment> => ({
  away: true,
  runId: 'run-1',
  onBatteryS: sinceMs / S,
  ...more,
});

const alarmed = (snapshot: Snapshot): Snapshot => ({
  ...snapshot,
  rack: {
    ...snapshot.rack,
    alarms: [{ code: 'cell-spread', subject: 'lfp1', severity: 'warning', message: 'pack lfp1: cells apart' }],
  },
});

describe('people', () => {
  it('are told of an outage once, and of its end', async () => {
    const { is, pass, got, titles } = await life();
    await pass(3 * S);
    is(away(0));
    await pass(30 * S);
    is({});
    await pass(30 * S);
    expect(titles()).toEqual(['Mains is away', 'Mains is back']);
    expect(got[0]).toMatchObject({ event: 'outage-begin', severity: 'warning', count: 1 });
    expect(got[1]?.text).toBe('It was away for 30 s.');
  });

  it('are not told twice after a restart in the middle of an outage, nor forgotten', async () => {
    const first = await life({ answer: () => ({ kind: 'later', because: 'no network' }) });
    first.is(away(0));
    await first.pass(20 * S);
    expect(first.notifier.health()).toMatchObject({ up: false, waiting: 1, trouble: 'phone: no network' });
    await first.notifier.stop();

    const second = await life({ fromMs: 60 * S });
    second.is(away(60 * S));
    await second.pass(20 * S);
    expect(second.titles()).toEqual(['Mains is away']);
    await second.notifier.stop();

    const third = await life({ fromMs: 120 * S });
    third.is(away(120 * S));
    await third.pass(20 * S);
    expect(third.titles()).toEqual([]);
  });

  it('get what was on its way in a kill once more, with the same id', async () => {
    const seen: string[] = [];
    const never = new Promise<Sent>(() => {});
    const first = await life({
      hangs: true,
      answer: (message) => {
        seen.push(message.id);
        return never;
      },
    });
    first.is(away(0));
    await first.pass(15 * S);
    expect(seen).toHaveLength(1);
    // Killed here: the file is as it was when the message left.
    const file = readFileSync(join(folder, 'notify.json'), 'utf8');
    const path = join(folder, 'after-the-kill.json');
    writeFileSync(path, file);
    const second = await life({ path, fromMs: 30 * S });
    second.is(away(30 * S));
    await second.pass(5 * S);
    expect(second.got.map(({ id }) => id)).toEqual(seen);
    closers.shift();
  });

  it('get in one message what happened together, and everything of a long silence in few', async () => {
    let network = false;
    const { is, pass, got } = await life({
      answer: () => (network ? { kind: 'sent', said: '' } : { kind: 'later', because: 'down' }),
    });
    is(away(0));
    await pass(20 * S);
    is(
      away(20 * S, {
        more: (snapshot) => ({
          ...snapshot,
          coordinator: {
            ...snapshot.coordinator,
            hosts: snapshot.coordinator.hosts.map((host) => ({ ...host, forced: true, trouble: 'does not answer' })),
          },
        }),
      }),
    );
    await pass(5 * S);
    is({});
    await pass(10 * S);
    network = true;
    await pass(15 * MIN, 20 * S);
    expect(got).toHaveLength(2);
    expect(got[0]?.title).toBe('Mains is away');
    expect(got[1]).toMatchObject({ count: 3, severity: 'critical', title: expect.stringMatching(/, and 2 more$/) });
    expect(got[1]?.text).toContain('Mains is back');
  });

  it('hear of an alarm when it lasts, of its end when that lasts, and nothing of flicker', async () => {
    const { is, pass, got, titles } = await life();
    for (let flicker = 0; flicker < 5; flicker += 1) {
      is({ more: alarmed });
      await pass(10 * S, 5 * S);
      is({});
      await pass(10 * S, 5 * S);
    }
    expect(titles()).toEqual([]);
    is({ more: alarmed });
    await pass(80 * S, 5 * S);
    expect(titles()).toEqual(['pack lfp1: cells apart']);
    is({});
    await pass(20 * S, 5 * S);
    is({ more: alarmed });
    await pass(20 * S, 5 * S);
    is({});
    await pass(100 * S, 5 * S);
    expect(titles()).toEqual(['pack lfp1: cells apart', 'Over: pack lfp1: cells apart']);
    expect(got[1]?.severity).toBe('info');
  });

  it('are left in peace in quiet hours, but for what is critical', async () => {
    // WALL0 is noon.
    const quiet = { channels: [{ ...CHANNEL, quiet: { from: '12:00', to: '12:10' } }], alarmFor: 0, lowSoc: 0.5 };
    const { is, pass, titles } = await life({ config: quiet });
    is(away(0));
    await pass(30 * S, 5 * S);
    expect(titles()).toEqual([]);
    is(away(30 * S, { socRatio: 0.4 }));
    await pass(30 * S, 5 * S);
    expect(titles()).toEqual(['Battery is low at 40 %']);
    await pass(10 * MIN, 20 * S);
    expect(titles()).toEqual(['Battery is low at 40 %', 'Mains is away']);
  });

  it('get what their channel is for, and only that', async () => {
    const channels = [
      { ...CHANNEL, id: 'all' },
      { ...CHANNEL, id: 'grave', minSeverity: 'critical' },
      { ...CHANNEL, id: 'ends', events: ['outage-end'] },
    ];
    const { is, pass, got } = await life({ config: { channels } });
    is(away(0));
    await pass(20 * S);
    is({});
    await pass(20 * S);
    expect(got.map(({ channel, event }) => `${channel} ${event}`).sort()).toEqual([
      'all outage-begin',
      'all outage-end',
      'ends outage-end',
    ]);
  });

  it('are told of a stage, of a sink that is down for long, and of machines that are back', async () => {
    const { is, pass, titles } = await life({ config: { channels: [{ ...CHANNEL, groupFor: 0 }] } });
    const stages =
      (state: 'going-down' | 'waiting') =>
      (snapshot: Snapshot): Snapshot => ({
        ...snapshot,
        coordinator: {
          ...snapshot.coordinator,
          schedule: {
            ...snapshot.coordinator.schedule,
            stages: [{ name: 'batch', hosts: ['pi1'], state, mustBeginBelowWh: 1, durationS: 1, loadAfterW: 1 }],
          },
        },
      });
    is(away(0, { more: stages('waiting') }));
    await pass(5 * S);
    is(away(5 * S, { more: stages('going-down') }));
    await pass(5 * S);
    is({ phase: 'restoring' });
    await pass(5 * S);
    is({
      more: (snapshot) => ({
        ...snapshot,
        sinks: [{ sink: 'influx', up: false, sent: 0, dropped: 0, trouble: '401' }],
      }),
    });
    await pass(6 * MIN, 20 * S);
    expect(titles()).toEqual([
      'Mains is away',
      'Stage batch is going down',
      'Mains is back',
      'Everything is back',
      'influx does not work: 401',
    ]);
  });
});

describe('a channel', () => {
  it('waits longer and longer, and as long as it was told to', async () => {
    const at: number[] = [];
    const one = await life({
      answer: () => {
        at.push(one.clock.nowMs);
        return at.length === 3
          ? { kind: 'later', because: '429', afterMs: 10 * MIN }
          : { kind: 'later', because: 'down' };
      },
    });
    one.is(away(0));
    await one.pass(MIN);
    await one.pass(14 * MIN, 20 * S);
    const gaps = at.slice(1).map((each, index) => each - (at[index] ?? 0));
    expect(gaps[0]).toBeGreaterThanOrEqual(5 * S);
    expect(gaps[1]).toBeGreaterThanOrEqual(10 * S);
    expect(gaps[2]).toBeGreaterThanOrEqual(10 * MIN);
    expect(at.length).toBeLessThan(8);
    expect(one.log.messages.filter((message) => message.startsWith('notices wait')).length).toBeLessThanOrEqual(3);
  });

  it('drops what is refused, counts it and goes on', async () => {
    let refused = 0;
    const { is, pass, titles, notifier } = await life({
      answer: ({ title }) => {
        if (title !== 'Mains is away') return { kind: 'sent', said: '' };
        refused += 1;
        return { kind: 'refused', because: 'too long' };
      },
    });
    is(away(0));
    await pass(20 * S);
    is({});
    await pass(20 * S);
    expect(refused).toBe(1);
    expect(titles()).toEqual(['Mains is back']);
    expect(notifier.health()).toMatchObject({ sent: 1, dropped: 1, waiting: 0, up: true });
  });

  it('says no more than it may in an hour, and then all of it together', async () => {
    const { is, pass, got } = await life({ config: { channels: [{ ...CHANNEL, groupFor: 0, maxPerHour: 2 }] } });
    for (let round = 0; round < 4; round += 1) {
      is(away(0, { runId: `run-${round}` }));
      await pass(5 * S, 5 * S);
      is({});
      await pass(5 * S, 5 * S);
    }
    expect(got.length).toBe(2);
    await pass(HOUR, MIN);
    expect(got.reduce((sum, { count }) => sum + count, 0)).toBe(8);
    expect(got.length).toBe(3);
  });

  it('keeps a bounded number of notices; the oldest of the least severe go first and are counted', async () => {
    const { is, pass, notifier } = await life({
      answer: () => ({ kind: 'later', because: 'down' }),
      config: { channels: [{ ...CHANNEL }], alarmFor: 0 },
    });
    is({
      more: (snapshot) => ({
        ...snapshot,
        rack: {
          ...snapshot.rack,
          alarms: Array.from({ length: 500 }, (_, index) => ({
            code: `a${index}`,
            subject: 'x',
            severity: index === 0 ? 'critical' : 'warning',
            message: `alarm ${index}`,
          })),
        },
      }),
    });
    await pass(5 * S);
    is(away(5 * S));
    await pass(5 * S);
    expect(notifier.health()).toMatchObject({ waiting: 500, dropped: expect.any(Number) });
    expect(notifier.health().dropped).toBeGreaterThan(300);
    expect(readFileSync(join(folder, 'notify.json'), 'utf8')).toContain('"alarm 0"');
  });

  it('gives up what could not be told for days, and counts it', async () => {
    const { is, pass, notifier } = await life({
      answer: () => ({ kind: 'later', because: 'down' }),
      config: { giveUpAfter: '1h' },
    });
    is(away(0));
    await pass(5 * S);
    is(away(5 * S));
    await pass(HOUR + MIN, MIN);
    expect(notifier.health()).toMatchObject({ waiting: 0, dropped: 1 });
  });

  it('that hangs holds up neither the others nor the snapshots', async () => {
    const channels = [
      { ...CHANNEL, id: 'dead' },
      { ...CHANNEL, id: 'alive' },
    ];
    let calls = 0;
    const { is, pass, got } = await life({
      config: { channels },
      hangs: true,
      answer: () => {
        calls += 1;
        return calls === 1
          ? new Promise<Sent>((resolve) => closers.unshift(async () => resolve({ kind: 'later', because: 'over' })))
          : { kind: 'sent', said: '' };
      },
    });
    is(away(0));
    await pass(20 * S);
    expect(got.map(({ channel }) => channel)).toHaveLength(1);
  });
});

describe('the file of notices', () => {
  it.each(['', 'noise', '[]', '{"form":2}', '{"form":1,"lines":{"phone":7}}'])(
    'that holds %j costs what it held, and is said',
    async (text) => {
      writeFileSync(join(folder, 'notify.json'), text);
      const { is, pass, titles, log } = await life();
      is(away(0));
      await pass(15 * S);
      expect(log.messages[0]).toMatch(/^the file of notices is damaged/);
      expect(titles()).toEqual(['Mains is away']);
    },
  );

  it('that cannot be written does not keep anybody from being told', async () => {
    writeFileSync(join(folder, 'plain'), '');
    const { is, pass, titles, notifier } = await life({ path: join(folder, 'plain', 'notify.json') });
    is(away(0));
    await pass(15 * S);
    expect(titles()).toEqual(['Mains is away']);
    expect(notifier.health()).toMatchObject({ up: false, trouble: expect.stringContaining('cannot be kept') });
  });
});

describe('reports', () => {
  const source = (fails: () => boolean = () => false): ReportSource => ({
    energyBetween: async () => {
      if (fails()) throw new Error('busy');
      return {
        inWh: 210,
        outWh: 190,
        mainsWh: 8200,
        hostsWh: { nuc1: 510 },
        stagesWh: {},
        cost: { EUR: 2.54 },
        measuredS: {},
        unmeasuredS: { bank: 95 },
      };
    },
    outages: async () => [
      { beginMs: WALL0, endMs: WALL0 + 480_000, depthWh: 41, socFrom: 0.99, socTo: 0.96, forced: ['pi7'] },
    ],
    batteryHealth: async () => [
      { pack: 'lfp1', verdict: { kind: 'too-little-data', because: '1 of at least 5 measurements' } },
    ],
    range: async () => ({
      stepMs: 900_000,
      series: [{ labels: { code: 'cell-spread', subject: 'lfp1', severity: 'warning' }, last: [1, null, 1] }],
    }),
  });

  it('come once a day at their time, with what was, and after a pause', async () => {
    let failures = 2;
    const fails = (): boolean => {
      failures -= 1;
      return failures >= 0;
    };
    const { pass, got } = await life({ config: { reports: { every: ['day'], at: '07:00' } }, source: source(fails) });
    await pass(HOUR, 10 * MIN);
    expect(got).toEqual([]);
    await pass(17 * HOUR, 10 * MIN);
    expect(got).toEqual([]);
    await pass(3 * HOUR, 5 * MIN);
    expect(got).toMatchObject([{ event: 'report', title: 'Report of the day: 2026-03-01' }]);
    const text = got[0]?.text ?? '';
    for (const words of [
      'From mains: 8.20 kWh (2.54 EUR)',
      'Most drawn: nuc1 0.51 kWh',
      'Not measured: bank for 95 s',
      'Outage 2026-03-01 12:00: 8 min, 41 Wh, 99 to 96 %, cut by force: pi7',
      'Alarm cell-spread of lfp1 (warning): about 30 min',
      'Pack lfp1: too little data for a forecast (1 of at least 5 measurements).',
    ])
      expect(text).toContain(words);
    await pass(23 * HOUR, 30 * MIN);
    expect(got).toHaveLength(2);
  });
});
