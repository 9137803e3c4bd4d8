import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chainOf } from '../../../power-planner/answers/chain.ts';
import { ADVICE } from '../../../power-planner/answers/findings.ts';
import { resolve } from '../../../power-planner/answers/resolve.ts';
import {
  budgetOf,
  lifeOf,
  loadScenario,
  type RunAnswer,
  runtimeOf,
  type Scenario,
  sizeOf,
  WARNING_CODES,
} from '../../../power-planner/index.ts';

/** What holds for any rack, and each warning where it belongs. */

const RACK = {
  switches: [{ id: 'sw', device: 'usw-pro-24-poe' }],
  loads: [
    { id: 'nodes', device: 'rpi-cm4', count: 10, plus: ['nvme', { device: 'nvme', count: 1 }], poe: 'sw' },
    { id: 'nuc', device: 'nuc-generic' },
    { id: 'fan', watts: 6, from: 'pack' },
    { id: 'pi', device: 'rpi-4b' },
  ],
  inverter: { converter: 'inverter-48v-3kva', ratedWatts: 3000 },
  pack: { cell: 'eve-lf105', series: 16, fuse: { amps: 60, breakingKiloamps: 20 }, grade: 'A' },
};

function planned(changes: object = {}): Scenario {
  const loaded = loadScenario(JSON.stringify({ ...RACK, ...changes }));
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.scenario;
}

function run(scenario: Scenario): RunAnswer {
  const answer = runtimeOf(scenario);
  if (answer === undefined) throw new Error('no pack');
  return answer;
}

const newHours = (scenario: Scenario): number => run(scenario).cases[0]?.hours ?? 0;
const codes = (answer: { findings: readonly { code: string }[] } | undefined): string[] =>
  (answer?.findings ?? []).map(({ code }) => code);

describe('where the watts go', () => {
  it.each(['idle', 'typical', 'max'] as const)('adds up at %s load: what comes in goes out or is lost', (level) => {
    const { chain } = run(planned({ level }));
    if (chain === undefined) throw new Error('no chain');
    const parts = chain.parts.reduce((sum, { watts }) => sum + watts, 0);
    expect(parts).toBeCloseTo(chain.packW, 9);
    for (const { watts } of chain.parts) expect(watts).toBeGreaterThanOrEqual(0);
    const ends = new Set([
      'devices',
      'switches themselves',
      'inverter loss',
      'supply loss',
      'converter loss',
      'cable loss',
    ]);
    for (const place of new Set(chain.flows.map(({ to }) => to))) {
      if (ends.has(place)) continue;
      const inW = chain.flows.filter(({ to }) => to === place).reduce((sum, { watts }) => sum + watts, 0);
      const outW = chain.flows.filter(({ from }) => from === place).reduce((sum, { watts }) => sum + watts, 0);
      expect(outW, place).toBeCloseTo(inW, 9);
    }
    const drawn = chain.flows.filter(({ from }) => from === 'pack').reduce((sum, { watts }) => sum + watts, 0);
    expect(drawn).toBeCloseTo(chain.packW, 9);
  });

  it('knows what is fed by the pack itself', () => {
    const { chain } = run(planned());
    expect(chain?.dcW).toBeCloseTo(6 / 0.9, 9);
    const without = run(planned({ loads: RACK.loads.filter(({ id }) => id === 'fan'), switches: [] })).chain;
    expect(without?.acW).toBe(0);
    expect(without?.packW).toBeCloseTo(6 / 0.9, 9);
  });

  it('counts what a port has told with cable and converter in it', () => {
    const atPort = planned({ loads: [{ id: 'n', watts: 7, at: 'port', poe: 'sw' }] });
    expect(run(atPort).chain?.switches[0]?.poeW).toBe(7);
    const atInput = planned({ loads: [{ id: 'n', watts: 7, poe: 'sw' }] });
    expect(run(atInput).chain?.switches[0]?.poeW).toBeGreaterThan(8);
  });

  it('adds up with things off, and a switch takes its nodes along', () => {
    for (const off of [['sw'], ['nuc'], ['nodes', 'sw'], ['nuc', 'pi', 'sw']]) {
      const { parts, packW, loads, flows } = chainOf(resolve(planned()), 'typical', new Set(off));
      expect(
        parts.reduce((sum, { watts }) => sum + watts, 0),
        off.join(),
      ).toBeCloseTo(packW, 9);
      const gone = [...off, ...(off.includes('sw') ? ['nodes'] : [])];
      for (const id of gone) expect([...loads.map((load) => load.id), ...flows.map(({ to }) => to)]).not.toContain(id);
    }
  });

  it('loses half as much in a cable that feeds over four pairs', () => {
    const lossOf = (poeClass: number): number => {
      const loads = [{ id: 'n', watts: 20, poe: 'sw', poeClass, cableM: 50 }];
      return run(planned({ loads })).chain?.parts.find(({ what }) => what === 'PoE cables')?.watts ?? 0;
    };
    expect(lossOf(5)).toBeGreaterThan(0.4);
    expect(lossOf(5) / lossOf(4)).toBeCloseTo(0.48, 1);
  });

  it('on mains comes through the charger for what the pack feeds', () => {
    const only = planned({ switches: [], loads: [{ id: 'fan', watts: 6, from: 'pack', converter: 0.9 }] });
    expect(budgetOf(only).rows[1]?.mainsW).toBeCloseTo(6 / 0.9 / 0.92, 9);
  });

  it('takes the catalogue for what the scenario does not say, and tells so with the source', () => {
    const { assumptions } = budgetOf(planned());
    const cm4 = assumptions.find(({ what }) => what.startsWith('nodes: idle'));
    expect(cm4?.source).toMatch(/sbc/);
    expect(assumptions.some(({ verified }) => !verified)).toBe(true);
  });
});

