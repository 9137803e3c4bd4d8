import type { ClusterEvent, ClusterWorld } from './cluster.ts';
import type { ClusterSummary } from './control.ts';
import type { Timeline } from './timeline.ts';

const WORDS: Readonly<Record<ClusterEvent['kind'], string>> = {
  cordon: 'cordoned',
  uncordon: 'uncordoned',
  evict: 'evicted',
  refuse: 'eviction refused by its budget',
  delete: 'deleted',
  podGone: 'gone',
  podStarted: 'started',
  podKilled: 'killed with its node',
};

/** Moves new events of the cluster into the timeline whenever it is called. */
export function clusterFollower(cluster: ClusterWorld, timeline: Timeline): () => void {
  let last = cluster.events.at(-1);
  return () => {
    const { events } = cluster;
    const seen = last === undefined ? -1 : events.lastIndexOf(last);
    for (const event of events.slice(seen + 1)) {
      const kind = event.kind === 'cordon' || event.kind === 'uncordon' ? 'node' : 'pod';
      const on = kind === 'pod' && event.node !== undefined ? ` on ${event.node}` : '';
      timeline.add(event.atS, kind, event.subject, WORDS[event.kind] + on);
    }
    last = events.at(-1);
  };
}

/** The cluster in numbers, as it really is and not as the API would tell while it is down. */
export function summaryOf(cluster: ClusterWorld): ClusterSummary {
  const pods = cluster.list('pods');
  const perNode = new Map<string, number>();
  let pendingPods = 0;
  for (const { spec, status } of pods) {
    if (spec.nodeName !== undefined) perNode.set(spec.nodeName, (perNode.get(spec.nodeName) ?? 0) + 1);
    if (status.phase === 'Pending') pendingPods += 1;
  }
  return {
    nodes: cluster.list('nodes').map(({ metadata, spec, status }) => ({
      name: metadata.name,
      ready: status.conditions.some(({ type, status: value }) => type === 'Ready' && value === 'True'),
      unschedulable: spec.unschedulable === true,
      pods: perNode.get(metadata.name) ?? 0,
    })),
    pods: pods.length,
    pendingPods,
  };
}
