import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** The file: opened, brought up to date, or set aside when it is damaged. */

/** Each brings a file from the version of its place to the next one. Never changed once released. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE series (id INTEGER PRIMARY KEY, name TEXT NOT NULL, labels TEXT NOT NULL, UNIQUE (name, labels));
   CREATE TABLE samples (at INTEGER PRIMARY KEY, data BLOB NOT NULL);
   CREATE TABLE minutes (at INTEGER PRIMARY KEY, data BLOB NOT NULL);
   CREATE TABLE quarters (at INTEGER PRIMARY KEY, data BLOB NOT NULL);
   CREATE TABLE totals (key TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;
   CREATE TABLE hours (at INTEGER PRIMARY KEY, doc TEXT NOT NULL);
   CREATE TABLE events (at INTEGER NOT NULL, seq INTEGER NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (at, seq)) WITHOUT ROWID;
   CREATE TABLE outages (id TEXT PRIMARY KEY, begin INTEGER NOT NULL, doc TEXT NOT NULL);
   CREATE INDEX outages_by_begin ON outages (begin);`,
  `CREATE TABLE health (at INTEGER NOT NULL, pack TEXT NOT NULL, kind TEXT NOT NULL, value REAL NOT NULL, sigma REAL,
     PRIMARY KEY (pack, kind, at)) WITHOUT ROWID;`,
];

export const SCHEMA_VERSION = MIGRATIONS.length;

const PAGE_BYTES = 4096;
/** Files set aside that are kept; an older one goes. */
const MOST_ASIDE = 2;

export interface Opened {
  readonly db: DatabaseSync;
  /** What a person should know: a file was set aside, or brought up to date. */
  readonly notes: readonly string[];
}

/**
 * Opens or makes the file. A damaged one, or one of a newer version, is renamed and a new one begun: the history is a
 * convenience and must not keep the service from starting.
 * @throws when even a new file cannot be made (no rights, no room)
 */
export function openDatabase(path: string, maxBytes: number, wallMs: number): Opened {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    return prepared(path, maxBytes);
  } catch (error) {
    if (!(error instanceof Unusable) && !isDamage(error)) throw error;
    const aside = setAside(path, wallMs);
    const because = error instanceof Error ? error.message : String(error);
    const { db, notes } = prepared(path, maxBytes);
    return { db, notes: [`the history was set aside as ${basename(aside)} and a new one begun: ${because}`, ...notes] };
  }
}

class Unusable extends Error {}

/** SQLite says the file is not what it should be; other failures (full, locked, no rights) are not cured by a new one. */
export const isDamage = (error: unknown): boolean => [CORRUPT, NOT_A_DATABASE].includes(codeOf(error));

/** Neither the disk nor the bound of the file has room for more. */
export const isFull = (error: unknown): boolean => codeOf(error) === FULL;

/** Primary result code of SQLite; 0 of other errors. */
function codeOf(error: unknown): number {
  const { errcode } = error as { errcode?: unknown };
  return typeof errcode === 'number' ? errcode & 0xff : 0;
}

const CORRUPT = 11;
const FULL = 13;
const NOT_A_DATABASE = 26;

function prepared(path: string, maxBytes: number): Opened {
  const db = new DatabaseSync(path, { timeout: 2000 });
  try {
    // What a rack does by day tells when nobody is at home.
    chmodSync(path, 0o600);
    db.exec('PRAGMA auto_vacuum = INCREMENTAL');
    db.exec('PRAGMA journal_mode = WAL');
    // Every commit is on the disk: counters that were shown must never go back after a power cut.
    db.exec('PRAGMA synchronous = FULL');
    db.exec('PRAGMA cache_size = -2000');
    db.exec('PRAGMA journal_size_limit = 4000000');
    const [check] = Object.values(db.prepare('PRAGMA quick_check(1)').get() ?? {});
    if (check !== 'ok') throw new Unusable(`the file is damaged (${String(check).slice(0, 100)})`);
    const notes = migrate(db);
    db.exec(`PRAGMA max_page_count = ${Math.max(256, Math.floor(maxBytes / PAGE_BYTES))}`);
    return { db, notes };
  } catch (error) {
    db.close();
    throw error;
  }
}

function migrate(db: DatabaseSync): string[] {
  const from = Number(Object.values(db.prepare('PRAGMA user_version').get() ?? {})[0] ?? 0);
  if (from > SCHEMA_VERSION)
    throw new Unusable(
      `it was written by a newer version of holdover (form ${from}, this one knows ${SCHEMA_VERSION})`,
    );
  for (let version = from; version < SCHEMA_VERSION; version += 1) {
    db.exec(`BEGIN; ${MIGRATIONS[version]} PRAGMA user_version = ${version + 1}; COMMIT`);
  }
  return from === 0 || from === SCHEMA_VERSION
    ? []
    : [`the history was brought from form ${from} to ${SCHEMA_VERSION}`];
}

function setAside(path: string, wallMs: number): string {
  const folder = dirname(path);
  const name = `${basename(path)}.aside-`;
  const aside = join(folder, `${name}${Math.round(wallMs)}`);
  renameSync(path, aside);
  // What belongs to the old file would be taken for the new one's.
  for (const tail of ['-wal', '-shm']) rmSync(`${path}${tail}`, { force: true });
  const older = readdirSync(folder)
    .filter((each) => each.startsWith(name))
    .sort();
  for (const each of older.slice(0, -MOST_ASIDE)) rmSync(join(folder, each), { force: true });
  return aside;
}
