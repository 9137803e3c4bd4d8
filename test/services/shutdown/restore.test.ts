import { describe, expect, it } from 'vitest';
import type { Effect } from '../../../services/shutdown/state.ts';
import { Bench } from './bench.ts';
import type { PolicyChange } from './small-rack.ts';

const keys = (effects: readonly Effect[]): string[] => effects.map(({ key }) => key);
const started = (effects: readonly Effect[]): string[] =>
  effects.flatMap((effect) => (effect.kind === 'power' ? effect.targets.map(({ host }) => host) : []));

describe('mains comes back at any moment', () => {
  const short = (change: PolicyChange = {}): Bench => {
    const bench = new Bench(change);
    bench.loseMains();
    bench.runShort();
    return bench;
  };

  it('while cordons are under way: waits for them and takes them away', () => {
    const bench = short();
    bench.mainsReturns();
    expect(bench.flying('uncordon')).toEqual([]);
    bench.answer('cordon');
    expect(bench.flying('uncordon')).toHaveLength(6);
    bench.answer('uncordon');
    expect(bench.state).toMatchObject({ phase: 'mains' });
    expect(bench.state.runId).toBeUndefined();
    expect(bench.flying('drain')).toEqual([]);
  });

  it('and goes again: no cordon overtakes the uncordon that is under way', () => {
    const bench = short();
    bench.answer('cordon', 'timeout');
    bench.mainsReturns();
    expect(bench.flying('uncordon')).toHaveLength(6);
    bench.loseMains();
    bench.pass(10);
    expect(bench.flying('cordon')).toEqual([]);
    bench.answer('uncordon', 'left-alone');
    expect(bench.flying('cordon')).toHaveLength(6);
    expect(bench.host('w1').cordonedByUs).toBe(true);
    bench.answer('cordon');
    expect(bench.host('w1')).toMatchObject({ phase: 'cordoned', cordonedByUs: true });
  });

  it('to a host that has stopped and that the API still repeats: it is switched off and on, not taken for up', () => {
    const bench = short();
    bench.answer('cordon');
    bench.answer('drain');
    bench.answer('halt');
    // Its boot id is another than the one of old, and its port says nothing.
    Object.assign(bench.rack.host('w1'), { reachable: false, powerW: undefined, bootId: 'boot-2' });
    bench.mainsReturns();
    // Whether it is off cannot be seen either: nothing was measured since.
    bench.rack.readAtMs = bench.rack.nowMs;
    bench.pass(bench.policy.hosts.w1?.haltTimeoutS);
    expect(bench.host('w1')).toMatchObject({ phase: 'halted', forced: true });
    expect(bench.entries('host').filter(({ host, because }) => host === 'w1' && /wanted up/.test(because))).toEqual([]);
  });

  it('while it drains: stops the drain once and uncordons', () => {
    const bench = short();
    bench.answer('cordon');
    bench.mainsReturns();
    bench.pass(5);
    expect(keys(bench.effects).filter((key) => key.startsWith('stop-'))).toEqual([
      'stop-drain:batch',
      'stop-drain:workers',
      'stop-drain:control-plane',
    ]);
    // The drain that was stopped does not take its hosts down any more.
    bench.answer('drain', 'timeout');
    bench.answer('stop-drain');
    expect(bench.all('cordoned')).toBe(true);
    bench.answer('uncordon');
    expect(bench.state.phase).toBe('mains');
    expect(keys(bench.effects).filter((key) => key.startsWith('halt'))).toEqual([]);
  });

  it('when drained and not yet halted: uncordons', () => {
    const bench = short();
    bench.answer('cordon');
    bench.answer('drain', 'done', ['cp1', 'cp2']);
    expect(bench.phases()).toMatchObject({ b1: 'cordoned', cp1: 'drained' });
    bench.mainsReturns();
    bench.answer('uncordon');
    expect(bench.host('cp1').phase).toBe('up');
    expect(keys(bench.effects)).not.toContain('halt:cp1');
  });

  it('after the halt was sent: it finishes going down, its port is cut and switched on, and it counts as up when it is', () => {
    const bench = short({ restore: { stableForS: 0 } });
    bench.answer('cordon');
    bench.answer('drain', 'done', ['b1', 'b2']);
    bench.pass();
    expect(bench.phases()).toMatchObject({ b1: 'halting', b2: 'halting', w1: 'cordoned' });
    bench.answer('halt');
    bench.rack.bank = { ...bench.rack.bank, usableWh: 900, usableLowWh: 880 };
    bench.mainsReturns();
    bench.answer('drain', 'timeout');
    bench.answer('uncordon');
    expect(bench.phases()).toMatchObject({ b1: 'halting', w1: 'up', cp1: 'up' });
    for (const id of ['b1', 'b2']) bench.rack.asleep(id);
    bench.pass(3);
    bench.answer('cut');
    expect(bench.phases()).toMatchObject({ b1: 'cut', b2: 'cut' });
    bench.pass(4);
    expect(started(bench.effects)).toEqual([]);
    bench.pass();
    expect(started(bench.effects)).toEqual(['b1', 'b2']);
    bench.answer('power');
    for (const id of ['b1', 'b2']) bench.rack.booted(id, 'boot-2');
    bench.pass();
    bench.answer('uncordon');
    expect(bench.state.phase).toBe('mains');
    expect(bench.all('up')).toBe(true);
    expect(bench.effects.filter(({ kind }) => kind === 'halt')).toHaveLength(2);
  });

  it('a machine that ignored the halt is left running instead of being cut', () => {
    const bench = short();
    bench.answer('cordon');
    bench.answer('drain', 'done', ['b1', 'b2']);
    bench.pass();
    bench.answer('halt');
    bench.mainsReturns();
    bench.pass(61);
    expect(bench.flying('cut')).toEqual([]);
    expect(bench.host('b1')).toMatchObject({ phase: 'powering', forced: false });
  });

  it('forgets every stage that had begun, so that the next outage begins from the first', () => {
    const bench = short();
    bench.mainsReturns();
    expect(bench.state.stages).toEqual([{ name: 'batch' }, { name: 'workers' }, { name: 'control-plane' }]);
    bench.rack.bank = { ...bench.rack.bank, usableWh: 900, usableLowWh: 880 };
    bench.loseMains();
    expect(bench.state).toMatchObject({ phase: 'on-battery' });
    expect(bench.state.stages.every(({ beganMs }) => beganMs === undefined)).toBe(true);
  });

  it('keeps the name of the run when mains goes away again before everything is back, so that its marks are its own', () => {
    const bench = new Bench();
    bench.goDark();
    const { runId } = bench.state;
    bench.mainsReturns();
    bench.loseMains();
    expect(bench.state).toMatchObject({ phase: 'dark', runId });
    bench.mainsReturns();
    expect(bench.state).toMatchObject({ phase: 'restoring', runId });
  });

  it('mains goes away while a host starts: it goes down again, and what its port was stays known', () => {
    const bench = new Bench({ restore: { stableForS: 0, groupSize: 6 } });
    bench.goDark();
    bench.recharge();
    bench.pass(5);
    bench.answer('power');
    expect(bench.phases()).toMatchObject({ cp1: 'powering', cp2: 'powering', w1: 'cut' });
    bench.loseMains();
    expect(bench.host('cp1').phase).toBe('powering');
    bench.runShort();
    expect(bench.host('cp1')).toMatchObject({
      phase: 'halting',
      cordonedByUs: true,
      portBefore: { port: '5', enabled: true },
    });
    expect(bench.host('w1').phase).toBe('cut');
  });

  it('a host that was only about to be started never counts as up because the shutdown is called off', () => {
    const bench = new Bench({ restore: { stableForS: 0, groupSize: 6 } });
    bench.goDark();
    bench.recharge();
    bench.pass(5);
    // Its port is still off: the write got lost.
    bench.answer('power', 'timeout');
    bench.loseMains();
    bench.runShort();
    expect(bench.host('cp1').phase).toBe('halting');
    bench.recharge();
    bench.pass(10);
    expect(bench.host('cp1').phase).not.toBe('up');
    expect(bench.flying('uncordon').map(({ host }) => host)).not.toContain('cp1');
  });
});

