import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { peer } from '../../peers.ts';
import { makeCertificate } from '../cluster/certificate.ts';
import { ADMINISTRATOR, type RunningTwin, runTwin } from '../cluster/running-twin.ts';

const run = promisify(execFile);
const kubectl = peer('kubectl');

describe.skipIf(kubectl.skip)(`the simulated cluster under a foreign client, ${kubectl.title}`, () => {
  let twin: RunningTwin;

  beforeAll(async () => {
    twin = await runTwin({ nodes: 4, podsPerNode: 5, api: { roles: [ADMINISTRATOR] } });
  });
  afterAll(() => twin.close());

  /** Runs kubectl with a home of its own; its discovery cache must not survive the test. */
  const k = async (...args: readonly string[]): Promise<string> => {
    const env = { PATH: process.env.PATH ?? '', HOME: twin.folder, KUBECONFIG: twin.kubeconfig };
    return (await run(kubectl.path, [...args], { env, timeout: 60_000 })).stdout;
  };
  const row = (table: string, name: string): string =>
    table.split('\n').find((line) => line.startsWith(`${name} `)) ?? '';

  it('get nodes -o wide', async () => {
    const table = await k('get', 'nodes', '-o', 'wide');
    expect(table.split('\n')[0]).toMatch(/^NAME +STATUS +ROLES +AGE +VERSION +INTERNAL-IP/);
    expect(row(table, 'n1')).toMatch(/Ready +control-plane/);
    expect(row(table, 'n4')).toMatch(/Ready +<none>/);
  });

  it('get pods -A, and of one node', async () => {
    const table = await k('get', 'pods', '-A', '-o', 'wide');
    expect(table.trim().split('\n')).toHaveLength(twin.cluster.list('pods').length + 1);
    expect(table.split('\n')[0]).toMatch(/^NAMESPACE +NAME +READY +STATUS/);
    const one = await k('get', 'pods', '-A', '--field-selector', 'spec.nodeName=n2', '-o', 'name');
    expect(one.trim().split('\n')).toHaveLength(
      twin.cluster.list('pods').filter((pod) => pod.spec.nodeName === 'n2').length,
    );
  });

  it('get pdb -A, get leases, get -o json', async () => {
    expect(await k('get', 'pdb', '-A')).toContain('shop');
    expect((await k('get', 'leases', '-n', 'kube-node-lease', '-o', 'name')).trim().split('\n')).toHaveLength(4);
    const node = JSON.parse(await k('get', 'node', 'n2', '-o', 'json')) as { status: { nodeInfo: { bootID: string } } };
    expect(node.status.nodeInfo.bootID).toBe('boot-1-of-n2');
  });

  it('cordon, drain, uncordon of one node', async () => {
    expect(await k('cordon', 'n3')).toContain('cordoned');
    expect(row(await k('get', 'nodes'), 'n3')).toContain('SchedulingDisabled');
    // A person has cordoned it: ours leaves it alone.
    expect(await twin.client.cordon('n3', 'run-1')).toMatchObject({ code: 'left-alone' });

    const there = () =>
      twin.cluster.list('pods').filter((pod) => pod.spec.nodeName === 'n3' && pod.status.phase === 'Running');
    expect(there().length).toBeGreaterThan(2);
    const told = await k('drain', 'n3', '--ignore-daemonsets', '--delete-emptydir-data', '--force', '--timeout=20s');
    expect(told).toContain('node/n3 drained');
    expect(there().every((pod) => pod.metadata.ownerReferences?.[0]?.kind === 'DaemonSet')).toBe(true);

    expect(await k('uncordon', 'n3')).toContain('uncordoned');
    expect(row(await k('get', 'nodes'), 'n3')).not.toContain('SchedulingDisabled');
  });

  it('shows what our own client did', async () => {
    await twin.client.cordon('n4', 'run-7');
    const jsonpath = '{.spec.unschedulable} {.metadata.annotations.holdover\\.dev/cordoned}';
    expect(await k('get', 'node', 'n4', '-o', `jsonpath=${jsonpath}`)).toBe('true run-7');
    await twin.client.uncordon('n4', 'run-7');
    expect((await k('get', 'node', 'n4', '-o', `jsonpath=${jsonpath}`)).trim()).toBe('');
  });
});

const openssl = peer('openssl');
describe.skipIf(kubectl.skip || openssl.skip)(`${kubectl.title} over TLS, certificates by ${openssl.title}`, () => {
  it('is let in with the token of the kubeconfig, and refused with another', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdover-kubectl-'));
    const tls = await makeCertificate(openssl.path, folder);
    const twin = await runTwin({ nodes: 2, api: { tls, token: 'twin-token', roles: [ADMINISTRATOR] } });
    const k = (...args: readonly string[]) =>
      run(kubectl.path, [...args], {
        env: { PATH: process.env.PATH ?? '', HOME: folder, KUBECONFIG: twin.kubeconfig },
        timeout: 60_000,
      });
    try {
      expect((await k('get', 'nodes', '-o', 'name')).stdout).toBe('node/n1\nnode/n2\n');
      const refused = expect.stringMatching(/logged in|Unauthorized/);
      await expect(k('--token=wrong', 'get', 'nodes')).rejects.toMatchObject({ stderr: refused });
    } finally {
      await twin.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
