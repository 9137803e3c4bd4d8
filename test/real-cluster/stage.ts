import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Cluster, type ClusterOptions, openCluster } from '../../services/cluster/cluster.ts';
import { loadKubeconfig } from '../../services/cluster/kubeconfig.ts';
import { RestClient } from '../../services/cluster/rest.ts';
import { CountingProxy } from './counting-proxy.ts';
import { FakeKubelets, type KubeletOptions, OURS } from './fake-kubelets.ts';

const run = promisify(execFile);
const DEPLOY = join(import.meta.dirname, '../../deploy/kubernetes');
export const NAMESPACE = 'holdover-test';

export interface Plan {
  readonly name: string;
  readonly replicas: number;
  readonly graceS?: number;
  readonly kind?: 'Deployment' | 'StatefulSet';
  readonly priorityClass?: string;
}

/** A real API server with nodes of ours in it, and a service account with the roles that are shipped. */
export class RealStage {
  readonly kubelets: FakeKubelets;
  readonly proxy: CountingProxy;
  readonly #rest: RestClient;
  readonly #admin: string;
  readonly #folder: string;
  readonly #clients: Cluster[] = [];
  #token = '';

  private constructor(admin: string, folder: string, rest: RestClient, proxy: CountingProxy, kubelets: FakeKubelets) {
    this.#admin = admin;
    this.#folder = folder;
    this.#rest = rest;
    this.proxy = proxy;
    this.kubelets = kubelets;
  }

  static async open(admin: string, options: KubeletOptions, roles: readonly string[]): Promise<RealStage> {
    const access = await loadKubeconfig(admin);
    const rest = new RestClient(access, 30_000);
    const proxy = new CountingProxy(access);
    await proxy.start();
    const folder = await mkdtemp(join(tmpdir(), 'holdover-real-'));
    const stage = new RealStage(admin, folder, rest, proxy, new FakeKubelets(rest, options));
    // What an aborted run left behind has no kubelet that would end it.
    await stage.kubectl('-n', NAMESPACE, 'delete', 'pods', '--all', '--force', '--grace-period=0');
    await stage.kubectl('delete', 'namespace', NAMESPACE, '--ignore-not-found', '--wait');
    await stage.kubectl(
      'delete',
      'clusterrolebinding,clusterrole',
      '--ignore-not-found',
      'holdover',
      'holdover-outage',
      'holdover-scale',
    );
    for (const role of roles) await stage.kubectl('apply', '-f', join(DEPLOY, `${role}.yaml`));
    await stage.kubectl('apply', '-f', join(DEPLOY, 'token.yaml'));
    await stage.kubectl('create', 'namespace', NAMESPACE);
    await stage.kubelets.start();
    stage.#token = await stage.until('a token', async () => {
      const text = await stage.kubectl(
        '-n',
        'holdover',
        'get',
        'secret',
        'holdover-token',
        '-o',
        'jsonpath={.data.token}',
      );
      return text === '' ? undefined : Buffer.from(text, 'base64').toString();
    });
    return stage;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) await client.close();
    await this.kubectl('delete', 'namespace', NAMESPACE, '--wait=false');
    await this.kubelets.stop();
    await this.proxy.stop();
    this.#rest.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Our client as the service account, through the counting proxy. */
  async client(options: Partial<ClusterOptions> = {}): Promise<Cluster> {
    const kubeconfig = join(this.#folder, `account-${this.#clients.length}`);
    await writeFile(kubeconfig, this.#kubeconfig(this.#token));
    const client = await openCluster({ kubeconfig, requestTimeout: 10, ...options });
    this.#clients.push(client);
    return client;
  }

  /** kubectl as the administrator. */
  async kubectl(...args: readonly string[]): Promise<string> {
    const { stdout } = await run('kubectl', ['--kubeconfig', this.#admin, ...args], { maxBuffer: 64 * 2 ** 20 });
    return stdout.trim();
  }

  /** kubectl through the counting proxy; does not fail with it. */
  async countedKubectl(...args: readonly string[]): Promise<string> {
    const kubeconfig = join(this.#folder, 'counted');
    await writeFile(kubeconfig, this.#kubeconfig(''));
    return run('kubectl', ['--kubeconfig', kubeconfig, ...args], { maxBuffer: 64 * 2 ** 20 }).then(
      ({ stdout }) => stdout,
      (error: unknown) => String(error),
    );
  }

  #kubeconfig(token: string): string {
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'real', cluster: { server: this.proxy.url } }],
      users: [{ name: 'account', user: token === '' ? {} : { token } }],
      contexts: [{ name: 'real', context: { cluster: 'real', user: 'account' } }],
      'current-context': 'real',
    });
  }

  async deploy(plans: readonly Plan[]): Promise<void> {
    const items = plans.map(({ name, replicas, graceS = 30, kind = 'Deployment', priorityClass }) => ({
      apiVersion: 'apps/v1',
      kind,
      metadata: { name, namespace: NAMESPACE },
      spec: {
        replicas,
        ...(kind === 'StatefulSet' && { serviceName: name, podManagementPolicy: 'Parallel' }),
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: {
            nodeSelector: { [OURS]: 'true' },
            terminationGracePeriodSeconds: graceS,
            automountServiceAccountToken: false,
            containers: [{ name: 'main', image: 'registry.example/nothing:1' }],
            ...(priorityClass !== undefined && { priorityClassName: priorityClass }),
          },
        },
      },
    }));
    await this.apply({ apiVersion: 'v1', kind: 'List', items });
    const wanted = plans.reduce((sum, { replicas }) => sum + replicas, 0);
    await this.until(`${wanted} running pods`, async () =>
      (await this.running()).length === wanted ? true : undefined,
    );
  }

  async apply(object: unknown): Promise<void> {
    const file = join(this.#folder, 'object.json');
    await writeFile(file, JSON.stringify(object));
    await this.kubectl('apply', '-f', file);
  }

  /** Empties the namespace and uncordons everything. */
  async reset(): Promise<void> {
    await this.kubectl(
      '-n',
      NAMESPACE,
      'delete',
      'deployment,statefulset,poddisruptionbudget',
      '--all',
      '--wait=false',
    );
    await this.kubectl('uncordon', '-l', OURS);
    await this.kubectl('annotate', 'node', '-l', OURS, 'holdover.dev/cordoned-');
    await this.until('no pods', async () => ((await this.pods()).length === 0 ? true : undefined));
  }

  /** `name phase node` of every pod. */
  async pods(): Promise<readonly string[]> {
    const path = '{range .items[*]}{.metadata.name} {.status.phase} {.spec.nodeName}{"\\n"}{end}';
    const text = await this.kubectl('-n', NAMESPACE, 'get', 'pods', '-o', `jsonpath=${path}`);
    return text === '' ? [] : text.split('\n');
  }

  async running(): Promise<readonly string[]> {
    return (await this.pods()).filter((line) => line.includes(' Running '));
  }

  async until<T>(what: string, read: () => Promise<T | undefined>): Promise<T> {
    for (let tries = 0; tries < 300; tries += 1) {
      const found = await read();
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    throw new Error(`never happened: ${what}`);
  }
}