describe('the gate before machines are started', () => {
  const dark = (change: PolicyChange = {}): Bench => {
    const bench = new Bench(change);
    bench.goDark();
    return bench;
  };

  it('opens when mains is back for long enough', () => {
    const bench = dark();
    bench.recharge();
    bench.pass(28);
    expect(started(bench.effects)).toEqual([]);
    bench.pass(2);
    expect(started(bench.effects)).toEqual(['cp1', 'cp2']);
  });

  it('waits for the wanted charge', () => {
    const bench = dark();
    bench.recharge();
    bench.rack.bank = { ...bench.rack.bank, socRatio: 0.19 };
    bench.pass(100);
    expect(started(bench.effects)).toEqual([]);
    bench.rack.bank = { ...bench.rack.bank, socRatio: 0.2 };
    bench.pass();
    expect(started(bench.effects)).not.toEqual([]);
  });

  it('waits until the bank could carry another shutdown of the whole rack', () => {
    const bench = dark({ restore: { minSoc: 0 } });
    bench.recharge();
    // The reserve alone is 100 Wh.
    bench.rack.bank = { ...bench.rack.bank, usableLowWh: 100.1 };
    bench.pass(60);
    expect(started(bench.effects)).toEqual([]);
    bench.rack.bank = { ...bench.rack.bank, usableLowWh: 130 };
    bench.pass();
    expect(started(bench.effects)).not.toEqual([]);
  });

  it('stays shut while nobody knows whether mains is there', () => {
    const bench = dark();
    bench.recharge();
    bench.rack.setMains('unknown');
    bench.pass(100);
    expect(started(bench.effects)).toEqual([]);
  });
});

