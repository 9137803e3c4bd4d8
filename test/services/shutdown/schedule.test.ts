import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planSchedule, type ScheduleInput, type StagePlan } from '../../../services/shutdown/schedule.ts';

const stage = (name: string, dropW: number, durationS: number, more: Partial<StagePlan> = {}): StagePlan => ({
  name,
  hosts: [name],
  state: 'waiting',
  dropW,
  durationS,
  ...more,
});

const base: ScheduleInput = {
  basis: 'live',
  usableWh: 1000,
  fullWh: 1000,
  socRatio: 1,
  reserveWh: 100,
  margin: 1,
  loadW: 360,
  onBatteryS: 0,
  held: false,
  stages: [stage('workers', 180, 100), stage('control-plane', 90, 100)],
};

describe('planSchedule', () => {
  it('computes the latest safe start backwards (by hand: 360 W for 100 s is 10 Wh, then 180 W for 100 s is 5 Wh)', () => {
    const { stages } = planSchedule(base);
    expect(stages[1]?.mustBeginBelowWh).toBeCloseTo(105, 9);
    expect(stages[0]?.mustBeginBelowWh).toBeCloseTo(115, 9);
    // 885 Wh at 360 W.
    expect(stages[0]?.beginsInS).toBeCloseTo(8850, 6);
    // Back to back: the second begins when the first is down.
    expect(stages[1]?.beginsInS).toBeCloseTo(8950, 6);
    expect(stages.map(({ decidedBy }) => decidedBy)).toEqual(['energy', 'energy']);
    expect(stages[1]?.loadAfterW).toBeCloseTo(90, 9);
  });

  it('lets a set trigger make a stage earlier, which makes the next one later', () => {
    const early = planSchedule({
      ...base,
      stages: [stage('workers', 180, 100, { afterS: 300 }), stage('cp', 90, 100)],
    });
    expect(early.stages[0]).toMatchObject({ beginsInS: 300, decidedBy: 'after' });
    expect(early.stages[1]?.beginsInS).toBeGreaterThan(planSchedule(base).stages[1]?.beginsInS ?? 0);
  });

  it.each([
    ['soc', { belowSoc: 0.5 }, (500 * 3600) / 360],
    ['runtime', { belowRuntimeS: 3600 }, (640 * 3600) / 360],
  ] as const)('begins by %s', (by, trigger, inS) => {
    const { stages } = planSchedule({ ...base, stages: [stage('a', 180, 100, trigger)] });
    expect(stages[0]?.decidedBy).toBe(by);
    expect(stages[0]?.beginsInS).toBeCloseTo(inS, 6);
  });

  it('holds back what a user set but never the energy', () => {
    const stages = [stage('a', 180, 100, { afterS: 10, belowSoc: 0.9, belowRuntimeS: 9000 })];
    expect(planSchedule({ ...base, held: true, stages }).stages[0]?.decidedBy).toBe('energy');
  });

  it('says when even beginning now would touch the reserve', () => {
    const late = planSchedule({ ...base, usableWh: 110 });
    expect(late.feasible).toBe(false);
    expect(late.stages[0]?.beginsInS).toBe(0);
  });

  it('does not predict from nothing: without any battery figure it waits a minute and then begins', () => {
    const { usableWh: _, ...blind } = base;
    expect(planSchedule(blind).stages[0]).toMatchObject({ beginsInS: 60 });
    expect(planSchedule({ ...blind, onBatteryS: 61 }).stages[0]?.beginsInS).toBe(0);
  });

  it('keeps the promise it makes: following it burns down to the reserve and not below', () => {
    const plan = fc.record({
      loadW: fc.double({ min: 50, max: 2000, noNaN: true }),
      usableWh: fc.double({ min: 1, max: 5000, noNaN: true }),
      stages: fc.array(
        fc.tuple(fc.double({ min: 0, max: 0.9, noNaN: true }), fc.double({ min: 1, max: 900, noNaN: true })),
        {
          minLength: 1,
          maxLength: 6,
        },
      ),
    });
    fc.assert(
      fc.property(plan, ({ loadW, usableWh, stages: rows }) => {
        const reserveWh = usableWh * 0.1;
        let left = loadW;
        const stages = rows.map(([share, durationS], index) => {
          const dropW = left * share;
          left -= dropW;
          return stage(`s${index}`, dropW, durationS);
        });
        const schedule = planSchedule({ ...base, loadW, usableWh, fullWh: usableWh, reserveWh, stages });
        if (!schedule.feasible) return;
        let energyWh = usableWh;
        let atS = 0;
        let powerW = loadW;
        schedule.stages.forEach((row, index) => {
          // Stages begin in order and never overlap by the energy trigger alone.
          const beginsInS = row.beginsInS ?? Number.POSITIVE_INFINITY;
          if (!Number.isFinite(beginsInS)) return;
          expect(beginsInS).toBeGreaterThanOrEqual(atS - 1e-3 - 1e-6 * atS);
          const endS = beginsInS + row.durationS;
          energyWh -= (powerW * (endS - atS)) / 3600;
          atS = endS;
          powerW = Math.max(0, powerW - (stages[index]?.dropW ?? 0));
        });
        expect(energyWh).toBeGreaterThanOrEqual(reserveWh - 1e-6 * usableWh - 1e-6);
      }),
    );
  });

  it('begins no later when the load is higher or the battery emptier', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 50, max: 1000, noNaN: true }),
        fc.double({ min: 1, max: 2, noNaN: true }),
        fc.double({ min: 10, max: 1000, noNaN: true }),
        (loadW, factor, usableWh) => {
          const at = (load: number, energy: number): number =>
            planSchedule({ ...base, loadW: load, usableWh: energy }).stages[0]?.beginsInS ?? Number.POSITIVE_INFINITY;
          expect(at(loadW * factor, usableWh)).toBeLessThanOrEqual(at(loadW, usableWh) + 1e-6);
          expect(at(loadW, usableWh / factor)).toBeLessThanOrEqual(at(loadW, usableWh) + 1e-6);
        },
      ),
    );
  });
});
