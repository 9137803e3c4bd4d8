import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf } from '../runtime/errors.ts';
import type { Notice } from './notice.ts';
import { RANK } from './notice.ts';
import type { WatchMemory } from './watch.ts';

/** What waits to be told, and what was told, in one small file. Written whole and in one step, never on the way of a snapshot. */

/** Notices a channel keeps; of more, the oldest of the least severe go and are counted. */
export const MOST_WAITING = 500;
/** Keys remembered so that nothing is told twice. */
const MOST_KEYS = 2000;

/** Notices that were put into one message. They stay one while it is tried again, so that a receiver can know it. */
export interface Batch {
  readonly id: string;
  readonly keys: readonly string[];
}

export interface Line {
  waiting: Notice[];
  batch?: Batch;
  /** When messages went out in the last hour, wall ms. */
  sentMs: number[];
}

interface Kept {
  readonly form: 1;
  readonly memory: WatchMemory;
  readonly keys: readonly string[];
  readonly lines: Readonly<Record<string, Line>>;
  readonly reports: Readonly<Record<string, string>>;
}

export class Outbox {
  readonly #path: string;
  readonly #lines = new Map<string, Line>();
  #memory: WatchMemory = {};
  #keys = new Set<string>();
  #reports: Record<string, string> = {};
  #dropped = 0;
  #writing: Promise<void> | undefined;
  #dirty = false;
  #failure: string | undefined;

  constructor(path: string, channels: readonly string[]) {
    this.#path = path;
    for (const id of channels) this.#lines.set(id, { waiting: [], sentMs: [] });
  }

  /** Reads what an earlier life left. A damaged file costs what it held; returns what to say about it. */
  async load(): Promise<string | undefined> {
    let text: string;
    try {
      text = await readFile(this.#path, 'utf8');
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : `cannot be read: ${messageOf(error)}`;
    }
    try {
      const kept = JSON.parse(text) as Partial<Kept>;
      if (kept.form !== 1) throw new Error('it is of another version');
      this.#memory = kept.memory ?? {};
      this.#keys = new Set(kept.keys ?? []);
      this.#reports = { ...kept.reports };
      for (const [id, line] of Object.entries(kept.lines ?? {})) {
        const waiting = line.waiting.filter(isNotice);
        if (this.#lines.has(id)) this.#lines.set(id, { ...line, waiting });
        // Its channel was taken out of the configuration.
        else this.#dropped += waiting.length;
      }
      return undefined;
    } catch (error) {
      return `is damaged, what waited in it is lost (${messageOf(error)})`;
    }
  }

  get memory(): WatchMemory {
    return this.#memory;
  }

  get dropped(): number {
    return this.#dropped;
  }

  get waiting(): number {
    let count = 0;
    for (const { waiting } of this.#lines.values()) count += waiting.length;
    return count;
  }

  /** Why the file cannot be written; what waits is in memory only then. */
  get failure(): string | undefined {
    return this.#failure;
  }

  line(channel: string): Line {
    const line = this.#lines.get(channel);
    if (line === undefined) throw new Error(`no channel is called ${channel}`);
    return line;
  }

  /** Period the last report of a kind was about; absent: there was none. */
  reported(every: string): string | undefined {
    return this.#reports[every];
  }

  setReported(every: string, period: string): void {
    this.#reports[every] = period;
    this.#dirty = true;
  }

  remember(memory: WatchMemory): void {
    // Ages in it change with every snapshot; they are written with the next thing that matters.
    if (JSON.stringify(stable(this.#memory)) !== JSON.stringify(stable(memory))) this.#dirty = true;
    this.#memory = memory;
  }

  /** False: it was told, or waits, already. */
  isNew(notice: Notice): boolean {
    if (this.#keys.has(notice.key)) return false;
    this.#keys.add(notice.key);
    if (this.#keys.size > MOST_KEYS) this.#keys.delete(this.#keys.values().next().value ?? '');
    this.#dirty = true;
    return true;
  }

  add(channel: string, notice: Notice): void {
    const line = this.line(channel);
    line.waiting.push(notice);
    this.#dirty = true;
    if (line.waiting.length <= MOST_WAITING) return;
    const least = Math.min(...line.waiting.map(({ severity }) => RANK[severity]));
    const index = line.waiting.findIndex(({ severity }) => RANK[severity] === least);
    line.waiting.splice(index, 1);
    this.#dropped += 1;
  }

  /** Takes out what was told, or is given up. */
  done(channel: string, keys: readonly string[], lost: boolean): void {
    const line = this.line(channel);
    const gone = new Set(keys);
    const before = line.waiting.length;
    line.waiting = line.waiting.filter(({ key }) => !gone.has(key));
    delete line.batch;
    if (lost) this.#dropped += before - line.waiting.length;
    this.#dirty = true;
  }

  setBatch(channel: string, batch: Batch): void {
    this.line(channel).batch = batch;
    this.#dirty = true;
  }

  /** Writes what has changed; never rejects. Resolves when everything up to this call is on the disk, or refused. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    if (!this.#dirty) return;
    this.#dirty = false;
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined;
    });
    await this.#writing;
  }

  async #write(): Promise<void> {
    const kept: Kept = {
      form: 1,
      memory: this.#memory,
      keys: [...this.#keys],
      lines: Object.fromEntries(this.#lines),
      reports: this.#reports,
    };
    try {
      await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
      const file = await open(`${this.#path}.new`, 'w', 0o600);
      try {
        await file.writeFile(JSON.stringify(kept));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${this.#path}.new`, this.#path);
      this.#failure = undefined;
    } catch (error) {
      this.#failure = messageOf(error);
      this.#dirty = true;
    }
  }
}

/** Without what changes all the time. */
const stable = (memory: WatchMemory): unknown => {
  const held = (all: WatchMemory['alarms']): unknown =>
    Object.entries(all ?? {}).map(([key, { told, sinceMs }]) => [key, told, sinceMs]);
  return { ...memory, alarms: held(memory.alarms), sinks: held(memory.sinks) };
};

const isNotice = (value: Partial<Notice> | null): value is Notice =>
  typeof value?.key === 'string' && typeof value.title === 'string' && typeof value.severity === 'string';
