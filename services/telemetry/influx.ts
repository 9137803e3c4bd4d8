import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { InfluxConfig } from '../config/influx.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import type { Sink, SinkHealth, Snapshot, SnapshotFeed } from '../shutdown/view.ts';
import { influxLines } from './influx-lines.ts';
import { type InfluxSecrets, lostLines, postLines, type WriteTarget, writeTarget } from './influx-request.ts';
import { Spool, type Waiting } from './spool.ts';
import type { Batch } from './spool-segment.ts';

const compressed = promisify(gzip);

/** What may wait in memory: for the database to answer, or for a disk that refuses. The oldest go and are counted. */
const MEMORY_LINES = 20_000;
const WRITE_TIMEOUT_MS = 8_000;
const STOP_DEADLINE_MS = 3_000;
const BACKOFF_MS = { first: 2_000, most: 60_000 } as const;

export interface InfluxSink extends Sink {
  /** Settles when nothing is under way: until the next snapshot, what waits only waits. */
  atRest(): Promise<void>;
}

export interface InfluxOptions {
  /** Folder of the spool; without it nothing is kept on disk. */
  readonly spoolDir?: string;
  readonly memoryLines?: number;
  readonly stopDeadlineMs?: number;
}

/**
 * Writes the catalogue's points every `config.every` seconds, by the v2 API to a bucket or the v1 API to a database.
 * What cannot be written waits in a spool on disk, oldest first, also over a restart; `dropped` counts lines that were
 * refused or crowded out. Nothing here ever delays the feed.
 */
export function influxSink(
  config: InfluxConfig,
  secrets: InfluxSecrets,
  log: Log,
  options: InfluxOptions = {},
): InfluxSink {
  return new DatabaseSink(config, secrets, log, options);
}

interface Taken {
  readonly lines: number;
  body: Promise<Uint8Array>;
}

class DatabaseSink implements InfluxSink {
  readonly name = 'influx';
  readonly #config: InfluxConfig;
  readonly #target: WriteTarget;
  readonly #log: Log;
  readonly #memoryLines: number;
  readonly #stopDeadlineMs: number;
  readonly #spool: Spool | undefined;
  readonly #stopped = new AbortController();

  #spoolOpen = false;
  #unsubscribe: (() => void) | undefined;
  #latest: Snapshot | undefined;
  #wakePending = false;
  #takenAtMs: number | undefined;
  #memory: Taken[] = [];
  #working: Promise<void> | undefined;
  #stopping = false;
  /** A snapshot came that the work under way may not have seen. */
  #dueAgain = false;
  #retryAtMs = 0;
  #backoffMs = 0;
  #up = false;
  #sent = 0;
  #dropped = 0;
  #trouble: string | undefined;
  #diskTrouble: string | undefined;

  constructor(config: InfluxConfig, secrets: InfluxSecrets, log: Log, options: InfluxOptions) {
    this.#config = config;
    this.#target = writeTarget(config, secrets);
    this.#log = log;
    this.#memoryLines = options.memoryLines ?? MEMORY_LINES;
    this.#stopDeadlineMs = options.stopDeadlineMs ?? STOP_DEADLINE_MS;
    const maxBytes = config.spoolMiB * 2 ** 20;
    this.#spool =
      options.spoolDir === undefined || maxBytes === 0 ? undefined : new Spool(options.spoolDir, { maxBytes });
  }

  async start(feed: SnapshotFeed): Promise<void> {
    await this.#openSpool();
    this.#unsubscribe = feed.subscribe((snapshot) => this.#onSnapshot(snapshot));
  }

  health(): SinkHealth {
    const waiting = (this.#spool?.lines ?? 0) + this.#linesInMemory();
    const trouble = this.#diskTrouble ?? this.#trouble;
    return {
      sink: this.name,
      up: this.#up,
      sent: this.#sent,
      dropped: this.#dropped + (this.#spool?.lost ?? 0),
      waiting,
      ...(trouble === undefined ? {} : { trouble }),
    };
  }

  async atRest(): Promise<void> {
    // A snapshot is looked at in the next turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    await this.#working;
  }

  /** Writes what waits, as far as it gets within the deadline; the rest goes to the disk. */
  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#unsubscribe?.();
    const deadline = setTimeout(() => this.#stopped.abort(), this.#stopDeadlineMs);
    try {
      if (this.#latest !== undefined && this.#latest.rack.monoMs !== this.#takenAtMs) this.#take(this.#latest);
      await this.#working;
      // What waits on disk can wait there for the next start.
      if (this.#spool?.empty !== false) await this.#work();
    } finally {
      clearTimeout(deadline);
      this.#stopped.abort();
      await this.#memoryToDisk();
      this.#dropped += this.#linesInMemory();
      this.#memory = [];
      this.#up = false;
    }
  }

  #onSnapshot(snapshot: Snapshot): void {
    this.#latest = snapshot;
    if (this.#wakePending) return;
    this.#wakePending = true;
    setImmediate(() => {
      this.#wakePending = false;
      if (!this.#stopping && this.#latest) this.#onDue(this.#latest);
    });
  }

  #onDue(snapshot: Snapshot): void {
    const nowMs = snapshot.rack.monoMs;
    if (this.#takenAtMs === undefined || nowMs - this.#takenAtMs >= this.#config.every * 1000) this.#take(snapshot);
    this.#dueAgain = true;
    this.#working ??= this.#workWhileDue().finally(() => {
      this.#working = undefined;
    });
  }

  async #workWhileDue(): Promise<void> {
    while (this.#dueAgain && !this.#stopping) {
      this.#dueAgain = false;
      await this.#work();
    }
  }

  #take(snapshot: Snapshot): void {
    this.#takenAtMs = snapshot.rack.monoMs;
    const lines = influxLines(snapshot);
    const body = compressed(lines.join('\n'));
    body.catch(() => {});
    this.#memory.push({ lines: lines.length, body });
    this.#boundMemory();
  }

