import { type BudgetObject, isFinished, isReady, isTerminating, keyOf, type PodObject } from './objects.ts';
import type { ObjectStore } from './store.ts';
import type { RemovalAnswer } from './words.ts';

/** The disruption controller, and the question every eviction asks it. */
export class Budgets {
  /** Per budget: the smallest number of healthy pods there has been. */
  readonly lowestHealthy = new Map<string, number>();
  readonly #store: ObjectStore;
  readonly #scaleOf: (ownerUid: string) => number;
  readonly #stuck: () => ReadonlySet<string>;
  #old = true;

  /** `scaleOf`: pods a controller is meant to have. `stuck`: budgets that never allow a disruption. */
  constructor(store: ObjectStore, scaleOf: (ownerUid: string) => number, stuck: () => ReadonlySet<string>) {
    this.#store = store;
    this.#scaleOf = scaleOf;
    this.#stuck = stuck;
  }

  /** A pod changed: the figures have to be worked out again before anybody sees them. */
  outdate(): void {
    this.#old = true;
  }

  renew(): void {
    const stuck = this.#stuck();
    if (!this.#old && stuck.size === 0) return;
    // Stays old while something is stuck, so that the figures come right again when it no longer is.
    this.#old = stuck.size > 0;
    for (const budget of [...this.#store.all('poddisruptionbudgets')]) {
      const key = keyOf(budget.metadata);
      const status = budgetStatus(budget, this.#store.all('pods'), this.#scaleOf, stuck.has(key));
      this.lowestHealthy.set(
        key,
        Math.min(this.lowestHealthy.get(key) ?? status.currentHealthy, status.currentHealthy),
      );
      if (JSON.stringify(status) !== JSON.stringify(budget.status)) {
        this.#store.put('poddisruptionbudgets', { ...budget, status });
      }
    }
  }

  /** Why this pod may not be evicted now; undefined when it may. */
  refusal(pod: PodObject): RemovalAnswer | undefined {
    // Budgets protect pods that serve: not finished ones, not those that never started or are stopping anyway.
    if (isFinished(pod) || isTerminating(pod) || pod.status.phase === 'Pending') return undefined;
    this.renew();
    const [budget, second] = [...this.#store.all('poddisruptionbudgets')].filter((each) => covers(each, pod));
    if (budget === undefined) return undefined;
    if (second !== undefined) return { kind: 'two-budgets' };
    const { currentHealthy, desiredHealthy, disruptionsAllowed } = budget.status;
    const sickAndSpare = !isReady(pod) && desiredHealthy > 0 && currentHealthy >= desiredHealthy;
    return disruptionsAllowed > 0 || sickAndSpare ? undefined : { kind: 'budget', budget };
  }
}

const covers = (budget: BudgetObject, pod: PodObject): boolean =>
  budget.metadata.namespace === pod.metadata.namespace &&
  Object.entries(budget.spec.selector.matchLabels).every(([key, value]) => pod.metadata.labels?.[key] === value);

function budgetStatus(
  budget: BudgetObject,
  pods: Iterable<PodObject>,
  scaleOf: (ownerUid: string) => number,
  stuck: boolean,
): BudgetObject['status'] {
  const scales = new Map<string, number>();
  let currentHealthy = 0;
  for (const pod of pods) {
    if (!covers(budget, pod) || isFinished(pod)) continue;
    const owner = pod.metadata.ownerReferences?.find((reference) => reference.controller);
    scales.set(owner?.uid ?? pod.metadata.uid, owner === undefined ? 1 : scaleOf(owner.uid));
    if (isReady(pod) && !isTerminating(pod)) currentHealthy += 1;
  }
  const expectedPods = [...scales.values()].reduce((sum, scale) => sum + scale, 0);
  const { minAvailable, maxUnavailable } = budget.spec;
  const desiredHealthy =
    minAvailable !== undefined
      ? amount(minAvailable, expectedPods)
      : Math.max(0, expectedPods - amount(maxUnavailable ?? 1, expectedPods));
  return {
    currentHealthy,
    desiredHealthy,
    expectedPods,
    disruptionsAllowed: stuck || expectedPods === 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy),
    observedGeneration: 1,
  };
}

/** A count, or a percentage of `total` rounded up. */
const amount = (value: number | string, total: number): number =>
  typeof value === 'number' ? value : Math.ceil((Number.parseFloat(value) / 100) * total);
