/** The Kubernetes objects of the simulated cluster, in the shape they have on the wire. A change makes a new object. */

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller: boolean;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly creationTimestamp: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  /** The moment the grace period ends, not the one it began. */
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
}

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason?: string;
  readonly message?: string;
  readonly lastHeartbeatTime?: string;
  readonly lastTransitionTime: string;
}

export interface Taint {
  readonly key: string;
  readonly effect: string;
  readonly value?: string;
  readonly timeAdded?: string;
}

export interface NodeObject {
  readonly apiVersion: 'v1';
  readonly kind: 'Node';
  readonly metadata: ObjectMeta;
  readonly spec: { readonly unschedulable?: boolean; readonly taints?: readonly Taint[]; readonly podCIDR?: string };
  readonly status: {
    readonly conditions: readonly Condition[];
    readonly addresses: readonly { readonly type: string; readonly address: string }[];
    readonly nodeInfo: Readonly<Record<string, string>>;
    readonly capacity: Readonly<Record<string, string>>;
    readonly allocatable: Readonly<Record<string, string>>;
  };
}

export interface ContainerStatus {
  readonly name: string;
  readonly ready: boolean;
  readonly restartCount: number;
  readonly image: string;
  readonly imageID: string;
  readonly state: Readonly<Record<string, unknown>>;
}

export interface PodObject {
  readonly apiVersion: 'v1';
  readonly kind: 'Pod';
  readonly metadata: ObjectMeta & { readonly namespace: string };
  readonly spec: {
    readonly nodeName?: string;
    readonly priority: number;
    readonly terminationGracePeriodSeconds: number;
    readonly containers: readonly Readonly<Record<string, unknown>>[];
    readonly volumes?: readonly Readonly<Record<string, unknown>>[];
    readonly restartPolicy: string;
  };
  readonly status: {
    readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
    readonly conditions: readonly Condition[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly hostIP?: string;
    readonly podIP?: string;
    readonly qosClass: string;
    readonly startTime?: string;
  };
}

export interface BudgetObject {
  readonly apiVersion: 'policy/v1';
  readonly kind: 'PodDisruptionBudget';
  readonly metadata: ObjectMeta & { readonly namespace: string };
  readonly spec: {
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly minAvailable?: number | string;
    readonly maxUnavailable?: number | string;
  };
  readonly status: {
    readonly currentHealthy: number;
    readonly desiredHealthy: number;
    readonly expectedPods: number;
    readonly disruptionsAllowed: number;
    readonly observedGeneration: number;
  };
}

export interface LeaseObject {
  readonly apiVersion: 'coordination.k8s.io/v1';
  readonly kind: 'Lease';
  readonly metadata: ObjectMeta & { readonly namespace: string };
  readonly spec: {
    readonly holderIdentity: string;
    readonly leaseDurationSeconds: number;
    readonly renewTime: string;
  };
}

export interface Kinds {
  readonly nodes: NodeObject;
  readonly pods: PodObject;
  readonly poddisruptionbudgets: BudgetObject;
  readonly leases: LeaseObject;
}
export type Plural = keyof Kinds;

/** `2026-01-31T12:00:00Z`. */
export const stamp = (wallMs: number): string => new Date(wallMs).toISOString().replace(/\.\d+Z$/, 'Z');

/** `2026-01-31T12:00:00.250000Z`, as Leases have it. */
export const microStamp = (wallMs: number): string => new Date(wallMs).toISOString().replace('Z', '000Z');

/** `namespace/name`, or the bare name of something without a namespace. */
export const keyOf = (metadata: Pick<ObjectMeta, 'namespace' | 'name'>): string =>
  metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;

export const conditionOf = (
  object: { readonly status: { readonly conditions: readonly Condition[] } },
  type: string,
): Condition | undefined => object.status.conditions.find((condition) => condition.type === type);

export const isReady = (object: { readonly status: { readonly conditions: readonly Condition[] } }): boolean =>
  conditionOf(object, 'Ready')?.status === 'True';

export const isFinished = (pod: PodObject): boolean =>
  pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';

export const isTerminating = (pod: PodObject): boolean => pod.metadata.deletionTimestamp !== undefined;

export const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

export const isMirror = (pod: PodObject): boolean => pod.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined;

export const isDaemon = (pod: PodObject): boolean =>
  pod.metadata.ownerReferences?.some((owner) => owner.kind === 'DaemonSet') ?? false;

/** The conditions with one of them set; its transition time moves only when its status changes. */
export function withCondition(conditions: readonly Condition[], set: Condition): readonly Condition[] {
  const before = conditions.find((condition) => condition.type === set.type);
  const kept = before?.status === set.status ? { ...set, lastTransitionTime: before.lastTransitionTime } : set;
  return before === undefined
    ? [...conditions, kept]
    : conditions.map((condition) => (condition.type === set.type ? kept : condition));
}
