import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BankMember, bankFigure, bankUsableWh, reckonedOn } from '../../../bms/model/bank.ts';
import { packOf } from '../../../bms/model/pack.ts';
import { deliverableEnergyWh } from '../../../bms/model/runtime.ts';
import type { PackSample } from '../../../bms/model/sample.ts';
import { socStart } from '../../../bms/model/soc.ts';

const big = packOf({ chemistry: 'lifepo4', cells: 16, capacityAh: 280 });
const small = packOf({ chemistry: 'lifepo4', cells: 16, capacityAh: 100 });

function member(
  spec: typeof big,
  socRatio: number,
  rest: Partial<PackSample> = {},
  sigma = 0.02,
): BankMember & { sample: PackSample } {
  const sample: PackSample = { kind: 'pack', measuredAtMs: 0, voltageV: 52.8, currentA: -5, socRatio, ...rest };
  const soc = { ...socStart(sample, spec), socRatio, sigma };
  return { spec, sample, soc };
}

describe('a bank of one', () => {
  it('is the pack', () => {
    const figure = bankFigure([member(small, 0.6)], 300);
    const usableWh = deliverableEnergyWh(small, { socRatio: 0.6, powerW: 300 });
    expect(figure.complete).toBe(true);
    expect(figure.usableWh).toBeCloseTo(usableWh, 6);
    expect(figure.runtimeS).toBeCloseTo((usableWh / 300) * 3600, 3);
    expect(figure.usableLowWh).toBeCloseTo(deliverableEnergyWh(small, { socRatio: 0.56, powerW: 300 }), 6);
    expect(figure.socRatio).toBeCloseTo(0.6, 9);
    expect(figure.socSigma).toBeCloseTo(0.02, 9);
    expect(figure).toMatchObject({ voltageV: 52.8, currentA: -5, powerW: -264 });
    expect(figure.fullWh).toBeCloseTo(deliverableEnergyWh(small, { socRatio: 1, powerW: 0 }), 6);
  });

  it('knows the cold', () => {
    const cold = bankFigure([member(small, 0.6, { temperaturesC: [0, 15] })], 300);
    const usableWh = deliverableEnergyWh(small, { socRatio: 0.6, powerW: 300, temperatureC: 0 });
    expect(cold.usableWh).toBeCloseTo(usableWh, 6);
    expect(cold.fullWh).toBe(bankFigure([member(small, 0.6)], 300).fullWh);
  });

  it('has no runtime without a load', () => {
    expect(bankFigure([member(small, 0.6)], 0)).not.toHaveProperty('runtimeS');
    expect(bankFigure([member(small, 0.6)], -400)).not.toHaveProperty('runtimeS');
  });
});

