import { hash32, hashText } from '../world/random.ts';
import { buildPod } from './build.ts';
import {
  isFinished,
  isTerminating,
  keyOf,
  type OwnerReference,
  type PodObject,
  stamp,
  withCondition,
} from './objects.ts';
import type { WorkloadPlan } from './population.ts';
import type { Change, ObjectStore } from './store.ts';
import type { Chronicle, Workload, WorkloadSpec } from './words.ts';

/** The controllers that keep workloads at their size, and the scheduler that finds their pods a node. */
export class Workloads {
  readonly all: readonly (Workload & { written: WorkloadSpec })[];
  readonly #store: ObjectStore;
  readonly #chronicle: Chronicle;
  readonly #nodes: readonly string[];
  /** Which workload a pod belongs to, by uid. */
  readonly #workloadOf = new Map<string, Workload>();
  readonly #short = new Set<Workload>();
  readonly #unplaced = new Set<string>();
  #names = 0;

  constructor(store: ObjectStore, chronicle: Chronicle, plans: readonly WorkloadPlan[], nodes: readonly string[]) {
    this.#store = store;
    this.#chronicle = chronicle;
    this.#nodes = nodes;
    this.all = plans.map((plan) => ({
      plan,
      uid: chronicle.newUid(),
      written: { replicas: plan.replicas ?? 1, labels: {}, annotations: {}, resourceVersion: 1 },
    }));
  }

  /** Creates the first pods. Finished and bare ones are made only here: nobody brings them back. */
  begin(): void {
    for (const workload of this.all) {
      const { kind, name, node } = workload.plan;
      if (kind === 'Job' || kind === 'unmanaged') this.#create(workload, name, node);
      else this.#fill(workload);
    }
  }

  planOf(pod: PodObject): WorkloadPlan | undefined {
    return this.#workloadOf.get(pod.metadata.uid)?.plan;
  }

  scaleOf(ownerUid: string): number {
    return this.all.find(({ uid }) => uid === ownerUid)?.written.replicas ?? 1;
  }

  /** Returns the pods that are too many now, by their keys: newest first, of a StatefulSet the highest numbers. */
  write(uid: string, written: Omit<WorkloadSpec, 'resourceVersion'>): readonly string[] {
    const workload = this.all.find((each) => each.uid === uid);
    if (workload === undefined) return [];
    workload.written = { ...written, resourceVersion: workload.written.resourceVersion + 1 };
    this.#short.add(workload);
    return this.#own(workload)
      .filter((pod) => !isTerminating(pod))
      .slice(written.replicas)
      .reverse()
      .map((pod) => keyOf(pod.metadata));
  }

  /** A pod changed: its controller may have something to do. */
  noticed(type: Change['type'], pod: PodObject): void {
    const { uid } = pod.metadata;
    const key = keyOf(pod.metadata);
    if (type !== 'DELETED' && pod.spec.nodeName === undefined) this.#unplaced.add(key);
    else this.#unplaced.delete(key);
    const workload = this.#workloadOf.get(uid);
    if (type === 'DELETED') this.#workloadOf.delete(uid);
    if (workload !== undefined && (type === 'DELETED' || isTerminating(pod))) this.#short.add(workload);
  }

  /** Creates what is missing. */
  refill(): void {
    const short = [...this.#short];
    this.#short.clear();
    for (const workload of short) this.#fill(workload);
  }

  /** Places what waits for a node; `loads` are the nodes that take pods and how many they have. */
  schedule(loads: Map<string, number>): void {
    if (loads.size === 0) return;
    for (const key of [...this.#unplaced]) {
      const pod = this.#store.get('pods', key);
      const [name, load] = [...loads].reduce((best, each) =>
        each[1] < best[1] || (each[1] === best[1] && each[0] < best[0]) ? each : best,
      );
      if (pod === undefined) continue;
      loads.set(name, load + 1);
      const placed = {
        type: 'PodScheduled',
        status: 'True',
        lastTransitionTime: stamp(this.#chronicle.wallMs),
      } as const;
      this.#store.put('pods', {
        ...pod,
        spec: { ...pod.spec, nodeName: name },
        status: { ...pod.status, conditions: withCondition(pod.status.conditions, placed) },
      });
    }
  }

  #fill(workload: Workload): void {
    const { plan } = workload;
    const own = this.#own(workload);
    switch (plan.kind) {
      case 'Deployment': {
        // A pod that is stopping no longer counts: its successor need not wait for it.
        const alive = own.filter((pod) => !isTerminating(pod)).length;
        for (let count = alive; count < workload.written.replicas; count += 1)
          this.#create(workload, this.#generated(workload));
        return;
      }
      case 'StatefulSet': {
        const names = new Set(own.map((pod) => pod.metadata.name));
        for (let ordinal = 0; ordinal < workload.written.replicas; ordinal += 1) {
          if (!names.has(`${plan.name}-${ordinal}`)) this.#create(workload, `${plan.name}-${ordinal}`);
        }
        return;
      }
      case 'DaemonSet':
        for (const node of this.#nodes) {
          if (!own.some((pod) => pod.spec.nodeName === node)) this.#create(workload, this.#generated(workload), node);
        }
        return;
      case 'static':
        if (own.length === 0) this.#create(workload, plan.name, plan.node);
        return;
      case 'Job':
      case 'unmanaged':
        return;
    }
  }

  #own(workload: Workload): readonly PodObject[] {
    return [...this.#store.all('pods')].filter(
      (pod) => this.#workloadOf.get(pod.metadata.uid) === workload && !isFinished(pod),
    );
  }

  #create(workload: Workload, name: string, fixedNode?: string): void {
    const { plan } = workload;
    const uid = this.#chronicle.newUid();
    const node = fixedNode ?? plan.node;
    const owner = this.#ownerOf(workload);
    this.#workloadOf.set(uid, workload);
    const facts = { plan, name, uid, wallMs: this.#chronicle.wallMs };
    this.#store.put(
      'pods',
      buildPod({ ...facts, ...(owner !== undefined && { owner }), ...(node !== undefined && { node }) }),
    );
  }

  #generated(workload: Workload): string {
    const { kind, name } = workload.plan;
    this.#names += 1;
    const own = suffix(`${workload.uid} ${this.#names}`, 5);
    return kind === 'Deployment' ? `${this.#replicaSet(workload)}-${own}` : `${name}-${own}`;
  }

  #replicaSet({ plan, uid }: Workload): string {
    return `${plan.name}-${suffix(uid, 10)}`;
  }

  #ownerOf(workload: Workload): OwnerReference | undefined {
    const { plan, uid } = workload;
    switch (plan.kind) {
      case 'Deployment':
        return { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: this.#replicaSet(workload), uid, controller: true };
      case 'StatefulSet':
      case 'DaemonSet':
        return { apiVersion: 'apps/v1', kind: plan.kind, name: plan.name, uid, controller: true };
      case 'Job':
        return { apiVersion: 'batch/v1', kind: 'Job', name: plan.name, uid, controller: true };
      case 'static':
        return { apiVersion: 'v1', kind: 'Node', name: plan.node ?? '', uid, controller: true };
      case 'unmanaged':
        return undefined;
    }
  }
}

/** Letters and digits as the API server appends them to generated names. */
function suffix(text: string, length: number): string {
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
  const salt = hashText(text);
  return Array.from({ length }, (_, index) => alphabet[hash32(salt, index) % alphabet.length]).join('');
}