  #boundMemory(): void {
    while (this.#linesInMemory() > this.#memoryLines) this.#dropped += this.#memory.shift()?.lines ?? 0;
  }

  #linesInMemory(): number {
    return this.#memory.reduce((sum, { lines }) => sum + lines, 0);
  }

  /** Oldest first, one request at a time, until all is written or one fails; then to the disk with it. Never rejects. */
  async #work(): Promise<void> {
    while (!this.#stopped.signal.aborted && this.#mayWrite()) {
      // Whoever waits on disk is older than who waits in memory.
      if (this.#spool?.empty === false) await this.#memoryToDisk();
      const waiting = this.#spoolOpen ? await this.#spool?.oldest() : undefined;
      if (waiting !== undefined) {
        if (this.#stopping) break;
        if (!(await this.#settled(waiting))) break;
        await this.#spool?.done(waiting);
        continue;
      }
      const taken = this.#memory.shift();
      if (taken === undefined) return;
      if (await this.#settled({ lines: taken.lines, body: await taken.body })) continue;
      this.#memory.unshift(taken);
      this.#boundMemory();
      break;
    }
    await this.#memoryToDisk();
  }

  #mayWrite(): boolean {
    return this.#stopping || (this.#latest?.rack.monoMs ?? 0) >= this.#retryAtMs;
  }

  /** @returns whether this batch is done with, taken or refused for good */
  async #settled(batch: Batch | Waiting): Promise<boolean> {
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(WRITE_TIMEOUT_MS)]);
    const written = await postLines(this.#target, batch.body, signal);
    if (written.kind === 'failed') {
      this.#onFailed(written.reason, written.status, written.retryAfterS ?? 0);
      return false;
    }
    const lost = written.kind === 'poison' ? lostLines(written.reason, batch.lines) : 0;
    this.#sent += batch.lines - lost;
    this.#dropped += lost;
    if (written.kind === 'poison') {
      const { status, reason } = written;
      this.#log.warn({ sink: this.name, status, lines: lost, reason }, 'the database refused points; they are lost');
    }
    this.#onAnswered();
    return true;
  }

  #onAnswered(): void {
    if (!this.#up) {
      const waiting = this.#spool?.lines ?? 0;
      this.#log.info({ sink: this.name, url: safeUrl(this.#config.url), waiting }, 'writing to the database');
    }
    this.#up = true;
    this.#trouble = undefined;
    this.#backoffMs = 0;
    this.#retryAtMs = 0;
  }

  #onFailed(reason: string, status: number | undefined, retryAfterS: number): void {
    if (this.#stopping) return;
    this.#up = false;
    this.#backoffMs = Math.min(BACKOFF_MS.most, Math.max(BACKOFF_MS.first, this.#backoffMs * 2, retryAfterS * 1000));
    this.#retryAtMs = (this.#latest?.rack.monoMs ?? 0) + this.#backoffMs;
    const trouble = `${status === undefined ? '' : `${status}: `}${reason}`;
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    this.#log.warn(
      { sink: this.name, url: safeUrl(this.#config.url), status, reason },
      `cannot write to the database: ${hint(status)}; points wait ${this.#spoolOpen ? 'on disk' : 'in memory'}`,
    );
  }

  async #openSpool(): Promise<void> {
    if (this.#spool === undefined) return;
    try {
      await this.#spool.open();
      this.#spoolOpen = true;
    } catch (error) {
      this.#onDiskTrouble(error);
    }
  }

  /** What the disk does not take stays in memory, within its bound. */
  async #memoryToDisk(): Promise<void> {
    if (!this.#spoolOpen || this.#spool === undefined) return;
    for (let taken = this.#memory.shift(); taken !== undefined; taken = this.#memory.shift()) {
      try {
        await this.#spool.append({ lines: taken.lines, body: await taken.body });
        this.#diskTrouble = undefined;
      } catch (error) {
        this.#memory.unshift(taken);
        this.#boundMemory();
        this.#onDiskTrouble(error);
        return;
      }
    }
  }

  #onDiskTrouble(error: unknown): void {
    if (this.#diskTrouble !== undefined) return;
    const reason = messageOf(error);
    this.#diskTrouble = reason;
    this.#log.warn({ sink: this.name, reason }, 'the spool cannot be written: what the database misses may be lost');
  }
}

function hint(status: number | undefined): string {
  if (status === 401 || status === 403) return 'check the token, or user and password, and their rights';
  if (status === 404) return 'check the bucket or the database, and which of the two this server wants';
  return 'check that it runs, and the url';
}

/** Without a user name and password that somebody put into it. */
const safeUrl = (url: string): string => url.replace(/\/\/[^@/]*@/, '//');
