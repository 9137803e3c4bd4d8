import type { Config } from '../config/schema.ts';
import type { Rack, RackAlarm } from './rack.ts';

/**
 * Stages against what the cluster says of its nodes: whoever serves the API goes down last, for everybody else needs it to
 * leave in order. Only the cluster knows which nodes those are, so this cannot be found in the configuration. Pure.
 */
export function stageAlarms({ cluster }: Pick<Rack, 'cluster'>, { hosts, shutdown }: Config): RackAlarm[] {
  if (cluster?.freshness !== 'fresh' || cluster.sample === undefined) return [];
  const planes = new Set(cluster.sample.nodes.filter(({ controlPlane }) => controlPlane).map(({ name }) => name));
  const nodeOf = new Map(hosts.map(({ id, node }) => [id, node]));
  const holdsNodes = shutdown.stages.filter((stage) => stage.hosts.some((id) => nodeOf.get(id) !== undefined));
  return holdsNodes.slice(0, -1).flatMap((stage) => {
    const early = stage.hosts.filter((id) => planes.has(nodeOf.get(id) ?? ''));
    const later = holdsNodes.slice(holdsNodes.indexOf(stage) + 1);
    const needed = later.some((each) =>
      each.hosts.some((id) => nodeOf.get(id) !== undefined && !planes.has(nodeOf.get(id) ?? '')),
    );
    if (early.length === 0 || !needed) return [];
    return [
      {
        code: 'control-plane-too-early',
        subject: stage.name,
        severity: 'warning' as const,
        message: `stage ${stage.name} holds control-plane nodes (${early.join(', ')}) and goes down before nodes that need them; put them into the last stage`,
      },
    ];
  });
}
