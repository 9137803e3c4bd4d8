import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { type ClusterWorld, type ClusterWorldOptions, createClusterWorld } from '../../../services/twin/cluster.ts';
import { mergePatch } from '../../../services/twin/devices/kubernetes-api/merge-patch.ts';
import { fieldMatcher, labelMatcher, SelectorError } from '../../../services/twin/devices/kubernetes-api/selectors.ts';
import {
  type KubernetesApi,
  type KubernetesApiOptions,
  serveKubernetesApi,
} from '../../../services/twin/devices/kubernetes-api.ts';
import { type FakeWorld, fakeWorld } from '../cluster/fake-rack.ts';

interface Served {
  readonly world: FakeWorld;
  readonly cluster: ClusterWorld;
  readonly api: KubernetesApi;
  readonly base: string;
}

let open: KubernetesApi | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

async function serve(
  options: ClusterWorldOptions & { api?: KubernetesApiOptions; controlPlane?: number } = {},
): Promise<Served> {
  const world = fakeWorld({ nodes: 4, controlPlane: options.controlPlane ?? 1 });
  const cluster = createClusterWorld(world, { podsPerNode: 5, ...options });
  open = await serveKubernetesApi(world, cluster, options.api);
  return { world, cluster, api: open, base: `http://${open.address}` };
}

interface KubeJson {
  readonly metadata: Record<string, string>;
  readonly items: readonly { metadata: Record<string, string>; spec: Record<string, unknown> }[];
  readonly reason: string;
  readonly details: { readonly causes: readonly { reason: string; message: string }[] };
}

async function get(url: string, init?: RequestInit): Promise<{ status: number; json: KubeJson; date: string | null }> {
  const response = await fetch(url, init);
  return { status: response.status, json: (await response.json()) as KubeJson, date: response.headers.get('date') };
}

const post = (body: unknown, method = 'POST', type = 'application/json'): RequestInit => ({
  method,
  headers: { 'content-type': type },
  body: JSON.stringify(body),
});

const eviction = (uid?: string) =>
  post({
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    ...(uid !== undefined && { deleteOptions: { preconditions: { uid } } }),
  });

