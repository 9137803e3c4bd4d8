import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recover } from '../../../services/shutdown/coordinator.ts';
import { evolve, initialState } from '../../../services/shutdown/evolve.ts';
import type { CoordinatorState, Effect, HostChange, JournalEntry } from '../../../services/shutdown/state.ts';
import { Bench } from './bench.ts';
import { smallPolicy } from './small-rack.ts';

const policy = smallPolicy();
const start = initialState(policy, 100);
const fold = (entries: readonly JournalEntry[], state: CoordinatorState = start, atMs = 500): CoordinatorState =>
  entries.reduce((each, entry) => evolve(each, entry, atMs), state);
const host = (id: string, change: HostChange): JournalEntry => ({ kind: 'host', host: id, change, because: '' });
const phase = (name: CoordinatorState['phase'], runId?: string): JournalEntry => ({
  kind: 'phase',
  phase: name,
  because: '',
  ...(runId === undefined ? {} : { runId }),
});

describe('the state in the beginning', () => {
  it('is peace: every host of every stage is up, nothing has begun', () => {
    expect(start.phase).toBe('mains');
    expect(Object.keys(start.hosts)).toEqual(['b1', 'b2', 'w1', 'w2', 'cp1', 'cp2']);
    expect(start.hosts.b1).toEqual({ phase: 'up', sinceMs: 100, cordonedByUs: false, forced: false, powerCycles: 0 });
    expect(start.stages).toEqual([{ name: 'batch' }, { name: 'workers' }, { name: 'control-plane' }]);
  });
});

describe('one entry', () => {
  it('ignores hosts and stages that are not configured any more', () => {
    expect(fold([host('gone', { phase: 'cut' }), { kind: 'stage', stage: 'gone', began: true }])).toEqual(start);
  });

  it('changes nothing for what is only told', () => {
    const effect: Effect = { kind: 'halt', key: 'halt:b1', host: 'b1' };
    const told: JournalEntry[] = [
      { kind: 'intent', effect },
      { kind: 'outcome', key: 'halt:b1', effectKind: 'halt', results: [{ host: 'b1', code: 'done' }] },
      { kind: 'command', command: { kind: 'begin' }, author: 'ann' },
      { kind: 'note', text: 'x' },
    ];
    expect(fold(told)).toEqual(start);
  });

  it('sets the clock of a host with a new phase and not with another change', () => {
    const cordoned = fold([host('b1', { phase: 'cordoned' })], start, 500);
    expect(cordoned.hosts.b1?.sinceMs).toBe(500);
    expect(fold([host('b1', { drawBeforeW: 7 })], cordoned, 900).hosts.b1?.sinceMs).toBe(500);
    expect(fold([host('b1', { phase: 'cordoned' })], cordoned, 900).hosts.b1?.sinceMs).toBe(500);
    expect(cordoned.hosts.b2).toBe(start.hosts.b2);
  });

  it('forgets what a host owed when it is up again, but keeps a trouble until it is taken away', () => {
    const port = { port: '1', enabled: true };
    const owed = host('b1', {
      phase: 'powering',
      cordonedByUs: true,
      bootIdBefore: 'x',
      drawBeforeW: 7,
      portBefore: port,
      forced: true,
      powerCycles: 1,
      trouble: 'late',
    });
    expect(fold([owed, host('b1', { phase: 'up' })]).hosts.b1).toEqual({
      ...start.hosts.b1,
      trouble: 'late',
      sinceMs: 500,
    });
    expect(fold([owed, host('b1', { phase: 'up', trouble: null })]).hosts.b1).toEqual({
      ...start.hosts.b1,
      sinceMs: 500,
    });
  });

  it('remembers trigger and time of a stage, and forgets both when it is called back', () => {
    const began = fold([{ kind: 'stage', stage: 'batch', began: true, trigger: 'after' }]);
    expect(began.stages[0]).toEqual({ name: 'batch', beganMs: 500, trigger: 'after' });
    expect(fold([{ kind: 'stage', stage: 'batch', began: false }], began).stages[0]).toEqual({ name: 'batch' });
  });

  it('counts an outage from its beginning through all its phases, and a new one anew', () => {
    const lost = fold([phase('on-battery', 'r1')], start, 1000);
    expect(lost).toMatchObject({ outageSinceMs: 1000, runId: 'r1', phaseSinceMs: 1000 });
    const dark = fold([phase('shutting-down', 'r1'), phase('dark', 'r1')], lost, 2000);
    expect(dark).toMatchObject({ outageSinceMs: 1000, runId: 'r1', phaseSinceMs: 2000 });
    const back = fold([phase('restoring', 'r1')], dark, 3000);
    expect(back.outageSinceMs).toBeUndefined();
    expect(back.runId).toBe('r1');
    expect(fold([phase('on-battery', 'r1')], back, 4000).outageSinceMs).toBe(4000);
    expect(fold([phase('mains')], back, 4000).runId).toBeUndefined();
  });

  it('holds until a moment, lets go with 0, and never holds past the outage', () => {
    const held = fold([phase('on-battery', 'r'), { kind: 'hold', forS: 60 }]);
    expect(held.holdUntilMs).toBe(60_500);
    expect(fold([phase('shutting-down', 'r')], held).holdUntilMs).toBe(60_500);
    expect(fold([{ kind: 'hold', forS: 0 }], held).holdUntilMs).toBeUndefined();
    expect(fold([phase('restoring', 'r')], held).holdUntilMs).toBeUndefined();
  });

  it('never changes the state it is given', () => {
    const copy = structuredClone(start);
    fold([phase('on-battery', 'r'), host('b1', { phase: 'cut' }), { kind: 'stage', stage: 'batch', began: true }]);
    expect(start).toEqual(copy);
  });
});

