import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  derate,
  fitLosses,
  inputPowerW,
  type PlannedPack,
  packSpecOf,
  reserve,
  runtimeHours,
  shed,
  triggerSoc,
} from '../../../power-planner/index.ts';

const lf280k: PlannedPack = { cell: { ocv: 'lfp', capacityAh: 280, resistanceMohm: 0.5 }, series: 16, parallel: 1 };
const gold = [
  [0.2, 0.87],
  [0.5, 0.9],
  [1, 0.87],
] as const;

describe('a pack on paper', () => {
  it('adds strings and wiring', () => {
    const spec = packSpecOf({ ...lf280k, parallel: 2, extraResistanceOhm: 0.002, cutoffV: 44.8 });
    expect(spec).toMatchObject({ cells: 16, capacityAh: 560, wiringOhm: 0.002 });
    expect(spec.resistanceOhm).toBeCloseTo(0.004, 9);
    expect(spec.cutoffCellV).toBeCloseTo(2.8, 9);
  });

  it('stops at the chemistry’s cut-off unless told', () => {
    expect(runtimeHours({ pack: lf280k, powerW: 281 }).hours).toBeCloseTo(51.15, 1);
    expect(runtimeHours({ pack: { ...lf280k, cutoffV: 46.4 }, powerW: 281 }).hours).toBeCloseTo(51.15, 1);
    const lower = runtimeHours({ pack: { ...lf280k, cutoffV: 40 }, powerW: 281 }).hours;
    expect(lower).toBeGreaterThan(51.5);
  });

  it('of a cold table resists more than of a warm one', () => {
    const at = (resistanceTable: 'lfp-10c' | 'lfp-25c' | 'lfp-40c'): number =>
      runtimeHours({ pack: { ...lf280k, cell: { ocv: 'lfp', capacityAh: 280, resistanceTable } }, powerW: 7000 }).hours;
    expect(at('lfp-10c')).toBeLessThan(at('lfp-25c'));
    expect(at('lfp-25c')).toBeLessThan(at('lfp-40c'));
  });

  it.each([
    { ...lf280k, series: 0 },
    { ...lf280k, parallel: 0.5 },
    { ...lf280k, cell: { ...lf280k.cell, capacityAh: -1 } },
    { ...lf280k, capacityFactor: Number.NaN },
  ])('that cannot be is refused', (pack) => {
    expect(() => runtimeHours({ pack, powerW: 100 })).toThrow(RangeError);
  });

  it('says when the pack cannot deliver the power at all', () => {
    expect(runtimeHours({ pack: lf280k, powerW: 1e6 })).toMatchObject({ hours: 0, socEnd: 1, endedBy: 'cut-off' });
  });
});

describe('shedding', () => {
  it('gives the worked example: 86.1 h against 51.2 h', () => {
    const answer = shed(lf280k, [{ powerW: 280.57, untilSoc: 0.5 }, { powerW: 140.28, untilSoc: 0.2 }, { powerW: 90 }]);
    const hours = answer.stages.map((stage) => Math.round(stage.hours * 100) / 100);
    expect(hours).toEqual([26.52, 31.39, 28.17]);
    expect(answer.hoursTotal).toBeCloseTo(86.1, 1);
    expect(answer.stages.map(({ endedBy }) => endedBy)).toEqual(['floor', 'floor', 'cut-off']);
  });

  it('by time and by charge, whichever comes first', () => {
    const answer = shed(lf280k, [
      { powerW: 500, untilS: 3600, untilSoc: 0.1 },
      { powerW: 500, untilS: 1e6, untilSoc: 0.9 },
      { powerW: 0, untilS: 7200 },
    ]);
    expect(answer.stages.map(({ endedBy }) => endedBy)).toEqual(['time', 'floor', 'time']);
    expect(answer.stages[0]?.energyWh).toBeCloseTo(500, 6);
    expect(answer.stages[1]?.socEnd).toBe(0.9);
    expect(answer.stages[2]).toMatchObject({ hours: 2, energyWh: 0, socEnd: 0.9 });
  });

  it('does not go on after the pack has switched off', () => {
    const answer = shed(lf280k, [{ powerW: 3000 }, { powerW: 100 }]);
    expect(answer.stages[0]?.endedBy).toBe('cut-off');
    expect(answer.stages[1]).toMatchObject({ hours: 0, endedBy: 'not-reached' });
  });

  it('a stage that is already past its charge takes no time', () => {
    const answer = shed(lf280k, [{ powerW: 300, untilSoc: 0.8 }, { powerW: 100 }], 0.5);
    expect(answer.stages[0]?.hours).toBe(0);
    expect(answer.stages[1]?.hours).toBeGreaterThan(60);
  });

  it('never shortens the run', () => {
    const watts = fc.double({ min: 10, max: 5000, noNaN: true });
    const soc = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(watts, fc.double({ min: 0, max: 1, noNaN: true }), soc, (powerW, part, untilSoc) => {
        const plain = runtimeHours({ pack: lf280k, powerW }).hours;
        const staged = shed(lf280k, [{ powerW, untilSoc }, { powerW: powerW * part }]).hoursTotal;
        expect(staged).toBeGreaterThanOrEqual(plain - 1e-6);
      }),
    );
  });
});

