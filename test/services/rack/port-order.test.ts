import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byNumber } from '../../../services/rack/port-order.ts';

const sorted = (...names: string[]): string[] => names.toSorted(byNumber);

describe('the order of ports', () => {
  it('counts', () => {
    expect(sorted('10', '2', '1', '24', '3')).toEqual(['1', '2', '3', '10', '24']);
    expect(sorted('1/0/10', '1/0/9', '2/0/1', '1/1/1')).toEqual(['1/0/9', '1/0/10', '1/1/1', '2/0/1']);
    expect(sorted('lan10', 'lan9', 'lan', 'ether1')).toEqual(['ether1', 'lan', 'lan9', 'lan10']);
  });

  it('is the one a dictionary that counts would have', () => {
    const collator = new Intl.Collator('en', { numeric: true });
    const name = fc
      .tuple(fc.constantFrom('', 'port', 'Port', 'ether', 'gi', 'LAN'), fc.nat(60), fc.option(fc.nat(60)))
      .map(([prefix, first, second]) => `${prefix}${first}${second === null ? '' : `/${second}`}`);
    fc.assert(
      fc.property(name, name, (a, b) => {
        if (a.toLowerCase() === b.toLowerCase()) return;
        expect(Math.sign(byNumber(a, b))).toBe(Math.sign(collator.compare(a, b)));
      }),
    );
  });

  it('is an order: whatever ports are called, it is the same in both directions', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (a, b, c) => {
        expect(Math.sign(byNumber(a, b))).toBe(-Math.sign(byNumber(b, a)) || 0);
        expect(byNumber(a, b) === 0).toBe(a === b);
        if (byNumber(a, b) <= 0 && byNumber(b, c) <= 0) expect(byNumber(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });
});
