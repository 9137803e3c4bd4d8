import type { Kinds, Plural } from '../../cluster/objects.ts';
import type { Change } from '../../cluster/store.ts';
import type { ClusterWorld } from '../../cluster/words.ts';
import type { Matcher } from './selectors.ts';
import { failure } from './status.ts';

export interface WatchOrder {
  readonly plural: Plural;
  readonly kind: string;
  readonly apiVersion: string;
  readonly matches: Matcher;
  readonly render: (object: Kinds[Plural]) => unknown;
  /** Where to begin; absent or 0: with everything there is. */
  readonly from: number;
  readonly bookmarks: boolean;
  /** Time of the wire, s. */
  readonly timeoutS: number;
}

/** Where a watch writes to, such as the response of an HTTP server. */
export interface WatchSink {
  /** Bytes that were written and not taken. */
  readonly writableLength: number;
  write(line: string): unknown;
  end(): unknown;
  destroy(): unknown;
  on(event: 'close', listener: () => void): unknown;
}

/** Calls back after so many ms; returns what stops it. */
export type Later = (ms: number, ring: () => void) => () => void;

const onTheWire: Later = (ms, ring) => {
  const timer = setTimeout(ring, ms);
  return () => clearTimeout(timer);
};

/** A client that does not read is dropped at this backlog, and so is one that waits through too much of a silence. */
const MAX_BACKLOG_BYTES = 8 * 1024 * 1024;
const MAX_WITHHELD = 5_000;
const BOOKMARK_BEFORE_END_MS = 1_000;

/** One watch: newline-separated events until its time is over or the client goes. */
export class WatchStream {
  readonly #response: WatchSink;
  readonly #cluster: ClusterWorld;
  readonly #order: WatchOrder;
  readonly #silent: () => boolean;
  readonly #later: Later;
  readonly #timers: (() => void)[] = [];
  #unsubscribe: (() => void) | undefined;
  /** What a silenced server would have said. */
  #withheld: string[] = [];
  #over = false;

  constructor(
    response: WatchSink,
    cluster: ClusterWorld,
    order: WatchOrder,
    silent: () => boolean,
    later: Later = onTheWire,
  ) {
    this.#later = later;
    this.#response = response;
    this.#cluster = cluster;
    this.#order = order;
    this.#silent = silent;
  }

  start(): void {
    this.#response.on('close', () => this.#stop());
    const { plural, from, matches, timeoutS } = this.#order;
    if (from === 0) {
      for (const object of this.#cluster.list(plural).filter(matches)) this.#say('ADDED', this.#order.render(object));
    } else {
      const missed = this.#cluster.since(plural, from);
      if (missed === 'too-old') {
        const expired = failure(410, 'Expired', `too old resource version: ${from} (${this.#cluster.resourceVersion})`);
        this.#say('ERROR', expired.body);
        this.#response.end();
        return;
      }
      for (const change of missed) this.#tell(change);
    }
    this.#unsubscribe = this.#cluster.onChange((change) => {
      if (change.plural === plural) this.#tell(change);
    });
    this.#timers.push(
      this.#later(Math.max(0, timeoutS * 1000 - BOOKMARK_BEFORE_END_MS), () => this.#bookmark()),
      this.#later(timeoutS * 1000, () => this.#end()),
    );
  }

  /** The silence is over. */
  resume(): void {
    const withheld = this.#withheld;
    this.#withheld = [];
    for (const line of withheld) this.#response.write(line);
    if (this.#over) this.#response.end();
  }

  #tell({ type, object, before }: Change): void {
    const { matches, render } = this.#order;
    const was = before !== undefined && matches(before);
    const is = type !== 'DELETED' && matches(object);
    if (is) this.#say(was ? 'MODIFIED' : 'ADDED', render(object));
    else if (was) this.#say('DELETED', render(object));
  }

  #bookmark(): void {
    if (!this.#order.bookmarks) return;
    const { kind, apiVersion } = this.#order;
    const metadata = { resourceVersion: String(this.#cluster.resourceVersion), creationTimestamp: null };
    this.#say('BOOKMARK', { kind, apiVersion, metadata });
  }

  #say(type: string, object: unknown): void {
    const line = `${JSON.stringify({ type, object })}\n`;
    if (this.#silent()) {
      this.#withheld.push(line);
      if (this.#withheld.length > MAX_WITHHELD) this.#response.destroy();
      return;
    }
    this.#response.write(line);
    if (this.#response.writableLength > MAX_BACKLOG_BYTES) this.#response.destroy();
  }

  #end(): void {
    this.#over = true;
    if (!this.#silent()) this.#response.end();
  }

  #stop(): void {
    this.#unsubscribe?.();
    for (const stop of this.#timers) stop();
  }
}
