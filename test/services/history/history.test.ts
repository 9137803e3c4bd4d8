import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { historySchema } from '../../../services/config/history.ts';
import { History, type HistoryOptions } from '../../../services/history/index.ts';
import { systemClock } from '../../../services/runtime/clock.ts';
import type { JournalLine, Snapshot } from '../../../services/shutdown/view.ts';
import { families } from '../../../services/telemetry/catalogue.ts';
import { KeptLog } from '../runtime/kept-log.ts';
import { PlayedClock } from '../runtime/played-clock.ts';
import { testFeed } from '../telemetry/snapshot-fixture.ts';
import { type Moment, rackAt, WALL0 } from './rack-days.ts';

const DEADLINE = { timeout: 60_000 };

let folder: string;
const closers: (() => Promise<unknown>)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdover-history-'));
});

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  rmSync(folder, { recursive: true, force: true });
});

/** The history with its real thread and file, on a clock that follows the snapshots. */
async function life(more: Partial<HistoryOptions> = {}, config: object = {}) {
  const clock = new PlayedClock();
  const log = new KeptLog();
  const feed = testFeed();
  const lines: JournalLine[] = [];
  const history = new History({
    config: historySchema.parse(config),
    path: join(folder, 'history.db'),
    timeZone: 'UTC',
    packs: {},
    families,
    journal: (limit) => lines.slice(-limit),
    clock,
    wire: systemClock,
    log,
    ...more,
  });
  clock.wallOffsetMs = WALL0;
  closers.push(() => history.stop());
  const at = (moment: Moment): Snapshot => {
    clock.nowMs = moment.atMs;
    const snapshot = rackAt(moment);
    feed.publish(snapshot);
    return snapshot;
  };
  const run = (fromMs: number, toMs: number, moment: Partial<Moment> = {}) => {
    for (let atMs = fromMs; atMs <= toMs; atMs += 5000) at({ atMs, ...moment });
  };
  /** A save that is asked for now is on the disk. */
  const saved = async (atMs: number, moment: Partial<Moment> = {}) => {
    const before = history.health().sent;
    at({ atMs, ...moment });
    await expect.poll(() => history.health().sent, DEADLINE).toBeGreaterThan(before);
  };
  await history.start(feed);
  return { history, at, run, saved, log, lines, feed };
}

