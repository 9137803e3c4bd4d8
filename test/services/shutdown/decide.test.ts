import { describe, expect, it } from 'vitest';
import type { Effect, HostPhase } from '../../../services/shutdown/state.ts';
import { hostsOf } from '../../../services/shutdown/turn.ts';
import { Bench } from './bench.ts';
import { hostPolicy, type PolicyChange, START_MS, WALL_0 } from './small-rack.ts';

const keys = (effects: readonly Effect[]): string[] => effects.map(({ key }) => key);
const EVERYBODY = ['b1', 'b2', 'w1', 'w2', 'cp1', 'cp2'];

describe('mains', () => {
  it.each(['present', 'unknown'] as const)('does nothing at all while the verdict is %s', (verdict) => {
    const bench = new Bench();
    bench.rack.setMains(verdict);
    // Even an empty battery, a discharging pack and a silent one are no reason.
    bench.rack.bank = { ...bench.rack.bank, usableWh: 0, usableLowWh: 0, socRatio: 0 };
    expect(bench.pass(30)).toEqual([]);
    bench.rack.bank = { ...bench.rack.bank, freshness: 'stale' };
    expect(bench.pass(300)).toEqual([]);
    expect(bench.journal).toEqual([]);
    expect(bench.state.phase).toBe('mains');
  });

  it('goes on battery when the loss is confirmed, and gives the outage a name', () => {
    const bench = new Bench();
    bench.loseMains();
    expect(bench.state).toMatchObject({ phase: 'on-battery', outageSinceMs: START_MS + 1000 });
    expect(bench.state.runId).toBe(`outage-${new Date(WALL_0 + 1000).toISOString().replace(/[:.]/g, '-')}`);
    expect(bench.effects).toEqual([]);
    expect(bench.pass(60)).toEqual([]);
    expect(bench.entries('phase')).toHaveLength(1);
  });

  it('stays on battery while nobody knows', () => {
    const bench = new Bench();
    bench.loseMains();
    bench.rack.setMains('unknown');
    bench.pass(20);
    expect(bench.state.phase).toBe('on-battery');
    bench.runShort();
    expect(bench.flying('cordon')).toHaveLength(6);
  });

  it('goes back to peace at once when nothing had begun', () => {
    const bench = new Bench();
    bench.loseMains();
    bench.mainsReturns();
    expect(bench.entries('phase').map(({ phase }) => phase)).toEqual(['on-battery', 'restoring', 'mains']);
    expect(bench.state.runId).toBeUndefined();
    expect(bench.effects).toEqual([]);
  });

  it('gives the next outage another name', () => {
    const bench = new Bench();
    bench.loseMains();
    const first = bench.state.runId;
    bench.mainsReturns();
    bench.pass(5);
    bench.loseMains();
    expect(bench.state.runId).not.toBe(first);
  });
});

describe('what makes a stage begin', () => {
  const began = (bench: Bench): (string | undefined)[] => bench.state.stages.map(({ trigger }) => trigger);

  it('energy: exactly when the usable energy is down to what the rest of the shutdown needs', () => {
    const bench = new Bench();
    bench.loseMains();
    const schedule = bench.take({ kind: 'tick' }).schedule;
    const [first, second] = schedule.stages;
    if (first === undefined || second === undefined) throw new Error('no schedule');
    const setUsable = (usableLowWh: number): void => {
      bench.rack.bank = { ...bench.rack.bank, usableWh: usableLowWh + 50, usableLowWh };
      bench.take({ kind: 'tick' });
    };
    setUsable(first.mustBeginBelowWh + 0.01);
    expect(began(bench)).toEqual([undefined, undefined, undefined]);
    setUsable(first.mustBeginBelowWh - 0.01);
    expect(began(bench)).toEqual(['energy', undefined, undefined]);
    expect(bench.state.phase).toBe('shutting-down');
    setUsable(90);
    expect(began(bench)).toEqual(['energy', 'energy', 'energy']);
  });

  it('after: at the set second of the outage and not before', () => {
    const bench = new Bench({ stages: { batch: { afterS: 60 } } });
    bench.loseMains();
    bench.pass(59);
    expect(began(bench)).toEqual([undefined, undefined, undefined]);
    bench.pass();
    expect(began(bench)).toEqual(['after', undefined, undefined]);
  });

  it.each([
    ['soc', { belowSoc: 0.5 }, { socRatio: 0.5 }],
    ['runtime', { belowRuntimeS: 7200 }, { usableLowWh: 199 }],
  ] as const)('%s: below the set figure, only that stage', (trigger, stage, bank) => {
    const bench = new Bench({ stages: { batch: stage } });
    bench.loseMains();
    bench.pass(5);
    expect(began(bench)[0]).toBeUndefined();
    bench.rack.bank = { ...bench.rack.bank, ...bank };
    bench.pass();
    expect(began(bench)).toEqual([trigger, undefined, undefined]);
  });

  it('takes along every stage before it, in their order', () => {
    // The policy spreads a trigger of a later stage over all before it.
    const bench = new Bench({ stages: { batch: { afterS: 10 }, workers: { afterS: 10 } } });
    bench.loseMains();
    bench.pass(10);
    expect(bench.entries('stage')).toEqual([
      { kind: 'stage', stage: 'batch', began: true, trigger: 'after' },
      { kind: 'stage', stage: 'workers', began: true, trigger: 'after' },
    ]);
  });

  it('without any battery figure: a minute after a confirmed loss', () => {
    const bench = new Bench();
    bench.rack.bank = { complete: false, freshness: 'absent' };
    bench.loseMains();
    bench.pass(59);
    expect(began(bench)[0]).toBeUndefined();
    bench.pass();
    expect(began(bench)).toEqual(['energy', 'energy', 'energy']);
  });

  it('not in the first moments of a new life, which knows nothing of the bank yet', () => {
    const bench = new Bench();
    bench.loseMains();
    bench.pass(5);
    bench.restart();
    bench.rack.setMains('unknown');
    bench.rack.bank = { freshness: 'absent', complete: false };
    bench.pass(5);
    expect(bench.state.stages.every(({ beganMs }) => beganMs === undefined)).toBe(true);
    bench.pass(65);
    expect(bench.state.stages.every(({ beganMs }) => beganMs !== undefined)).toBe(true);
  });

  it('never begins twice', () => {
    const bench = new Bench({ stages: { batch: { afterS: 5 } } });
    bench.loseMains();
    bench.pass(40);
    expect(bench.entries('stage')).toHaveLength(1);
    expect(bench.entries('phase').map(({ phase }) => phase)).toEqual(['on-battery', 'shutting-down']);
  });
});

