import { historyRows } from './history.ts';

/** One moment of a recorded outage. Positive current discharges the pack, as everywhere in the planner. */
export interface Reading {
  /** Since the first reading. */
  readonly seconds: number;
  readonly volts: number;
  readonly amperes: number;
  /** What the BMS said of its charge, 0..1. */
  readonly socRatio?: number | undefined;
}

export interface Recording {
  readonly readings: readonly Reading[];
  /** Wall time of the first reading, ms since the epoch; undefined when the recording only counts seconds. */
  readonly beganMs: number | undefined;
  /** What the reader should know of how it was read. */
  readonly notes: readonly string[];
}

/** A recording that cannot be used; every problem names its line. */
export class RecordingError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.slice(0, MOST_PROBLEMS).join('; '));
    this.name = 'RecordingError';
    this.problems = problems;
  }
}

const MOST_PROBLEMS = 5;
/** More than a reading a second for a week. */
const MOST_READINGS = 700_000;

/** Names a column may have, the unit last: as people export them, and as holdover itself names a pack's sample. */
const NAMES = {
  time: ['time', 't', 't_s', 'seconds', 'timestamp', 'ts', 'date', 'datetime', 'measuredatms', 'wallms', 'time_ms'],
  volts: ['v', 'volts', 'voltage', 'voltage_v', 'voltagev', 'pack_v'],
  amperes: ['a', 'i', 'amps', 'amperes', 'current', 'current_a', 'currenta', 'pack_a'],
  watts: ['w', 'p', 'watts', 'power', 'power_w', 'powerw', 'pack_w'],
  soc: ['soc', 'socratio', 'soc_ratio', 'soc_percent', 'soc_pct'],
} as const;
type Column = keyof typeof NAMES;

interface Row {
  readonly line: number;
  readonly cells: Readonly<Partial<Record<Column, unknown>>>;
}

/**
 * Reads a recorded outage: CSV with a header, or one JSON object per line. Wanted are a time (seconds, ms since the epoch,
 * or ISO 8601), V, and A or W; a state of charge (0..1, or per cent) may be there. Lines that begin with # are passed over.
 * An answer of holdover's own history is read as well.
 * @throws RecordingError naming the lines that make no sense.
 */
export function readRecording(text: string): Recording {
  const history = historyOf(text);
  if (history !== undefined) return history;
  const lines = text.split('\n').map((raw, i) => ({ line: i + 1, raw: raw.trim() }));
  const used = lines.filter(({ raw }) => raw !== '' && !raw.startsWith('#'));
  const [first] = used;
  if (first === undefined) throw new RecordingError(['the file is empty']);
  if (used.length > MOST_READINGS)
    throw new RecordingError([`${used.length} lines: at most ${MOST_READINGS} are read`]);
  return recordingOf(first.raw.startsWith('{') ? jsonRows(used) : csvRows(used));
}

/** An answer of the history, where it is one: a document of its own, with null where nothing was known. */
function historyOf(text: string): Recording | undefined {
  if (!text.trimStart().startsWith('{') || !text.includes('"series"')) return undefined;
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return undefined;
  }
  const rows = historyRows(document);
  if (rows === undefined) return undefined;
  if (typeof rows === 'string') throw new RecordingError([rows]);
  return recordingOf(
    rows.map(({ atMs, volts, amperes, soc }, i) => ({
      line: i + 1,
      cells: { time: atMs, volts, amperes: -amperes, ...(soc !== undefined && { soc }) },
    })),
  );
}

function jsonRows(lines: readonly { line: number; raw: string }[]): readonly Row[] {
  return lines.map(({ line, raw }) => {
    let value: unknown;
    try {
      value = JSON.parse(raw);
    } catch {
      throw new RecordingError([`line ${line}: expected one JSON object`]);
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new RecordingError([`line ${line}: expected one JSON object`]);
    }
    const cells: Partial<Record<Column, unknown>> = {};
    for (const [key, cell] of Object.entries(value)) {
      const column = columnOf(key);
      if (column !== undefined) cells[column] ??= cell;
    }
    return { line, cells };
  });
}

function csvRows([head, ...rest]: readonly { line: number; raw: string }[]): readonly Row[] {
  const split = (raw: string): string[] => raw.split(/[,;\t]/).map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'));
  const columns = split(head?.raw ?? '').map(columnOf);
  if (!columns.includes('time') || !columns.includes('volts')) {
    const wanted = 'expected a header with a time, V, and A or W, e.g. time,v,a';
    throw new RecordingError([`line ${head?.line ?? 1}: ${wanted}`]);
  }
  return rest.map(({ line, raw }) => {
    const cells: Partial<Record<Column, unknown>> = {};
    for (const [i, cell] of split(raw).entries()) {
      const column = columns[i];
      if (column !== undefined && cell !== '') cells[column] ??= cell;
    }
    return { line, cells };
  });
}

