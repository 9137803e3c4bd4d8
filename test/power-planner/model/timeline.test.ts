import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lfp, lto } from '../../../bms/model/index.ts';
import {
  type LoadProfile,
  type PlannedPack,
  peakWatts,
  runtimeHours,
  stretchesOf,
  timeline,
} from '../../../power-planner/index.ts';
import { march } from './marching.ts';

const pack: PlannedPack = {
  cell: { ocv: 'lfp', capacityAh: 100, resistanceMohm: 1 },
  series: 16,
  parallel: 1,
  cutoffV: 46.4,
};

/** The first stretches, as hours and watts. */
function read(profile: LoadProfile, count = 8): readonly (readonly [number, number])[] {
  const found: [number, number][] = [];
  for (const { powerW, forS = Number.POSITIVE_INFINITY } of stretchesOf(profile)) {
    if (found.length === count) break;
    found.push([forS / 3600, powerW]);
  }
  return found;
}

describe('a load profile', () => {
  it('goes on with its last step', () => {
    expect(read({ steps: [{ untilH: 2, watts: 500 }, { untilH: 3, watts: 100 }, { watts: 50 }] })).toEqual([
      [2, 500],
      [1, 100],
      [Number.POSITIVE_INFINITY, 50],
    ]);
    const named = {
      steps: [
        { untilH: 2, watts: 500 },
        { untilH: 3, watts: 100 },
      ],
    };
    expect(read(named).at(-1)).toEqual([Number.POSITIVE_INFINITY, 100]);
    expect(
      read({
        steps: [
          { fromH: 1, watts: 9 },
          { fromH: 4, watts: 7 },
        ],
      }),
    ).toEqual([
      [1, 9],
      [3, 9],
      [Number.POSITIVE_INFINITY, 7],
    ]);
  });

  it('repeats, from the hour of the outage on, and holds the last step over midnight', () => {
    const day: LoadProfile = {
      steps: [
        { fromH: 8, watts: 400 },
        { fromH: 20, watts: 150 },
      ],
      repeatH: 24,
      startH: 21,
    };
    expect(read(day, 4)).toEqual([
      [3, 150],
      [8, 150],
      [12, 400],
      [4, 150],
    ]);
    expect(peakWatts(day)).toBe(400);
    expect(read({ steps: [{ untilH: 6, watts: 1 }, { watts: 2 }], repeatH: 12 }, 4)).toEqual([
      [6, 1],
      [6, 2],
      [6, 1],
      [6, 2],
    ]);
  });

  it('asks for the losses of each step', () => {
    const twice = [...stretchesOf({ steps: [{ untilH: 1, watts: 10 }, { watts: 20 }] }, (watts) => 2 * watts + 5)];
    expect(twice.map(({ powerW }) => powerW)).toEqual([25, 45]);
  });

  it.each([
    [{ steps: [] }, /at least one step/],
    [{ steps: [{ watts: -1 }] }, /step 1: watts is -1/],
    [{ steps: [{ watts: Number.NaN }] }, /step 1: watts/],
    [
      { steps: [{ untilH: 5, watts: 1 }, { untilH: 5, watts: 1 }, { watts: 1 }] },
      /step 2: untilH is 5: expected above 5/,
    ],
    [{ steps: [{ watts: 1 }, { untilH: 5, watts: 1 }] }, /step 1: expected untilH/],
    [
      {
        steps: [
          { fromH: 1, watts: 1 },
          { untilH: 5, watts: 1 },
        ],
      },
      /step 2: expected fromH/,
    ],
    [{ steps: [{ fromH: 30, watts: 1 }], repeatH: 24 }, /step 1: expected fromH from 0, below 24/],
    [
      {
        steps: [
          { fromH: 5, watts: 1 },
          { fromH: 4, watts: 1 },
        ],
        repeatH: 24,
      },
      /step 2: fromH is 4/,
    ],
    [{ steps: [{ watts: 1 }], repeatH: 0 }, /repeatH is 0/],
    [{ steps: [{ watts: 1 }], repeatH: 24, startH: 24 }, /startH is 24: expected 0 or more, below 24/],
    [{ steps: [{ watts: 1 }], startH: -1 }, /startH is -1/],
  ] as const satisfies readonly (readonly [LoadProfile, RegExp])[])(
    'that makes no sense is refused: %j',
    (profile, said) => {
      expect(() => [...stretchesOf(profile)]).toThrow(said);
    },
  );
});

