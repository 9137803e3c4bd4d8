import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { evaluateCase } from '../../../power-planner/index.ts';

interface Reference {
  readonly group: string;
  readonly what: string;
  readonly kind: string;
  readonly inputs: unknown;
  readonly figure: string;
  readonly value: number;
  readonly limit: number | null;
}

const file = new URL('../../fixtures/planner/references.json', import.meta.url);
const { references } = JSON.parse(readFileSync(file, 'utf8')) as { references: readonly Reference[] };

describe('against other models and datasheets', () => {
  it('allows no reference more than was promised', () => {
    const promised: Readonly<Record<string, number>> = { SimSES: 0.005, ssc: 0.005, datasheets: 0.02, PyBaMM: 0.005 };
    expect(references.length).toBeGreaterThan(15);
    for (const { group, what, limit } of references) {
      if (group === 'PyBaMM' && limit === null) continue;
      expect(limit, what).toBeLessThanOrEqual(promised[group] ?? 0);
    }
  });

  it.each(references.map((one) => [one.group, one.what, one] as const))('%s: %s', (_group, _what, one) => {
    const answer = evaluateCase({ id: 1, kind: one.kind, inputs: one.inputs });
    if ('error' in answer) throw new Error(answer.error.message);
    const ours = answer.result[one.figure];
    expect(ours).toBeTypeOf('number');
    const deviation = Number(ours) / one.value - 1;
    if (one.limit !== null) expect(Math.abs(deviation)).toBeLessThanOrEqual(one.limit);
    // Beyond the model's claim it is too hopeful, which the planner warns of.
    else {
      expect(deviation).toBeGreaterThan(0);
      expect(deviation).toBeLessThan(0.25);
    }
  });
});