describe('several packs', () => {
  it('add up: half of the load each is what two equal packs carry', () => {
    const two = bankFigure([member(small, 0.6), member(small, 0.6)], 600);
    expect(two.usableWh).toBeCloseTo(2 * deliverableEnergyWh(small, { socRatio: 0.6, powerW: 300 }), 6);
    expect(two.currentA).toBe(-10);
    expect(two.powerW).toBe(-528);
    expect(two.voltageV).toBeCloseTo(52.8, 9);
  });

  it('weigh by capacity', () => {
    const figure = bankFigure([member(big, 0.8), member(small, 0.42, {}, 0.3)], 300);
    expect(figure.socRatio).toBeCloseTo((0.8 * 280 + 0.42 * 100) / 380, 9);
  });

  it('share the load by the charge they have left', () => {
    const figure = bankFigure([member(small, 0.9), member(small, 0.3)], 8000);
    const expected =
      deliverableEnergyWh(small, { socRatio: 0.9, powerW: 6000 }) +
      deliverableEnergyWh(small, { socRatio: 0.3, powerW: 2000 });
    expect(figure.usableWh).toBeCloseTo(expected, 6);
  });

  it('one missing: what is left, and that it is not complete', () => {
    const both = bankFigure([member(small, 0.6), member(small, 0.6)], 300);
    for (const absent of [
      { spec: small },
      { ...member(small, 0.6), sample: undefined },
      { ...member(small, 0.6), soc: undefined },
    ]) {
      const figure = bankFigure([member(small, 0.6), absent], 300);
      expect(figure.complete).toBe(false);
      expect(figure.usableWh).toBeCloseTo(deliverableEnergyWh(small, { socRatio: 0.6, powerW: 300 }), 6);
      expect(figure.fullWh).toBe(both.fullWh);
    }
  });

  it('all missing: no figure but the size', () => {
    const figure = bankFigure([{ spec: small }, { spec: big }], 300);
    expect(Object.keys(figure).sort()).toEqual(['complete', 'fullWh']);
    expect(figure.complete).toBe(false);
    expect(bankUsableWh([{ spec: small }], 300)).toBeUndefined();
  });

  it('that disagree make the bank unsure', () => {
    const agree = bankFigure([member(small, 0.6), member(small, 0.6)], 300);
    const disagree = bankFigure([member(small, 0.9), member(small, 0.3)], 300);
    expect(disagree.socRatio).toBeCloseTo(agree.socRatio ?? 0, 9);
    expect(disagree.socSigma).toBeGreaterThan((agree.socSigma ?? 0) + 0.25);
    expect(disagree.usableLowWh).toBeLessThan((agree.usableLowWh ?? 0) / 2);
  });

  it('a pack whose switch is open gives nothing, unless current proves the report wrong', () => {
    const open = { dischargeFetClosed: false, currentA: 0 };
    const figure = bankFigure([member(small, 0.6), member(small, 0.6, open)], 300);
    expect(figure.usableWh).toBeCloseTo(deliverableEnergyWh(small, { socRatio: 0.6, powerW: 300 }), 6);
    expect(bankFigure([member(small, 0.6, open)], 300)).toMatchObject({ usableWh: 0, usableLowWh: 0, runtimeS: 0 });
    const flowing = member(small, 0.6, { dischargeFetClosed: false, currentA: -12 });
    expect(bankFigure([flowing], 300).usableWh).toBeGreaterThan(1000);
  });

  it('sums only what all of them tell', () => {
    const { currentA: _, ...silent } = member(small, 0.6).sample;
    const figure = bankFigure([member(small, 0.6), { ...member(small, 0.6), sample: silent }], 300);
    expect(figure).not.toHaveProperty('currentA');
    expect(figure).not.toHaveProperty('powerW');
    expect(figure.voltageV).toBeCloseTo(52.8, 9);
  });

  it('names the weakest cell and the widest pack', () => {
    const one = member(small, 0.6, { cellsV: [3.3, 3.31, 3.25] });
    const other = member(small, 0.6, { cellsV: [3.29, 3.28, 3.27] });
    const figure = bankFigure([one, other, member(small, 0.6)], 300);
    expect(figure.weakestCellV).toBe(3.25);
    expect(figure.cellSpreadV).toBeCloseTo(0.06, 9);
  });
});

describe('a load it need not have', () => {
  it('more load never means more energy, and cautious never means more', () => {
    const ratio = fc.double({ min: 0, max: 1, noNaN: true });
    const watts = fc.double({ min: 0, max: 20_000, noNaN: true });
    const sigma = fc.double({ min: 0.001, max: 0.5, noNaN: true });
    fc.assert(
      fc.property(ratio, ratio, sigma, watts, watts, (a, b, s, w1, w2) => {
        const members = [member(big, a, {}, s), member(small, b, {}, s)];
        const [less, more] = w1 < w2 ? [w1, w2] : [w2, w1];
        const usable = bankUsableWh(members, less) ?? 0;
        expect(bankUsableWh(members, more)).toBeLessThanOrEqual(usable + 1e-6);
        if (less < 2000) expect(bankUsableWh(members, less, 2)).toBeLessThanOrEqual(usable + 1e-6);
        expect(bankFigure(members, less).usableWh).toBe(usable);
        expect(Number.isFinite(usable)).toBe(true);
      }),
    );
  });
});

describe('a pack that is reckoned on', () => {
  it('gives its share by capacity of what the others give', () => {
    const figure = bankFigure([member(big, 0.6), { ...member(small, 0.6), reckoned: true }], 300);
    expect(figure.complete).toBe(false);
    expect(figure.currentA).toBeCloseTo((-5 * 380) / 280, 9);
    expect(figure.weakestCellV).toBeUndefined();
  });

  it('goes down faster than the others, never up, and is less certain', () => {
    const { soc } = member(small, 0.6);
    if (soc === undefined) throw new Error('no state of charge');
    fc.assert(
      fc.property(fc.double({ min: -1, max: 1, noNaN: true }), (fell) => {
        const on = reckonedOn(soc, fell);
        expect(on.socRatio).toBeLessThanOrEqual(Math.max(0, soc.socRatio - Math.max(0, fell)) + 1e-12);
        expect(on.socRatio).toBeGreaterThanOrEqual(0);
        expect(on.sigma).toBeGreaterThan(soc.sigma);
      }),
    );
  });
});
