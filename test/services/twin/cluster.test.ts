import { describe, expect, it } from 'vitest';
import type { PodObject } from '../../../services/twin/cluster/objects.ts';
import { type ClusterWorld, type ClusterWorldOptions, createClusterWorld } from '../../../services/twin/cluster.ts';
import { type FakeWorld, fakeWorld } from '../cluster/fake-rack.ts';

interface Story {
  readonly world: FakeWorld;
  readonly cluster: ClusterWorld;
  run(seconds: number, dtS?: number): void;
  cordon(node: string, unschedulable?: boolean): void;
  pods(filter?: (pod: PodObject) => boolean): readonly PodObject[];
}

function tell(options: ClusterWorldOptions & { readonly nodes?: number; readonly controlPlane?: number } = {}): Story {
  const world = fakeWorld({ nodes: options.nodes ?? 4, controlPlane: options.controlPlane ?? 1 });
  const cluster = createClusterWorld(world, options);
  return {
    world,
    cluster,
    run: (seconds, dtS = 0.1) => {
      for (let step = 0; step < Math.round(seconds / dtS); step += 1) {
        world.step(dtS);
        cluster.step(dtS);
      }
    },
    cordon: (node, unschedulable = true) => {
      const before = cluster.get('nodes', node);
      if (before === undefined) throw new Error(`no node ${node}`);
      cluster.writeNode({ ...before, spec: { ...before.spec, unschedulable } });
    },
    pods: (filter = () => true) => cluster.list('pods').filter(filter),
  };
}

const keyOf = (pod: PodObject): string => `${pod.metadata.namespace}/${pod.metadata.name}`;
const ready = (cluster: ClusterWorld, node: string) =>
  cluster.get('nodes', node)?.status.conditions.find(({ type }) => type === 'Ready')?.status;
const app = (name: string) => (pod: PodObject) => pod.metadata.labels?.app === name;
const kinds = (story: Story, subject?: string) =>
  story.cluster.events.filter((event) => subject === undefined || event.subject === subject).map(({ kind }) => kind);

