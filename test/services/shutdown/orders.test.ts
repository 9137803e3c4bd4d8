import { describe, expect, it } from 'vitest';
import { restoreGate, stableForS } from '../../../services/shutdown/restore-gate.ts';
import { Bench } from './bench.ts';

/** What a person may order, and what is refused. */

const said = (bench: Bench, command: Parameters<Bench['command']>[0]): { accepted: boolean; because: string } =>
  bench.command(command).answer ?? { accepted: false, because: 'no answer' };

const touched = (bench: Bench, host: string): string[] =>
  bench.effects
    .filter(
      (effect) => ('host' in effect && effect.host === host) || JSON.stringify(effect).includes(`"host":"${host}"`),
    )
    .map(({ kind }) => kind);

describe('skip', () => {
  it('leaves one host alone while everything else goes down, and ends dark all the same', () => {
    const bench = new Bench();
    bench.loseMains();
    expect(said(bench, { kind: 'skip', host: 'w1' })).toMatchObject({ accepted: true });
    bench.runShort();
    bench.answer('cordon');
    bench.answer('drain');
    for (let second = 0; second < 60 && bench.state.phase !== 'dark'; second += 1) {
      for (const { host } of bench.flying('halt')) bench.rack.asleep(host);
      bench.answer('halt');
      for (const { targets } of bench.flying('cut'))
        for (const { host } of targets) Object.assign(bench.rack.host(host), { enabled: false });
      bench.answer('cut');
      bench.pass();
    }
    expect(bench.state.phase).toBe('dark');
    expect(bench.host('w1').phase).toBe('up');
    expect(touched(bench, 'w1')).toEqual([]);
    expect(bench.all('cut', ['b1', 'b2', 'w2', 'cp1', 'cp2'])).toBe(true);
  });

  it('calls a host back that was cordoned already, and lets it take part again', () => {
    const bench = new Bench();
    bench.loseMains();
    bench.runShort();
    bench.answer('cordon');
    said(bench, { kind: 'skip', host: 'b1' });
    bench.pass();
    bench.answer('uncordon');
    expect(bench.host('b1')).toMatchObject({ phase: 'up', skipped: true });
    bench.answer('drain');
    bench.pass();
    expect(bench.flying('halt').map(({ host }) => host)).not.toContain('b1');
    expect(said(bench, { kind: 'unskip', host: 'b1' })).toMatchObject({ accepted: true });
    bench.pass();
    expect(bench.flying('cordon').map(({ host }) => host)).toEqual(['b1']);
  });

  it('keeps what a skipped host draws in the schedule', () => {
    const bench = new Bench();
    bench.loseMains();
    const before = bench.take({ kind: 'tick' }).schedule.stages.find(({ name }) => name === 'workers');
    said(bench, { kind: 'skip', host: 'w1' });
    const after = bench.take({ kind: 'tick' }).schedule.stages.find(({ name }) => name === 'workers');
    expect(after?.loadAfterW).toBeCloseTo((before?.loadAfterW ?? 0) + 7);
  });

  it('is over with the outage', () => {
    const bench = new Bench();
    bench.loseMains();
    said(bench, { kind: 'skip', host: 'b1' });
    bench.mainsReturns();
    bench.pass(3);
    expect(bench.state.phase).toBe('mains');
    expect(bench.host('b1').skipped).toBeUndefined();
  });

  it('survives a restart', () => {
    const bench = new Bench();
    bench.loseMains();
    said(bench, { kind: 'skip', host: 'b1' });
    bench.restart();
    expect(bench.host('b1').skipped).toBe(true);
  });

  it('is refused on mains, for strangers, and past the point of no return', () => {
    const bench = new Bench();
    expect(said(bench, { kind: 'skip', host: 'b1' })).toMatchObject({
      accepted: false,
      because: expect.stringMatching(/configuration/),
    });
    expect(said(bench, { kind: 'skip', host: 'nobody' })).toMatchObject({
      accepted: false,
      because: expect.stringMatching(/no host/),
    });
    bench.loseMains();
    bench.runShort();
    bench.answer('cordon');
    bench.answer('drain');
    expect(bench.host('b1').phase).toBe('halting');
    expect(said(bench, { kind: 'skip', host: 'b1' })).toMatchObject({
      accepted: false,
      because: expect.stringMatching(/cannot be called back/),
    });
  });
});

