import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cluster, openCluster } from '../../../services/cluster/index.ts';
import type { ClusterConfig } from '../../../services/config/cluster.ts';
import { type Clock, fastClock } from '../../../services/runtime/clock.ts';
import type { DrainOptions } from '../../../services/shutdown/promises.ts';
import { type ClusterWorld, type ClusterWorldOptions, createClusterWorld } from '../../../services/twin/cluster.ts';
import {
  type KubernetesApi,
  type KubernetesApiOptions,
  serveKubernetesApi,
} from '../../../services/twin/devices/kubernetes-api.ts';
import { type FakeWorld, fakeWorld } from './fake-rack.ts';

export interface RunningTwin {
  readonly world: FakeWorld;
  readonly cluster: ClusterWorld;
  readonly api: KubernetesApi;
  readonly kubeconfig: string;
  readonly folder: string;
  readonly clock: Clock;
  readonly client: Cluster;
  readonly nodes: readonly string[];
  /** Waits until the condition holds; fails the test when it never does. */
  until(what: string, condition: () => boolean): Promise<void>;
  close(): Promise<void>;
}

export interface TwinOptions extends ClusterWorldOptions {
  readonly nodes: number;
  readonly controlPlane?: number;
  /** World seconds per real second; 20 when absent. The client's clock runs as fast. */
  readonly speed?: number;
  readonly requestTimeoutS?: number;
  readonly api?: KubernetesApiOptions;
  readonly hooks?: ClusterConfig['hooks'];
}

/** Text of a file that is shipped for `kubectl apply`. */
export const shipped = (name: string): string =>
  readFileSync(join(import.meta.dirname, `../../../deploy/kubernetes/${name}.yaml`), 'utf8');

/** The role of somebody who may do anything. */
export const ADMINISTRATOR = 'kind: ClusterRole\nrules: [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }]';

/** What our account may do in these tests unless they say otherwise. */
const SHIPPED_ROLES = ['role', 'role-outage', 'role-scale'].map(shipped);

/** A simulated cluster whose time runs, its API on a free port, and our client for it. */
export async function runTwin(options: TwinOptions): Promise<RunningTwin> {
  const { nodes, controlPlane, speed = 20, requestTimeoutS = 5 } = options;
  const world = fakeWorld({ nodes, ...(controlPlane !== undefined && { controlPlane }) });
  const cluster = createClusterWorld(world, options);
  const api = await serveKubernetesApi(world, cluster, { roles: SHIPPED_ROLES, ...options.api });
  const clock = fastClock(speed);
  const folder = await mkdtemp(join(tmpdir(), 'holdover-cluster-'));
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, api.kubeconfig());
  const hooks = options.hooks ?? { beforeDrain: [], afterRestore: [] };
  const client = await openCluster({ kubeconfig, every: 5, requestTimeout: requestTimeoutS, hooks }, clock);
  let lastMs = clock.monoMs();
  const timer = setInterval(() => {
    const nowMs = clock.monoMs();
    const dtS = (nowMs - lastMs) / 1000;
    lastMs = nowMs;
    world.step(dtS);
    cluster.step(dtS);
  }, 5);
  return {
    world,
    cluster,
    api,
    kubeconfig,
    folder,
    clock,
    client,
    nodes: [...world.hosts.keys()],
    until,
    close: async () => {
      clearInterval(timer);
      await client.close();
      await api.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function until(what: string, condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 6_000; tries += 1) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`never happened: ${what}`);
}

/** Options of a drain of everything, patient unless the test says otherwise. */
export const drainOptions = (changed: Partial<DrainOptions> = {}): DrainOptions => ({
  runId: 'run-1',
  deadlineMs: 120_000,
  pdbGraceMs: 30_000,
  partial: false,
  signal: new AbortController().signal,
  onDrained: () => undefined,
  ...changed,
});