describe('cordoning', () => {
  const early = (): Bench => {
    const bench = new Bench({ stages: { batch: { afterS: 5 } } });
    bench.loseMains();
    bench.pass(5);
    return bench;
  };

  it('cordons only its own stage when a set trigger began it', () => {
    expect(keys(early().effects)).toEqual(['cordon:b1', 'cordon:b2']);
  });

  it('cordons everything at once when energy demands the shutdown', () => {
    const bench = new Bench();
    bench.loseMains();
    // Only the first stage is due, and still everything is cordoned.
    const below = bench.take({ kind: 'tick' }).schedule.stages[0]?.mustBeginBelowWh ?? 0;
    bench.rack.bank = { ...bench.rack.bank, usableLowWh: below - 0.01 };
    bench.pass();
    expect(bench.state.stages.filter(({ beganMs }) => beganMs !== undefined)).toHaveLength(1);
    expect(keys(bench.effects)).toEqual(EVERYBODY.map((id) => `cordon:${id}`));
  });

  it('cordons everything at once when an operator begins', () => {
    const bench = new Bench();
    bench.loseMains();
    bench.command({ kind: 'begin' });
    expect(keys(bench.effects)).toEqual(EVERYBODY.map((id) => `cordon:${id}`));
    bench.answer('cordon', 'done', ['b1', 'b2']);
    expect(bench.flying('drain')).toEqual([]);
    bench.answer('cordon');
    expect(bench.flying('drain').map(({ partial }) => partial)).toEqual([false, false, false]);
  });

  it('writes what restore needs to know in the same decision as the effect, before it', () => {
    const bench = new Bench({ stages: { batch: { afterS: 5 } } });
    bench.rack.host('b1').powerW = 6.5;
    bench.loseMains();
    bench.pass(4);
    bench.rack.nowMs += 1000;
    const decision = bench.take({ kind: 'tick' });
    expect(keys(decision.effects)).toContain('cordon:b1');
    expect(decision.entries).toContainEqual({
      kind: 'host',
      host: 'b1',
      change: {
        cordonedByUs: true,
        bootIdBefore: 'boot-1',
        drawBeforeW: 6.5,
        portBefore: { port: '1', enabled: true },
      },
      because: 'about to be cordoned',
    });
    expect(bench.effects).toContainEqual({
      kind: 'cordon',
      key: 'cordon:b1',
      host: 'b1',
      node: 'b1',
      runId: bench.state.runId,
    });
  });

  it('leaves a node alone that a person had cordoned, now and when mains is back', () => {
    const bench = early();
    bench.answer('cordon', 'left-alone', ['b1']);
    bench.answer('cordon', 'done', ['b2']);
    expect(bench.host('b1')).toMatchObject({ phase: 'cordoned', cordonedByUs: false });
    expect(bench.host('b2')).toMatchObject({ phase: 'cordoned', cordonedByUs: true });
    bench.mainsReturns();
    expect(keys(bench.flying('uncordon'))).toEqual(['uncordon:b2']);
    expect(bench.host('b1').phase).toBe('up');
  });

  it('leaves such a node alone also after it was powered off and on', () => {
    const bench = new Bench();
    bench.loseMains();
    bench.runShort();
    bench.answer('cordon', 'left-alone', ['w1']);
    bench.answer('cordon');
    bench.answer('drain');
    bench.goDark();
    bench.recharge();
    for (let second = 0; second < 120; second += 1) {
      bench.pass();
      for (const { targets } of bench.flying('power'))
        for (const { host } of targets) bench.rack.booted(host, 'boot-2');
      bench.answer('power');
      bench.answer('uncordon');
    }
    expect(bench.state.phase).toBe('mains');
    expect(keys(bench.effects)).not.toContain('uncordon:w1');
    expect(keys(bench.effects)).toContain('uncordon:w2');
  });

  it('tries again later each time, and goes on without the cordon after three tries', () => {
    const bench = early();
    const triedAt: number[] = [];
    for (let second = 0; second < 40 && bench.host('b1').phase === 'up'; second += 1) {
      if (bench.flying('cordon').some(({ host }) => host === 'b1')) triedAt.push(bench.rack.nowMs);
      bench.answer('cordon', 'timeout');
      bench.pass();
    }
    expect(triedAt).toHaveLength(3);
    const [a = 0, b = 0, c = 0] = triedAt;
    expect([b - a, c - b]).toEqual([2000, 4000]);
    // The cordon may have worked all the same, so it counts as ours.
    expect(bench.host('b1')).toMatchObject({ phase: 'cordoned', cordonedByUs: true });
  });

  it('tries as often again in the next outage', () => {
    const bench = early();
    for (let second = 0; second < 40; second += 1) {
      bench.answer('cordon', 'timeout');
      bench.pass();
    }
    bench.mainsReturns();
    bench.answer('drain', 'timeout');
    bench.answer('uncordon');
    expect(bench.state.phase).toBe('mains');
    const before = bench.effects.length;
    bench.loseMains();
    bench.pass(5);
    expect(keys(bench.effects.slice(before))).toEqual(['cordon:b1', 'cordon:b2']);
    expect(bench.all('up')).toBe(true);
  });

  it('takes away a cordon whose answer never came', () => {
    const bench = early();
    bench.restart();
    expect(bench.host('b1')).toMatchObject({ phase: 'up', cordonedByUs: true });
    bench.mainsReturns();
    expect(keys(bench.flying('uncordon'))).toEqual(['uncordon:b1', 'uncordon:b2']);
    expect(bench.state.phase).toBe('restoring');
    bench.answer('uncordon');
    expect(bench.state.phase).toBe('mains');
  });
});

