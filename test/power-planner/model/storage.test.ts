import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  agedResistanceFactor,
  CALENDAR_MODELS,
  CELLS,
  calendarLoss,
  calendarLossOver,
  converterPoints,
  cycleLoss,
  datasheetCycles,
  fitLosses,
  inputPowerW,
  LONGEST_YEARS,
  lifeYears,
  type PlannedPack,
  peukertHours,
  recharge,
  rechargeWhPerDay,
  type SizingQuestion,
  seriesWindow,
  sizePack,
  UPS_TABLES,
  upsMinutes,
} from '../../../power-planner/index.ts';

const lf280k: PlannedPack = { cell: { ocv: 'lfp', capacityAh: 280, resistanceMohm: 0.5 }, series: 16, parallel: 1 };

describe('recharge', () => {
  it('gives the worked examples', () => {
    const slow = recharge({ pack: lf280k, currentA: 20, holdCellV: 3.45, tailC: 0.02, socStart: 0.2 });
    expect(slow.hours).toBeCloseTo(11.16, 1);
    expect(slow.hoursToHold).toBeCloseTo(11.15, 1);
    expect(slow.energyWh / 11_838).toBeCloseTo(1, 2);
    expect(slow.socEnd).toBeCloseTo(0.997, 2);
    const byPower = recharge({ pack: lf280k, powerDcW: 600, holdCellV: 3.45, tailC: 0.02, socStart: 0.1 });
    expect(byPower.hours).toBeCloseTo(22.11, 1);
  });

  it('never starts a frozen LiFePO4 pack, and slows a cold one', () => {
    const at = (temperatureC: number) =>
      recharge({ pack: lf280k, currentA: 20, holdCellV: 3.45, tailC: 0.02, temperatureC });
    expect(at(-1)).toMatchObject({ hours: Number.POSITIVE_INFINITY, socEnd: 0 });
    expect(at(5).hours).toBeGreaterThan(1.9 * at(20).hours);
  });

  it('keeps to what the cells take', () => {
    const question = { pack: lf280k, currentA: 1000, holdCellV: 3.45, tailC: 0.02 };
    expect(recharge({ ...question, cellChargeC: 0.1 }).hours).toBeGreaterThan(9.5);
    expect(() => recharge({ pack: lf280k, holdCellV: 3.45, tailC: 0.02 })).toThrow(/power or a current/);
  });

  it('is never slower with more power, and never longer from a higher charge', () => {
    const watts = fc.double({ min: 50, max: 5000, noNaN: true });
    const soc = fc.double({ min: 0, max: 0.95, noNaN: true });
    fc.assert(
      fc.property(watts, watts, soc, soc, (a, b, s, t) => {
        const hours = (powerDcW: number, socStart: number) =>
          recharge({ pack: lf280k, powerDcW, holdCellV: 3.45, tailC: 0.02, socStart }).hours;
        expect(hours(Math.max(a, b), s)).toBeLessThanOrEqual(hours(Math.min(a, b), s) + 0.01);
        expect(hours(a, Math.max(s, t))).toBeLessThanOrEqual(hours(a, Math.min(s, t)) + 0.01);
      }),
      { numRuns: 30 },
    );
  });

  it('of a day', () => {
    expect(rechargeWhPerDay(500, 20)).toBe(10_000);
  });
});

