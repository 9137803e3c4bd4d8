import {
  type BudgetObject,
  type Condition,
  type LeaseObject,
  MIRROR_ANNOTATION,
  microStamp,
  type NodeObject,
  type OwnerReference,
  type PodObject,
  stamp,
} from './objects.ts';
import type { BudgetPlan, WorkloadPlan } from './population.ts';

/** New objects as a k3s cluster of small arm64 boards would show them. */

const KUBELET_VERSION = 'v1.32.13+k3s1';

export interface NodeFacts {
  readonly name: string;
  readonly uid: string;
  readonly index: number;
  readonly controlPlane: boolean;
  readonly bootId: string;
  readonly ready: boolean;
  readonly wallMs: number;
}

export function buildNode(facts: NodeFacts): NodeObject {
  const at = stamp(facts.wallMs);
  const room = { cpu: '4', memory: '8123456Ki', pods: '110', 'ephemeral-storage': '60123456Ki' };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: facts.name,
      uid: facts.uid,
      resourceVersion: '',
      creationTimestamp: at,
      labels: {
        'kubernetes.io/hostname': facts.name,
        'kubernetes.io/arch': 'arm64',
        'kubernetes.io/os': 'linux',
        ...(facts.controlPlane && { 'node-role.kubernetes.io/control-plane': 'true' }),
      },
    },
    spec: { podCIDR: `10.42.${facts.index % 256}.0/24` },
    status: {
      conditions: [
        pressure('MemoryPressure', at),
        pressure('DiskPressure', at),
        readyCondition(facts.ready, facts.wallMs),
      ],
      addresses: [
        { type: 'InternalIP', address: addressOf(facts.index) },
        { type: 'Hostname', address: facts.name },
      ],
      nodeInfo: {
        bootID: facts.bootId,
        machineID: facts.uid.replaceAll('-', ''),
        systemUUID: facts.uid,
        architecture: 'arm64',
        operatingSystem: 'linux',
        osImage: 'Debian GNU/Linux 12 (bookworm)',
        kernelVersion: '6.12.34+rpt-rpi-v8',
        containerRuntimeVersion: 'containerd://2.0.5-k3s1',
        kubeletVersion: KUBELET_VERSION,
        kubeProxyVersion: KUBELET_VERSION,
      },
      capacity: room,
      allocatable: room,
    },
  };
}

const addressOf = (index: number): string => `10.0.${Math.floor(index / 200)}.${20 + (index % 200)}`;

const pressure = (type: string, at: string): Condition => ({
  type,
  status: 'False',
  reason: 'KubeletHasSufficientRoom',
  lastHeartbeatTime: at,
  lastTransitionTime: at,
});

/** The kubelet's own word on the node; `ready: false` stands for a node nobody has heard of for long. */
export const readyCondition = (ready: boolean, wallMs: number): Condition => ({
  type: 'Ready',
  status: ready ? 'True' : 'Unknown',
  reason: ready ? 'KubeletReady' : 'NodeStatusUnknown',
  message: ready ? 'kubelet is posting ready status' : 'Kubelet stopped posting node status.',
  ...(ready && { lastHeartbeatTime: stamp(wallMs) }),
  lastTransitionTime: stamp(wallMs),
});

export interface PodFacts {
  readonly plan: WorkloadPlan;
  readonly name: string;
  readonly uid: string;
  readonly owner?: OwnerReference;
  readonly node?: string;
  readonly wallMs: number;
}

/** A pod that was just created: Pending, placed or not. */
export function buildPod({ plan, name, uid, owner, node, wallMs }: PodFacts): PodObject {
  const at = stamp(wallMs);
  const finished = plan.kind === 'Job';
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: plan.namespace,
      uid,
      resourceVersion: '',
      creationTimestamp: at,
      labels: { app: plan.name, ...plan.labels },
      ...(plan.kind === 'static' && { annotations: { [MIRROR_ANNOTATION]: uid.replaceAll('-', '') } }),
      ...(owner !== undefined && { ownerReferences: [owner] }),
    },
    spec: {
      ...(node !== undefined && { nodeName: node }),
      priority: plan.priority ?? 0,
      terminationGracePeriodSeconds: plan.graceS ?? 30,
      containers: [{ name: plan.name, image: imageOf(plan), resources: {} }],
      ...(plan.emptyDir === true && { volumes: [{ name: 'scratch', emptyDir: {} }] }),
      restartPolicy: finished ? 'Never' : 'Always',
    },
    status: {
      phase: finished ? 'Succeeded' : 'Pending',
      conditions: [{ type: 'PodScheduled', status: node === undefined ? 'False' : 'True', lastTransitionTime: at }],
      qosClass: 'BestEffort',
    },
  };
}

const imageOf = (plan: WorkloadPlan): string => `registry.example/${plan.namespace}/${plan.name}:1`;

/** The pod with its container running and ready, or running and not ready (its node is lost, or it has just started again). */
export function withReadiness(
  pod: PodObject,
  plan: WorkloadPlan,
  ready: boolean,
  restarts: number,
  wallMs: number,
): PodObject {
  const at = stamp(wallMs);
  const status = ready ? 'True' : 'False';
  const startedAt = pod.status.startTime ?? at;
  const others = pod.status.conditions.filter(({ type }) => type !== 'Ready' && type !== 'ContainersReady');
  return {
    ...pod,
    status: {
      ...pod.status,
      phase: 'Running',
      startTime: startedAt,
      conditions: [
        ...others,
        { type: 'ContainersReady', status, lastTransitionTime: at },
        { type: 'Ready', status, lastTransitionTime: at },
      ],
      containerStatuses: [
        {
          name: plan.name,
          ready,
          restartCount: restarts,
          image: imageOf(plan),
          imageID: imageOf(plan),
          state: { running: { startedAt } },
        },
      ],
    },
  };
}

export const buildBudget = (plan: BudgetPlan, uid: string, wallMs: number): BudgetObject => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: plan.name, namespace: plan.namespace, uid, resourceVersion: '', creationTimestamp: stamp(wallMs) },
  spec: {
    selector: { matchLabels: plan.matchLabels },
    ...(plan.minAvailable !== undefined && { minAvailable: plan.minAvailable }),
    ...(plan.maxUnavailable !== undefined && { maxUnavailable: plan.maxUnavailable }),
  },
  status: { currentHealthy: 0, desiredHealthy: 0, expectedPods: 0, disruptionsAllowed: 0, observedGeneration: 1 },
});

export const buildLease = (node: string, uid: string, wallMs: number): LeaseObject => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: node, namespace: 'kube-node-lease', uid, resourceVersion: '', creationTimestamp: stamp(wallMs) },
  spec: { holderIdentity: node, leaseDurationSeconds: 40, renewTime: microStamp(wallMs) },
});
