import { describe, expect, it } from 'vitest';
import { type Pod, parsePod } from '../../../services/cluster/objects.ts';
import { drainNotes, judgePod, occupies, PLAIN_RULES } from '../../../services/cluster/which-pods.ts';
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
    expect(judgePod(given)).toEqual({ action: 'evict', as: 'application' });
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
    ['system', pod('dns', { priority: 2_000_000_000 })],
    ['raised', pod('ingress', { priority: 1 })],
    ['application', pod('batch', { priority: -5 })],
    ['storage', pod('osd', { labels: { app: 'rook-ceph-osd' } })],
    ['storage', pod('minio-0', { labels: { 'app.kubernetes.io/name': 'minio' } })],
    ['storage', pod('nfs', { labels: { app: 'nfs-server' } })],
  ])('sees a pod that is %s', (as, given) => {
    expect(judgePod(given)).toEqual({ action: 'evict', as });
  });

  it('leaves the engines of Longhorn to their hosts: their budget never says yes', () => {
    const engine = pod('instance-manager-1', { labels: { 'longhorn.io/component': 'instance-manager' } });
    expect(judgePod(engine)).toEqual({ action: 'skip', reason: 'left-to-host' });
    expect(drainNotes([engine]).join()).toContain('web/instance-manager-1');
  });

  it('never stops its own pod, nor what the configuration keeps', () => {
    const rules = { ...PLAIN_RULES, ownPod: 'web/holdover-0', keep: [{ namespace: 'web', name: 'mosquitto-*' }] };
    expect(judgePod(pod('holdover-0'), rules)).toEqual({ action: 'skip', reason: 'kept' });
    expect(judgePod(pod('mosquitto-1'), rules)).toEqual({ action: 'skip', reason: 'kept' });
    expect(judgePod(pod('holdover-1'), rules).action).toBe('evict');
    expect(occupies(pod('mosquitto-1'), rules)).toBe(false);
    expect(drainNotes([pod('mosquitto-1')], rules).join()).toContain('web/mosquitto-1');
  });

  it('takes storage and groups from the configuration', () => {
    const rules = {
      ...PLAIN_RULES,
      storage: [{ labels: { role: 'nas' } }],
      order: [{ name: 'databases', pods: [{ namespace: 'web', name: 'pg-*' }] }],
    };
    expect(judgePod(pod('x', { labels: { role: 'nas' } }), rules)).toEqual({ action: 'evict', as: 'storage' });
    expect(judgePod(pod('pg-0', { priority: 5 }), rules)).toEqual({ action: 'evict', as: 'grouped' });
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
