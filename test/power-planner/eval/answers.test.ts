import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateCase, evaluateLine, KIND_NAMES } from '../../../power-planner/index.ts';

const ask = (kind: string, inputs: unknown) => evaluateCase({ id: 'x', kind, inputs });

function resultOf(kind: string, inputs: unknown): Record<string, unknown> {
  const answer = ask(kind, inputs);
  if ('error' in answer) throw new Error(answer.error.message);
  return answer.result;
}

const cell = { ocv: 'lfp', capacity_ah: 280, r_dc_mohm: 0.5 };
const pack = { cell, series: 16, parallel: 1, lvc_v: 46.4 };

describe('what a wrong case is told', () => {
  it.each([
    ['circuit', { v: 110, breaker_a: -5, loads: [] }, 'out-of-range', /^breaker_a is -5: expected a number above 0/],
    ['circuit', { v: '110', breaker_a: 20, loads: [] }, 'wrong-type', /^v is "110"/],
    ['circuit', { v: 110, loads: [] }, 'missing-field', /^breaker_a is missing: expected a number/],
    ['circuit', { v: 110, breaker_a: 20 }, 'missing-field', /^loads is missing: expected a list/],
    [
      'circuit',
      { v: 110, breaker_a: 20, loads: [{ w: 1, pf: 1 }, { pf: 1 }] },
      'missing-field',
      /^loads\[1\]\.w is missing/,
    ],
    ['circuit', { v: 110, breaker_a: 20, loads: [7] }, 'wrong-type', /^loads\[0\] is 7: expected an object/],
    ['runtime', { ...pack, power_w: 100, series: 1.5 }, 'out-of-range', /^series is 1.5: expected a whole number/],
    [
      'runtime',
      { ...pack, power_w: 100, cell: { ...cell, ocv: 'nimh' } },
      'out-of-range',
      /^cell.ocv is "nimh": expected one of lfp/,
    ],
    ['converter', { rated_w: 1, out_w: 1, points: [[0.5]] }, 'wrong-type', /^points\[0\] is \[0.5\]: expected a pair/],
    ['converter', { rated_w: 1, out_w: 1, points: [] }, 'out-of-range', /at least one/],
    ['converter', { rated_w: 1, out_w: 1, converter: 'x' }, 'out-of-range', /catalogue/],
    [
      'sizing',
      { candidates: [{ ...cell, v_lvc: 2.9, v_charge: 2.8 }] },
      'out-of-range',
      /v_charge is 2.8: expected a number above 2.9/,
    ],
    [
      'sizing',
      { candidates: Array.from({ length: 201 }, () => cell) },
      'out-of-range',
      /^candidates has 201 items: 200/,
    ],
    ['ups-fit', { model: 'x', load: 1 }, 'out-of-range', /published/],
    ['ups-fit', { points: [], load: 1 }, 'impossible', /one published point/],
    ['derate', { chemistry: 'LTO', temp_c: 0, table: 'sam' }, 'out-of-range', /expected one of conservative/],
    ['warnings', { plug: 'schuko' }, 'out-of-range', /^plug is "schuko": expected one of 5-15P/],
    ['warnings', { poe_type: 'ax' }, 'out-of-range', /^poe_type/],
    ['warnings', { charge_temp_c: 5 }, 'wrong-type', /two temperatures/],
    ['warnings', { unverified: 5 }, 'wrong-type', /field names/],
    ['warnings', { charging: 'yes' }, 'wrong-type', /true or false/],
    ['warnings', { cell_grade: 5 }, 'wrong-type', /a text/],
    ['warnings', [], 'wrong-type', /^inputs is \[\]: expected an object/],
    ['oracle', {}, 'unknown-kind', /^kind is "oracle": expected one of circuit/],
    ['constructor', {}, 'unknown-kind', /^kind is "constructor"/],
  ] as const)('%s %j', (kind, inputs, code, message) => {
    expect(ask(kind, inputs)).toEqual({ id: 'x', error: { code, message: expect.stringMatching(message) } });
  });

  it.each(['', '{', 'null', '7', '[]', '"a"', '{}'])('the line %j', (line) => {
    expect(evaluateLine(line)).toMatchObject({ id: null, error: { message: expect.any(String) } });
  });

  it('keeps the id it could read', () => {
    expect(evaluateLine('{"id":7,"kind":"circuit"}')).toMatchObject({ id: 7, error: { code: 'wrong-type' } });
  });
});