describe('draining', () => {
  it('waits until everything of its scope is cordoned: the stage for a set trigger', () => {
    const bench = new Bench({ stages: { batch: { afterS: 5 } } });
    bench.loseMains();
    bench.pass(5);
    bench.answer('cordon', 'done', ['b1']);
    expect(bench.flying('drain')).toEqual([]);
    bench.answer('cordon', 'done', ['b2']);
    expect(bench.flying('drain')).toEqual([
      {
        kind: 'drain',
        key: 'drain:batch',
        stage: 'batch',
        runId: bench.state.runId,
        targets: [
          { host: 'b1', node: 'b1' },
          { host: 'b2', node: 'b2' },
        ],
        deadlineMs: 90_000,
        pdbGraceMs: 15_000,
        partial: true,
      },
    ]);
  });

  it('waits until everything is cordoned when everything goes down, and then pods have nowhere to go', () => {
    const bench = new Bench();
    bench.loseMains();
    bench.runShort();
    bench.answer('cordon', 'done', ['b1', 'b2', 'w1', 'w2', 'cp1']);
    expect(bench.flying('drain')).toEqual([]);
    bench.answer('cordon', 'done', ['cp2']);
    expect(bench.flying('drain').map(({ key, partial }) => [key, partial])).toEqual([
      ['drain:batch', false],
      ['drain:workers', false],
      ['drain:control-plane', false],
    ]);
  });

  it('does not call a drain partial when no other node is ready', () => {
    const bench = new Bench({ stages: { batch: { afterS: 5 } } });
    for (const id of ['w1', 'w2', 'cp1', 'cp2']) bench.rack.host(id).ready = 'unknown';
    bench.loseMains();
    bench.pass(5);
    bench.answer('cordon');
    expect(bench.flying('drain')[0]?.partial).toBe(false);
  });

  it('moves each host on as it becomes empty', () => {
    const bench = new Bench({ stages: { batch: { afterS: 5 } } });
    bench.loseMains();
    bench.pass(5);
    bench.answer('cordon');
    const results = [{ host: 'b1', code: 'done' as const }];
    bench.take({ kind: 'result', key: 'drain:batch', effectKind: 'drain', results, final: false });
    expect(bench.phases()).toMatchObject({ b1: 'halting', b2: 'cordoned' });
    expect(bench.flying('drain')).toHaveLength(1);
  });

  it('goes on when it could not be drained in time, and says what was left', () => {
    const bench = new Bench({ stages: { batch: { afterS: 5 } } });
    bench.loseMains();
    bench.pass(5);
    bench.answer('cordon');
    const [drain] = bench.flying('drain');
    if (drain === undefined) throw new Error('no drain');
    bench.end(drain, 'timeout', 'left running: default/db-0');
    expect(bench.entries('host')).toContainEqual(
      expect.objectContaining({ host: 'b1', change: { phase: 'drained' }, because: 'left running: default/db-0' }),
    );
  });

  it('gives what is left of the time to a drain that a restart begins anew, and none when it is over', () => {
    const bench = new Bench({ stages: { batch: { afterS: 5 } } });
    bench.loseMains();
    bench.pass(5);
    bench.answer('cordon');
    bench.pass(30);
    bench.restart();
    expect(bench.pass()).toMatchObject([{ key: 'drain:batch', deadlineMs: 59_000 }]);
    bench.pass(57);
    bench.restart();
    bench.pass(2);
    expect(bench.host('b1').phase).not.toBe('cordoned');
  });

  it('passes over a host that is no node', () => {
    const bench = new Bench({ hosts: { b1: { node: undefined as never } }, stages: { batch: { afterS: 5 } } });
    bench.loseMains();
    bench.pass(5);
    expect(keys(bench.effects)).toEqual(['cordon:b2']);
    bench.pass();
    expect(keys(bench.effects)).toContain('halt:b1');
    expect(bench.host('b1')).toMatchObject({ cordonedByUs: false, portBefore: { port: '1', enabled: true } });
  });
});

