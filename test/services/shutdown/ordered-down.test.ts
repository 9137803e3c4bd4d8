import { describe, expect, it } from 'vitest';
import type { Rack } from '../../../services/rack/rack.ts';
import { picture } from '../../../services/shutdown/picture.ts';
import { adopt, aged, readShared } from '../../../services/shutdown/shared-state.ts';
import { Bench } from './bench.ts';

/** `upsmon -c fsd` while mains is there. */
class Ordered extends Bench {
  /** What the UPS `apc` shows: its flag, nothing of the kind, or nothing at all. */
  flag: 'raised' | 'none' | 'silent' | 'removed' = 'none';

  constructor() {
    super();
    const snapshot = this.rack.snapshot.bind(this.rack);
    this.rack.snapshot = () => ({ ...snapshot(), ...this.#ups() });
  }

  #ups(): Pick<Rack, 'ups' | 'forcedShutdown'> {
    if (this.flag === 'removed') return {};
    if (this.flag === 'silent') return { ups: { apc: { freshness: 'absent' } } };
    const sample = {
      kind: 'ups',
      measuredAtMs: 0,
      mainsPresent: true,
      forcedShutdown: this.flag === 'raised',
    } as const;
    const said = { ups: 'apc', because: 'everything is ordered down', onMains: true };
    return {
      ups: { apc: { freshness: 'fresh', sample } },
      ...(this.flag === 'raised' ? { forcedShutdown: said } : {}),
    };
  }

  /** The order is given, and everything does what it should. */
  goDown(): void {
    this.flag = 'raised';
    this.pass();
    this.answer('cordon');
    this.answer('drain');
    this.carryOn(60);
  }

  carryOn(seconds: number): void {
    for (let second = 0; second < seconds; second += 1) {
      for (const { host } of this.flying('halt')) this.rack.asleep(host);
      this.answer('halt');
      for (const { targets } of this.flying('cut'))
        for (const { host } of targets) Object.assign(this.rack.host(host), { enabled: false, portState: 'disabled' });
      this.answer('cut');
      for (const { targets } of this.flying('power')) for (const { host } of targets) this.rack.booted(host, 'boot-2');
      this.answer('power');
      this.answer('uncordon');
      this.pass();
    }
  }

  get shown(): ReturnType<typeof picture> {
    const { schedule } = this.take({ kind: 'tick' });
    return picture(this.state, schedule, this.rack.snapshot(), this.policy);
  }
}

describe('an order to go down that is given on mains', () => {
  it('takes everything down in order, in one run, and keeps it down', () => {
    const bench = new Ordered();
    bench.goDown();
    expect(bench.all('cut')).toBe(true);
    expect(bench.state).toMatchObject({ phase: 'mains', runId: expect.stringMatching(/^order-/) });
    expect(bench.state.stages.map(({ trigger }) => trigger)).toEqual(['external', 'external', 'external']);
    bench.carryOn(600);
    expect(bench.all('cut')).toBe(true);
    expect(bench.effects.filter(({ kind }) => kind === 'power')).toEqual([]);
    expect(bench.shown).toMatchObject({ orderedDown: 'ups apc', waitingFor: expect.stringMatching(/abort by hand/) });
    expect(bench.entries('ordered-down')).toHaveLength(1);
  });

  it('lasts while its UPS is silent and over a restart, and ends when it is seen without its flag', () => {
    const bench = new Ordered();
    bench.goDown();
    bench.flag = 'silent';
    bench.carryOn(300);
    expect(bench.all('cut')).toBe(true);
    bench.restart();
    bench.carryOn(60);
    expect(bench.all('cut')).toBe(true);
    bench.flag = 'none';
    bench.rack.bank = { ...bench.rack.bank, powerW: 50 };
    bench.carryOn(120);
    expect(bench.all('up')).toBe(true);
    expect(bench.state).not.toHaveProperty('orderedDown');
    expect(bench.state).not.toHaveProperty('runId');
    expect(bench.state.stages.map(({ beganMs }) => beganMs)).toEqual([undefined, undefined, undefined]);
    expect(bench.entries('ordered-down').map(({ began }) => began)).toEqual([true, false]);
  });

  it('ends too when its UPS is no longer configured', () => {
    const bench = new Ordered();
    bench.goDown();
    bench.flag = 'removed';
    bench.carryOn(120);
    expect(bench.all('up')).toBe(true);
  });

  it('gives back what was not halted when it is taken back in time', () => {
    const bench = new Ordered();
    bench.flag = 'raised';
    bench.pass();
    bench.answer('cordon');
    bench.flag = 'none';
    bench.pass();
    bench.answer('drain');
    bench.carryOn(5);
    expect(bench.all('up')).toBe(true);
    expect(bench.effects.filter(({ kind }) => kind === 'halt')).toEqual([]);
  });

  it('stands through an outage that comes in between', () => {
    const bench = new Ordered();
    bench.flag = 'raised';
    bench.pass();
    bench.answer('cordon');
    bench.loseMains();
    expect(bench.state.phase).toBe('shutting-down');
    bench.mainsReturns();
    bench.pass();
    expect(bench.state.phase).toBe('restoring');
    expect(bench.state.stages.every(({ beganMs }) => beganMs !== undefined)).toBe(true);
    bench.answer('cordon');
    bench.answer('drain');
    bench.carryOn(120);
    expect(bench.all('cut')).toBe(true);
    bench.flag = 'none';
    bench.carryOn(200);
    expect(bench.all('up')).toBe(true);
  });

  it('is overruled by a person, until the UPS has taken it back and gives another', () => {
    const bench = new Ordered();
    bench.goDown();
    expect(bench.command({ kind: 'abort' }).answer).toMatchObject({ accepted: true });
    bench.carryOn(120);
    expect(bench.all('up')).toBe(true);
    expect(bench.shown.orderedDown).toBeUndefined();
    bench.flag = 'none';
    bench.carryOn(5);
    expect(bench.state).not.toHaveProperty('orderedDown');
    bench.flag = 'raised';
    bench.pass();
    expect(bench.flying('cordon')).toHaveLength(6);
  });

  it('ends a rehearsal, allows to skip a host, and lets nothing be rehearsed or power-cycled', () => {
    const bench = new Ordered();
    expect(bench.command({ kind: 'rehearse', stage: 'batch', depth: 'drain' }).answer?.accepted).toBe(true);
    bench.flag = 'raised';
    bench.pass();
    expect(bench.state).not.toHaveProperty('rehearsal');
    expect(bench.command({ kind: 'skip', host: 'w1' }).answer?.accepted).toBe(true);
    expect(bench.command({ kind: 'rehearse', stage: 'batch', depth: 'drain' }).answer?.accepted).toBe(false);
    expect(bench.command({ kind: 'power-cycle', host: 'w1', force: true }).answer?.because).toMatch(
      /ordered everything/,
    );
    bench.answer('cordon');
    bench.answer('uncordon');
    bench.answer('drain');
    bench.carryOn(120);
    expect(bench.all('cut', ['b1', 'b2', 'w2', 'cp1', 'cp2'])).toBe(true);
    expect(bench.host('w1').phase).toBe('up');
  });

  it('leaves those alone that a person has skipped, also when that is all of them', () => {
    const bench = new Ordered();
    bench.flag = 'raised';
    bench.pass();
    for (const host of Object.keys(bench.state.hosts)) bench.command({ kind: 'skip', host });
    bench.answer('cordon');
    bench.carryOn(60);
    expect(bench.all('up')).toBe(true);
    expect(bench.host('w1').skipped).toBe(true);
  });

  it('goes along to the other management node', () => {
    const bench = new Ordered();
    bench.goDown();
    const state = aged(bench.state, bench.rack.nowMs);
    const shared = readShared(JSON.stringify({ kind: 'state', holder: 'a', life: 'x', epoch: 1, wallMs: 1, state }));
    expect(shared && adopt(new Ordered().state, shared.state, 5)).toMatchObject({ orderedDown: { ups: 'apc' } });
  });
});

describe('an order to go down that a person gives on mains', () => {
  const ordered = (): Ordered => {
    const bench = new Ordered();
    expect(bench.command({ kind: 'begin', onMains: true }).answer).toMatchObject({ accepted: true });
    bench.answer('cordon');
    bench.answer('drain');
    bench.carryOn(60);
    return bench;
  };

  it('is refused unless it says that mains does not matter', () => {
    const bench = new Ordered();
    expect(bench.command({ kind: 'begin' }).answer).toMatchObject({
      accepted: false,
      because: expect.stringMatching(/with onMains/),
    });
    bench.carryOn(5);
    expect(bench.all('up')).toBe(true);
  });

  it('takes everything down, keeps it down over a restart and an outage, and ends with an abort', () => {
    const bench = ordered();
    expect(bench.all('cut')).toBe(true);
    expect(bench.state.stages.map(({ trigger }) => trigger)).toEqual(['operator', 'operator', 'operator']);
    expect(bench.shown).toMatchObject({ orderedDown: 'a person', waitingFor: expect.stringMatching(/abort by hand/) });
    expect(bench.command({ kind: 'begin', onMains: true }).answer).toMatchObject({ accepted: false });
    bench.restart();
    bench.carryOn(120);
    bench.loseMains();
    bench.carryOn(60);
    expect(bench.state.phase).toBe('dark');
    bench.recharge();
    bench.carryOn(300);
    expect(bench.all('cut')).toBe(true);
    expect(bench.command({ kind: 'abort' }).answer).toMatchObject({ accepted: true });
    bench.carryOn(200);
    expect(bench.all('up')).toBe(true);
    expect(bench.state).toMatchObject({ phase: 'mains' });
    expect(bench.state.runId).toBeUndefined();
    expect(bench.state.orderedDown).toBeUndefined();
  });

  it('is over when it is aborted while mains is away', () => {
    const bench = new Ordered();
    bench.command({ kind: 'begin', onMains: true });
    bench.loseMains();
    expect(bench.command({ kind: 'abort' }).answer).toMatchObject({ accepted: true });
    expect(bench.state.orderedDown).toBeUndefined();
    bench.mainsReturns();
    bench.answer('cordon');
    bench.carryOn(120);
    expect(bench.all('up')).toBe(true);
  });

  it('gives way to nothing that a UPS says later', () => {
    const bench = ordered();
    bench.flag = 'raised';
    bench.carryOn(5);
    bench.flag = 'none';
    bench.carryOn(120);
    expect(bench.all('cut')).toBe(true);
  });
});