describe('starting', () => {
  const restoring = (change: PolicyChange = {}): Bench => {
    const bench = new Bench(change);
    bench.goDark();
    bench.recharge();
    return bench;
  };

  /** Every host that is powered boots at once. */
  const bootAll = (bench: Bench, seconds: number, bootId = 'boot-2'): void => {
    for (let second = 0; second < seconds; second += 1) {
      bench.pass();
      for (const { targets } of bench.flying('power')) for (const { host } of targets) bench.rack.booted(host, bootId);
      bench.answer('power');
      bench.answer('uncordon');
    }
  };

  it('goes backwards through the stages, each only when the one after it is back', () => {
    const bench = restoring();
    bootAll(bench, 200);
    expect(bench.state.phase).toBe('mains');
    expect(started(bench.effects)).toEqual(['cp1', 'cp2', 'w1', 'w2', 'b1', 'b2']);
    expect(bench.state.runId).toBeUndefined();
  });

  it('does not go on to the next stage while one is not up', () => {
    const bench = restoring();
    bench.pass(100);
    bench.answer('power');
    expect(started(bench.effects)).toEqual(['cp1', 'cp2']);
  });

  it('starts as many at once as the user wants, with a pause between groups', () => {
    const bench = restoring({ restore: { groupSize: 1, groupEveryS: 17 } });
    const at: number[] = [];
    let seen = 0;
    for (let second = 0; second < 200; second += 1) {
      bootAll(bench, 1);
      const now = started(bench.effects).length;
      expect(now - seen).toBeLessThanOrEqual(1);
      if (now > seen) at.push(bench.rack.nowMs);
      seen = now;
    }
    expect(seen).toBe(6);
    for (const [index, ms] of at.entries())
      if (index > 0) expect(ms - (at[index - 1] ?? 0)).toBeGreaterThanOrEqual(17_000);
  });

  it('fits each group into what the switch has left, with the surge of booting', () => {
    const bench = restoring();
    bench.rack.budgetW = 100;
    // One boots with 1.4 x 7 W = 9.8 W.
    bench.rack.drawnW = 100 - 9.9;
    bench.pass(32);
    expect(started(bench.effects)).toEqual(['cp1']);
    const none = restoring();
    none.rack.budgetW = 100;
    none.rack.drawnW = 100 - 9.7;
    none.pass(100);
    expect(started(none.effects)).toEqual([]);
  });

  it('counts what is being started and does not draw yet', () => {
    const bench = restoring();
    bench.rack.budgetW = 100;
    // Room for two with their surge, and the switch takes its time.
    bench.rack.drawnW = 100 - 2 * 9.9;
    bench.pass(50);
    expect(started(bench.effects)).toEqual(['cp1', 'cp2']);
    bench.rack.drawnW = 100 - 9.9;
    bench.rack.booted('cp1', 'boot-2');
    bench.rack.booted('cp2', 'boot-2');
    bench.pass();
    bench.answer('uncordon');
    bench.pass(12);
    expect(started(bench.effects)).toEqual(['cp1', 'cp2', 'w1']);
    // Its write is lost; nobody else gets the room that it will need when it is repeated.
    bench.answer('power', 'timeout', ['w1']);
    bench.pass(60);
    expect(new Set(started(bench.effects))).toEqual(new Set(['cp1', 'cp2', 'w1']));
  });

  it('does not want room twice for a machine that never stopped', () => {
    const bench = new Bench({ hosts: { cp2: { cuttable: false, canWake: true } } });
    bench.goDark();
    bench.recharge();
    bench.rack.budgetW = 100;
    bench.rack.drawnW = 95;
    Object.assign(bench.rack.host('cp2'), { powerW: 7, reachable: true });
    bench.pass(32);
    expect(bench.host('cp2').phase).toBe('powering');
    expect(bench.host('cp1').phase).toBe('cut');
  });

  it('fits each group into what the circuit carries continuously', () => {
    const bench = restoring();
    const freeA = 9.9 / 110;
    bench.rack.circuit = { limitA: 16, currentA: 16 - freeA, powerW: 1700, freshness: 'fresh' };
    bench.rack.bank = { ...bench.rack.bank, powerW: 1500 };
    bench.pass(32);
    expect(started(bench.effects)).toEqual(['cp1']);
  });

  it.each(['stale', 'absent'] as const)('reckons what the circuit has left while its meter is %s', (freshness) => {
    const bench = restoring();
    bench.rack.circuit = { limitA: 16, freshness };
    bench.rack.bank = { ...bench.rack.bank, powerW: 1620 };
    bench.pass(32);
    expect(started(bench.effects)).toEqual([]);
    expect(bench.host('cp1').trouble).toMatch(/the circuit has 0 W left as far as can be reckoned without its meter/);
    bench.rack.bank = { ...bench.rack.bank, powerW: 600 };
    bench.pass(2);
    expect(started(bench.effects)).toEqual(['cp1', 'cp2']);
  });

  it('brings each port back to what it was, and nothing it did not cut', () => {
    const bench = restoring();
    bootAll(bench, 200);
    const cut = bench.effects.flatMap((effect) =>
      effect.kind === 'cut' ? effect.targets.map(({ host }) => host) : [],
    );
    expect(started(bench.effects).sort()).toEqual([...cut].sort());
  });

  it('leaves a port off that was off before', () => {
    const bench = new Bench({ hosts: { w1: { canWake: true } } });
    bench.rack.host('w1').enabled = false;
    bench.goDark();
    bench.recharge();
    bootAll(bench, 200);
    expect(bench.effects.filter(({ kind }) => kind === 'power').length).toBeGreaterThan(0);
    expect(started(bench.effects)).not.toContain('w1');
  });

  it('wakes a host over the network whose port stays fed', () => {
    const bench = new Bench({ hosts: { w1: { canWake: true, cuttable: false } } });
    bench.goDark();
    bench.recharge();
    bootAll(bench, 200);
    expect(keys(bench.effects)).toContain('wake:w1');
  });

  it('wakes a host without a port again and again until it answers', () => {
    const bench = new Bench({ hosts: { cp1: { port: undefined as never, cuttable: false, canWake: true } } });
    bench.goDark();
    bench.recharge();
    bench.pass(30);
    const sent = (): number => keys(bench.effects).filter((key) => key === 'wake:cp1').length;
    expect(sent()).toBe(1);
    bench.answer('wake');
    bench.pass(60);
    bench.answer('wake');
    expect(sent()).toBe(2);
    bench.rack.booted('cp1', 'boot-2');
    bench.pass(100);
    expect(sent()).toBe(2);
  });

  it('switches on again what the switch says is still off', () => {
    const bench = restoring();
    bench.pass(30);
    bench.answer('power', 'timeout');
    bench.pass(5);
    expect(started(bench.effects)).toEqual(['cp1', 'cp2', 'cp1', 'cp2']);
  });

  it('believes a success until the switch is read again', () => {
    const bench = restoring();
    bench.pass(30);
    bench.answer('power');
    bench.rack.readAtMs = bench.rack.nowMs - 1;
    bench.pass(2);
    expect(started(bench.effects)).toEqual(['cp1', 'cp2']);
  });
});