describe('halting', () => {
  const drainedAll = (): Bench => {
    const bench = new Bench();
    bench.loseMains();
    bench.runShort();
    bench.answer('cordon');
    return bench;
  };

  it('waits while an earlier stage that has begun still drains', () => {
    const bench = drainedAll();
    bench.answer('drain', 'done', ['w1', 'w2']);
    bench.pass(5);
    expect(bench.phases()).toMatchObject({ b1: 'cordoned', w1: 'drained', cp1: 'cordoned' });
    expect(bench.flying('halt')).toEqual([]);
    bench.answer('drain', 'done', ['b1', 'b2']);
    bench.pass();
    expect(bench.phases()).toMatchObject({ b1: 'halting', w1: 'halting', cp1: 'cordoned' });
  });

  it('does not wait for a stage that has not begun, nor for a later one', () => {
    const bench = new Bench({ stages: { batch: { afterS: 5 } } });
    bench.loseMains();
    bench.pass(5);
    bench.answer('cordon');
    bench.answer('drain');
    bench.pass();
    expect(bench.phases()).toEqual({ b1: 'halting', b2: 'halting', w1: 'up', w2: 'up', cp1: 'up', cp2: 'up' });
  });

  it('sends the command again after a failure, and not again once it was taken', () => {
    const bench = drainedAll();
    bench.answer('drain');
    bench.pass();
    const sent = (): number => keys(bench.effects).filter((key) => key === 'halt:b1').length;
    expect(sent()).toBe(1);
    bench.answer('halt', 'unreachable');
    bench.pass(1);
    expect(sent()).toBe(1);
    bench.pass(2);
    expect(sent()).toBe(2);
    bench.answer('halt', 'done');
    bench.pass(20);
    expect(sent()).toBe(2);
  });

  it('sends it once more after a restart, for nobody knows whether it got through', () => {
    const bench = drainedAll();
    bench.answer('drain');
    bench.pass();
    bench.answer('halt');
    bench.restart();
    expect(keys(bench.pass())).toContain('halt:b1');
  });

  it('sends nothing to a host that nothing can halt, and does not wait for it', () => {
    const bench = new Bench({ hosts: { b1: { canHalt: false, haltTimeoutS: 0 } } });
    bench.loseMains();
    bench.runShort();
    bench.answer('cordon');
    bench.answer('drain');
    bench.pass(2);
    expect(keys(bench.effects)).not.toContain('halt:b1');
    expect(bench.host('b1')).toMatchObject({ phase: 'halted', forced: true });
    expect(bench.host('b2').phase).toBe('halting');
  });
});

describe('a node that somebody uncordons on its way down', () => {
  const emptied = (): Bench => {
    const bench = new Bench();
    bench.loseMains();
    bench.runShort();
    bench.answer('cordon');
    bench.answer('drain');
    const { runId = '' } = bench.state;
    for (const id of ['w1', 'w2', 'cp1', 'cp2'])
      Object.assign(bench.rack.host(id), { unschedulable: true, cordonedBy: runId });
    bench.pass(2);
    return bench;
  };
  const cordons = (bench: Bench, id: string): number =>
    bench.effects.filter((effect) => effect.kind === 'cordon' && effect.host === id).length;

  it('is cordoned again, once', () => {
    const bench = emptied();
    const before = cordons(bench, 'w1');
    bench.rack.host('w1').unschedulable = false;
    bench.rack.host('cp1').unschedulable = false;
    bench.pass();
    expect(bench.flying('cordon').map(({ host }) => host)).toEqual(['w1', 'cp1']);
    bench.answer('cordon');
    expect(bench.host('w1')).toMatchObject({ phase: 'halting', cordonedByUs: true, recordoned: true });
    bench.pass(5);
    expect(cordons(bench, 'w1')).toBe(before + 1);
  });

  it('is left alone when the cordon is not ours any more, and when mains is back', () => {
    const bench = emptied();
    const before = cordons(bench, 'w1') + cordons(bench, 'cp1');
    Object.assign(bench.rack.host('w1'), { unschedulable: false, cordonedBy: undefined });
    bench.pass(3);
    bench.mainsReturns();
    Object.assign(bench.rack.host('cp1'), { unschedulable: false });
    bench.pass(3);
    expect(cordons(bench, 'w1') + cordons(bench, 'cp1')).toBe(before);
  });
});

describe('servers of the API', () => {
  const draining = (): Bench => {
    const bench = new Bench();
    bench.loseMains();
    bench.runShort();
    bench.answer('cordon');
    return bench;
  };

  it('are halted when no worker is left, and together', () => {
    const bench = draining();
    bench.answer('drain');
    bench.pass();
    expect(bench.phases()).toMatchObject({ w1: 'halting', w2: 'halting', cp1: 'drained', cp2: 'drained' });
    bench.answer('halt');
    for (const id of ['b1', 'b2', 'w1']) bench.rack.asleep(id);
    bench.pass(5);
    expect(bench.phases()).toMatchObject({ w1: 'halted', cp1: 'drained', cp2: 'drained' });
    bench.rack.asleep('w2');
    bench.pass(4);
    expect(bench.phases()).toMatchObject({ w2: 'halted', cp1: 'halting', cp2: 'halting' });
  });

  it('wait for each other to be empty, for the API goes with the majority of them', () => {
    const bench = draining();
    for (const stage of ['batch', 'workers']) {
      for (const effect of bench.flying('drain').filter((each) => each.stage === stage)) bench.end(effect);
    }
    bench.pass();
    bench.answer('halt');
    for (const id of ['b1', 'b2', 'w1', 'w2']) bench.rack.asleep(id);
    bench.pass(5);
    const [last] = bench.flying('drain');
    if (last === undefined) throw new Error('the servers are not drained');
    const results = [{ host: 'cp1', code: 'done' as const }];
    bench.take({ kind: 'result', key: last.key, effectKind: 'drain', results, final: false });
    bench.pass(5);
    expect(bench.phases()).toMatchObject({ cp1: 'drained', cp2: 'cordoned' });
    bench.end(last);
    bench.pass();
    expect(bench.phases()).toMatchObject({ cp1: 'halting', cp2: 'halting' });
  });

  it('wait no longer for a worker that does not go down than is planned for a halt: the energy is planned too', () => {
    const bench = draining();
    bench.answer('drain');
    bench.pass();
    bench.answer('halt');
    // Ten seconds are expected, and the margin is 1.5.
    bench.pass(13);
    expect(bench.phases()).toMatchObject({ w1: 'halting', cp1: 'drained', cp2: 'drained' });
    bench.pass(3);
    expect(bench.phases()).toMatchObject({ w1: 'halting', cp1: 'halting', cp2: 'halting' });
  });

  it('are known by the last list of nodes, and without any by their stage', () => {
    for (const freshness of ['stale', 'absent'] as const) {
      const bench = draining();
      bench.rack.clusterFreshness = freshness;
      bench.answer('drain');
      bench.pass();
      expect(bench.phases()).toMatchObject({ w1: 'halting', cp1: 'drained', cp2: 'drained' });
    }
  });
});