describe('life', () => {
  it.each([
    [25, 0.5, [13.5, 11.3, 2.7]],
    [25, 1, [21.4, 21.5, 5.1]],
    [35, 1, [26.8, 29.2, 15.1]],
  ])('ten years at %i °C and %f', (temperatureC, socRatio, percent) => {
    const losses = CALENDAR_MODELS.map((model) => 100 * calendarLoss(model, { temperatureC, socRatio }, 10));
    for (const [i, loss] of losses.entries()) expect(Math.abs(loss - (percent[i] ?? 0))).toBeLessThan(0.06);
  });

  it('in pieces is the same as at once, and the order of conditions hardly matters for equal laws', () => {
    const warm = { temperatureC: 30, socRatio: 0.9 };
    for (const model of CALENDAR_MODELS) {
      const pieces = [1, 2, 3, 4].map((years) => ({ ...warm, years }));
      expect(calendarLossOver(model, pieces)).toBeCloseTo(calendarLoss(model, warm, 10), 9);
      expect(calendarLoss(model, warm, 0)).toBe(0);
    }
  });

  it('saves about a quarter by standing at 80 %', () => {
    const at = (socRatio: number) => calendarLoss('naumann-lfp', { temperatureC: 25, socRatio }, 10);
    expect(at(1)).toBeCloseTo(0.214, 3);
    expect(at(0.8)).toBeCloseTo(0.152, 3);
  });

  it('ages faster when hotter', () => {
    const celsius = fc.double({ min: 0, max: 45, noNaN: true });
    fc.assert(
      fc.property(celsius, celsius, fc.constantFrom(...CALENDAR_MODELS), (a, b, model) => {
        const at = (temperatureC: number) => calendarLoss(model, { temperatureC, socRatio: 0.8 }, 5);
        expect(at(Math.max(a, b))).toBeGreaterThanOrEqual(at(Math.min(a, b)) - 1e-12);
      }),
    );
  });

  it('counts cycles', () => {
    expect(cycleLoss(96, 0.8, 0.3)).toBeCloseTo(0.0128, 4);
    const victron = [
      [0.8, 2500],
      [0.7, 3000],
      [0.5, 5000],
    ] as const;
    expect(datasheetCycles(victron, 0.7)).toBeCloseTo(3000, 6);
    expect(datasheetCycles(victron, 0.6)).toBeGreaterThan(3000);
    expect(datasheetCycles(victron, 0.6)).toBeLessThan(5000);
    expect(datasheetCycles(victron, 0.2)).toBe(5000);
    expect(datasheetCycles(victron, 1)).toBe(2500);
    expect(agedResistanceFactor(0.8)).toBeCloseTo(1.3, 9);
  });

  it('gives years to 80 % as a range, the cautious one first', () => {
    const standby = { temperatureC: 25, socRatio: 1 };
    const use = { cyclesPerYear: 12, depthRatio: 0.8, cRate: 0.3 };
    const [cautious, other] = lifeYears('lifepo4', standby, use);
    expect(cautious?.years).toBeLessThan(other?.years ?? 0);
    expect((cautious?.calendarLoss ?? 0) + (cautious?.cycleLoss ?? 0)).toBeCloseTo(0.2, 6);
    expect(lifeYears('lto', { temperatureC: 15, socRatio: 0.5 }, { ...use, cyclesPerYear: 0 })[0]?.years).toBe(
      LONGEST_YEARS,
    );
  });
});

describe('a lead-acid UPS', () => {
  it.each(UPS_TABLES.filter(({ points }) => points.length > 4).map((unit) => [unit.model, unit.points] as const))(
    '%s: every inner point from its neighbours, within 8 %%',
    (_model, points) => {
      for (const [i, [load, minutes]] of points.entries()) {
        if (i === 0 || i === points.length - 1) continue;
        const guess = upsMinutes(points.toSpliced(i, 1), load);
        expect(guess.extrapolated).toBe(false);
        expect(Math.abs(guess.minutes / minutes - 1)).toBeLessThan(0.08);
      }
    },
  );

  it('meets its points, and never promises more than the lightest one', () => {
    const points = UPS_TABLES.find(({ model }) => model === 'APC Smart-UPS 650')?.points ?? [];
    for (const [load, minutes] of points) expect(upsMinutes(points, load).minutes).toBeCloseTo(minutes, 9);
    expect(upsMinutes(points, 20)).toEqual({ minutes: 90, extrapolated: true });
    expect(upsMinutes(points, 650)).toMatchObject({ extrapolated: true });
    expect(upsMinutes(points, 650).minutes).toBeLessThan(5.8);
    expect(upsMinutes([[100, 10]], 200)).toEqual({ minutes: 5, extrapolated: true });
  });

  it('refuses nonsense', () => {
    expect(() => upsMinutes([], 100)).toThrow(/one published point/);
    expect(() => upsMinutes([[0, 1]], 100)).toThrow(RangeError);
    expect(() => upsMinutes([[1, 1]], Number.NaN)).toThrow(RangeError);
  });

  it('of a bare battery follows Peukert', () => {
    expect(peukertHours(100, 20, 5)).toBeCloseTo(20, 9);
    expect(peukertHours(100, 20, 50)).toBeLessThan(2);
  });
});