describe('a runtime', () => {
  it('is never longer with more load, colder, or older', () => {
    const watts = fc.double({ min: 20, max: 3000, noNaN: true });
    const celsius = fc.double({ min: -15, max: 35, noNaN: true });
    const age = fc.double({ min: 0, max: 15, noNaN: true });
    fc.assert(
      fc.property(watts, watts, celsius, celsius, age, age, (w1, w2, c1, c2, a1, a2) => {
        const base = planned();
        const at = (packWatts: number, temperatureC: number, ageYears: number): number => {
          const { cases } = run({ ...base, packWatts, temperatureC, coldestC: -20, ageYears });
          return (cases.find(({ id }) => id === 'aged') ?? cases[0])?.hours ?? 0;
        };
        const easy = at(Math.min(w1, w2), Math.max(c1, c2), 0);
        const hard = at(Math.max(w1, w2), Math.min(c1, c2), 0);
        expect(hard).toBeLessThanOrEqual(easy + 1e-9);
        expect(at(w1, c1, Math.max(a1, a2))).toBeLessThanOrEqual(at(w1, c1, Math.min(a1, a2)) + 1e-9);
      }),
      { numRuns: 60 },
    );
  });

  it('is never shorter for shedding, and each step follows the one before', () => {
    const stages = [
      { name: 'first', off: ['nuc'], atSoc: 0.6 },
      { name: 'second', off: ['nodes', 'sw'], atSoc: 0.3 },
    ];
    const { shedding } = run(planned({ stages }));
    expect(shedding?.hours).toBeGreaterThan(shedding?.unshedHours ?? Infinity);
    const steps = shedding?.steps ?? [];
    expect(steps.flatMap(({ socStart, socEnd }) => [socStart, socEnd]).slice(0, 5)).toEqual([1, 0.6, 0.6, 0.3, 0.3]);
    expect(steps[1]?.packW).toBeLessThan(steps[0]?.packW ?? 0);
    expect(steps[1]?.fromHours).toBeCloseTo(steps[0]?.hours ?? 0, 9);
    // A converter that is big for what is left keeps its standing loss.
    expect(steps[2]?.packW).toBeGreaterThan(6 / 0.9 + 4);
    const byTime = run(planned({ stages: [{ name: 'soon', off: ['nuc'], afterMinutes: 30 }] })).shedding;
    expect(byTime?.steps[0]?.hours).toBeCloseTo(0.5, 9);
  });

  it('sheds at the hours that are told, and draws one line through all steps', () => {
    const stages = [
      { name: 'first', off: ['nuc'], afterMinutes: 30 },
      { name: 'second', off: ['pi'], afterMinutes: 90 },
    ];
    const { shedding } = run(planned({ stages }));
    expect(shedding?.steps.slice(0, 2).map(({ hours }) => hours)).toEqual([0.5, expect.closeTo(1, 9)]);
    const curve = shedding?.curve ?? [];
    for (const [i, point] of curve.entries()) {
      expect(point.hours).toBeGreaterThanOrEqual(curve[i - 1]?.hours ?? 0);
      expect(point.socRatio).toBeLessThanOrEqual(curve[i - 1]?.socRatio ?? 1);
    }
    expect(curve.at(-1)?.hours).toBeCloseTo(shedding?.hours ?? 0, 9);
  });

  it('holds currents against the most the rack takes, and hours against the worst case', () => {
    const { packW, peakW, cases } = run(planned());
    const between = (packW + peakW) / 2 / (16 * 2.9);
    const weak = { ...pack({ bmsAmps: between }), charger: { amps: 1 } };
    expect(ask('runtime', planned(weak))).toContain('BMS_CURRENT');
    expect(ask('runtime', planned({ ...weak, packWatts: packW }))).not.toContain('BMS_CURRENT');
    const hours = ((cases[0]?.hours ?? 0) + (cases.at(-1)?.hours ?? 0)) / 2;
    expect(ask('runtime', planned({ wishes: { hours } }))).toContain('RUNTIME_BELOW_TARGET');
  });

  it('of a recharge takes more from mains than goes into the pack, which holds what was taken out', () => {
    const { recharge, cases } = run(planned());
    expect((recharge?.packWh ?? 0) / (recharge?.mainsWh ?? 1)).toBeCloseTo(0.92, 9);
    expect(recharge?.packWh).toBeGreaterThan(cases[0]?.energyWh ?? Infinity);
    expect(recharge?.packWh).toBeLessThan((cases[0]?.energyWh ?? 0) * 1.1);
  });

  it('at no load never ends, and without a pack is no question', () => {
    expect(newHours(planned({ packWatts: 0 }))).toBe(Number.POSITIVE_INFINITY);
    const { pack: _none, ...rest } = planned();
    expect(runtimeOf(rest)).toBeUndefined();
    expect(lifeOf(rest)).toBeUndefined();
  });

  it('that cannot be delivered says so', () => {
    const answer = run(planned({ packWatts: 90_000 }));
    expect(answer.cases[0]?.hours).toBe(0);
    expect(codes(answer)).toContain('POWER_NOT_DELIVERABLE');
    expect(codes(run(planned()))).not.toContain('POWER_NOT_DELIVERABLE');
  });
});