function columnOf(name: string): Column | undefined {
  const plain = name
    .trim()
    .toLowerCase()
    .replace(/^"(.*)"$/, '$1')
    .replaceAll(/[\s-]+/g, '_')
    .replaceAll(/[()[\]]/g, '');
  return (Object.keys(NAMES) as Column[]).find((column) => (NAMES[column] as readonly string[]).includes(plain));
}

interface Raw {
  readonly timeS: number;
  readonly epoch: boolean;
  readonly volts: number;
  readonly amperes: number;
  readonly soc: number | undefined;
}

function recordingOf(rows: readonly Row[]): Recording {
  const problems: string[] = [];
  const raws: Raw[] = [];
  let repeated = 0;
  for (const row of rows) {
    const raw = rawOf(row, raws.at(-1));
    if (typeof raw === 'string') problems.push(`line ${row.line}: ${raw}`);
    else if (raw.timeS === raws.at(-1)?.timeS) repeated++;
    else raws.push(raw);
    if (problems.length >= 20) break;
  }
  if (problems.length > 0) throw new RecordingError(problems);
  const [first] = raws;
  if (first === undefined) throw new RecordingError(['there is no reading in it']);
  const notes: string[] = [];
  const sign = signOf(raws);
  if (sign < 0) notes.push('its current is negative while the pack discharges: turned round');
  if (repeated > 0) notes.push(`${repeated} readings of a time that was there already: left out`);
  const percent = raws.some(({ soc }) => soc !== undefined && soc > 1.5) ? 100 : 1;
  return {
    readings: raws.map(({ timeS, volts, amperes, soc }) => ({
      seconds: timeS - first.timeS,
      volts,
      amperes: sign * amperes,
      ...(soc !== undefined && { socRatio: Math.min(soc / percent, 1) }),
    })),
    beganMs: first.epoch ? Math.round(first.timeS * 1000) : undefined,
    notes,
  };
}

/** A row as figures, or what is wrong with it. */
function rawOf({ cells }: Row, before: Raw | undefined): Raw | string {
  const time = timeOf(cells.time);
  if (time === undefined) return `time is ${shown(cells.time)}: expected seconds, ms since the epoch, or ISO 8601`;
  if (before !== undefined && time.timeS < before.timeS) {
    return `time is ${shown(cells.time)}: expected no earlier than the line before`;
  }
  if (before !== undefined && time.epoch !== before.epoch) return 'time has another form than in the lines before';
  const volts = numberOf(cells.volts);
  if (volts === undefined || !(volts > 0 && volts <= 1500)) {
    return `V is ${shown(cells.volts)}: expected above 0, at most 1500`;
  }
  const watts = numberOf(cells.watts);
  const amperes = numberOf(cells.amperes) ?? (watts === undefined ? undefined : watts / volts);
  if (amperes === undefined || Math.abs(amperes) > 100_000) {
    return `A is ${shown(cells.amperes)}, W is ${shown(cells.watts)}: expected one of them as a number`;
  }
  const soc = cells.soc === undefined || cells.soc === null ? undefined : numberOf(cells.soc);
  if (soc !== undefined && !(soc >= 0 && soc <= 105)) return `the state of charge is ${soc}: expected 0..1 or per cent`;
  return { ...time, volts, amperes, soc };
}

/** Numbers from this on are ms since the epoch, and from the smaller one on seconds since it; below they only count. */
const EPOCH_MS = 1e11;
const EPOCH_S = 1e9;

function timeOf(cell: unknown): { readonly timeS: number; readonly epoch: boolean } | undefined {
  const number = numberOf(cell);
  if (number !== undefined) {
    if (number >= EPOCH_MS) return { timeS: number / 1000, epoch: true };
    return number >= 0 ? { timeS: number, epoch: number >= EPOCH_S } : undefined;
  }
  if (typeof cell !== 'string' || !/^\d{4}-\d{2}-\d{2}[T ]/.test(cell)) return undefined;
  const ms = Date.parse(cell);
  return Number.isNaN(ms) ? undefined : { timeS: ms / 1000, epoch: true };
}

function numberOf(cell: unknown): number | undefined {
  if (typeof cell === 'number') return Number.isFinite(cell) ? cell : undefined;
  if (typeof cell !== 'string' || cell === '') return undefined;
  const value = Number(cell.replace(/%$/, ''));
  return Number.isFinite(value) ? value : undefined;
}

/**
 * 1 when positive current discharges. A recording of one sign is a discharge; where both occur, the voltage falls while
 * the pack gives current and rises while it takes it.
 */
function signOf(raws: readonly Raw[]): 1 | -1 {
  const out = raws.reduce((most, { amperes }) => Math.max(most, amperes), 0);
  const back = raws.reduce((most, { amperes }) => Math.max(most, -amperes), 0);
  if (Math.min(out, back) < 0.02 * Math.max(out, back)) return back > out ? -1 : 1;
  let falling = 0;
  for (const [i, one] of raws.entries()) {
    const next = raws[i + 1];
    if (next !== undefined) falling += ((one.amperes + next.amperes) / 2) * (one.volts - next.volts);
  }
  return falling < 0 ? -1 : 1;
}

function shown(value: unknown): string {
  const text = value === undefined ? 'missing' : JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
