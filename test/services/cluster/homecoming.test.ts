import { afterEach, describe, expect, it } from 'vitest';
import { waitsForOthers } from '../../../services/cluster/uncordon-gate.ts';
import type { NodeSample } from '../../../services/rack/samples.ts';
import { type RunningTwin, runTwin, type TwinOptions } from './running-twin.ts';

let twin: RunningTwin | undefined;
afterEach(async () => {
  await twin?.close();
  twin = undefined;
});

const NOW = 1_000_000;
const node = (name: string, changed: Partial<NodeSample> = {}): NodeSample => ({
  name,
  ready: 'true',
  unschedulable: true,
  cordonedBy: 'run-1',
  heartbeatAtMs: NOW - 5_000,
  evictablePods: 0,
  controlPlane: false,
  ...changed,
});
const waits = (nodes: readonly NodeSample[], share = 0.6) => waitsForOthers(nodes, NOW, 'run-1', share, 40_000);
const stale = { heartbeatAtMs: NOW - 60_000 };

describe('the first node of a returning cluster', () => {
  it('waits for the share of the workers, and counts no Ready from before the outage', () => {
    const five = ['a', 'b', 'c', 'd', 'e'];
    const back = (count: number) => five.map((name, index) => node(name, index < count ? {} : stale));
    expect(waits(back(2))).toContain('2 of 3');
    expect(waits(back(3))).toBeUndefined();
    expect(waits(back(2), 0.2)).toBeUndefined();
  });

  it('waits for all of the control plane', () => {
    const server = { controlPlane: true };
    expect(waits([node('s1', server), node('s2', { ...server, ready: 'unknown' }), node('w')])).toContain('s2');
    expect(waits([node('s1', server), node('s2', server), node('w')])).toBeUndefined();
  });

  it('does not wait for nodes that were no part of it: cordoned by others, or dead before', () => {
    const theirs = node('theirs', { ready: 'unknown' });
    const { cordonedBy: _, ...foreign } = theirs;
    expect(waits([foreign, node('w')])).toBeUndefined();
    expect(
      waits([node('dead', { ready: 'unknown', unschedulable: false, cordonedBy: 'run-0' }), node('w')]),
    ).toBeUndefined();
    expect(waits([])).toBeUndefined();
  });
});

describe('bringing nodes back', () => {
  async function dark(options: Partial<TwinOptions> = {}): Promise<RunningTwin> {
    twin = await runTwin({ nodes: 5, controlPlane: 1, notReadyAfterS: 20, heartbeatS: 2, ...options });
    const rack = twin;
    await Promise.all(rack.nodes.map((name) => rack.client.cordon(name, 'run-1')));
    for (const name of ['n3', 'n4', 'n5']) rack.world.set(name, 'off');
    await rack.until('three are lost', () =>
      ['n3', 'n4', 'n5'].every((name) =>
        rack.cluster
          .get('nodes', name)
          ?.status.conditions.some(({ type, status }) => type === 'Ready' && status === 'Unknown'),
      ),
    );
    return rack;
  }
  const schedulable = (rack: RunningTwin) =>
    rack.nodes.filter((name) => rack.cluster.get('nodes', name)?.spec.unschedulable !== true);

  it('keeps the first one cordoned until enough are there, then lets all go', async () => {
    const rack = await dark();
    const first = rack.client.uncordon('n2', 'run-1');
    const askedS = rack.world.timeS;
    await rack.until('some time', () => rack.world.timeS > askedS + 10);
    expect(schedulable(rack)).toEqual([]);
    rack.world.set('n3', 'running');
    rack.world.set('n4', 'running');
    expect(await first).toEqual({ code: 'done' });
    expect(await rack.client.uncordon('n3', 'run-1')).toEqual({ code: 'done' });
    expect(await rack.client.uncordon('n1', 'run-1')).toEqual({ code: 'done' });
    expect(schedulable(rack)).toEqual(['n1', 'n2', 'n3']);
  });

  it('says what it waits for when that takes long, and is patient only so long', async () => {
    const rack = await dark({ speed: 60 });
    expect(await rack.client.uncordon('n2', 'run-1')).toMatchObject({
      code: 'timeout',
      detail: expect.stringContaining('1 of 3 worker nodes'),
    });
    let last: string | undefined;
    for (let tries = 0; tries < 8 && last !== 'done'; tries += 1) {
      last = (await rack.client.uncordon('n2', 'run-1')).code;
    }
    expect(last).toBe('done');
    expect(schedulable(rack)).toEqual(['n2']);
  });

  it('stops waiting the moment the node goes down again', async () => {
    const rack = await dark({ speed: 1 });
    const waiting = rack.client.uncordon('n2', 'run-1');
    await rack.client.cordon('n2', 'run-1');
    expect(await waiting).toMatchObject({ code: 'refused' });
    expect(schedulable(rack)).toEqual([]);
  });
});
