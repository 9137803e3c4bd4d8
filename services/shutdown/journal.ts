import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import type { JournalEntry } from './state.ts';
import type { JournalLine } from './view.ts';

/** What a journal needs of a file system; `node:fs` is one. */
export interface JournalDisk {
  mkdirSync(path: string, options: { recursive: true; mode: number }): unknown;
  readFileSync(path: string, encoding: 'utf8'): string;
  openSync(path: string, flags: 'a', mode: number): number;
  writeSync(fd: number, bytes: Uint8Array, offset: number): number;
  /** What was written before is safe from now on. */
  fsyncSync(fd: number): void;
  fstatSync(fd: number): { readonly size: number };
  ftruncateSync(fd: number, bytes: number): void;
  truncateSync(path: string, bytes: number): void;
  renameSync(from: string, to: string): void;
  closeSync(fd: number): void;
}

/** What the coordinator needs of its record. */
export interface JournalKeeper {
  readonly path: string;
  /** Why lines cannot be written at present. */
  readonly failure: string | undefined;
  open(): { readonly lines: readonly JournalLine[]; readonly damage: readonly string[] };
  /** False: nothing of this is safe yet. */
  append(entries: readonly JournalEntry[]): boolean;
  tail(limit: number): readonly JournalLine[];
  /** `carried`: what the new file must begin with. */
  rotate(carried?: readonly JournalEntry[]): void;
  close(): void;
}

/**
 * The append-only record: one JSON object per line, flushed to the disk before `append` returns. Writing is
 * synchronous on purpose: an effect must not begin before its intent is safe, and there are few lines.
 */
export class Journal implements JournalKeeper {
  readonly path: string;
  readonly #wallMs: () => number;
  readonly #disk: JournalDisk;
  #fd: number | undefined;
  #seq = 0;
  #tail: JournalLine[] = [];
  #failure: string | undefined;
  #pending: JournalLine[] = [];
  /** Number of the first line of this file. */
  #beganSeq = 0;

  constructor(stateDir: string, wallMs: () => number, disk: JournalDisk = fs) {
    this.path = join(stateDir, 'journal.jsonl');
    this.#wallMs = wallMs;
    this.#disk = disk;
  }

  /** Why lines cannot be written at present. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /**
   * Opens or makes the file and gives back what is in it. A last line that was torn by a crash is cut off; a damaged
   * line elsewhere is left out and named in `damage`.
   */
  open(): { lines: readonly JournalLine[]; damage: readonly string[] } {
    this.#disk.mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    const { lines, damage, soundBytes } = readJournal(this.path, this.#disk);
    if (soundBytes !== undefined) this.#disk.truncateSync(this.path, soundBytes);
    this.#fd = this.#disk.openSync(this.path, 'a', 0o600);
    this.#seq = lines.at(-1)?.seq ?? 0;
    this.#tail = lines.slice(-TAIL);
    this.#beganSeq = lines.at(0)?.seq ?? 0;
    return { lines, damage };
  }

  /** Writes and flushes. False when the disk refuses: the lines are kept and tried again with the next call. */
  append(entries: readonly JournalEntry[]): boolean {
    for (const entry of entries) {
      this.#seq += 1;
      this.#pending.push({ seq: this.#seq, wallMs: Math.round(this.#wallMs()), entry });
    }
    if (this.#pending.length === 0) return this.#failure === undefined;
    // A full disk must not become a full memory; the newest lines say how things stand.
    if (this.#pending.length > MOST_PENDING) this.#pending = this.#pending.slice(-MOST_PENDING);
    try {
      if (this.#fd === undefined) throw new Error('journal is not open');
      appendAll(this.#disk, this.#fd, this.#pending.map((line) => `${JSON.stringify(line)}\n`).join(''));
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
      return false;
    }
    this.#tail = [...this.#tail, ...this.#pending].slice(-TAIL);
    this.#pending = [];
    this.#failure = undefined;
    return true;
  }

  /** The newest `limit` lines, oldest first. */
  tail(limit: number): readonly JournalLine[] {
    return this.#tail.slice(-limit);
  }

  /** Puts a finished record aside (`journal.<time>.jsonl`) and begins a new file, once it has grown. */
  rotate(carried: readonly JournalEntry[] = []): void {
    if (this.#fd === undefined || this.#seq - this.#beganSeq < ROTATE_AFTER_LINES) return;
    try {
      this.#disk.renameSync(this.path, join(dirname(this.path), `journal.${Math.round(this.#wallMs())}.jsonl`));
      const fd = this.#disk.openSync(this.path, 'a', 0o600);
      this.#disk.closeSync(this.#fd);
      this.#fd = fd;
      // The numbers go on: the new file begins with a line that carries the last of them.
      this.append([{ kind: 'note', text: 'a new file begins' }, ...carried]);
    } catch {
      // The old file goes on; it is tried again after as many lines.
    }
    this.#beganSeq = this.#seq;
  }

  close(): void {
    if (this.#fd !== undefined) this.#disk.closeSync(this.#fd);
    this.#fd = undefined;
  }
}

const TAIL = 1000;
const MOST_PENDING = 2000;
const ROTATE_AFTER_LINES = 5000;

/** All of it, flushed, or nothing: half a line would swallow the next one. */
function appendAll(disk: JournalDisk, fd: number, text: string): void {
  const bytes = Buffer.from(text);
  const before = disk.fstatSync(fd).size;
  try {
    let written = 0;
    while (written < bytes.length) written += disk.writeSync(fd, bytes, written);
    disk.fsyncSync(fd);
  } catch (error) {
    disk.ftruncateSync(fd, before);
    throw error;
  }
}

/** Reads a journal file without changing it. `soundBytes` is set when a torn last line should be cut off there. */
export function readJournal(
  path: string,
  disk: JournalDisk = fs,
): {
  lines: readonly JournalLine[];
  damage: readonly string[];
  soundBytes?: number;
} {
  let text: string;
  try {
    text = disk.readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { lines: [], damage: [] };
    throw error;
  }
  const end = text.lastIndexOf('\n') + 1;
  const lines: JournalLine[] = [];
  const damage: string[] = [];
  text
    .slice(0, end)
    .split('\n')
    .forEach((row, index) => {
      if (row === '') return;
      const line = parseLine(row);
      if (line === undefined) damage.push(`line ${index + 1} is not a journal line`);
      else lines.push(line);
    });
  if (end === text.length) return { lines, damage };
  return { lines, damage, soundBytes: Buffer.byteLength(text.slice(0, end)) };
}

function parseLine(row: string): JournalLine | undefined {
  try {
    const line = JSON.parse(row) as Partial<JournalLine> | null;
    if (typeof line?.seq !== 'number' || typeof line.wallMs !== 'number') return undefined;
    if (typeof line.entry?.kind !== 'string') return undefined;
    return { seq: line.seq, wallMs: line.wallMs, entry: line.entry };
  } catch {
    return undefined;
  }
}
