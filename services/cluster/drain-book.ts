import type { DrainReport } from '../shutdown/promises.ts';
import type { EvictAnswer, Removal } from './evict.ts';
import { type KubeNode, type Pod, podName } from './objects.ts';
import { MAX_IN_FLIGHT } from './rest.ts';
import { drainNotes, evictionOrder, judgePod, stoppedInPlace } from './which-pods.ts';

/** The terms of one drain. All times are monotonic ms of the same clock. */
export interface DrainTerms {
  readonly startMs: number;
  readonly deadlineMs: number;
  readonly pdbGraceMs: number;
  /** Part of the cluster stays up. */
  readonly partial: boolean;
}

interface Work {
  readonly pod: Pod;
  readonly node: string;
  readonly last: boolean;
  /** `waiting`: to be asked for. `asking`: a request is on its way. `stopping`: accepted, not gone. The rest is final. */
  step: 'waiting' | 'asking' | 'stopping' | 'gone' | 'given-up';
  how: 'evict' | 'delete';
  notBeforeMs: number;
  /** Key of the budget that refused it, and since when. */
  budget?: string;
  refusedSinceMs: number;
  readonly failures: { conflict: number; webhook: number; unclear: number };
}

/** One disruption budget that has said no: only one of its pods asks at a time. */
interface Budget {
  probedBy?: string;
  nextTryMs: number;
  /** When it last let a pod go that it had refused before. */
  progressMs: number;
}

const BUDGET_RETRY_MS = 2_000;
/** Nothing is schedulable, so a budget that says no will say no for ever; this only waits for its figures to settle. */
const HOPELESS_GRACE_MS = 5_000;
const SETTLING_MAX_MS = 10_000;
const SHORTEST_GRACE_S = 5;
const AWAY_RETRY_MS = 1_000;
const IMMEDIATE_CONFLICTS = 3;
const PAUSE_MS = 1_000;
const WEBHOOK_RETRIES = 2;
const UNCLEAR_RETRIES = 4;
const FEWEST_IN_FLIGHT = 2;
const MAX_ERRORS = 50;
/** Pods that one owner may put on a node again and again although it is cordoned, before we let it be. */
const MAX_NEWCOMERS_PER_OWNER = 2;

/**
 * What is known about the pods of one drain and what has to be asked next. No I/O and no clock: every call brings the time.
 * The loop around it sends what `due` returns, reports answers and pods, and sleeps until `nextDueMs`.
 */
export class DrainBook {
  readonly #terms: DrainTerms;
  readonly #targets: ReadonlySet<string>;
  readonly #works = new Map<string, Work>();
  readonly #budgets = new Map<string, Budget>();
  readonly #reported = new Set<string>();
  readonly #newcomers = new Map<string, number>();
  readonly #errors = new Set<string>();
  readonly #overridden: string[] = [];
  readonly #notes: readonly string[];
  #dead: ReadonlySet<string> = new Set();
  #somewhereToGo: boolean;
  #evicted = 0;
  #inFlight = 0;
  #width = MAX_IN_FLIGHT;
  #awayUntilMs: number | undefined;
  #mayDelete = true;
  #barred = false;