describe('after a restart', () => {
  const clock = (monoMs: number, wallMs: number) => ({
    monoMs: () => monoMs,
    wallMs: () => wallMs,
    sleep: () => Promise.resolve(),
  });
  const lines = (bench: Bench, wallOffsetMs: number) =>
    bench.journal.map(({ atMs, entry }, index) => ({ seq: index + 1, wallMs: atMs + wallOffsetMs, entry }));

  it('is the state it was, on the clock of the new process', () => {
    const bench = new Bench();
    bench.goDark();
    bench.recharge();
    bench.pass(40);
    const again = recover(lines(bench, 1e12), bench.policy, clock(77_000, 1e12 + bench.rack.nowMs));
    const shiftMs = 77_000 - bench.rack.nowMs;
    const { hosts, ...rest } = bench.state;
    const { hosts: hostsAgain, ...restAgain } = again;
    const lossesMs = rest.lossesMs?.map((atMs) => atMs + shiftMs);
    expect(lossesMs).toHaveLength(1);
    expect(restAgain).toEqual({ ...rest, phaseSinceMs: rest.phaseSinceMs + shiftMs, lossesMs });
    for (const [id, state] of Object.entries(hosts))
      expect(hostsAgain[id]).toEqual({ ...state, sinceMs: state.sinceMs + shiftMs });
  });

  it('is peace when the journal is empty', () => {
    expect(recover([], policy, clock(5, 6))).toEqual(initialState(policy, 5));
  });

  it('has no time in the future, however the wall clock jumped between two lives', () => {
    const bench = new Bench();
    bench.goDark();
    bench.recharge();
    bench.pass(40);
    fc.assert(
      fc.property(
        fc.double({ min: -1e12, max: 1e12, noNaN: true }),
        fc.integer({ min: 0, max: 1e9 }),
        (jumpMs, nowMs) => {
          const wallMs = 1e12 + bench.rack.nowMs + jumpMs;
          const state = recover(lines(bench, 1e12), bench.policy, clock(nowMs, wallMs));
          const times = [
            state.phaseSinceMs,
            ...Object.values(state.hosts).map(({ sinceMs }) => sinceMs),
            ...state.stages.flatMap(({ beganMs }) => beganMs ?? []),
          ];
          for (const timeMs of times) expect(timeMs).toBeLessThanOrEqual(nowMs);
          // And nothing but times depends on the clock.
          expect(Object.values(state.hosts).map(({ phase: each }) => each)).toEqual(
            Object.values(bench.state.hosts).map(({ phase: each }) => each),
          );
        },
      ),
    );
  });
});
