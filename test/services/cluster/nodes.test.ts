import { afterEach, describe, expect, it } from 'vitest';
import { changeNode, decideCordon, decideUncordon, sampleNodes } from '../../../services/cluster/nodes.ts';
import { parseNode } from '../../../services/cluster/objects.ts';
import { fastClock } from '../../../services/runtime/clock.ts';
import { type RunningTwin, runTwin } from './running-twin.ts';
import { nodeObject, type ScriptedApi, type ScriptedReply, scriptApi, statusObject } from './scripted-api.ts';

const clock = fastClock(20);
let twin: RunningTwin | undefined;
let scripted: ScriptedApi | undefined;

afterEach(async () => {
  await twin?.close();
  await scripted?.close();
  twin = undefined;
  scripted = undefined;
});

const node = (changed: Parameters<typeof nodeObject>[1] = {}) => parseNode(nodeObject('n1', changed));

describe('whose cordon it is', () => {
  it.each([
    ['schedulable', {}, 'done', true],
    ['schedulable with an old mark', { mark: 'run-0' }, 'done', true],
    ['cordoned by this run', { unschedulable: true, mark: 'run-1' }, 'already', false],
    ['cordoned by a person', { unschedulable: true }, 'left-alone', false],
    ['cordoned by an earlier run', { unschedulable: true, mark: 'run-0' }, 'done', true],
  ] as const)('cordon of a node that is %s: %s', (_, changed, code, writes) => {
    const decision = decideCordon(node(changed), 'run-1');
    expect(decision.outcome.code).toBe(code);
    expect(decision.patch !== undefined).toBe(writes);
  });

  it.each([
    ['cordoned by this run', { unschedulable: true, mark: 'run-1' }, 'done', true],
    ['cordoned by another run', { unschedulable: true, mark: 'run-0' }, 'left-alone', false],
    ['cordoned by a person', { unschedulable: true }, 'left-alone', false],
    ['schedulable', {}, 'already', false],
    ['schedulable and still marked', { mark: 'run-1' }, 'already', true],
  ] as const)('uncordon of a node that is %s: %s', (_, changed, code, writes) => {
    const decision = decideUncordon(node(changed), 'run-1');
    expect(decision.outcome.code).toBe(code);
    expect(decision.patch !== undefined).toBe(writes);
  });

  it('writes flag and mark in one patch, only onto the version that was read', () => {
    expect(decideCordon(node(), 'run-1').patch).toEqual({
      metadata: { resourceVersion: '7', annotations: { 'holdover.dev/cordoned': 'run-1' } },
      spec: { unschedulable: true },
    });
    expect(decideUncordon(node({ unschedulable: true, mark: 'run-1' }), 'run-1').patch).toEqual({
      metadata: { resourceVersion: '7', annotations: { 'holdover.dev/cordoned': null } },
      spec: { unschedulable: null },
    });
  });
});

describe('on the simulated cluster', () => {
  it('cordons, finds its own cordon again, and gives the node back as it was', async () => {
    twin = await runTwin({ nodes: 2 });
    const untouched = twin.cluster.get('nodes', 'n2');
    expect(await twin.client.cordon('n2', 'run-1')).toEqual({ code: 'done' });
    expect(await twin.client.cordon('n2', 'run-1')).toEqual({ code: 'already' });
    const cordoned = twin.cluster.get('nodes', 'n2');
    expect(cordoned?.spec.taints?.map(({ key }) => key)).toEqual(['node.kubernetes.io/unschedulable']);
    expect((await twin.client.observe()).nodes.find(({ name }) => name === 'n2')).toMatchObject({
      unschedulable: true,
      cordonedBy: 'run-1',
      ready: 'true',
      controlPlane: false,
      bootId: 'boot-1-of-n2',
    });
    expect(await twin.client.uncordon('n2', 'another')).toMatchObject({ code: 'left-alone' });
    expect(await twin.client.uncordon('n2', 'run-1')).toEqual({ code: 'done' });
    expect(await twin.client.uncordon('n2', 'run-1')).toEqual({ code: 'already' });
    expect(twin.cluster.get('nodes', 'n2')?.spec).toEqual(untouched?.spec);
    expect(twin.cluster.get('nodes', 'n2')?.metadata.annotations ?? {}).toEqual({});
    expect(twin.cluster.events.filter(({ kind }) => kind.endsWith('cordon')).map(({ kind }) => kind)).toEqual([
      'cordon',
      'uncordon',
    ]);
  });

  it('leaves a node alone that a person has cordoned', async () => {
    twin = await runTwin({ nodes: 2 });
    const before = twin.cluster.get('nodes', 'n2');
    if (before === undefined) throw new Error('no n2');
    twin.cluster.writeNode({ ...before, spec: { ...before.spec, unschedulable: true } });
    expect(await twin.client.cordon('n2', 'run-1')).toMatchObject({ code: 'left-alone' });
    expect(await twin.client.uncordon('n2', 'run-1')).toMatchObject({ code: 'left-alone' });
    expect(twin.cluster.get('nodes', 'n2')?.metadata.annotations ?? {}).toEqual({});
    expect(twin.cluster.get('nodes', 'n2')?.spec.unschedulable).toBe(true);
  });

  it('says that a node does not exist', async () => {
    twin = await runTwin({ nodes: 1 });
    const outcome = await twin.client.cordon('../pods', 'run-1');
    expect(outcome.code).toBe('refused');
    expect(outcome.detail).toContain('404');
  });

  it('counts what an eviction would touch and tells the server’s time, not ours', async () => {
    twin = await runTwin({ nodes: 5, podsPerNode: 4 });
    const sample = await twin.client.observe();
    expect(sample.nodes.reduce((sum, { evictablePods }) => sum + evictablePods, 0)).toBe(20);
    expect(Math.abs(sample.serverNowMs - twin.world.wallMs)).toBeLessThan(3_600_000);
    expect(Math.abs(sample.serverNowMs - sample.measuredAtMs)).toBeGreaterThan(3_600_000);
    const newest = Math.max(...sample.nodes.map(({ heartbeatAtMs }) => heartbeatAtMs ?? 0));
    expect(Math.abs(newest - twin.world.wallMs)).toBeLessThan(3_600_000);
  });

  it('shows a dead node as unknown and a rebooted one with another boot id and a newer heartbeat', async () => {
    twin = await runTwin({ nodes: 2, notReadyAfterS: 5 });
    const rack = twin;
    const n2 = async () => (await rack.client.observe()).nodes.find(({ name }) => name === 'n2');
    const before = await n2();
    twin.world.set('n2', 'off');
    const readyIs = (status: string) => () =>
      rack.cluster
        .get('nodes', 'n2')
        ?.status.conditions.some((each) => each.type === 'Ready' && each.status === status) ?? false;
    await twin.until('n2 is lost', readyIs('Unknown'));
    // What the store holds reaches the client by its watch.
    await expect.poll(n2, { timeout: 60_000 }).toMatchObject({ ready: 'unknown', bootId: before?.bootId });
    twin.world.set('n2', 'running');
    await twin.until('n2 is back', readyIs('True'));
    await expect.poll(n2, { timeout: 60_000 }).toMatchObject({ ready: 'true', bootId: 'boot-2-of-n2' });
    const after = await n2();
    expect(after?.heartbeatAtMs).toBeGreaterThan(before?.heartbeatAtMs ?? 0);
  });
});