describe('up only when it is fresh', () => {
  const powered = (change: PolicyChange = {}): Bench => {
    const bench = new Bench(change);
    bench.goDark();
    bench.recharge();
    bench.pass(30);
    bench.answer('power');
    expect(bench.host('cp1').phase).toBe('powering');
    return bench;
  };
  const up = (bench: Bench): boolean => bench.flying('uncordon').some(({ host }) => host === 'cp1');

  it('a Ready the API has from before the outage is not up', () => {
    const bench = powered();
    Object.assign(bench.rack.host('cp1'), { ready: 'true', bootId: 'boot-1', reachable: true, enabled: true });
    bench.pass(30);
    expect(up(bench)).toBe(false);
  });

  it('a new boot id is', () => {
    const bench = powered();
    bench.rack.booted('cp1', 'boot-2');
    bench.pass();
    expect(up(bench)).toBe(true);
  });

  it.each([
    ['its port was cut', {}],
    ['it fell silent for good, without a port to cut', { hosts: { cp1: { cuttable: false, canWake: true } } }],
  ] as const)('a boot id that was new before %s is not', (_, change) => {
    const bench = new Bench(change);
    bench.goDark();
    // Its switch had started anew meanwhile: it booted once more, and was cut in the end.
    bench.rack.host('cp1').bootId = 'boot-2';
    bench.recharge();
    bench.pass(30);
    bench.answer('power');
    bench.answer('wake');
    expect(bench.host('cp1').phase).toBe('powering');
    Object.assign(bench.rack.host('cp1'), { ready: 'true', reachable: true, enabled: true });
    bench.pass(10);
    expect(up(bench)).toBe(false);
    bench.rack.booted('cp1', 'boot-3');
    bench.pass();
    expect(up(bench)).toBe(true);
  });

  it.each([
    ['older than the switching on', -1, false],
    ['newer than the switching on', 1, true],
  ] as const)('a heartbeat %s, told by the clock of the API server', (_, afterMs, expected) => {
    const bench = powered();
    bench.rack.serverAheadMs = -3_600_000;
    const poweredWallMs = bench.host('cp1').sinceMs + bench.rack.wallOffsetMs;
    Object.assign(bench.rack.host('cp1'), {
      enabled: true,
      bootId: undefined,
      heartbeatAtMs: poweredWallMs - 3_600_000 + afterMs,
    });
    bench.pass(3);
    expect(up(bench)).toBe(expected);
  });

  it.each([
    ['not Ready', { ready: 'false', bootId: 'boot-2' }],
    ['lost by its control plane', { ready: 'unknown', bootId: 'boot-2' }],
    ['known by nothing but silence', { ready: 'true', bootId: undefined }],
  ] as const)('a node that is %s is not', (_, node) => {
    const bench = powered();
    Object.assign(bench.rack.host('cp1'), node, { reachable: true, enabled: true });
    bench.pass(10);
    expect(up(bench)).toBe(false);
  });

  it('an answer of the API that is old is not', () => {
    const bench = powered();
    bench.rack.booted('cp1', 'boot-2');
    bench.rack.clusterFreshness = 'stale';
    bench.pass(10);
    expect(up(bench)).toBe(false);
  });

  it('a host that is no node is up when it answers', () => {
    const bench = powered({ hosts: { cp1: { node: undefined as never } } });
    expect(bench.host('cp1').phase).toBe('powering');
    bench.rack.host('cp1').reachable = true;
    bench.pass();
    expect(bench.host('cp1').phase).toBe('up');
  });

  it('is up and schedulable again before it counts', () => {
    const bench = powered();
    bench.rack.booted('cp1', 'boot-2');
    bench.pass();
    bench.answer('uncordon', 'timeout', ['cp1']);
    expect(bench.host('cp1')).toMatchObject({ phase: 'powering', cordonedByUs: true });
    bench.pass(3);
    bench.answer('uncordon', 'done', ['cp1']);
    expect(bench.host('cp1')).toMatchObject({ phase: 'up', cordonedByUs: false });
  });

  it('leaves a cordon that is not ours any more', () => {
    const bench = powered();
    bench.rack.booted('cp1', 'boot-2');
    bench.pass();
    bench.answer('uncordon', 'left-alone', ['cp1']);
    expect(bench.host('cp1')).toMatchObject({ phase: 'up', cordonedByUs: false });
  });
});

