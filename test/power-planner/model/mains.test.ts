import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  assumedPowerFactor,
  breakerNote,
  cableLoopOhm,
  chargerHeadroom,
  circuitBudget,
  deviceTotals,
  inrushLimitA,
  inrushPeakA,
  MAX_BRANCH_DROP_RATIO,
  PLUGS,
  type PoeRack,
  plugLimitA,
  poeClass,
  poeLink,
  poeRackPower,
  poeTotals,
  poeType,
  stageInputW,
  wireDrop,
} from '../../../power-planner/index.ts';

describe('a branch circuit', () => {
  it.each([
    [15, 110, 1320],
    [20, 110, 1760],
    [20, 120, 1920],
    [30, 115, 2760],
  ])('of %i A at %i V carries %i VA for hours', (breakerA, volts, limitVa) => {
    expect(circuitBudget({ volts, breakerA }, []).limitVa).toBeCloseTo(limitVa, 6);
  });

  it('sums amperes, and the vector sum is never more', () => {
    const loads = [
      { powerW: 261, powerFactor: 0.95 },
      { powerW: 60, powerFactor: 0.55 },
    ];
    const budget = circuitBudget({ volts: 110, breakerA: 20 }, loads);
    expect(budget.currentA).toBeCloseTo(261 / 0.95 / 110 + 60 / 0.55 / 110, 9);
    expect(budget.vectorCurrentA).toBeLessThan(budget.currentA);
    expect(budget.headroomA).toBeCloseTo(16 - budget.currentA, 9);
  });

  it('is full at its limit and no sooner', () => {
    expect(circuitBudget({ volts: 110, breakerA: 20 }, [{ powerW: 1760, powerFactor: 1 }]).fits).toBe(true);
    expect(circuitBudget({ volts: 110, breakerA: 20 }, [{ powerW: 1761, powerFactor: 1 }]).fits).toBe(false);
  });

  it('draws more when the voltage sags', () => {
    const load = [{ powerW: 1000, powerFactor: 1 }];
    const at = (volts: number): number => circuitBudget({ volts, breakerA: 20 }, load).currentA;
    expect(at(104) / at(120)).toBeCloseTo(120 / 104, 9);
  });

  it('leaves nothing for a charger when it is full', () => {
    const charger = { powerFactor: 0.95, efficiencyRatio: 0.92, packV: 54 };
    const full = [{ powerW: 2000, powerFactor: 1 }];
    expect(chargerHeadroom({ volts: 110, breakerA: 20 }, full, charger)).toEqual({ chargerAcW: 0, chargerDcA: 0 });
  });

  it('knows plugs, inrush and breakers', () => {
    expect(PLUGS.map(plugLimitA)).toEqual([12, 16, 24]);
    expect(plugLimitA('schuko')).toBeUndefined();
    expect(inrushLimitA(20)).toBe(100);
    expect(inrushPeakA(3)).toBe(180);
    expect(breakerNote(0.9)).toMatch(/for ever/);
    expect(breakerNote(1.2)).toMatch(/after hours/);
    expect(breakerNote(1.5)).toMatch(/within 2 h/);
    expect(breakerNote(2.5)).toMatch(/2 min/);
    expect(breakerNote(7)).toMatch(/magnetic/);
    expect([assumedPowerFactor('corrected'), assumedPowerFactor('small'), assumedPowerFactor('resistive')]).toEqual([
      0.95, 0.55, 1,
    ]);
  });

  it.each([
    [14, 10.08],
    [12, 6.34],
    [10, 3.99],
  ])('%i AWG has %f ohm/km at 75 °C', (awg, ohmPerKm) => {
    const { dropV } = wireDrop({ awg, lengthM: 500, currentA: 1, temperatureC: 75, volts: 110 });
    expect(dropV).toBeCloseTo(ohmPerKm, 2);
  });

  it('loses too much over 20 m of 12 AWG at 16 A', () => {
    const { dropRatio } = wireDrop({ awg: 12, lengthM: 20, currentA: 16, temperatureC: 75, volts: 110 });
    expect(dropRatio).toBeGreaterThan(MAX_BRANCH_DROP_RATIO);
  });
});

