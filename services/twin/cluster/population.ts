/** What runs in the simulated cluster. */

export type WorkloadKind =
  | 'Deployment'
  | 'StatefulSet'
  | 'DaemonSet'
  /** A finished pod of a Job. */
  | 'Job'
  /** A static pod: its mirror object, recreated by the kubelet. */
  | 'static'
  /** A bare pod that nothing recreates. */
  | 'unmanaged';

export interface WorkloadPlan {
  readonly kind: WorkloadKind;
  readonly namespace: string;
  readonly name: string;
  /** Pods of a Deployment or StatefulSet; 1 when absent. DaemonSets have one per node. */
  readonly replicas?: number;
  /** Where it runs; static pods need it, others are placed when absent. */
  readonly node?: string;
  /** Added to `app: <name>`. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly priority?: number;
  /** `terminationGracePeriodSeconds`; 30 when absent. */
  readonly graceS?: number;
  readonly emptyDir?: boolean;
  /** How long its containers really take to stop, s; random when absent. */
  readonly stopTimeS?: number;
}

export interface BudgetPlan {
  readonly namespace: string;
  readonly name: string;
  readonly matchLabels: Readonly<Record<string, string>>;
  /** A count or a percentage such as `50%`; one of the two. */
  readonly minAvailable?: number | string;
  readonly maxUnavailable?: number | string;
}

/** Three shop pods, one of which may be away: enough to see a budget say no. */
export const TYPICAL_BUDGETS: readonly BudgetPlan[] = [
  { namespace: 'web', name: 'shop', matchLabels: { app: 'shop' }, maxUnavailable: 1 },
];

const FIRST: readonly WorkloadPlan[] = [
  { kind: 'Deployment', namespace: 'kube-system', name: 'coredns', replicas: 2, priority: 2_000_000_000 },
  { kind: 'Deployment', namespace: 'kube-system', name: 'metrics-server', priority: 2_000_000_000, emptyDir: true },
  { kind: 'Deployment', namespace: 'ingress', name: 'traefik', replicas: 2, priority: 1_000 },
  { kind: 'Deployment', namespace: 'web', name: 'shop', replicas: 3 },
  { kind: 'StatefulSet', namespace: 'data', name: 'postgres', priority: 1_000, graceS: 60 },
  { kind: 'StatefulSet', namespace: 'monitoring', name: 'prometheus', graceS: 600 },
  { kind: 'Deployment', namespace: 'monitoring', name: 'grafana', emptyDir: true },
  { kind: 'StatefulSet', namespace: 'home', name: 'home-assistant' },
  { kind: 'unmanaged', namespace: 'tools', name: 'debug-shell' },
];
const FILLING_NAMESPACES = ['apps', 'web', 'batch', 'home'];
const LARGEST_FILLING = 10;
const FINISHED_JOBS = 3;

/** A household's mix with exactly `evictable` pods an eviction would touch, besides daemons, static and finished ones. */
export function typicalWorkloads(evictable: number, controlPlaneNodes: readonly string[]): readonly WorkloadPlan[] {
  const plans: WorkloadPlan[] = [
    { kind: 'DaemonSet', namespace: 'kube-system', name: 'cni', priority: 2_000_001_000 },
    { kind: 'DaemonSet', namespace: 'monitoring', name: 'node-exporter' },
    ...controlPlaneNodes.map(
      (node): WorkloadPlan => ({
        kind: 'static',
        namespace: 'kube-system',
        name: `kube-apiserver-${node}`,
        node,
        priority: 2_000_001_000,
      }),
    ),
    ...Array.from({ length: FINISHED_JOBS }, (_, index): WorkloadPlan => {
      return { kind: 'Job', namespace: 'batch', name: `backup-${index + 1}` };
    }),
  ];
  let missing = evictable;
  for (const plan of FIRST) {
    const replicas = Math.min(plan.replicas ?? 1, missing);
    if (replicas > 0) plans.push({ ...plan, replicas });
    missing -= replicas;
  }
  for (let index = 0; missing > 0; index += 1) {
    const replicas = Math.min(LARGEST_FILLING, missing);
    const namespace = FILLING_NAMESPACES[index % FILLING_NAMESPACES.length] ?? 'apps';
    plans.push({ kind: 'Deployment', namespace, name: `app-${index + 1}`, replicas });
    missing -= replicas;
  }
  return plans;
}
