import type { InfluxConfig } from '../config/schema.ts';
import type { Log } from '../runtime/log.ts';
import type { Sink, SinkHealth, Snapshot, SnapshotFeed } from '../shutdown/view.ts';
import { influxLines } from './influx-lines.ts';

type Client = typeof import('@influxdata/influxdb-client');

/** About ten minutes of a rack of twenty hosts in 6 MB; when it is full the oldest lines go and are counted. */
const BUFFER_LINES = 30_000;
const BATCH_LINES = 2_000;
const WRITE_TIMEOUT_MS = 8_000;
const STOP_DEADLINE_MS = 3_000;
const BACKOFF_MS = { first: 2_000, most: 60_000 } as const;

/** The points themselves are wrong: sending them again would be refused again. */
const POISON = new Set([400, 413, 422]);

export interface InfluxLimits {
  readonly bufferLines?: number;
  readonly stopDeadlineMs?: number;
}

/**
 * Writes the catalogue's points every `config.every` seconds by the InfluxDB v2 API (also spoken by VictoriaMetrics).
 * What cannot be written waits in a bounded buffer in memory and is lost when the process ends; `dropped` counts lines.
 * @param token sent as `Authorization: Token …`; absent for servers without authentication
 */
export function influxSink(config: InfluxConfig, token: string | undefined, log: Log, limits: InfluxLimits = {}): Sink {
  return new InfluxSink(config, token, log, limits);
}

class InfluxSink implements Sink {
  readonly name = 'influx';
  readonly #config: InfluxConfig;
  readonly #token: string | undefined;
  readonly #log: Log;
  readonly #bufferLines: number;
  readonly #stopDeadlineMs: number;
  readonly #stopped = new AbortController();

  #client: Client | undefined;
  #unsubscribe: (() => void) | undefined;
  #latest: Snapshot | undefined;
  #wakePending = false;
  #takenAtMs: number | undefined;
  #waiting: string[] = [];
  #writing: Promise<void> | undefined;
  #retryAtMs = 0;
  #backoffMs = 0;
  #up = false;
  #sent = 0;
  #dropped = 0;

  constructor(config: InfluxConfig, token: string | undefined, log: Log, limits: InfluxLimits) {
    this.#config = config;
    this.#token = token;
    this.#log = log;
    this.#bufferLines = limits.bufferLines ?? BUFFER_LINES;
    this.#stopDeadlineMs = limits.stopDeadlineMs ?? STOP_DEADLINE_MS;
  }

  async start(feed: SnapshotFeed): Promise<void> {
    this.#client = await import('@influxdata/influxdb-client');
    // The client prints to the console otherwise; what fails is counted and logged here.
    this.#client.setLogger({ error: () => {}, warn: () => {} });
    this.#unsubscribe = feed.subscribe((snapshot) => this.#onSnapshot(snapshot));
  }

