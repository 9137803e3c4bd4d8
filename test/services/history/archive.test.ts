import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Archive, type ArchiveOptions } from '../../../services/history/archive.ts';
import { SCHEMA_VERSION } from '../../../services/history/database.ts';
import { decodeFrame, encodeFrame, type Span } from '../../../services/history/frame.ts';
import type { RangeQuery, Save } from '../../../services/history/records.ts';

const DAY_MS = 86_400_000;
const T0 = Date.UTC(2026, 2, 1);

let folder: string;
let options: ArchiveOptions;
const open: Archive[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdover-history-'));
  options = {
    path: join(folder, 'history.db'),
    maxBytes: 64_000_000,
    keepMs: { samples: 2 * DAY_MS, minutes: 14 * DAY_MS, quarters: 366 * DAY_MS },
  };
});

afterEach(() => {
  for (const archive of open.splice(0)) {
    try {
      archive.close();
    } catch {
      // Closed by the test.
    }
  }
  rmSync(folder, { recursive: true, force: true });
});

const opened = (wallMs: number, more: Partial<ArchiveOptions> = {}): Archive => {
  const archive = new Archive({ ...options, ...more }, wallMs);
  open.push(archive);
  return archive;
};

const emptySave = (number: number, wallMs: number, more: Partial<Save> = {}): Save => ({
  number,
  wallMs,
  hours: [],
  outages: [],
  health: [],
  events: [],
  ...more,
});

const SERIES = { name: 'holdover_bank_power_watts', labels: {} };

const feed = (archive: Archive, atMs: number, value: number, first = false): void =>
  archive.add({ atMs, values: Float64Array.of(value), added: first ? [SERIES] : [] });

const ask = (more: Partial<RangeQuery>): RangeQuery => ({
  names: [SERIES.name],
  fromMs: T0,
  toMs: T0 + DAY_MS,
  stepMs: 60_000,
  mostSeries: 20,
  ...more,
});

describe('a frame', () => {
  const span = fc
    .tuple(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.float({ noNaN: true, noDefaultInfinity: true }))
    .map(([a, b]): Span => ({ min: Math.min(a, b), mean: a, max: Math.max(a, b), last: b }));

  it('comes back as it was written', () => {
    fc.assert(
      fc.property(fc.array(fc.option(span, { nil: undefined }), { maxLength: 40 }), (spans) => {
        const all = spans.map((_, index) => index);
        const back = decodeFrame(encodeFrame(spans), all);
        expect(back.map((each) => each && [each.min, each.max, each.last])).toEqual(
          spans.map(
            (each) =>
              each && (each.min === each.max ? [each.last, each.last, each.last] : [each.min, each.max, each.last]),
          ),
        );
      }),
    );
  });

  it('is read in part, and never throws when it is cut or wrong', () => {
    const bytes = encodeFrame([
      undefined,
      { min: 1, mean: 2, max: 3, last: 2.5 },
      { min: 7, mean: 7, max: 7, last: 7 },
    ]);
    expect(decodeFrame(bytes, [2, 5, 0])).toEqual([{ min: 7, mean: 7, max: 7, last: 7 }, undefined, undefined]);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat({ max: 30 }), (noise, cut) => {
        decodeFrame(noise, [0, 3, 9, 200]);
        decodeFrame(bytes.slice(0, cut), [0, 1, 2]);
      }),
    );
  });
});

