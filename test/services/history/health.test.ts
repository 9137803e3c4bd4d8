import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PackSample, type PackSpec, packOcvV, packOf, packResistanceOhm } from '#bms/model';
import { capacityOf, HealthWatch } from '../../../services/history/health-watch.ts';
import { packHealth } from '../../../services/history/summary.ts';
import { forecast, YEAR_MS } from '../../../services/history/trend.ts';
import { Zone } from '../../../services/runtime/zone.ts';
import { type Moment, rackAt, WALL0 } from './rack-days.ts';

const DAY_MS = 86_400_000;
const spec: PackSpec = packOf({ chemistry: 'lifepo4', cells: 16, capacityAh: 100 });

/** What a pack of `ah` shows after `usedAh` of it, under `currentA`. */
function shown(ah: number, usedAh: number, currentA: number): PackSample {
  const soc = 1 - usedAh / ah;
  const voltageV = packOcvV(spec, soc) + currentA * packResistanceOhm(spec, soc);
  return { kind: 'pack', measuredAtMs: 0, voltageV, currentA };
}

describe('capacity from a discharge', () => {
  it.each([100, 90, 78])('of a pack that holds %d Ah is found within its doubt', (ah) => {
    const found = capacityOf(spec, { ah: ah * 0.92, fromSoc: 1, fromSigma: 0.02 }, shown(ah, ah * 0.92, -15));
    expect(found).toBeDefined();
    expect(Math.abs((found?.ah ?? 0) - ah)).toBeLessThan(2 * (found?.sigma ?? 0));
    expect(found?.sigma).toBeLessThan(8);
  });

  it('is very doubtful on the flat part of the curve, and not told after a short one', () => {
    const flat = capacityOf(spec, { ah: 45, fromSoc: 1, fromSigma: 0.02 }, shown(100, 45, -15));
    expect(flat === undefined || flat.sigma > 10).toBe(true);
    expect(capacityOf(spec, { ah: 10, fromSoc: 1, fromSigma: 0.02 }, shown(100, 10, -15))).toBeUndefined();
    expect(
      capacityOf(spec, { ah: 90, fromSoc: 1, fromSigma: 0.02 }, { kind: 'pack', measuredAtMs: 0 }),
    ).toBeUndefined();
  });
});

describe('a pack at work', () => {
  const withPack =
    (sample: PackSample, atMs: number, freshness: 'fresh' | 'stale' = 'fresh'): NonNullable<Moment['more']> =>
    (snapshot) => ({
      ...snapshot,
      rack: { ...snapshot.rack, packs: { lfp1: { sample, receivedAtMs: atMs, freshness } } },
    });

  it('shows its resistance by steps of the load, its drift at rest, and what its BMS has learned, once a day', () => {
    const watch = new HealthWatch({ lfp1: spec }, new Zone('UTC'));
    const ohm = 0.03;
    for (let s = 0; s < 14 * 3600; s += 5) {
      const resting = s > 4000;
      const currentA = resting ? 0 : s % 60 < 30 ? -5 : -15;
      const sample: PackSample = {
        kind: 'pack',
        measuredAtMs: 0,
        voltageV: 52 + currentA * ohm,
        currentA,
        cellsV: [3.25, 3.262, 3.255],
        fullAh: 97.5,
      };
      watch.take(rackAt({ atMs: s * 1000, more: withPack(sample, s * 1000) }));
    }
    const found = watch.found();
    const dayMs = Date.UTC(2026, 2, 1);
    expect(found).toEqual([
      { atMs: dayMs, pack: 'lfp1', kind: 'resistance', value: expect.closeTo(ohm, 6), sigma: expect.closeTo(0, 6) },
      { atMs: dayMs, pack: 'lfp1', kind: 'spread', value: expect.closeTo(0.012, 6) },
      { atMs: dayMs, pack: 'lfp1', kind: 'capacity-bms', value: 97.5 },
    ]);
    expect(watch.found()).toEqual([]);
  });

  function outage(ah: number, stale = false) {
    const watch = new HealthWatch({ lfp1: spec }, new Zone('UTC'));
    const currentA = -20;
    let usedAh = 0;
    let s = 0;
    for (; usedAh < ah * 0.93; s += 10) {
      usedAh = (s / 3600) * 20;
      const isStale = stale && s > 3000 && s < 3300;
      const moment = { atMs: s * 1000, away: true, socRatio: 1 - usedAh / 100 };
      watch.take(
        rackAt({ ...moment, more: withPack(shown(ah, usedAh, currentA), s * 1000, isStale ? 'stale' : 'fresh') }),
      );
    }
    watch.take(rackAt({ atMs: s * 1000, more: withPack(shown(ah, usedAh, 10), s * 1000) }));
    return watch.found().filter(({ kind }) => kind === 'capacity-outage');
  }

  it('shows its capacity in an outage, though our own count believes the rated one', () => {
    const [found, ...more] = outage(85);
    expect(more).toEqual([]);
    expect(Math.abs((found?.value ?? 0) - 85)).toBeLessThan(2 * (found?.sigma ?? 0));
  });

  it('shows none when it was silent in between', () => {
    expect(outage(85, true)).toEqual([]);
  });
});

