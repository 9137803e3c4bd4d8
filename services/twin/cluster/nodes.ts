import type { WorldHost } from '../model.ts';
import { buildLease, buildNode, readyCondition } from './build.ts';
import { isReady, microStamp, type NodeObject, stamp, type Taint, withCondition } from './objects.ts';
import type { ObjectStore } from './store.ts';
import type { Chronicle } from './words.ts';

const STATUS_EVERY_S = 300;
const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable';
const UNREACHABLE = 'node.kubernetes.io/unreachable';

/** Node objects and their Leases: what kubelets write, what the API writes, and the taints that follow from both. */
export class Nodes {
  readonly #store: ObjectStore;
  readonly #chronicle: Chronicle;
  readonly #statusWrittenS = new Map<string, number>();

  constructor(store: ObjectStore, chronicle: Chronicle) {
    this.#store = store;
    this.#chronicle = chronicle;
  }

  add(name: string, host: WorldHost, index: number): void {
    const { wallMs } = this.#chronicle;
    const ready = host.state === 'running';
    const { controlPlane, bootId } = host;
    const uid = this.#chronicle.newUid();
    this.#put(buildNode({ name, uid, index, controlPlane, bootId, ready, wallMs }));
    this.#store.put('leases', buildLease(name, this.#chronicle.newUid(), ready ? wallMs : 0));
  }

  /** The API's write: labels, annotations and spec as given, status as it was. */
  write(node: NodeObject): NodeObject {
    const { name } = node.metadata;
    const before = this.#store.get('nodes', name);
    const was = before?.spec.unschedulable ?? false;
    const is = node.spec.unschedulable ?? false;
    if (was !== is) this.#chronicle.record(is ? 'cordon' : 'uncordon', name, name);
    return this.#put({ ...node, status: before?.status ?? node.status });
  }

  /** A kubelet's sign of life: always the Lease, the node's status only when it says something new or is due. */
  heartbeat(name: string): void {
    const lease = this.#store.get('leases', `kube-node-lease/${name}`);
    if (lease !== undefined) {
      this.#store.put('leases', { ...lease, spec: { ...lease.spec, renewTime: microStamp(this.#chronicle.wallMs) } });
    }
    const node = this.#store.get('nodes', name);
    const writtenS = this.#statusWrittenS.get(name) ?? 0;
    const due = this.#chronicle.nowS - writtenS >= STATUS_EVERY_S;
    if (node !== undefined && (due || !isReady(node))) this.setReady(name, true);
  }

  /** Writes the Ready condition; `false` keeps the last heartbeat and says Unknown. */
  setReady(name: string, ready: boolean, bootId?: string): void {
    const node = this.#store.get('nodes', name);
    if (node === undefined) return;
    this.#statusWrittenS.set(name, this.#chronicle.nowS);
    const before = node.status.conditions.find(({ type }) => type === 'Ready')?.lastHeartbeatTime;
    const condition = readyCondition(ready, this.#chronicle.wallMs);
    const heard = ready || before === undefined ? condition : { ...condition, lastHeartbeatTime: before };
    const nodeInfo = bootId === undefined ? node.status.nodeInfo : { ...node.status.nodeInfo, bootID: bootId };
    this.#put({
      ...node,
      status: { ...node.status, nodeInfo, conditions: withCondition(node.status.conditions, heard) },
    });
  }

  /** Ready and not cordoned: the scheduler may use them. */
  *schedulable(): Iterable<NodeObject> {
    for (const node of this.#store.all('nodes')) {
      if (isReady(node) && node.spec.unschedulable !== true) yield node;
    }
  }

  /** Writes the node with the two taints the node controller keeps in step with it; all others stay. */
  #put(node: NodeObject): NodeObject {
    const at = stamp(this.#chronicle.wallMs);
    const { taints: before = [], ...spec } = node.spec;
    const taints: Taint[] = before.filter(({ key }) => key !== UNSCHEDULABLE && key !== UNREACHABLE);
    if (node.spec.unschedulable === true) taints.push({ key: UNSCHEDULABLE, effect: 'NoSchedule', timeAdded: at });
    if (!isReady(node)) taints.push({ key: UNREACHABLE, effect: 'NoSchedule', timeAdded: at });
    return this.#store.put('nodes', { ...node, spec: taints.length === 0 ? spec : { ...spec, taints } });
  }
}