describe('a host that does not come up', () => {
  const waiting = (change: PolicyChange = {}): Bench => {
    const bench = new Bench(change);
    bench.goDark();
    bench.recharge();
    bench.pass(30);
    bench.answer('power');
    for (const id of ['cp1', 'cp2']) Object.assign(bench.rack.host(id), { enabled: true, ready: 'unknown' });
    bench.rack.booted('cp2', 'boot-2');
    bench.pass();
    bench.answer('uncordon');
    return bench;
  };

  it('gets its power switched off and on once, and then a person', () => {
    const bench = waiting();
    bench.pass(117);
    expect(bench.flying('cut')).toEqual([]);
    bench.pass();
    expect(bench.flying('cut').map(({ key }) => key)).toEqual(['cut:sw1:5']);
    expect(bench.host('cp1')).toMatchObject({ phase: 'halted', powerCycles: 1 });
    bench.answer('cut');
    bench.pass(10);
    bench.answer('power');
    expect(bench.host('cp1').phase).toBe('powering');
    bench.pass(121);
    expect(bench.host('cp1')).toMatchObject({ phase: 'powering', trouble: 'did not come up', powerCycles: 1 });
    // The others are not kept waiting for it.
    expect(started(bench.effects)).toContain('w1');
  });

  it('ends in peace with a trouble when all others are back, and still takes it in when it comes up late', () => {
    const bench = waiting();
    for (let second = 0; second < 600; second += 1) {
      bench.pass();
      bench.answer('cut');
      for (const { targets } of bench.flying('power'))
        for (const { host } of targets) if (host !== 'cp1') bench.rack.booted(host, 'boot-2');
      bench.answer('power');
      bench.answer('uncordon');
    }
    expect(bench.state).toMatchObject({ phase: 'mains', runId: expect.any(String) });
    expect(bench.host('cp1').trouble).toBe('did not come up');
    expect(bench.effects.filter(({ key }) => key === 'cut:sw1:5')).toHaveLength(1);
    bench.rack.booted('cp1', 'boot-3');
    bench.pass();
    bench.answer('uncordon');
    expect(bench.all('up')).toBe(true);
    expect(bench.state.runId).toBeUndefined();
    expect(bench.host('cp1').trouble).toBeUndefined();
  });

  it('says which button to press where nothing can start it', () => {
    const bench = waiting({
      hosts: { cp1: { port: undefined as never, switchId: undefined as never, cuttable: false } },
    });
    bench.pass(121);
    expect(bench.host('cp1').trouble).toMatch(/press its button/);
    expect(bench.flying('cut')).toEqual([]);
  });

  it('does not lose its power while it answers and only its node is not Ready', () => {
    const bench = waiting();
    bench.rack.host('cp1').reachable = true;
    bench.pass(200);
    expect(bench.flying('cut')).toEqual([]);
  });

  it('is looked at before its power is switched off, when its deadline ran out while the service was down', () => {
    const bench = waiting();
    bench.rack.booted('cp1', 'boot-2');
    bench.rack.nowMs += 600_000;
    bench.restart();
    bench.rack.setMains('unknown');
    bench.rack.switchFreshness = 'absent';
    bench.rack.probesFreshness = 'absent';
    bench.rack.clusterFreshness = 'absent';
    bench.pass();
    expect(bench.flying('cut')).toEqual([]);
  });

  it('is power-cycled also in a new life, when that has looked for ten seconds and saw nothing', () => {
    const bench = waiting();
    bench.rack.nowMs += 600_000;
    bench.restart();
    bench.pass(10);
    expect(bench.flying('cut')).toEqual([]);
    bench.pass();
    expect(keys(bench.flying('cut'))).toEqual(['cut:sw1:5']);
  });

  it('is not power-cycled while mains is away again', () => {
    const bench = waiting();
    bench.loseMains();
    bench.pass(300);
    expect(bench.flying('cut')).toEqual([]);
  });

  it('whose port cannot be cut does not keep the other stages waiting for ever', () => {
    const bench = new Bench({ restore: { stableForS: 0 } });
    bench.loseMains();
    bench.runShort();
    bench.answer('cordon');
    bench.answer('drain');
    for (const id of Object.keys(bench.rack.hosts)) bench.rack.asleep(id);
    bench.pass(3);
    for (const effect of bench.flying('cut')) {
      const results = effect.targets.map(
        ({ host }) => ({ host, code: host === 'cp1' ? 'disobeyed' : 'done' }) as const,
      );
      bench.take({ kind: 'result', key: effect.key, effectKind: 'cut', results, final: true });
    }
    bench.recharge();
    for (let second = 0; second < 300; second += 1) {
      bench.pass();
      for (const { targets } of bench.flying('power'))
        for (const { host } of targets) bench.rack.booted(host, 'boot-2');
      bench.answer('power');
      bench.answer('uncordon');
      bench.answer('cut', 'disobeyed');
    }
    expect(started(bench.effects)).toContain('w1');
  });
});

