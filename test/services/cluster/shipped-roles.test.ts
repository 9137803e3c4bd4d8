import { afterEach, describe, expect, it } from 'vitest';
import { Rights, wishOf } from '../../../services/twin/devices/kubernetes-api/rbac.ts';
import { drainOptions, type RunningTwin, runTwin, shipped } from './running-twin.ts';

let twin: RunningTwin | undefined;
afterEach(async () => {
  await twin?.close();
  twin = undefined;
});

const as = async (...roles: readonly string[]): Promise<RunningTwin> => {
  twin = await runTwin({ nodes: 4, controlPlane: 1, api: { roles } });
  return twin;
};

const cordonAll = (rack: RunningTwin) => Promise.all(rack.nodes.map((node) => rack.client.cordon(node, 'run-1')));

describe('the shipped roles', () => {
  it('together give all that is used: a cycle from the first look to the last uncordon', async () => {
    const rack = await as(shipped('role'), shipped('role-outage'));
    expect(await rack.client.missingRights()).toEqual([]);
    expect((await rack.client.observe()).nodes[0]).toHaveProperty('heartbeatAtMs');
    expect((await cordonAll(rack)).map(({ code }) => code)).toEqual(['done', 'done', 'done', 'done']);
    const report = await rack.client.drain(rack.nodes, drainOptions());
    expect(report).toMatchObject({ left: [], errors: [] });
    expect(report.overridden.length).toBeGreaterThan(0);
    const back = await Promise.all(rack.nodes.map((node) => rack.client.uncordon(node, 'run-1')));
    expect(back.map(({ code }) => code)).toEqual(['done', 'done', 'done', 'done']);
  });

  it('the least one is enough but for budgets, and the start says what it lacks', async () => {
    const rack = await as(shipped('role'));
    const missing = await rack.client.missingRights();
    expect(missing.every((line) => line.includes('optional'))).toBe(true);
    expect(missing.join()).toContain('delete pods');
    await cordonAll(rack);
    const report = await rack.client.drain(rack.nodes, drainOptions());
    expect(report.overridden).toEqual([]);
    expect(report.left.length).toBeGreaterThan(0);
    expect(report.left.every((name) => name.startsWith('web/shop-'))).toBe(true);
    expect(report.errors.join()).toContain('delete');
    expect(await rack.client.uncordon('n2', 'run-1')).toEqual({ code: 'done' });
  });

  it.each([
    ['nodes', 'patch'],
    ['pods', 'watch'],
    ['pods/eviction', 'create'],
  ])('lose their point without %s %s, which is found at the start', async (resource, verb) => {
    const without = `${verb} ${resource} (`;
    const role = shipped('role').replace(
      new RegExp(`(resources: \\[${resource}\\]\\n    verbs: \\[[^\\]]*?)(, )?${verb}`),
      '$1',
    );
    const rack = await as(role);
    expect((await rack.client.observe().catch(() => undefined)) ?? {}).not.toHaveProperty('missingRights');
    expect((await rack.client.missingRights()).filter((line) => line.startsWith(without))).toHaveLength(1);
    expect((await rack.client.observe()).missingRights?.join()).toContain(without);
  });

  it('an account without any right is told so everywhere, and nothing hangs', async () => {
    const rack = await as('kind: Nothing');
    expect((await rack.client.missingRights()).length).toBeGreaterThan(6);
    await expect(rack.client.observe()).rejects.toMatchObject({ code: 'forbidden' });
    expect(await rack.client.cordon('n1', 'run-1')).toMatchObject({ code: 'refused' });
    expect((await rack.client.drain(rack.nodes, drainOptions())).errors.join()).toContain('forbidden');
  });

  it('scaling asks for no more than its role gives', async () => {
    const rights = new Rights([shipped('role-scale')]);
    for (const resource of ['deployments', 'statefulsets']) {
      for (const verb of ['get', 'list', 'patch']) expect(rights.allows({ verb, group: 'apps', resource })).toBe(true);
      expect(rights.allows({ verb: 'delete', group: 'apps', resource })).toBe(false);
    }
    expect(rights.allows({ verb: 'list', group: 'apps', resource: 'replicasets' })).toBe(true);
  });

  it('are read as Kubernetes reads them: Leases only in their namespace', () => {
    const rights = new Rights([shipped('role-outage')]);
    const leases = { verb: 'list', group: 'coordination.k8s.io', resource: 'leases' };
    expect(rights.allows({ ...leases, namespace: 'kube-node-lease' })).toBe(true);
    expect(rights.allows({ ...leases, namespace: 'kube-system' })).toBe(false);
    expect(rights.allows(leases)).toBe(false);
    expect(wishOf('POST', '/api/v1/namespaces/web/pods/a/eviction', false)).toEqual({
      verb: 'create',
      group: '',
      resource: 'pods',
      subresource: 'eviction',
      namespace: 'web',
    });
    expect(wishOf('GET', '/version', false)).toBeUndefined();
  });
});