type Question = 'budget' | 'runtime' | 'life' | 'size';
const ask = (question: Question, scenario: Scenario): string[] =>
  codes({ budget: budgetOf, runtime: runtimeOf, life: lifeOf, size: sizeOf }[question](scenario));
const pack = (changes: object): object => ({ pack: { ...RACK.pack, ...changes } });
const many = (count: number, more: object = {}): object => ({
  loads: [{ id: 'x', device: 'rpi-cm4', count, poe: 'sw', ...more }],
});

describe('a warning of a scenario', () => {
  it.each<readonly [code: string, question: Question, holds: object, not: object]>([
    ['CIRCUIT_OVER_BREAKER', 'budget', { circuit: { breakerAmps: 2 } }, {}],
    ['CIRCUIT_OVER_CONTINUOUS', 'budget', { circuit: { breakerAmps: 3 } }, {}],
    ['CIRCUIT_LOW_HEADROOM', 'budget', { loads: [{ id: 'x', watts: 1600, powerFactor: 0.95 }] }, {}],
    ['PLUG_LIMIT', 'budget', { circuit: { plug: '5-15P' }, charger: { amps: 25 } }, { circuit: { plug: '5-15P' } }],
    ['CHARGER_EXCEEDS_HEADROOM', 'budget', { charger: { amps: 40 } }, { charger: { amps: 10 } }],
    ['LOW_POWER_FACTOR', 'budget', {}, { loads: [{ id: 'x', watts: 100, powerFactor: 0.95 }] }],
    [
      'VOLTAGE_DROP_BRANCH',
      'budget',
      { circuit: { wire: { awg: 14, lengthM: 60 } } },
      { circuit: { wire: { awg: 10, lengthM: 5 } } },
    ],
    ['INRUSH_RISK', 'budget', {}, { switches: [], loads: [{ id: 'x', watts: 9, inrushAmps: 20 }] }],
    ['POE_BUDGET_EXCEEDED', 'budget', many(24, { watts: 20 }), many(4)],
    [
      'POE_BUDGET_EXCEEDED',
      'budget',
      { switches: [{ id: 'sw', device: 'usw-pro-24-poe', allocates: 'class' }], ...many(20, { poeClass: 4 }) },
      many(20, { poeClass: 4 }),
    ],
    ['POE_PORT_LIMIT', 'budget', many(10, { watts: 30, count: 10 }), many(10)],
    ['POE_PORT_LIMIT', 'budget', many(25, { watts: 1 }), many(24, { watts: 1 })],
    [
      'POE_LINK_OVERLOAD',
      'budget',
      { switches: [{ id: 'sw', selfWatts: 5, portVolts: 24 }], ...many(1, { watts: 30, cableM: 100 }) },
      many(1, { watts: 30, cableM: 100 }),
    ],
    [
      'POE_BUS_VOLTAGE_LOW',
      'budget',
      { switches: [{ id: 'sw', selfWatts: 5, from: 'pack', supply: 'direct' }] },
      { switches: [{ id: 'sw', selfWatts: 5, from: 'pack' }] },
    ],
    [
      'POE_BUS_VOLTAGE_HIGH',
      'budget',
      { switches: [{ id: 'sw', selfWatts: 5, from: 'pack', supply: 'direct' }], ...pack({ series: 17 }) },
      { switches: [{ id: 'sw', selfWatts: 5, from: 'pack', supply: 'direct' }] },
    ],
    ['SUPPLY_LIMIT', 'budget', { inverter: { converter: 'inverter-48v-3kva', ratedWatts: 100 } }, {}],
    ['PACK_VOLTAGE_WINDOW', 'runtime', { wishes: { busVolts: [48, 57] } }, { wishes: { busVolts: [44, 57] } }],
    ['TOUCH_VOLTAGE_60V', 'runtime', pack({ series: 18 }), {}],
    ['LFP_CHARGE_BELOW_FREEZING', 'runtime', { coldestC: -2 }, { coldestC: 5 }],
    ['TEMP_OUT_OF_RANGE', 'runtime', { temperatureC: 65 }, {}],
    ['C_RATE_DISCHARGE', 'runtime', { packWatts: 6000 }, {}],
    ['C_RATE_CHARGE', 'runtime', { circuit: { breakerAmps: 100 }, charger: { amps: 130 } }, { charger: { amps: 20 } }],
    ['BMS_CURRENT', 'runtime', pack({ bmsAmps: 2 }), pack({ bmsAmps: 100 })],
    ['LVC_TOO_LOW', 'runtime', pack({ cutoffCellVolts: 2.5 }), {}],
    ['HIGH_RATE_UNCERTAIN', 'runtime', { packWatts: 4000 }, {}],
    ['RUNTIME_BELOW_TARGET', 'runtime', { wishes: { hours: 1000 } }, { wishes: { hours: 2 } }],
    ['RESERVE_EXCEEDS_CAPACITY', 'runtime', { packWatts: 4000, reserve: { shutdownMinutes: 120 } }, {}],
    ['RECHARGE_TOO_SLOW', 'runtime', { charger: { amps: 2 } }, { charger: { amps: 20 } }],
    ['HIGH_STANDBY_SOC', 'life', {}, pack({ standbySoc: 0.8 })],
    ['LIFE_BELOW_TARGET', 'life', { wishes: { years: 30 } }, { wishes: { years: 3 } }],
    ['FUSE_MISSING', 'runtime', pack({ fuse: false }), pack({ fuse: 'unknown' })],
    ['FUSE_BREAKING_CAPACITY', 'runtime', pack({ fuse: { amps: 60, breakingKiloamps: 1 } }), {}],
    ['PARALLEL_STRINGS', 'runtime', pack({ parallel: 2 }), pack({ parallel: 2, stringFuses: true })],
    ['CELL_GRADE_UNKNOWN', 'runtime', pack({ grade: 'unknown' }), {}],
    ['UNVERIFIED_DATA', 'runtime', {}, pack({ cell: { chemistry: 'lifepo4', capacityAh: 100 } })],
    ['EXTRAPOLATED', 'runtime', { coldestC: -25 }, { coldestC: -20 }],
    [
      'ENERGY_CODE',
      'runtime',
      pack({ cell: 'eve-lf280k', parallel: 2 }),
      pack({ cell: 'eve-lf280k', parallel: 2, indoors: false }),
    ],
  ])('%s in %s: where it holds, and where it does not', (code, question, holds, not) => {
    expect(ask(question, planned(holds))).toContain(code);
    expect(ask(question, planned(not))).not.toContain(code);
  });

  it('of every code says what to do', () => {
    expect(Object.keys(ADVICE).sort()).toEqual([...WARNING_CODES].sort());
    for (const advice of Object.values(ADVICE)) expect(advice.length).toBeGreaterThan(20);
  });

  it('comes once for each place, the worst first', () => {
    const { findings } = budgetOf(planned({ circuit: { breakerAmps: 2 } }));
    const keys = findings.map(({ code, where }) => `${code} ${where}`);
    expect(new Set(keys).size).toBe(keys.length);
    const ranks = findings.map(({ level }) => ['danger', 'caution', 'note'].indexOf(level));
    expect(ranks).toEqual([...ranks].sort());
  });
});