describe('the API of the simulated cluster', () => {
  it('says it is ready, and what time it is in the world', async () => {
    const { base, world } = await serve();
    expect(await (await fetch(`${base}/readyz`)).text()).toBe('ok');
    world.step(3_600);
    const { date } = await get(`${base}/api/v1/nodes`);
    expect(Date.parse(date ?? '')).toBe(world.wallMs);
  });

  it('lists, selects and pages', async () => {
    const { base, cluster } = await serve();
    const all = cluster.list('pods').length;
    const names: string[] = [];
    let next: string | undefined;
    do {
      const { json } = await get(
        `${base}/api/v1/pods?limit=7${next === undefined ? '' : `&continue=${encodeURIComponent(next)}`}`,
      );
      expect(json.items.length).toBeLessThanOrEqual(7);
      names.push(...json.items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`));
      next = json.metadata.continue;
    } while (next !== undefined);
    expect(names).toHaveLength(all);
    expect(new Set(names).size).toBe(all);
    const onOne = await get(`${base}/api/v1/pods?fieldSelector=spec.nodeName%3Dn2,status.phase!%3DSucceeded`);
    expect(onOne.json.items.every(({ spec }) => spec.nodeName === 'n2')).toBe(true);
    const shop = await get(`${base}/api/v1/namespaces/web/pods?labelSelector=app%20in%20(shop,blog)`);
    expect(shop.json.items).toHaveLength(3);
    expect((await get(`${base}/api/v1/pods?fieldSelector=spec.colour%3Dred`)).status).toBe(400);
    expect((await get(`${base}/api/v1/pods?continue=garbage`)).status).toBe(400);
  });

  it('patches a node only on the version it was read at, and removes with null', async () => {
    const { base } = await serve();
    const url = `${base}/api/v1/nodes/n2`;
    const patch = (body: unknown, type = 'application/merge-patch+json') => get(url, post(body, 'PATCH', type));
    const { json } = await get(url);
    const cordon = await patch({
      metadata: { annotations: { 'holdover.dev/cordoned': 'r' } },
      spec: { unschedulable: true },
    });
    expect(cordon.json).toMatchObject({
      metadata: { annotations: { 'holdover.dev/cordoned': 'r' } },
      spec: { unschedulable: true },
    });
    const stale = await patch({
      metadata: { resourceVersion: json.metadata.resourceVersion },
      spec: { unschedulable: null },
    });
    expect(stale).toMatchObject({ status: 409, json: { reason: 'Conflict' } });
    const undone = await patch({
      metadata: { annotations: { 'holdover.dev/cordoned': null } },
      spec: { unschedulable: null },
    });
    expect(undone.json).not.toHaveProperty('spec.unschedulable');
    expect(undone.json).toMatchObject({ metadata: { annotations: {} } });
    expect((await patch({ spec: { unschedulable: 'yes' } })).status).toBe(400);
    expect((await patch([{ op: 'add' }], 'application/json-patch+json')).status).toBe(415);
    expect((await patch({}, 'application/vnd.kubernetes.protobuf')).status).toBe(415);
    expect((await get(`${base}/api/v1/nodes/n99`, post({}, 'PATCH', 'application/merge-patch+json'))).status).toBe(404);
  });

  it('answers evictions as a real server does', async () => {
    const { base, cluster } = await serve({
      workloads: [{ kind: 'Deployment', namespace: 'web', name: 'shop', replicas: 2 }],
      budgets: [{ namespace: 'web', name: 'shop', matchLabels: { app: 'shop' }, minAvailable: 1 }],
    });
    const [first, second] = cluster.list('pods').map(({ metadata }) => metadata);
    const url = (name: string | undefined) => `${base}/api/v1/namespaces/web/pods/${name}/eviction`;
    expect(await get(url(first?.name), eviction('another'))).toMatchObject({ status: 409 });
    expect(await get(url(first?.name), eviction(first?.uid))).toMatchObject({
      status: 201,
      json: { kind: 'Status', status: 'Success' },
    });
    const refused = await get(url(second?.name), eviction(second?.uid));
    expect(refused).toMatchObject({ status: 429, json: { reason: 'TooManyRequests' } });
    expect(refused.json.details.causes).toEqual([
      { reason: 'DisruptionBudget', message: 'The disruption budget shop needs 1 healthy pods and has 1 currently' },
    ]);
    expect(await get(url('nobody'), eviction())).toMatchObject({ status: 404 });
    const removed = await get(
      `${base}/api/v1/namespaces/web/pods/${second?.name}`,
      post({ gracePeriodSeconds: 3, preconditions: { uid: second?.uid } }, 'DELETE'),
    );
    expect(removed).toMatchObject({ status: 200, json: { kind: 'Pod', metadata: { deletionGracePeriodSeconds: 3 } } });
    const budgets = await get(`${base}/apis/policy/v1/poddisruptionbudgets`);
    expect(budgets.json.items).toHaveLength(1);
  });

  it('refuses what it does not know', async () => {
    const { base } = await serve();
    expect((await get(`${base}/api/v1/secrets`)).status).toBe(404);
    expect((await get(`${base}/api/v1/namespaces/web/nodes`)).status).toBe(404);
    expect((await get(`${base}/api/v1/pods`, post({}))).status).toBe(405);
    expect((await get(`${base}/api/v1/nodes/n1`, { method: 'DELETE' })).status).toBe(405);
    const garbage = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":' };
    expect((await get(`${base}/api/v1/namespaces/web/pods/x/eviction`, garbage)).status).toBe(400);
  });

  it('asks for the token when it has one', async () => {
    const { base, api } = await serve({ api: { token: 't0ken' } });
    expect((await get(`${base}/api/v1/nodes`)).status).toBe(401);
    expect((await get(`${base}/api/v1/nodes`, { headers: { authorization: 'Bearer t0ken' } })).status).toBe(200);
    expect(api.kubeconfig()).toContain('t0ken');
  });
});

describe('a watch of the simulated cluster', () => {
  /** Reads lines until the predicate is satisfied or the stream ends. */
  async function lines(
    url: string,
    enough: (events: readonly { type: string; object: KubeJson }[]) => boolean,
    act?: () => void,
  ) {
    const abort = new AbortController();
    const response = await fetch(url, { signal: abort.signal });
    const events: { type: string; object: KubeJson }[] = [];
    let text = '';
    act?.();
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString('utf8');
      const complete = text.split('\n');
      text = complete.pop() ?? '';
      events.push(...complete.map((line) => JSON.parse(line) as { type: string; object: KubeJson }));
      if (enough(events)) break;
    }
    abort.abort();
    return events;
  }

  it('begins with everything, or with what came after a version', async () => {
    const { base, cluster } = await serve();
    const every = await lines(`${base}/api/v1/nodes?watch=true`, (events) => events.length === 4);
    expect(every.map(({ type }) => type)).toEqual(['ADDED', 'ADDED', 'ADDED', 'ADDED']);
    const from = cluster.resourceVersion;
    cluster.evict('data/postgres-0');
    const url = `${base}/api/v1/pods?watch=1&resourceVersion=${from}&fieldSelector=metadata.name%3Dpostgres-0`;
    const [event] = await lines(url, (events) => events.length === 1);
    expect(event).toMatchObject({ type: 'MODIFIED', object: { kind: 'Pod', metadata: { name: 'postgres-0' } } });
  });

  it('ends cleanly with a bookmark when its time is over', async () => {
    const { base, cluster } = await serve();
    const url = `${base}/api/v1/pods?watch=true&resourceVersion=${cluster.resourceVersion}&allowWatchBookmarks=true&timeoutSeconds=1`;
    const events = await lines(url, () => false);
    expect(events.map(({ type }) => type)).toEqual(['BOOKMARK']);
    expect(events[0]?.object.metadata.resourceVersion).toBe(String(cluster.resourceVersion));
  });

  it('says 410 about a version it has forgotten', async () => {
    const { base, cluster } = await serve();
    const from = cluster.resourceVersion;
    cluster.evict('data/postgres-0');
    cluster.compact();
    const events = await lines(`${base}/api/v1/pods?watch=true&resourceVersion=${from}`, () => false);
    expect(events).toMatchObject([{ type: 'ERROR', object: { code: 410 } }]);
  });

  it('shows a pod that leaves the selection as deleted', async () => {
    const { base, cluster, world } = await serve();
    const url = `${base}/api/v1/pods?watch=true&resourceVersion=${cluster.resourceVersion}&fieldSelector=spec.nodeName%3D`;
    const events = await lines(
      url,
      (seen) => seen.length >= 2,
      () => {
        for (const { metadata } of cluster.list('pods')) cluster.evict(`${metadata.namespace}/${metadata.name}`);
        for (let step = 0; step < 20; step += 1) {
          world.step(0.5);
          cluster.step(0.5);
        }
      },
    );
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(['ADDED', 'DELETED']));
  });
});

describe('accidents of the simulated API', () => {
  const reachable = async (base: string): Promise<boolean> => {
    try {
      await (await fetch(`${base}/readyz`)).text();
      return true;
    } catch {
      return false;
    }
  };
  const eventually = async (base: string, wanted: boolean): Promise<void> => {
    for (let tries = 0; tries < 5000; tries += 1) {
      if ((await reachable(base)) === wanted) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`never became ${wanted ? 'reachable' : 'unreachable'}`);
  };

  it('refuses connections without a quorum and is back on its port with one', async () => {
    const { base, world } = await serve({ controlPlane: 3 });
    world.set('n1', 'off');
    expect(await reachable(base)).toBe(true);
    world.set('n2', 'off');
    await eventually(base, false);
    world.set('n2', 'booting');
    expect(await reachable(base)).toBe(false);
    world.set('n2', 'running');
    await eventually(base, true);
  });

  it('survives a quorum that comes and goes faster than a port can be opened', async () => {
    const { base, world } = await serve();
    for (let turn = 0; turn < 20; turn += 1) {
      world.set('n1', 'off');
      world.set('n1', 'running');
    }
    await eventually(base, true);
    world.set('n1', 'off');
    await eventually(base, false);
  });

  it('can be unplugged, and stays so whatever the cluster does', async () => {
    const { base, world, api } = await serve();
    await api.unplug();
    await api.unplug();
    expect(await reachable(base)).toBe(false);
    world.set('n1', 'off');
    world.set('n1', 'running');
    expect(await reachable(base)).toBe(false);
    await api.replug();
    expect(await reachable(base)).toBe(true);
  });

  it('hangs while it is silent: connects, and says nothing', async () => {
    const { base, world } = await serve();
    world.setFault('silent', ['api']);
    await expect(fetch(`${base}/readyz`, { signal: AbortSignal.timeout(150) })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    world.setFault('silent', []);
    await eventually(base, true);
  });
});

describe('selectors', () => {
  const pod = createClusterWorld(fakeWorld({ nodes: 1 }))
    .list('pods')
    .find(({ metadata }) => metadata.name.startsWith('shop'));
  it.each([
    ['app=shop', true],
    ['app==shop', true],
    ['app!=shop', false],
    ['app in (blog,shop)', true],
    ['app notin (shop)', false],
    ['app', true],
    ['!app', false],
    ['tier', false],
    ['app=shop,!tier', true],
    ['', true],
  ])('label %j: %s', (selector, expected) => {
    expect(pod === undefined ? undefined : labelMatcher(selector)(pod)).toBe(expected);
  });

  it('of any form are understood or refused', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 30 }), (selector) => {
        for (const make of [labelMatcher, fieldMatcher]) {
          try {
            if (pod !== undefined) make(selector)(pod);
          } catch (error) {
            expect(error).toBeInstanceOf(SelectorError);
          }
        }
      }),
    );
  });
});

describe('a merge patch', () => {
  it('follows the examples of RFC 7396', () => {
    expect(mergePatch({ a: 'b' }, { a: 'c' })).toEqual({ a: 'c' });
    expect(mergePatch({ a: 'b' }, { b: 'c' })).toEqual({ a: 'b', b: 'c' });
    expect(mergePatch({ a: 'b', b: 'c' }, { a: null })).toEqual({ b: 'c' });
    expect(mergePatch({ a: ['b'] }, { a: 'c' })).toEqual({ a: 'c' });
    expect(mergePatch({ a: { b: 'c' } }, { a: { b: 'd', c: null } })).toEqual({ a: { b: 'd' } });
    expect(mergePatch({ a: [{ b: 'c' }] }, { a: [1] })).toEqual({ a: [1] });
    expect(mergePatch(['a', 'b'], ['c', 'd'])).toEqual(['c', 'd']);
    expect(mergePatch({ e: null }, { a: 1 })).toEqual({ e: null, a: 1 });
    expect(mergePatch({}, { a: { bb: { ccc: null } } })).toEqual({ a: { bb: {} } });
  });
});
