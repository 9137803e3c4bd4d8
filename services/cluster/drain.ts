import type { Clock } from '../runtime/clock.ts';
import type { DrainOptions, DrainReport } from '../shutdown/promises.ts';
import { type ApiError, asApiError } from './api-error.ts';
import { DrainBook } from './drain-book.ts';
import { type Removal, requestRemoval } from './evict.ts';
import { type Listed, listNodes, listPods } from './lists.ts';
import type { KubeNode, Pod } from './objects.ts';
import type { RestClient } from './rest.ts';
import { watchPods } from './watch.ts';

/** An API server that has not answered once is waited for so long, and asked at least so often. */
const OPENING_MS = 15_000;
const OPENING_TRIES = 3;
const OPENING_PAUSE_MS = 1_000;
/** A long drain looks at the nodes again: one may have died, another may have become schedulable. */
const NODES_EVERY_MS = 10_000;
const LONGEST_NAP_MS = 60_000;

interface Opening {
  readonly pods: Listed<Pod>;
  readonly nodes: readonly KubeNode[];
}

/**
 * Evicts everything evictable on all `targets` at once: one list, one watch, one request per pod. Times are those of
 * `clock`; deadlines of single requests are the client's own. Never rejects.
 */
export async function drainNodes(
  rest: RestClient,
  clock: Clock,
  targets: readonly string[],
  options: DrainOptions,
): Promise<DrainReport> {
  const startMs = clock.monoMs();
  const ended = new AbortController();
  const timeUp = clock.sleep(options.deadlineMs, ended.signal).then(
    () => ended.abort(),
    () => undefined,
  );
  const signal = AbortSignal.any([options.signal, ended.signal]);
  try {
    const opening = await open(rest, clock, startMs, signal);
    if ('report' in opening) return opening.report;
    const book = new DrainBook(targets, opening.pods.items, {
      startMs,
      deadlineMs: startMs + options.deadlineMs,
      pdbGraceMs: options.pdbGraceMs,
      partial: options.partial,
    });
    book.nodes(opening.nodes);
    return await new Drain(rest, clock, book, options.onDrained).run(opening.pods.resourceVersion, signal, ended);
  } finally {
    ended.abort();
    await timeUp;
  }
}

/** The first look at the cluster, or the report of a drain that never began. */
async function open(
  rest: RestClient,
  clock: Clock,
  startMs: number,
  signal: AbortSignal,
): Promise<Opening | { readonly report: DrainReport }> {
  for (let tries = 1; ; tries += 1) {
    try {
      const [nodes, pods] = await Promise.all([listNodes(rest, signal), listPods(rest, signal)]);
      return { nodes: nodes.items, pods };
    } catch (error) {
      const problem = asApiError(error);
      const patient = tries < OPENING_TRIES || clock.monoMs() - startMs < OPENING_MS;
      const hopeless = problem.code === 'unauthorized' || problem.code === 'forbidden';
      if (signal.aborted || hopeless || !patient) return { report: notBegun(problem) };
      await clock.sleep(OPENING_PAUSE_MS, signal).catch(() => undefined);
    }
  }
}

const notBegun = (problem: ApiError): DrainReport => ({
  evicted: 0,
  overridden: [],
  left: [],
  errors: [`nothing was evicted: ${problem.message}`],
});

/** The loop around a drain book: sends what is due, brings in answers and what the watch sees. */
class Drain {
  readonly #rest: RestClient;
  readonly #clock: Clock;
  readonly #book: DrainBook;
  readonly #onDrained: (node: string) => void;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #bell: Bell;
  /** The latest failure of each way to the server, forgotten as soon as that way works again. */
  readonly #away = new Map<'evictions' | 'watch', string>();

  constructor(rest: RestClient, clock: Clock, book: DrainBook, onDrained: (node: string) => void) {
    this.#rest = rest;
    this.#clock = clock;
    this.#book = book;
    this.#onDrained = onDrained;
    this.#bell = new Bell(clock);
  }

  async run(from: string, signal: AbortSignal, ended: AbortController): Promise<DrainReport> {
    signal.addEventListener('abort', () => this.#bell.ring(), { once: true });
    const company = [this.#watch(from, signal), this.#lookAtNodes(signal)];
    while (!signal.aborted) {
      for (const removal of this.#book.due(this.#clock.monoMs())) this.#send(removal, signal);
      this.#tellDrained();
      if (this.#book.finished) break;
      await this.#bell.wait(this.#book.nextDueMs(this.#clock.monoMs()) - this.#clock.monoMs());
    }
    ended.abort();
    await Promise.all([...company, ...this.#inFlight]);
    this.#tellDrained();
    const report = this.#book.report();
    if (report.left.length === 0) return report;
    return { ...report, errors: [...report.errors, ...this.#away.values()] };
  }

  #send(removal: Removal, signal: AbortSignal): void {
    const sent = requestRemoval(this.#rest, removal, signal).then((answer) => {
      if (answer.kind !== 'away') this.#away.delete('evictions');
      else if (!signal.aborted) this.#away.set('evictions', `the API server went away: ${answer.message}`);
      this.#book.answered(removal.pod.uid, answer, this.#clock.monoMs());
      this.#inFlight.delete(sent);
      this.#bell.ring();
    });
    this.#inFlight.add(sent);
  }

  #tellDrained(): void {
    for (const node of this.#book.newlyDrained()) {
      try {
        this.#onDrained(node);
      } catch (error) {
        this.#book.trouble(`reporting ${node} as drained failed: ${String(error)}`);
      }
    }
  }

  #watch(from: string, signal: AbortSignal): Promise<void> {
    const heard = (change: (nowMs: number) => void): void => {
      this.#away.delete('watch');
      change(this.#clock.monoMs());
      this.#bell.ring();
    };
    return watchPods(this.#rest, this.#clock, {
      from,
      signal,
      list: (listSignal) => listPods(this.#rest, listSignal),
      onPod: (pod) => heard((nowMs) => this.#book.seen(pod, nowMs)),
      onGone: (pod) => heard(() => this.#book.gone(pod.uid)),
      onRelist: (pods) => heard((nowMs) => this.#book.relisted(pods, nowMs)),
      onTrouble: (error) => this.#away.set('watch', `the pods could not be watched: ${error.message}`),
    });
  }

  async #lookAtNodes(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(NODES_EVERY_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        this.#book.nodes((await listNodes(this.#rest, signal)).items);
        this.#bell.ring();
      } catch {
        // Evictions and the watch report an absent server; the last look at the nodes stays the best one.
      }
    }
  }
}

/** Wakes the loop: when rung, or after a time. A ring while nobody waits is kept. */
class Bell {
  readonly #clock: Clock;
  #rung = false;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  async wait(ms: number): Promise<void> {
    if (!this.#rung) {
      const nap = new AbortController();
      const rung = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      const slept = this.#clock.sleep(Math.min(Math.max(0, ms), LONGEST_NAP_MS), nap.signal).catch(() => undefined);
      await Promise.race([rung, slept]);
      nap.abort();
    }
    this.#rung = false;
    this.#wake = undefined;
  }
}