  constructor(targets: readonly string[], pods: readonly Pod[], terms: DrainTerms) {
    this.#terms = terms;
    this.#targets = new Set(targets);
    this.#somewhereToGo = terms.partial;
    const here = evictionOrder(pods.filter((pod) => pod.node !== undefined && this.#targets.has(pod.node)));
    this.#notes = drainNotes(here);
    for (const pod of here) this.#add(pod, terms.startMs);
  }

  /** A newer look at the nodes: who is dead, and whether an evicted pod has somewhere to go. */
  nodes(nodes: readonly KubeNode[]): void {
    const known = new Map(nodes.map((node) => [node.name, node]));
    this.#somewhereToGo = nodes.some((node) => node.ready === 'true' && !node.unschedulable);
    this.#dead = new Set([...this.#targets].filter((name) => known.has(name) && known.get(name)?.ready !== 'true'));
    for (const name of this.#targets) {
      if (!known.has(name)) this.#errors.add(`the cluster has no node ${name}`);
    }
  }

  /** The requests to send now; each must be answered through `answered`. */
  due(nowMs: number): readonly Removal[] {
    const removals: Removal[] = [];
    if (this.#barred) return removals;
    for (const work of this.#works.values()) {
      if (this.#inFlight >= this.#room(nowMs)) break;
      if (work.step !== 'waiting' || this.#readyAtMs(work, nowMs) > nowMs) continue;
      this.#begin(work, nowMs);
      this.#inFlight += 1;
      const graceS = this.#shortened(work.pod, nowMs);
      removals.push({ pod: work.pod, how: work.how, ...(graceS !== undefined && { graceS }) });
    }
    return removals;
  }

  /** When `due` may have something new without any answer or event; infinite when only those can help. */
  nextDueMs(nowMs: number): number {
    let next = Number.POSITIVE_INFINITY;
    const full = this.#inFlight >= (this.#awayUntilMs === undefined ? this.#width : 1);
    if (this.#barred || full) return next;
    for (const work of this.#works.values()) {
      if (work.step === 'waiting') next = Math.min(next, this.#readyAtMs(work, nowMs));
    }
    return this.#awayUntilMs === undefined ? next : Math.max(next, this.#awayUntilMs);
  }

  answered(uid: string, answer: EvictAnswer, nowMs: number): void {
    this.#inFlight -= 1;
    const work = this.#works.get(uid);
    if (work === undefined) return;
    const budget = work.budget === undefined ? undefined : this.#budgets.get(work.budget);
    if (budget?.probedBy === uid) delete budget.probedBy;
    this.#learnPace(answer, nowMs);
    // The watch was faster than the answer.
    if (work.step === 'gone') {
      if (answer.kind === 'accepted') this.#count(work);
      return;
    }
    work.step = 'waiting';
    this.#take(work, answer, budget, nowMs);
  }

  gone(uid: string): void {
    const work = this.#works.get(uid);
    if (work !== undefined) work.step = 'gone';
  }

  /** A pod as the watch shows it: one of ours that changed, or a newcomer on a node that is not empty yet. */
  seen(pod: Pod, nowMs: number): void {
    const work = this.#works.get(pod.uid);
    if (work !== undefined) {
      if (work.step !== 'gone' && (stoppedInPlace(pod) || pod.phase === 'Succeeded' || pod.phase === 'Failed'))
        work.step = 'gone';
      return;
    }
    if (pod.node === undefined || !this.#targets.has(pod.node) || this.#reported.has(pod.node)) return;
    const key = `${pod.node} ${pod.controller?.uid ?? podName(pod)}`;
    const count = (this.#newcomers.get(key) ?? 0) + 1;
    this.#newcomers.set(key, count);
    if (count <= MAX_NEWCOMERS_PER_OWNER) this.#add(pod, nowMs);
  }

  /** All pods there are: whoever of ours is missing has gone while we were not watching. */
  relisted(pods: readonly Pod[], nowMs: number): void {
    const present = new Set(pods.map((pod) => pod.uid));
    for (const uid of this.#works.keys()) {
      if (!present.has(uid)) this.gone(uid);
    }
    for (const pod of pods) this.seen(pod, nowMs);
  }

  /** Nodes that became empty since the last call. A dead node never counts as drained: nobody saw its pods stop. */
  newlyDrained(): readonly string[] {
    const busy = new Set([...this.#works.values()].filter((work) => work.step !== 'gone').map((work) => work.node));
    const drained = [...this.#targets].filter((node) => !busy.has(node) && !this.#reported.has(node));
    for (const node of drained) this.#reported.add(node);
    return drained;
  }

  /** Nothing is left that asking or waiting could change. */
  get finished(): boolean {
    if (this.#inFlight > 0) return false;
    return ![...this.#works.values()].some(
      (work) => (work.step === 'waiting' && !this.#barred) || (work.step === 'stopping' && !this.#dead.has(work.node)),
    );
  }

  /** Adds a sentence to the report, once. */
  trouble(message: string): void {
    if (this.#errors.size < MAX_ERRORS) this.#errors.add(message);
  }

  report(): DrainReport {
    const left = [...this.#works.values()].filter((work) => work.step !== 'gone');
    const stranded = new Set(left.filter((work) => this.#dead.has(work.node)).map((work) => work.node));
    return {
      evicted: this.#evicted,
      overridden: [...this.#overridden],
      left: left.map((work) => podName(work.pod)),
      errors: [
        ...this.#errors,
        ...[...stranded].map((node) => `node ${node} is not ready: nothing there can be stopped or seen`),
      ],
      ...(this.#notes.length > 0 && { notes: this.#notes }),
    };
  }

  #add(pod: Pod, nowMs: number): void {
    const verdict = judgePod(pod);
    if (verdict.action === 'skip' || pod.node === undefined) return;
    this.#works.set(pod.uid, {
      pod,
      node: pod.node,
      last: verdict.action === 'evict' && verdict.wave === 'last',
      step: verdict.action === 'wait' ? 'stopping' : 'waiting',
      how: 'evict',
      notBeforeMs: nowMs,
      refusedSinceMs: 0,
      failures: { conflict: 0, webhook: 0, unclear: 0 },
    });
  }

  /** Requests that may be in flight: few on a busy server, one while it is away. */
  #room(nowMs: number): number {
    if (this.#awayUntilMs === undefined) return this.#width;
    return nowMs < this.#awayUntilMs ? 0 : 1;
  }

  #readyAtMs(work: Work, nowMs: number): number {
    const wave = work.last && !this.#firstWaveOver() ? this.#terms.startMs + this.#totalMs / 2 : nowMs;
    const earliest = Math.max(work.notBeforeMs, wave);
    if (work.budget === undefined || work.how === 'delete') return earliest;
    const budget = this.#budgets.get(work.budget);
    const override = this.#mayDelete ? this.#overrideAtMs(work, budget) : Number.POSITIVE_INFINITY;
    const retry = budget?.probedBy === undefined ? (budget?.nextTryMs ?? nowMs) : Number.POSITIVE_INFINITY;
    return Math.max(earliest, Math.min(override, retry));
  }

  #begin(work: Work, nowMs: number): void {
    const budget = work.budget === undefined ? undefined : this.#budgets.get(work.budget);
    if (budget !== undefined && work.how === 'evict') {
      if (this.#mayDelete && this.#overrideAtMs(work, budget) <= nowMs) work.how = 'delete';
      else budget.probedBy = work.pod.uid;
    }
    work.step = 'asking';
  }

  /** When the budget's no is overruled: after its grace, and early enough for the pod to stop before the deadline. */
  #overrideAtMs(work: Work, budget: Budget | undefined): number {
    const latest = this.#terms.deadlineMs - Math.min(work.pod.graceS * 1000, this.#totalMs / 2);
    const since = this.#somewhereToGo ? Math.max(work.refusedSinceMs, budget?.progressMs ?? 0) : work.refusedSinceMs;
    const graceMs = this.#somewhereToGo ? this.#terms.pdbGraceMs : Math.min(this.#terms.pdbGraceMs, HOPELESS_GRACE_MS);
    return Math.min(since + graceMs, Math.max(latest, work.refusedSinceMs));
  }

  #shortened(pod: Pod, nowMs: number): number | undefined {
    const remainingS = (this.#terms.deadlineMs - nowMs) / 1000;
    if (pod.graceS <= remainingS) return undefined;
    return Math.min(pod.graceS, Math.max(SHORTEST_GRACE_S, Math.floor(remainingS)));
  }

  get #totalMs(): number {
    return this.#terms.deadlineMs - this.#terms.startMs;
  }

  #firstWaveOver(): boolean {
    return ![...this.#works.values()].some(
      (work) => !work.last && work.step !== 'gone' && work.step !== 'given-up' && !this.#dead.has(work.node),
    );
  }

  #learnPace(answer: EvictAnswer, nowMs: number): void {
    if (answer.kind === 'away') {
      this.#awayUntilMs = nowMs + AWAY_RETRY_MS;
      return;
    }
    this.#awayUntilMs = undefined;
    if (answer.kind === 'busy') this.#width = Math.max(FEWEST_IN_FLIGHT, Math.floor(this.#width / 2));
    else this.#width = Math.min(MAX_IN_FLIGHT, this.#width + 1);
  }

  #take(work: Work, answer: EvictAnswer, budget: Budget | undefined, nowMs: number): void {
    switch (answer.kind) {
      case 'accepted':
        work.step = 'stopping';
        this.#count(work);
        if (budget !== undefined && work.how === 'evict') {
          budget.progressMs = nowMs;
          budget.nextTryMs = nowMs;
        }
        return;
      case 'gone':
        work.step = 'gone';
        return;
      case 'namespace-ending':
        work.step = 'stopping';
        return;
      case 'budget':
        this.#refused(work, answer, nowMs);
        return;
      case 'never-evictable':
        if (this.#mayDelete) work.how = 'delete';
        else this.#giveUp(work, `${podName(work.pod)}: two disruption budgets cover it and it may not be deleted`);
        return;
      case 'busy':
        work.notBeforeMs = nowMs + answer.retryAfterMs;
        return;
      case 'conflict':
        work.failures.conflict += 1;
        work.notBeforeMs = work.failures.conflict <= IMMEDIATE_CONFLICTS ? nowMs : nowMs + PAUSE_MS;
        return;
      case 'webhook':
        work.failures.webhook += 1;
        work.notBeforeMs = nowMs + PAUSE_MS;
        if (work.failures.webhook > WEBHOOK_RETRIES) {
          this.#giveUp(work, `admission webhook ${answer.name} fails and blocks evictions`);
        }
        return;
      case 'not-allowed':
        this.#notAllowed(work, answer.message);
        return;
      case 'away':
        return;
      case 'unclear':
        work.failures.unclear += 1;
        work.notBeforeMs = nowMs + Math.min(PAUSE_MS * 2 ** (work.failures.unclear - 1), 5 * PAUSE_MS);
        if (work.failures.unclear > UNCLEAR_RETRIES) this.#giveUp(work, answer.message);
    }
  }

  #count(work: Work): void {
    if (work.how === 'evict') this.#evicted += 1;
    else this.#overridden.push(podName(work.pod));
  }

  #refused(work: Work, answer: Extract<EvictAnswer, { kind: 'budget' }>, nowMs: number): void {
    if (work.budget === undefined) work.refusedSinceMs = nowMs;
    work.budget = answer.budget;
    // Nobody waits for a budget on behalf of pods that have no kubelet to stop them.
    if (this.#dead.has(work.node)) {
      work.step = 'given-up';
      return;
    }
    const budget = this.#budgets.get(answer.budget) ?? { nextTryMs: 0, progressMs: 0 };
    const settling = Math.min(answer.settlingMs ?? 0, SETTLING_MAX_MS, (this.#terms.deadlineMs - nowMs) / 4);
    budget.nextTryMs = nowMs + (answer.settlingMs === undefined ? BUDGET_RETRY_MS : Math.max(PAUSE_MS, settling));
    this.#budgets.set(answer.budget, budget);
    if (!this.#mayDelete && !this.#somewhereToGo) {
      this.#giveUp(work, `disruption budget ${answer.budget} cannot recover and its pods may not be deleted`);
    }
  }

  #notAllowed(work: Work, message: string): void {
    this.trouble(message);
    if (work.how === 'evict') {
      this.#barred = true;
      return;
    }
    this.#mayDelete = false;
    work.how = 'evict';
    if (!this.#somewhereToGo || work.budget === undefined) work.step = 'given-up';
  }

  #giveUp(work: Work, message: string): void {
    work.step = 'given-up';
    this.trouble(message);
  }
}
