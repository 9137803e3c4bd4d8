import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Pod, parsePod } from '../../../services/cluster/objects.ts';
import { drainNotes, evictionOrder, judgePod, occupies } from '../../../services/cluster/which-pods.ts';
import { podObject } from './scripted-api.ts';

const pod = (name: string, changed: Partial<Pod> = {}): Pod => ({ ...parsePod(podObject(name)), ...changed });
const owned = (kind: string, apiVersion = 'apps/v1') => ({ controller: { kind, apiVersion, name: 'o', uid: 'o' } });

describe('which pods are evicted', () => {
  it.each([
    ['ReplicaSet', pod('a')],
    ['StatefulSet', pod('a', owned('StatefulSet'))],
    ['Job', pod('a', owned('Job', 'batch/v1'))],
    ['a DaemonSet of somebody else', pod('a', owned('DaemonSet', 'example.org/v1'))],
  ])('evicts a pod of %s', (_, given) => {
    expect(judgePod(given)).toEqual({ action: 'evict', wave: 'first' });
  });

  it('evicts a pod without a controller and one with emptyDir', () => {
    const { controller: _, ...unmanaged } = pod('bare');
    expect(judgePod(unmanaged).action).toBe('evict');
    expect(judgePod(pod('scratch', { emptyDir: true })).action).toBe('evict');
  });

  it.each([
    ['finished', pod('a', { phase: 'Succeeded' }), 'finished'],
    ['failed', pod('a', { phase: 'Failed' }), 'finished'],
    ['a mirror', pod('a', { annotations: { 'kubernetes.io/config.mirror': 'x' } }), 'mirror'],
    ['of a DaemonSet', pod('a', owned('DaemonSet')), 'daemonset'],
    ['asked to be kept', pod('a', { annotations: { 'holdover.dev/keep': 'true' } }), 'kept'],
  ])('leaves a pod alone that is %s', (_, given, reason) => {
    expect(judgePod(given)).toEqual({ action: 'skip', reason });
    expect(occupies(given)).toBe(false);
  });

  it('ignores a pod that has no node', () => {
    const { node: _, ...pending } = pod('pending', { phase: 'Pending' });
    expect(judgePod(pending)).toEqual({ action: 'skip', reason: 'unplaced' });
  });

  it('waits for a pod that is stopping', () => {
    expect(judgePod(pod('a', { deletion: { graceS: 30 } }))).toEqual({ action: 'wait' });
    expect(occupies(pod('a', { deletion: { graceS: 30 } }))).toBe(true);
  });

  it('does not wait for a finalizer once all containers have ended', () => {
    const lingering = pod('a', { deletion: { graceS: 0 }, finalizers: ['example.org/f'], containersTerminated: true });
    expect(judgePod(lingering).action).toBe('skip');
    expect(judgePod({ ...lingering, containersTerminated: false }).action).toBe('wait');
  });

  it.each([
    ['system priority', pod('dns', { priority: 2_000_000_000 })],
    ['Longhorn', pod('im', { labels: { 'longhorn.io/component': 'instance-manager' } })],
    ['Ceph', pod('osd', { labels: { app: 'rook-ceph-osd' } })],
  ])('keeps %s for the last wave', (_, given) => {
    expect(judgePod(given)).toEqual({ action: 'evict', wave: 'last' });
  });

  it('names unmanaged pods and lost scratch data, up to a limit', () => {
    const { controller: _, ...bare } = pod('bare');
    const many = Array.from({ length: 25 }, (_unused, index) => pod(`s${index}`, { emptyDir: true }));
    const notes = drainNotes([bare, ...many, pod('plain')]);
    expect(notes[0]).toContain('web/bare');
    expect(notes[1]).toContain('and 5 more');
    expect(notes).toHaveLength(2);
  });
});

describe('the order of evictions', () => {
  const anyPod = fc
    .record({
      name: fc.string({ minLength: 1, maxLength: 5 }),
      priority: fc.integer({ min: -10, max: 2_000_001_000 }),
      storage: fc.boolean(),
    })
    .map(({ name, priority, storage }) =>
      pod(name, { priority, ...(storage && { labels: { app: 'rook-ceph-mon' } }) }),
    );

  it('keeps every pod, puts the first wave first and low priority before high', () => {
    fc.assert(
      fc.property(fc.array(anyPod, { maxLength: 30 }), (pods) => {
        const ordered = evictionOrder(pods);
        expect(new Set(ordered)).toEqual(new Set(pods));
        const ranks = ordered.map((each) => {
          const verdict = judgePod(each);
          return [verdict.action === 'evict' && verdict.wave === 'last' ? 1 : 0, each.priority] as const;
        });
        for (const [index, [wave, priority]] of ranks.entries()) {
          const next = ranks[index + 1];
          if (next === undefined) continue;
          expect(wave < next[0] || (wave === next[0] && priority <= next[1])).toBe(true);
        }
      }),
    );
  });

  it('does not depend on the order the API lists them in', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyPod, { selector: (each) => each.name, maxLength: 20 }), (pods) => {
        const names = (list: readonly Pod[]) => evictionOrder(list).map((each) => each.name);
        expect(names([...pods].reverse())).toEqual(names(pods));
      }),
    );
  });
});
