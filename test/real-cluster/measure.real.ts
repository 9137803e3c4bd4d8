import { afterEach, describe, expect, it } from 'vitest';
import { drainOptions } from '../services/cluster/running-twin.ts';
import { OURS } from './fake-kubelets.ts';
import { RealStage } from './stage.ts';

const admin = process.env.HOLDOVER_TEST_KUBECONFIG;
if (admin === undefined) throw new Error('set HOLDOVER_TEST_KUBECONFIG to an administrator of a cluster for tests');

/** kubectl takes minutes for what is measured here: only when asked for. */
const besides = process.env.HOLDOVER_TEST_KUBECTL === undefined ? [] : ['kubectl drain -l'];

let stage: RealStage | undefined;
afterEach(async () => {
  await stage?.reset();
  await stage?.close();
  stage = undefined;
});

const apps = (count: number, replicas: number) =>
  Array.from({ length: count }, (_, index) => ({ name: `app-${index + 1}`, replicas }));

describe.each([
  { nodes: 20, deployments: 17 },
  { nodes: 54, deployments: 51 },
])('$nodes nodes', ({ nodes, deployments }) => {
  it.each(['holdover', ...besides])('%s', { timeout: 600_000 }, async (who) => {
    stage = await RealStage.open(admin, { nodes }, ['role', 'role-outage']);
    await stage.deploy(apps(deployments, 10));
    const client = await stage.client();
    await client.observe();
    stage.proxy.reset();
    const began = performance.now();
    if (who === 'holdover') {
      await Promise.all(stage.kubelets.names.map((node) => client.cordon(node, 'measure')));
      const report = await client.drain(stage.kubelets.names, drainOptions({ runId: 'measure' }));
      expect(report).toMatchObject({ evicted: deployments * 10, left: [], errors: [] });
    } else {
      await stage.countedKubectl('drain', '-l', OURS, '--ignore-daemonsets', '--delete-emptydir-data', '--force');
    }
    const tookS = (performance.now() - began) / 1000;
    const { requests, evictions } = stage.proxy;
    expect(await stage.running()).toEqual([]);
    console.log(
      `${who}: ${nodes} nodes, ${deployments * 10} pods: ${tookS.toFixed(2)} s, ${requests} requests, ${evictions} evictions`,
    );
  });
});
