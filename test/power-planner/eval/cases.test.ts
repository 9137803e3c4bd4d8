import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { evaluateCase, evaluateLine, KIND_NAMES } from '../../../power-planner/index.ts';

interface Expectation {
  readonly value: number;
  readonly tol_rel?: number;
  readonly tol_abs?: number;
}
interface PlannerCase {
  readonly id: string;
  readonly kind: string;
  readonly inputs: Record<string, unknown>;
  readonly expected: Record<string, unknown>;
  readonly source: string;
}

const file = new URL('../../fixtures/planner/planner-cases.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: PlannerCase[] };

function answerOf(one: PlannerCase) {
  const answer = evaluateLine(JSON.stringify(one));
  if ('error' in answer) throw new Error(`${one.id}: ${answer.error.message}`);
  return answer;
}

const isExpectation = (wanted: unknown): wanted is Expectation =>
  typeof wanted === 'object' && wanted !== null && 'value' in wanted;

function compare(name: string, got: unknown, wanted: unknown): void {
  if (Array.isArray(wanted)) {
    expect(got, name).toHaveLength(wanted.length);
    for (const [i, one] of wanted.entries()) compare(`${name}[${i}]`, (got as unknown[])[i], one);
  } else if (isExpectation(wanted)) {
    const tolerance = wanted.tol_abs ?? Math.abs(wanted.value) * (wanted.tol_rel ?? 0);
    expect(got, name).toBeTypeOf('number');
    expect(Math.abs((got as number) - wanted.value), `${name}: ${String(got)}`).toBeLessThanOrEqual(tolerance);
  } else {
    expect(got, name).toEqual(wanted);
  }
}

describe('the cases of the planner note', () => {
  it('are all there, of every kind but our own', () => {
    expect(cases).toHaveLength(24);
    const kinds = new Set(cases.map(({ kind }) => kind));
    expect(KIND_NAMES.filter((kind) => !kinds.has(kind))).toEqual(['life']);
  });

  it.each(cases.map((one) => [one.id, one.source, one] as const))('%s (%s)', (_id, _source, one) => {
    const answer = answerOf(one);
    expect(answer.id).toBe(one.id);
    for (const [name, wanted] of Object.entries(one.expected)) {
      if (name === 'warnings_present') expect(answer.warnings).toEqual(expect.arrayContaining(wanted as string[]));
      else if (name === 'warnings_absent') {
        for (const code of wanted as string[]) expect(answer.warnings).not.toContain(code);
      } else compare(name, answer.result[name], wanted);
    }
  });

  const tight = {
    'd-run-simses-005c': 0.005,
    'd-run-simses-1c': 0.005,
    'd-run-lf280k-720': 0.005,
    'd-run-lto-400': 0.005,
  };
  it.each(Object.entries(tight))('%s within %f: closer than the case asks', (id, tolerance) => {
    const one = cases.find((other) => other.id === id);
    const hours = (one?.expected.hours as Expectation | undefined)?.value ?? Number.NaN;
    const got = one === undefined ? Number.NaN : Number(answerOf(one).result.hours);
    expect(Math.abs(got / hours - 1)).toBeLessThan(tolerance);
  });
});

/** Section 16 of the note: hours of other models for the same discharge. */
describe('anchors', () => {
  const simses = (power_w: number, r_table: string) => ({
    cell: { ocv: 'lfp', capacity_ah: 3, r_table },
    series: 16,
    parallel: 94,
    power_w,
    lvc_v: 40,
  });
  const hoursOf = (inputs: Record<string, unknown>): number => {
    const answer = evaluateCase({ id: 1, kind: 'runtime', inputs });
    return 'result' in answer ? Number(answer.result.hours) : Number.NaN;
  };

  it.each([
    [721.9, 'lfp-25c', 20.339],
    [2887.7, 'lfp-25c', 5.05],
    [7219.2, 'lfp-25c', 1.992],
    [14_438.4, 'lfp-25c', 0.969],
    [721.9, 'lfp-10c', 20.297],
    [2887.7, 'lfp-10c', 5.008],
    [7219.2, 'lfp-10c', 1.931],
    [14_438.4, 'lfp-10c', 0.852],
  ])('simses, 16s94p at %f W, %s: %f h within 0.5 %%', (powerW, table, hours) => {
    expect(Math.abs(hoursOf(simses(powerW, table)) / hours - 1)).toBeLessThan(0.005);
  });

  it.each([
    [0.368, 19.437, 0, 0.005],
    [1.472, 4.687, 0, 0.04],
    [3.68, 1.748, 0, 0.1],
  ])('PyBaMM Prada2013 at %f W: %f h, and never far below', (powerW, hours, low, high) => {
    const inputs = {
      cell: { ocv: 'prada2013', capacity_ah: 2.3014, r_dc_mohm: 36 },
      series: 1,
      power_w: powerW,
      lvc_v: 2.5,
    };
    const error = hoursOf(inputs) / hours - 1;
    expect(error).toBeGreaterThan(low - 0.001);
    expect(error).toBeLessThan(high);
  });

  it('LTO at 1C: an hour', () => {
    const inputs = { cell: { ocv: 'lto-nmc', capacity_ah: 40, r_dc_mohm: 0.7 }, series: 22, power_w: 1936, lvc_v: 44 };
    expect(hoursOf(inputs)).toBeCloseTo(1.004, 2);
  });

  it('seed B new, at the end of its life, and in between', () => {
    const inputs = { cell: { ocv: 'lfp', capacity_ah: 280, r_dc_mohm: 0.5 }, series: 16, power_w: 281, lvc_v: 46.4 };
    expect(hoursOf(inputs)).toBeCloseTo(51.15, 1);
    // 0.88 of the charge at 10 °C, 80 % health, resistance 1.3 by age and 1.44 by cold.
    expect(hoursOf({ ...inputs, capacity_factor: 0.8 * 0.88, r_factor: 1.3 * 1.44 })).toBeCloseTo(35.97, 1);
    expect(hoursOf({ ...inputs, capacity_factor: 0.8, r_factor: 1.3, temp_c: 10 })).toBeCloseTo(35.97, 1);
  });
});
