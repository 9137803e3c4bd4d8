import { afterEach, describe, expect, it } from 'vitest';
import type { KubernetesApiOptions } from '../../../services/twin/devices/kubernetes-api.ts';
import { drainOptions, type RunningTwin, runTwin, type TwinOptions } from './running-twin.ts';

let twin: RunningTwin | undefined;
afterEach(async () => {
  await twin?.close();
  twin = undefined;
});

type Disturb = NonNullable<KubernetesApiOptions['disturb']>;
const start = async (disturb: Disturb, options: Partial<TwinOptions> = {}): Promise<RunningTwin> => {
  twin = await runTwin({ nodes: 4, budgets: [], api: { disturb }, ...options });
  return twin;
};
const cordonAll = (rack: RunningTwin) => Promise.all(rack.nodes.map((node) => rack.client.cordon(node, 'run-1')));

const WEBHOOK = {
  status: 500,
  body: {
    kind: 'Status',
    status: 'Failure',
    code: 500,
    reason: 'InternalError',
    message: 'Internal error occurred: failed calling webhook "policy.example.org": no endpoints available',
  },
};

describe('a webhook whose backend is gone', () => {
  it('refuses cordons: tried three times, then said by name', async () => {
    let asked = 0;
    const rack = await start(({ method }) => {
      if (method !== 'PATCH') return undefined;
      asked += 1;
      return WEBHOOK;
    });
    expect(await rack.client.cordon('n1', 'run-1')).toMatchObject({
      code: 'refused',
      detail: expect.stringContaining('policy.example.org'),
    });
    expect(asked).toBe(3);
  });

  it('refuses evictions: two tries more for all of them together, then the hosts have to do it', async () => {
    let asked = 0;
    const rack = await start(({ path }) => {
      if (!path.endsWith('/eviction')) return undefined;
      asked += 1;
      return WEBHOOK;
    });
    await cordonAll(rack);
    const report = await rack.client.drain(rack.nodes, drainOptions());
    expect(report.evicted).toBe(0);
    expect(report.left).toHaveLength(34);
    expect(report.errors).toEqual(['admission webhook policy.example.org fails and blocks evictions']);
    expect(asked).toBeLessThanOrEqual(34 + 2 * 4);
  });

  it('may come back in time', async () => {
    let refuse = 20;
    const rack = await start(({ path }) => {
      if (!path.endsWith('/eviction') || refuse === 0) return undefined;
      refuse -= 1;
      return WEBHOOK;
    });
    await cordonAll(rack);
    expect(await rack.client.drain(rack.nodes, drainOptions())).toMatchObject({ evicted: 34, left: [], errors: [] });
  });
});

describe('a server that protects itself', () => {
  it('gets its pause and fewer requests at a time, and in the end all pods are evicted once', async () => {
    let busy = 40;
    const rack = await start(({ path }) => {
      if (!path.endsWith('/eviction') || busy === 0) return undefined;
      busy -= 1;
      return { status: 429, body: 'Too many requests, please try again later.' };
    });
    await cordonAll(rack);
    expect(await rack.client.drain(rack.nodes, drainOptions())).toMatchObject({ evicted: 34, left: [], errors: [] });
    expect(rack.cluster.events.filter(({ kind }) => kind === 'evict')).toHaveLength(34);
  });
});

describe('somebody uncordons a node while its pods stop', () => {
  const slow = {
    workloads: [{ kind: 'Deployment', namespace: 'apps', name: 'app', replicas: 8, graceS: 60, stopTimeS: 50 }],
  } as const;

  function uncordonByHand(rack: RunningTwin, name: string): void {
    const node = rack.cluster.get('nodes', name);
    if (node === undefined) throw new Error(`no ${name}`);
    rack.cluster.writeNode({ ...node, spec: { ...node.spec, unschedulable: false } });
  }
  const cordons = (rack: RunningTwin, name: string) =>
    rack.cluster.events.filter(({ kind, subject }) => kind === 'cordon' && subject === name).length;

  it('cordons it again once, and respects it when it happens again', async () => {
    const rack = await start(() => undefined, slow);
    await cordonAll(rack);
    const draining = rack.client.drain(rack.nodes, drainOptions({ deadlineMs: 300_000 }));
    await rack.until('evictions', () => rack.cluster.events.filter(({ kind }) => kind === 'evict').length === 8);
    uncordonByHand(rack, 'n2');
    await rack.until('it is cordoned again', () => cordons(rack, 'n2') === 2);
    uncordonByHand(rack, 'n2');
    const report = await draining;
    expect(cordons(rack, 'n2')).toBe(2);
    expect(report.notes?.join('\n')).toContain('somebody uncordoned n2 while its pods were stopping');
    expect(report.left).toEqual([]);
  });

  it('leaves a node alone that is not part of the drain', async () => {
    const rack = await start(() => undefined, slow);
    await cordonAll(rack);
    const part = ['n1', 'n3', 'n4'];
    const draining = rack.client.drain(part, drainOptions({ deadlineMs: 300_000 }));
    await rack.until('evictions', () => rack.cluster.events.some(({ kind }) => kind === 'evict'));
    uncordonByHand(rack, 'n2');
    await draining;
    expect(cordons(rack, 'n2')).toBe(1);
  });
});
