import { isDeepStrictEqual } from 'node:util';
import type { ClusterConfig } from '../config/schema.ts';
import { type Clock, systemClock } from '../runtime/clock.ts';
import type { ClusterControl } from '../shutdown/promises.ts';
import { drainNodes } from './drain.ts';
import { Homecoming } from './homecoming.ts';
import { Hooks } from './hooks.ts';
import { Inventory } from './inventory.ts';
import { type ClusterAccess, loadKubeconfig } from './kubeconfig.ts';
import { changeNode, decideCordon } from './nodes.ts';
import { ownPod } from './own-pod.ts';
import { findMissingRights } from './permissions.ts';
import { type Rest, RestClient } from './rest.ts';
import type { PodRules } from './which-pods.ts';

export interface Cluster extends ClusterControl {
  /**
   * One line per right the account lacks, with what fails without it; observations repeat those that are not optional
   * until the next call. Rejects with an ApiError.
   */
  missingRights(): Promise<string[]>;
}

/** What has to be known of a cluster; the rest has its defaults. */
export type ClusterOptions = Pick<ClusterConfig, 'kubeconfig' | 'requestTimeout'> & Partial<ClusterConfig>;

/**
 * Reads the kubeconfig and makes a client; nothing is sent yet. Rejects with a KubeconfigError. `clock` is the one the
 * coordinator decides by: drain deadlines and pauses are its time, `requestTimeout` is real time on a real wire.
 */
export async function openCluster(config: ClusterOptions, clock: Clock = systemClock): Promise<Cluster> {
  const { kubeconfig, context } = config;
  const access = await loadKubeconfig(kubeconfig, context);
  const rest = new RestClient(access, config.requestTimeout * 1000, {
    servers: (config.servers ?? []).map((server) => new URL(server)),
    renew: renewalOf(access, () => loadKubeconfig(kubeconfig, context)),
  });
  return clusterOver(rest, config, clock);
}

/** The cluster's edge over any way to its API server. */
export function clusterOver(rest: Rest, config: Partial<ClusterConfig>, clock: Clock): Cluster {
  const { stop = 'evict' } = config;
  const rules = rulesOf(config);
  const inventory = new Inventory(rest, clock, rules);
  const scale = stop === 'scale';
  const hooks = new Hooks(config.hooks ?? { beforeDrain: [], afterRestore: [] });
  const homecoming = new Homecoming(rest, clock, scale, hooks);
  const closed = new AbortController();
  let lacking: readonly string[] = [];
  return {
    observe: async () => {
      const sample = await inventory.look();
      return lacking.length === 0 ? sample : { ...sample, missingRights: lacking };
    },
    cordon: (node, runId) => {
      homecoming.calledOff(runId);
      return changeNode(rest, clock, node, (found) => decideCordon(found, runId));
    },
    uncordon: (node, runId) => homecoming.uncordon(node, runId),
    drain: (nodes, options) => {
      homecoming.calledOff(options.runId);
      const signal = AbortSignal.any([options.signal, closed.signal]);
      return drainNodes(rest, clock, nodes, { ...options, signal }, { rules, scale, hooks });
    },
    missingRights: async () => {
      const missing = await findMissingRights(rest, scale);
      lacking = missing.filter((line) => !line.includes('optional:'));
      return missing;
    },
    close: async () => {
      closed.abort();
      inventory.close();
      rest.close();
    },
  };
}

function rulesOf({ order = [], storage = [], keep = [] }: Partial<ClusterConfig>): PodRules {
  const own = ownPod();
  return { order, storage, keep, ...(own !== undefined && { ownPod: own }) };
}

/** Reads the files again; undefined when nothing in them has changed. Rejects with a KubeconfigError. */
function renewalOf(first: ClusterAccess, load: () => Promise<ClusterAccess>): () => Promise<ClusterAccess | undefined> {
  let known = first;
  return async () => {
    const fresh = await load();
    if (isDeepStrictEqual(fresh, known)) return undefined;
    known = fresh;
    return fresh;
  };
}
