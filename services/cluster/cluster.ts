import type { ClusterConfig } from '../config/schema.ts';
import { type Clock, systemClock } from '../runtime/clock.ts';
import type { ClusterControl } from '../shutdown/promises.ts';
import { drainNodes } from './drain.ts';
import { loadKubeconfig } from './kubeconfig.ts';
import { changeNode, decideCordon, decideUncordon, observeNodes } from './nodes.ts';
import { findMissingRights } from './permissions.ts';
import { RestClient } from './rest.ts';

export interface Cluster extends ClusterControl {
  /** One line per right the account lacks, with what fails without it. Rejects with an ApiError. */
  missingRights(): Promise<string[]>;
}

/**
 * Reads the kubeconfig and makes a client; nothing is sent yet. Rejects with a KubeconfigError. `clock` is the one the
 * coordinator decides by: drain deadlines and pauses are its time, `requestTimeout` is real time on a real wire.
 */
export async function openCluster(config: ClusterConfig, clock: Clock = systemClock): Promise<Cluster> {
  const access = await loadKubeconfig(config.kubeconfig, config.context);
  const rest = new RestClient(access, config.requestTimeout * 1000);
  const closed = new AbortController();
  return {
    observe: () => observeNodes(rest, clock),
    cordon: (node, runId) => changeNode(rest, clock, node, (found) => decideCordon(found, runId)),
    uncordon: (node, runId) => changeNode(rest, clock, node, (found) => decideUncordon(found, runId)),
    drain: (nodes, options) =>
      drainNodes(rest, clock, nodes, { ...options, signal: AbortSignal.any([options.signal, closed.signal]) }),
    missingRights: () => findMissingRights(rest),
    close: async () => {
      closed.abort();
      rest.close();
    },
  };
}
