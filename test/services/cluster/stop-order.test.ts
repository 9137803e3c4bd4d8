import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Pod, parsePod } from '../../../services/cluster/objects.ts';
import { latestStarts, StopOrder, workloadOf } from '../../../services/cluster/stop-order.ts';
import { PLAIN_RULES } from '../../../services/cluster/which-pods.ts';
import { podObject } from './scripted-api.ts';

const pod = (name: string, changed: Partial<Pod> = {}): Pod => ({
  ...parsePod(podObject(name)),
  controller: { kind: 'StatefulSet', apiVersion: 'apps/v1', name, uid: `uid-of-${name}-set` },
  ...changed,
});
const needs = (what: string) => ({ annotations: { 'holdover.dev/needs': what } });

/** The names of each wave. */
function wavesOf(pods: readonly Pod[], rules = PLAIN_RULES, flat = false): readonly (readonly string[])[] {
  const order = new StopOrder(pods, rules, flat);
  return Array.from({ length: order.waves }, (_, wave) =>
    pods.filter((each) => order.waveOf(each) === wave).map(({ name }) => name),
  );
}

const HOUSEHOLD = [
  pod('app'),
  pod('ingress', { priority: 1_000 }),
  pod('nas', { labels: { app: 'nfs-server' } }),
  pod('dns', { priority: 2_000_000_000 }),
];

describe('the order in which pods stop', () => {
  it('is applications, those with raised priority, storage, then what the system needs', () => {
    expect(wavesOf(HOUSEHOLD)).toEqual([['app'], ['ingress'], ['nas'], ['dns']]);
  });

  it('keeps only storage and system pods back while the rest of the cluster goes on', () => {
    expect(wavesOf(HOUSEHOLD, PLAIN_RULES, true)).toEqual([['app', 'ingress'], ['nas'], ['dns']]);
  });

  it('puts the configured groups behind all other applications, in their order', () => {
    const rules = {
      ...PLAIN_RULES,
      order: [
        { name: 'queues', pods: [{ name: 'rabbit' }] },
        { name: 'databases', pods: [{ name: 'pg' }, { name: 'mysql' }] },
      ],
    };
    expect(wavesOf([pod('pg'), pod('mysql'), pod('rabbit'), ...HOUSEHOLD], rules)).toEqual([
      ['app'],
      ['ingress'],
      ['rabbit'],
      ['pg', 'mysql'],
      ['nas'],
      ['dns'],
    ]);
  });

  it('stops what is needed after those who need it, along whole chains and across kinds', () => {
    const chain = [pod('web', needs('api')), pod('api', needs('web/db, cache')), pod('db'), pod('cache')];
    expect(wavesOf(chain)).toEqual([['web'], ['api'], ['db', 'cache']]);
    expect(wavesOf([pod('ingress', { priority: 9, ...needs('auth') }), pod('auth')])).toEqual([['ingress'], ['auth']]);
  });

  it('says so where pods need each other, and goes on without that order', () => {
    const circle = [pod('a', needs('b')), pod('b', needs('a')), pod('c')];
    const order = new StopOrder(circle, PLAIN_RULES, false);
    expect(order.notes.join()).toContain('web/a, web/b');
    expect(order.waves).toBe(1);
    expect(new StopOrder([pod('a', needs('a'))], PLAIN_RULES, false).notes.join()).toContain('web/a');
  });

  it('ignores needs of what is not there', () => {
    expect(wavesOf([pod('a', needs('nothing, ,other/thing'))])).toEqual([['a']]);
  });

  it('gives a newcomer the wave of those like it, or the next', () => {
    const order = new StopOrder([pod('app'), pod('dns', { priority: 2_000_000_000 })], PLAIN_RULES, false);
    expect(order.waveOf(pod('new'))).toBe(0);
    expect(order.waveOf(pod('nas', { labels: { app: 'minio' } }))).toBe(1);
  });

  it('knows a Deployment by the names of its ReplicaSets', () => {
    const owner = (name: string) => ({ controller: { kind: 'ReplicaSet', apiVersion: 'apps/v1', name, uid: 'rs' } });
    expect(workloadOf(pod('x', { ...owner('shop-5d9f8c7b6d'), labels: { 'pod-template-hash': '5d9f8c7b6d' } }))).toBe(
      'web/shop',
    );
    expect(workloadOf(pod('x', owner('shop-5d9f8c7b6d')))).toBe('web/shop');
    const { controller: _, ...bare } = pod('bare');
    expect(workloadOf(bare)).toBe('web/bare');
  });

  it('never puts a needed pod before or beside one that needs it, unless they run in circles', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const graph = fc.array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...names)), { maxLength: 12 });
    fc.assert(
      fc.property(
        graph,
        fc.array(fc.constantFrom(-1, 0, 7, 2_000_000_000), { minLength: 6, maxLength: 6 }),
        (links, priorities) => {
          const pods = names.map((name, index) =>
            pod(name, {
              priority: priorities[index] ?? 0,
              ...needs(
                links
                  .filter(([from]) => from === name)
                  .map(([, to]) => to)
                  .join(','),
              ),
            }),
          );
          const order = new StopOrder(pods, PLAIN_RULES, false);
          if (order.notes.length > 0) return;
          const waveOf = (name: string) => order.waveOf(pods[names.indexOf(name)] ?? pod('none'));
          for (const [from, to] of links) expect(waveOf(to)).toBeGreaterThan(waveOf(from));
        },
      ),
    );
  });
});

describe('the latest start of a wave', () => {
  it('leaves the later waves their grace', () => {
    expect(latestStarts([30_000, 30_000, 10_000], 0, 120_000)).toEqual([0, 80_000, 110_000]);
  });

  it('gives every wave the same share where there is not enough time', () => {
    expect(latestStarts([600_000, 600_000, 600_000], 0, 60_000)).toEqual([0, 20_000, 40_000]);
  });

  it('is inside the drain, and in order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 8 }), fc.nat(1_000_000), (graces, totalMs) => {
        const latest = latestStarts(graces, 500, 500 + totalMs);
        expect(latest).toHaveLength(graces.length);
        expect(latest[0]).toBe(500);
        for (const [index, each] of latest.entries()) {
          expect(each).toBeLessThanOrEqual(500 + totalMs + 1e-6);
          expect(each).toBeGreaterThanOrEqual((latest[index - 1] ?? 500) - 1e-6);
        }
      }),
    );
  });
});
