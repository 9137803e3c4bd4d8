import { describe, expect, it } from 'vitest';
import { packResistanceOhm } from '#bms/model';
import { healthAfter, packCases, type ResolvedPack, resolvePack } from '../../../power-planner/answers/pack.ts';
import { loadScenario, packSpecOf, type Scenario } from '../../../power-planner/index.ts';

function planned(pack: object, more: object = {}): { scenario: Scenario; pack: ResolvedPack } {
  const loaded = loadScenario(JSON.stringify({ pack, ...more }));
  if (!loaded.ok || loaded.scenario.pack === undefined) throw new Error(JSON.stringify(loaded));
  return { scenario: loaded.scenario, pack: resolvePack(loaded.scenario.pack, loaded.scenario) };
}

describe('a pack of a scenario', () => {
  it('has the figures of its cells', () => {
    const { figures } = planned({ cell: 'eve-lf280k', series: 16, parallel: 2 }).pack;
    expect(figures).toMatchObject({ packAh: 560, series: 16, parallel: 2, chemistry: 'lifepo4' });
    expect(figures.ratedWh).toBeCloseTo(32 * 896, 6);
    expect(figures.fullV).toBeCloseTo(16 * 3.45, 9);
    expect(figures.cutoffV).toBeCloseTo(46.4, 9);
    expect(figures.massKg).toBeCloseTo(32 * 5.42, 6);
    expect(figures.costUsd).toBeCloseTo(32 * 80, 6);
    // 0.5 mohm each, 16 in series, two strings, and 2 mohm of wiring.
    expect(figures.resistanceOhm).toBeCloseTo(0.004 + 0.002, 9);
  });

  it('with a measured resistance has that, wiring and strings included', () => {
    for (const parallel of [1, 3]) {
      const { pack } = planned({ cell: 'eve-lf280k', series: 16, parallel, resistanceOhm: 0.02 });
      expect(packResistanceOhm(packSpecOf(pack.planned), 0.5)).toBeCloseTo(0.02, 12);
    }
  });

  it('of nobody’s catalogue has no price and no mass, and the resistance of its chemistry', () => {
    const { figures } = planned({ cell: { chemistry: 'lto', capacityAh: 40 }, series: 20 }).pack;
    expect(figures).toMatchObject({
      massKg: null,
      costUsd: null,
      chemistry: 'lto',
      cell: expect.stringContaining('40 Ah'),
    });
    expect(figures.resistanceOhm).toBeGreaterThan(0.002);
    expect(figures.nominalV).toBeCloseTo(46, 9);
  });

  it('ages and freezes as the worked example says: 0.704 of the charge, 1.88 times the resistance', () => {
    const { scenario, pack } = planned({ cell: 'eve-lf280k', series: 16 });
    const worst = packCases(scenario, pack, 0.02).at(-1);
    expect(worst).toMatchObject({ id: 'end-of-life-cold', temperatureC: 10, healthRatio: 0.8 });
    expect(worst?.capacityFactor).toBeCloseTo(0.704, 9);
    expect(worst?.resistanceFactor).toBeCloseTo(1.3 * 1.44, 1);
  });

  it('is never colder on the coldest day than told, nor warmer than on an ordinary one', () => {
    const { scenario, pack } = planned({ cell: 'eve-lf280k', series: 16 }, { temperatureC: 5, coldestC: 15 });
    expect(packCases(scenario, pack, 0.02).map(({ temperatureC }) => temperatureC)).toEqual([5, 5, 5, 5]);
  });

  it('loses by standing and by outages, never all, and is whole when new', () => {
    const { scenario, pack } = planned({ cell: 'eve-lf280k', series: 16 });
    const left = (years: number, outagesPerYear: number, standbySoc = 1): number => {
      const facts = { ...pack.facts, standbySoc };
      return healthAfter({ ...scenario, use: { outagesPerYear, depth: 0.8 } }, { ...pack, facts }, years, 0.3);
    };
    expect(left(0, 12)).toBe(1);
    // Naumann 21.4 %, SAM 21.5 % after ten years full at 25 °C; 96 full cycles at 0.3C cost 1.28 % more.
    expect(left(10, 0)).toBeCloseTo(1 - 0.2155, 3);
    expect(left(10, 12)).toBeCloseTo(1 - 0.2155 - 0.0128, 3);
    expect(left(10, 0, 0.5)).toBeGreaterThan(left(10, 0));
    expect(left(50, 10_000)).toBeGreaterThan(0);
  });
});
