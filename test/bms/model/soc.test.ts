import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ChemistryId, ocvAt } from '../../../bms/model/chemistry/chemistry.ts';
import { packOcvV, packOf, packResistanceOhm } from '../../../bms/model/pack.ts';
import type { PackSample } from '../../../bms/model/sample.ts';
import { bmsSoc, type SocState, socStart, socStep } from '../../../bms/model/soc.ts';
import { BadMeterWorld } from './bad-meter-world.ts';
import { column, look } from './fixtures.ts';

const lfp = packOf({ chemistry: 'lifepo4', cells: 16, capacityAh: 100 });
const lto = packOf({ chemistry: 'lto', cells: 20, capacityAh: 40 });
const pack = (rest: Partial<PackSample>): PackSample => ({ kind: 'pack', measuredAtMs: 0, ...rest });

/** What an ideal pack shows at this charge and current. */
const showing = (spec: typeof lfp, soc: number, currentA: number, rest: Partial<PackSample> = {}): PackSample => {
  const voltageV = packOcvV(spec, soc) + currentA * packResistanceOhm(spec, soc);
  return pack({ voltageV, currentA, cellsV: Array(spec.cells).fill(voltageV / spec.cells), ...rest });
};
const repeat = (state: SocState, sample: PackSample, dtS: number, times: number, spec = lfp): SocState => {
  let now = state;
  for (let i = 0; i < times; i++) now = socStep(now, sample, dtS, spec);
  return now;
};

describe('the first state', () => {
  it('is the BMS figure, widely distrusted', () => {
    const state = socStart(showing(lfp, 0.6, -5, { socRatio: 0.72 }), lfp);
    expect(state).toMatchObject({ socRatio: 0.72, sigma: 0.15, anchor: 'bms', driftRatio: 0 });
  });

  it('comes from the remaining charge where the BMS gives no ratio', () => {
    expect(socStart(pack({ remainingAh: 45, fullAh: 90 }), lfp).socRatio).toBeCloseTo(0.5, 9);
    expect(socStart(pack({ remainingAh: 45 }), lfp).socRatio).toBeCloseTo(0.45, 9);
    expect(bmsSoc(pack({ remainingAh: 45, fullAh: 0 }), lfp)).toBeCloseTo(0.45, 9);
    expect(bmsSoc(pack({ socRatio: Number.NaN }), lfp)).toBeUndefined();
    expect(bmsSoc(pack({ socRatio: -0.2 }), lfp)).toBeUndefined();
  });

  it('listens to a voltage that knows better: a BMS that says 80 % at 2.95 V', () => {
    const state = socStart(pack({ voltageV: 16 * 2.95, currentA: -1, socRatio: 0.8 }), lfp);
    expect(state.socRatio).toBeLessThan(0.1);
    expect(state.anchor).toBe('voltage');
    expect(state.driftRatio).toBeLessThan(-0.7);
  });

  it('does not let the plateau talk it out of a BMS figure', () => {
    expect(socStart(showing(lfp, 0.5, 0, { socRatio: 0.8 }), lfp)).toMatchObject({ socRatio: 0.8, sigma: 0.15 });
  });

  it('comes from the voltage where there is no BMS figure, and is half and half where there is nothing', () => {
    const heard = socStart(showing(lto, 0.4, -3), lto);
    expect(Math.abs(heard.socRatio - 0.4)).toBeLessThan(2 * heard.sigma);
    expect(heard.sigma).toBeLessThan(0.2);
    expect(socStart(pack({}), lfp)).toMatchObject({ socRatio: 0.5, anchor: 'none' });
    expect(socStart(pack({}), lfp).sigma).toBeGreaterThan(0.25);
  });

  it('goes by the emptiest cell', () => {
    const cellsV = Array(16).fill(3.3);
    cellsV[6] = 2.95;
    expect(socStart(pack({ cellsV, currentA: -1, socRatio: 0.6 }), lfp).socRatio).toBeLessThan(0.1);
  });

  it('is not fooled by a sense wire that fell off', () => {
    const cellsV = Array(16).fill(3.3);
    cellsV[6] = 0;
    expect(socStart(pack({ cellsV, currentA: -1, socRatio: 0.6 }), lfp).socRatio).toBeCloseTo(0.6, 2);
  });
});

