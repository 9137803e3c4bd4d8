import type { DatabaseSync } from 'node:sqlite';
import { isDamage, isFull, openDatabase } from './database.ts';
import { readEvents, readHealth, readHours, readOutages, writeSave } from './documents.ts';
import { decodeFrame, encodeFrame } from './frame.ts';
import { type Row, readRange, TIERS, type Tier } from './range.ts';
import type {
  HealthPoint,
  HistoryEvent,
  HourSums,
  Outage,
  RangeAnswer,
  RangeQuery,
  SampleFrame,
  Save,
  SeriesName,
  Sums,
} from './records.ts';
import { Rollup, type Slot } from './rollup.ts';

export interface ArchiveOptions {
  readonly path: string;
  readonly maxBytes: number;
  readonly keepMs: Readonly<Record<Tier, number>>;
}

export interface ArchiveState {
  readonly series: readonly SeriesName[];
  readonly totals: Sums;
  /** Number of the last save that was written. */
  readonly save: number;
  /** The newest outage; it goes on when it has no end. */
  readonly outage?: Outage;
  /** Newest event, so that none is written twice. */
  readonly lastEvent?: { readonly atMs: number; readonly seq: number };
  readonly notes: readonly string[];
}

/** Frames that wait for a disk that refuses; older ones are lost and counted. */
const MOST_WAITING = 3000;
const TIDY_EVERY = 60;
/** A stamp so far in the future was made by a clock that was wrong. */
const FUTURE_MS = 86_400_000;
/** Above this share of the bound the oldest goes; near it, a full file is full because of the bound. */
const FULL_SHARE = 0.85;
const NEAR_SHARE = 0.95;

/** Encoded at once: as objects, the frames of hours would fill the memory of the thread. */
interface Waiting extends Row {
  readonly table: Tier;
}

/**
 * The history on disk: samples as taken, minutes and quarters of an hour, each kept for its time, all within a bound of
 * bytes. Synchronous; the worker runs it, so that no slow disk holds up anything else.
 */
export class Archive {
  readonly #options: ArchiveOptions;
  #db: DatabaseSync;
  #series: SeriesName[] = [];
  #rollups: Readonly<Record<'minutes' | 'quarters', Rollup>> = newRollups();
  #waiting: Waiting[] = [];
  #dropped = 0;
  #saves = 0;
  #notes: string[];
  #totals: Sums = {};

