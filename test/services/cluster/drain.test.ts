import { afterEach, describe, expect, it } from 'vitest';
import { drainNodes } from '../../../services/cluster/drain.ts';
import { fastClock } from '../../../services/runtime/clock.ts';
import type { ClusterEvent } from '../../../services/twin/cluster.ts';
import { drainOptions, type RunningTwin, runTwin, type TwinOptions } from './running-twin.ts';
import {
  listObject,
  nodeObject,
  podObject,
  type ScriptedApi,
  type ScriptedReply,
  scriptApi,
  statusObject,
} from './scripted-api.ts';

let twin: RunningTwin | undefined;
let scripted: ScriptedApi | undefined;

afterEach(async () => {
  await twin?.close();
  await scripted?.close();
  twin = undefined;
  scripted = undefined;
});

async function started(options: TwinOptions): Promise<RunningTwin> {
  twin = await runTwin(options);
  return twin;
}

const cordonAll = (rack: RunningTwin, nodes: readonly string[] = rack.nodes) =>
  Promise.all(nodes.map((node) => rack.client.cordon(node, 'run-1')));

const of = (rack: RunningTwin, kind: ClusterEvent['kind']) =>
  rack.cluster.events.filter((event) => event.kind === kind);

describe('draining a whole cluster', () => {
  it('evicts every pod of 20 nodes exactly once and touches nothing else', async () => {
    const rack = await started({ nodes: 20, controlPlane: 3, budgets: [] });
    const before = rack.cluster.list('pods');
    await cordonAll(rack);
    const asked = rack.api.requestCount;
    const drained: string[] = [];
    const report = await rack.client.drain(rack.nodes, drainOptions({ onDrained: (node) => drained.push(node) }));

    expect(report).toMatchObject({ evicted: 170, overridden: [], left: [], errors: [] });
    expect(report.notes?.join('\n')).toContain('tools/debug-shell');
    expect([...drained].sort()).toEqual([...rack.nodes].sort());
    expect(rack.api.requestCount - asked).toBeLessThanOrEqual(250);

    const evicted = of(rack, 'evict').map((event) => event.uid);
    expect(evicted).toHaveLength(170);
    expect(new Set(evicted).size).toBe(170);
    const untouched = before.filter((pod) => !evicted.includes(pod.metadata.uid));
    const kinds = new Set(untouched.map((pod) => pod.metadata.ownerReferences?.[0]?.kind));
    expect(kinds).toEqual(new Set(['DaemonSet', 'Node', 'Job']));
    for (const pod of untouched) {
      expect(rack.cluster.get('pods', `${pod.metadata.namespace}/${pod.metadata.name}`)?.metadata.uid).toBe(
        pod.metadata.uid,
      );
    }
    expect(of(rack, 'delete')).toEqual([]);
    const moved = rack.cluster.list('pods').filter((pod) => pod.status.phase === 'Pending');
    expect(moved.every((pod) => pod.spec.nodeName === undefined)).toBe(true);
  });

  it('lets DNS live until the pods that need it have stopped', async () => {
    const rack = await started({ nodes: 6, budgets: [] });
    await cordonAll(rack);
    await rack.client.drain(rack.nodes, drainOptions());
    const isSystem = (event: ClusterEvent) => event.subject.startsWith('kube-system/');
    const lastApp = Math.max(
      ...of(rack, 'podGone')
        .filter((event) => !isSystem(event))
        .map(({ atS }) => atS),
    );
    const firstSystem = Math.min(
      ...of(rack, 'evict')
        .filter(isSystem)
        .map(({ atS }) => atS),
    );
    expect(firstSystem).toBeGreaterThanOrEqual(lastApp);
  });

  it('deletes the pods of a budget that can never say yes again, after a short grace', async () => {
    const rack = await started({ nodes: 6 });
    await cordonAll(rack);
    const report = await rack.client.drain(rack.nodes, drainOptions());
    expect(report.left).toEqual([]);
    expect(report.overridden).toHaveLength(2);
    expect(report.overridden.every((name) => name.startsWith('web/shop-'))).toBe(true);
    const refusedS = of(rack, 'refuse')[0]?.atS ?? 0;
    const deletes = of(rack, 'delete');
    expect(deletes).toHaveLength(2);
    for (const { atS } of deletes) expect(atS - refusedS).toBeGreaterThan(3);
  });

  it('waits for pods that were stopping already and asks for them no more', async () => {
    const rack = await started({ nodes: 3, budgets: [] });
    await cordonAll(rack);
    const victim = rack.cluster.list('pods').find((pod) => pod.metadata.name === 'postgres-0');
    rack.cluster.deletePod('data/postgres-0');
    const report = await rack.client.drain(rack.nodes, drainOptions());
    expect(report.left).toEqual([]);
    expect(of(rack, 'evict').some((event) => event.uid === victim?.metadata.uid)).toBe(false);
    expect(of(rack, 'podGone').some((event) => event.uid === victim?.metadata.uid)).toBe(true);
  });

  it('stops at its deadline and says what is left', async () => {
    const rack = await started({
      nodes: 2,
      workloads: [{ kind: 'Deployment', namespace: 'slow', name: 'db', replicas: 2, graceS: 600, stopTimeS: 500 }],
    });
    await cordonAll(rack);
    const report = await rack.client.drain(rack.nodes, drainOptions({ deadlineMs: 4_000 }));
    // Grace was shortened to 4 s, and the watch may or may not see the kill before the deadline.
    expect(report.evicted).toBe(2);
    expect(report.left.length).toBeLessThanOrEqual(2);
    const pods = rack.cluster.list('pods').filter((pod) => pod.metadata.deletionGracePeriodSeconds !== undefined);
    for (const pod of pods) expect(pod.metadata.deletionGracePeriodSeconds).toBeLessThanOrEqual(5);
  });

  it('stops evicting when it is told to', async () => {
    const rack = await started({
      nodes: 2,
      workloads: [{ kind: 'Deployment', namespace: 'slow', name: 'db', replicas: 3, stopTimeS: 29 }],
    });
    await cordonAll(rack);
    const giveUp = new AbortController();
    const draining = rack.client.drain(rack.nodes, drainOptions({ signal: giveUp.signal }));
    await rack.until('evictions', () => of(rack, 'evict').length === 3);
    giveUp.abort();
    const report = await draining;
    expect(report.left).toHaveLength(3);
  });

  it('does not wait for pods on a node that is dead, and does not call it drained', async () => {
    const rack = await started({ nodes: 4, budgets: [], heartbeatS: 2, notReadyAfterS: 5 });
    rack.world.set('n4', 'off');
    await rack.until(
      'n4 is lost',
      () =>
        rack.cluster.get('nodes', 'n4')?.status.conditions.some((c) => c.type === 'Ready' && c.status === 'Unknown') ??
        false,
    );
    await cordonAll(rack);
    const drained: string[] = [];
    const report = await rack.client.drain(
      rack.nodes,
      drainOptions({ deadlineMs: 600_000, onDrained: (node) => drained.push(node) }),
    );
    expect([...drained].sort()).toEqual(['n1', 'n2', 'n3']);
    expect(report.left.length).toBeGreaterThan(0);
    expect(report.errors.join()).toContain('n4');
  });
});

