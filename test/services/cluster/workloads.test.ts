import { afterEach, describe, expect, it } from 'vitest';
import { drainNodes } from '../../../services/cluster/drain.ts';
import { PLAIN_RULES } from '../../../services/cluster/which-pods.ts';
import {
  decideScaleBack,
  decideScaleDown,
  parseWorkload,
  type ScalableWorkload,
  scaleBack,
} from '../../../services/cluster/workloads.ts';
import { fastClock } from '../../../services/runtime/clock.ts';
import { drainOptions } from './running-twin.ts';
import {
  listObject,
  nodeObject,
  podObject,
  type ScriptedApi,
  type ScriptedReply,
  type ScriptedRequest,
  scriptApi,
  statusObject,
} from './scripted-api.ts';

const clock = fastClock(20);
let scripted: ScriptedApi | undefined;
afterEach(async () => {
  await scripted?.close();
  scripted = undefined;
});

const workload = (changed: Partial<ScalableWorkload> = {}): ScalableWorkload => ({
  plural: 'deployments',
  namespace: 'web',
  name: 'shop',
  uid: 'shop-uid',
  resourceVersion: '7',
  replicas: 3,
  ...changed,
});
const marked = (changed: Partial<ScalableWorkload> = {}) =>
  workload({ replicas: 0, scaledBy: 'run-1', sizeBefore: 3, ...changed });

describe('whose scale it is', () => {
  it.each([
    ['as it was meant', workload(), 'done', '3'],
    ['scaled to nothing by a person', workload({ replicas: 0 }), 'left-alone', undefined],
    ['scaled down by this run', marked(), 'already', undefined],
    ['scaled down by an earlier run', marked({ scaledBy: 'run-0' }), 'done', '3'],
    ['up again with an old mark', marked({ replicas: 5 }), 'done', '5'],
  ] as const)('down from %s: %s', (_, found, code, remembered) => {
    const { outcome, patch } = decideScaleDown(found, 'run-1');
    expect(outcome.code).toBe(code);
    expect(patch?.metadata).toEqual(
      remembered === undefined
        ? undefined
        : {
            resourceVersion: '7',
            labels: { 'holdover.dev/scaled-by': 'run-1' },
            annotations: { 'holdover.dev/replicas': remembered },
          },
    );
    if (patch !== undefined) expect(patch.spec).toEqual({ replicas: 0 });
  });

  it.each([
    ['scaled down by this run', marked(), 'done', { replicas: 3 }],
    ['scaled by somebody since', marked({ replicas: 2 }), 'already', undefined],
    ['with a mark that lost its size', workload({ replicas: 0, scaledBy: 'run-1' }), 'done', { replicas: 1 }],
  ] as const)('back, %s: %s', (_, found, code, spec) => {
    const { outcome, patch } = decideScaleBack(found, 'run-1');
    expect(outcome.code).toBe(code);
    expect(patch?.spec).toEqual(spec);
    expect(patch?.metadata).toMatchObject({ labels: { 'holdover.dev/scaled-by': null } });
  });

  it('never touches the mark of another run', () => {
    expect(decideScaleBack(marked({ scaledBy: 'run-0' }), 'run-1')).not.toHaveProperty('patch');
    expect(decideScaleBack(workload(), 'run-1')).not.toHaveProperty('patch');
  });

  it('does not believe a size that is not one', () => {
    const object = (size: string) => ({
      metadata: {
        name: 'shop',
        namespace: 'web',
        uid: 'u',
        resourceVersion: '1',
        labels: { 'holdover.dev/scaled-by': 'run-1' },
        annotations: { 'holdover.dev/replicas': size },
      },
      spec: { replicas: 0 },
    });
    expect(parseWorkload('deployments')(object('12')).sizeBefore).toBe(12);
    for (const size of ['-1', '1e9', 'x', '', '99999999999']) {
      expect(parseWorkload('deployments')(object(size))).not.toHaveProperty('sizeBefore');
    }
    expect(() => parseWorkload('deployments')({ metadata: {} })).toThrow(/no usable deployments/);
  });
});