  /** @throws when no file can be made at `path`. */
  constructor(options: ArchiveOptions, wallMs: number) {
    this.#options = options;
    const { db, notes } = openDatabase(options.path, options.maxBytes, wallMs);
    this.#db = db;
    this.#notes = [...notes];
    this.#series = (
      db.prepare('SELECT name, labels FROM series ORDER BY id').all() as { name: string; labels: string }[]
    ).map(({ name, labels }) => ({ name, labels: JSON.parse(labels) as Record<string, string> }));
    this.#resume(wallMs);
  }

  /** What a new life has to know; notes are handed out once. */
  state(): ArchiveState {
    const totals: Record<string, number> = {};
    for (const row of this.#db.prepare('SELECT key, value FROM totals').all() as { key: string; value: number }[])
      totals[row.key] = row.value;
    const save = totals[SAVE_KEY] ?? 0;
    delete totals[SAVE_KEY];
    this.#totals = totals;
    const [outage] = readOutages(this.#db, 0, Number.MAX_SAFE_INTEGER, 1);
    const last = this.#db.prepare('SELECT at, seq FROM events ORDER BY at DESC, seq DESC LIMIT 1').get() as
      | { at: number; seq: number }
      | undefined;
    const notes = this.#notes;
    this.#notes = [];
    return {
      series: this.#series,
      totals,
      save,
      notes,
      ...(outage === undefined ? {} : { outage }),
      ...(last === undefined ? {} : { lastEvent: { atMs: last.at, seq: last.seq } }),
    };
  }

  /** Samples lost because they could not be written. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes a sample; it is on the disk after the next `save`. */
  add({ atMs, values, added }: SampleFrame): void {
    this.#series.push(...added);
    this.#wait('samples', { atMs, spans: Array.from(values, (value) => spanOf(value)) });
    this.#roll(atMs, values);
  }

  /**
   * Writes what waits and `save`, together or not at all.
   * @throws what the disk says; the samples go on waiting within their bound, and the caller keeps its save
   */
  save(save: Save): void {
    try {
      this.#write(save);
    } catch (error) {
      if (isDamage(error)) this.#beginAnew(save.wallMs);
      // At its own bound it makes room; on a disk that is full, throwing history away would help nobody.
      else if (isFull(error) && this.#bytes() > this.#options.maxBytes * NEAR_SHARE) this.#makeRoom();
      else throw error;
      this.#write(save);
    }
    this.#saves += 1;
    if (this.#saves % TIDY_EVERY === 1) this.#tidy(save.wallMs);
  }

  range(query: RangeQuery): RangeAnswer {
    const open = (table: Tier): Row[] => {
      const slot = table === 'samples' ? undefined : this.#rollups[table].open();
      return slot === undefined ? [] : [rowOf(slot)];
    };
    const waiting = (table: Tier): Row[] => [...this.#waiting.filter((each) => each.table === table), ...open(table)];
    return readRange(this.#db, this.#series, query, waiting);
  }

  series(): readonly SeriesName[] {
    return this.#series;
  }

  hours(fromMs: number, toMs: number): HourSums[] {
    return readHours(this.#db, fromMs, toMs);
  }

  outages(fromMs: number, toMs: number, limit: number): Outage[] {
    return readOutages(this.#db, fromMs, toMs, limit);
  }

  health(fromMs: number): HealthPoint[] {
    return readHealth(this.#db, fromMs);
  }

  events(fromMs: number, toMs: number, limit: number): HistoryEvent[] {
    return readEvents(this.#db, fromMs, toMs, limit);
  }

  /** Rows of each tier and bytes of the file. */
  size(): Readonly<Record<Tier | 'bytes', number>> {
    const count = (table: Tier): number =>
      (this.#db.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n;
    return { samples: count('samples'), minutes: count('minutes'), quarters: count('quarters'), bytes: this.#bytes() };
  }

  close(): void {
    this.#db.close();
  }

  /**
   * Slots that were open, or closed and not written, are made again from the samples in them, so that a restart neither
   * loses nor counts twice.
   */
  #resume(wallMs: number): void {
    const { at } = this.#db.prepare('SELECT max(at) AS at FROM quarters WHERE at <= ?').get(wallMs) as {
      at: number | null;
    };
    const since = Math.max(at ?? 0, wallMs - RESUME_MS);
    const all = this.#series.map((_, index) => index);
    const rows = this.#db.prepare('SELECT at, data FROM samples WHERE at >= ? AND at <= ? ORDER BY at');
    for (const row of rows.iterate(since, wallMs)) {
      const { at: atMs, data } = row as { at: number; data: Uint8Array };
      this.#roll(
        atMs,
        Float64Array.from(decodeFrame(data, all), (span) => span?.last ?? Number.NaN),
      );
    }
  }

  #roll(atMs: number, values: Float64Array): void {
    for (const table of ['minutes', 'quarters'] as const) {
      const closed = this.#rollups[table].add(atMs, values);
      if (closed !== undefined) this.#wait(table, closed);
    }
  }

  #wait(table: Tier, slot: Slot): void {
    this.#waiting.push({ table, ...rowOf(slot) });
    if (this.#waiting.length <= MOST_WAITING) return;
    this.#waiting.shift();
    this.#dropped += 1;
  }

  #write(save: Save): void {
    const db = this.#db;
    db.exec('BEGIN IMMEDIATE');
    try {
      const series = db.prepare('INSERT OR IGNORE INTO series (id, name, labels) VALUES (?, ?, ?)');
      const known = (db.prepare('SELECT count(*) AS n FROM series').get() as { n: number }).n;
      this.#series.slice(known).forEach(({ name, labels }, index) => {
        series.run(known + index, name, JSON.stringify(labels));
      });
      for (const table of TIERS) {
        const insert = db.prepare(`INSERT OR REPLACE INTO ${table} (at, data) VALUES (?, ?)`);
        for (const { atMs, data } of this.#waiting.filter((each) => each.table === table)) insert.run(atMs, data);
      }
      const last = db.prepare('SELECT value FROM totals WHERE key = ?').get(SAVE_KEY) as { value: number } | undefined;
      if (save.number > (last?.value ?? 0)) {
        writeSave(db, save);
        db.prepare('INSERT OR REPLACE INTO totals (key, value) VALUES (?, ?)').run(SAVE_KEY, save.number);
      }
      db.exec('COMMIT');
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
    this.#waiting = [];
  }

  /** The file was damaged while we ran. What is in memory goes into a new one. */
  #beginAnew(wallMs: number): void {
    try {
      this.#db.close();
    } catch {
      // Its handle is of no use any more.
    }
    const { db, notes } = openDatabase(this.#options.path, this.#options.maxBytes, wallMs);
    this.#db = db;
    this.#notes.push(...notes);
    // Counters do not begin anew with the file.
    const total = db.prepare('INSERT OR REPLACE INTO totals (key, value) VALUES (?, ?)');
    for (const [key, value] of Object.entries(this.#totals)) total.run(key, value);
  }

  /** Removes what is older than its time, or stamped by a clock that was far ahead, and keeps below the bound. */
  #tidy(wallMs: number): void {
    const db = this.#db;
    for (const table of TIERS)
      db.prepare(`DELETE FROM ${table} WHERE at < ? OR at > ?`).run(
        wallMs - this.#options.keepMs[table],
        wallMs + FUTURE_MS,
      );
    const oldestMs = wallMs - Math.max(...Object.values(this.#options.keepMs));
    db.prepare('DELETE FROM hours WHERE at < ?').run(oldestMs);
    db.prepare('DELETE FROM events WHERE at < ?').run(oldestMs);
    this.#makeRoom();
    db.exec('PRAGMA incremental_vacuum');
  }

  #makeRoom(): void {
    for (let round = 0; round < 20 && this.#bytes() > this.#options.maxBytes * FULL_SHARE; round += 1) this.#shed();
  }

  /** The oldest tenth of the tier that holds the most goes. */
  #shed(): void {
    let most: { table: Tier; rows: number; bytes: number } | undefined;
    for (const table of TIERS) {
      const { rows, length } = this.#db
        .prepare(
          `SELECT count(*) AS rows, coalesce((SELECT length(data) FROM ${table} ORDER BY at DESC LIMIT 1), 0) AS length FROM ${table}`,
        )
        .get() as { rows: number; length: number };
      const bytes = rows * (length + 20);
      if (most === undefined || bytes > most.bytes) most = { table, rows, bytes };
    }
    if (most === undefined || most.rows === 0) return;
    this.#db
      .prepare(`DELETE FROM ${most.table} WHERE at IN (SELECT at FROM ${most.table} ORDER BY at LIMIT ?)`)
      .run(Math.ceil(most.rows / 10));
    this.#db.exec('PRAGMA incremental_vacuum');
  }

  #bytes(): number {
    const pragma = (name: string): number =>
      Number(Object.values(this.#db.prepare(`PRAGMA ${name}`).get() ?? {})[0] ?? 0);
    return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size');
  }
}

const QUARTER_MS = 900_000;
/** Slots older than this are not made again. */
const RESUME_MS = 86_400_000;
const SAVE_KEY = '#save';

const newRollups = () => ({ minutes: new Rollup(60_000), quarters: new Rollup(QUARTER_MS) });

const rowOf = ({ atMs, spans }: Slot): Row => ({ atMs, data: encodeFrame(spans) });

const spanOf = (value: number) =>
  Number.isFinite(value) ? { min: value, mean: value, max: value, last: value } : undefined;
