import type { DatabaseSync } from 'node:sqlite';
import type { HealthPoint, HistoryEvent, HourSums, Outage, Save } from './records.ts';

/** Energy by hour, outages, health and events as rows. A row that cannot be read is left out. */

const MOST_EVENTS = 20_000;
const MOST_OUTAGES = 2000;

/** To be called inside a transaction. */
export function writeSave(db: DatabaseSync, save: Save): void {
  const total = db.prepare(
    'INSERT INTO totals (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = value + excluded.value',
  );
  const readHour = db.prepare('SELECT doc FROM hours WHERE at = ?');
  const writeHour = db.prepare('INSERT OR REPLACE INTO hours (at, doc) VALUES (?, ?)');
  for (const { atMs, sums } of save.hours) {
    const known = (parse((readHour.get(atMs) as { doc: string } | undefined)?.doc) ?? {}) as Record<string, number>;
    for (const [key, value] of Object.entries(sums)) {
      known[key] = (known[key] ?? 0) + value;
      total.run(key, value);
    }
    writeHour.run(
      atMs,
      JSON.stringify(known, (_, value) => (typeof value === 'number' ? Number(value.toFixed(5)) : value)),
    );
  }
  const outage = db.prepare('INSERT OR REPLACE INTO outages (id, begin, doc) VALUES (?, ?, ?)');
  for (const each of save.outages) outage.run(each.id, each.beginMs, JSON.stringify(each));
  const health = db.prepare('INSERT OR REPLACE INTO health (at, pack, kind, value, sigma) VALUES (?, ?, ?, ?, ?)');
  for (const each of save.health) health.run(each.atMs, each.pack, each.kind, each.value, each.sigma ?? null);
  const event = db.prepare('INSERT OR IGNORE INTO events (at, seq, doc) VALUES (?, ?, ?)');
  for (const each of save.events) event.run(each.atMs, each.seq, JSON.stringify(each.entry));
  if (save.events.length > 0) keepNewest(db, 'events', 'at', MOST_EVENTS);
  if (save.outages.length > 0) keepNewest(db, 'outages', 'begin', MOST_OUTAGES);
}

function keepNewest(db: DatabaseSync, table: 'events' | 'outages', by: string, most: number): void {
  db.prepare(
    `DELETE FROM ${table} WHERE ${by} < (SELECT ${by} FROM ${table} ORDER BY ${by} DESC LIMIT 1 OFFSET ?)`,
  ).run(most);
}

export function readHours(db: DatabaseSync, fromMs: number, toMs: number): HourSums[] {
  const rows = db.prepare('SELECT at, doc FROM hours WHERE at >= ? AND at < ? ORDER BY at').all(fromMs, toMs);
  return (rows as { at: number; doc: string }[]).flatMap(({ at, doc }) => {
    const sums = parse(doc);
    return sums === undefined ? [] : [{ atMs: at, sums: sums as Record<string, number> }];
  });
}

/** Newest first. */
export function readOutages(db: DatabaseSync, fromMs: number, toMs: number, limit: number): Outage[] {
  const rows = db
    .prepare('SELECT doc FROM outages WHERE begin >= ? AND begin <= ? ORDER BY begin DESC LIMIT ?')
    .all(fromMs, toMs, limit);
  return (rows as { doc: string }[]).flatMap(({ doc }) => {
    const outage = parse(doc);
    return outage === undefined ? [] : [outage as Outage];
  });
}

/** Oldest first. */
export function readHealth(db: DatabaseSync, fromMs: number): HealthPoint[] {
  const rows = db.prepare('SELECT at, pack, kind, value, sigma FROM health WHERE at >= ? ORDER BY at').all(fromMs);
  return (rows as { at: number; pack: string; kind: HealthPoint['kind']; value: number; sigma: number | null }[]).map(
    ({ at, pack, kind, value, sigma }) => ({ atMs: at, pack, kind, value, ...(sigma === null ? {} : { sigma }) }),
  );
}

/** Oldest first, the newest `limit` of the range. */
export function readEvents(db: DatabaseSync, fromMs: number, toMs: number, limit: number): HistoryEvent[] {
  const rows = db
    .prepare('SELECT at, seq, doc FROM events WHERE at >= ? AND at <= ? ORDER BY at DESC, seq DESC LIMIT ?')
    .all(fromMs, toMs, limit);
  return (rows as { at: number; seq: number; doc: string }[]).toReversed().flatMap(({ at, seq, doc }) => {
    const entry = parse(doc);
    return entry === undefined ? [] : [{ atMs: at, seq, entry: entry as { kind: string } }];
  });
}

function parse(doc: string | undefined): object | undefined {
  try {
    const value: unknown = JSON.parse(doc ?? '');
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
