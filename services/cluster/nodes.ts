import type { NodeSample } from '../rack/samples.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Outcome } from '../shutdown/promises.ts';
import { type Change, changeObject } from './change.ts';
import { CORDON_MARK, type KubeNode, type Lease, parseNode } from './objects.ts';
import { apiPath, type Rest } from './rest.ts';

/** As much of a pod as a look at the cluster needs. */
export interface PlacedPod {
  readonly node?: string;
  /** An eviction would find it. */
  readonly occupies: boolean;
}

/** Puts the three lists together. Pure. */
export function sampleNodes(
  nodes: readonly KubeNode[],
  leases: readonly Lease[],
  pods: readonly PlacedPod[],
): readonly NodeSample[] {
  const renewedAtMs = new Map(leases.map((lease) => [lease.name, lease.renewedAtMs]));
  const occupied = new Map<string, number>();
  for (const pod of pods) {
    if (pod.node !== undefined && pod.occupies) occupied.set(pod.node, (occupied.get(pod.node) ?? 0) + 1);
  }
  return nodes.map((node) => {
    const signs = [renewedAtMs.get(node.name), node.heartbeatAtMs].filter((sign) => sign !== undefined);
    return {
      name: node.name,
      ready: node.ready,
      unschedulable: node.unschedulable,
      evictablePods: occupied.get(node.name) ?? 0,
      controlPlane: node.controlPlane,
      ...(node.cordonedBy !== undefined && { cordonedBy: node.cordonedBy }),
      ...(node.bootId !== undefined && { bootId: node.bootId }),
      ...(signs.length > 0 && { heartbeatAtMs: Math.max(...signs) }),
    };
  });
}

/**
 * A node a person cordoned is theirs. One that carries the mark of an earlier run of ours was schedulable before us, so
 * this run takes it over and will give it back.
 */
export function decideCordon(node: KubeNode, runId: string): Change {
  if (node.unschedulable && node.cordonedBy === undefined) {
    return { outcome: { code: 'left-alone', detail: 'somebody else cordoned it' } };
  }
  if (node.unschedulable && node.cordonedBy === runId) return { outcome: { code: 'already' } };
  const patch = {
    metadata: { resourceVersion: node.resourceVersion, annotations: { [CORDON_MARK]: runId } },
    spec: { unschedulable: true },
  };
  return {
    patch,
    outcome: node.unschedulable ? { code: 'done', detail: `taken over from run ${node.cordonedBy}` } : { code: 'done' },
  };
}

/** Only a cordon with the mark of this run is undone; the mark goes with it. */
export function decideUncordon(node: KubeNode, runId: string): Change {
  const metadata = { resourceVersion: node.resourceVersion, annotations: { [CORDON_MARK]: null } };
  if (node.cordonedBy === runId) {
    return node.unschedulable
      ? { patch: { metadata, spec: { unschedulable: null } }, outcome: { code: 'done' } }
      : { patch: { metadata }, outcome: { code: 'already', detail: 'somebody else uncordoned it' } };
  }
  if (!node.unschedulable) return { outcome: { code: 'already' } };
  const whose = node.cordonedBy === undefined ? 'somebody else' : `run ${node.cordonedBy}`;
  return { outcome: { code: 'left-alone', detail: `${whose} cordoned it` } };
}

/** Reads the node, decides, writes; see `changeObject`. Never rejects. */
export const changeNode = (
  rest: Rest,
  clock: Clock,
  name: string,
  decide: (node: KubeNode) => Change,
): Promise<Outcome> => changeObject(rest, clock, apiPath('api', 'v1', 'nodes', name), parseNode, decide);