describe('a big question', () => {
  it('is answered: the widest bus, the most strings, many cells', () => {
    const odd = { ...cell, v_lvc: 0.5, v_charge: 0.51, cont_discharge_c: 1, price_usd: 1, mass_kg: 1 };
    const candidates = Array.from({ length: 5 }, (_, i) => ({ ...odd, id: `c${i}` }));
    const inputs = { bus_v_min: 1, bus_v_max: 1500, power_w: 1e5, target_hours: 1e5, parallel_max: 100, candidates };
    expect(ask('sizing', inputs)).toMatchObject({ result: { feasible: false } });
  });
});

describe('garbage', () => {
  it('never throws, and always gets an answer that is JSON', () => {
    const names = [
      'v',
      'loads',
      'cell',
      'series',
      'power_w',
      'points',
      'stages',
      'temp_c',
      'candidates',
      'soc',
      'model',
    ];
    const inputs = fc.dictionary(fc.constantFrom(...names), fc.jsonValue({ maxDepth: 3 }));
    fc.assert(
      fc.property(fc.constantFrom(...KIND_NAMES, '__proto__'), fc.oneof(inputs, fc.jsonValue()), (kind, value) => {
        const answer = evaluateCase({ id: 1, kind, inputs: value });
        expect(() => JSON.stringify(answer)).not.toThrow();
        expect('error' in answer || 'result' in answer).toBe(true);
      }),
    );
    fc.assert(fc.property(fc.anything(), (value) => void evaluateCase(value)));
    fc.assert(fc.property(fc.string(), (line) => void evaluateLine(line)));
  });

  it('never throws for a good case with one field gone bad', () => {
    const good = [
      ['runtime', { ...pack, power_w: 281, soc_start: 1, soc_stop: 0, capacity_factor: 1, r_factor: 1 }],
      ['recharge', { ...pack, p_dc_w: 600, v_cv_cell: 3.45, tail_c: 0.02, soc_start: 0.2 }],
      ['shed', { ...pack, stages: [{ power_w: 300, until_soc: 0.5 }] }],
      ['sizing', { bus_v_min: 44, bus_v_max: 57, power_w: 281, target_hours: 12 }],
      ['seed', { nodes: 20, node_dc_w: 6.5, pse_v: 53, loop_ohm: 0.4, switches: 1 }],
      ['life', { chemistry: 'LFP', temp_c: 25, soc: 1 }],
    ] as const;
    const bad = fc.oneof(fc.jsonValue(), fc.double(), fc.constantFrom(0, -1, 1e308, 5e-324));
    fc.assert(
      fc.property(fc.constantFrom(...good), fc.nat(20), bad, ([kind, inputs], index, value) => {
        const names = Object.keys(inputs);
        const name = names[index % names.length] ?? '';
        expect('error' in ask(kind, { ...inputs, [name]: value }) || true).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('what must always hold', () => {
  const hours = (power_w: number, temp_c: number, capacity_factor: number): number =>
    Number(
      resultOf('runtime', { ...pack, power_w, temp_c, capacity_factor, r_factor: 1 + 1.5 * (1 - capacity_factor) })
        .hours,
    );
  const watts = fc.double({ min: 10, max: 5000, noNaN: true });
  const celsius = fc.double({ min: -20, max: 40, noNaN: true });
  const health = fc.double({ min: 0.5, max: 1, noNaN: true });

  it('more load, colder or older never runs longer', () => {
    fc.assert(
      fc.property(watts, watts, celsius, celsius, health, health, (p, q, t, u, a, b) => {
        const slack = 1e-9;
        expect(hours(Math.max(p, q), t, a)).toBeLessThanOrEqual(hours(Math.min(p, q), t, a) + slack);
        expect(hours(p, Math.min(t, u), a)).toBeLessThanOrEqual(hours(p, Math.max(t, u), a) + slack);
        expect(hours(p, t, Math.min(a, b))).toBeLessThanOrEqual(hours(p, t, Math.max(a, b)) + slack);
      }),
    );
  });

  it('energy out is power times time', () => {
    fc.assert(
      fc.property(watts, (power_w) => {
        const result = resultOf('runtime', { ...pack, power_w });
        expect(Number(result.energy_wh)).toBeCloseTo(power_w * Number(result.hours), 6);
      }),
    );
  });
});

describe('the smaller print', () => {
  it('takes converters and UPS models of the catalogue by name', () => {
    const named = resultOf('converter', { rated_w: 450, out_w: 45, converter: '80plus-115v-gold' });
    expect(named.efficiency).toBeCloseTo(0.791, 3);
    expect(resultOf('ups-fit', { model: 'APC Smart-UPS 650', load: 300 }).minutes).toBeCloseTo(14, 9);
  });

  it('sizes from the catalogue and says why others were refused', () => {
    const result = resultOf('sizing', { bus_v_min: 44, bus_v_max: 57, power_w: 281, target_hours: 12 });
    expect(result).toMatchObject({ feasible: true, series: 16, runner_up: expect.anything(), other_chemistry: null });
    expect(result.refused).toContainEqual(expect.objectContaining({ cell: 'toshiba-scib-20', because: 'window' }));
  });

  it('says that nothing fits, and which constraint it was', () => {
    const window = ask('sizing', { bus_v_min: 56, bus_v_max: 57, power_w: 281, target_hours: 1 });
    expect(window).toMatchObject({ result: { feasible: false, cell: null } });
    expect(window).toMatchObject({ warnings: expect.arrayContaining(['PACK_VOLTAGE_WINDOW', 'RUNTIME_BELOW_TARGET']) });
    const energy = ask('sizing', { bus_v_min: 44, bus_v_max: 57, power_w: 5e5, target_hours: 99 });
    expect(energy).toMatchObject({ result: { feasible: false }, warnings: ['RUNTIME_BELOW_TARGET'] });
  });

  it('finds what no current can be forced through', () => {
    const link = ask('poe-link', { v_pse: 44, loop_ohm: 20, p_pd_w: 30 });
    expect(link).toMatchObject({ result: { i_a: null, p_pse_w: null }, warnings: ['POE_LINK_OVERLOAD'] });
    const rack = ask('seed', { nodes: 1, node_dc_w: 30, pse_v: 44, loop_ohm: 20 });
    expect(rack).toMatchObject({ warnings: expect.arrayContaining(['POE_LINK_OVERLOAD']) });
  });

  it('knows what cold does to lead', () => {
    expect(resultOf('derate', { chemistry: 'PbA', temp_c: 0.77, table: 'sam' })).toMatchObject({
      capacity_factor: 0.721,
      charge_current_factor: 1,
    });
    expect(resultOf('derate', { chemistry: 'PbA', temp_c: 38 }).capacity_factor).toBe(1);
    expect(ask('derate', { chemistry: 'PbA', temp_c: -40 })).toMatchObject({ warnings: ['EXTRAPOLATED'] });
  });

  it('adds a rack that has no PoE nodes', () => {
    const result = resultOf('seed', { design: 'D', other_ac_w: 53.4, inverter_efficiency: 0.9, v: 110, pf: 0.55 });
    expect(result).toMatchObject({ pse_total_w: 0, switch_ac_w: 0, ac_w: 53.4 });
    expect(result.pack_w).toBeCloseTo(59.33, 2);
  });

  it('sizes for the least mass, by either word', () => {
    const inputs = { bus_v_min: 44, bus_v_max: 57, power_w: 281, target_hours: 12 };
    expect(resultOf('sizing', { ...inputs, objective: 'weight' })).toEqual(
      resultOf('sizing', { ...inputs, objective: 'mass' }),
    );
  });

  it('gives life as a range', () => {
    const result = resultOf('life', { chemistry: 'LFP', temp_c: 25, soc: 1, cycles_per_year: 12 });
    expect(Number(result.years_to_80_min)).toBeLessThan(Number(result.years_to_80_max));
    expect(result.models).toHaveLength(2);
  });

  it('sheds by time as well, and stops where the pack does', () => {
    const stages = [{ power_w: 500, until_min: 60 }, { power_w: 100 }, { power_w: 50 }];
    const result = resultOf('shed', { ...pack, stages });
    expect(result.ended_by).toEqual(['time', 'cut-off', 'not-reached']);
  });

  it('recharges by current, with the Wh from mains', () => {
    const result = resultOf('recharge', {
      ...pack,
      current_a: 20,
      v_cv_cell: 3.45,
      soc_start: 0.2,
      charger_efficiency: 0.92,
    });
    expect(Number(result.hours)).toBeCloseTo(11.16, 1);
    expect(Number(result.mains_wh)).toBeCloseTo(Number(result.energy_wh) / 0.92, 6);
  });

  it('says when a figure is from outside its table', () => {
    const cold = ask('derate', { chemistry: 'LFP', temp_c: -30 });
    expect(cold).toMatchObject({ warnings: expect.arrayContaining(['EXTRAPOLATED', 'TEMP_OUT_OF_RANGE']) });
    expect(ask('derate', { chemistry: 'LTO', temp_c: 20 })).toMatchObject({ warnings: [] });
  });
});
