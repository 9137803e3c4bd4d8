import type { ServerResponse } from 'node:http';
import type { Desk } from '../shutdown/view.ts';
import { finite } from './finite.ts';
import type { LatestSnapshot } from './latest.ts';

/** Limits of the event stream. */
export interface EventLimits {
  /** Streams open at the same time. */
  readonly maxClients: number;
  /** Something is sent at least this often, ms. */
  readonly heartbeatMs: number;
  /** A client that takes nothing for this long is dropped, ms. */
  readonly stallMs: number;
  /** Two snapshots are at least this far apart, ms: a rack in fast motion must not flood a browser. */
  readonly minIntervalMs: number;
}

export const EVENT_LIMITS: EventLimits = { maxClients: 32, heartbeatMs: 5_000, stallMs: 15_000, minIntervalMs: 200 };

/** Journal lines a new client gets, and the most it gets at once. */
const JOURNAL_LINES = 50;

interface Client {
  readonly out: ServerResponse;
  /** Newest journal line it was sent. */
  seq: number;
  /** Its socket is full since this monotonic ms; it owes us a drain. */
  fullSinceMs?: number;
  /** A snapshot was skipped while it was full. */
  missed: boolean;
}

/**
 * Server-sent events for many clients. Nothing is queued: a client whose socket is full misses snapshots and gets the
 * newest when it drains, or is dropped. So a client costs one socket buffer and at most one message.
 */
export class EventHub {
  readonly #latest: LatestSnapshot;
  readonly #desk: Desk;
  readonly #limits: EventLimits;
  readonly #nowMs: () => number;
  readonly #clients = new Set<Client>();
  #heartbeat: NodeJS.Timeout | undefined;
  #pending: NodeJS.Timeout | undefined;
  #sentAtMs = Number.NEGATIVE_INFINITY;
  #leave: (() => void) | undefined;
  #dropped = 0;

  constructor(latest: LatestSnapshot, desk: Desk, limits: EventLimits, nowMs: () => number) {
    this.#latest = latest;
    this.#desk = desk;
    this.#limits = limits;
    this.#nowMs = nowMs;
  }

  /** Streams open now. */
  get size(): number {
    return this.#clients.size;
  }

  /** Clients dropped so far because they took nothing. */
  get dropped(): number {
    return this.#dropped;
  }

  get full(): boolean {
    return this.#clients.size >= this.#limits.maxClients;
  }

  start(): void {
    if (this.#leave) return;
    this.#leave = this.#latest.onNew(() => this.#schedule());
    const every = Math.min(this.#limits.heartbeatMs, this.#limits.stallMs);
    this.#heartbeat = setInterval(() => this.#beat(), every);
    this.#heartbeat.unref();
  }

  /** Ends every stream. */
  stop(): void {
    this.#leave?.();
    this.#leave = undefined;
    clearInterval(this.#heartbeat);
    clearTimeout(this.#pending);
    this.#pending = undefined;
    for (const client of this.#clients) {
      client.out.end();
      client.out.socket?.destroySoon();
    }
    this.#clients.clear();
  }

  /** Takes over an answer whose head is not sent yet, and sends the newest snapshot at once. */
  add(out: ServerResponse, headers: Record<string, string | number | string[]>): void {
    const client: Client = { out, seq: 0, missed: false };
    out.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    out.on('drain', () => this.#drained(client));
    out.on('close', () => this.#clients.delete(client));
    out.on('error', () => this.#clients.delete(client));
    this.#clients.add(client);
    this.#write(client, 'retry: 2000\n\n');
    this.#send(client, this.#snapshotText(), this.#journal());
  }

  #schedule(): void {
    if (this.#clients.size === 0 || this.#pending) return;
    const waitMs = this.#sentAtMs + this.#limits.minIntervalMs - this.#nowMs();
    if (waitMs <= 0) this.#broadcast();
    else this.#pending = setTimeout(() => this.#broadcast(), waitMs).unref();
  }

  #broadcast(): void {
    this.#pending = undefined;
    this.#sentAtMs = this.#nowMs();
    const text = this.#snapshotText();
    const journal = this.#journal();
    for (const client of this.#clients) this.#send(client, text, journal);
  }

  #send(client: Client, snapshotText: string, journal: JournalTail): void {
    if (client.fullSinceMs !== undefined) {
      client.missed = true;
      return;
    }
    client.missed = false;
    let text = snapshotText;
    const lines = journal.lines.filter((line) => line.seq > client.seq);
    if (lines.length > 0) {
      client.seq = lines.at(-1)?.seq ?? client.seq;
      text += `event: journal\ndata: ${JSON.stringify({ entries: lines })}\n\n`;
    }
    if (text !== '') this.#write(client, text);
  }

  #write(client: Client, text: string): void {
    if (!client.out.write(text)) client.fullSinceMs ??= this.#nowMs();
  }

  #drained(client: Client): void {
    delete client.fullSinceMs;
    if (client.missed) this.#send(client, this.#snapshotText(), this.#journal());
  }

  #beat(): void {
    const nowMs = this.#nowMs();
    const ageMs = this.#latest.ageMs();
    const text = `event: heartbeat\ndata: ${JSON.stringify(ageMs === undefined ? {} : { ageMs: Math.round(ageMs) })}\n\n`;
    for (const client of [...this.#clients]) {
      if (client.fullSinceMs === undefined) this.#write(client, text);
      else if (nowMs - client.fullSinceMs >= this.#limits.stallMs) {
        this.#dropped += 1;
        this.#clients.delete(client);
        client.out.destroy();
      }
    }
  }

  #snapshotText(): string {
    const event = this.#latest.event();
    return event ? `event: snapshot\ndata: ${JSON.stringify(event)}\n\n` : '';
  }

  #journal(): JournalTail {
    try {
      return { lines: finite(this.#desk.journal(JOURNAL_LINES)) };
    } catch {
      // A journal in trouble shows itself in readiness; it must not throw into whoever made the snapshot.
      return { lines: [] };
    }
  }
}

interface JournalTail {
  readonly lines: readonly { readonly seq: number }[];
}