describe('the simulated cluster', () => {
  it('has exactly the pods it was asked for, on all nodes, running', () => {
    const { cluster, pods } = tell({ nodes: 20, controlPlane: 3 });
    const evictable = pods(
      (pod) =>
        pod.status.phase === 'Running' &&
        !['DaemonSet', 'Node'].includes(pod.metadata.ownerReferences?.[0]?.kind ?? ''),
    );
    expect(evictable).toHaveLength(170);
    expect(new Set(evictable.map((pod) => pod.spec.nodeName)).size).toBe(20);
    expect(pods((pod) => pod.metadata.ownerReferences?.[0]?.kind === 'DaemonSet')).toHaveLength(40);
    expect(pods((pod) => pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined)).toHaveLength(3);
    expect(pods((pod) => pod.status.phase === 'Succeeded')).toHaveLength(3);
    expect(cluster.list('nodes')).toHaveLength(20);
  });

  it('tells the same story twice, and another one for another seed', () => {
    const story = (seed: number) => {
      const told = tell({ seed, nodes: 5 });
      told.cordon('n2');
      for (const pod of told.pods((each) => each.spec.nodeName === 'n2')) told.cluster.evict(keyOf(pod));
      told.run(20);
      return told.cluster.events;
    };
    expect(story(1)).toEqual(story(1));
    expect(story(1)).not.toEqual(story(2));
  });

  it('lets an evicted pod stop in its own time and brings its successor up elsewhere', () => {
    const told = tell({
      workloads: [{ kind: 'Deployment', namespace: 'web', name: 'shop', replicas: 4 }],
      budgets: [],
    });
    told.cordon('n2');
    const [victim] = told.pods((pod) => pod.spec.nodeName === 'n2');
    if (victim === undefined) throw new Error('nothing on n2');
    expect(told.cluster.evict(keyOf(victim), { uid: victim.metadata.uid }).kind).toBe('accepted');
    const stopping = told.cluster.get('pods', keyOf(victim));
    expect(Date.parse(stopping?.metadata.deletionTimestamp ?? '') - told.world.wallMs).toBeGreaterThan(28_000);
    told.run(0.2);
    expect(told.pods()).toHaveLength(5);
    told.run(2.2);
    expect(told.cluster.get('pods', keyOf(victim))).toBeUndefined();
    told.run(3.2);
    const after = told.pods();
    expect(after).toHaveLength(4);
    expect(after.every((pod) => pod.status.phase === 'Running' && pod.spec.nodeName !== 'n2')).toBe(true);
    const gone = told.cluster.events.find(({ kind }) => kind === 'podGone');
    expect(gone?.atS).toBeGreaterThanOrEqual(0.3);
    expect(gone?.atS).toBeLessThanOrEqual(2.3);
  });

  it('leaves successors pending while every node is cordoned, and places them on the first that is not', () => {
    const told = tell({
      workloads: [{ kind: 'Deployment', namespace: 'web', name: 'shop', replicas: 6 }],
      budgets: [],
    });
    for (const node of ['n1', 'n2', 'n3', 'n4']) told.cordon(node);
    for (const pod of told.pods()) told.cluster.evict(keyOf(pod));
    told.run(10);
    expect(told.pods().every((pod) => pod.status.phase === 'Pending' && pod.spec.nodeName === undefined)).toBe(true);
    told.cordon('n3', false);
    told.run(5);
    expect(told.pods().every((pod) => pod.status.phase === 'Running' && pod.spec.nodeName === 'n3')).toBe(true);
  });

  it('gives a StatefulSet pod its name back, a bare pod nothing, and a static pod at once a new object', () => {
    const told = tell({
      workloads: [
        { kind: 'StatefulSet', namespace: 'data', name: 'db' },
        { kind: 'unmanaged', namespace: 'tools', name: 'shell' },
        { kind: 'static', namespace: 'kube-system', name: 'etcd-n1', node: 'n1' },
      ],
    });
    const uids = new Map(told.pods().map((pod) => [pod.metadata.name, pod.metadata.uid]));
    for (const pod of told.pods()) told.cluster.evict(keyOf(pod));
    told.run(8);
    const after = new Map(told.pods().map((pod) => [pod.metadata.name, pod.metadata.uid]));
    expect([...after.keys()].sort()).toEqual(['db-0', 'etcd-n1']);
    for (const [name, uid] of after) expect(uid).not.toBe(uids.get(name));
  });

  it('follows the taints and records who cordoned when', () => {
    const told = tell();
    told.run(1);
    told.cordon('n2');
    told.cordon('n2');
    expect(told.cluster.get('nodes', 'n2')?.spec.taints).toMatchObject([{ key: 'node.kubernetes.io/unschedulable' }]);
    told.cordon('n2', false);
    expect(told.cluster.get('nodes', 'n2')?.spec.taints).toBeUndefined();
    expect(kinds(told, 'n2')).toEqual(['cordon', 'uncordon']);
    expect(told.cluster.events[0]?.atS).toBeCloseTo(1);
  });
});

