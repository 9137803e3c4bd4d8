import { Budgets } from './cluster/budgets.ts';
import { buildBudget, withReadiness } from './cluster/build.ts';
import { Kubelet, type KubeletSite } from './cluster/kubelet.ts';
import { Nodes } from './cluster/nodes.ts';
import {
  isFinished,
  isReady,
  type Kinds,
  keyOf,
  type NodeObject,
  type Plural,
  type PodObject,
  stamp,
  withCondition,
} from './cluster/objects.ts';
import { TYPICAL_BUDGETS, typicalWorkloads } from './cluster/population.ts';
import { type Change, ObjectStore } from './cluster/store.ts';
import type {
  Chronicle,
  ClusterEvent,
  ClusterWorld,
  ClusterWorldOptions,
  RemovalAnswer,
  RemovalOptions,
  Workload,
  WorkloadSpec,
} from './cluster/words.ts';
import { Workloads } from './cluster/workloads.ts';
import type { World, WorldHost } from './model.ts';
import { hashText, unit, uuidOf } from './world/random.ts';

export type { ClusterEvent, ClusterWorld, ClusterWorldOptions } from './cluster/words.ts';

/** What a cluster needs of the world it stands in. */
export interface ClusterSite extends Pick<World, 'hosts' | 'wallMs'> {
  readonly faults: Pick<World['faults'], 'stuckBudgets'>;
}

const EVENTS_KEPT = 20_000;

/** A cluster on the hosts of `world` that have a node name; deterministic for a seed and for what is done to it. */
export function createClusterWorld(world: ClusterSite, options: ClusterWorldOptions = {}): ClusterWorld {
  return new SimCluster(world, options);
}

class SimCluster implements ClusterWorld, KubeletSite, Chronicle {
  nowS = 0;
  readonly events: ClusterEvent[] = [];
  readonly #world: ClusterSite;
  readonly #options: ClusterWorldOptions;
  readonly #seed: number;
  readonly #store = new ObjectStore();
  readonly #nodes: Nodes;
  readonly #workloads: Workloads;
  readonly #budgets: Budgets;
  readonly #kubelets = new Map<string, Kubelet>();
  readonly #podKeys = new Map<string, string>();
  readonly #podsOf = new Map<string, Set<string>>();
  readonly #restarts = new Map<string, number>();
  #uids = 0;
  /** Since when the API has been there without a break, s. */
  #apiSinceS: number | undefined = 0;

