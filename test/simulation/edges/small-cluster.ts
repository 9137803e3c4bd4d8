import type { ClusterWorld, ClusterWorldOptions } from '../../../services/twin/cluster/words.ts';

const SIZES: Readonly<Record<string, number>> = { shop: 3, api: 4, db: 2, idle: 0, solo: 1 };

const OPTIONS: ClusterWorldOptions = {
  workloads: [
    { kind: 'DaemonSet', namespace: 'kube-system', name: 'cni', priority: 2_000_001_000 },
    { kind: 'Deployment', namespace: 'kube-system', name: 'dns', replicas: 2, priority: 2_000_000_000 },
    { kind: 'Deployment', namespace: 'web', name: 'shop', replicas: 3 },
    { kind: 'Deployment', namespace: 'web', name: 'api', replicas: 4, graceS: 10 },
    { kind: 'Deployment', namespace: 'web', name: 'idle', replicas: 0 },
    { kind: 'StatefulSet', namespace: 'apps', name: 'db', replicas: 2, graceS: 20 },
    { kind: 'StatefulSet', namespace: 'apps', name: 'solo' },
  ],
  budgets: [
    { namespace: 'web', name: 'shop', matchLabels: { app: 'shop' }, maxUnavailable: 1 },
    { namespace: 'apps', name: 'db', matchLabels: { app: 'db' }, minAvailable: 1 },
  ],
};

/** A cluster with something of everything that is scaled or evicted, and what must be as before when all is over. */
export class SmallCluster {
  readonly cluster: ClusterWorld;
  readonly #cordoned: ReadonlySet<string>;
  readonly #scaled = new Set<string>();

  constructor(create: (options: ClusterWorldOptions) => ClusterWorld, cordoned: ReadonlySet<string>) {
    this.cluster = create(OPTIONS);
    this.#cordoned = cordoned;
    for (const node of this.cluster.list('nodes'))
      if (cordoned.has(node.metadata.name))
        this.cluster.writeNode({ ...node, spec: { ...node.spec, unschedulable: true } });
  }

  get evictions(): number {
    return this.cluster.events.filter(({ kind }) => kind === 'evict').length;
  }

  get scaled(): number {
    return this.#scaled.size;
  }

  looks(): void {
    for (const { plan, written } of this.cluster.workloads)
      if (written.replicas < (SIZES[plan.name] ?? 0)) this.#scaled.add(plan.name);
  }

  /** @param once no answer was lost, so that no pod has been evicted twice */
  complaints(once: boolean): string[] {
    return [...this.#ofNodes(), ...this.#ofWorkloads(), ...(once ? this.#ofEvictions() : [])];
  }

  #ofNodes(): string[] {
    return this.cluster
      .list('nodes')
      .flatMap(({ metadata, spec }) => [
        ...((spec.unschedulable ?? false) === this.#cordoned.has(metadata.name)
          ? []
          : [`${metadata.name}: schedulable differs from before`]),
        ...(metadata.annotations?.['holdover.dev/cordoned'] === undefined
          ? []
          : [`${metadata.name}: our mark is left`]),
      ]);
  }

  #ofWorkloads(): string[] {
    return this.cluster.workloads.flatMap(({ plan: { name }, written }) => {
      const size = SIZES[name];
      const marked = 'holdover.dev/scaled-by' in written.labels || 'holdover.dev/replicas' in written.annotations;
      return [
        ...(size === undefined || written.replicas === size ? [] : [`workload ${name} is left at ${written.replicas}`]),
        ...(marked ? [`workload ${name} is left marked`] : []),
      ];
    });
  }

  #ofEvictions(): string[] {
    const seen = new Set<string>();
    return this.cluster.events.flatMap(({ kind, subject, uid }) => {
      if (kind !== 'evict' || uid === undefined) return [];
      const again = seen.has(uid);
      seen.add(uid);
      return again ? [`${subject} was evicted twice`] : [];
    });
  }
}