describe('a timeline', () => {
  it('of one load is the plain runtime, with a curve that falls from full to the cut-off', () => {
    const { hours, energyWh, points, endedBy, socEnd } = timeline(pack, [{ powerW: 500 }]);
    const plain = runtimeHours({ pack, powerW: 500 });
    expect(hours).toBeCloseTo(plain.hours, 9);
    expect(energyWh).toBeCloseTo(plain.energyWh, 6);
    expect(endedBy).toBe('cut-off');
    expect(points.at(0)).toMatchObject({ hours: 0, socRatio: 1, watts: 500 });
    expect(points.at(-1)?.hours).toBeCloseTo(hours, 9);
    expect(points.at(-1)?.socRatio).toBe(socEnd);
    expect(points.at(-1)?.volts).toBeCloseTo(46.4, 6);
    for (const [i, point] of points.entries()) {
      const before = points[i - 1];
      if (before === undefined) continue;
      expect(point.hours).toBeGreaterThan(before.hours);
      expect(point.volts).toBeLessThan(before.volts);
      expect(point.volts * point.amperes).toBeCloseTo(500, 6);
    }
  });

  it('says by what it ended', () => {
    expect(timeline(pack, [{ powerW: 500 }], { socStop: 0.5 })).toMatchObject({ endedBy: 'floor', socEnd: 0.5 });
    expect(timeline(pack, [{ powerW: 500, forS: 3600 }])).toMatchObject({ endedBy: 'time', hours: 1, energyWh: 500 });
    expect(timeline(pack, [{ powerW: 0 }])).toMatchObject({ endedBy: 'limit', energyWh: 0, socEnd: 1 });
    const flicker = stretchesOf({ steps: [{ untilH: 0.001, watts: 1 }, { watts: 2 }], repeatH: 0.002 });
    expect(timeline(pack, flicker)).toMatchObject({ endedBy: 'limit' });
    expect(timeline(pack, [{ powerW: 1e6 }, { powerW: 1 }])).toMatchObject({ endedBy: 'cut-off', hours: 0, socEnd: 1 });
    expect(
      timeline(pack, [
        { powerW: 100, untilSoc: 0.9 },
        { powerW: 50, untilSoc: 0.8 },
      ]).socEnd,
    ).toBeCloseTo(0.8, 9);
  });

  const watts = fc.double({ min: 0, max: 3000, noNaN: true });
  const load = fc.array(fc.record({ powerW: watts, forS: fc.double({ min: 1, max: 40_000, noNaN: true }) }), {
    minLength: 1,
    maxLength: 5,
  });

  it('loses no energy: what the cells gave is what came out and what became heat, by sums of their own', () => {
    fc.assert(
      fc.property(load, fc.constantFrom('lfp' as const, 'lto-nmc' as const), (stretches, ocv) => {
        const cell = { ...pack.cell, ocv };
        const cutoffV = ocv === 'lfp' ? 46.4 : 32;
        const planned = timeline({ ...pack, cell, cutoffV }, stretches);
        const table = (ocv === 'lfp' ? lfp : lto).facts.ocvV;
        const world = { ocvV: table, ohm: 0.016, series: 16, ah: 100, cutoffV };
        const marched = march(
          world,
          (hours) => {
            let until = 0;
            for (const { powerW, forS } of stretches) {
              until += forS / 3600;
              if (hours < until) return powerW;
            }
            return undefined;
          },
          { stepS: 20 },
        );
        const heatWh = planned.releasedWh - planned.energyWh;
        expect(heatWh).toBeGreaterThanOrEqual(-1e-6);
        expect(Math.abs(heatWh - marched.heatWh)).toBeLessThan(1 + 0.01 * marched.heatWh);
        expect(Math.abs(planned.energyWh - marched.deliveredWh)).toBeLessThan(20 + 0.002 * marched.deliveredWh);
        expect(Math.abs(marched.releasedWh - marched.deliveredWh - marched.heatWh)).toBeLessThan(1e-6 * 1e4);
      }),
      { numRuns: 25 },
    );
  });

  it('never runs longer with more load, colder or older', () => {
    const share = fc.double({ min: 0.2, max: 1, noNaN: true });
    const factor = fc.double({ min: 1, max: 4, noNaN: true });
    const some = fc.double({ min: 1, max: 3000, noNaN: true });
    fc.assert(
      fc.property(load, some, share, factor, share, (stretches, last, part, ohms, capacity) => {
        const all = [...stretches, { powerW: last }];
        const hours = timeline(pack, all).hours;
        const less = all.map((one) => ({ ...one, powerW: one.powerW * part }));
        expect(timeline(pack, less).hours).toBeGreaterThanOrEqual(hours - 1e-9);
        expect(timeline({ ...pack, resistanceFactor: ohms }, all).hours).toBeLessThanOrEqual(hours + 1e-9);
        expect(timeline({ ...pack, capacityFactor: capacity }, all).hours).toBeLessThanOrEqual(hours + 1e-9);
      }),
    );
  });
});