describe('off only on evidence', () => {
  const halting = (change: PolicyChange = {}, haltTaken = true): Bench => {
    const bench = new Bench(change);
    bench.loseMains();
    bench.runShort();
    bench.answer('cordon');
    bench.answer('drain');
    bench.pass();
    expect(bench.all('halting', ['b1', 'b2', 'w1', 'w2'])).toBe(true);
    bench.answer('halt', haltTaken ? 'done' : 'unreachable');
    return bench;
  };
  const phaseOf = (bench: Bench): HostPhase => bench.host('b1').phase;

  it('draw low in three readings in a row while it does not answer', () => {
    const bench = halting();
    bench.rack.asleep('b1');
    bench.pass(2);
    expect(phaseOf(bench)).toBe('halting');
    bench.pass();
    expect(bench.host('b1')).toMatchObject({ phase: 'halted', forced: false });
    expect(bench.phases()).toMatchObject({ b2: 'halting', w1: 'halting' });
  });

  it('begins to count anew when the draw is up again for one reading', () => {
    const bench = halting();
    bench.rack.asleep('b1');
    bench.pass(2);
    bench.rack.host('b1').powerW = 7;
    bench.pass();
    bench.rack.host('b1').powerW = 1.1;
    bench.pass(2);
    expect(phaseOf(bench)).toBe('halting');
    bench.pass();
    expect(phaseOf(bench)).toBe('halted');
  });

  it('never while it answers, however little it draws', () => {
    const bench = halting();
    Object.assign(bench.rack.host('b1'), { powerW: 0.4, reachable: true });
    bench.pass(50);
    expect(phaseOf(bench)).toBe('halting');
  });

  it('draw alone where nobody can ask', () => {
    const bench = halting();
    Object.assign(bench.rack.host('b1'), { powerW: 1, reachable: undefined });
    bench.pass(3);
    expect(phaseOf(bench)).toBe('halted');
  });

  it('counts the same reading once, however often it is looked at', () => {
    const bench = halting();
    bench.pass();
    bench.rack.asleep('b1');
    bench.rack.readAtMs = bench.rack.nowMs + 500;
    bench.pass(25);
    expect(phaseOf(bench)).toBe('halting');
  });

  it('counts readings of the switch and probes each by their own times', () => {
    const bench = halting();
    bench.rack.asleep('b1');
    bench.rack.probedAtMs = bench.rack.nowMs;
    bench.pass(3);
    expect(phaseOf(bench)).toBe('halted');
    const silent = halting();
    Object.assign(silent.rack.host('b1'), { powerW: undefined, reachable: false });
    silent.rack.readAtMs = silent.rack.nowMs;
    for (let second = 0; second < 22; second += 1) {
      silent.rack.probedAtMs = silent.rack.nowMs + 1000;
      silent.pass();
    }
    expect(phaseOf(silent)).toBe('halted');
    // One probe that is looked at again and again is one probe.
    const once = halting();
    Object.assign(once.rack.host('b1'), { powerW: undefined, reachable: false });
    once.rack.probedAtMs = once.rack.nowMs;
    once.pass(50);
    expect(phaseOf(once)).toBe('halting');
  });

  it.each(['stale', 'absent'] as const)('counts nothing from a switch and a probe that are %s', (freshness) => {
    const bench = halting();
    bench.rack.asleep('b1');
    bench.rack.switchFreshness = freshness;
    bench.rack.probesFreshness = freshness;
    bench.pass(50);
    expect(phaseOf(bench)).toBe('halting');
  });

  it('begins to count anew after the switch was stale', () => {
    const bench = halting();
    bench.rack.asleep('b1');
    bench.pass(2);
    bench.rack.switchFreshness = 'stale';
    bench.pass();
    bench.rack.switchFreshness = 'fresh';
    bench.pass(2);
    expect(phaseOf(bench)).toBe('halting');
  });

  it.each([
    ['a floor of 2.2 W', { powerW: 3 }, {}, 2.1, 2.3],
    ['0.65 of its own draw before', { powerW: 20 }, {}, 12.9, 13.1],
    ['the set figure', { powerW: 20 }, { b1: { haltedBelowW: 5 } }, 4.9, 5.1],
  ] as const)('low is below %s', (_, before, hosts, low, high) => {
    for (const [powerW, phase] of [
      [low, 'halted'],
      [high, 'halting'],
    ] as const) {
      const bench = new Bench({ hosts });
      Object.assign(bench.rack.host('b1'), before);
      bench.loseMains();
      bench.runShort();
      bench.answer('cordon');
      bench.answer('drain');
      bench.pass();
      Object.assign(bench.rack.host('b1'), { powerW, reachable: false });
      bench.pass(10);
      expect(phaseOf(bench)).toBe(phase);
    }
  });

  describe('where the port tells no watts', () => {
    const silentPort = (change: PolicyChange = {}, haltTaken = true): Bench => {
      const bench = halting(change, haltTaken);
      Object.assign(bench.rack.host('b1'), { powerW: undefined, reachable: false });
      return bench;
    };

    it('silence that has lasted', () => {
      const bench = silentPort();
      bench.pass(20);
      expect(phaseOf(bench)).toBe('halting');
      bench.pass(2);
      expect(bench.host('b1')).toMatchObject({ phase: 'halted', forced: false });
    });

    it('begins to wait anew when it answers once', () => {
      const bench = silentPort();
      bench.pass(15);
      bench.rack.host('b1').reachable = true;
      bench.pass();
      bench.rack.host('b1').reachable = false;
      bench.pass(19);
      expect(phaseOf(bench)).toBe('halting');
      bench.pass(3);
      expect(phaseOf(bench)).toBe('halted');
    });

    it('counts no silence from before the halt', () => {
      const bench = new Bench();
      Object.assign(bench.rack.host('b1'), { powerW: undefined, reachable: false });
      bench.pass(300);
      bench.loseMains();
      bench.runShort();
      bench.answer('cordon');
      bench.answer('drain');
      bench.pass(1);
      bench.answer('halt');
      bench.pass(17);
      expect(phaseOf(bench)).toBe('halting');
      bench.pass(5);
      expect(phaseOf(bench)).toBe('halted');
    });

    it('is nothing before its deadline when it never took the halt: its network may be down and nothing else', () => {
      const bench = silentPort({}, false);
      bench.pass(50);
      expect(bench.host('b1')).toMatchObject({ phase: 'halting' });
      bench.pass(50);
      expect(
        bench.entries('host').filter(({ host, change }) => host === 'b1' && change.phase === 'halted'),
      ).toMatchObject([{ change: { forced: true } }]);
    });

    it('is enough at the deadline for a host that has no port to cut', () => {
      const bench = silentPort({ hosts: { b1: { cuttable: false } } }, false);
      bench.pass(100);
      expect(bench.host('b1')).toMatchObject({ phase: 'halted', forced: false });
      expect(bench.host('b1').trouble).toBeUndefined();
    });

    it('counts after a restart too, when the halt was taken before', () => {
      const bench = silentPort();
      bench.pass(3);
      bench.restart();
      bench.pass(25);
      expect(bench.host('b1')).toMatchObject({ phase: 'halted', forced: false });
    });

    it('is nothing when the probes themselves fail', () => {
      const bench = silentPort();
      bench.rack.probesFreshness = 'stale';
      bench.pass(50);
      expect(phaseOf(bench)).toBe('halting');
    });
  });

  it('cuts by force at its deadline, and says so', () => {
    const bench = halting();
    bench.pass(58);
    expect(phaseOf(bench)).toBe('halting');
    expect(bench.flying('cut')).toEqual([]);
    bench.pass();
    expect(bench.host('b1')).toMatchObject({ phase: 'halted', forced: true });
    expect(bench.flying('cut')).toHaveLength(1);
    const said = bench.entries('host').filter(({ host, change }) => host === 'b1' && change.forced === true);
    expect(said.map(({ because }) => because)).toEqual([expect.stringMatching(/by force/)]);
  });

  it('looks for ten seconds before it uses force in a new life, and needs none when it sees that it is off', () => {
    const bench = halting();
    bench.rack.nowMs += 600_000;
    bench.restart();
    bench.rack.asleep('b1');
    bench.pass(10);
    expect(bench.host('b1')).toMatchObject({ phase: 'halted', forced: false });
    expect(bench.host('b2')).toMatchObject({ phase: 'halting', forced: false });
    bench.pass();
    expect(bench.host('b2')).toMatchObject({ phase: 'halted', forced: true });
  });

  it('has no force for a host without a port to cut, and asks for a person', () => {
    const bench = halting({ hosts: { b1: { cuttable: false } } });
    bench.pass(61);
    expect(bench.host('b1')).toMatchObject({
      phase: 'halted',
      forced: false,
      trouble: expect.stringMatching(/no port/),
    });
  });
});