describe('removing a pod', () => {
  const two = { workloads: [{ kind: 'Deployment', namespace: 'web', name: 'shop', replicas: 4 }] } as const;
  const budget = { namespace: 'web', name: 'shop', matchLabels: { app: 'shop' } };

  it('is refused by a budget until a successor is ready', () => {
    const told = tell({ ...two, budgets: [{ ...budget, minAvailable: 3 }] });
    const [first, second] = told.pods(app('shop'));
    expect(told.cluster.evict(keyOf(first as PodObject)).kind).toBe('accepted');
    expect(told.cluster.evict(keyOf(second as PodObject))).toMatchObject({
      kind: 'budget',
      budget: { status: { desiredHealthy: 3, currentHealthy: 3, disruptionsAllowed: 0 } },
    });
    told.run(6);
    expect(told.cluster.evict(keyOf(second as PodObject)).kind).toBe('accepted');
    expect(told.cluster.lowestHealthy.get('web/shop')).toBe(3);
  });

  it('understands percentages and maxUnavailable', () => {
    const percent = tell({ ...two, budgets: [{ ...budget, minAvailable: '50%' }] });
    expect(percent.cluster.get('poddisruptionbudgets', 'web/shop')?.status).toMatchObject({
      desiredHealthy: 2,
      disruptionsAllowed: 2,
      expectedPods: 4,
    });
    const most = tell({ ...two, budgets: [{ ...budget, maxUnavailable: 1 }] });
    expect(most.cluster.get('poddisruptionbudgets', 'web/shop')?.status).toMatchObject({
      desiredHealthy: 3,
      disruptionsAllowed: 1,
    });
  });

  it('is never possible with a stuck or a second budget, except by deletion', () => {
    const stuck = tell({ ...two, budgets: [{ ...budget, minAvailable: 0 }] });
    stuck.world.setFault('stuckBudgets', ['web/shop']);
    const [pod] = stuck.pods(app('shop'));
    expect(stuck.cluster.evict(keyOf(pod as PodObject)).kind).toBe('budget');
    expect(stuck.cluster.deletePod(keyOf(pod as PodObject)).kind).toBe('accepted');
    stuck.world.setFault('stuckBudgets', []);
    const [, next] = stuck.pods(app('shop'));
    expect(stuck.cluster.evict(keyOf(next as PodObject)).kind).toBe('accepted');
    const double = tell({ ...two, budgets: [budget, { ...budget, name: 'again' }] });
    expect(double.cluster.evict(keyOf(double.pods()[0] as PodObject)).kind).toBe('two-budgets');
  });

  it('keeps to the uid and knows what is not there', () => {
    const told = tell({ ...two, budgets: [] });
    expect(told.cluster.evict('web/nobody').kind).toBe('not-found');
    const [pod] = told.pods();
    expect(told.cluster.evict(keyOf(pod as PodObject), { uid: 'another' }).kind).toBe('other-uid');
    expect(told.cluster.evict(keyOf(pod as PodObject), { dryRun: true }).kind).toBe('accepted');
    told.run(5);
    expect(told.cluster.get('pods', keyOf(pod as PodObject))?.metadata.deletionTimestamp).toBeUndefined();
  });

  it('can only shorten a running grace period', () => {
    const told = tell({ workloads: [{ kind: 'StatefulSet', namespace: 'a', name: 'b', graceS: 60, stopTimeS: 50 }] });
    told.cluster.evict('a/b-0');
    told.run(1);
    told.cluster.deletePod('a/b-0', { graceS: 90 });
    expect(told.cluster.get('pods', 'a/b-0')?.metadata.deletionGracePeriodSeconds).toBe(60);
    told.cluster.deletePod('a/b-0', { graceS: 5 });
    expect(told.cluster.get('pods', 'a/b-0')?.metadata.deletionGracePeriodSeconds).toBe(5);
    told.run(5.5);
    expect(kinds(told)).toContain('podGone');
  });
});