describe('reserve', () => {
  it('gives the worked examples: a big pack and a small one', () => {
    expect(reserve(14_346, { powerW: 281, durationS: 360, margin: 1.25 }).reserveWh).toBeCloseTo(35.1, 1);
    const small = reserve(1290, { powerW: 420, durationS: 600, margin: 1.5 });
    expect(small.reserveWh).toBeCloseTo(105, 6);
    expect(small.reserveRatio).toBeCloseTo(0.081, 3);
  });

  it('triggers on the meter’s error where the reserve is next to nothing', () => {
    expect(triggerSoc(0.021, 0.0024)).toBeCloseTo(0.071, 9);
    expect(triggerSoc(0.02, 0.081)).toBeCloseTo(0.101, 9);
  });

  it('of an empty pack is more than it has', () => {
    expect(reserve(0, { powerW: 1, durationS: 1, margin: 1 }).reserveRatio).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('a converter', () => {
  it('meets its three points and falls off below them', () => {
    const fit = fitLosses(450, gold);
    for (const [x, efficiency] of gold) expect((x * 450) / inputPowerW(fit, x * 450)).toBeCloseTo(efficiency, 9);
    expect(fit.a).toBeCloseTo(0.025543, 5);
    expect(fit.b).toBeCloseTo(-0.003831, 5);
    expect(fit.c).toBeCloseTo(0.127714, 5);
    expect(22.5 / inputPowerW(fit, 22.5)).toBeCloseTo(0.661, 3);
    expect(inputPowerW(fit, 0)).toBeCloseTo(450 * 0.025543, 3);
  });

  it('finds a known loss again from many points', () => {
    const truth = { ratedW: 200, a: 0.02, b: 0.03, c: 0.05 };
    const points = [0.1, 0.2, 0.4, 0.6, 0.8, 1].map((x): readonly [number, number] => [
      x,
      (x * 200) / inputPowerW(truth, x * 200),
    ]);
    const fit = fitLosses(200, points);
    expect(fit.a).toBeCloseTo(0.02, 9);
    expect(fit.b).toBeCloseTo(0.03, 9);
    expect(fit.c).toBeCloseTo(0.05, 9);
  });

  it('with one point is a plain efficiency, with two has a standing loss', () => {
    expect(inputPowerW(fitLosses(100, [[0.5, 0.8]]), 20)).toBeCloseTo(25, 9);
    const two = fitLosses(100, [
      [0.1, 0.5],
      [1, 0.9],
    ]);
    expect(inputPowerW(two, 10)).toBeCloseTo(20, 9);
    expect(inputPowerW(two, 100)).toBeCloseTo(100 / 0.9, 9);
    expect(two.a).toBeGreaterThan(0);
  });

  it('has no negative standing loss, even where its points would ask for one', () => {
    const fit = fitLosses(100, [
      [0.2, 0.99],
      [0.5, 0.95],
      [1, 0.93],
    ]);
    expect(fit.a).toBe(0);
    expect(inputPowerW(fit, 20)).toBeGreaterThan(20 / 0.99);
  });

  it('takes points at all but the same load for one', () => {
    const fit = fitLosses(100, [
      [0.5, 0.8],
      [0.5 + 1e-15, 0.8],
      [0.5 + 2e-15, 0.8],
    ]);
    expect(inputPowerW(fit, 20)).toBeCloseTo(25, 9);
  });

  it('never gives more than it takes, whatever its points', () => {
    const point = fc.tuple(
      fc.double({ min: 0.01, max: 1.2, noNaN: true }),
      fc.double({ min: 0.05, max: 1, noNaN: true }),
    );
    fc.assert(
      fc.property(
        fc.array(point, { minLength: 1, maxLength: 6 }),
        fc.double({ min: 0, max: 1000, noNaN: true }),
        (points, outW) => {
          const inputW = inputPowerW(fitLosses(500, points), outW);
          expect(inputW).toBeGreaterThanOrEqual(outW);
          expect(Number.isFinite(inputW)).toBe(true);
        },
      ),
    );
  });

  it.each([
    ['no point', 100, []],
    ['no rating', 0, [[0.5, 0.9]]],
    ['an efficiency above 1', 100, [[0.5, 1.1]]],
    ['a load of 0', 100, [[0, 0.9]]],
  ] as const)('with %s is refused', (_, ratedW, points) => {
    expect(() => fitLosses(ratedW, points)).toThrow(RangeError);
  });
});

describe('derating', () => {
  it('LiFePO4: cautious by default, SAM on request, never above 1', () => {
    expect(derate('lifepo4', -20).capacityFactor).toBeCloseTo(0.5, 9);
    expect(derate('lifepo4', -10, 'sam').capacityFactor).toBeCloseTo(0.818, 9);
    expect(derate('lifepo4', 45, 'sam').capacityFactor).toBe(1);
    expect(derate('lifepo4', 0)).toMatchObject({ chargeCurrentFactor: 0 });
    expect(derate('lifepo4', 0).resistanceFactor).toBeCloseTo(1.89, 2);
  });

  it('LTO has one table and says so', () => {
    expect(derate('lto', 0).capacityFactor).toBeCloseTo(0.93, 9);
    expect(derate('lto', -10).chargeCurrentFactor).toBeGreaterThan(0);
    expect(() => derate('lto', 0, 'sam')).toThrow(/conservative/);
  });
});