  constructor(world: ClusterSite, options: ClusterWorldOptions) {
    this.#world = world;
    this.#options = options;
    this.#seed = options.seed ?? 1;
    this.#nodes = new Nodes(this.#store, this);
    const hosts = new Map(
      [...world.hosts.values()].flatMap((host) => (host.node === undefined ? [] : [[host.node, host]])),
    );
    this.#addNodes(hosts);
    const servers = [...hosts].filter(([, host]) => host.controlPlane).map(([name]) => name);
    const plans = options.workloads ?? typicalWorkloads(Math.round((options.podsPerNode ?? 8.5) * hosts.size), servers);
    this.#workloads = new Workloads(this.#store, this, plans, [...hosts.keys()]);
    this.#budgets = new Budgets(
      this.#store,
      (uid) => this.#workloads.scaleOf(uid),
      () => world.faults.stuckBudgets,
    );
    this.#store.onChange((change) => this.#noticed(change));
    this.#workloads.begin();
    this.#schedule();
    this.#startEverything(hosts);
    for (const plan of options.budgets ?? TYPICAL_BUDGETS) {
      this.#store.put('poddisruptionbudgets', buildBudget(plan, this.newUid(), world.wallMs));
    }
    this.#budgets.renew();
    this.#store.compact();
  }

  get apiAvailable(): boolean {
    const servers = [...this.#world.hosts.values()].filter((host) => host.controlPlane);
    const running = servers.filter((host) => host.state === 'running').length;
    return servers.length === 0 || running >= Math.floor(servers.length / 2) + 1;
  }

  get workloads(): readonly Workload[] {
    return this.#workloads.all;
  }

  get lowestHealthy(): ReadonlyMap<string, number> {
    return this.#budgets.lowestHealthy;
  }

  get resourceVersion(): number {
    return this.#store.resourceVersion;
  }

  list<P extends Plural>(plural: P): readonly Kinds[P][] {
    this.#budgets.renew();
    return this.#store.list(plural);
  }

  get<P extends Plural>(plural: P, key: string): Kinds[P] | undefined {
    this.#budgets.renew();
    return this.#store.get(plural, key);
  }

  since(plural: Plural, version: number): readonly Change[] | 'too-old' {
    return this.#store.since(plural, version);
  }

  compact(): void {
    this.#store.compact();
  }

  onChange(listener: (change: Change) => void): () => void {
    return this.#store.onChange(listener);
  }

  writeNode(node: NodeObject): NodeObject {
    return this.#nodes.write(node);
  }

  writeWorkload(uid: string, written: Omit<WorkloadSpec, 'resourceVersion'>): void {
    for (const key of this.#workloads.write(uid, written)) {
      const pod = this.#store.get('pods', key);
      if (pod !== undefined) this.#beginDeletion(pod, undefined, 'delete');
    }
    this.#budgets.outdate();
  }

  evict(podKey: string, options: RemovalOptions = {}): RemovalAnswer {
    return this.#remove('evict', podKey, options);
  }

  deletePod(podKey: string, options: RemovalOptions = {}): RemovalAnswer {
    return this.#remove('delete', podKey, options);
  }

  step(dtS: number): void {
    this.nowS += dtS;
    const available = this.apiAvailable;
    if (!available) this.#apiSinceS = undefined;
    else this.#apiSinceS ??= this.nowS;
    for (const kubelet of this.#kubelets.values()) kubelet.step(available);
    if (!available) return;
    this.#loseSilentNodes();
    this.#workloads.refill();
    this.#schedule();
    this.#budgets.renew();
  }

  get wallMs(): number {
    return this.#world.wallMs;
  }

  newUid(): string {
    this.#uids += 1;
    return uuidOf(this.#seed, 71, this.#uids);
  }

  record(kind: ClusterEvent['kind'], subject: string, node?: string, uid?: string): void {
    const where = { ...(node !== undefined && { node }), ...(uid !== undefined && { uid }) };
    this.events.push({ atS: this.nowS, kind, subject, ...where });
    if (this.events.length > EVENTS_KEPT) this.events.splice(0, this.events.length - EVENTS_KEPT);
  }

  // What the kubelets ask for and report.

  *podsOn(node: string): Iterable<PodObject> {
    for (const uid of [...(this.#podsOf.get(node) ?? [])]) {
      const pod = this.pod(uid);
      if (pod !== undefined) yield pod;
    }
  }

  pod(uid: string): PodObject | undefined {
    return this.#store.get('pods', this.#podKeys.get(uid) ?? '');
  }

  startTimeS(pod: PodObject): number {
    return this.#chance(pod, 1, this.#options.startTimesS ?? [1, 3]);
  }

  stopTimeS(pod: PodObject): number {
    return this.#workloads.planOf(pod)?.stopTimeS ?? this.#chance(pod, 2, this.#options.stopTimesS ?? [0.3, 2]);
  }

  nodeIsUp(node: string, bootId: string): void {
    this.#nodes.setReady(node, true, bootId);
  }

  heartbeat(node: string): void {
    this.#nodes.heartbeat(node);
  }

  podRunning(pod: PodObject, ready: boolean): void {
    const { uid } = pod.metadata;
    if (!ready) this.#restarts.set(uid, (this.#restarts.get(uid) ?? 0) + 1);
    this.#writeReadiness(pod, ready);
    if (ready) this.record('podStarted', keyOf(pod.metadata), pod.spec.nodeName, uid);
  }

  podStopped(pod: PodObject): void {
    this.#store.remove('pods', keyOf(pod.metadata));
  }

  podKilled(pod: PodObject): void {
    this.record('podKilled', keyOf(pod.metadata), pod.spec.nodeName, pod.metadata.uid);
  }

  #addNodes(hosts: ReadonlyMap<string, WorldHost>): void {
    const { heartbeatS = 10, readyAfterBootS = 5 } = this.#options;
    let index = 0;
    for (const [name, host] of hosts) {
      this.#nodes.add(name, host, index);
      this.#podsOf.set(name, new Set());
      this.#kubelets.set(name, new Kubelet(name, host, this, { heartbeatS, readyAfterBootS }));
      index += 1;
    }
  }

  /** Everything that has a place runs already when the story begins. */
  #startEverything(hosts: ReadonlyMap<string, WorldHost>): void {
    for (const pod of this.#store.list('pods')) {
      const { nodeName } = pod.spec;
      if (nodeName === undefined || isFinished(pod)) continue;
      this.#writeReadiness(pod, hosts.get(nodeName)?.state === 'running');
    }
    [...this.#kubelets.values()].forEach((kubelet, index) => {
      if (hosts.get(kubelet.node)?.state === 'running') kubelet.startUp(index / this.#kubelets.size);
    });
  }

  #schedule(): void {
    const loads = [...this.#nodes.schedulable()].map(
      ({ metadata: { name } }) => [name, this.#podsOf.get(name)?.size ?? 0] as const,
    );
    this.#workloads.schedule(new Map(loads));
  }

  /** The node controller: who was silent for too long, counted from when it could hear anybody at all. */
  #loseSilentNodes(): void {
    const limitS = this.#options.notReadyAfterS ?? 40;
    const listeningS = this.#apiSinceS ?? this.nowS;
    for (const { node: name, lastBeatS } of this.#kubelets.values()) {
      const node = this.#store.get('nodes', name);
      const silentS = this.nowS - Math.max(lastBeatS, listeningS);
      if (silentS <= limitS || node === undefined || !isReady(node)) continue;
      this.#nodes.setReady(name, false);
      for (const pod of this.podsOn(name)) {
        if (isReady(pod)) this.#writeReadiness(pod, false);
      }
    }
  }

  #remove(how: 'evict' | 'delete', podKey: string, options: RemovalOptions): RemovalAnswer {
    const pod = this.#store.get('pods', podKey);
    if (pod === undefined) return { kind: 'not-found' };
    const { uid } = pod.metadata;
    if (options.uid !== undefined && options.uid !== uid) return { kind: 'other-uid', uid };
    const refusal = how === 'evict' ? this.#budgets.refusal(pod) : undefined;
    if (options.dryRun === true) return refusal ?? { kind: 'accepted', pod };
    this.record(refusal === undefined ? how : 'refuse', podKey, pod.spec.nodeName, uid);
    return refusal ?? { kind: 'accepted', pod: this.#beginDeletion(pod, options.graceS, how) };
  }

  /** A running grace period can only be shortened; none at all takes the object away at once. */
  #beginDeletion(pod: PodObject, wantedS: number | undefined, how: 'evict' | 'delete'): PodObject {
    const graceS = Math.max(0, wantedS ?? pod.spec.terminationGracePeriodSeconds);
    const runningS = pod.metadata.deletionGracePeriodSeconds;
    if (runningS !== undefined && graceS >= runningS) return pod;
    if (graceS === 0 || pod.spec.nodeName === undefined || isFinished(pod)) {
      this.#store.remove('pods', keyOf(pod.metadata));
      return pod;
    }
    const lastTransitionTime = stamp(this.wallMs);
    const evicted = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'EvictionByEvictionAPI',
      lastTransitionTime,
    } as const;
    const { conditions } = pod.status;
    return this.#store.put('pods', {
      ...pod,
      metadata: {
        ...pod.metadata,
        deletionTimestamp: stamp(this.wallMs + graceS * 1000),
        deletionGracePeriodSeconds: graceS,
      },
      status: { ...pod.status, conditions: how === 'evict' ? withCondition(conditions, evicted) : conditions },
    });
  }

  #noticed({ plural, type, object }: Change): void {
    if (plural !== 'pods' || object.kind !== 'Pod') return;
    const { uid } = object.metadata;
    const { nodeName } = object.spec;
    this.#budgets.outdate();
    if (type === 'DELETED') {
      this.#podKeys.delete(uid);
      this.#restarts.delete(uid);
      this.record('podGone', keyOf(object.metadata), nodeName, uid);
    } else {
      this.#podKeys.set(uid, keyOf(object.metadata));
    }
    if (nodeName !== undefined) {
      if (type === 'DELETED') this.#podsOf.get(nodeName)?.delete(uid);
      else this.#podsOf.get(nodeName)?.add(uid);
      this.#kubelets.get(nodeName)?.touch(uid);
    }
    this.#workloads.noticed(type, object);
  }

  #writeReadiness(pod: PodObject, ready: boolean): void {
    const plan = this.#workloads.planOf(pod);
    if (plan === undefined) return;
    this.#store.put('pods', withReadiness(pod, plan, ready, this.#restarts.get(pod.metadata.uid) ?? 0, this.wallMs));
  }

  #chance(pod: PodObject, purpose: number, [low, high]: readonly [number, number]): number {
    return low + unit(this.#seed, hashText(pod.metadata.uid), purpose) * (high - low);
  }
}