describe('a forecast', () => {
  const points = (count: number, everyDays: number, valueAt: (years: number) => number, noise = 0) =>
    Array.from({ length: count }, (_, index) => {
      const years = (index * everyDays) / 365.25;
      return { atMs: WALL0 + years * YEAR_MS, value: valueAt(years) + noise * Math.sin(index * 12.9898) };
    });

  it('finds when a falling line meets the limit, and between when', () => {
    const data = points(24, 30, (years) => 1 - 0.04 * years, 0.004);
    const verdict = forecast(data, 0.8, WALL0 + 2 * YEAR_MS);
    if (verdict.kind !== 'forecast') throw new Error(verdict.kind);
    const { reachedMs = 0, earliestMs = 0, latestMs = 0, perYear } = verdict.forecast;
    const truth = WALL0 + 5 * YEAR_MS;
    expect(earliestMs).toBeLessThan(truth);
    expect(latestMs).toBeGreaterThan(truth);
    expect(Math.abs(reachedMs - truth)).toBeLessThan(0.8 * YEAR_MS);
    expect(perYear).toBeCloseTo(-0.04, 1);
  });

  it('knows ageing that slows down', () => {
    const verdict = forecast(
      points(60, 30, (years) => 1 - 0.06 * Math.sqrt(years)),
      0.8,
      WALL0 + 5 * YEAR_MS,
    );
    if (verdict.kind !== 'forecast') throw new Error(verdict.kind);
    expect(verdict.forecast.shape).toBe('sqrt');
    expect((verdict.forecast.reachedMs ?? 0) - WALL0).toBeCloseTo((0.2 / 0.06) ** 2 * YEAR_MS, -10);
  });

  it('says honestly that there is too little data, or nothing that falls', () => {
    expect(forecast([], 0.8, WALL0)).toEqual({ kind: 'too-little-data', because: '0 of at least 5 measurements' });
    expect(
      forecast(
        points(10, 3, (years) => 1 - years),
        0.8,
        WALL0,
      ),
    ).toMatchObject({ because: '27 of at least 60 days' });
    expect(
      forecast(
        points(24, 30, () => 0.97, 0.01),
        0.8,
        WALL0 + 2 * YEAR_MS,
      ).kind,
    ).toBe('steady');
    expect(
      forecast(
        points(24, 30, (years) => 0.9 + 0.01 * years),
        0.8,
        WALL0 + 2 * YEAR_MS,
      ).kind,
    ).toBe('steady');
  });

  it('never throws and never answers with nonsense', () => {
    const any = fc.record({
      atMs: fc.integer({ min: 0, max: 4e12 }),
      value: fc.double({ noNaN: false }),
      sigma: fc.double({ min: 0, max: 1e6 }),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 30 }), (data) => {
        const verdict = forecast(data, 0.8, WALL0);
        if (verdict.kind !== 'forecast') return;
        const { earliestMs = 0, latestMs = Number.POSITIVE_INFINITY } = verdict.forecast;
        expect(latestMs).toBeGreaterThanOrEqual(earliestMs);
      }),
    );
  });

  it('goes by outages, and by the BMS only where that learns', () => {
    const told = (value: (index: number) => number) =>
      Array.from({ length: 30 }, (_, index) => ({
        atMs: WALL0 + index * 20 * DAY_MS,
        pack: 'lfp1',
        kind: 'capacity-bms' as const,
        value: value(index),
      }));
    const nowMs = WALL0 + 600 * DAY_MS;
    const [learns] = packHealth(
      { lfp1: spec },
      told((index) => 100 - index * 0.3 + Math.sin(index) * 0.1),
      nowMs,
    );
    expect(learns).toMatchObject({ source: 'bms', verdict: { kind: 'forecast' } });
    const [repeats] = packHealth(
      { lfp1: spec },
      told(() => 100),
      nowMs,
    );
    expect(repeats?.verdict.kind).toBe('too-little-data');
    expect(repeats).not.toHaveProperty('source');
  });
});