describe('draining a part of a cluster', () => {
  it('moves the pods to the rest and never breaks a budget', async () => {
    const rack = await started({
      nodes: 6,
      workloads: [
        { kind: 'Deployment', namespace: 'web', name: 'shop', replicas: 8 },
        { kind: 'Deployment', namespace: 'web', name: 'blog', replicas: 6 },
        { kind: 'DaemonSet', namespace: 'kube-system', name: 'cni' },
      ],
      budgets: [{ namespace: 'web', name: 'shop', matchLabels: { app: 'shop' }, minAvailable: 7 }],
    });
    const stage = ['n4', 'n5', 'n6'];
    await cordonAll(rack, stage);
    const report = await rack.client.drain(stage, drainOptions({ partial: true, deadlineMs: 300_000 }));
    expect(report).toMatchObject({ overridden: [], left: [], errors: [] });
    expect(rack.cluster.lowestHealthy.get('web/shop')).toBeGreaterThanOrEqual(7);
    expect(of(rack, 'delete')).toEqual([]);
    const onStage = rack.cluster.list('pods').filter((pod) => stage.includes(pod.spec.nodeName ?? ''));
    expect(new Set(onStage.map((pod) => pod.metadata.ownerReferences?.[0]?.kind))).toEqual(new Set(['DaemonSet']));
    await rack.until(
      'all shop pods run elsewhere',
      () =>
        rack.cluster.list('pods').filter((pod) => pod.metadata.labels?.app === 'shop' && pod.status.phase === 'Running')
          .length === 8,
    );
  });

  it('overrules a budget that is stuck for longer than its grace', async () => {
    const rack = await started({ nodes: 4 });
    rack.world.setFault('stuckBudgets', ['web/shop']);
    const stage = rack.nodes;
    await cordonAll(rack, ['n2', 'n3', 'n4']);
    const report = await rack.client.drain(stage.slice(1), drainOptions({ partial: true, pdbGraceMs: 10_000 }));
    expect(report.left).toEqual([]);
    expect(report.overridden.length).toBeGreaterThan(0);
    const since = of(rack, 'refuse')[0]?.atS ?? 0;
    for (const { atS } of of(rack, 'delete')) expect(atS - since).toBeGreaterThan(8);
  });
});

