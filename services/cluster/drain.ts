import type { Clock } from '../runtime/clock.ts';
import { type DrainOptions, type DrainReport, succeeded } from '../shutdown/promises.ts';
import { type ApiError, asApiError } from './api-error.ts';
import { DrainBook } from './drain-book.ts';
import { type EvictAnswer, type Removal, requestRemoval } from './evict.ts';
import type { Hooks } from './hooks.ts';
import { type Listed, listAttachedNodes, listNodes, listPods } from './lists.ts';
import { changeNode, decideCordon } from './nodes.ts';
import type { KubeNode, Pod } from './objects.ts';
import type { PodSelector } from './pod-selector.ts';
import type { Rest } from './rest.ts';
import { watchPods } from './watch.ts';
import { findWebhookBackends } from './webhooks.ts';
import { PLAIN_RULES, type PodRules, SYSTEM_PRIORITY } from './which-pods.ts';
import { Scaler } from './workloads.ts';

/** An API server that has not answered once is waited for so long, and asked at least so often. */
const OPENING_MS = 15_000;
const OPENING_TRIES = 3;
const OPENING_PAUSE_MS = 1_000;
/** A long drain looks at the nodes again: one may have died, another may have become schedulable. */
const NODES_EVERY_MS = 10_000;
const VOLUMES_EVERY_MS = 2_000;
const LONGEST_NAP_MS = 60_000;

/** How a configuration wants pods to be stopped. */
export interface DrainManner {
  readonly rules: PodRules;
  /** Scale Deployments and StatefulSets down when the whole cluster stops, instead of evicting their pods. */
  readonly scale: boolean;
  /** Commands that run before the first pod is stopped when the whole cluster stops. */
  readonly hooks?: Pick<Hooks, 'beforeDrain'>;
}

interface Opening {
  readonly pods: Listed<Pod>;
  readonly nodes: readonly KubeNode[];
  readonly attached: ReadonlySet<string>;
  readonly webhooks: readonly PodSelector[];
}

/**
 * Evicts everything evictable on all `targets` at once: one list, one watch, one request per pod. Times are those of
 * `clock`; deadlines of single requests are the client's own. Never rejects.
 */
export async function drainNodes(
  rest: Rest,
  clock: Clock,
  targets: readonly string[],
  options: DrainOptions,
  manner: DrainManner = { rules: PLAIN_RULES, scale: false },
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
      rules: { ...manner.rules, webhooks: opening.webhooks },
    });
    const said = options.partial ? [] : await manner.hooks?.beforeDrain(options.runId, options.deadlineMs, signal);
    for (const text of said ?? []) book.note(text);
    book.nodes(opening.nodes);
    book.volumes(opening.attached);
    const scales = manner.scale && !options.partial && willScaleBack(opening.nodes, options.runId, book);
    const scaler = scales ? await lookForScaling(rest, clock, options.runId, book) : undefined;
    const drain = new Drain({ rest, clock, book, targets: new Set(targets), options, scaler });
    return await drain.run(opening.pods.resourceVersion, signal, ended);
  } finally {
    ended.abort();
    await timeUp;
  }
}