interface Stored {
  replicas: number;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

/** A server with one Deployment, its ReplicaSet and its two pods, which go when it is scaled to nothing. */
async function withDeployment(changed: { readonly denied?: boolean; readonly mark?: string } = {}) {
  const { mark = 'run-1' } = changed;
  const shop: Stored = { replicas: 2, labels: { team: 'web' }, annotations: { note: 'x' } };
  const watchers = new Set<(line: string) => void>();
  const evicted: string[] = [];
  const object = () => ({
    metadata: {
      name: 'shop',
      namespace: 'web',
      uid: 'shop-uid',
      resourceVersion: '7',
      labels: shop.labels,
      annotations: shop.annotations,
    },
    spec: { replicas: shop.replicas },
  });
  const gone = (name: string) => {
    for (const write of watchers) write(`${JSON.stringify({ type: 'DELETED', object: podObject(name) })}\n`);
  };
  const merge = (into: Record<string, string>, patch: Record<string, string | null> = {}) => {
    for (const [key, value] of Object.entries(patch)) {
      if (value === null) delete into[key];
      else into[key] = value;
    }
  };
  const change = (body: string) => {
    const patch = JSON.parse(body) as {
      metadata: { labels?: Record<string, string | null>; annotations?: Record<string, string | null> };
      spec?: { replicas: number };
    };
    merge(shop.labels, patch.metadata.labels);
    merge(shop.annotations, patch.metadata.annotations);
    shop.replicas = patch.spec?.replicas ?? shop.replicas;
    if (shop.replicas === 0) for (const name of ['a', 'b']) gone(name);
  };
  const list = (items: readonly unknown[]): ScriptedReply => ({ json: listObject(items) });
  const apps = ({ method, path, query, body }: ScriptedRequest): ScriptedReply => {
    if (changed.denied === true) return statusObject(403, 'Forbidden', 'no apps');
    if (path.endsWith('/replicasets')) {
      return list([{ metadata: { uid: 'rs-uid', ownerReferences: [{ uid: 'shop-uid', controller: true }] } }]);
    }
    if (path.endsWith('/statefulsets')) return list([]);
    if (path.endsWith('/deployments')) {
      const [key = '', value] = (query.get('labelSelector') ?? '').split('=');
      return list(key === '' || shop.labels[key] === value ? [object()] : []);
    }
    if (method === 'PATCH') change(body);
    return { json: object() };
  };
  const owner = { kind: 'ReplicaSet', apiVersion: 'apps/v1', name: 'shop-1', uid: 'rs-uid', controller: true };
  const podOf = (name: string) =>
    podObject(name, { metadata: { name, namespace: 'web', uid: `uid-of-${name}`, ownerReferences: [owner] } });
  scripted = await scriptApi((request, response) => {
    const { path, query } = request;
    if (path.startsWith('/apis/apps/')) return apps(request);
    if (path === '/api/v1/nodes')
      return list([nodeObject('n1', { unschedulable: true, ...(mark !== '' && { mark }) })]);
    if (path.endsWith('/eviction')) {
      const name = path.split('/')[6] ?? '';
      evicted.push(name);
      gone(name);
      return { status: 201, json: {} };
    }
    if (path !== '/api/v1/pods') return statusObject(404, 'NotFound', path);
    if (query.get('watch') !== 'true') return list(['a', 'b'].map(podOf));
    response.writeHead(200);
    response.flushHeaders();
    watchers.add((line) => response.write(line));
    return 'own';
  });
  return { shop, evicted, rest: scripted.rest, api: scripted };
}

const SCALE = { rules: PLAIN_RULES, scale: true };

describe('scaling for a shutdown', () => {
  it('writes once for all pods of a workload, and evicts none of them', async () => {
    const { shop, evicted, rest, api } = await withDeployment();
    const report = await drainNodes(rest, clock, ['n1'], drainOptions(), SCALE);
    expect(report).toMatchObject({ left: [], errors: [] });
    expect(report.notes?.join()).toContain('web/shop from 2');
    expect(evicted).toEqual([]);
    expect(api.requests.filter(({ method }) => method === 'PATCH')).toHaveLength(1);
    expect(shop).toEqual({
      replicas: 0,
      labels: { team: 'web', 'holdover.dev/scaled-by': 'run-1' },
      annotations: { note: 'x', 'holdover.dev/replicas': '2' },
    });
    expect(await scaleBack(rest, clock, 'another', true)).toEqual({ code: 'already' });
    expect(shop.replicas).toBe(0);
    expect(await scaleBack(rest, clock, 'run-1', true)).toEqual({ code: 'done' });
    expect(shop).toEqual({ replicas: 2, labels: { team: 'web' }, annotations: { note: 'x' } });
  });

  it.each([
    ['a person', ''],
    ['another run', 'run-0'],
  ])('leaves sizes alone where %s holds every cordon, for no uncordon would bring them back', async (_, mark) => {
    const { shop, evicted, rest } = await withDeployment({ mark });
    const report = await drainNodes(rest, clock, ['n1'], drainOptions(), SCALE);
    expect(evicted).toEqual(['a', 'b']);
    expect(shop).toEqual({ replicas: 2, labels: { team: 'web' }, annotations: { note: 'x' } });
    expect(report.notes?.join()).toContain('no node is cordoned by us');
  });

  it('evicts as ever while part of the cluster stays up, and where it is not allowed to scale', async () => {
    const part = await withDeployment();
    await drainNodes(part.rest, clock, ['n1'], drainOptions({ partial: true }), SCALE);
    expect(part.evicted).toEqual(['a', 'b']);
    expect(part.shop.replicas).toBe(2);
    await part.api.close();
    const denied = await withDeployment({ denied: true });
    const report = await drainNodes(denied.rest, clock, ['n1'], drainOptions(), SCALE);
    expect(denied.evicted).toEqual(['a', 'b']);
    expect(report.errors.join()).toContain('not scaled');
    expect(await scaleBack(denied.rest, clock, 'run-1', false)).toEqual({ code: 'already' });
    expect(await scaleBack(denied.rest, clock, 'run-1', true)).toMatchObject({ code: 'unreachable' });
  });
});
