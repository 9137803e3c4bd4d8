import { MessageParser, type ServerMessage } from './sse.ts';
import type { JournalLine, Picture } from './wire.ts';

/**
 * The live connection. `fetch` instead of EventSource, because EventSource can neither send a token nor tell a refusal
 * from a broken cable.
 */

/** `refused`: the service wants a token, or another one. */
type Link = 'connecting' | 'live' | 'lost' | 'refused';

export interface StreamState {
  readonly link: Link;
  readonly picture?: Picture;
  /** Page time (`performance.now`) when `picture` came, ms. */
  readonly pictureAtMs?: number;
  /** Age of the newest snapshot inside the service at `heardAtMs`, ms. */
  readonly snapshotAgeMs?: number;
  /** Page time when anything came, ms. */
  readonly heardAtMs?: number;
  /** Oldest first. */
  readonly journal: readonly JournalLine[];
}

const RETRY_MS = [500, 1_000, 2_000, 4_000, 8_000];
/** The service sends something every 5 s; after this the line is taken for dead. */
const SILENCE_MS = 12_000;
const JOURNAL_LINES = 200;

export class Stream {
  #state: StreamState = { link: 'connecting', journal: [] };
  readonly #url: string;
  readonly #onChange: (state: StreamState) => void;
  #token = '';
  #attempt = 0;
  #current: AbortController | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string, onChange: (state: StreamState) => void) {
    this.#url = url;
    this.#onChange = onChange;
  }

  get state(): StreamState {
    return this.#state;
  }

  /** Connects now, also when a retry is pending; a new token replaces the connection made with the old one. */
  open(token = this.#token): void {
    this.#token = token;
    this.#attempt = 0;
    this.#connect();
  }

  close(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    this.#current?.abort();
    this.#current = undefined;
  }

  #connect(): void {
    this.close();
    const control = new AbortController();
    this.#current = control;
    this.#listen(control).catch(() => {
      if (this.#current === control) this.#lost();
    });
  }

  async #listen(control: AbortController): Promise<void> {
    this.#hearBy(control);
    const headers: Record<string, string> = { accept: 'text/event-stream' };
    if (this.#token !== '') headers.authorization = `Bearer ${this.#token}`;
    const answer = await fetch(this.#url, { headers, signal: control.signal, cache: 'no-store' });
    if (answer.status === 401 || answer.status === 403) {
      this.close();
      this.#set({ link: 'refused' });
      return;
    }
    if (!answer.ok || !answer.body) throw new Error(`the event stream answered ${answer.status}`);
    const reader = answer.body.getReader();
    const decoder = new TextDecoder();
    const parser = new MessageParser();
    for (;;) {
      const { done, value } = await reader.read();
      if (control.signal.aborted) return;
      if (done) throw new Error('the event stream ended');
      this.#hearBy(control);
      for (const message of parser.push(decoder.decode(value, { stream: true }))) this.#take(message);
    }
  }

  #take({ event, data }: ServerMessage): void {
    const nowMs = performance.now();
    this.#attempt = 0;
    const heard = { link: 'live' as const, heardAtMs: nowMs };
    const content: unknown = JSON.parse(data);
    if (event === 'snapshot' && isPicture(content)) {
      this.#set({ ...heard, picture: content, pictureAtMs: nowMs, snapshotAgeMs: content.ageMs });
    } else if (event === 'journal' && isJournal(content)) {
      this.#set({ ...heard, journal: joined(this.#state.journal, content.entries) });
    } else if (event === 'heartbeat') {
      const { ageMs } = content as { readonly ageMs?: number };
      this.#set({ ...heard, ...(ageMs === undefined ? {} : { snapshotAgeMs: ageMs }) });
    }
  }

  /** The connection is given up unless something is heard in time. */
  #hearBy(control: AbortController): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      if (this.#current === control) this.#lost();
    }, SILENCE_MS);
  }

  #lost(): void {
    this.close();
    this.#set({ link: this.#state.picture ? 'lost' : 'connecting' });
    const waitMs = RETRY_MS[Math.min(this.#attempt, RETRY_MS.length - 1)] ?? 8_000;
    this.#attempt += 1;
    this.#retry = setTimeout(() => this.#connect(), waitMs);
  }

  #set(change: Partial<StreamState>): void {
    this.#state = { ...this.#state, ...change };
    this.#onChange(this.#state);
  }
}

function isPicture(content: unknown): content is Picture {
  if (typeof content !== 'object' || content === null) return false;
  const { rack, coordinator } = content as Partial<Picture>;
  return typeof rack === 'object' && rack !== null && typeof coordinator === 'object' && coordinator !== null;
}

function isJournal(content: unknown): content is { readonly entries: readonly JournalLine[] } {
  return typeof content === 'object' && content !== null && Array.isArray((content as { entries?: unknown }).entries);
}

/** A service whose journal was begun anew sends smaller numbers; its lines replace what was known. */
function joined(known: readonly JournalLine[], lines: readonly JournalLine[]): readonly JournalLine[] {
  const first = lines[0]?.seq ?? Number.POSITIVE_INFINITY;
  return [...known.filter((line) => line.seq < first), ...lines].slice(-JOURNAL_LINES);
}