describe('take over', () => {
  const inTrouble = (): Bench => {
    const bench = new Bench();
    bench.goDark();
    bench.recharge();
    bench.pass(700);
    bench.answer('power');
    bench.pass(700);
    return bench;
  };

  it('counts a troubled host as up and takes our cordon away', () => {
    const bench = inTrouble();
    const [id] = Object.entries(bench.state.hosts).find(([, { trouble }]) => trouble !== undefined) ?? ['none'];
    expect(said(bench, { kind: 'take-over', host: id, as: 'up' })).toMatchObject({ accepted: true });
    bench.pass();
    expect(bench.flying('uncordon').map(({ host }) => host)).toContain(id);
    bench.answer('uncordon');
    expect(bench.host(id)).toMatchObject({ phase: 'up', cordonedByUs: false });
    expect(bench.host(id).trouble).toBeUndefined();
    expect(bench.entries('command').at(-1)).toMatchObject({ author: 'ann', command: { kind: 'take-over' } });
  });

  it('counts a host as off that a person has switched off, so that its port is cut and it comes back', () => {
    const bench = new Bench();
    bench.loseMains();
    bench.runShort();
    bench.answer('cordon');
    bench.answer('drain');
    expect(said(bench, { kind: 'take-over', host: 'b1', as: 'off' })).toMatchObject({ accepted: true });
    bench.pass();
    expect(bench.host('b1')).toMatchObject({ phase: 'halted', forced: false });
    // Its port must not say otherwise.
    expect(bench.flying('cut')).toEqual([]);
    bench.rack.asleep('b1');
    bench.pass(2);
    expect(bench.flying('cut').flatMap(({ targets }) => targets.map(({ host }) => host))).toContain('b1');
  });

  it('is refused where nothing is wrong', () => {
    expect(said(new Bench(), { kind: 'take-over', host: 'b1', as: 'up' })).toMatchObject({ accepted: false });
  });
});

describe('power-cycle', () => {
  it('cuts the port of a hung host and switches it on again', () => {
    const bench = new Bench();
    bench.rack.setMains('present');
    bench.pass(40);
    Object.assign(bench.rack.host('w1'), { reachable: false });
    expect(said(bench, { kind: 'power-cycle', host: 'w1' })).toMatchObject({ accepted: true });
    bench.pass();
    expect(bench.flying('cut').flatMap(({ targets }) => targets.map(({ host }) => host))).toEqual(['w1']);
    bench.answer('cut');
    Object.assign(bench.rack.host('w1'), { enabled: false });
    bench.pass(6);
    expect(bench.flying('power').flatMap(({ targets }) => targets.map(({ host }) => host))).toEqual(['w1']);
    bench.answer('power');
    bench.rack.booted('w1', 'boot-2');
    bench.pass();
    expect(bench.host('w1')).toMatchObject({ phase: 'up', forced: false });
    expect(bench.state).toMatchObject({ phase: 'mains' });
  });

  it('does not take the port of a host that is starting for what it was before us', () => {
    const bench = new Bench();
    bench.rack.setMains('present');
    bench.pass(40);
    Object.assign(bench.rack.host('w1'), { reachable: false });
    said(bench, { kind: 'power-cycle', host: 'w1' });
    bench.pass();
    bench.answer('cut');
    Object.assign(bench.rack.host('w1'), { enabled: false, powerW: 0 });
    bench.pass(6);
    // The write is lost, the port stays off, and somebody is in a hurry.
    bench.answer('power', 'timeout');
    Object.assign(bench.rack.host('w1'), { bootId: 'boot-1a' });
    expect(said(bench, { kind: 'power-cycle', host: 'w1' })).toMatchObject({ accepted: true });
    expect(bench.host('w1')).toMatchObject({
      portBefore: { enabled: true },
      drawBeforeW: 7,
      bootIdBefore: 'boot-1a',
    });
    bench.pass();
    expect(bench.flying('cut').flatMap(({ targets }) => targets.map(({ host }) => host))).toEqual(['w1']);
  });

  it('asks for force where the host answers, and takes no for a protected port', () => {
    const bench = new Bench({ hosts: { w2: { cuttable: false } } });
    bench.rack.setMains('present');
    bench.pass(40);
    expect(said(bench, { kind: 'power-cycle', host: 'w1' })).toMatchObject({
      accepted: false,
      because: expect.stringMatching(/force/),
    });
    expect(said(bench, { kind: 'power-cycle', host: 'w1', force: true })).toMatchObject({ accepted: true });
    expect(said(bench, { kind: 'power-cycle', host: 'w2', force: true })).toMatchObject({ accepted: false });
  });

  it('is refused on battery', () => {
    const bench = new Bench();
    bench.loseMains();
    expect(said(bench, { kind: 'power-cycle', host: 'w1', force: true })).toMatchObject({
      accepted: false,
      because: expect.stringMatching(/phase on-battery/),
    });
  });
});

