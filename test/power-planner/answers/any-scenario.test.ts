import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { budgetOf, lifeOf, loadScenario, runtimeOf, type Scenario, sizeOf } from '../../../power-planner/index.ts';

/** Shipped scenarios with figures spoilt at random: what the schema lets through must be answered. */

const ROOT = join(import.meta.dirname, '../../..');
const SHIPPED = globSync('examples/scenarios/*.yaml', { cwd: ROOT }).map((path) =>
  readFileSync(join(ROOT, path), 'utf8'),
);
const EXTREMES = [
  0, 1e-6, 0.001, 0.01, 0.1, 0.5, 0.8, 0.999, 1, 2, 3, 5, 10, 24, 40, 57, 60, 80, 100, 400, 1000, 1e4, 1e6,
];

type Place = readonly [holder: Record<string, unknown>, key: string];

function numbersIn(value: unknown): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.entries(holder).flatMap(([key, each]) =>
    typeof each === 'number' ? [[holder, key] as const] : numbersIn(each),
  );
}

/** A sound scenario with every default filled in, so that all figures there are can be spoilt. */
function filled(text: string): Scenario {
  const loaded = loadScenario(text);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.scenario;
}

describe('whatever the schema lets through', () => {
  it('is answered, without an exception and without a figure that is no number', () => {
    let answered = 0;
    const spoils = fc.array(fc.tuple(fc.nat(1000), fc.constantFrom(...EXTREMES, -20, -5)), {
      minLength: 1,
      maxLength: 3,
    });
    fc.assert(
      fc.property(fc.constantFrom(...SHIPPED), spoils, (text, changes) => {
        const raw: unknown = structuredClone(filled(text));
        const places = numbersIn(raw);
        for (const [n, value] of changes) {
          const [holder, key] = places[n % places.length] ?? [{}, ''];
          holder[key] = value;
        }
        const loaded = loadScenario(JSON.stringify(raw));
        if (!loaded.ok) return;
        answered++;
        for (const answer of [budgetOf, runtimeOf, lifeOf, sizeOf].map((ask) => ask(loaded.scenario))) {
          JSON.stringify(answer, (key, value: unknown) => {
            expect(Number.isNaN(value), `${key} of ${JSON.stringify(changes)}`).toBe(false);
            return value;
          });
        }
      }),
      { numRuns: 60 },
    );
    expect(answered).toBeGreaterThan(8);
  });

  it('reads as the YAML it was written in', () => {
    for (const text of SHIPPED) expect(filled(JSON.stringify(parse(text)))).toEqual(filled(text));
  });
});