describe('the archive', () => {
  it('answers in steps with least, mean, greatest and last, and leaves gaps where nothing was', () => {
    const archive = opened(T0);
    for (let i = 0; i < 360; i += 1) if (i < 120 || i >= 240) feed(archive, T0 + i * 10_000, i % 6, i === 0);
    archive.save(emptySave(1, T0 + 3_600_000));
    const answer = archive.range(ask({ toMs: T0 + 3_600_000, stepMs: 60_000 }));
    const [series] = answer.series;
    expect(answer.stepMs).toBe(60_000);
    expect(answer.atMs).toHaveLength(40);
    expect(answer.atMs[20]).toBe(T0 + 40 * 60_000);
    expect([series?.min[3], series?.mean[3], series?.max[3], series?.last[3]]).toEqual([0, 2.5, 5, 5]);
    expect(series?.mean.every((value) => value === 2.5)).toBe(true);
  });

  it('tells series apart, adds new ones, and says nothing where one was silent', () => {
    const archive = opened(T0);
    feed(archive, T0, 5, true);
    archive.add({
      atMs: T0 + 10_000,
      values: Float64Array.of(6, 50),
      added: [{ name: 'other', labels: { host: 'a' } }],
    });
    archive.add({ atMs: T0 + 20_000, values: Float64Array.of(Number.NaN, 51), added: [] });
    archive.save(emptySave(1, T0 + 20_000));
    const { series, atMs } = archive.range(ask({ names: ['other', SERIES.name], stepMs: 10_000, toMs: T0 + 60_000 }));
    expect(atMs).toHaveLength(3);
    expect(series.map(({ name, labels, last }) => ({ name, labels, last }))).toEqual([
      { name: SERIES.name, labels: {}, last: [5, 6, null] },
      { name: 'other', labels: { host: 'a' }, last: [null, 50, 51] },
    ]);
    expect(archive.range(ask({ names: ['other', SERIES.name], mostSeries: 1 }))).toMatchObject({ more: true });
  });

  it('shows what is not written yet', () => {
    const archive = opened(T0);
    for (let i = 0; i < 12; i += 1) feed(archive, T0 + i * 10_000, i, i === 0);
    for (const stepMs of [10_000, 60_000, 900_000])
      expect(archive.range(ask({ stepMs, toMs: T0 + 120_000 })).series[0]?.last.at(-1)).toBe(11);
  });

  it.each([10_000, 60_000, 900_000])('says the same after it was killed between saves (step %i)', (stepMs) => {
    const feedAll = (archive: Archive, from: number, to: number) => {
      for (let i = from; i < to; i += 1) {
        feed(archive, T0 + i * 10_000, Math.round(Math.sin(i) * 100), i === 0);
        if (i % 6 === 5) archive.save(emptySave(i, T0 + i * 10_000));
      }
    };
    const whole = opened(T0);
    feedAll(whole, 0, 600);
    whole.close();
    const query = ask({ toMs: T0 + 6_000_000, stepMs });
    const expected = opened(T0 + 6_000_000).range(query);
    for (const each of open.splice(1)) each.close();
    open.splice(0);

    const other = { path: join(folder, 'killed.db') };
    let archive = opened(T0, other);
    // Killed at sample 276, right when a quarter and a minute have ended and are not written.
    feedAll(archive, 0, 276);
    archive.close();
    archive = opened(T0 + 276 * 10_000, other);
    expect(archive.state().series).toEqual([SERIES]);
    feedAll(archive, 276, 600);
    expect(archive.range(query)).toEqual(expected);
  });

  it('keeps one value per moment when the clock goes back, and forgets a time far ahead', () => {
    const archive = opened(T0);
    let number = 0;
    const run = (fromMs: number, samples: number, value: number) => {
      for (let i = 0; i < samples; i += 1) {
        feed(archive, fromMs + i * 10_000, value, number === 0 && i === 0);
        if (i % 6 === 5) {
          number += 1;
          archive.save(emptySave(number, fromMs + i * 10_000));
        }
      }
    };
    run(T0 + 300 * DAY_MS, 60, 9);
    run(T0, 720, 1);
    run(T0 + 3_600_000, 720, 2);
    const answer = archive.range(ask({ toMs: T0 + 3 * 3_600_000 - 1, stepMs: 900_000 }));
    expect(answer.atMs).toEqual(Array.from({ length: 12 }, (_, index) => T0 + index * 900_000));
    expect(answer.series[0]?.mean).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2]);
    expect(archive.size().samples).toBe(1080);
    expect(archive.range(ask({ fromMs: T0 + 200 * DAY_MS, toMs: T0 + 400 * DAY_MS })).atMs).toEqual([]);
  });

  it('says the newer of two values of one moment, also before it is written', () => {
    const archive = opened(T0);
    feed(archive, T0, 1, true);
    archive.save(emptySave(1, T0));
    feed(archive, T0 + 10_000, 1);
    feed(archive, T0, 9);
    const { series } = archive.range(ask({ stepMs: 10_000, toMs: T0 + 5000 }));
    expect(series).toMatchObject([{ min: [9], mean: [9], max: [9], last: [9] }]);
  });

  it('holds years in few rows and bytes', () => {
    const archive = opened(T0, { keepMs: { samples: DAY_MS / 4, minutes: DAY_MS, quarters: 5 * DAY_MS } });
    const values = new Float64Array(20);
    let number = 0;
    let most = 0;
    // A week of virtual time: the sixth and the seventh day must not be larger than the fifth.
    for (let i = 0; i < 7 * 8640; i += 1) {
      const atMs = T0 + i * 10_000;
      for (let series = 0; series < values.length; series += 1) values[series] = Math.sin(i / 50 + series) * 100;
      archive.add({
        atMs,
        values: Float64Array.from(values),
        added: i === 0 ? Array.from(values, (_, series) => ({ name: `series-${series}`, labels: {} })) : [],
      });
      if (i % 36 === 35) {
        number += 1;
        archive.save(emptySave(number, atMs));
      }
      if (i % 8640 === 0 && i >= 5 * 8640) most = Math.max(most, archive.size().bytes);
    }
    const size = archive.size();
    expect(size.samples).toBeLessThanOrEqual(2160 + 2161);
    expect(size.minutes).toBeLessThanOrEqual(1440 + 361);
    expect(size.quarters).toBeLessThanOrEqual(480 + 25);
    expect(size.bytes).toBeLessThan(most * 1.1);
    expect(statSync(options.path).size).toBeLessThan(8_000_000);
    expect(archive.dropped).toBe(0);
  });

  it('never grows beyond its bound: the oldest goes, the newest stays', () => {
    const maxBytes = 4_000_000;
    const archive = opened(T0, {
      maxBytes,
      keepMs: { samples: 90 * DAY_MS, minutes: 90 * DAY_MS, quarters: 90 * DAY_MS },
    });
    let number = 0;
    for (let i = 0; i < 12_000; i += 1) {
      archive.add({
        atMs: T0 + i * 10_000,
        values: Float64Array.from({ length: 150 }, (_, series) => i + series),
        added: i === 0 ? Array.from({ length: 150 }, (_, series) => ({ name: `s${series}`, labels: {} })) : [],
      });
      if (i % 36 === 35) {
        number += 1;
        archive.save(emptySave(number, T0 + i * 10_000));
      }
    }
    expect(archive.size().bytes).toBeLessThanOrEqual(maxBytes);
    expect(statSync(options.path).size).toBeLessThanOrEqual(maxBytes);
    const newest = archive.range(
      ask({ names: ['s0'], fromMs: T0 + 11_000 * 10_000, toMs: T0 + 12_000 * 10_000, stepMs: 10_000 }),
    );
    expect(newest.series[0]?.last.at(-1)).toBe(11_999);
    expect(newest.atMs).toHaveLength(1000);
    expect(archive.size().samples).toBeLessThan(12_000);
  });

  it('loses nothing while the disk is full, and counts what has no room in memory any more', () => {
    const archive = opened(T0);
    feed(archive, T0, 1, true);
    archive.save(emptySave(1, T0));
    const blocker = new DatabaseSync(options.path);
    blocker.exec('BEGIN IMMEDIATE');
    for (let i = 1; i < 4000; i += 1) feed(archive, T0 + i * 10_000, i);
    expect(() => archive.save(emptySave(2, T0, { hours: [{ atMs: T0, sums: { in: 5 } }] }))).toThrow('locked');
    blocker.exec('ROLLBACK');
    blocker.close();
    archive.save(emptySave(3, T0 + 40_000_000, { hours: [{ atMs: T0, sums: { in: 5 } }] }));
    expect(archive.state().totals).toEqual({ in: 5 });
    expect(archive.dropped).toBeGreaterThan(500);
    expect(archive.size().samples + archive.size().minutes + archive.size().quarters + archive.dropped).toBe(
      3999 + 1 + 666 + 44,
    );
  });

  it('writes a save once, however often it comes', () => {
    const archive = opened(T0);
    const save = emptySave(1, T0, { hours: [{ atMs: T0, sums: { in: 5, 'host:a': 1 } }] });
    archive.save(save);
    archive.save(save);
    archive.save(
      emptySave(2, T0, {
        hours: [
          { atMs: T0, sums: { in: 2 } },
          { atMs: T0 + 3_600_000, sums: { in: 1 } },
        ],
      }),
    );
    expect(archive.state()).toMatchObject({ totals: { in: 8, 'host:a': 1 }, save: 2 });
    expect(archive.hours(T0, T0 + DAY_MS)).toEqual([
      { atMs: T0, sums: { in: 7, 'host:a': 1 } },
      { atMs: T0 + 3_600_000, sums: { in: 1 } },
    ]);
  });
});