describe('a rehearsal', () => {
  const ready = (): Bench => {
    const bench = new Bench();
    bench.rack.bank = { ...bench.rack.bank, powerW: 0 };
    bench.rack.setMains('present');
    bench.pass(40);
    return bench;
  };

  it('drains one stage, within its budgets, and takes everything back', () => {
    const bench = ready();
    expect(said(bench, { kind: 'rehearse', stage: 'batch', depth: 'drain' })).toMatchObject({ accepted: true });
    expect(bench.flying('cordon').map(({ host }) => host)).toEqual(['b1', 'b2']);
    bench.answer('cordon');
    expect(bench.flying('drain')).toMatchObject([{ stage: 'batch', partial: true }]);
    bench.answer('drain');
    bench.pass(2);
    expect(bench.flying('halt')).toEqual([]);
    bench.answer('uncordon');
    bench.pass();
    expect(bench.state).toMatchObject({ phase: 'mains' });
    expect(bench.state.runId).toBeUndefined();
    expect(bench.all('up')).toBe(true);
    expect(bench.entries('rehearsal').map(({ began }) => began)).toEqual([true, false]);
    expect(bench.entries('rehearsal').at(-1)?.because).toMatch(/was drained in \d+ s/);
  });

  it('takes a stage down whole and starts it again', () => {
    const bench = ready();
    said(bench, { kind: 'rehearse', stage: 'batch', depth: 'whole' });
    bench.answer('cordon');
    bench.answer('drain');
    bench.pass();
    for (const { host } of bench.flying('halt')) bench.rack.asleep(host);
    bench.answer('halt');
    bench.pass(4);
    expect(
      bench
        .flying('cut')
        .flatMap(({ targets }) => targets.map(({ host }) => host))
        .sort(),
    ).toEqual(['b1', 'b2']);
    for (const id of ['b1', 'b2']) Object.assign(bench.rack.host(id), { enabled: false });
    bench.answer('cut');
    bench.pass(6);
    bench.answer('power');
    for (const id of ['b1', 'b2']) bench.rack.booted(id, 'boot-2');
    bench.pass();
    bench.answer('uncordon');
    bench.pass();
    expect(bench.all('up')).toBe(true);
    expect(bench.state.runId).toBeUndefined();
    expect(bench.all('up', ['w1', 'cp1'])).toBe(true);
    expect(touched(bench, 'w1')).toEqual([]);
  });

  it('starts nothing again before the whole stage is off', () => {
    const bench = ready();
    said(bench, { kind: 'rehearse', stage: 'batch', depth: 'whole' });
    bench.answer('cordon');
    bench.answer('drain');
    bench.pass();
    bench.rack.asleep('b1');
    bench.answer('halt');
    bench.pass(4);
    Object.assign(bench.rack.host('b1'), { enabled: false });
    bench.answer('cut');
    bench.pass(20);
    expect(bench.phases()).toMatchObject({ b1: 'cut', b2: 'halting' });
    expect(bench.flying('power')).toEqual([]);
  });

  it('turns into the real thing when mains goes away in the middle', () => {
    const bench = ready();
    said(bench, { kind: 'rehearse', stage: 'batch', depth: 'whole' });
    bench.answer('cordon');
    bench.loseMains();
    expect(bench.state).toMatchObject({ phase: 'on-battery' });
    expect(bench.state.rehearsal).toBeUndefined();
    // The stage is not due: its hosts are called back.
    bench.pass();
    bench.answer('uncordon');
    expect(bench.all('up')).toBe(true);
  });

  it('can be called off, and goes on after a kill', () => {
    const bench = ready();
    said(bench, { kind: 'rehearse', stage: 'batch', depth: 'drain' });
    bench.answer('cordon');
    bench.restart();
    expect(bench.state.rehearsal).toMatchObject({ stage: 'batch' });
    bench.pass();
    expect(bench.flying('drain')).toHaveLength(1);
    expect(said(bench, { kind: 'abort' })).toMatchObject({ accepted: true });
    bench.pass();
    bench.answer('drain', 'timeout');
    bench.answer('stop-drain');
    bench.pass();
    bench.answer('uncordon');
    bench.pass();
    expect(bench.all('up')).toBe(true);
    expect(bench.state.runId).toBeUndefined();
  });

  it('is refused when it could do harm', () => {
    const bench = ready();
    const order = { kind: 'rehearse', stage: 'batch', depth: 'drain' } as const;
    expect(said(bench, { ...order, stage: 'none' })).toMatchObject({
      accepted: false,
      because: expect.stringMatching(/no stage/),
    });
    bench.rack.clusterFreshness = 'stale';
    expect(said(bench, order)).toMatchObject({
      accepted: false,
      because: expect.stringMatching(/cluster is not heard/),
    });
    bench.rack.clusterFreshness = 'fresh';
    for (const id of ['w1', 'w2', 'cp1', 'cp2']) bench.rack.host(id).ready = 'false';
    expect(said(bench, order)).toMatchObject({ accepted: false, because: expect.stringMatching(/nowhere to go/) });
    for (const id of ['w1', 'w2', 'cp1', 'cp2']) bench.rack.host(id).ready = 'true';
    bench.rack.bank = { ...bench.rack.bank, socRatio: 0.1 };
    expect(said(bench, order)).toMatchObject({ accepted: false, because: expect.stringMatching(/wanted first/) });
    bench.rack.bank = { ...bench.rack.bank, socRatio: 0.9 };
    bench.loseMains();
    expect(said(bench, order)).toMatchObject({ accepted: false, because: expect.stringMatching(/on-battery/) });
  });
});

