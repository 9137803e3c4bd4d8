import type { DrainReport } from '../shutdown/promises.ts';
import { type Gate, Gates, isOver, type Work } from './drain-work.ts';
import type { EvictAnswer, Removal } from './evict.ts';
import { type KubeNode, type Pod, podName } from './objects.ts';
import { MAX_IN_FLIGHT } from './rest.ts';
import { latestStarts, StopOrder } from './stop-order.ts';
import { drainNotes, judgePod, PLAIN_RULES, type PodRules, stoppedInPlace } from './which-pods.ts';

/** The terms of one drain. All times are monotonic ms of the same clock. */
export interface DrainTerms {
  readonly startMs: number;
  readonly deadlineMs: number;
  readonly pdbGraceMs: number;
  /** Part of the cluster stays up. */
  readonly partial: boolean;
  readonly rules?: PodRules;
}

const BUDGET_RETRY_MS = 2_000;
/** Nothing is schedulable, so a budget that says no will say no for ever; this only waits for its figures to settle. */
const HOPELESS_GRACE_MS = 5_000;
const SETTLING_MAX_MS = 10_000;
const SHORTEST_GRACE_S = 5;
const AWAY_RETRY_MS = 1_000;
/** A server that restarts is back by then; one that is gone holds nobody up any longer. */
const AWAY_GIVE_UP_MS = 30_000;
/** A pod that is still there so long after its grace has a kubelet in trouble; mostly a volume that does not unmount. */
const STUCK_AFTER_MS = 10_000;
/** Volumes are given back within seconds of their last pod; a driver that is gone never gives them back. */
const VOLUMES_WAIT_MS = 30_000;
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
  readonly #rules: PodRules;
  readonly #order: StopOrder;
  readonly #latestMs: readonly number[];
  readonly #targets: ReadonlySet<string>;
  readonly #works = new Map<string, Work>();
  readonly #gates = new Gates();
  readonly #reported = new Set<string>();
  readonly #newcomers = new Map<string, number>();
  readonly #errors = new Set<string>();
  readonly #notes: Set<string>;
  readonly #overridden: string[] = [];
  /** Nodes with volumes that their pods have not given back. */
  #attached: ReadonlySet<string> = new Set();
  #volumesSinceMs: number | undefined;
  #dead: ReadonlySet<string> = new Set();
  #somewhereToGo: boolean;
  #evicted = 0;
  #inFlight = 0;
  #width = MAX_IN_FLIGHT;
  #awayUntilMs: number | undefined;
  #awaySinceMs: number | undefined;
  #mayDelete = true;
  #barred = false;

  constructor(targets: readonly string[], pods: readonly Pod[], terms: DrainTerms) {
    this.#terms = terms;
    this.#rules = terms.rules ?? PLAIN_RULES;
    this.#targets = new Set(targets);
    this.#somewhereToGo = terms.partial;
    const here = pods.filter((pod) => pod.node !== undefined && this.#targets.has(pod.node));
    this.#order = new StopOrder(here, this.#rules, terms.partial);
    this.#latestMs = latestStarts(this.#graces(here), terms.startMs, terms.deadlineMs);
    this.#notes = new Set([...drainNotes(here, this.#rules), ...this.#order.notes]);
    for (const pod of inOrder(here, this.#order)) this.#add(pod, terms.startMs);
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

  /** A newer look at the volumes: nodes that still have some attached. */
  volumes(attached: ReadonlySet<string>): void {
    this.#attached = new Set([...attached].filter((node) => this.#targets.has(node)));
  }

  /** Some target has volumes attached, so that another look is worth its request. */
  get waitsForVolumes(): boolean {
    return this.#attached.size > 0;
  }

  /** The requests to send now; each must be answered through `answered`. */
  due(nowMs: number): readonly Removal[] {
    this.#giveUpLate(nowMs);
    const removals: Removal[] = [];
    if (this.#barred) return removals;
    const open = this.#openWaves(nowMs);
    for (const work of this.#works.values()) {
      if (this.#inFlight >= this.#room(nowMs)) break;
      if (work.step !== 'waiting' || this.#readyAtMs(work, open, nowMs) > nowMs) continue;
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
    for (const work of this.#works.values()) {
      if (work.step === 'stopping' && !this.#dead.has(work.node)) next = Math.min(next, work.goneByMs);
    }
    if (this.#volumesSinceMs !== undefined && this.#attached.size > 0) {
      next = Math.min(next, Math.max(nowMs, this.#volumesSinceMs + VOLUMES_WAIT_MS));
    }
    const full = this.#inFlight >= (this.#awayUntilMs === undefined ? this.#width : 1);
    if (this.#barred || full) return next;
    const open = this.#openWaves(nowMs);
    let ready = Number.POSITIVE_INFINITY;
    for (const work of this.#works.values()) {
      if (work.step === 'waiting') ready = Math.min(ready, this.#readyAtMs(work, open, nowMs));
    }
    return Math.min(next, this.#awayUntilMs === undefined ? ready : Math.max(ready, this.#awayUntilMs));
  }

  answered(uid: string, answer: EvictAnswer, nowMs: number): void {
    this.#inFlight -= 1;
    const work = this.#works.get(uid);
    if (work === undefined) return;
    const asked = work.gate?.probedBy === uid;
    if (work.gate !== undefined && asked) delete work.gate.probedBy;
    this.#learnPace(answer, nowMs);
    // The watch was faster than the answer.
    if (work.step === 'gone') {
      if (answer.kind === 'accepted') this.#count(work);
      return;
    }
    work.step = 'waiting';
    this.#take(work, answer, asked, nowMs);
  }

  gone(uid: string): void {
    const work = this.#works.get(uid);
    if (work !== undefined) work.step = 'gone';
  }

  /** A pod as the watch shows it: one of ours that changed, or a newcomer on a node that is not empty yet. */
  seen(pod: Pod, nowMs: number): void {
    const work = this.#works.get(pod.uid);
    if (work !== undefined) {
      if (work.step === 'gone') return;
      if (stoppedInPlace(pod)) {
        work.step = 'gone';
        this.note(`stopped, held back by a finalizer: ${podName(pod)}`);
      } else if (pod.phase === 'Succeeded' || pod.phase === 'Failed') work.step = 'gone';
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
  newlyDrained(nowMs: number): readonly string[] {
    const busy = new Set([...this.#works.values()].filter((work) => work.step !== 'gone').map((work) => work.node));
    if (!this.#volumesAreBack(nowMs)) for (const node of this.#attached) busy.add(node);
    const drained = [...this.#targets].filter((node) => !busy.has(node) && !this.#reported.has(node));
    for (const node of drained) {
      this.#reported.add(node);
      if (this.#attached.has(node)) this.trouble(`node ${node} still has volumes attached`);
    }
    return drained;
  }

  /** Nothing is left that asking or waiting could change. */
  finished(nowMs: number): boolean {
    this.#giveUpLate(nowMs);
    if (this.#inFlight > 0) return false;
    if ([...this.#works.values()].some((work) => this.#holdsUp(work) && !(work.step === 'waiting' && this.#barred)))
      return false;
    return this.#volumesAreBack(nowMs);
  }

  /** Adds a sentence to the report, once. */
  trouble(message: string): void {
    if (this.#errors.size < MAX_ERRORS) this.#errors.add(message);
  }

  /** What a person should know although nothing went wrong. */
  note(message: string): void {
    if (this.#notes.size < MAX_ERRORS) this.#notes.add(message);
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
      ...(this.#notes.size > 0 && { notes: [...this.#notes] }),
    };
  }

  #graces(pods: readonly Pod[]): readonly number[] {
    const graces = new Array<number>(this.#order.waves).fill(0);
    for (const pod of pods) {
      if (judgePod(pod, this.#rules).action === 'skip') continue;
      const wave = this.#order.waveOf(pod);
      graces[wave] = Math.max(graces[wave] ?? 0, pod.graceS * 1000);
    }
    return graces;
  }

  #add(pod: Pod, nowMs: number): void {
    const { action } = judgePod(pod, this.#rules);
    if (action === 'skip' || pod.node === undefined) return;
    this.#works.set(pod.uid, {
      pod,
      node: pod.node,
      wave: action === 'wait' ? 0 : this.#order.waveOf(pod),
      step: action === 'wait' ? 'stopping' : 'waiting',
      how: 'evict',
      notBeforeMs: nowMs,
      goneByMs: nowMs + (pod.deletion?.graceS ?? pod.graceS) * 1000 + STUCK_AFTER_MS,
      refusedSinceMs: 0,
      failures: { conflict: 0, unclear: 0 },
    });
  }

  /** Something may still become of it. */
  #holdsUp = (work: Work): boolean => !isOver(work) && !(work.step === 'stopping' && this.#dead.has(work.node));

  /** Whoever is there long after its grace, and all who wait for a server that is away for too long. */
  #giveUpLate(nowMs: number): void {
    const away = this.#awaySinceMs !== undefined && nowMs - this.#awaySinceMs >= AWAY_GIVE_UP_MS;
    for (const work of this.#works.values()) {
      if (work.step === 'stopping' && nowMs >= work.goneByMs && !this.#dead.has(work.node)) {
        work.step = 'stuck';
        this.trouble(`${podName(work.pod)} on ${work.node} was told to stop and is there long after its grace`);
      }
      if (away && work.step === 'waiting') this.#giveUp(work, 'the API server is away for too long to wait for it');
    }
  }

  /** Requests that may be in flight: few on a busy server, one while it is away. */
  #room(nowMs: number): number {
    if (this.#awayUntilMs === undefined) return this.#width;
    return nowMs < this.#awayUntilMs ? 0 : 1;
  }

  /** Waves before this one, exclusive, may be asked for: all before the last of them are over. */
  #openWaves(nowMs: number): number {
    let first = this.#order.waves;
    for (const work of this.#works.values()) {
      if (work.wave < first && this.#holdsUp(work) && !this.#dead.has(work.node)) first = work.wave;
    }
    const { storageWave } = this.#order;
    if (first >= storageWave && this.#attached.size > 0) {
      this.#volumesSinceMs ??= nowMs;
      if (nowMs - this.#volumesSinceMs < VOLUMES_WAIT_MS) return storageWave;
    }
    return first + 1;
  }

  #volumesAreBack(nowMs: number): boolean {
    if (this.#attached.size === 0) return true;
    if ([...this.#works.values()].some((work) => this.#attached.has(work.node) && this.#holdsUp(work))) return false;
    this.#volumesSinceMs ??= nowMs;
    return nowMs - this.#volumesSinceMs >= VOLUMES_WAIT_MS;
  }

  #readyAtMs(work: Work, openWaves: number, nowMs: number): number {
    const wave = work.wave < openWaves ? nowMs : (this.#latestMs[work.wave] ?? nowMs);
    const earliest = Math.max(work.notBeforeMs, wave);
    const { gate } = work;
    if (gate === undefined || work.how === 'delete') return earliest;
    const override =
      gate.kind === 'budget' && this.#mayDelete ? this.#overrideAtMs(work, gate) : Number.POSITIVE_INFINITY;
    const retry = gate.probedBy === undefined ? gate.nextTryMs : Number.POSITIVE_INFINITY;
    return Math.max(earliest, Math.min(override, retry));
  }

  #begin(work: Work, nowMs: number): void {
    const { gate } = work;
    if (gate !== undefined && work.how === 'evict') {
      if (gate.kind === 'budget' && this.#mayDelete && this.#overrideAtMs(work, gate) <= nowMs) work.how = 'delete';
      else gate.probedBy = work.pod.uid;
    }
    work.step = 'asking';
  }

  /** When the budget's no is overruled: after its grace, and early enough for the pod to stop before the deadline. */
  #overrideAtMs(work: Work, gate: Gate): number {
    const latest = this.#terms.deadlineMs - Math.min(work.pod.graceS * 1000, this.#totalMs / 2);
    const since = this.#somewhereToGo ? Math.max(work.refusedSinceMs, gate.progressMs) : work.refusedSinceMs;
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

  #learnPace(answer: EvictAnswer, nowMs: number): void {
    if (answer.kind === 'away') {
      this.#awayUntilMs = nowMs + AWAY_RETRY_MS;
      this.#awaySinceMs ??= nowMs;
      return;
    }
    this.#awayUntilMs = undefined;
    this.#awaySinceMs = undefined;
    if (answer.kind === 'busy') this.#width = Math.max(FEWEST_IN_FLIGHT, Math.floor(this.#width / 2));
    else this.#width = Math.min(MAX_IN_FLIGHT, this.#width + 1);
  }

  #take(work: Work, answer: EvictAnswer, askedForAll: boolean, nowMs: number): void {
    switch (answer.kind) {
      case 'accepted':
        work.step = 'stopping';
        work.goneByMs = nowMs + (this.#shortened(work.pod, nowMs) ?? work.pod.graceS) * 1000 + STUCK_AFTER_MS;
        this.#count(work);
        if (work.gate !== undefined && work.how === 'evict') {
          work.gate.progressMs = nowMs;
          work.gate.nextTryMs = nowMs;
          work.gate.refusals = 0;
          // A webhook that lets one through lets all through; a budget has to be asked for each.
          if (work.gate.kind === 'webhook') this.#open(work.gate);
        }
        return;
      case 'gone':
        work.step = 'gone';
        return;
      case 'namespace-ending':
        work.step = 'stopping';
        work.goneByMs = nowMs + work.pod.graceS * 1000 + STUCK_AFTER_MS;
        return;
      case 'budget':
        this.#refusedByBudget(work, answer, nowMs);
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
        this.#refusedByWebhook(work, answer, askedForAll, nowMs);
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

  #refusedByBudget(work: Work, answer: Extract<EvictAnswer, { kind: 'budget' }>, nowMs: number): void {
    if (work.gate?.kind !== 'budget') work.refusedSinceMs = nowMs;
    const gate = this.#gates.named('budget', answer.budget);
    work.gate = gate;
    // Nobody waits for a budget on behalf of pods that have no kubelet to stop them.
    if (this.#dead.has(work.node)) {
      work.step = 'given-up';
      return;
    }
    const settling = Math.min(answer.settlingMs ?? 0, SETTLING_MAX_MS, (this.#terms.deadlineMs - nowMs) / 4);
    gate.nextTryMs = nowMs + (answer.settlingMs === undefined ? BUDGET_RETRY_MS : Math.max(PAUSE_MS, settling));
    if (!this.#mayDelete && !this.#somewhereToGo) {
      this.#giveUp(work, `disruption budget ${answer.budget} cannot recover and its pods may not be deleted`);
    }
  }

  /** One pod asks again for all that the webhook blocks; after some tries they are left to their hosts. */
  #refusedByWebhook(
    work: Work,
    answer: Extract<EvictAnswer, { kind: 'webhook' }>,
    askedForAll: boolean,
    nowMs: number,
  ): void {
    const gate = this.#gates.named('webhook', answer.name);
    work.gate = gate;
    work.notBeforeMs = nowMs + PAUSE_MS;
    if (askedForAll || gate.refusals === 0 || work.how === 'delete') {
      gate.refusals += 1;
      gate.nextTryMs = nowMs + PAUSE_MS;
    }
    if (gate.refusals <= WEBHOOK_RETRIES) return;
    for (const other of this.#works.values()) {
      if (other.gate === gate && other.step === 'waiting') {
        this.#giveUp(other, `admission webhook ${answer.name} fails and blocks evictions`);
      }
    }
  }

  #open(gate: Gate): void {
    for (const work of this.#works.values()) {
      if (work.gate !== gate) continue;
      delete work.gate;
      work.notBeforeMs = 0;
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
    if (!this.#somewhereToGo || work.gate === undefined) work.step = 'given-up';
  }

  #giveUp(work: Work, message: string): void {
    work.step = 'given-up';
    this.trouble(message);
  }
}

/** Wave by wave, low priority before high, then by name, so that two runs ask in the same order. */
function inOrder(pods: readonly Pod[], order: StopOrder): readonly Pod[] {
  const keyed = pods.map((pod) => ({ pod, wave: order.waveOf(pod), name: podName(pod) }));
  keyed.sort((a, b) => a.wave - b.wave || a.pod.priority - b.pod.priority || (a.name < b.name ? -1 : 1));
  return keyed.map(({ pod }) => pod);
}
