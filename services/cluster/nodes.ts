import type { ClusterSample, NodeSample } from '../rack/samples.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Outcome, OutcomeCode } from '../shutdown/promises.ts';
import { ApiError, asApiError } from './api-error.ts';
import { listNodeLeases, listNodes, listPodsCheaply } from './lists.ts';
import { CORDON_MARK, type KubeNode, type Lease, type Pod, parseNode } from './objects.ts';
import { apiPath, type RestClient } from './rest.ts';
import { occupies } from './which-pods.ts';

/** Nodes with their signs of life and what an eviction would still find on them. Rejects with an ApiError. */
export async function observeNodes(rest: RestClient, clock: Clock): Promise<ClusterSample> {
  const [nodes, leases, pods] = await Promise.all([
    listNodes(rest),
    // Leases are an optional right; without it the slower heartbeat of the Ready condition has to do.
    listNodeLeases(rest).catch((error: unknown) => {
      if (error instanceof ApiError && (error.code === 'forbidden' || error.code === 'not-found')) return { items: [] };
      throw error;
    }),
    listPodsCheaply(rest),
  ]);
  const measuredAtMs = clock.wallMs();
  return {
    kind: 'cluster',
    measuredAtMs,
    serverNowMs: nodes.serverNowMs ?? measuredAtMs,
    nodes: sampleNodes(nodes.items, leases.items, pods.items),
  };
}

/** Puts the three lists together. Pure. */
export function sampleNodes(
  nodes: readonly KubeNode[],
  leases: readonly Lease[],
  pods: readonly Pod[],
): readonly NodeSample[] {
  const renewedAtMs = new Map(leases.map((lease) => [lease.name, lease.renewedAtMs]));
  const occupied = new Map<string, number>();
  for (const pod of pods) {
    if (pod.node !== undefined && occupies(pod)) occupied.set(pod.node, (occupied.get(pod.node) ?? 0) + 1);
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

/** What to write to a node, or why nothing is written. */
interface NodeDecision {
  readonly outcome: Outcome;
  /** Absent: nothing is written. */
  readonly patch?: Readonly<Record<string, unknown>>;
}

/**
 * A node a person cordoned is theirs. One that carries the mark of an earlier run of ours was schedulable before us, so
 * this run takes it over and will give it back.
 */
export function decideCordon(node: KubeNode, runId: string): NodeDecision {
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
export function decideUncordon(node: KubeNode, runId: string): NodeDecision {
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

const RETRY_MS = 1_000;
/** A refused connection is tried again for so many call deadlines; a hanging one uses them up by itself. */
const BUDGET_CALLS = 3;
const MAX_SERVER_ERRORS = 2;
const MAX_CONFLICTS = 8;

/** Reads the node, decides, writes with the version it read; a conflict means reading and deciding again. Never rejects. */
export async function changeNode(
  rest: RestClient,
  clock: Clock,
  name: string,
  decide: (node: KubeNode) => NodeDecision,
): Promise<Outcome> {
  const path = apiPath('api', 'v1', 'nodes', name);
  const giveUpMs = clock.monoMs() + BUDGET_CALLS * rest.timeoutMs;
  for (let conflicts = 0, serverErrors = 0; ; ) {
    try {
      const decision = decide(parseNode((await rest.call({ method: 'GET', path })).body));
      if (decision.patch === undefined) return decision.outcome;
      await rest.call({ method: 'PATCH', path, body: decision.patch, contentType: 'application/merge-patch+json' });
      return decision.outcome;
    } catch (error) {
      const problem = asApiError(error);
      if (problem.code === 'conflict' && conflicts < MAX_CONFLICTS) {
        conflicts += 1;
        continue;
      }
      if (problem.code === 'server' && !problem.away) serverErrors += 1;
      const again =
        problem.away || problem.code === 'too-many' || (problem.code === 'server' && serverErrors <= MAX_SERVER_ERRORS);
      if (!again || clock.monoMs() + RETRY_MS >= giveUpMs) {
        return { code: outcomeCode(problem), detail: problem.message };
      }
      await clock.sleep(RETRY_MS);
    }
  }
}

function outcomeCode(problem: ApiError): OutcomeCode {
  if (problem.code === 'timeout') return 'timeout';
  return problem.away || problem.code === 'aborted' ? 'unreachable' : 'refused';
}
