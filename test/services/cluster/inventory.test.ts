import { afterEach, describe, expect, it } from 'vitest';
import { Inventory } from '../../../services/cluster/inventory.ts';
import { PLAIN_RULES } from '../../../services/cluster/which-pods.ts';
import { fastClock } from '../../../services/runtime/clock.ts';
import { type RunningTwin, runTwin } from './running-twin.ts';
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
let twin: RunningTwin | undefined;
let scripted: ScriptedApi | undefined;
let inventory: Inventory | undefined;

afterEach(async () => {
  inventory?.close();
  await twin?.close();
  await scripted?.close();
  twin = undefined;
  scripted = undefined;
  inventory = undefined;
});

/** A scripted cluster of one node and one pod; watches are refused unless the script says otherwise. */
async function look(script: (request: ScriptedRequest) => ScriptedReply | 'own' | 'usual'): Promise<Inventory> {
  scripted = await scriptApi((request) => {
    const special = script(request);
    if (special !== 'usual') return special;
    if (request.query.get('watch') === 'true') return statusObject(403, 'Forbidden', 'may not watch');
    if (request.path.includes('leases') || request.path === '/version') return { json: listObject([]) };
    return { json: listObject(request.path.endsWith('nodes') ? [nodeObject('n1')] : [podObject('a')]) };
  });
  inventory = new Inventory(scripted.rest, clock, PLAIN_RULES);
  return inventory;
}

describe('an observation', () => {
  it('does without Leases where the right is missing, and asks for them only once', async () => {
    const seen = await look(({ path }) =>
      path.includes('leases') ? statusObject(403, 'Forbidden', 'leases is forbidden') : 'usual',
    );
    const sample = await seen.look();
    expect(sample.nodes).toMatchObject([{ name: 'n1', evictablePods: 1 }]);
    expect(sample.nodes[0]).not.toHaveProperty('heartbeatAtMs');
    await seen.look();
    expect(scripted?.requests.filter(({ path }) => path.includes('leases'))).toHaveLength(1);
  });

  it('lists again every time where watching is not allowed', async () => {
    const seen = await look(() => 'usual');
    await expect
      .poll(async () => {
        await seen.look();
        return scripted?.requests.filter(({ path, query }) => path.endsWith('/nodes') && query.get('watch') === null)
          .length;
      })
      .toBeGreaterThanOrEqual(4);
    const watches = scripted?.requests.filter(({ query }) => query.get('watch') === 'true') ?? [];
    expect(watches).toHaveLength(2);
  });

  it('fails as a whole when one of its lists fails', async () => {
    const seen = await look(({ path }) => (path.endsWith('pods') ? { text: '[]' } : 'usual'));
    await expect(seen.look()).rejects.toMatchObject({ code: 'bad-answer' });
  });

  it('follows pages', async () => {
    const seen = await look(({ path, query }) => {
      if (!path.endsWith('pods') || query.get('watch') === 'true') return 'usual';
      const page = Number(query.get('continue') ?? 0);
      const json = listObject([podObject(`p${page}`)]);
      return { json: page < 3 ? { ...json, metadata: { resourceVersion: '10', continue: String(page + 1) } } : json };
    });
    expect((await seen.look()).nodes[0]?.evictablePods).toBe(4);
  });
});

describe('a followed cluster', () => {
  it('is seen as it is now for one request a look', async () => {
    twin = await runTwin({ nodes: 4, budgets: [] });
    const rack = twin;
    const first = await rack.client.observe();
    expect(first.nodes.every(({ unschedulable }) => !unschedulable)).toBe(true);
    await rack.client.observe();
    const asked = rack.api.requestCount;
    for (let times = 0; times < 10; times += 1) await rack.client.observe();
    // The two watches may have been counted late.
    expect(rack.api.requestCount - asked).toBeLessThanOrEqual(12);

    const node = rack.cluster.get('nodes', 'n2');
    if (node === undefined) throw new Error('no n2');
    rack.cluster.writeNode({ ...node, spec: { ...node.spec, unschedulable: true } });
    const podsBefore = first.nodes.reduce((sum, { evictablePods }) => sum + evictablePods, 0);
    rack.cluster.deletePod('tools/debug-shell');
    await rack.until('the shell is gone', () => rack.cluster.get('pods', 'tools/debug-shell') === undefined);
    await expect
      .poll(async () => {
        const { nodes } = await rack.client.observe();
        return [
          nodes.find(({ name }) => name === 'n2')?.unschedulable,
          nodes.reduce((sum, { evictablePods }) => sum + evictablePods, 0),
        ];
      })
      .toEqual([true, podsBefore - 1]);
  });

  it('is not taken for alive while its server is silent, and is seen anew afterwards', async () => {
    twin = await runTwin({ nodes: 3, requestTimeoutS: 0.3 });
    const rack = twin;
    await rack.client.observe();
    rack.world.setFault('silent', ['api']);
    await expect(rack.client.observe()).rejects.toMatchObject({ code: 'timeout' });
    const node = rack.cluster.get('nodes', 'n3');
    if (node === undefined) throw new Error('no n3');
    rack.cluster.writeNode({ ...node, spec: { ...node.spec, unschedulable: true } });
    rack.world.setFault('silent', []);
    // At once, and not when an old stream has said so: a server that lost power leaves streams that never speak again.
    const { nodes } = await rack.client.observe();
    expect(nodes.find(({ name }) => name === 'n3')?.unschedulable).toBe(true);
  });

  it('is listed again when its server was down', async () => {
    twin = await runTwin({ nodes: 3, controlPlane: 1, requestTimeoutS: 1 });
    const rack = twin;
    await rack.client.observe();
    rack.world.set('n1', 'off');
    await expect
      .poll(() =>
        rack.client.observe().then(
          () => 'seen',
          () => 'away',
        ),
      )
      .toBe('away');
    rack.cluster.compact();
    rack.world.set('n1', 'running');
    await expect
      .poll(() =>
        rack.client.observe().then(
          ({ nodes }) => nodes.find(({ name }) => name === 'n1')?.bootId,
          () => '',
        ),
      )
      .toBe('boot-2-of-n1');
  });
});
