import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sayDuration } from '../../../services/cli/words.ts';

describe('a duration as people say it', () => {
  it.each([
    [0, '0 s'],
    [-5, '0 s'],
    [0.4, '0 s'],
    [89.4, '89 s'],
    [89.6, '2 min'],
    [90, '2 min'],
    [1380, '23 min'],
    [89 * 60 + 29, '89 min'],
    [89 * 60 + 31, '1 h 30 min'],
    [3900, '65 min'],
    [7200, '2 h 0 min'],
    [100_000, '27 h 47 min'],
  ])('%d s is %s', (seconds, text) => {
    expect(sayDuration(seconds)).toBe(text);
  });

  it('is right within half a minute, or half a second below ninety', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e6, noNaN: true }), (seconds) => {
        const text = sayDuration(seconds);
        const units = { h: 3600, min: 60, s: 1 } as const;
        const said = [...text.matchAll(/(\d+) (h|min|s)/g)].reduce(
          (sum, [, count, unit]) => sum + Number(count) * units[unit as keyof typeof units],
          0,
        );
        expect(Math.abs(said - seconds)).toBeLessThanOrEqual(text.endsWith(' s') ? 0.5 : 30.5);
      }),
    );
  });
});