describe('what comes up again by itself', () => {
  it('is halted and cut once more when its switch has started anew', () => {
    const bench = new Bench();
    bench.goDark();
    Object.assign(bench.rack.host('b1'), { enabled: true, powerW: 7, portState: 'delivering', reachable: true });
    bench.pass(10);
    expect(bench.host('b1')).toMatchObject({ phase: 'halting', rehalts: 1 });
    expect(bench.flying('halt').map(({ host }) => host)).toEqual(['b1']);
    bench.rack.asleep('b1');
    bench.answer('halt');
    bench.pass(4);
    expect(bench.flying('cut').flatMap(({ targets }) => targets.map(({ host }) => host))).toEqual(['b1']);
    bench.answer('cut');
    expect(bench.host('b1')).toMatchObject({ phase: 'cut', forced: false });
    expect(bench.host('b2').phase).toBe('cut');
  });

  it('needs a person when it does so again and again', () => {
    const bench = new Bench();
    bench.goDark();
    for (let time = 0; time < 4; time += 1) {
      Object.assign(bench.rack.host('b1'), { enabled: true, powerW: 7, reachable: true });
      bench.pass(10);
      bench.rack.asleep('b1');
      bench.answer('halt');
      bench.pass(4);
      bench.answer('cut');
      Object.assign(bench.rack.host('b1'), { enabled: false });
      bench.pass();
    }
    expect(bench.host('b1').trouble).toMatch(/again and again/);
  });

  it('is not fooled by what the switch said right after the cut', () => {
    const bench = new Bench();
    bench.goDark();
    // The tables of the switch lag behind what was written.
    Object.assign(bench.rack.host('b1'), { enabled: true, reachable: false });
    bench.pass(2);
    Object.assign(bench.rack.host('b1'), { enabled: false });
    bench.pass(20);
    expect(bench.host('b1')).toMatchObject({ phase: 'cut' });
    expect(bench.host('b1').rehalts).toBeUndefined();
  });
});