describe('sizing', () => {
  const rack: SizingQuestion = {
    busMinV: 44,
    busMaxV: 57,
    powerW: 281,
    targetHours: 12,
    capacityFactor: 0.8,
    resistanceFactor: 1.3,
    objective: 'cost',
    maxParallel: 8,
    candidates: CELLS,
  };

  it('finds a pack in the catalogue and says why LTO cannot be one', () => {
    const { winner, runnerUp, refused, otherChemistry } = sizePack(rack);
    expect(winner?.hours).toBeGreaterThanOrEqual(12);
    expect(runnerUp?.costUsd).toBeGreaterThanOrEqual(winner?.costUsd ?? 0);
    expect(otherChemistry).toBeUndefined();
    const lto = refused.find(({ id }) => id === 'yinlong-66160h-40');
    expect(lto).toMatchObject({ because: 'window', text: '22 cells for 44 V are 59.4 V when full, above 57 V' });
  });

  it('offers the other chemistry where the bus lets it', () => {
    const { winner, otherChemistry } = sizePack({ ...rack, busMinV: 40, busMaxV: 58 });
    expect(winner?.candidate.cell.ocv).toBe('lfp');
    expect(otherChemistry?.candidate.cell.ocv).toMatch(/^lto/);
  });

  it('says what keeps it from a string less', () => {
    const only = (id: string) => CELLS.filter((cell) => cell.id === id);
    expect(sizePack({ ...rack, candidates: only('eve-lf50k') }).winner).toMatchObject({ limitedBy: 'energy' });
    expect(sizePack({ ...rack, candidates: only('eve-lf280k') }).winner).toMatchObject({ limitedBy: 'one-string' });
    const peak = { ...rack, maxPowerW: 7000, candidates: only('eve-lf105') };
    expect(sizePack(peak).winner).toMatchObject({ parallel: 2, limitedBy: 'current' });
  });

  it.each([
    [{ bmsA: 2 }, 'bms'],
    [{ maxPowerW: 1e6 }, 'current'],
    [{ targetHours: 1e6 }, 'energy'],
    [{ busMinV: 55, busMaxV: 56 }, 'window'],
  ] as const)('%j is refused: %s', (change, because) => {
    const { winner, refused } = sizePack({ ...rack, ...change });
    expect(winner).toBeUndefined();
    expect(new Set(refused.map((one) => one.because))).toContain(because);
  });

  it('keeps the reserve', () => {
    const plain = sizePack({ ...rack, objective: 'mass' }).winner;
    const kept = sizePack({ ...rack, objective: 'mass', reserveWh: 3000 }).winner;
    expect(kept?.massKg).toBeGreaterThan(plain?.massKg ?? 0);
  });

  it('leaves only packs on the Pareto front that nothing beats', () => {
    const { packs, pareto } = sizePack(rack);
    expect(pareto.length).toBeGreaterThan(1);
    for (const one of pareto) {
      expect(
        packs.some((other) => other.costUsd < one.costUsd && other.massKg < one.massKg && other.hours > one.hours),
      ).toBe(false);
    }
  });

  it('keeps every series count inside the bus', () => {
    expect(seriesWindow({ chargeV: 3.45, cutoffV: 2.9 }, 46.4, 55.2)).toEqual({ from: 16, to: 16 });
  });
});

describe('the catalogue', () => {
  it('has cells that can be', () => {
    expect(CELLS.length).toBeGreaterThan(10);
    for (const cell of CELLS) {
      for (const value of [
        cell.cell.capacityAh,
        cell.cell.resistanceMohm,
        cell.dischargeC,
        cell.priceUsd,
        cell.massKg,
      ]) {
        expect(value, cell.id).toBeGreaterThan(0);
      }
      expect(['lfp', 'lto-nmc', 'lto-lmo']).toContain(cell.cell.ocv);
    }
  });

  it('has converters whose fit meets their points', () => {
    const points = converterPoints('80plus-115v-gold') ?? [];
    expect(45 / inputPowerW(fitLosses(450, points), 45)).toBeCloseTo(0.791, 3);
    expect(converterPoints('perpetuum')).toBeUndefined();
  });
});