describe('an API server that goes away', () => {
  const slow: TwinOptions = {
    nodes: 4,
    controlPlane: 1,
    requestTimeoutS: 1,
    workloads: [{ kind: 'Deployment', namespace: 'apps', name: 'app', replicas: 12, stopTimeS: 8 }],
    budgets: [],
  };

  it('refuses in the middle and comes back: the drain ends as if nothing had been', async () => {
    const rack = await started({ ...slow, speed: 5 });
    await cordonAll(rack);
    const draining = rack.client.drain(rack.nodes, drainOptions({ deadlineMs: 200_000 }));
    await rack.until('evictions', () => of(rack, 'evict').length === 12);
    rack.world.set('n1', 'off');
    expect(rack.cluster.apiAvailable).toBe(false);
    const goneS = rack.world.timeS;
    await rack.until('some time without a server', () => rack.world.timeS > goneS + 2);
    rack.world.set('n1', 'running');
    const report = await draining;
    expect(report.evicted).toBe(12);
    // What ran on the server itself was cut off with it; it has to be gone all the same once the server is back.
    expect(report.left).toEqual([]);
    expect(new Set(of(rack, 'evict').map(({ uid }) => uid)).size).toBe(of(rack, 'evict').length);
  });

  it('refuses for good: the drain waits until its deadline, then says so', async () => {
    const rack = await started({ ...slow, speed: 20 });
    await cordonAll(rack);
    const draining = rack.client.drain(rack.nodes, drainOptions({ deadlineMs: 20_000 }));
    await rack.until('evictions', () => of(rack, 'evict').length === 12);
    rack.world.set('n1', 'off');
    const report = await draining;
    expect(report.left).toHaveLength(12);
    expect(report.errors.join()).toMatch(/watched|went away/);
  });

  it('hangs in the middle and comes back', async () => {
    const rack = await started({ ...slow, speed: 2 });
    await cordonAll(rack);
    const draining = rack.client.drain(rack.nodes, drainOptions({ deadlineMs: 200_000 }));
    await rack.until('evictions', () => of(rack, 'evict').length === 12);
    rack.world.setFault('silent', ['api']);
    await rack.until('all pods have stopped behind its back', () => of(rack, 'podGone').length === 12);
    rack.world.setFault('silent', []);
    expect(await draining).toMatchObject({ evicted: 12, left: [], errors: [] });
  });

  it('was never there: nothing is evicted, and that comes soon', async () => {
    const rack = await started({ ...slow, speed: 20 });
    rack.world.set('n1', 'off');
    const report = await rack.client.drain(rack.nodes, drainOptions({ deadlineMs: 3_600_000 }));
    expect(report).toMatchObject({ evicted: 0, left: [] });
    expect(report.errors.join()).toContain('nothing was evicted');
  });

  it('hangs from the beginning: the deadline of the drain holds', async () => {
    const rack = await started({ ...slow, speed: 20, requestTimeoutS: 60 });
    rack.world.setFault('silent', ['api']);
    const report = await rack.client.drain(rack.nodes, drainOptions({ deadlineMs: 5_000 }));
    expect(report.errors.join()).toContain('nothing was evicted');
  });
});

