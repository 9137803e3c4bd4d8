import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { forecast } from '../../../services/shutdown/forecast.ts';
import {
  haltedBelowW,
  type Learned,
  learn,
  nothingLearned,
  plannedStepS,
  takenBy,
} from '../../../services/shutdown/learned.ts';
import { LearnedFile } from '../../../services/shutdown/learned-file.ts';
import { withLearned } from '../../../services/shutdown/policy.ts';
import type { HostState } from '../../../services/shutdown/state.ts';
import { Bench } from './bench.ts';

/** A bench that learns after every turn, as the coordinator does. */
class Pupil extends Bench {
  learned: Learned = nothingLearned;

  override take(input: Parameters<Bench['take']>[0]): ReturnType<Bench['take']> {
    const before = this.state;
    const decision = super.take(input);
    this.learned = learn(this.learned, before, decision.entries, this.rack.snapshot(), this.policy);
    return decision;
  }
}

describe('what an outage teaches', () => {
  it('how long each step took, and what hosts draw halted and awake', () => {
    const pupil = new Pupil();
    pupil.loseMains();
    pupil.runShort();
    pupil.pass(3);
    pupil.answer('cordon');
    pupil.pass(7);
    pupil.answer('drain');
    pupil.pass();
    for (const { host } of pupil.flying('halt')) pupil.rack.asleep(host);
    pupil.answer('halt');
    pupil.pass(4);
    pupil.answer('cut');
    const { tookS, awakeW, haltedW } = pupil.learned;
    expect(tookS['cordon:b1']).toEqual([3]);
    expect(tookS['drain:batch']).toEqual([7, 7]);
    expect(tookS['halt:b1']?.[0]).toBeGreaterThanOrEqual(3);
    expect(tookS['cut:b1']).toHaveLength(1);
    expect(haltedW.b1).toEqual([1.1]);
    expect(awakeW.b1).toEqual([7]);
  });

  it('nothing from a drain that nobody answered, and the whole time of one whose pods did not go', () => {
    const drained = (detail: string): readonly number[] | undefined => {
      const pupil = new Pupil();
      pupil.loseMains();
      pupil.runShort();
      pupil.answer('cordon');
      pupil.pass(20);
      for (const effect of pupil.flying('drain')) pupil.end(effect, 'timeout', detail);
      return pupil.learned.tookS['drain:batch'];
    };
    expect(drained('the API does not answer')).toBeUndefined();
    expect(drained('left running: default/db-0')).toEqual([20, 20]);
  });

  it.each([
    ['was stuck', { trouble: 'does not halt' }],
    ['was forced', { forced: true }],
  ])('nothing from a step in a clean moment of a host that %s before it', (_, before) => {
    const pupil = new Pupil();
    pupil.goDark();
    const taught = (changed: object): Learned => {
      const { b1 } = pupil.state.hosts;
      if (b1 === undefined) throw new Error('no b1');
      const halted = { ...b1, phase: 'halted' as const, forced: false, ...changed };
      const state = { ...pupil.state, hosts: { ...pupil.state.hosts, b1: halted } };
      const cut = { kind: 'host', host: 'b1', change: { phase: 'cut' }, because: 'it is cut' } as const;
      return learn(nothingLearned, state, [cut], pupil.rack.snapshot(), pupil.policy);
    };
    expect(taught({}).tookS['cut:b1']).toHaveLength(1);
    expect(taught(before)).toBe(nothingLearned);
  });

  it('nothing from what was forced', () => {
    const pupil = new Pupil();
    pupil.loseMains();
    pupil.runShort();
    pupil.answer('cordon');
    pupil.answer('drain');
    pupil.answer('halt');
    pupil.pass(70);
    expect(pupil.host('b1').forced).toBe(true);
    expect(pupil.learned.tookS['halt:b1']).toBeUndefined();
    expect(pupil.learned.haltedW.b1).toBeUndefined();
  });
});

describe('a host that draws much when it is halted', () => {
  /** 4.2 W before, 3.1 W when it has halted: 0.65 of 4.2 W is 2.7 W. */
  const forced = (haltTaken: boolean, haltedW: number): Pupil => {
    const pupil = new Pupil();
    Object.assign(pupil.rack.host('b1'), { powerW: 4.2 });
    pupil.loseMains();
    pupil.runShort();
    pupil.answer('cordon');
    pupil.answer('drain');
    pupil.pass();
    pupil.answer('halt', haltTaken ? 'done' : 'unreachable');
    Object.assign(pupil.rack.host('b1'), { powerW: haltedW, reachable: false });
    pupil.pass(70);
    expect(pupil.host('b1').forced).toBe(true);
    return pupil;
  };

  it('teaches its draw although its port was cut by force, when it had taken its halt and drew less', () => {
    expect(forced(true, 3.1).learned).toMatchObject({ haltedW: { b1: [3.1] }, awakeW: { b1: [4.2] } });
    expect(forced(true, 3.1).learned.tookS['halt:b1']).toBeUndefined();
    expect(forced(false, 3.1).learned.haltedW.b1).toBeUndefined();
    expect(forced(true, 3.6).learned.haltedW.b1).toBeUndefined();
  });

  it('is no longer cut by force when that was seen often enough, as long as it is silent', () => {
    const often = { ...nothingLearned, haltedW: { b1: [3.1, 3.1, 3.2] }, awakeW: { b1: [4.2, 4.2, 4.2] } };
    const judged = (powerW: number, reachable?: boolean): HostState => {
      const bench = new Bench({}, withLearned(new Bench().policy, often));
      Object.assign(bench.rack.host('b1'), { powerW: 4.2 });
      bench.loseMains();
      bench.runShort();
      bench.answer('cordon');
      bench.answer('drain');
      bench.pass();
      bench.answer('halt');
      Object.assign(bench.rack.host('b1'), { powerW, reachable });
      bench.pass(6);
      return bench.host('b1');
    };
    expect(judged(3.15, false)).toMatchObject({ phase: 'halted', forced: false });
    expect(judged(3.9, false).phase).toBe('halting');
    expect(judged(3.15, true).phase).toBe('halting');
  });
});

