import type { ClusterSample } from './samples.ts';

/** What we have switched off ourselves: whoever is silent because of it gives no alarm. */
export interface OwnDoing {
  /** Nodes whose machines go down, are off, or are coming up. */
  readonly nodesDown: ReadonlySet<string>;
  /** Packs whose output is off. */
  readonly outputsOff: ReadonlySet<string>;
}

export const NOTHING_OFF: OwnDoing = { nodesDown: new Set(), outputsOff: new Set() };

interface Machine {
  readonly id: string;
  readonly node?: string | undefined;
}

interface Doing {
  readonly hosts: Readonly<Record<string, { readonly phase: string }>>;
  readonly outputsOff?: readonly string[];
}

const DOWN: ReadonlySet<string> = new Set(['halting', 'halted', 'cut', 'powering']);

/** What the coordinator's state says that we have switched off. Pure. */
export function ownDoingOf(machines: readonly Machine[], { hosts, outputsOff = [] }: Doing): OwnDoing {
  const down = machines.flatMap(({ id, node }) =>
    node !== undefined && DOWN.has(hosts[id]?.phase ?? 'up') ? [node] : [],
  );
  return { nodesDown: new Set(down), outputsOff: new Set(outputsOff) };
}

/** Whether the API cannot answer because too few machines of the control plane are left for its quorum. */
export function clusterIsOff(cluster: ClusterSample | undefined, { nodesDown }: OwnDoing): boolean {
  const nodes = cluster?.nodes ?? [];
  const planes = nodes.filter(({ controlPlane }) => controlPlane);
  const needed = planes.length > 0 ? planes : nodes;
  const left = needed.filter(({ name }) => !nodesDown.has(name)).length;
  return needed.length > 0 && left < Math.floor(needed.length / 2) + 1;
}