describe('cutting', () => {
  /** b1 and b2 are seen to be off, and their cut is under way. */
  const halted = (): Bench => {
    const bench = new Bench();
    bench.loseMains();
    bench.runShort();
    bench.answer('cordon');
    bench.answer('drain');
    bench.pass();
    bench.answer('halt');
    for (const id of ['b1', 'b2']) bench.rack.asleep(id);
    bench.pass(3);
    return bench;
  };

  it('cuts many ports of a switch in one write, with what they were', () => {
    const bench = halted();
    expect(bench.flying('cut')).toEqual([
      {
        kind: 'cut',
        key: 'cut:sw1:1+2',
        switchId: 'sw1',
        targets: [
          { host: 'b1', port: '1', before: { port: '1', enabled: true } },
          { host: 'b2', port: '2', before: { port: '2', enabled: true } },
        ],
      },
    ]);
    bench.answer('cut');
    expect(bench.phases()).toMatchObject({ b1: 'cut', b2: 'cut', w1: 'halting' });
  });

  it('never cuts a port that must not be cut, nor one that was off before', () => {
    const bench = new Bench({ hosts: { b1: { cuttable: false } } });
    bench.rack.host('b2').enabled = false;
    bench.loseMains();
    bench.runShort();
    bench.answer('cordon');
    bench.answer('drain');
    bench.pass(100);
    // The servers come after what was given up.
    bench.answer('cut');
    bench.pass(70);
    const cut = bench.effects.flatMap((effect) =>
      effect.kind === 'cut' ? effect.targets.map(({ host }) => host) : [],
    );
    expect([...new Set(cut)].sort()).toEqual(['cp1', 'cp2', 'w1', 'w2']);
    bench.answer('cut');
    // What cannot be cut is off when it is halted.
    expect(bench.state.phase).toBe('dark');
  });

  it('remembers a port nobody ever saw as on, before it cuts it', () => {
    const bench = new Bench();
    bench.rack.switchFreshness = 'absent';
    bench.loseMains();
    bench.runShort();
    bench.answer('cordon');
    bench.answer('drain');
    bench.pass(59);
    expect(bench.host('b1').portBefore).toBeUndefined();
    bench.rack.nowMs += 1000;
    const decision = bench.take({ kind: 'tick' });
    expect(keys(decision.effects).filter((key) => key.startsWith('cut'))).toHaveLength(1);
    expect(bench.host('b1')).toMatchObject({ forced: true, portBefore: { port: '1', enabled: true } });
  });

  it('waits when the machine draws again before its port could be cut, and halts it once more', () => {
    const bench = halted();
    bench.answer('cut', 'unreachable');
    Object.assign(bench.rack.host('b1'), { powerW: 9 });
    bench.pass(6);
    expect(bench.flying('cut').flatMap(hostsOf)).not.toContain('b1');
    bench.pass(4);
    expect(bench.host('b1')).toMatchObject({ phase: 'halting', rehalts: 1 });
  });

  it('is by force when the machine comes up again and again, and that is written once', () => {
    const bench = halted();
    for (let round = 0; round < 4; round += 1) {
      bench.answer('cut', 'unreachable');
      bench.rack.booted('b1', `boot-${round + 2}`);
      bench.pass(10);
      bench.rack.asleep('b1');
      bench.answer('halt');
      bench.pass(4);
    }
    bench.answer('cut', 'unreachable');
    bench.rack.booted('b1', 'boot-9');
    bench.pass(30);
    const told = bench.entries('host').filter(({ host, because }) => host === 'b1' && /again and again/.test(because));
    expect(told).toMatchObject([{ change: { forced: true } }]);
    expect(bench.flying('cut').flatMap(hostsOf)).toContain('b1');
  });

  it('does not power-cycle a machine that came up by itself when mains is back', () => {
    const bench = halted();
    bench.answer('cut', 'unreachable');
    bench.rack.booted('b1', 'boot-2');
    bench.mainsReturns();
    bench.pass(10);
    expect(bench.host('b1').phase).not.toBe('halted');
    expect(bench.host('b1').bootIdBefore).not.toBe('boot-2');
    expect(bench.flying('cut').flatMap(hostsOf)).not.toContain('b1');
  });

  it('reads the port again before it repeats a cut, but not for ever', () => {
    const bench = halted();
    bench.rack.switchFreshness = 'stale';
    bench.answer('cut', 'unreachable');
    bench.pass(50);
    expect(bench.flying('cut').flatMap(hostsOf)).not.toContain('b1');
    bench.pass(30);
    expect(bench.flying('cut').flatMap(hostsOf)).toContain('b1');
  });

  it('tries again when the switch did not obey, names the trouble once, and forgets it when it worked', () => {
    const bench = new Bench();
    bench.loseMains();
    bench.runShort();
    bench.answer('cordon');
    bench.answer('drain');
    bench.pass();
    bench.rack.asleep('b1');
    bench.pass(3);
    for (let tries = 0; tries < 3; tries += 1) {
      expect(bench.flying('cut')).toHaveLength(1);
      bench.answer('cut', 'disobeyed');
      expect(bench.flying('cut')).toEqual([]);
      bench.pass(8);
    }
    expect(bench.host('b1')).toMatchObject({ phase: 'halted', trouble: expect.stringMatching(/could not be cut/) });
    expect(bench.entries('host').filter(({ change }) => typeof change.trouble === 'string')).toHaveLength(1);
    bench.answer('cut');
    expect(bench.host('b1').phase).toBe('cut');
    expect(bench.host('b1').trouble).toBeUndefined();
  });

  it('is dark when the last host is off, and not before', () => {
    const bench = new Bench();
    bench.goDark();
    expect(bench.all('cut')).toBe(true);
    const at = bench.journal.findIndex(({ entry }) => entry.kind === 'phase' && entry.phase === 'dark');
    const lastCut = bench.journal.findLastIndex(({ entry }) => entry.kind === 'host' && entry.change.phase === 'cut');
    expect(at).toBeGreaterThan(lastCut);
    expect(bench.pass(300)).toEqual([]);
  });
});

