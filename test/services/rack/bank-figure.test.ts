import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BankMember, bankFigure, type PackSample, packOf, socStart } from '#bms/model';
import { BankReckoner } from '../../../services/rack/bank-figure.ts';

const SPEC = packOf({ chemistry: 'lifepo4', cells: 16, capacityAh: 100, resistanceOhm: 0.02 });

function member(currentA: number, cellV: number): BankMember {
  const voltageV = SPEC.cells * cellV;
  const sample: PackSample = { kind: 'pack', measuredAtMs: 0, voltageV, currentA, socRatio: 0.6, temperaturesC: [20] };
  return { spec: SPEC, sample, soc: socStart(sample, SPEC) };
}

const BARE: PackSample = { kind: 'pack', measuredAtMs: 0 };

const members = fc.array(
  fc.oneof(
    fc.constant<BankMember>({ spec: SPEC }),
    fc
      .tuple(fc.integer({ min: -40, max: 40 }), fc.integer({ min: 320, max: 335 }))
      .map(([currentA, cellV]) => member(currentA, cellV / 100)),
  ),
  { maxLength: 4 },
);

/** As it is defined: at the load that flows from it. */
const defined = (of: readonly BankMember[]) => bankFigure(of, Math.max(0, -(bankFigure(of, 0).powerW ?? 0)));

describe('the figure of the bank', () => {
  it('is that at its own load, whatever was asked before', () => {
    fc.assert(
      fc.property(fc.array(members, { minLength: 1, maxLength: 6 }), (asked) => {
        const reckoner = new BankReckoner();
        for (const each of asked) expect(reckoner.figure(each)).toEqual(defined(each));
      }),
    );
  });

  it('is reckoned once while nobody says anything new', () => {
    const reckoner = new BankReckoner();
    const [one, other] = [member(-10, 3.28), member(-12, 3.28)];
    const figure = reckoner.figure([one, other]);
    expect(reckoner.figure([{ ...one }, { ...other }])).toBe(figure);
  });

  it('is another with another sample, count or silence of any pack', () => {
    const [one, other] = [member(-10, 3.28), member(-12, 3.28)];
    const said = { sample: member(-30, 3.25).sample, soc: socStart({ ...BARE, socRatio: 0.2 }, SPEC) };
    for (const changed of [
      { ...other, sample: said.sample },
      { ...other, soc: said.soc },
      { ...other, reckoned: true },
    ]) {
      const reckoner = new BankReckoner();
      reckoner.figure([one, other]);
      expect(reckoner.figure([one, changed])).toEqual(defined([one, changed]));
    }
    const reckoner = new BankReckoner();
    reckoner.figure([one, other]);
    expect(reckoner.figure([one])).toEqual(defined([one]));
  });
});
