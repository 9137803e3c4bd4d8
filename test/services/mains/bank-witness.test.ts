import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PackSample } from '#bms/model';
import { bankWitness, NO_ROUNDS, nextRounds } from '../../../services/mains/bank-witness.ts';
import { weigh } from '../../../services/mains/judge.ts';
import type { Observed } from '../../../services/rack/rack.ts';

type Packs = Record<string, Observed<PackSample>>;

/** Packs `a`, `b`, … with these currents; undefined: the pack has fallen silent. */
const packs = (currentsA: readonly (number | undefined)[], receivedAtMs = 0): Packs =>
  Object.fromEntries(
    currentsA.map((currentA, index): [string, Observed<PackSample>] => [
      String.fromCharCode(97 + index),
      {
        freshness: currentA === undefined ? 'stale' : 'fresh',
        receivedAtMs,
        sample: { kind: 'pack', measuredAtMs: 0, currentA: currentA ?? -50 },
      },
    ]),
  );
const says = (...currentsA: readonly (number | undefined)[]) => bankWitness(packs(currentsA), 1).says;

/** Two packs of which each says a current in turn, once a second. */
const followed = (...rounds: readonly (readonly [number | undefined, number | undefined])[]) =>
  rounds.reduce((before, round, index) => nextRounds(before, packs(round, index * 1000)), NO_ROUNDS);

const ampere = fc.double({ min: -80, max: 80, noNaN: true });
const meter = (what: 'present' | 'absent') => ({ source: 'meter', kind: 'meter', says: what, because: '' }) as const;

describe('one pack', () => {
  it('speaks by its own current: a dark rack draws so little that a small discharge says nothing', () => {
    expect([says(-5), says(5), says(0), says(-0.6), says(undefined)]).toEqual([
      'absent',
      'present',
      'silent',
      'silent',
      'silent',
    ]);
    expect(bankWitness(packs([-5]), 1)).toMatchObject({
      source: 'pack a',
      kind: 'pack',
      because: 'discharging -5.0 A',
    });
  });

  it('without a current says nothing', () => {
    const dumb: Packs = { a: { freshness: 'fresh', sample: { kind: 'pack', measuredAtMs: 0 } } };
    expect(bankWitness(dumb, 1)).toMatchObject({ says: 'silent', because: 'no fresh current' });
  });
});

describe('several packs', () => {
  it('speak by what they carry together', () => {
    expect(says(2.2, -1.5)).toBe('present');
    expect(says(-0.8, -0.8, -0.8)).toBe('absent');
    expect(says(2, -2.4)).toBe('silent');
    expect(bankWitness(packs([-0.8, -0.8]), 1)).toMatchObject({
      source: 'bank',
      kind: 'pack',
      because: 'discharging -1.6 A of 2 packs',
    });
  });

  it('say the same whatever passes between them', () => {
    fc.assert(
      fc.property(ampere, fc.array(ampere, { minLength: 1, maxLength: 5 }), (sumA, passingA) => {
        const rest = sumA - passingA.reduce((total, each) => total + each, 0);
        const shared = bankWitness(packs([...passingA, rest]), 1).says;
        const edge = Math.min(Math.abs(sumA + 1), Math.abs(sumA - 0.3));
        if (edge > 1e-9) expect(shared).toBe(bankWitness(packs([sumA]), 1).says);
      }),
    );
  });

  it('of which one is silent end no mains that a meter shows, and bring none back', () => {
    fc.assert(
      fc.property(fc.array(ampere, { minLength: 1, maxLength: 4 }), (heardA) => {
        const some = bankWitness(packs([...heardA, undefined]), 1);
        expect(weigh([meter('present'), some]).says).not.toBe('absent');
        expect(weigh([meter('absent'), some]).says).not.toBe('present');
      }),
    );
  });

  it('of which one is silent still tell an outage when nobody else does', () => {
    const some = bankWitness(packs([-5, undefined]), 1);
    expect(some).toMatchObject({ kind: 'other', says: 'absent', because: 'discharging -5.0 A without b' });
    expect(weigh([some]).says).toBe('absent');
  });

  it('of which one falls silent are not misread by what it gave or took before', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 40, noNaN: true }), ampere, (passingA, chargingA) => {
        const sumA = Math.abs(chargingA);
        const rounds = followed(...Array(4).fill([sumA + passingA, -passingA] as const));
        expect(bankWitness(packs([undefined, -passingA]), 1, rounds).says).toBe('silent');
        const discharging = followed(...Array(4).fill([-sumA - passingA, passingA] as const));
        expect(bankWitness(packs([undefined, passingA]), 1, discharging).says).toBe('silent');
      }),
    );
    const rounds = followed([4, -2], [4, -2], [4, -2]);
    expect(bankWitness(packs([undefined, -3.1]), 1, rounds).says).toBe('absent');
    expect(bankWitness(packs([undefined, 2.4]), 1, rounds).says).toBe('present');
  });

  it('remember what passed before one fell silent, and not the moment in which mains went', () => {
    const calm = followed([10, 10], [10, 10], [10, 10]);
    // One was read before mains went, and the other after.
    const torn = nextRounds(calm, packs([10, -12], 3000));
    expect(bankWitness(packs([undefined, -8]), 1, torn).says).toBe('absent');
    expect(nextRounds(torn, packs([undefined, -12], 4000))).toBe(torn);
    // The same samples again are no round of their own.
    expect(nextRounds(torn, packs([10, -12], 3000))).toBe(torn);
    const stillHeld: Packs = { ...packs([10, -12], 4000), a: { ...packs([10], 3000).a, freshness: 'fresh' } };
    expect(nextRounds(torn, stillHeld)).toBe(torn);
  });
});