/** The first look at the cluster, or the report of a drain that never began. */
async function open(
  rest: Rest,
  clock: Clock,
  startMs: number,
  signal: AbortSignal,
): Promise<Opening | { readonly report: DrainReport }> {
  for (let tries = 1; ; tries += 1) {
    try {
      const [nodes, pods, attached, webhooks] = await Promise.all([
        listNodes(rest, signal),
        listPods(rest, signal),
        listAttachedNodes(rest, signal),
        findWebhookBackends(rest, signal),
      ]);
      return { nodes: nodes.items, pods, attached, webhooks };
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

/** Workloads come back with the first node that is uncordoned; where a person holds every cordon, none ever would be. */
function willScaleBack(nodes: readonly KubeNode[], runId: string, book: DrainBook): boolean {
  const ours = nodes.some(({ cordonedBy }) => cordonedBy === runId);
  if (!ours) book.note('workloads are not scaled, their pods are evicted: no node is cordoned by us');
  return ours;
}

/** Without the rights or the answer, pods are evicted as ever. */
async function lookForScaling(rest: Rest, clock: Clock, runId: string, book: DrainBook): Promise<Scaler | undefined> {
  try {
    return await Scaler.look(rest, clock, runId);
  } catch (error) {
    book.trouble(`workloads are not scaled, their pods are evicted: ${asApiError(error).message}`);
    return undefined;
  }
}

interface DrainParts {
  readonly rest: Rest;
  readonly clock: Clock;
  readonly book: DrainBook;
  readonly targets: ReadonlySet<string>;
  readonly options: DrainOptions;
  readonly scaler: Scaler | undefined;
}

/** The loop around a drain book: sends what is due, brings in answers and what the watch sees. */
class Drain {
  readonly #rest: Rest;
  readonly #clock: Clock;
  readonly #book: DrainBook;
  readonly #parts: DrainParts;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #bell: Bell;
  /** The latest failure of each way to the server, forgotten as soon as that way works again. */
  readonly #away = new Map<'evictions' | 'watch', string>();
  /** Nodes somebody uncordoned, which were cordoned once more. */
  readonly #recordoned = new Set<string>();

  constructor(parts: DrainParts) {
    this.#rest = parts.rest;
    this.#clock = parts.clock;
    this.#book = parts.book;
    this.#parts = parts;
    this.#bell = new Bell(parts.clock);
  }

  async run(from: string, signal: AbortSignal, ended: AbortController): Promise<DrainReport> {
    signal.addEventListener('abort', () => this.#bell.ring(), { once: true });
    const company = [this.#watch(from, signal), this.#lookAtNodes(signal), this.#lookAtVolumes(signal)];
    while (!signal.aborted) {
      for (const removal of this.#book.due(this.#clock.monoMs())) this.#send(removal, signal);
      this.#tellDrained();
      if (this.#book.finished(this.#clock.monoMs())) break;
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
    const sent = this.#remove(removal, signal).then((answer) => {
      if (answer.kind !== 'away') this.#away.delete('evictions');
      else if (!signal.aborted) this.#away.set('evictions', `the API server went away: ${answer.message}`);
      this.#book.answered(removal.pod.uid, answer, this.#clock.monoMs());
      this.#inFlight.delete(sent);
      this.#bell.ring();
    });
    this.#inFlight.add(sent);
  }

  /** By its workload's size where that is wanted and possible, by eviction otherwise. */
  async #remove(removal: Removal, signal: AbortSignal): Promise<EvictAnswer> {
    const { scaler } = this.#parts;
    const workload = removal.how === 'evict' ? scaler?.ownerOf(removal.pod) : undefined;
    if (scaler !== undefined && workload !== undefined && isScalable(removal.pod)) {
      const outcome = await scaler.stop(workload);
      const name = `${workload.namespace}/${workload.name}`;
      if (!succeeded(outcome)) this.#book.trouble(`${name} is not scaled down: ${outcome.detail ?? outcome.code}`);
      else {
        this.#book.note(
          `scaled down until the end of this outage: ${name}${outcome.detail ? ` ${outcome.detail}` : ''}`,
        );
        // A StatefulSet ends its pods one by one, and only an eviction can shorten a grace: these are asked for as well.
        if (workload.plural === 'deployments' && removal.graceS === undefined) return { kind: 'accepted' };
      }
    }
    return requestRemoval(this.#rest, removal, signal);
  }

  #tellDrained(): void {
    for (const node of this.#book.newlyDrained(this.#clock.monoMs())) {
      try {
        this.#parts.options.onDrained(node);
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
        const { items } = await listNodes(this.#rest, signal);
        this.#book.nodes(items);
        await Promise.all(items.map((node) => this.#cordonAgain(node)));
        this.#bell.ring();
      } catch {
        // Evictions and the watch report an absent server; the last look at the nodes stays the best one.
      }
    }
  }

  /** Our mark is there and the cordon is not: somebody took it away. Once that is a mistake, twice it is a wish. */
  async #cordonAgain(node: KubeNode): Promise<void> {
    const { targets, options } = this.#parts;
    if (!targets.has(node.name) || node.unschedulable || node.cordonedBy !== options.runId) return;
    if (this.#recordoned.has(node.name)) {
      this.#book.note(`somebody uncordoned ${node.name} again: it is left so`);
      return;
    }
    this.#recordoned.add(node.name);
    const outcome = await changeNode(this.#rest, this.#clock, node.name, (found) => decideCordon(found, options.runId));
    const result = succeeded(outcome) ? 'it is cordoned again, once' : (outcome.detail ?? outcome.code);
    this.#book.note(`somebody uncordoned ${node.name} while its pods were stopping: ${result}`);
  }

  async #lookAtVolumes(signal: AbortSignal): Promise<void> {
    while (this.#book.waitsForVolumes && !signal.aborted) {
      await this.#clock.sleep(VOLUMES_EVERY_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        this.#book.volumes(await listAttachedNodes(this.#rest, signal));
        this.#bell.ring();
      } catch {
        // As with the nodes: the last look stays the best one, and the wait is bounded.
      }
    }
  }
}

/** DNS and the like stay as they are: fewer things to bring back. */
const isScalable = (pod: Pod): boolean => pod.priority < SYSTEM_PRIORITY;

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