describe('down again before it was up', () => {
  const startedAgain = (change: PolicyChange = {}): Bench => {
    const bench = new Bench({ restore: { stableForS: 0 }, ...change });
    bench.goDark();
    bench.recharge();
    bench.pass(5);
    bench.answer('power');
    bench.answer('wake');
    return bench;
  };

  it('a host that is no node has nothing to drain and is halted at once', () => {
    const bench = startedAgain({ hosts: { cp1: { node: undefined as never } } });
    bench.loseMains();
    bench.runShort();
    bench.answer('drain');
    bench.pass(3);
    expect(['halting', 'halted', 'cut']).toContain(bench.host('cp1').phase);
  });

  it('a Ready left over from the boot in between is not up', () => {
    const bench = startedAgain();
    for (const id of ['cp1', 'cp2']) bench.rack.booted(id, 'boot-2');
    bench.rack.setMains('absent');
    bench.rack.bank = { ...bench.rack.bank, powerW: -100, usableWh: 90, usableLowWh: 90 };
    bench.pass();
    bench.answer('drain');
    bench.pass();
    expect(bench.host('cp1').phase).toBe('halting');
    for (const id of ['cp1', 'cp2']) bench.rack.asleep(id);
    bench.pass(3);
    bench.answer('cut');
    expect(bench.host('cp1').phase).toBe('cut');
    bench.recharge();
    bench.pass(10);
    bench.answer('power');
    // The API still repeats what it knew: Ready, from the second boot.
    bench.pass(3);
    expect(bench.flying('uncordon')).toEqual([]);
  });

  it('an uncordon that is answered late does not call a host up that is being halted', () => {
    const bench = startedAgain();
    bench.rack.booted('cp1', 'boot-2');
    bench.pass();
    expect(bench.flying('uncordon').map(({ host }) => host)).toEqual(['cp1']);
    bench.rack.setMains('absent');
    bench.rack.bank = { ...bench.rack.bank, powerW: -100, usableWh: 90, usableLowWh: 90 };
    bench.pass();
    bench.answer('drain');
    bench.pass();
    expect(bench.host('cp1').phase).toBe('halting');
    bench.recharge();
    bench.answer('uncordon');
    expect(bench.host('cp1').phase).toBe('halting');
  });
});