describe('commands', () => {
  it.each(['begin', 'hold', 'abort'] as const)('refuses %s while mains is there, and writes nothing', (kind) => {
    const bench = new Bench();
    const { answer, entries } = bench.command(kind === 'hold' ? { kind, forS: 60 } : { kind });
    expect(answer).toEqual({
      accepted: false,
      because: expect.stringMatching(new RegExp(`^nothing to ${kind} in phase mains`)),
    });
    expect(entries).toEqual([]);
  });

  it.each(['dark', 'restoring'] as const)('refuses to begin when %s', (phase) => {
    const bench = new Bench();
    bench.goDark();
    if (phase === 'restoring') bench.mainsReturns();
    expect(bench.state.phase).toBe(phase);
    expect(bench.command({ kind: 'begin' }).answer?.accepted).toBe(false);
  });

  it('begins everything at once, and the author is in the journal before it', () => {
    const bench = new Bench();
    bench.loseMains();
    const { answer, entries } = bench.command({ kind: 'begin' }, 'ann');
    expect(answer?.accepted).toBe(true);
    expect(entries[0]).toEqual({ kind: 'command', command: { kind: 'begin' }, author: 'ann' });
    expect(bench.state.stages.map(({ trigger }) => trigger)).toEqual(['operator', 'operator', 'operator']);
    expect(bench.state.phase).toBe('shutting-down');
  });

  it('keeps the trigger of a stage that had begun already', () => {
    const bench = new Bench({ stages: { batch: { afterS: 5 } } });
    bench.loseMains();
    bench.pass(5);
    bench.command({ kind: 'begin' });
    expect(bench.state.stages.map(({ trigger }) => trigger)).toEqual(['after', 'operator', 'operator']);
  });

  it('holds what a user set for the time asked, at most an hour; never the energy', () => {
    const bench = new Bench({ stages: { batch: { afterS: 30 } } });
    bench.loseMains();
    expect(bench.command({ kind: 'hold', forS: 60 }).answer?.accepted).toBe(true);
    bench.pass(59);
    expect(bench.state.phase).toBe('on-battery');
    bench.pass(2);
    expect(bench.state.phase).toBe('shutting-down');
    const long = new Bench();
    long.loseMains();
    long.command({ kind: 'hold', forS: 1e6 });
    expect(long.state.holdUntilMs).toBe(long.rack.nowMs + 3_600_000);
    long.runShort();
    expect(long.state.stages[0]?.trigger).toBe('energy');
  });

  it('ends a hold with a hold of nothing', () => {
    const bench = new Bench({ stages: { batch: { afterS: 5 } } });
    bench.loseMains();
    bench.command({ kind: 'hold', forS: 600 });
    bench.pass(10);
    bench.command({ kind: 'hold', forS: 0 });
    expect(bench.state.stages[0]?.trigger).toBe('after');
  });

  it('aborts what a user had set or begun: whoever was not halted stays', () => {
    const bench = new Bench();
    bench.loseMains();
    bench.command({ kind: 'begin' });
    bench.answer('cordon');
    bench.answer('drain', 'done', ['b1']);
    bench.pass();
    expect(bench.phases()).toMatchObject({ b1: 'halting', w1: 'cordoned' });
    expect(bench.command({ kind: 'abort' }).answer?.accepted).toBe(true);
    bench.answer('uncordon');
    bench.answer('drain', 'timeout');
    bench.pass();
    expect(bench.phases()).toMatchObject({ b1: 'halting', w1: 'up', cp1: 'up' });
    // Past the point of no return it is brought to its end.
    bench.rack.asleep('b1');
    bench.pass(3);
    expect(bench.flying('cut').flatMap(({ targets }) => targets.map(({ host }) => host))).toEqual(['b1']);
  });

  it('does not begin again at once what was aborted, for an hour', () => {
    const bench = new Bench({ stages: { batch: { afterS: 5 } } });
    bench.loseMains();
    bench.pass(5);
    bench.command({ kind: 'abort' });
    bench.pass(60);
    expect(bench.state.stages[0]?.beganMs).toBeUndefined();
    bench.pass(3540);
    expect(bench.state.stages[0]?.trigger).toBe('after');
  });

  it('refuses to abort what the energy demands', () => {
    const bench = new Bench();
    bench.loseMains();
    bench.runShort();
    const { answer } = bench.command({ kind: 'abort' });
    expect(answer?.accepted).toBe(false);
    expect(bench.state.stages.every(({ beganMs }) => beganMs !== undefined)).toBe(true);
  });
});

