import { describe, expect, it } from 'vitest';
import { rackAlarms } from '../../../services/rack/alarms.ts';
import { NOTHING_OFF, type OwnDoing, ownDoingOf } from '../../../services/rack/own-doing.ts';
import type { Observed, Rack } from '../../../services/rack/rack.ts';
import type { ClusterSample } from '../../../services/rack/samples.ts';

const node = (name: string, controlPlane: boolean): ClusterSample['nodes'][number] =>
  ({ name, ready: 'true', unschedulable: false, evictablePods: 0, controlPlane }) as ClusterSample['nodes'][number];
const stale = <S>(sample?: S): Observed<S> => ({
  ...(sample === undefined ? {} : { sample, receivedAtMs: 0, ageMs: 60_000 }),
  freshness: sample === undefined ? 'absent' : 'stale',
  failure: { code: 'timeout', message: 'no answer' },
});

const rack: Omit<Rack, 'alarms'> = {
  wallMs: 0,
  monoMs: 0,
  packs: { left: stale({ kind: 'pack', measuredAtMs: 0 }), right: stale({ kind: 'pack', measuredAtMs: 0 }) },
  bank: { complete: false, freshness: 'stale' },
  meters: {},
  switches: { sw1: stale() },
  hosts: {},
  cluster: stale({
    kind: 'cluster',
    measuredAtMs: 0,
    serverNowMs: 0,
    nodes: [node('cp1', true), node('cp2', true), node('cp3', true), node('w1', false)],
  }),
  mains: { verdict: 'absent', sinceMs: 0, votes: [], disputed: false },
  circuit: { limitA: 16, freshness: 'absent' },
};
const codes = (own: OwnDoing) => rackAlarms(rack, {}, undefined, own).map(({ code, subject }) => `${code} ${subject}`);

const machines = ['cp1', 'cp2', 'cp3', 'w1'].map((id) => ({ id, node: id }));
const doing = (down: readonly string[], outputsOff: readonly string[] = []): OwnDoing =>
  ownDoingOf(machines, {
    hosts: Object.fromEntries(machines.map(({ id }) => [id, { phase: down.includes(id) ? 'halted' : 'up' }])),
    outputsOff,
  });

describe('silence that is our own doing', () => {
  const all = ['pack-stale left', 'pack-stale right', 'switch-absent sw1', 'cluster-stale api'];

  it('is told while we have switched nothing off', () => {
    expect(codes(NOTHING_OFF)).toEqual(all);
  });

  it('is no alarm of the cluster when its control plane has lost its quorum through us', () => {
    expect(codes(doing(['w1', 'cp1']))).toContain('cluster-stale api');
    expect(codes(doing(['cp1', 'cp3']))).not.toContain('cluster-stale api');
    expect(codes(doing(['cp1', 'cp2', 'cp3', 'w1']))).toEqual(all.slice(0, 3));
  });

  it('is no alarm of a pack whose output is off, nor of switches when no pack feeds them any more', () => {
    expect(codes(doing([], ['left']))).toEqual(['pack-stale right', 'switch-absent sw1', 'cluster-stale api']);
    expect(codes(doing([], ['left', 'right']))).toEqual(['cluster-stale api']);
  });

  it('counts a machine from its halt until it is up again, and none without a node', () => {
    const phases = ['up', 'cordoned', 'drained', 'halting', 'halted', 'cut', 'powering'];
    const hosts = Object.fromEntries(phases.map((phase) => [phase, { phase }]));
    const { nodesDown } = ownDoingOf([...phases.map((id) => ({ id, node: id })), { id: 'cut' }], { hosts });
    expect([...nodesDown]).toEqual(['halting', 'halted', 'cut', 'powering']);
  });
});