describe('rare answers', () => {
  const clock = fastClock(20);

  /** An API server with one node and two pods, whose answers to evictions the test writes. */
  async function withEvictions(answer: (pod: string, times: number) => ReturnType<typeof statusObject> | 'gone') {
    const asked = new Map<string, number>();
    const history: string[] = [];
    const watchers = new Set<(line: string) => void>();
    const evict = (name: string): ScriptedReply => {
      asked.set(name, (asked.get(name) ?? 0) + 1);
      const reply = answer(name, asked.get(name) ?? 0);
      if (reply !== 'gone') return reply;
      const line = `${JSON.stringify({ type: 'DELETED', object: podObject(name) })}\n`;
      history.push(line);
      for (const write of watchers) write(line);
      return { status: 201, json: { kind: 'Status', status: 'Success' } };
    };
    scripted = await scriptApi(({ path, query }, response) => {
      if (path === '/api/v1/nodes') return { json: listObject([nodeObject('n1', { unschedulable: true })]) };
      if (path.endsWith('/volumeattachments') || path.includes('/admissionregistration.k8s.io/'))
        return statusObject(404, 'NotFound', 'no such kind');
      if (path !== '/api/v1/pods') return evict(path.split('/')[6] ?? '');
      if (query.get('watch') !== 'true') return { json: listObject([podObject('a'), podObject('b')]) };
      response.writeHead(200);
      response.flushHeaders();
      for (const line of history) response.write(line);
      watchers.add((line) => response.write(line));
      return 'own';
    });
    return { asked, rest: scripted.rest };
  }

  it('403: stops, reports, and does not ask for the others again and again', async () => {
    const { asked, rest } = await withEvictions(() =>
      statusObject(403, 'Forbidden', 'pods is forbidden: User "x" cannot create'),
    );
    const report = await drainNodes(rest, clock, ['n1'], drainOptions());
    expect(report).toMatchObject({ evicted: 0, left: ['web/a', 'web/b'] });
    expect(report.errors.join()).toContain('forbidden');
    expect([...asked.values()]).toEqual([1, 1]);
  });

  it('401: stops and reports', async () => {
    const { rest } = await withEvictions(() => statusObject(401, 'Unauthorized', 'Unauthorized'));
    expect((await drainNodes(rest, clock, ['n1'], drainOptions())).errors.join()).toContain('401');
  });

  it('500 of a webhook: tries three times, leaves the pod, names the webhook', async () => {
    const message = 'Internal error occurred: failed calling webhook "policy.example.org": connection refused';
    const { asked, rest } = await withEvictions((name) =>
      name === 'a' ? statusObject(500, 'InternalError', message) : 'gone',
    );
    const report = await drainNodes(rest, clock, ['n1'], drainOptions());
    expect(report).toMatchObject({ evicted: 1, left: ['web/a'] });
    expect(report.errors.join()).toContain('policy.example.org');
    expect(asked.get('a')).toBe(3);
  });

  it('409: asks again and gets through', async () => {
    const { rest } = await withEvictions((_, times) =>
      times < 3 ? statusObject(409, 'Conflict', 'the object has been modified') : 'gone',
    );
    expect(await drainNodes(rest, clock, ['n1'], drainOptions())).toMatchObject({ evicted: 2, left: [], errors: [] });
  });

  it('garbage instead of the first lists: gives up and says why', async () => {
    scripted = await scriptApi(() => ({ text: '<html>router login</html>' }));
    const report = await drainNodes(scripted.rest, clock, ['n1'], drainOptions());
    expect(report.errors.join()).toContain('not JSON');
  });
});
