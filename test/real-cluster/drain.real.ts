import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { changeObject } from '../../services/cluster/change.ts';
import type { Cluster } from '../../services/cluster/cluster.ts';
import { loadKubeconfig } from '../../services/cluster/kubeconfig.ts';
import { decideCordon } from '../../services/cluster/nodes.ts';
import { parseNode } from '../../services/cluster/objects.ts';
import { RestClient } from '../../services/cluster/rest.ts';
import { systemClock } from '../../services/runtime/clock.ts';
import { drainOptions } from '../services/cluster/running-twin.ts';
import { OURS } from './fake-kubelets.ts';
import { NAMESPACE, RealStage } from './stage.ts';

const admin = process.env.HOLDOVER_TEST_KUBECONFIG;
if (admin === undefined) throw new Error('set HOLDOVER_TEST_KUBECONFIG to an administrator of a cluster for tests');

const RUN = 'run-of-the-real-cluster-test';
let stage: RealStage;
let client: Cluster;

beforeAll(async () => {
  stage = await RealStage.open(admin, { nodes: 20 }, ['role', 'role-outage', 'role-scale']);
  client = await stage.client();
});
afterEach(() => stage.reset());
afterAll(() => stage.close());

const cordonAll = (): Promise<unknown> => Promise.all(stage.kubelets.names.map((node) => client.cordon(node, RUN)));
const uncordonAll = () => Promise.all(stage.kubelets.names.map((node) => client.uncordon(node, RUN)));
const unschedulable = async (): Promise<readonly string[]> => {
  const path = '{range .items[?(@.spec.unschedulable)]}{.metadata.name}{"\\n"}{end}';
  const text = await stage.kubectl('get', 'nodes', '-l', OURS, '-o', `jsonpath=${path}`);
  return text === '' ? [] : text.split('\n');
};

const APPS = Array.from({ length: 17 }, (_, index) => ({ name: `app-${index + 1}`, replicas: 10 }));