describe('ports', () => {
  it('of the strongest kind go to the hungriest, whoever comes first', () => {
    const loads = [
      { id: 'small', watts: 8, count: 8, poe: 'sw' },
      { id: 'big', watts: 40, count: 4, poe: 'sw' },
    ];
    expect(ask('budget', planned({ loads }))).not.toContain('POE_PORT_LIMIT');
    expect(ask('budget', planned({ loads: [...loads, { id: 'more', watts: 40, count: 5, poe: 'sw' }] }))).toContain(
      'POE_PORT_LIMIT',
    );
  });
});

describe('a charger', () => {
  it('is not to be set higher than cells and BMS take', () => {
    const set = (changes: object): number =>
      budgetOf(planned({ circuit: { breakerAmps: 90 }, ...pack(changes) })).rows[1]?.chargerSetA ?? 0;
    expect(set({})).toBe(105);
    expect(set({ bmsAmps: 50 })).toBe(50);
    expect(set({ cell: { chemistry: 'lifepo4', capacityAh: 100 } })).toBeGreaterThan(105);
  });
});

describe('a life', () => {
  it('of LTO is told by its own law, and longer', () => {
    const titanate = lifeOf(planned(pack({ cell: 'yinlong-66160h-40', series: 20 })));
    expect(titanate?.models.map(({ model }) => model)).toEqual(['sam-lmolto']);
    expect(titanate?.yearsMin).toBeGreaterThan((lifeOf(planned())?.yearsMax ?? 0) * 2);
    expect(titanate?.assumptions.find(({ what }) => what === 'calendar ageing')?.value).toBe('sam-lmolto');
  });

  it('ends where its curve does', () => {
    const answer = lifeOf(planned());
    for (const { years, curve } of answer?.models ?? []) {
      const after = curve.filter((point) => point.years >= years);
      const before = curve.filter((point) => point.years < years);
      for (const { healthRatio } of after) expect(healthRatio).toBeLessThanOrEqual(0.8 + 1e-9);
      for (const { healthRatio } of before) expect(healthRatio).toBeGreaterThan(0.8);
    }
  });
});

