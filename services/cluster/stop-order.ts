import { type Pod, podName } from './objects.ts';
import { groupOf, judgePod, type PodClass, type PodRules } from './which-pods.ts';

/**
 * On a pod: what it needs until it has stopped, as `namespace/name` or `name` in its own namespace, separated by commas.
 * A name is that of a workload (without the generated end of its pods) or of a bare pod.
 */
export const NEEDS_ANNOTATION = 'holdover.dev/needs';

const CLASS_RANK: Readonly<Record<PodClass, number>> = {
  application: 0,
  raised: 1_000_000,
  grouped: 2_000_000,
  storage: 3_000_000,
  system: 4_000_000,
  webhook: 5_000_000,
};
const GROUP_STEP = 1_000;
/** Longer chains of needs end here; they are a circle in all likelihood. */
const LONGEST_CHAIN = 100;

/** The waves in which pods stop: a wave begins when the one before it is gone. Pure. */
export class StopOrder {
  /** Circles in what pods say they need. */
  readonly notes: readonly string[];
  readonly #rules: PodRules;
  readonly #flat: boolean;
  readonly #ranks: readonly number[];
  readonly #rankOf: ReadonlyMap<string, number>;

  /** `flat`: the rest of the cluster stays up, so only storage and system pods wait for the others. */
  constructor(pods: readonly Pod[], rules: PodRules, flat: boolean) {
    this.#rules = rules;
    this.#flat = flat;
    const stopping = pods.filter((pod) => judgePod(pod, rules).action !== 'skip');
    const { ranks, circles } = flat
      ? { ranks: new Map<string, number>(), circles: [] }
      : liftNeeded(stopping, (pod) => this.#base(pod));
    this.#rankOf = ranks;
    this.notes =
      circles.length === 0 ? [] : [`they need each other, so their order is not kept: ${circles.join(', ')}`];
    this.#ranks = [...new Set(stopping.map((pod) => this.#rank(pod)))].sort((a, b) => a - b);
  }

  /** At least one. */
  get waves(): number {
    return Math.max(1, this.#ranks.length);
  }

  /** The wave of a pod, from 0; a pod that nobody knew before goes with those like it or with the next ones. */
  waveOf(pod: Pod): number {
    const rank = this.#rank(pod);
    const found = this.#ranks.findIndex((each) => each >= rank);
    return found < 0 ? this.waves - 1 : found;
  }

  /** First wave that must wait until volumes are given back; `waves` when there is none. */
  get storageWave(): number {
    const found = this.#ranks.findIndex((rank) => rank >= CLASS_RANK.storage && rank < CLASS_RANK.system);
    return found < 0 ? this.waves : found;
  }

  #rank(pod: Pod): number {
    return this.#rankOf.get(workloadOf(pod)) ?? this.#base(pod);
  }

  #base(pod: Pod): number {
    const verdict = judgePod(pod, this.#rules);
    if (verdict.action !== 'evict') return 0;
    const { as } = verdict;
    if (this.#flat && CLASS_RANK[as] < CLASS_RANK.storage) return 0;
    return CLASS_RANK[as] + (as === 'grouped' ? groupOf(pod, this.#rules) * GROUP_STEP : 0);
  }
}

/** `namespace/name` of what the pod belongs to: its controller without the generated end of a ReplicaSet, or itself. */
export function workloadOf(pod: Pod): string {
  const { controller, namespace } = pod;
  if (controller === undefined) return podName(pod);
  const hash = pod.labels['pod-template-hash'];
  const end = hash === undefined ? /-[a-z0-9]{5,10}$/ : `-${hash}`;
  return `${namespace}/${controller.kind === 'ReplicaSet' ? controller.name.replace(end, '') : controller.name}`;
}

/** Whatever is needed stops after all who need it. */
function liftNeeded(
  pods: readonly Pod[],
  base: (pod: Pod) => number,
): { readonly ranks: ReadonlyMap<string, number>; readonly circles: readonly string[] } {
  const own = new Map<string, number>();
  const links: { readonly from: string; readonly to: string }[] = [];
  for (const pod of pods) {
    const from = workloadOf(pod);
    own.set(from, Math.max(own.get(from) ?? 0, base(pod)));
    for (const to of neededBy(pod)) links.push({ from, to });
  }
  const ranks = new Map(own);
  // Every pass lifts the next link of a chain; what is still rising after the longest chain runs in a circle.
  for (let pass = 0; pass < LONGEST_CHAIN && lift(links, ranks).length > 0; pass += 1);
  const circles = lift(links, ranks);
  for (const name of circles) ranks.set(name, own.get(name) ?? 0);
  return { ranks, circles: [...new Set(circles)].sort() };
}

/** Raises everything that is needed above who needs it, and says what rose. */
function lift(links: readonly { readonly from: string; readonly to: string }[], ranks: Map<string, number>): string[] {
  const rose: string[] = [];
  for (const { from, to } of links) {
    const after = (ranks.get(from) ?? 0) + 1;
    const rank = ranks.get(to);
    if (rank === undefined || rank >= after) continue;
    ranks.set(to, after);
    rose.push(to);
  }
  return rose;
}

const neededBy = (pod: Pod): readonly string[] =>
  (pod.annotations[NEEDS_ANNOTATION] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
    .map((name) => (name.includes('/') ? name : `${pod.namespace}/${name}`));

/**
 * When each wave begins at the latest, ms: early enough that it and all after it have their grace, or an equal share of
 * the time where that is not enough. `gracesMs`: the longest grace in each wave.
 */
export function latestStarts(gracesMs: readonly number[], startMs: number, deadlineMs: number): readonly number[] {
  const share = (deadlineMs - startMs) / Math.max(1, gracesMs.length);
  const latest: number[] = [];
  let nextMs = deadlineMs;
  for (const graceMs of gracesMs.toReversed()) {
    nextMs -= Math.min(graceMs, share);
    latest.unshift(nextMs);
  }
  if (latest.length > 0) latest[0] = startMs;
  return latest;
}
