import type { Change } from '../../../services/cluster/change.ts';
import {
  decideScaleBack,
  decideScaleDown,
  parseWorkload,
  type ScalableWorkload,
} from '../../../services/cluster/workloads.ts';
import type { Clock } from '../../../services/runtime/clock.ts';
import type { ClusterControl } from '../../../services/shutdown/promises.ts';
import type { TroubledRack } from './troubled-rack.ts';

type Json = { [key: string]: unknown };

/** Workloads of a cluster that are scaled to nothing when all of it stops: the real decisions, on objects in memory. */
export class Workloads {
  readonly #before: Readonly<Record<string, number>> = { web: 3, db: 1, idle: 0 };
  readonly #objects = new Map<string, Json>();

  constructor() {
    for (const [name, replicas] of Object.entries(this.#before))
      this.#objects.set(name, {
        metadata: { name, namespace: 'apps', uid: name, resourceVersion: '1', labels: {}, annotations: {} },
        spec: { replicas },
      });
  }

  /** What is not of its size, or still marked. */
  complaints(): string[] {
    return [...this.#objects].flatMap(([name, object]) => {
      const { replicas, scaledBy } = parse(object);
      return [
        ...(replicas === this.#before[name] ? [] : [`workload ${name} is left at ${replicas}`]),
        ...(scaledBy === undefined ? [] : [`workload ${name} is left marked`]),
      ];
    });
  }

  /** The cluster's edge with them: the drain that ends everything scales them down, a node that is back scales them back. */
  around(cluster: ClusterControl, rack: TroubledRack, clock: Clock, scalesBack: boolean): ClusterControl {
    return {
      ...cluster,
      uncordon: async (node, runId) => {
        const outcome = await cluster.uncordon(node, runId);
        if (outcome.code !== 'done' || !scalesBack) return outcome;
        await clock.sleep(200);
        if (!rack.apiAvailable) return { code: 'unreachable', detail: 'workloads cannot be scaled back' };
        this.#each((found) => decideScaleBack(found, runId));
        return outcome;
      },
      drain: async (nodes, options) => {
        if (!options.partial && rack.apiAvailable) this.#each((found) => decideScaleDown(found, options.runId));
        return await cluster.drain(nodes, options);
      },
    };
  }

  #each(decide: (found: ScalableWorkload) => Change): void {
    for (const [name, object] of this.#objects) {
      const { patch } = decide(parse(object));
      if (patch !== undefined) this.#objects.set(name, merged(object, patch));
    }
  }
}

const parse = parseWorkload('deployments');

/** A JSON merge patch. */
function merged(object: Json, patch: Readonly<Json>): Json {
  const result: Json = { ...object };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else if (typeof value === 'object') result[key] = merged((result[key] ?? {}) as Json, value as Json);
    else result[key] = value;
  }
  return result;
}