describe('a search', () => {
  it('finds another chemistry where its bus lets it, and keeps to the wishes', () => {
    const size = sizeOf(planned({ wishes: { busVolts: [36, 57], hours: 2 } }));
    expect(size.otherChemistry?.chemistry).not.toBe(size.winner?.chemistry);
    for (const offer of size.offers) {
      expect(offer.hours).toBeGreaterThanOrEqual(2);
      expect(offer.fullV).toBeLessThanOrEqual(57 + 1e-9);
      expect(offer.cutoffV).toBeGreaterThanOrEqual(36 - 1e-9);
    }
    const light = sizeOf(planned({ wishes: { busVolts: [36, 57], hours: 2, objective: 'mass' } }));
    expect(light.winner?.massKg).toBeLessThanOrEqual(size.winner?.massKg ?? 0);
    const named = sizeOf(planned({ wishes: { hours: 2, cells: ['catl-302'] } }));
    expect(new Set(named.offers.map(({ cell }) => cell))).toEqual(new Set(['catl-302']));
  });

  it('with wishes nobody can fulfil says which stood in the way', () => {
    const size = sizeOf(planned({ wishes: { hours: 5000, maxMassKg: 10 } }));
    expect(size.winner).toBeUndefined();
    expect(size.refused.length).toBeGreaterThan(5);
    expect(codes(size)).toContain('RUNTIME_BELOW_TARGET');
  });

  it('holds nothing on its front that something beats', () => {
    const { pareto } = sizeOf(planned({ wishes: { busVolts: [36, 57], hours: 2 } }));
    expect(pareto.length).toBeGreaterThan(1);
    for (const a of pareto) {
      for (const b of pareto) {
        const better =
          b.costUsd < a.costUsd && b.massKg < a.massKg && b.hours > a.hours && (b.years ?? 0) > (a.years ?? 0);
        expect(better).toBe(false);
      }
    }
  });
});