  health(): SinkHealth {
    return { sink: this.name, up: this.#up, sent: this.#sent, dropped: this.#dropped };
  }

  /** Writes what waits, as far as it gets within the deadline. */
  async stop(): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    this.#unsubscribe?.();
    const deadline = setTimeout(() => this.#stopped.abort(), this.#stopDeadlineMs);
    try {
      if (this.#latest !== undefined && this.#latest.rack.monoMs !== this.#takenAtMs) this.#take(this.#latest);
      await this.#writing;
      await this.#writeWaiting();
    } finally {
      clearTimeout(deadline);
      this.#stopped.abort();
      this.#dropped += this.#waiting.length;
      this.#waiting = [];
      this.#up = false;
    }
  }

  #onSnapshot(snapshot: Snapshot): void {
    this.#latest = snapshot;
    if (this.#wakePending) return;
    this.#wakePending = true;
    setImmediate(() => {
      this.#wakePending = false;
      if (!this.#stopped.signal.aborted && this.#latest) this.#onDue(this.#latest);
    });
  }

  #onDue(snapshot: Snapshot): void {
    const nowMs = snapshot.rack.monoMs;
    if (this.#takenAtMs === undefined || nowMs - this.#takenAtMs >= this.#config.every * 1000) this.#take(snapshot);
    if (this.#writing !== undefined || this.#waiting.length === 0 || nowMs < this.#retryAtMs) return;
    this.#writing = this.#writeWaiting().finally(() => {
      this.#writing = undefined;
    });
  }

  #take(snapshot: Snapshot): void {
    if (!this.#client) return;
    this.#takenAtMs = snapshot.rack.monoMs;
    this.#waiting.push(...influxLines(snapshot, this.#client.Point));
    const tooMany = this.#waiting.length - this.#bufferLines;
    if (tooMany <= 0) return;
    this.#waiting.splice(0, tooMany);
    this.#dropped += tooMany;
  }

  /** Oldest first, one request at a time, until all is written or one fails. Never rejects. */
  async #writeWaiting(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#stopped.signal.aborted) {
      // Taken out while in flight, so that the bound on what waits never cuts into a request.
      const batch = this.#waiting.splice(0, BATCH_LINES);
      try {
        await this.#write(batch);
        this.#sent += batch.length;
        this.#onWritten();
      } catch (error) {
        if (!this.#onFailed(error, batch)) return;
      }
    }
  }

  async #write(lines: string[]): Promise<void> {
    const client = this.#client;
    if (!client) return;
    const { url, org, bucket } = this.#config;
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(WRITE_TIMEOUT_MS)]);
    const api = new client.InfluxDB({
      url,
      timeout: WRITE_TIMEOUT_MS,
      transportOptions: { signal },
      ...(this.#token === undefined ? {} : { token: this.#token }),
    }).getWriteApi(org, bucket, 'ms', {
      // Retries are ours: the client's own would hold lines beyond this sink's bound and count.
      maxRetries: 0,
      flushInterval: 0,
      batchSize: lines.length + 1,
      maxBatchBytes: Number.MAX_SAFE_INTEGER,
    });
    api.writeRecords(lines);
    await api.flush();
  }

  #onWritten(): void {
    if (!this.#up) this.#log.info({ sink: this.name, url: safeUrl(this.#config.url) }, 'writing to InfluxDB');
    this.#up = true;
    this.#backoffMs = 0;
    this.#retryAtMs = 0;
  }

  /** @returns whether to go on with the next batch */
  #onFailed(error: unknown, batch: readonly string[]): boolean {
    const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : undefined;
    if (status !== undefined && POISON.has(status)) {
      const lost = lostLines(error, batch.length);
      this.#dropped += lost;
      this.#sent += batch.length - lost;
      this.#log.warn({ sink: this.name, status, lines: lost, reason: reasonOf(error) }, 'InfluxDB refused points');
      return true;
    }
    this.#waiting.unshift(...batch);
    this.#backoffMs = Math.min(BACKOFF_MS.most, Math.max(BACKOFF_MS.first, this.#backoffMs * 2));
    this.#retryAtMs = (this.#latest?.rack.monoMs ?? 0) + this.#backoffMs;
    if (this.#up || this.#backoffMs === BACKOFF_MS.first) {
      this.#log.warn(
        { sink: this.name, url: safeUrl(this.#config.url), status, reason: reasonOf(error) },
        'cannot write to InfluxDB: check that it runs, the url, the token and the bucket; points wait in memory',
      );
    }
    this.#up = false;
    return false;
  }
}

/** InfluxDB says how many points of a batch it dropped; the others are stored. Without a number all count as lost. */
function lostLines(error: unknown, batchLines: number): number {
  const told = /dropped=(\d+)/.exec(reasonOf(error))?.[1];
  return told === undefined ? batchLines : Math.min(batchLines, Number(told));
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const body = 'body' in error && typeof error.body === 'string' ? error.body : '';
  return body === '' ? error.message : body.slice(0, 300);
}

/** Without a user name and password that somebody put into it. */
const safeUrl = (url: string): string => url.replace(/\/\/[^@/]*@/, '//');
