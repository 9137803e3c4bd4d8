import { mkdir, open, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Batch,
  frame,
  HEADER_BYTES,
  headerOf,
  isSegment,
  scan,
  segmentNumber,
  segmentPath,
} from './spool-segment.ts';

/** So much goes into one file before the next one begins; also the grain in which the oldest is dropped. */
const SEGMENT_BYTES = 1 << 20;

/** The oldest batch and where it stands, for `done`. */
export interface Waiting extends Batch {
  readonly segment: number;
  readonly end: number;
}

export interface SpoolLimits {
  readonly maxBytes: number;
  /** For tests. */
  readonly segmentBytes?: number;
}

interface Segment {
  readonly number: number;
  bytes: number;
  lines: number;
  /** Where reading goes on. */
  readAt: number;
}

/**
 * First in, first out on disk, bounded in bytes: when it is full the oldest file goes and its lines are counted. Every
 * append is flushed. What a crash tore off the end of a file is left out; what was taken and not yet noted as done comes
 * again, at most one batch. Calls are worked off one after the other; only `append` tells of a disk that refuses.
 */
export class Spool {
  readonly #dir: string;
  readonly #maxBytes: number;
  readonly #segmentBytes: number;
  #segments: Segment[] = [];
  /** Those of this life that can be appended to. */
  readonly #open = new WeakSet<Segment>();
  #next = 1;
  #lost = 0;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(dir: string, limits: SpoolLimits) {
    this.#dir = dir;
    this.#maxBytes = limits.maxBytes;
    this.#segmentBytes = Math.min(limits.segmentBytes ?? SEGMENT_BYTES, Math.max(1, limits.maxBytes / 4));
  }

  /** Lines that wait. */
  get lines(): number {
    return this.#segments.reduce((sum, { lines }) => sum + lines, 0);
  }

  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get empty(): boolean {
    return this.#segments.every(({ lines }) => lines === 0);
  }

  /** Lines that were crowded out or found damaged since the start. */
  get lost(): number {
    return this.#lost;
  }

  /** Finds what an earlier life has left. @throws when the folder cannot be made or read */
  open(): Promise<void> {
    return this.#inTurn(async () => {
      await mkdir(this.#dir, { recursive: true, mode: 0o700 });
      const numbers = (await readdir(this.#dir)).filter(isSegment).map(segmentNumber);
      const cursor = await this.#readCursor();
      this.#next = Math.max(0, cursor.segment, ...numbers) + 1;
      for (const number of numbers.toSorted((a, b) => a - b)) await this.#find(number, cursor);
      await this.#dropOldest();
    });
  }

  /** @throws when the disk does not take it; nothing of it is kept then */
  append(batch: Batch): Promise<void> {
    return this.#inTurn(async () => {
      const bytes = frame(batch);
      const segment = this.#segmentFor(bytes.length);
      const before = segment.bytes;
      const path = segmentPath(this.#dir, segment.number);
      try {
        const file = await open(path, 'a', 0o600);
        try {
          await file.appendFile(bytes);
          await file.datasync();
        } finally {
          await file.close();
        }
      } catch (error) {
        // Half a batch would hide the next one.
        await truncate(path, before).catch(() => this.#open.delete(segment));
        throw error;
      }
      segment.bytes += bytes.length;
      segment.lines += batch.lines;
      await this.#dropOldest();
    });
  }

  /** The oldest batch, which stays until it is `done`; nothing when none waits. */
  oldest(): Promise<Waiting | undefined> {
    return this.#inTurn(async () => {
      for (;;) {
        const segment = this.#segments.find(({ lines }) => lines > 0);
        if (segment === undefined) return undefined;
        const found = await this.#read(segment).catch(() => undefined);
        if (found !== undefined) return found;
        this.#lost += segment.lines;
        await this.#remove(segment);
      }
    });
  }

  /** It has been delivered, or will never be: the next one is the oldest now. */
  done({ segment: number, end, lines }: Waiting): Promise<void> {
    return this.#inTurn(async () => {
      const segment = this.#segments.find((each) => each.number === number);
      // Crowded out while it was under way.
      if (segment === undefined || segment.readAt >= end) return;
      segment.readAt = end;
      segment.lines = Math.max(0, segment.lines - lines);
      if (segment.lines === 0) await this.#remove(segment);
      else await this.#writeCursor(segment);
    });
  }

  async #find(number: number, cursor: { readonly segment: number; readonly readAt: number }): Promise<void> {
    const readAt = cursor.segment === number ? cursor.readAt : 0;
    const found = await scan(segmentPath(this.#dir, number), readAt).catch(() => ({ bytes: 0, lines: 0, readAt: 0 }));
    const segment = { number, ...found };
    this.#segments.push(segment);
    if (found.lines === 0) await this.#remove(segment);
  }

  /** The file to append to; a file that an earlier life ended with is left alone, its end may be torn. */
  #segmentFor(bytes: number): Segment {
    const last = this.#segments.at(-1);
    if (last !== undefined && this.#open.has(last) && last.bytes + bytes <= this.#segmentBytes) return last;
    const segment = { number: this.#next, bytes: 0, lines: 0, readAt: 0 };
    this.#next += 1;
    this.#segments.push(segment);
    this.#open.add(segment);
    return segment;
  }

  async #dropOldest(): Promise<void> {
    while (this.bytes > this.#maxBytes) {
      const [oldest] = this.#segments;
      if (oldest === undefined) return;
      this.#lost += oldest.lines;
      await this.#remove(oldest);
    }
  }

  async #remove(segment: Segment): Promise<void> {
    this.#segments = this.#segments.filter((each) => each !== segment);
    await rm(segmentPath(this.#dir, segment.number), { force: true }).catch(() => {});
  }

  async #read(segment: Segment): Promise<Waiting> {
    const file = await open(segmentPath(this.#dir, segment.number), 'r');
    try {
      const head = Buffer.alloc(HEADER_BYTES);
      await file.read(head, 0, HEADER_BYTES, segment.readAt);
      const header = headerOf(head);
      if (header === undefined) throw new Error('not a batch');
      const body = Buffer.alloc(header.bytes);
      const { bytesRead } = await file.read(body, 0, header.bytes, segment.readAt + HEADER_BYTES);
      if (bytesRead < header.bytes) throw new Error('torn');
      const end = segment.readAt + HEADER_BYTES + header.bytes;
      return { body, lines: header.lines, segment: segment.number, end };
    } finally {
      await file.close();
    }
  }

  async #readCursor(): Promise<{ segment: number; readAt: number }> {
    const text = await readFile(this.#cursorPath, 'utf8').catch(() => '');
    const [, segment = '0', readAt = '0'] = /^(\d{1,12}) (\d{1,12})\n$/.exec(text) ?? [];
    return { segment: Number(segment), readAt: Number(readAt) };
  }

  /** Only a convenience: without it a batch is delivered again. */
  async #writeCursor({ number, readAt }: Segment): Promise<void> {
    try {
      await writeFile(`${this.#cursorPath}.new`, `${number} ${readAt}\n`, { mode: 0o600 });
      await rename(`${this.#cursorPath}.new`, this.#cursorPath);
    } catch {
      // A disk that is full takes no note either.
    }
  }

  get #cursorPath(): string {
    return join(this.#dir, 'cursor');
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const mine = this.#queue.then(task);
    this.#queue = mine.catch(() => {});
    return mine;
  }
}