describe('the file', () => {
  it.each([
    [
      'noise',
      () => Buffer.from('this is no database at all, but long enough to be read as a header of one, is it not?'),
    ],
    ['a torn copy', () => readFileSync(options.path).subarray(0, 9000)],
    [
      'pages of zeros',
      () => {
        const bytes = readFileSync(options.path);
        bytes.fill(0, 8192, 36_000);
        return bytes;
      },
    ],
  ])('is set aside when it is damaged (%s), and that is said', (_, damage) => {
    const before = opened(T0);
    for (let i = 0; i < 3000; i += 1) feed(before, T0 + i * 10_000, i, i === 0);
    before.save(emptySave(1, T0));
    before.close();
    writeFileSync(options.path, damage());
    const archive = opened(T0 + 5);
    expect(archive.state().notes).toEqual([
      expect.stringMatching(/^the history was set aside as history\.db\.aside-\d+ and a new one begun: /),
    ]);
    expect(archive.state().notes).toEqual([]);
    feed(archive, T0, 1, true);
    archive.save(emptySave(1, T0));
    expect(archive.size().samples).toBe(1);
    expect(readdirSync(folder).filter((name) => name.includes('.aside-'))).toHaveLength(1);
  });

  it('keeps only the newest files that were set aside', () => {
    for (let i = 1; i <= 4; i += 1) {
      writeFileSync(options.path, `noise ${i} `.repeat(100));
      opened(T0 + i).close();
      rmSync(`${options.path}-wal`, { force: true });
    }
    expect(readdirSync(folder).filter((name) => name.includes('.aside-'))).toEqual([
      `history.db.aside-${T0 + 3}`,
      `history.db.aside-${T0 + 4}`,
    ]);
  });

  it('of a newer version is not touched but put aside', () => {
    opened(T0).close();
    const db = new DatabaseSync(options.path);
    db.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
    db.close();
    expect(opened(T0).state().notes[0]).toContain('newer version of holdover');
  });

  it('of an older version is brought forward with what is in it', () => {
    const first = opened(T0);
    feed(first, T0, 42, true);
    first.save(emptySave(1, T0));
    first.close();
    const db = new DatabaseSync(options.path);
    db.exec('DROP TABLE health; PRAGMA user_version = 1');
    db.close();
    const archive = opened(T0 + 1000);
    expect(archive.state().notes).toEqual([`the history was brought from form 1 to ${SCHEMA_VERSION}`]);
    archive.save(emptySave(2, T0, { health: [{ atMs: T0, pack: 'lfp1', kind: 'spread', value: 0.01 }] }));
    expect(archive.health(0)).toEqual([{ atMs: T0, pack: 'lfp1', kind: 'spread', value: 0.01 }]);
    expect(archive.range(ask({ stepMs: 10_000 })).series[0]?.last).toEqual([42]);
  });

  it('is for its owner only', () => {
    opened(T0);
    for (const tail of ['', '-wal']) expect(statSync(options.path + tail).mode & 0o077).toBe(0);
  });

  it('in a folder that cannot be is an error that says so', () => {
    writeFileSync(join(folder, 'plain'), '');
    expect(() => opened(T0, { path: join(folder, 'plain', 'history.db') })).toThrow();
  });
});