describe('rare answers to a cordon', () => {
  const cordon = (api: ScriptedApi) => changeNode(api.rest, clock, 'n1', (found) => decideCordon(found, 'run-1'));

  const scriptNode = async (
    get: (times: number) => ScriptedReply,
    patch: (times: number) => ScriptedReply,
    timeoutMs?: number,
  ): Promise<ScriptedApi> => {
    const times = { GET: 0, PATCH: 0 };
    scripted = await scriptApi(({ method }) => {
      const key = method === 'PATCH' ? 'PATCH' : 'GET';
      times[key] += 1;
      return key === 'PATCH' ? patch(times.PATCH) : get(times.GET);
    }, timeoutMs);
    return scripted;
  };

  it('409: reads again and respects the person who was faster', async () => {
    const api = await scriptNode(
      (times) => ({ json: nodeObject('n1', times === 1 ? {} : { unschedulable: true }) }),
      () => statusObject(409, 'Conflict', 'the object has been modified'),
    );
    expect(await cordon(api)).toMatchObject({ code: 'left-alone' });
    expect(api.requests.map(({ method }) => method)).toEqual(['GET', 'PATCH', 'GET']);
  });

  it('409 without end: gives up', async () => {
    const api = await scriptNode(
      () => ({ json: nodeObject('n1') }),
      () => statusObject(409, 'Conflict', 'the object has been modified'),
    );
    expect(await cordon(api)).toMatchObject({ code: 'refused' });
    expect(api.requests.length).toBeLessThan(25);
  });

  it('500 of a webhook: tries three times and names it', async () => {
    const api = await scriptNode(
      () => ({ json: nodeObject('n1') }),
      () => statusObject(500, 'InternalError', 'failed calling webhook "policy.example.org": refused'),
    );
    const outcome = await cordon(api);
    expect(outcome.code).toBe('refused');
    expect(outcome.detail).toContain('policy.example.org');
    expect(api.requests.filter(({ method }) => method === 'PATCH')).toHaveLength(3);
  });

  it('403: refused, without a second try', async () => {
    const api = await scriptNode(
      () => ({ json: nodeObject('n1') }),
      () => statusObject(403, 'Forbidden', 'nodes "n1" is forbidden'),
    );
    expect(await cordon(api)).toMatchObject({ code: 'refused' });
    expect(api.requests).toHaveLength(2);
  });

  it('no answer at all: timeout', async () => {
    const api = await scriptNode(
      () => undefined,
      () => undefined,
      100,
    );
    expect(await cordon(api)).toMatchObject({ code: 'timeout' });
  });

  it('garbage: refused', async () => {
    const api = await scriptNode(
      () => ({ json: { metadata: { name: 7 } } }),
      () => undefined,
    );
    expect(await cordon(api)).toMatchObject({ code: 'refused' });
  });

  it('nobody there: unreachable', async () => {
    const api = await scriptNode(
      () => undefined,
      () => undefined,
    );
    await api.close();
    const away = await scriptApi(() => undefined, 200);
    await away.close();
    scripted = undefined;
    const { RestClient } = await import('../../../services/cluster/rest.ts');
    const rest = new RestClient({ server: away.url, skipTlsVerify: false }, 10_000);
    expect(await changeNode(rest, clock, 'n1', (found) => decideCordon(found, 'run-1'))).toMatchObject({
      code: 'unreachable',
    });
    rest.close();
  });
});

describe('an observation', () => {
  it('takes the newer of Lease and condition as the sign of life', () => {
    const one = { ...node(), heartbeatAtMs: 1_000 };
    expect(sampleNodes([one], [{ name: 'n1', renewedAtMs: 5_000 }], [])[0]?.heartbeatAtMs).toBe(5_000);
    expect(sampleNodes([one], [{ name: 'n1', renewedAtMs: 500 }], [])[0]?.heartbeatAtMs).toBe(1_000);
    expect(sampleNodes([one], [], [{ node: 'n1', occupies: false }])[0]?.evictablePods).toBe(0);
  });
});
