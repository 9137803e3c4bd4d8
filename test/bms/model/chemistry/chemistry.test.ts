import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chemistryOf } from '../../../../bms/model/chemistry/chemistries.ts';
import {
  capacityFactor,
  chargeCurrentFactor,
  defineChemistry,
  ocvAt,
  socAtOcv,
} from '../../../../bms/model/chemistry/chemistry.ts';
import { curveOf, inverseAt, segmentOf, valueAt } from '../../../../bms/model/chemistry/curve.ts';
import { lfp } from '../../../../bms/model/chemistry/lfp.ts';
import { lto, ltoLmo } from '../../../../bms/model/chemistry/lto.ts';
import { resistanceFactor } from '../../../../bms/model/chemistry/temperature.ts';
import { column } from '../fixtures.ts';

const ratio = fc.double({ min: 0, max: 1, noNaN: true });
const chemistries = [lfp, lto, ltoLmo];

describe('the embedded tables', () => {
  it.each([
    ['ocv-lfp.csv', 'ocv_v', lfp.facts.ocvV],
    ['ocv-lfp.csv', 'hyst_v', lfp.facts.hysteresisV],
    ['resistance-lfp.csv', 'r_dch_25c', lfp.facts.resistanceOhmAh],
    ['ocv-lto.csv', 'nmc_lto_v', lto.facts.ocvV],
    ['ocv-lto.csv', 'lmo_lto_v', ltoLmo.facts.ocvV],
  ])('%s %s are the published numbers', (file, name, table) => {
    expect(table).toEqual(column(file, name));
  });

  it('are reached by the words of the configuration', () => {
    expect(chemistryOf('lifepo4')).toBe(lfp);
    expect(chemistryOf('lto')).toBe(lto);
  });

  it('own up to what is assumed for LTO', () => {
    expect(lto.facts.unverified).toContain('resistance');
  });
});

describe.each(chemistries.map((chemistry) => [chemistry.facts.title, chemistry] as const))('%s', (_, chemistry) => {
  it('finds the charge back from its own open-circuit voltage', () => {
    fc.assert(
      fc.property(ratio, (soc) => {
        expect(socAtOcv(chemistry, ocvAt(chemistry, soc))).toBeCloseTo(soc, 9);
      }),
    );
  });

  it('has a voltage that rises with charge', () => {
    fc.assert(
      fc.property(ratio, ratio, (a, b) => {
        fc.pre(Math.abs(a - b) > 1e-9);
        expect(Math.sign(ocvAt(chemistry, a) - ocvAt(chemistry, b))).toBe(Math.sign(a - b));
      }),
    );
  });

  it('stays at the ends outside its table', () => {
    expect(ocvAt(chemistry, -3)).toBe(ocvAt(chemistry, 0));
    expect(ocvAt(chemistry, 7)).toBe(ocvAt(chemistry, 1));
    expect(socAtOcv(chemistry, 0)).toBe(0);
    expect(socAtOcv(chemistry, 9)).toBe(1);
  });

  it('orders its limits', () => {
    const { limits } = chemistry;
    const rising = [
      limits.physicalMinV,
      limits.bmsCutoffV,
      limits.cutoffV,
      limits.kneeV,
      limits.chargeV,
      limits.overWarningV,
      limits.overProtectionV,
      limits.physicalMaxV,
    ];
    expect(rising).toEqual([...rising].sort((a, b) => a - b));
  });

  it('holds less and resists more when colder', () => {
    const celsius = fc.double({ min: -60, max: 90, noNaN: true });
    fc.assert(
      fc.property(celsius, celsius, (a, b) => {
        const [cold, warm] = a < b ? [a, b] : [b, a];
        expect(capacityFactor(chemistry, cold)).toBeLessThanOrEqual(capacityFactor(chemistry, warm));
        expect(resistanceFactor(cold)).toBeGreaterThanOrEqual(resistanceFactor(warm));
        expect(capacityFactor(chemistry, cold)).toBeGreaterThan(0);
        expect(capacityFactor(chemistry, warm)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('temperature', () => {
  it('gives the published factors', () => {
    expect(capacityFactor(lfp, 0)).toBeCloseTo(0.8, 9);
    expect(capacityFactor(lfp, -20)).toBeCloseTo(0.5, 9);
    expect(capacityFactor(lfp, 10)).toBeCloseTo(0.88, 9);
    expect(resistanceFactor(10)).toBeCloseTo(1.444, 2);
    expect(resistanceFactor(0)).toBeCloseTo(1.89, 2);
    expect(resistanceFactor(-20)).toBeCloseTo(3.44, 1);
    expect(resistanceFactor(25)).toBe(1);
  });

  it('counts as 25 degrees when unknown', () => {
    expect(capacityFactor(lfp, undefined)).toBe(1);
    expect(capacityFactor(lfp, Number.NaN)).toBe(1);
    expect(resistanceFactor(undefined)).toBe(1);
    expect(resistanceFactor(Number.NaN)).toBe(1);
  });

  it('never charges LiFePO4 at or below freezing, and lets LTO', () => {
    fc.assert(
      fc.property(fc.double({ min: -60, max: 0, noNaN: true }), (celsius) => {
        expect(chargeCurrentFactor(lfp, celsius)).toBe(0);
      }),
    );
    expect(chargeCurrentFactor(lfp, 5)).toBe(0.5);
    expect(chargeCurrentFactor(lfp, 25)).toBe(1);
    expect(chargeCurrentFactor(lto, -10)).toBeGreaterThan(0);
    expect(chargeCurrentFactor(lto, -40)).toBe(0);
  });
});

describe('tables that cannot be', () => {
  it.each([
    ['no point', []],
    [
      'x twice',
      [
        [0, 1],
        [0, 2],
      ],
    ],
    [
      'x falling',
      [
        [0, 1],
        [1, 2],
        [0.5, 3],
      ],
    ],
    [
      'not a number',
      [
        [0, 1],
        [1, Number.NaN],
      ],
    ],
  ] as [string, [number, number][]][])('a curve with %s is refused', (_, points) => {
    expect(() => curveOf(points)).toThrow(RangeError);
  });

  it('an open-circuit curve must rise and span all charge', () => {
    const flat = {
      ...lfp.facts,
      ocvV: [
        [0, 3],
        [0.5, 3.2],
        [1, 3.2],
      ] as const,
    };
    expect(() => defineChemistry(flat)).toThrow(/must rise/);
    const short = {
      ...lfp.facts,
      ocvV: [
        [0.1, 3],
        [1, 3.2],
      ] as const,
    };
    expect(() => defineChemistry(short)).toThrow(/span/);
  });
});

describe('a curve', () => {
  const line = curveOf([
    [0, 10],
    [1, 20],
    [4, 26],
  ]);

  it('runs through its points and straight between them', () => {
    expect([0, 0.5, 1, 2, 4].map((x) => valueAt(line, x))).toEqual([10, 15, 20, 22, 26]);
    expect([10, 15, 22, 26].map((y) => inverseAt(line, y))).toEqual([0, 0.5, 2, 4]);
    expect(valueAt(line, Number.NaN)).toBeNaN();
  });

  it('with one point is a constant', () => {
    const constant = curveOf([[3, 7]]);
    expect([-1, 3, 99].map((x) => valueAt(constant, x))).toEqual([7, 7, 7]);
  });

  it('finds the segment of any x', () => {
    expect([-5, 0, 0.9, 1, 3, 4, 99].map((x) => segmentOf(line.x, x))).toEqual([0, 0, 0, 1, 1, 1, 1]);
  });
});