describe('counting', () => {
  it('takes 10 A for an hour out of 100 Ah', () => {
    const start = socStart(showing(lfp, 0.7, -10, { socRatio: 0.7 }), lfp);
    const end = repeat(start, showing(lfp, 0.65, -10), 1, 3600);
    expect(end.socRatio).toBeCloseTo(0.6, 6);
    expect(end.sigma - start.sigma).toBeCloseTo(0.1 * 0.03 + 0.05 / 100, 4);
    expect(end.sinceAnchorS).toBe(3600);
    expect(end.driftRatio).toBeUndefined();
  });

  it('uses the aged capacity', () => {
    const old = packOf({ chemistry: 'lifepo4', cells: 16, capacityAh: 100, capacityRatio: 0.8 });
    const start = socStart(showing(old, 0.7, -10, { socRatio: 0.7 }), old);
    expect(repeat(start, showing(old, 0.65, -10), 10, 360, old).socRatio).toBeCloseTo(0.7 - 0.125, 6);
  });

  it('takes the mean of two readings', () => {
    const start = socStart(showing(lfp, 0.7, 0, { socRatio: 0.7 }), lfp);
    expect(socStep(start, showing(lfp, 0.7, -36), 100, lfp).socRatio).toBeCloseTo(0.7 - (18 * 100) / 3600 / 100, 9);
  });

  it('finds the current from power where the BMS tells only that', () => {
    const start = socStart(showing(lfp, 0.7, -10, { socRatio: 0.7 }), lfp);
    const sample = pack({ voltageV: 52, powerW: -520 });
    expect(repeat(start, sample, 10, 360).socRatio).toBeCloseTo(0.6, 6);
  });

  it('without a current keeps the figure and grows unsure', () => {
    const start = socStart(showing(lfp, 0.7, -10, { socRatio: 0.7 }), lfp);
    const blind = repeat(start, pack({ voltageV: 52.8 }), 10, 360);
    expect(blind.socRatio).toBe(start.socRatio);
    expect(blind.sigma).toBeCloseTo(0.15 + 0.1, 3);
  });

  it('a gap counts with what is known and grows unsure about the rest', () => {
    const start = socStart(showing(lfp, 0.7, -5, { socRatio: 0.7 }), lfp);
    const counted = repeat(start, showing(lfp, 0.7, -5), 10, 360);
    const gap = socStep(start, showing(lfp, 0.7, -5), 3600, lfp);
    expect(gap.socRatio).toBeCloseTo(counted.socRatio, 9);
    expect(gap.sigma).toBeGreaterThan(counted.sigma + 0.04);
  });

  it('a clock that stands, runs backwards or is not a number changes nothing', () => {
    const start = socStart(showing(lfp, 0.7, -50, { socRatio: 0.7 }), lfp);
    for (const dtS of [0, -1, -1e9, Number.NaN, Number.NEGATIVE_INFINITY]) {
      const after = socStep(start, showing(lfp, 0.7, -50), dtS, lfp);
      expect(after.socRatio).toBe(start.socRatio);
      expect(after.sigma).toBe(start.sigma);
    }
  });

  it('stays in 0..1, finite, with a sigma above 0, whatever a device says', () => {
    const number = fc.oneof(
      fc.double({ min: -300, max: 300, noNaN: true }),
      fc.double(),
      fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 1e308),
    );
    const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
    const sample = fc
      .record({
        voltageV: maybe(fc.oneof(number, fc.double({ min: 40, max: 58, noNaN: true }))),
        currentA: maybe(number),
        powerW: maybe(number),
        socRatio: maybe(number),
        remainingAh: maybe(number),
        fullAh: maybe(number),
        cellsV: maybe(fc.array(fc.oneof(number, fc.double({ min: 1.5, max: 3.7, noNaN: true })), { maxLength: 20 })),
        temperaturesC: maybe(fc.array(number, { maxLength: 4 })),
      })
      .map((fields) => pack(Object.fromEntries(Object.entries(fields).filter(([, v]) => v !== undefined))));
    const dt = fc.oneof(fc.constantFrom(1, 60, 1000), number);
    const spec = fc.constantFrom(lfp, lto);
    fc.assert(
      fc.property(spec, sample, fc.array(fc.tuple(sample, dt), { maxLength: 40 }), (one, first, steps) => {
        let state = socStart(first, one);
        for (const [next, dtS] of steps) {
          state = socStep(state, next, dtS, one);
          for (const value of Object.values(state))
            if (typeof value === 'number') expect(value).toSatisfy(Number.isFinite);
          expect(state.socRatio).toBeGreaterThanOrEqual(0);
          expect(state.socRatio).toBeLessThanOrEqual(1);
          expect(state.sigma).toBeGreaterThan(0);
          expect(state.sigma).toBeLessThanOrEqual(0.5);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('is plain data: goes through JSON unharmed', () => {
    const start = socStart(showing(lfp, 0.7, -5, { socRatio: 0.6 }), lfp);
    const later = repeat(start, showing(lfp, 0.7, -5, { socRatio: 0.6 }), 1, 50);
    expect(JSON.parse(JSON.stringify(later))).toEqual(later);
  });
});

describe('a wrong BMS figure', () => {
  it('is put right at rest where LiFePO4 is steep: BMS 45 %, cells at 6 %', () => {
    const sample = showing(lfp, 0.06, 0, { socRatio: 0.45 });
    const start = { ...socStart(pack({ socRatio: 0.45, currentA: 0 }), lfp) };
    const end = repeat(start, sample, 1, 1200);
    expect(Math.abs(end.socRatio - 0.06)).toBeLessThan(0.03);
    expect(end).toMatchObject({ anchor: 'rest' });
    expect(end.sigma).toBeLessThan(0.03);
    expect(end.driftRatio).toBeCloseTo(end.socRatio - 0.45, 9);
  });

  it('on the plateau is corrected no further than the curve supports, however long the rest', () => {
    const sample = showing(lfp, 0.5, 0, { socRatio: 0.8 });
    const start = socStart(sample, lfp);
    const anHour = repeat(start, sample, 10, 360);
    const aDay = repeat(anHour, sample, 10, 8640 - 360);
    expect(anHour.socRatio).toBeGreaterThan(0.65);
    expect(anHour.socRatio).toBeLessThan(0.8);
    expect(anHour.sigma).toBeGreaterThan(0.08);
    expect(aDay.sigma).toBeGreaterThan(0.08);
    expect(aDay.socRatio).toBeGreaterThan(0.6);
  });

  it('after a count from full the plateau says nothing', () => {
    const full = repeat(socStart(pack({ socRatio: 0.9 }), lfp), showing(lfp, 0.997, 0.5), 1, 200);
    expect(full.anchor).toBe('full');
    const half = repeat(full, showing(lfp, 0.7, -10), 10, 1800);
    const rested = repeat(half, showing(lfp, 0.6, 0), 10, 720);
    expect(half.socRatio).toBeCloseTo(full.socRatio - 0.5, 2);
    expect(Math.abs(rested.socRatio - half.socRatio)).toBeLessThan(0.01);
  });

  it('of an LTO pack is put right at rest anywhere', () => {
    for (const truth of [0.15, 0.4, 0.6, 0.85]) {
      const sample = showing(lto, truth, 0, { socRatio: 0.5 });
      const end = repeat(socStart(sample, lto), sample, 1, 700, lto);
      expect(Math.abs(end.socRatio - truth)).toBeLessThan(0.08);
      expect(end.sigma).toBeLessThan(0.08);
    }
  });
});

describe('anchors', () => {
  it('full: charge voltage and a tail current', () => {
    const charging = showing(lfp, 0.997, 3, { socRatio: 0.7 });
    const start = socStart(pack({ socRatio: 0.7, currentA: 3 }), lfp);
    expect(repeat(start, charging, 1, 30).anchor).toBe('bms');
    const end = repeat(start, charging, 1, 120);
    expect(end.anchor).toBe('full');
    expect(end.socRatio).toBeGreaterThan(0.98);
    expect(end.sigma).toBeLessThan(0.02);
  });

  it('not full while the current is still high: the voltage is the charger’s', () => {
    const charging = showing(lfp, 0.9, 30, { cellsV: Array(16).fill(3.45), voltageV: 55.2 });
    const start = socStart(pack({ socRatio: 0.7, currentA: 30 }), lfp);
    expect(repeat(start, charging, 1, 200).anchor).toBe('bms');
  });

  it('full, for LTO', () => {
    const charging = showing(lto, 0.982, 1, { socRatio: 0.7 });
    const end = repeat(socStart(pack({ socRatio: 0.7, currentA: 1 }), lto), charging, 1, 120, lto);
    expect(end.anchor).toBe('full');
    expect(end.socRatio).toBeGreaterThan(0.96);
  });

  it('empty: under load, below the knee', () => {
    const start = socStart(pack({ socRatio: 0.3, currentA: -10 }), lfp);
    const end = repeat(start, showing(lfp, 0.03, -10), 1, 60);
    expect(end.anchor).toBe('empty');
    expect(Math.abs(end.socRatio - 0.03)).toBeLessThan(0.02);
  });

  it('empty is less sure under a heavier load, and less sure than a rest', () => {
    const unknown = (spec: typeof lfp): SocState => socStart(pack({ socRatio: 0.3 }), spec);
    const lfpAt = (amperes: number): number => repeat(unknown(lfp), showing(lfp, 0.05, amperes), 1, 60).sigma;
    expect(lfpAt(-100)).toBeGreaterThan(lfpAt(-5) * 1.5);
    const loaded = repeat(unknown(lto), showing(lto, 0.048, -5), 1, 60, lto);
    const rested = repeat(unknown(lto), showing(lto, 0.048, 0), 10, 720, lto);
    expect([loaded.anchor, rested.anchor]).toEqual(['empty', 'rest']);
    expect(loaded.sigma).toBeGreaterThan(rested.sigma * 1.3);
  });

  it('a deep sag under a heavy load is not mistaken for empty', () => {
    const start = socStart(pack({ socRatio: 0.5, currentA: -150 }), lfp);
    const sagging = showing(lfp, 0.5, -150);
    expect(sagging.cellsV?.[0]).toBeLessThan(3.12);
    expect(repeat(start, sagging, 1, 60).socRatio).toBeGreaterThan(0.4);
  });

  it('rest: not before its time, and from the start after a gap or a jump', () => {
    const rested = showing(lfp, 0.05, 0);
    const start = socStart(pack({ socRatio: 0.4, currentA: 0 }), lfp);
    const almost = repeat(start, rested, 1, 890);
    expect(almost.anchor).toBe('bms');
    expect(repeat(almost, rested, 1, 30).anchor).toBe('rest');
    expect(socStep(almost, rested, 600, lfp).restS).toBe(0);
    expect(socStep(almost, showing(lfp, 0.02, 0), 1, lfp).restS).toBe(0);
    expect(socStep(almost, showing(lfp, 0.05, -10), 1, lfp).restS).toBe(0);
  });

  it('one wild reading in a rest changes nothing', () => {
    const rested = showing(lfp, 0.6, 0);
    const before = repeat(socStart(showing(lfp, 0.6, 0, { socRatio: 0.6 }), lfp), rested, 1, 1800);
    const after = socStep(before, showing(lfp, 0.01, 0), 1, lfp);
    expect(after.socRatio).toBeCloseTo(before.socRatio, 4);
    expect(after.anchor).toBe(before.anchor);
  });

  it('hysteresis: the same charge is found after a charge and after a discharge', () => {
    const hysteresis = column('ocv-lfp.csv', 'hyst_v');
    const truth = 0.25;
    const restedAfter = (direction: 1 | -1): number => {
      const before = socStart(pack({ socRatio: truth - direction * 0.2, currentA: direction * 20 }), lfp);
      const moved = repeat(before, pack({ currentA: direction * 20 }), 10, 360);
      const cellV = ocvAt(lfp.chemistry, truth) + direction * look(hysteresis, truth);
      const voltageV = cellV * 16;
      return repeat(moved, pack({ voltageV, currentA: 0 }), 10, 180).socRatio;
    };
    expect(Math.abs(restedAfter(1) - truth)).toBeLessThan(0.06);
    expect(Math.abs(restedAfter(-1) - truth)).toBeLessThan(0.06);
  });
});

describe('weeks with a bad meter', () => {
  function weeks(chemistry: ChemistryId, seed: number): { worst: number; meanSigma: number } {
    const world = new BadMeterWorld(chemistry, seed);
    const dtS = 20;
    const steps = (14 * 86_400) / dtS;
    let state = socStart(world.step(dtS), world.spec);
    let worst = 0;
    let sigmas = 0;
    for (let i = 0; i < steps; i++) {
      state = socStep(state, world.step(dtS), dtS, world.spec);
      worst = Math.max(worst, Math.abs(state.socRatio - world.soc) / state.sigma);
      sigmas += state.sigma;
    }
    return { worst, meanSigma: sigmas / steps };
  }

  it.each([1, 2, 3, 4, 5, 6])('LiFePO4, world %i: never more than three sigma off, and still of use', (seed) => {
    const { worst, meanSigma } = weeks('lifepo4', seed);
    expect(worst).toBeLessThan(3);
    expect(meanSigma).toBeLessThan(0.03);
  });

  it.each([1, 2, 3, 4, 5, 6])('LTO, world %i: never more than three sigma off, and still of use', (seed) => {
    const { worst, meanSigma } = weeks('lto', seed);
    expect(worst).toBeLessThan(3);
    expect(meanSigma).toBeLessThan(0.03);
  });

  it('are not won by the meter: without voltages a 50 mA offset is 40 % after two weeks', () => {
    const start = socStart(pack({ socRatio: 0.5, currentA: 0.05 }), lto);
    const end = repeat(start, pack({ currentA: 0.05 }), 60, 14 * 1440, lto);
    expect(end.socRatio - 0.5).toBeGreaterThan(0.4);
    expect(end.sigma).toBe(0.5);
  });
});

describe('a count that has lost its thread', () => {
  const lost = (ours: number): SocState => ({
    ...socStart(showing(lfp, ours, -5, { socRatio: ours }), lfp),
    sigma: 0.45,
    countedSigma: 0.45,
    voltageSigma: 0,
  });

  it('begins anew with what the BMS says, as it would without a past', () => {
    const found = socStep(lost(0.6), showing(lfp, 0.65, -5, { socRatio: 0.65 }), 1, lfp);
    expect(found).toMatchObject({ socRatio: 0.65, anchor: 'bms' });
    expect(found.sigma).toBeCloseTo(0.15, 2);
  });

  it('takes how far the two are apart for doubt', () => {
    const found = socStep(lost(0.5), showing(lfp, 0.6, -5, { socRatio: 0.8 }), 1, lfp);
    expect(found.sigma).toBeGreaterThanOrEqual(0.29);
    const far = socStep(lost(0.3), showing(lfp, 0.6, -5, { socRatio: 0.95 }), 1, lfp);
    expect(far.socRatio).toBeCloseTo(0.3, 2);
    expect(far.sinceAnchorS).toBe(1);
  });

  it('keeps its own figure while that is still better than a percentage', () => {
    const start = { ...lost(0.6), sigma: 0.25, countedSigma: 0.25 };
    expect(socStep(start, showing(lfp, 0.65, -5, { socRatio: 0.75 }), 1, lfp).socRatio).toBeCloseTo(0.6, 2);
  });
});