describe('results', () => {
  it('takes down a result nobody waits for, and does nothing about it', () => {
    const bench = new Bench();
    bench.loseMains();
    bench.runShort();
    const results = [{ host: 'b1', code: 'done' as const }];
    bench.take({ kind: 'result', key: 'cordon:earlier', effectKind: 'cordon', results, final: true });
    expect(bench.host('b1').phase).toBe('up');
    expect(bench.entries('outcome')).toHaveLength(1);
  });

  it('survives results about hosts that do not exist', () => {
    const bench = new Bench();
    bench.loseMains();
    bench.runShort();
    const [cordon] = bench.flying('cordon');
    if (cordon === undefined) throw new Error('no cordon');
    const results = [{ host: 'nobody', code: 'done' as const }];
    bench.take({ kind: 'result', key: cordon.key, effectKind: 'cordon', results, final: true });
    expect(bench.all('up')).toBe(true);
  });

  it('tries an effect again that nobody answered for five minutes, and says so', () => {
    const bench = new Bench();
    bench.loseMains();
    bench.runShort();
    bench.answer('cordon', 'done', ['b2', 'w1', 'w2', 'cp1', 'cp2']);
    bench.pass(299);
    expect(keys(bench.effects).filter((key) => key === 'cordon:b1')).toHaveLength(1);
    bench.pass(3);
    expect(keys(bench.effects).filter((key) => key === 'cordon:b1')).toHaveLength(2);
    expect(bench.entries('note')).toEqual([{ kind: 'note', text: expect.stringMatching(/cordon:b1: no answer/) }]);
  });

  it('writes what a person should know', () => {
    const bench = new Bench();
    bench.take({ kind: 'result', key: 'x', effectKind: 'drain', results: [], final: false, notes: ['pod a is lost'] });
    expect(bench.entries('note')).toEqual([{ kind: 'note', text: 'pod a is lost' }]);
  });
});

describe('a rack without anything to do', () => {
  it('is never dark when no stage has a host', () => {
    const host = hostPolicy('router', '', { protected: true, cuttable: false });
    const bench = new Bench({}, { ...new Bench().policy, hosts: { router: host }, stages: [] });
    bench.loseMains();
    bench.runShort();
    bench.pass(100);
    expect(bench.state.phase).toBe('on-battery');
    expect(bench.effects).toEqual([]);
  });
});
