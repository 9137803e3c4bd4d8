import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Candidate,
  CELLS,
  evaluateCase,
  recharge,
  runtimeHours,
  type SizedPack,
  type SizingQuestion,
  seriesWindow,
  sizePack,
} from '../../../power-planner/index.ts';

const rack: SizingQuestion = {
  busMinV: 40,
  busMaxV: 58,
  powerW: 281,
  targetHours: 12,
  capacityFactor: 0.8,
  resistanceFactor: 1.3,
  objective: 'cost',
  maxParallel: 8,
  candidates: CELLS,
};
const aged = { capacityFactor: 0.8, resistanceFactor: 1.3 };
const standing = {
  standby: { temperatureC: 25, socRatio: 1 },
  use: { cyclesPerYear: 12, depthRatio: 0.8, cRate: 0.2 },
};

/** Hours of a pack on its own, after the reserve. */
function lasting({ candidate, series }: SizedPack, parallel: number, powerW: number, reserveWh = 0): number {
  const cutoffV = series * candidate.cutoffV;
  const { energyWh } = runtimeHours({ pack: { cell: candidate.cell, series, parallel, cutoffV, ...aged }, powerW });
  return (energyWh - reserveWh) / powerW;
}

describe('the fewest strings', () => {
  it('are the fewest, by the plain runtime of every pack', () => {
    const question = fc.record({
      powerW: fc.double({ min: 20, max: 4000, noNaN: true }),
      targetHours: fc.double({ min: 0.5, max: 60, noNaN: true }),
      reserveWh: fc.double({ min: 0, max: 2000, noNaN: true }),
    });
    fc.assert(
      fc.property(question, (asked) => {
        for (const pack of sizePack({ ...rack, ...asked, maxParallel: 60 }).packs) {
          const { parallel, hours, limitedBy } = pack;
          expect(hours).toBeCloseTo(lasting(pack, parallel, asked.powerW, asked.reserveWh), 6);
          expect(hours).toBeGreaterThanOrEqual(asked.targetHours);
          if (limitedBy !== 'energy') continue;
          expect(lasting(pack, parallel - 1, asked.powerW, asked.reserveWh)).toBeLessThan(asked.targetHours);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('are refused with the limit they break', () => {
    const because = (change: Partial<SizingQuestion>): Record<string, string> => {
      const { refused, packs } = sizePack({ ...rack, busMinV: 44, candidates: only('eve-lf105'), ...change });
      expect(packs).toEqual([]);
      return Object.fromEntries(refused.map((one) => [one.because, one.text]));
    };
    expect(because({ maxMassKg: 30 }).mass).toBe('16s1p weighs 31.7 kg of 30 kg');
    expect(because({ maxCostUsd: 500 }).cost).toBe('16s1p costs 560 of 500 dollars');
    expect(because({ charge: { powerDcW: 200, withinHours: 10 } }).recharge).toMatch(
      /^16s1p is full after .* of 10 h$/,
    );
    expect(because({ charge: { currentA: 20, temperatureC: -5 } }).recharge).toBe('16s1p cannot be charged so');
    expect(because({ life: { ...standing, targetYears: 30 } }).life).toMatch(/^at 80 % after .* years of 30 years$/);
  });

  const only = (id: string): readonly Candidate[] => CELLS.filter((cell) => cell.id === id);

  it('come with the hours of their refill, near those of the fine steps, and no string of cells is charged faster than it takes', () => {
    const charge = { powerDcW: 900, currentA: 100, withinHours: 20 };
    const { packs } = sizePack({ ...rack, charge });
    expect(packs.length).toBeGreaterThan(5);
    for (const { candidate, series, parallel, rechargeHours } of packs) {
      const fine = recharge({
        pack: { cell: candidate.cell, series, parallel, ...aged },
        ...charge,
        cellChargeC: candidate.chargeC,
        holdCellV: candidate.chargeV,
        tailC: 0.02,
      });
      expect(rechargeHours).toBeLessThanOrEqual(20);
      expect(Math.abs((rechargeHours ?? 0) / fine.hours - 1)).toBeLessThan(0.01);
      expect(rechargeHours ?? 0).toBeGreaterThan(0.9 / (candidate.chargeC ?? 0));
    }
  });

  it('live as long as the law and the maker allow', () => {
    const yearsBy = (cyclesPerYear: number) => {
      const life = { ...standing, use: { ...standing.use, cyclesPerYear } };
      const { packs } = sizePack({ ...rack, life });
      return Object.fromEntries(packs.map(({ candidate, years }) => [candidate.id, years ?? Number.NaN]));
    };
    const seldom = yearsBy(12);
    expect(seldom['eve-lf105']).toBeGreaterThan(5);
    expect(seldom['yinlong-66160h-40']).toBeGreaterThan(seldom['eve-lf105'] ?? 0);
    expect(yearsBy(2000)['eve-lf280k']).toBeLessThanOrEqual(3);
  });
});

describe('the Pareto front', () => {
  const better = (a: SizedPack, b: SizedPack): boolean =>
    a.costUsd <= b.costUsd &&
    a.massKg <= b.massKg &&
    a.hours >= b.hours &&
    (a.years ?? 0) >= (b.years ?? 0) &&
    (a.costUsd < b.costUsd || a.massKg < b.massKg || a.hours > b.hours || (a.years ?? 0) > (b.years ?? 0));

  it('is every pack that nothing beats in cost, mass, hours and years, and no other', () => {
    const { packs, pareto } = sizePack({ ...rack, life: standing, maxParallel: 40 });
    expect(new Set(pareto)).toEqual(new Set(packs.filter((one) => !packs.some((other) => better(other, one)))));
    expect(pareto.length).toBeLessThan(packs.length);
  });

  it('holds titanate for its years alone', () => {
    const hasLto = (question: SizingQuestion): boolean =>
      sizePack(question).pareto.some(({ candidate }) => candidate.cell.ocv.startsWith('lto'));
    expect(hasLto({ ...rack, life: standing, objective: 'mass' })).toBe(true);
  });
});

describe('an absurd question', () => {
  const inputs = {
    bus_v_min: 1,
    bus_v_max: 1500,
    power_w: 500,
    target_hours: 0.001,
    parallel_max: 100,
    charge_a: 10,
    candidates: Array.from({ length: 200 }, (_, i) => ({
      id: `c${i}`,
      ocv: 'lfp',
      capacity_ah: 10 + i,
      r_dc_mohm: 1,
      v_charge: 3.45,
      v_lvc: 0.6,
      cont_discharge_c: 1 + i / 7,
      price_usd: 30 - i / 9,
      mass_kg: 2 + i / 3,
    })),
  };

  it('is bounded, answered, and says what was left out', () => {
    const answer = evaluateCase({ id: 1, kind: 'sizing', inputs });
    expect(answer).toMatchObject({
      result: {
        feasible: true,
        thinned: 'a bus of 1 to 1500 V leaves 86600 series counts: 3000 of them were tried, evenly',
      },
    });
    expect(JSON.stringify(answer).length).toBeLessThan(100_000);
  });

  it('looks at the least and the most cells in series all the same', () => {
    const [cell] = CELLS;
    if (cell === undefined) throw new Error('an empty catalogue');
    const wide = { ...rack, busMinV: 24, busMaxV: 10_000, candidates: Array.from({ length: 40 }, () => cell) };
    const { from, to } = seriesWindow(cell, wide.busMinV, wide.busMaxV);
    const series = sizePack(wide).packs.map((pack) => pack.series);
    expect(Math.min(...series)).toBe(from);
    expect(Math.max(...series)).toBe(to);
    expect(series.length).toBe(3000);
  });

  it('leaves no series count out where the bus makes sense', () => {
    const question = { ...rack, busMinV: 24, busMaxV: 60 };
    expect(sizePack(question).thinned).toBeUndefined();
    expect(sizePack({ ...question, candidates: [] })).toMatchObject({ packs: [], refused: [], winner: undefined });
  });
});

describe('the case form', () => {
  const ask = (more: Record<string, unknown>) =>
    evaluateCase({
      id: 1,
      kind: 'sizing',
      inputs: { bus_v_min: 40, bus_v_max: 58, power_w: 281, target_hours: 12, ...more },
    });

  it('takes limits, the charger and the life of the pack', () => {
    expect(ask({ charge_a: 20, standby_temp_c: 25, standby_soc: 1 })).toMatchObject({
      result: { recharge_hours: expect.any(Number), years_to_80: expect.any(Number) },
    });
    expect(ask({ mass_max_kg: 1 })).toMatchObject({ result: { feasible: false } });
    expect(ask({ charge_a: 0.5 })).toMatchObject({ warnings: expect.arrayContaining(['RECHARGE_TOO_SLOW']) });
    expect(ask({ cost_max_usd: -1 })).toMatchObject({ error: { code: 'out-of-range' } });
  });
});