describe('the first nodes that are back', () => {
  const dark = (restore: PolicyChange['restore']): Bench => {
    const bench = new Bench({ restore: { groupSize: 6, groupEveryS: 1, ...restore } });
    bench.goDark();
    bench.recharge();
    bench.pass(31);
    return bench;
  };
  const boots = (bench: Bench, ...ids: string[]): void => {
    bench.answer('power');
    for (const id of ids) bench.rack.booted(id, 'boot-2');
    bench.pass();
  };

  it('take no pods before enough of the others are back, and keep no stage waiting', () => {
    const bench = dark({ uncordonShare: 0.6, uncordonPatienceS: 300 });
    boots(bench, 'cp1', 'cp2');
    expect(bench.host('cp1')).toMatchObject({ phase: 'powering', cordonedByUs: true });
    expect(bench.host('cp1').backSinceMs).toBeDefined();
    expect(bench.flying('uncordon')).toEqual([]);
    bench.pass(2);
    boots(bench, 'w1');
    expect(bench.flying('uncordon')).toEqual([]);
    boots(bench, 'w2');
    bench.pass();
    expect(
      bench
        .flying('uncordon')
        .map(({ host }) => host)
        .sort(),
    ).toEqual(['cp1', 'cp2', 'w1', 'w2']);
    bench.answer('uncordon');
    bench.pass(2);
    // The rest comes one by one.
    boots(bench, 'b1');
    expect(bench.flying('uncordon').map(({ host }) => host)).toEqual(['b1']);
  });

  it('wait no longer than their patience, also over a restart', () => {
    const bench = dark({ uncordonShare: 1, uncordonPatienceS: 60 });
    boots(bench, 'cp1');
    bench.pass(30);
    bench.restart();
    bench.pass(25);
    expect(bench.flying('uncordon')).toEqual([]);
    bench.pass(10);
    expect(bench.flying('uncordon').map(({ host }) => host)).toEqual(['cp1']);
  });

  it('do not wait for hosts that need a person', () => {
    const bench = dark({ uncordonShare: 1, uncordonPatienceS: 3600 });
    boots(bench, 'cp1');
    Object.assign(bench.rack.host('cp2'), { reachable: false });
    // It is power-cycled once, then given up; its stage is not awaited any more.
    for (let second = 0; second < 400; second += 1) {
      bench.answer('cut');
      bench.answer('power');
      for (const { host } of bench.flying('uncordon')) bench.rack.booted(host, 'boot-2');
      bench.answer('uncordon');
      for (const id of ['w1', 'w2', 'b1', 'b2'])
        if (bench.host(id).phase === 'powering') bench.rack.booted(id, 'boot-2');
      bench.pass();
    }
    expect(bench.host('cp2').trouble).toBeDefined();
    expect(bench.all('up', ['cp1', 'w1', 'w2', 'b1', 'b2'])).toBe(true);
  });
});
