import { listAll } from '../../services/cluster/lists.ts';
import { type Pod, parsePod } from '../../services/cluster/objects.ts';
import { apiPath, type RestClient } from '../../services/cluster/rest.ts';
import { followStream, Place } from '../../services/cluster/watch-stream.ts';

/** All nodes and pods of these tests carry it. */
export const OURS = 'holdover.dev/real-cluster-test';

export interface KubeletOptions {
  readonly nodes: number;
  /** Shortest and longest time a pod takes to stop, s. */
  readonly stopTimesS?: readonly [number, number];
}

/** Nodes that exist only in the API: their pods become Running at once, and go some time after they are told to. */
export class FakeKubelets {
  readonly names: readonly string[];
  /** Pods of these nodes never stop: their kubelet is gone. */
  readonly frozen = new Set<string>();
  readonly #rest: RestClient;
  readonly #stopTimesS: readonly [number, number];
  readonly #end = new AbortController();
  readonly #seen = new Set<string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #beat: NodeJS.Timeout | undefined;
  #following: Promise<void> = Promise.resolve();

  constructor(rest: RestClient, { nodes, stopTimesS = [0.3, 2] }: KubeletOptions) {
    this.#rest = rest;
    this.#stopTimesS = stopTimesS;
    this.names = Array.from({ length: nodes }, (_, index) => `holdover-test-${String(index + 1).padStart(2, '0')}`);
  }

  async start(): Promise<void> {
    await Promise.all(this.names.map((name) => this.#register(name)));
    this.#beat = setInterval(() => void this.#renew(), 8_000);
    this.#following = this.#follow();
  }

  async stop(): Promise<void> {
    this.#end.abort();
    clearInterval(this.#beat);
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#following;
    for (const name of this.names) {
      await this.#quietly('DELETE', apiPath('api', 'v1', 'nodes', name));
      await this.#quietly('DELETE', leasePath(name));
    }
  }

  async #register(name: string): Promise<void> {
    const room = { cpu: '64', memory: '64Gi', pods: '250' };
    await this.#quietly('DELETE', apiPath('api', 'v1', 'nodes', name));
    await this.#rest.call({
      method: 'POST',
      path: '/api/v1/nodes',
      body: { apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { [OURS]: 'true' } } },
    });
    const now = new Date().toISOString().replace(/\.\d+Z/, 'Z');
    const conditions = [
      { type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: now, lastTransitionTime: now },
    ];
    const nodeInfo = { bootID: `boot-of-${name}` };
    await this.#patch(`${apiPath('api', 'v1', 'nodes', name)}/status`, {
      status: { conditions, nodeInfo, capacity: room, allocatable: room },
    });
    await this.#quietly('POST', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases', {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, namespace: 'kube-node-lease' },
      spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime: microNow() },
    });
    await this.#patch(leasePath(name), { spec: { renewTime: microNow() } });
  }

  async #renew(): Promise<void> {
    for (const name of this.names) {
      if (!this.frozen.has(name)) await this.#patch(leasePath(name), { spec: { renewTime: microNow() } });
    }
  }

  async #follow(): Promise<void> {
    while (!this.#end.signal.aborted) {
      try {
        const listed = await listAll(this.#rest, '/api/v1/pods', {}, parsePod);
        for (const pod of listed.items) this.#see(pod);
        await followStream(this.#rest, new Place(listed.resourceVersion), {
          path: '/api/v1/pods',
          signal: this.#end.signal,
          onObject: (object, gone) => {
            if (!gone) this.#see(parsePod(object));
          },
        });
      } catch {
        // A stream that broke is begun again.
      }
    }
  }

  #see(pod: Pod): void {
    if (pod.node === undefined || !this.names.includes(pod.node) || this.frozen.has(pod.node)) return;
    if (pod.deletion !== undefined) {
      if (this.#seen.has(`stop ${pod.uid}`)) return;
      this.#seen.add(`stop ${pod.uid}`);
      const [low, high] = this.#stopTimesS;
      const stopS = Math.min(pod.deletion.graceS, low + Math.random() * (high - low));
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        const body = { gracePeriodSeconds: 0, preconditions: { uid: pod.uid } };
        void this.#quietly('DELETE', podPath(pod), body);
      }, stopS * 1000);
      this.#timers.add(timer);
    } else if (pod.phase === 'Pending' && !this.#seen.has(`run ${pod.uid}`)) {
      this.#seen.add(`run ${pod.uid}`);
      const at = new Date().toISOString().replace(/\.\d+Z/, 'Z');
      const conditions = ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => {
        return { type, status: 'True', lastTransitionTime: at };
      });
      void this.#patch(`${podPath(pod)}/status`, { status: { phase: 'Running', conditions, startTime: at } });
    }
  }

  async #patch(path: string, body: unknown): Promise<void> {
    const contentType = path.includes('/pods/')
      ? 'application/strategic-merge-patch+json'
      : 'application/merge-patch+json';
    await this.#rest.call({ method: 'PATCH', path, body, contentType }).catch(() => undefined);
  }

  async #quietly(method: 'POST' | 'DELETE', path: string, body?: unknown): Promise<void> {
    await this.#rest.call({ method, path, ...(body !== undefined && { body }) }).catch(() => undefined);
  }
}

const podPath = (pod: Pod): string => apiPath('api', 'v1', 'namespaces', pod.namespace, 'pods', pod.name);
const leasePath = (node: string): string =>
  apiPath('apis', 'coordination.k8s.io', 'v1', 'namespaces', 'kube-node-lease', 'leases', node);
const microNow = (): string => new Date().toISOString().replace('Z', '000Z');
