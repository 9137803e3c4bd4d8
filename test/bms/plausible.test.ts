import { describe, expect, it } from 'vitest';
import type { PackSample } from '../../bms/model/sample.ts';
import { implausible } from '../../bms/plausible.ts';

const pack = (more: Partial<PackSample>): PackSample => ({ kind: 'pack', measuredAtMs: 0, ...more });

describe('a sample that cannot be true', () => {
  it.each([
    [{ socRatio: 1.36 }, 'socRatio 1.36 is outside 0..1'],
    [{ voltageV: -1 }, 'voltageV -1 is outside 0..1000 V'],
    [{ currentA: 6553.6 }, 'currentA 6553.6 is outside -5000..5000 A'],
    [{ voltageV: Number.NaN }, 'voltageV NaN is outside 0..1000 V'],
    [{ cellsV: [3.3, 33.1] }, 'cell 2 at 33.1 V is outside 0..6 V'],
  ])('%o is named', (more, reason) => {
    expect(implausible(pack(more))).toBe(reason);
  });

  it('is not an empty one, a dead pack, an open wire, an overcharged cell or LTO', () => {
    expect(implausible(pack({}))).toBeUndefined();
    expect(implausible(pack({ voltageV: 0, socRatio: 0, cellsV: [3.65, 0, 4.2, 1.5] }))).toBeUndefined();
    expect(implausible(pack({ socRatio: 1, currentA: -327.68 }))).toBeUndefined();
  });

  it('of a meter is judged by the meter’s limits', () => {
    expect(
      implausible({ kind: 'meter', measuredAtMs: 0, voltageV: 118, frequencyHz: 60, powerW: -300 }),
    ).toBeUndefined();
    expect(implausible({ kind: 'meter', measuredAtMs: 0, frequencyHz: 600 })).toBe(
      'frequencyHz 600 is outside 0..100 Hz',
    );
  });
});
