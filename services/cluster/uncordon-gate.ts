import type { NodeSample } from '../rack/samples.ts';

/** A kubelet renews its Lease every 10 s; one that is older than this by the server's clock comes from before a break. */
export const LEASE_FRESH_MS = 40_000;
/** Without Leases: the Ready condition is written every five minutes. */
export const CONDITION_FRESH_MS = 330_000;

/**
 * Why the first node of a returning cluster should not take pods yet; undefined when it may. Counted are the nodes this
 * run cordoned and those that take pods anyway: all of the control plane and `share` of the workers must be Ready with a
 * recent sign of life, so that not all pods pile up on the first three (kubernetes-shutdown.md §12). Pure.
 */
export function waitsForOthers(
  nodes: readonly NodeSample[],
  serverNowMs: number,
  runId: string,
  share: number,
  freshMs: number,
): string | undefined {
  const counted = nodes.filter((node) => node.cordonedBy === runId || (!node.unschedulable && node.ready === 'true'));
  const back = counted.filter((node) => isAlive(node, serverNowMs, freshMs));
  const servers = counted.filter((node) => node.controlPlane && !back.includes(node));
  if (servers.length > 0) return `control plane nodes are not back: ${servers.map(({ name }) => name).join(', ')}`;
  const workers = counted.filter((node) => !node.controlPlane).length;
  const workersBack = back.filter((node) => !node.controlPlane).length;
  const wanted = Math.ceil(workers * share);
  return workersBack < wanted ? `${workersBack} of ${wanted} worker nodes are back` : undefined;
}

/** Ready, and not only because nobody has noticed yet that it is dark. */
const isAlive = (node: NodeSample, serverNowMs: number, freshMs: number): boolean =>
  node.ready === 'true' && (node.heartbeatAtMs === undefined || serverNowMs - node.heartbeatAtMs < freshMs);