describe('hosts that go and come', () => {
  it('a lost node stays Ready for 40 s, then is Unknown; its stopping pods stay for ever', () => {
    const told = tell({ budgets: [] });
    told.run(15);
    const [stopping] = told.pods(
      (pod) => pod.spec.nodeName === 'n3' && pod.metadata.ownerReferences?.[0]?.kind === 'ReplicaSet',
    );
    told.world.set('n3', 'off');
    told.cluster.evict(keyOf(stopping as PodObject));
    told.run(30);
    expect(ready(told.cluster, 'n3')).toBe('True');
    told.run(15);
    expect(ready(told.cluster, 'n3')).toBe('Unknown');
    expect(told.cluster.get('nodes', 'n3')?.spec.taints?.map(({ key }) => key)).toContain(
      'node.kubernetes.io/unreachable',
    );
    told.run(200, 1);
    expect(told.cluster.get('pods', keyOf(stopping as PodObject))).toBeDefined();
    expect(kinds(told).filter((kind) => kind === 'podKilled').length).toBeGreaterThan(0);
  });

  it('a rebooted node shows a new boot id, a fresh Lease and its pods again', () => {
    const told = tell({ budgets: [] });
    const here = () => told.pods((pod) => pod.spec.nodeName === 'n3' && pod.status.phase === 'Running');
    const before = here().length;
    told.world.set('n3', 'off');
    told.run(60);
    told.world.set('n3', 'booting');
    told.run(20);
    told.world.set('n3', 'running');
    told.run(4);
    expect(ready(told.cluster, 'n3')).toBe('Unknown');
    told.run(2);
    expect(ready(told.cluster, 'n3')).toBe('True');
    expect(told.cluster.get('nodes', 'n3')?.status.nodeInfo.bootID).toBe('boot-2-of-n3');
    const renewed = Date.parse(told.cluster.get('leases', 'kube-node-lease/n3')?.spec.renewTime ?? '');
    expect(told.world.wallMs - renewed).toBeLessThanOrEqual(10_000);
    told.run(5);
    const back = here();
    expect(back).toHaveLength(before);
    expect(
      back.every(
        (pod) =>
          pod.status.containerStatuses?.[0]?.ready === true && pod.status.containerStatuses[0].restartCount === 1,
      ),
    ).toBe(true);
  });

  it('without a quorum nothing is written; stale Ready is what one sees when it is back', () => {
    const told = tell({ nodes: 5, controlPlane: 3 });
    told.run(5);
    for (const host of ['n1', 'n4', 'n5']) told.world.set(host, 'off');
    expect(told.cluster.apiAvailable).toBe(true);
    told.world.set('n2', 'halting');
    expect(told.cluster.apiAvailable).toBe(false);
    const version = told.cluster.resourceVersion;
    told.run(300, 1);
    expect(told.cluster.resourceVersion).toBe(version);
    expect(ready(told.cluster, 'n4')).toBe('True');
    told.world.set('n1', 'running');
    told.run(20);
    expect(told.cluster.apiAvailable).toBe(true);
    expect(ready(told.cluster, 'n4')).toBe('True');
    told.run(30);
    expect(ready(told.cluster, 'n4')).toBe('Unknown');
    expect(ready(told.cluster, 'n1')).toBe('True');
  });

  it('containers stop while the API is away, and their pods go when it is back', () => {
    const told = tell({
      workloads: [{ kind: 'StatefulSet', namespace: 'data', name: 'db', node: 'n3', stopTimeS: 2 }],
      budgets: [],
    });
    told.cordon('n3');
    told.cluster.evict('data/db-0');
    told.run(1);
    told.world.set('n1', 'off');
    told.run(10);
    expect(told.cluster.get('pods', 'data/db-0')).toBeDefined();
    told.world.set('n1', 'running');
    told.run(0.2);
    expect(kinds(told, 'data/db-0')).toEqual(['evict', 'podGone']);
  });

  it('a pod whose host goes while it runs is recorded, one that had stopped in time is not', () => {
    const told = tell({
      workloads: [{ kind: 'Deployment', namespace: 'a', name: 'b', replicas: 4, stopTimeS: 1 }],
      budgets: [],
    });
    const on = (node: string) => told.pods((pod) => pod.spec.nodeName === node)[0] as PodObject;
    told.cordon('n2');
    told.cluster.evict(keyOf(on('n2')));
    told.run(2);
    told.world.set('n2', 'halting');
    told.world.set('n3', 'halting');
    told.run(1);
    expect(told.cluster.events.filter(({ kind }) => kind === 'podKilled').map(({ node }) => node)).toEqual(['n3']);
  });

  it('a host that boots between two steps lost its containers all the same', () => {
    const told = tell({ budgets: [] });
    told.world.set('n3', 'off');
    told.world.set('n3', 'running');
    told.run(0.1);
    expect(kinds(told)).toContain('podKilled');
  });
});