describe('the history with its thread', () => {
  it('keeps what the catalogue says and answers for it', async () => {
    const { history, run, saved } = await life();
    run(0, 55_000, { bankW: -100 });
    await saved(60_000, { bankW: -100 });
    const answer = await history.range({
      names: ['holdover_bank_power_watts'],
      fromMs: WALL0,
      toMs: WALL0 + 60_000,
      stepMs: 10_000,
      mostSeries: 5,
    });
    expect(answer.series).toMatchObject([
      { name: 'holdover_bank_power_watts', last: [-100, -100, -100, -100, -100, -100, -100] },
    ]);
    expect(history.health()).toMatchObject({ sink: 'history', up: true, dropped: 0 });
  });

  it('shows counters only when they are on the disk, and never lower after a restart', async () => {
    const first = await life();
    expect(first.history.energy()).toMatchObject({ outWh: 0 });
    first.run(0, 55_000, { bankW: -3600 });
    await first.saved(60_000, { bankW: -3600 });
    const known = first.history.energy();
    expect(known?.outWh).toBeGreaterThan(0);
    first.run(65_000, 80_000, { bankW: -3600 });
    // Counted, and not on the disk: not shown.
    expect(first.history.energy()).toEqual(known);
    await first.history.stop();

    const second = await life();
    expect(second.history.energy()?.outWh).toBeCloseTo(80, 6);
    expect(second.history.energy()?.outWh).toBeGreaterThanOrEqual(known?.outWh ?? 0);
  });

  it('tells energy of today with what is not written yet', async () => {
    const { history, run, saved } = await life({ price: { perKwh: 0.5, currency: 'CHF', hours: [] } });
    run(0, 55_000, { mainsW: 3600 });
    await saved(60_000, { mainsW: 3600 });
    run(65_000, 100_000, { mainsW: 3600 });
    const { periods, days } = await history.energySummary(2);
    expect(periods[0]).toMatchObject({
      name: 'today',
      mainsWh: expect.closeTo(100, 5),
      cost: { CHF: expect.closeTo(0.05, 6) },
    });
    expect(days.map(({ name }) => name)).toEqual(['2026-02-28', '2026-03-01']);
  });

  it('logs an outage at once, goes on with it in the next life, and keeps the journal beside it', async () => {
    const first = await life();
    first.lines.push({
      seq: 1,
      wallMs: WALL0 + 1000,
      entry: { kind: 'phase', phase: 'on-battery', because: 'mains is away' },
    });
    first.lines.push({
      seq: 2,
      wallMs: WALL0 + 1001,
      entry: { kind: 'intent', effect: { kind: 'halt', key: 'a', host: 'pi1' } },
    });
    first.run(0, 5000);
    const away = { away: true, runId: 'run-7', bankW: -360 };
    first.run(10_000, 100_000, away);
    await expect
      .poll(() => first.history.outages(0, Number.MAX_SAFE_INTEGER, 5), DEADLINE)
      .toMatchObject([{ id: 'run-7' }]);
    await first.history.stop();

    const second = await life();
    second.lines.push(...first.lines);
    second.run(110_000, 150_000, away);
    second.at({ atMs: 155_000 });
    await second.saved(260_000);
    const [outage, ...more] = await second.history.outages(0, Number.MAX_SAFE_INTEGER, 5);
    expect(more).toEqual([]);
    expect(outage).toMatchObject({ id: 'run-7', beginMs: WALL0 + 10_000, endMs: WALL0 + 155_000 });
    expect(outage?.depthWh).toBeCloseTo(9 + 4, 0);
    expect(await second.history.events(0, Number.MAX_SAFE_INTEGER, 10)).toEqual([
      { atMs: WALL0 + 1000, seq: 1, entry: { kind: 'phase', phase: 'on-battery', because: 'mains is away' } },
    ]);
  });

  it('is off when told so, writes nothing, and still counts energy', async () => {
    const { history, run } = await life({}, { enabled: false });
    run(0, 60_000, { bankW: -3600 });
    expect(history.energy()?.outWh).toBeCloseTo(60, 6);
    await expect(history.range({ names: ['a'], fromMs: 0, toMs: 1, stepMs: 1, mostSeries: 1 })).rejects.toThrow(
      'not open',
    );
  });

  it('lives without its file, says why, and comes back when it can', async () => {
    writeFileSync(join(folder, 'blocked'), '');
    const path = join(folder, 'blocked', 'history.db');
    const { history, run, saved, log, at } = await life({ path });
    expect(history.health()).toMatchObject({ up: false, trouble: expect.any(String) });
    expect(history.energy()).toBeUndefined();
    run(0, 55_000, { bankW: -3600 });
    rmSync(join(folder, 'blocked'));
    at({ atMs: 61_000, bankW: -3600 });
    await expect.poll(() => history.health().up, DEADLINE).toBe(true);
    run(65_000, 115_000, { bankW: -3600 });
    await saved(125_000, { bankW: -3600 });
    expect(history.energy()?.outWh).toBeGreaterThan(100);
    expect(history.health()).not.toHaveProperty('trouble');
    // Said when it fails anew, and not with every try.
    const said = log.messages.filter((message) => message.startsWith('history cannot be written')).length;
    expect([1, 2]).toContain(said);
  });

  it('never waits: with a thread that is busy, frames gather within their bound and the rest is counted', async () => {
    const { history, at } = await life();
    // Nothing is answered between these snapshots: the loop never comes round to it.
    for (let atMs = 0; atMs <= 10_000 * 900; atMs += 10_000) at({ atMs });
    expect(history.health().waiting).toBeLessThanOrEqual(720);
    expect(history.health().dropped).toBeGreaterThan(150);
    expect(history.health()).toMatchObject({ up: false, trouble: expect.stringContaining('busy') });
    await expect.poll(() => history.health().up, DEADLINE).toBe(true);
  });
});
