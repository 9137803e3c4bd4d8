import { describe, expect, it } from 'vitest';
import { type Config, configSchema } from '../../../services/config/schema.ts';
import { stageAlarms } from '../../../services/rack/stage-alarms.ts';

const config = (stages: readonly (readonly [string, readonly string[]])[]): Config =>
  configSchema.parse({
    hosts: ['w1', 'w2', 'cp1', 'nas'].map((id) => (id === 'nas' ? { id } : { id, node: id })),
    shutdown: { stages: stages.map(([name, hosts]) => ({ name, hosts })) },
  });

const cluster = (freshness: 'fresh' | 'stale' = 'fresh') => ({
  cluster: {
    freshness,
    sample: {
      kind: 'cluster' as const,
      measuredAtMs: 0,
      serverNowMs: 0,
      nodes: ['w1', 'w2', 'cp1'].map((name) => ({
        name,
        ready: 'true' as const,
        unschedulable: false,
        evictablePods: 0,
        controlPlane: name.startsWith('cp'),
      })),
    },
  },
});

describe('control-plane nodes in a stage', () => {
  it('that goes down before nodes that need them are told', () => {
    const early = config([
      ['first', ['cp1', 'w1']],
      ['second', ['w2']],
    ]);
    expect(stageAlarms(cluster(), early)).toMatchObject([{ code: 'control-plane-too-early', subject: 'first' }]);
    expect(stageAlarms(cluster('stale'), early)).toEqual([]);
    expect(stageAlarms({}, early)).toEqual([]);
  });

  it('that is the last one with such nodes are as they should be', () => {
    expect(
      stageAlarms(
        cluster(),
        config([
          ['workers', ['w1', 'w2']],
          ['control-plane', ['cp1']],
          ['storage', ['nas']],
        ]),
      ),
    ).toEqual([]);
    expect(stageAlarms(cluster(), config([['all', ['w1', 'w2', 'cp1']]]))).toEqual([]);
  });
});
