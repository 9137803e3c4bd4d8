import type { ClusterSample } from '../rack/samples.ts';
import type { Clock } from '../runtime/clock.ts';
import { type Outcome, succeeded } from '../shutdown/promises.ts';
import { changeNode, decideUncordon } from './nodes.ts';
import type { RestClient } from './rest.ts';
import { CONDITION_FRESH_MS, LEASE_FRESH_MS, waitsForOthers } from './uncordon-gate.ts';
import { scaleBack } from './workloads.ts';

const LOOK_EVERY_MS = 2_000;
/** One call waits no longer; whoever asks again waits on. */
const LONGEST_WAIT_MS = 60_000;

export interface HomecomingTerms {
  /** Share of the workers that must be back before the first node takes pods. */
  readonly share: number;
  /** How long the first nodes wait for that share, ms. */
  readonly patienceMs: number;
  /** Workloads are scaled down by this configuration, so a missing right to scale them back is an error. */
  readonly scales: boolean;
}

/** Gives nodes back: waits until enough of them are there, uncordons, and scales back what was scaled down. */
export class Homecoming {
  readonly #rest: RestClient;
  readonly #clock: Clock;
  readonly #terms: HomecomingTerms;
  readonly #look: () => Promise<{ readonly sample: ClusterSample; readonly leases: boolean }>;
  readonly #waiting = new Map<string, AbortController>();
  /** By run: when its first node wanted to come back, monotonic ms. */
  readonly #sinceMs = new Map<string, number>();
  /** Runs whose gate has opened: the rest comes one by one. */
  readonly #open = new Set<string>();
  readonly #scaledBack = new Map<string, Promise<Outcome>>();
  #seen: { readonly atMs: number; readonly look: ReturnType<Homecoming['lookNow']> } | undefined;

  constructor(
    rest: RestClient,
    clock: Clock,
    terms: HomecomingTerms,
    look: () => Promise<{ readonly sample: ClusterSample; readonly leases: boolean }>,
  ) {
    this.#rest = rest;
    this.#clock = clock;
    this.#terms = terms;
    this.#look = look;
  }

  /** Never rejects. `timeout` while others are awaited: ask again. */
  async uncordon(node: string, runId: string, signal: AbortSignal): Promise<Outcome> {
    const called = new AbortController();
    this.#waiting.get(node)?.abort();
    this.#waiting.set(node, called);
    try {
      const missing = await this.#othersAreBack(runId, AbortSignal.any([signal, called.signal]));
      if (missing !== undefined) return missing;
      const outcome = await changeNode(this.#rest, this.#clock, node, (found) => decideUncordon(found, runId));
      if (!succeeded(outcome)) return outcome;
      const scaled = await this.#scaleBack(runId);
      return succeeded(scaled) ? outcome : scaled;
    } finally {
      if (this.#waiting.get(node) === called) this.#waiting.delete(node);
    }
  }

  /** The nodes are going down (again): nobody waits to bring them back, and another homecoming will begin anew. */
  calledOff(nodes: readonly string[], runId: string): void {
    for (const node of nodes) this.#waiting.get(node)?.abort();
    this.#sinceMs.delete(runId);
    this.#open.delete(runId);
    this.#scaledBack.delete(runId);
  }

  /** One look serves all who wait. */
  lookNow(): ReturnType<Homecoming['askAll']> {
    const nowMs = this.#clock.monoMs();
    if (this.#seen === undefined || nowMs - this.#seen.atMs >= LOOK_EVERY_MS) {
      this.#seen = { atMs: nowMs, look: this.askAll() };
    }
    return this.#seen.look;
  }

  /** Undefined when the cluster cannot be seen. */
  askAll(): Promise<{ readonly sample: ClusterSample; readonly leases: boolean } | undefined> {
    return this.#look().catch(() => undefined);
  }

  /** Undefined when the node may come back now, else what to answer. */
  async #othersAreBack(runId: string, signal: AbortSignal): Promise<Outcome | undefined> {
    const beganMs = this.#clock.monoMs();
    const sinceMs = this.#sinceMs.get(runId) ?? beganMs;
    this.#sinceMs.set(runId, sinceMs);
    for (;;) {
      if (signal.aborted) return { code: 'refused', detail: 'called off: it is going down again' };
      const nowMs = this.#clock.monoMs();
      if (this.#open.has(runId) || nowMs - sinceMs >= this.#terms.patienceMs) return undefined;
      const look = await this.lookNow();
      // A cluster that cannot be seen cannot be changed either: that call says why.
      if (look === undefined) return undefined;
      const { sample, leases } = look;
      const freshMs = leases ? LEASE_FRESH_MS : CONDITION_FRESH_MS;
      const missing = waitsForOthers(sample.nodes, sample.serverNowMs, runId, this.#terms.share, freshMs);
      if (missing === undefined) {
        this.#open.add(runId);
        continue;
      }
      if (nowMs - beganMs >= LONGEST_WAIT_MS) return { code: 'timeout', detail: `waits for the others: ${missing}` };
      await this.#clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
    }
  }

  /** Once per run, whoever comes first; a failure is tried again with the next node or the next try. */
  #scaleBack(runId: string): Promise<Outcome> {
    const before = this.#scaledBack.get(runId);
    if (before !== undefined) return before;
    const scaling = scaleBack(this.#rest, this.#clock, runId, this.#terms.scales);
    this.#scaledBack.set(runId, scaling);
    void scaling.then((outcome) => {
      if (!succeeded(outcome) && this.#scaledBack.get(runId) === scaling) this.#scaledBack.delete(runId);
    });
    return scaling;
  }
}