describe('coming back', () => {
  it('trusts mains later with every loss within the hour', () => {
    const bench = new Bench({ restore: { stableForS: 30 } });
    const waits: number[] = [];
    for (let loss = 0; loss < 6; loss += 1) {
      bench.loseMains();
      bench.mainsReturns();
      waits.push(stableForS(bench.state, bench.rack.nowMs, bench.policy));
      bench.pass(3);
    }
    expect(waits).toEqual([30, 60, 120, 240, 240, 240]);
    expect(stableForS(bench.state, bench.rack.nowMs + 3_600_001, bench.policy)).toBe(30);
  });

  it('says what it waits for', () => {
    const bench = new Bench({ restore: { stableForS: 30 } });
    bench.goDark();
    const gate = (): string | undefined => restoreGate(bench.state, bench.rack.snapshot(), bench.policy);
    expect(gate()).toMatch(/not confirmed/);
    bench.rack.bank = { ...bench.rack.bank, socRatio: 0.1 };
    bench.mainsReturns();
    expect(gate()).toMatch(/29 s more/);
    bench.pass(40);
    expect(gate()).toMatch(/10 % and 20 % are wanted/);
    bench.rack.bank = { ...bench.rack.bank, socRatio: 0.5, usableLowWh: 90 };
    expect(gate()).toMatch(/90 of \d+ Wh/);
    bench.rack.bank = { ...bench.rack.bank, usableLowWh: 900 };
    expect(gate()).toBeUndefined();
  });

  it('does not wait for ever for more than the bank will ever hold', () => {
    const bench = new Bench({ restore: { stableForS: 30 } });
    bench.goDark();
    bench.recharge();
    const gate = (): string | undefined => restoreGate(bench.state, bench.rack.snapshot(), bench.policy);
    bench.rack.bank = { ...bench.rack.bank, usableLowWh: 90, powerW: 0 };
    bench.pass(200);
    // A charger may still wake up.
    expect(gate()).toMatch(/90 of \d+ Wh/);
    bench.pass(140);
    expect(gate()).toBeUndefined();
    bench.rack.bank = { ...bench.rack.bank, powerW: 100 };
    expect(gate()).toMatch(/90 of \d+ Wh/);
  });

  it('names a host that has no room, goes on with the others, and starts it when there is room', () => {
    const bench = new Bench({ hosts: { cp1: { powerW: 500 } } });
    Object.assign(bench.rack.host('cp1'), { powerW: 300 });
    bench.goDark();
    bench.recharge();
    bench.rack.drawnW = 0;
    for (let second = 0; second < 200; second += 1) {
      bench.pass();
      for (const { targets } of bench.flying('power'))
        for (const { host } of targets) bench.rack.booted(host, 'boot-2');
      bench.answer('power');
      bench.answer('uncordon');
    }
    expect(bench.host('cp1')).toMatchObject({
      phase: 'cut',
      trouble: expect.stringMatching(/takes 420 W while it boots, switch sw1 has 400 W/),
    });
    expect(bench.all('up', ['b1', 'b2', 'w1', 'w2', 'cp2'])).toBe(true);
    bench.rack.budgetW = 600;
    bench.pass(15);
    bench.rack.booted('cp1', 'boot-2');
    bench.answer('power');
    bench.pass();
    bench.answer('uncordon');
    bench.pass();
    expect(bench.all('up')).toBe(true);
    expect(bench.state.runId).toBeUndefined();
  });
});

describe('an order from whoever commands the UPS', () => {
  const forced = (bench: Bench): void => {
    const snapshot = bench.rack.snapshot.bind(bench.rack);
    bench.rack.snapshot = () => ({ ...snapshot(), forcedShutdown: { ups: 'apc', because: 'FSD', onMains: false } });
  };

  it('begins everything on battery, and nobody but mains can end it', () => {
    const bench = new Bench();
    bench.loseMains();
    forced(bench);
    bench.pass();
    expect(bench.state.stages.map(({ trigger }) => trigger)).toEqual(['external', 'external', 'external']);
    expect(bench.flying('cordon')).toHaveLength(6);
    expect(said(bench, { kind: 'abort' })).toMatchObject({ accepted: false });
    bench.rack.setMains('present');
    bench.pass();
    bench.answer('cordon');
    bench.answer('uncordon');
    expect(bench.all('up')).toBe(true);
  });

  it('is not followed on mains when that UPS is on battery: whoever pulled its plug has not ordered anything', () => {
    const bench = new Bench();
    bench.rack.setMains('present');
    forced(bench);
    bench.pass(5);
    expect(bench.effects).toEqual([]);
  });
});