describe('with the shipped roles', () => {
  it('lacks nothing', async () => {
    expect(await client.missingRights()).toEqual([]);
    const scaling = await stage.client({ stop: 'scale' });
    expect(await scaling.missingRights()).toEqual([]);
  });

  it('evicts 170 pods of 20 nodes once each, and gives back only its own nodes', async () => {
    await stage.deploy(APPS);
    await stage.kubectl('cordon', 'holdover-test-20');
    stage.proxy.reset();
    const began = performance.now();
    expect(await cordonAll()).toContainEqual(expect.objectContaining({ code: 'left-alone' }));
    const cordoned = performance.now();
    const report = await client.drain(stage.kubelets.names, drainOptions({ runId: RUN }));
    const ended = performance.now();
    const { requests, evictions } = stage.proxy;
    console.log(
      `20 nodes, 170 pods: cordon ${(cordoned - began).toFixed(0)} ms, drain ${(ended - cordoned).toFixed(0)} ms, ` +
        `${requests} requests, ${evictions} evictions`,
    );
    expect(report).toMatchObject({ evicted: 170, overridden: [], left: [], errors: [] });
    expect(evictions).toBe(170);
    expect(requests).toBeLessThanOrEqual(250);
    expect(await stage.running()).toEqual([]);
    expect(await unschedulable()).toEqual(stage.kubelets.names);
    const taints = await stage.kubectl('get', 'node', 'holdover-test-01', '-o', 'jsonpath={.spec.taints[*].key}');
    expect(taints).toContain('node.kubernetes.io/unschedulable');

    const outcomes = await uncordonAll();
    expect(outcomes.filter(({ code }) => code === 'done')).toHaveLength(19);
    expect(await unschedulable()).toEqual(['holdover-test-20']);
    const marks = await stage.kubectl('get', 'nodes', '-l', OURS, '-o', 'jsonpath={.items[*].metadata.annotations}');
    expect(marks).not.toContain('holdover.dev');
    await stage.until('all pods run again', async () => ((await stage.running()).length === 170 ? true : undefined));
  });

  it('sees what kubectl changes, and keeps its hands off what a person did meanwhile', async () => {
    const node = 'holdover-test-03';
    await client.observe();
    expect(await client.cordon(node, RUN)).toEqual({ code: 'done' });
    expect(await client.cordon(node, RUN)).toEqual({ code: 'already' });
    await stage.until('the mark is seen', async () => {
      const { nodes } = await client.observe();
      return nodes.find(({ name }) => name === node)?.cordonedBy === RUN ? true : undefined;
    });
    expect(await client.uncordon(node, 'another-run')).toMatchObject({ code: 'left-alone' });
    await stage.kubectl('uncordon', node);
    expect(await client.uncordon(node, RUN)).toMatchObject({ code: 'already' });
    expect(await stage.kubectl('get', 'node', node, '-o', 'jsonpath={.metadata.annotations}')).not.toContain(
      'holdover',
    );
  });

  it('reads and decides again when somebody wrote the node in between', async () => {
    const rest = new RestClient(await loadKubeconfig(admin), 10_000);
    const node = 'holdover-test-04';
    let decisions = 0;
    const outcome = await changeObject(rest, systemClock, `/api/v1/nodes/${node}`, parseNode, (found) => {
      decisions += 1;
      // The first decision is made on a version that no longer is.
      return decideCordon(decisions === 1 ? { ...found, resourceVersion: '1' } : found, RUN);
    });
    rest.close();
    expect(outcome).toEqual({ code: 'done' });
    expect(decisions).toBe(2);
    expect(await unschedulable()).toEqual([node]);
  });

  it('overrules a budget that can never say yes, after its grace and with kubectl as witness', async () => {
    await stage.deploy([{ name: 'web', replicas: 8 }]);
    await stage.apply({
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'web', namespace: NAMESPACE },
      spec: { minAvailable: '50%', selector: { matchLabels: { app: 'web' } } },
    });
    await stage.until('figures of the budget', async () => {
      const path = 'jsonpath={.status.disruptionsAllowed}';
      return (await stage.kubectl('-n', NAMESPACE, 'get', 'pdb', 'web', '-o', path)) === '4' ? true : undefined;
    });
    await cordonAll();
    const report = await client.drain(stage.kubelets.names, drainOptions({ runId: RUN, pdbGraceMs: 30_000 }));
    expect(report).toMatchObject({ left: [], errors: [] });
    expect(report.evicted).toBe(4);
    expect(report.overridden).toHaveLength(4);
    expect(await stage.running()).toEqual([]);
  });

  it('deletes at once what two budgets cover', async () => {
    await stage.deploy([{ name: 'web', replicas: 2 }]);
    for (const name of ['one', 'two']) {
      await stage.apply({
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name, namespace: NAMESPACE },
        spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'web' } } },
      });
    }
    await cordonAll();
    const report = await client.drain(stage.kubelets.names, drainOptions({ runId: RUN }));
    expect(report).toMatchObject({ evicted: 0, left: [], errors: [] });
    expect(report.overridden).toHaveLength(2);
  });

  it('moves pods to the rest of the cluster within their budget when only a part goes down', async () => {
    await stage.deploy([{ name: 'web', replicas: 20 }]);
    await stage.apply({
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'web', namespace: NAMESPACE },
      spec: { minAvailable: 16, selector: { matchLabels: { app: 'web' } } },
    });
    const part = stage.kubelets.names.slice(0, 10);
    await Promise.all(part.map((node) => client.cordon(node, RUN)));
    const report = await client.drain(part, drainOptions({ runId: RUN, partial: true }));
    expect(report).toMatchObject({ overridden: [], left: [], errors: [] });
    await stage.until('20 pods run elsewhere', async () => ((await stage.running()).length === 20 ? true : undefined));
    const nodes = (await stage.running()).map((line) => line.split(' ')[2] ?? '');
    expect(nodes.filter((node) => part.includes(node))).toEqual([]);
  });

  it('does not wait for ever for a kubelet that is gone', async () => {
    await stage.deploy([{ name: 'web', replicas: 20, graceS: 2 }]);
    const lost = (await stage.running())[0]?.split(' ')[2] ?? '';
    stage.kubelets.frozen.add(lost);
    await cordonAll();
    const drained: string[] = [];
    const report = await client.drain(
      stage.kubelets.names,
      drainOptions({ runId: RUN, deadlineMs: 170_000, onDrained: (node) => drained.push(node) }),
    );
    stage.kubelets.frozen.clear();
    expect(drained).not.toContain(lost);
    expect(drained).toHaveLength(19);
    expect(report.left.length).toBeGreaterThan(0);
    expect(report.errors.join()).toMatch(/long after its grace|not ready/);
    await stage.kubectl('-n', NAMESPACE, 'delete', 'pods', '--all', '--force', '--grace-period=0');
  });

  it('scales workloads down, ignores their budgets, and brings back exactly what was', async () => {
    const scaling = await stage.client({ stop: 'scale' });
    await stage.deploy([
      { name: 'web', replicas: 7 },
      { name: 'db', replicas: 3, kind: 'StatefulSet' },
    ]);
    await cordonAll();
    const report = await scaling.drain(stage.kubelets.names, drainOptions({ runId: RUN }));
    expect(report).toMatchObject({ left: [], errors: [] });
    expect(report.notes?.join('\n')).toContain(`${NAMESPACE}/web from 7`);
    const sizes = 'jsonpath={range .items[*]}{.metadata.name}={.spec.replicas} {end}';
    expect(await stage.kubectl('-n', NAMESPACE, 'get', 'deploy,sts', '-o', sizes)).toBe('web=0 db=0');
    expect(await stage.pods()).toEqual([]);
    await Promise.all(stage.kubelets.names.map((node) => scaling.uncordon(node, RUN)));
    expect(await stage.kubectl('-n', NAMESPACE, 'get', 'deploy,sts', '-o', sizes)).toBe('web=7 db=3');
    const marks = 'jsonpath={.items[*].metadata.labels}{.items[*].metadata.annotations}';
    const left = await stage.kubectl('-n', NAMESPACE, 'get', 'deploy,sts', '-o', marks);
    expect(left).not.toMatch(/holdover\.dev\/(scaled-by|replicas)/);
    await stage.until('all run again', async () => ((await stage.running()).length === 10 ? true : undefined));
  });

  it('leaves a workload alone that somebody scaled while it was ours', async () => {
    const scaling = await stage.client({ stop: 'scale' });
    await stage.deploy([{ name: 'web', replicas: 5 }]);
    await cordonAll();
    await scaling.drain(stage.kubelets.names, drainOptions({ runId: RUN }));
    await stage.kubectl('-n', NAMESPACE, 'scale', 'deploy/web', '--replicas=2');
    await Promise.all(stage.kubelets.names.map((node) => scaling.uncordon(node, RUN)));
    expect(await stage.kubectl('-n', NAMESPACE, 'get', 'deploy/web', '-o', 'jsonpath={.spec.replicas}')).toBe('2');
  });
});
