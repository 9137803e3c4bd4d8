import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Comparison,
  compareOutage,
  type OcvName,
  outageWindow,
  type PlannedPack,
  type Reading,
  runtimeHours,
  TooLittleError,
} from '../../../power-planner/index.ts';
import { recordedOutage, type Truth } from './outages.ts';

const planned: PlannedPack = {
  cell: { ocv: 'lfp', capacityAh: 100, resistanceMohm: 1 },
  series: 16,
  parallel: 1,
  cutoffV: 46.4,
};
const real = (capacityFactor: number, resistanceFactor: number, ocv: OcvName = 'lfp'): PlannedPack => ({
  ...planned,
  cell: { ...planned.cell, ocv },
  capacityFactor,
  resistanceFactor,
});
/** Two minutes of rest, then a rack that works now and then. */
const rack = (seconds: number): number => {
  if (seconds < 120) return 0;
  return 300 + 150 * Math.sin(seconds / 900) + (seconds % 7200 < 1200 ? 300 : 0);
};

const windowOf = (readings: readonly Reading[]) => outageWindow({ readings, beganMs: undefined, notes: [] });

function compared(truth: Truth, more: { plannedW?: number; socStart?: number } = {}): Comparison {
  return compareOutage({ pack: planned, outage: windowOf(recordedOutage(truth)), ...more });
}

describe('a made outage', () => {
  it('to the end gives capacity within 2 %, resistance within 20 % and the runtime within 1 %', () => {
    const world = fc.record({
      q: fc.double({ min: 0.5, max: 1.15, noNaN: true }),
      f: fc.double({ min: 0.7, max: 3, noNaN: true }),
      seed: fc.nat(1000),
    });
    fc.assert(
      fc.property(world, ({ q, f, seed }) => {
        const truth = { pack: real(q, f), socStart: 1, powerW: rack, seed };
        const { fit, hours, measured } = compared(truth, { socStart: 1 });
        expect(Math.abs(fit.capacityRatio.value / q - 1)).toBeLessThan(0.02);
        expect(Math.abs(fit.capacityRatio.value - q)).toBeLessThan(3 * fit.capacityRatio.sigma);
        expect(Math.abs(fit.resistanceRatio.value / f - 1)).toBeLessThan(0.2);
        expect(measured.toCutoff).toBe(true);
        expect(Math.abs(hours.real / measured.hours - 1)).toBeLessThan(0.01);
        expect(fit.notes).toEqual([]);
      }),
      { numRuns: 10 },
    );
  });

  it('that ends early keeps the truth within three standard deviations, which are larger', () => {
    for (const seed of [1, 2, 3]) {
      const truth = { pack: real(0.8, 1.5), socStart: 1, powerW: rack, seed };
      const early = compared({ ...truth, hours: 4 }, { socStart: 1 });
      const full = compared(truth, { socStart: 1 });
      expect(early.measured.toCutoff).toBe(false);
      expect(Math.abs(early.fit.capacityRatio.value - 0.8)).toBeLessThan(3 * early.fit.capacityRatio.sigma);
      expect(early.fit.capacityRatio.sigma).toBeGreaterThan(full.fit.capacityRatio.sigma);
      expect(early.fit.capacityAh.value).toBeCloseTo(100 * early.fit.capacityRatio.value, 9);
    }
  });

  it('at a steady load without the minutes before it says that the resistance is a guess', () => {
    const { fit } = compared({ pack: real(0.9, 2), socStart: 1, powerW: () => 400, hours: 5 }, { socStart: 1 });
    expect(fit.notes).toContainEqual(expect.stringMatching(/^the resistance is a guess/));
  });

  it('on a plateau says that the capacity is a guess, and tells how much of one', () => {
    const { fit } = compared({ pack: real(0.6, 1), socStart: 0.9, powerW: () => 300, hours: 1, noiseV: 0.15 });
    expect(fit.notes).toContainEqual(expect.stringMatching(/^the capacity is a guess/));
    expect(Math.abs(fit.capacityRatio.value - 0.6)).toBeLessThan(3 * fit.capacityRatio.sigma);
  });

  it('of cells with another curve gives the runtime all the same, and says that the curve is another', () => {
    const { fit, hours, measured } = compared(
      { pack: real(0.8, 1.5, 'prada2013'), socStart: 1, powerW: rack },
      { socStart: 1 },
    );
    expect(Math.abs(hours.real / measured.hours - 1)).toBeLessThan(0.02);
    expect(fit.notes).toContainEqual(expect.stringMatching(/another curve/));
  });

  it('says how far the plan was off, and because of what', () => {
    const { hours, hoursByPack, energyWh, load, advice } = compared(
      { pack: real(0.8, 1.5), socStart: 1, powerW: (s) => (s < 120 ? 0 : 400 + (s % 3600 < 600 ? 120 : 0)) },
      { socStart: 1, plannedW: 350 },
    );
    expect(load?.ratio).toBeCloseTo(350 / 420 - 1, 2);
    expect(hours.planned).toBeCloseTo(runtimeHours({ pack: planned, powerW: 350 }).hours, 9);
    expect(hours.ratio).toBeGreaterThan(0.45);
    expect(hoursByPack.ratio).toBeCloseTo(1 / 0.8 - 1, 1);
    expect(energyWh.ratio).toBeCloseTo(1 / 0.8 - 1, 1);
    expect(advice.map(({ what }) => what)).toEqual(['capacity', 'resistance', 'load']);
    const [capacity, resistance] = advice;
    expect(capacity).toMatchObject({ from: 100, unit: 'Ah' });
    expect(Math.abs((capacity?.to ?? 0) / 80 - 1)).toBeLessThan(0.02);
    expect(Math.abs((resistance?.to ?? 0) / 1.5 - 1)).toBeLessThan(0.1);
    expect(capacity?.because).toMatch(/^the outage shows \d+(\.\d)? ± .* % of the planned charge$/);
  });

  it('advises nothing where the plan was right', () => {
    const truth = { pack: planned, socStart: 1, powerW: rack };
    const { advice, measured } = compared(truth, { socStart: 1 });
    expect(advice).toEqual([]);
    expect(compared(truth, { socStart: 1, plannedW: measured.meanW }).advice).toEqual([]);
  });
});

