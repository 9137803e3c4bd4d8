import type { BudgetObject, Kinds, NodeObject, Plural, PodObject } from './objects.ts';
import type { BudgetPlan, WorkloadPlan } from './population.ts';
import type { Change } from './store.ts';

export interface ClusterWorldOptions {
  /** Pods per node that an eviction would touch, on average; 8.5 when absent. Ignored when `workloads` is given. */
  readonly podsPerNode?: number;
  /** Exactly what runs, instead of a typical mix. */
  readonly workloads?: readonly WorkloadPlan[];
  /** One small budget when absent; an empty list for none. */
  readonly budgets?: readonly BudgetPlan[];
  /** Same seed, same story; 1 when absent. */
  readonly seed?: number;
  /** Shortest and longest time containers take to stop, s; 0.3 to 2 when absent. */
  readonly stopTimesS?: readonly [number, number];
  /** Shortest and longest time a placed pod takes to become ready, s; 1 to 3 when absent. */
  readonly startTimesS?: readonly [number, number];
  /** How often a kubelet renews its Lease, s; 10 when absent. */
  readonly heartbeatS?: number;
  /** Silence after which a node counts as lost, s; 40 when absent. */
  readonly notReadyAfterS?: number;
  /** From the end of the boot to Ready, s; 5 when absent. */
  readonly readyAfterBootS?: number;
}

/** Something that was done to the cluster or happened in it. */
export interface ClusterEvent {
  /** World time, s since the cluster began. */
  readonly atS: number;
  /** `refuse`: a budget said no. `podKilled`: a workload's container lost its host while it ran. */
  readonly kind: 'cordon' | 'uncordon' | 'evict' | 'refuse' | 'delete' | 'podGone' | 'podStarted' | 'podKilled';
  /** Node name, or `namespace/name` of a pod. */
  readonly subject: string;
  readonly node?: string;
  readonly uid?: string;
}

export interface RemovalOptions {
  /** The pod must still have this uid. */
  readonly uid?: string;
  /** Instead of the pod's own grace period, s. */
  readonly graceS?: number;
  readonly dryRun?: boolean;
}

export type RemovalAnswer =
  | { readonly kind: 'accepted'; readonly pod: PodObject }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'other-uid'; readonly uid: string }
  | { readonly kind: 'budget'; readonly budget: BudgetObject }
  | { readonly kind: 'two-budgets' };

/** A controller, as far as the API shows one. */
export interface Workload {
  readonly plan: WorkloadPlan;
  readonly uid: string;
  readonly written: WorkloadSpec;
}

/** What the API writes to a workload. */
export interface WorkloadSpec {
  readonly replicas: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly resourceVersion: number;
}

/** The simulated cluster. It moves by `step`, after the world; what the API would change goes through its methods. */
export interface ClusterWorld {
  /** A quorum of control plane hosts runs. */
  readonly apiAvailable: boolean;
  /** The newest events, oldest first. */
  readonly events: readonly ClusterEvent[];
  /** Per budget `namespace/name`: the smallest number of healthy pods there has been. */
  readonly lowestHealthy: ReadonlyMap<string, number>;
  readonly workloads: readonly Workload[];
  readonly resourceVersion: number;
  list<P extends Plural>(plural: P): readonly Kinds[P][];
  /** `key` is `namespace/name`, or the name of a node. */
  get<P extends Plural>(plural: P, key: string): Kinds[P] | undefined;
  /** Changes after `version`, or `too-old` when some of them are forgotten. */
  since(plural: Plural, version: number): readonly Change[] | 'too-old';
  /** Forgets the history: watches that want to resume must list again. */
  compact(): void;
  onChange(listener: (change: Change) => void): () => void;
  /** Writes labels, annotations and spec of a node; its status stays. */
  writeNode(node: NodeObject): NodeObject;
  /** Sets size, labels and annotations of a workload; pods too many are told to stop. */
  writeWorkload(uid: string, written: Omit<WorkloadSpec, 'resourceVersion'>): void;
  /** `podKey` is `namespace/name`. */
  evict(podKey: string, options?: RemovalOptions): RemovalAnswer;
  deletePod(podKey: string, options?: RemovalOptions): RemovalAnswer;
  step(dtS: number): void;
}

/** What the parts of the cluster share: time, and the record of what happened. */
export interface Chronicle {
  /** World time, s since the cluster began. */
  readonly nowS: number;
  /** The world's wall clock, ms. */
  readonly wallMs: number;
  /** A new uid, the same in every run of the same story. */
  newUid(): string;
  record(kind: ClusterEvent['kind'], subject: string, node?: string, uid?: string): void;
}