describe('planning with it', () => {
  const stage = { name: 'batch', hosts: ['b1', 'b2'], drainTimeoutS: 90, pdbGraceS: 15 };

  it('takes the slowest host of a stage', () => {
    const learned = { ...nothingLearned, tookS: { 'halt:b1': [5, 6, 7], 'halt:b2': [9, 8, 30] } };
    expect(takenBy(learned, 'halt', stage)).toEqual({ times: 3, medianS: 9, tailS: 30 });
    expect(takenBy(learned, 'cut', stage)).toBeUndefined();
  });

  it('plans the usual with margin and never less than the worst; a hint can only lengthen', () => {
    expect(plannedStepS(undefined, 30, 1.5)).toBe(45);
    expect(plannedStepS({ times: 1, medianS: 4, tailS: 4 }, 30, 1.5)).toBe(45);
    expect(plannedStepS({ times: 1, medianS: 60, tailS: 60 }, 30, 1.5)).toBe(90);
    expect(plannedStepS({ times: 5, medianS: 10, tailS: 12 }, 30, 1.5)).toBe(15);
    expect(plannedStepS({ times: 5, medianS: 10, tailS: 40 }, 30, 1.5)).toBe(40);
  });

  it('begins later when everything has proved quick, and earlier when it has proved slow', () => {
    const bench = new Bench();
    const begins = (learned: Learned): number =>
      forecast(bench.state, bench.rack.snapshot(), withLearned(bench.policy, learned), 0).stages.at(0)?.beginsInS ?? 0;
    const all = (seconds: number): Learned => ({
      ...nothingLearned,
      tookS: Object.fromEntries(
        ['batch', 'workers', 'control-plane'].map((name) => [`drain:${name}`, [seconds, seconds, seconds]]),
      ),
    });
    expect(begins(all(1))).toBeGreaterThan(begins(nothingLearned));
    expect(begins(all(80))).toBeLessThan(begins(nothingLearned));
  });

  it('never plans a drain beyond its time-out', () => {
    const bench = new Bench();
    const slow = { ...nothingLearned, tookS: { 'drain:batch': [9000, 9000, 9000] } };
    const [batch] = forecast(bench.state, bench.rack.snapshot(), withLearned(bench.policy, slow), 0).stages;
    expect(batch?.durationS).toBeLessThanOrEqual((2 + 90 + 10 + 2) * 1.5);
  });
});

describe('the draw of a halted host', () => {
  const with3 = (halted: number, awake: number): Learned => ({
    ...nothingLearned,
    haltedW: { b1: [halted, halted, halted] },
    awakeW: { b1: [awake, awake, awake] },
  });

  it('is a third of the way up, once both were seen often enough and differ', () => {
    expect(haltedBelowW(with3(1.2, 7.2), 'b1')).toBeCloseTo(3.2);
    expect(haltedBelowW(with3(1.2, 1.5), 'b1')).toBeUndefined();
    expect(haltedBelowW({ ...with3(1, 7), haltedW: { b1: [1] } }, 'b1')).toBeUndefined();
  });

  it('makes the judgement stricter and never laxer', () => {
    const below = (learned: Learned, powerW: number): string => {
      const bench = new Bench({}, withLearned(new Bench().policy, learned));
      bench.loseMains();
      bench.runShort();
      bench.answer('cordon');
      bench.answer('drain');
      Object.assign(bench.rack.host('b1'), { powerW, reachable: false });
      bench.pass(6);
      return bench.host('b1').phase;
    };
    // 0.65 of 7 W would be 4.55 W; a host that idles at 4 W must not count as off.
    expect(below(nothingLearned, 4)).toBe('halted');
    expect(below(with3(1.1, 6.5), 4)).toBe('halting');
    expect(below(with3(4, 20), 6)).toBe('halting');
  });
});

describe('its file', () => {
  const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const folder = (): string => mkdtempSync(join(tmpdir(), 'holdover-learned-'));

  it('comes back as it was written, and begins empty', () => {
    const file = new LearnedFile(folder(), log);
    expect(file.read()).toEqual(nothingLearned);
    const learned = { tookS: { 'drain:batch': [3.5] }, awakeW: { b1: [7] }, haltedW: { b1: [1] } };
    file.write(learned);
    expect(file.read()).toEqual(learned);
  });

  it('never brings in anything but sane figures', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const dir = folder();
        writeFileSync(join(dir, 'learned.json'), text);
        const { tookS, awakeW, haltedW } = new LearnedFile(dir, log).read();
        for (const list of [tookS, awakeW, haltedW].flatMap((each) => Object.values(each)))
          for (const value of list) expect(value).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 100 },
    );
    const dir = folder();
    writeFileSync(join(dir, 'learned.json'), '{"tookS":{"drain:a":[1,-2],"drain:b":[4],"drain:c":"x"}}');
    expect(new LearnedFile(dir, log).read().tookS).toEqual({ 'drain:b': [4] });
  });

  it('leaves nothing half-written and only complains when it cannot write', () => {
    const dir = folder();
    new LearnedFile(dir, log).write(nothingLearned);
    expect(readdirSync(dir)).toEqual(['learned.json']);
    log.warn.mockClear();
    new LearnedFile(join(dir, 'learned.json'), log).write(nothingLearned);
    expect(log.warn).toHaveBeenCalledOnce();
  });
});