describe('too little', () => {
  it.each([
    ['nothing', [], /^0 readings of a discharge/],
    ['a few readings', recordedOutage({ pack: planned, socStart: 1, powerW: () => 300, hours: 0.05 }), /at least 20/],
    ['ten minutes', recordedOutage({ pack: planned, socStart: 1, powerW: () => 300, hours: 0.2 }), /only 1.1 % of the/],
  ] as const)('%s is refused', (_, readings, said) => {
    const ask = () => compareOutage({ pack: planned, outage: windowOf(readings) });
    expect(ask).toThrow(TooLittleError);
    expect(ask).toThrow(said);
  });
});

describe('the window', () => {
  const at = (seconds: number, amperes: number): Reading => ({ seconds, volts: 52, amperes });

  it('is the longest discharge, with the rest before it', () => {
    const readings: Reading[] = [];
    for (let s = 0; s < 20_000; s += 10) {
      let amperes = -5;
      if (s >= 2000 && s < 3000) amperes = 6;
      if (s >= 9000 && s < 10_000) amperes = 0;
      if (s >= 10_000 && s < 18_000) amperes = s % 4000 < 60 ? 0 : 6;
      readings.push(at(s, amperes));
    }
    const found = windowOf(readings);
    expect(found.readings[0]).toMatchObject({ seconds: 0, amperes: 0 });
    expect(found.readings.filter(({ amperes }) => amperes < 0)).toEqual([]);
    expect(found.hours * 3600).toBeGreaterThan(7800);
    expect(found.hours * 3600).toBeLessThanOrEqual(8000);
    expect(found.usedAh).toBeCloseTo((6 * found.hours * 7820) / 7930, 0);
    expect(found.longestGapS).toBe(10);
  });

  it('is looked for where the journal says', () => {
    const readings = Array.from({ length: 2000 }, (_, i) => at(i * 10, i < 500 || (i > 900 && i < 1900) ? 6 : -2));
    const recording = { readings, beganMs: 1_000_000_000_000, notes: [] };
    const first = outageWindow(recording, { fromMs: 1_000_000_000_000, untilMs: 1_000_000_005_000 * 1 + 2_000_000 });
    expect(first.hours * 3600).toBeLessThan(2100);
    expect(outageWindow(recording).hours * 3600).toBeGreaterThan(9900);
  });
});