describe('PoE', () => {
  it.each([
    [44, 20, 12.95, 15.4],
    [50, 12.5, 25.5, 30],
    [50, 6.25, 51, 60],
    [52, 6.25, 71.3, 90.04],
  ])('repeats the arithmetic of the standard: %f V, %f ohm, %f W', (sourceV, loopOhm, deviceW, sourceW) => {
    const link = poeLink({ sourceV, loopOhm, deviceW });
    expect(link?.sourceW).toBeCloseTo(sourceW, 1);
    expect(link?.lossW).toBeCloseTo(sourceW - deviceW, 1);
  });

  it('has no answer for a cable that cannot carry it, and a plain one without a cable', () => {
    expect(poeLink({ sourceV: 44, loopOhm: 20, deviceW: 25 })).toBeUndefined();
    expect(poeLink({ sourceV: 50, loopOhm: 0, deviceW: 25 })).toMatchObject({ currentA: 0.5, sourceW: 25, lossW: 0 });
  });

  it('knows cables, classes and types', () => {
    expect(cableLoopOhm(5, 2)).toBeCloseTo(0.421, 3);
    expect(cableLoopOhm(5, 4)).toBeCloseTo(0.2105, 3);
    expect(poeClass(4)).toEqual({ sourceW: 30, deviceW: 25.5 });
    expect(poeClass(9)).toBeUndefined();
    expect(poeType(2)).toEqual({ minV: 50, maxV: 57, loopOhmMax: 12.5 });
    expect(poeType(5)).toBeUndefined();
  });

  it('sets aside by class what is not consumed', () => {
    const ports = Array.from({ length: 24 }, () => ({ poeClass: 4, sourceW: 7.6 }));
    const { allocatedW, consumedW } = poeTotals(ports);
    expect(allocatedW).toBe(720);
    expect(consumedW).toBeCloseTo(182.4, 9);
  });
});

const seedB: PoeRack = {
  nodes: 20,
  nodeW: 6.5,
  hat: 0.86,
  portV: 53,
  loopOhm: 0.421,
  switches: 1,
  switchSelfW: 25,
  switchSupply: 0.9,
  otherAcW: 65,
  inverter: 0.93,
};

describe('the loss chain', () => {
  it('gives seed A', () => {
    const seedA = { ...seedB, nodes: 54, nodeW: 6, hat: 0.85, portV: 54, loopOhm: 0.42, switches: 3, otherAcW: 0 };
    const { poeTotalW, acW, packW } = poeRackPower(seedA);
    expect([poeTotalW, acW, packW].map((watts) => Math.round(watts * 10) / 10)).toEqual([381.6, 507.3, 545.5]);
  });

  it('loses nothing on paper: what goes in comes out somewhere', () => {
    const arbitrary = fc.record({
      nodes: fc.integer({ min: 0, max: 60 }),
      nodeW: fc.double({ min: 0.1, max: 20, noNaN: true }),
      hat: fc.double({ min: 0.5, max: 1, noNaN: true }),
      portV: fc.double({ min: 48, max: 57, noNaN: true }),
      loopOhm: fc.double({ min: 0, max: 10, noNaN: true }),
      switches: fc.integer({ min: 1, max: 4 }),
      switchSelfW: fc.double({ min: 0, max: 50, noNaN: true }),
      switchSupply: fc.double({ min: 0.5, max: 1, noNaN: true }),
      otherAcW: fc.double({ min: 0, max: 500, noNaN: true }),
      inverter: fc.double({ min: 0.5, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(arbitrary, (rack) => {
        const { parts, packW } = poeRackPower(rack);
        const sum = parts.reduce((total, { watts }) => total + watts, 0);
        expect(Math.abs(sum - packW)).toBeLessThanOrEqual(1e-9 * packW + 1e-9);
        for (const { watts } of parts) expect(watts).toBeGreaterThanOrEqual(-1e-9);
      }),
    );
  });

  it('has no end when a cable cannot carry a node', () => {
    const { port, packW } = poeRackPower({ ...seedB, loopOhm: 1000 });
    expect(port).toBeUndefined();
    expect(packW).toBe(Number.POSITIVE_INFINITY);
  });

  it('takes a single efficiency or a loss fit', () => {
    expect(stageInputW(0.5, 10)).toBe(20);
    expect(stageInputW({ ratedW: 100, a: 0.05, b: 0, c: 0 }, 10)).toBe(15);
  });

  it('adds devices of the catalogue', () => {
    expect(deviceTotals([['rpi-4b', 3]]).maxW).toBeCloseTo(21.6, 9);
    const home = deviceTotals([
      ['rpi-3b+', 1],
      ['rpi-4b', 3],
      ['odroid-xu4', 1],
      ['switch-1g-seed', 1],
    ]);
    expect(home.maxW).toBeCloseTo(53.4, 9);
    expect(home.idleW).toBeLessThan(home.typicalW);
    expect(() => deviceTotals([['toaster', 1]])).toThrow(/toaster/);
  });
});
