import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adopt, aged, older, readShared } from '../../../services/shutdown/shared-state.ts';
import type { CoordinatorState } from '../../../services/shutdown/state.ts';

const state: CoordinatorState = {
  runId: 'outage-1',
  phase: 'shutting-down',
  phaseSinceMs: 50_000,
  outageSinceMs: 20_000,
  lossesMs: [10_000, 20_000],
  holdUntilMs: 120_000,
  hosts: {
    b1: {
      phase: 'cut',
      sinceMs: 60_000,
      cordonedByUs: true,
      portBefore: { port: '1', enabled: true, priority: 'high', asSet: 'mode pasv24' },
      forced: false,
      powerCycles: 0,
    },
  },
  stages: [{ name: 'workers', beganMs: 50_000, trigger: 'energy' }],
};
const message = { kind: 'state', holder: 'node-a', life: 'x', epoch: 3, wallMs: 1_700_000_000_000 } as const;

describe('the state that goes along', () => {
  it('is the same on a machine with another clock, moved by the time between', () => {
    const text = JSON.stringify({ ...message, state: aged(state, 70_000) });
    const shared = readShared(text);
    if (shared === undefined) throw new Error('not read');
    const moved = adopt(state, older(shared.state, 5000), 1_000_000);
    const byMs = 1_000_000 - 70_000 - 5000;
    expect(moved).toEqual({
      ...state,
      phaseSinceMs: 50_000 + byMs,
      outageSinceMs: 20_000 + byMs,
      lossesMs: [10_000 + byMs, 20_000 + byMs],
      holdUntilMs: 120_000 + byMs,
      hosts: { b1: { ...state.hosts.b1, sinceMs: 60_000 + byMs } },
      stages: [{ ...state.stages[0], beganMs: 50_000 + byMs }],
    });
  });

  it('brings in no host or stage that is not in our own configuration', () => {
    const own: CoordinatorState = {
      phase: 'mains',
      phaseSinceMs: 0,
      hosts: {},
      stages: [],
      lease: { epoch: 2, acting: true },
    };
    const adopted = adopt(own, aged(state, 70_000), 0);
    expect(adopted).toMatchObject({ phase: 'shutting-down', hosts: {}, stages: [], lease: { epoch: 2, acting: true } });
  });

  it('is nothing when it is garbage', () => {
    for (const text of ['', '{', 'null', '[]', '{"kind":"state"}', JSON.stringify({ ...message, state: {} })])
      expect(readShared(text)).toBeUndefined();
    const wrong = { ...aged(state, 0), phase: 'on-fire' };
    expect(readShared(JSON.stringify({ ...message, state: wrong }))).toBeUndefined();
    fc.assert(fc.property(fc.json(), (text) => readShared(text) === undefined));
  });
});
