import { describe, expect, it } from 'vitest';
import type { EnergyPrice } from '../../../services/config/history.ts';
import { EnergyMeter, energyTotals } from '../../../services/history/energy-meter.ts';
import { energyBetween, energyDays, periodRange, withPending } from '../../../services/history/summary.ts';
import { priceAt } from '../../../services/history/tariff.ts';
import { Zone } from '../../../services/runtime/zone.ts';
import { type Moment, rackAt, WALL0 } from './rack-days.ts';

const utc = new Zone('UTC');

function run(meter: EnergyMeter, from: number, to: number, everyMs: number, moment: Partial<Moment>): void {
  for (let atMs = from; atMs <= to; atMs += everyMs) meter.take(rackAt({ atMs, ...moment }));
}

describe('the energy meter', () => {
  it('adds up power over time: in, out, from mains, by host and stage', () => {
    const meter = new EnergyMeter({ zone: utc });
    run(meter, 0, 3_600_000, 1000, { bankW: 120, mainsW: 480, hostW: 7 });
    run(meter, 3_601_000, 7_200_000, 1000, { bankW: -300, mainsW: 0, hostW: 7 });
    const totals = energyTotals(meter.live);
    expect(totals.inWh).toBeCloseTo(120, 1);
    expect(totals.outWh).toBeCloseTo(300, 0);
    expect(totals.mainsWh).toBeCloseTo(480, 0);
    expect(totals.hostsWh).toEqual({ pi1: expect.closeTo(14, 2) });
    expect(totals.stagesWh).toEqual({ batch: expect.closeTo(14, 2) });
    expect(totals.measuredS.bank).toBeCloseTo(7200, 0);
    expect(totals.unmeasuredS).toEqual({});
  });

  it('counts nothing where nobody measured, from the last measurement on, and says for how long', () => {
    const meter = new EnergyMeter({ zone: utc });
    run(meter, 0, 60_000, 1000, { bankW: -360 });
    run(meter, 61_000, 660_000, 1000, { bankW: -360, bank: 'stale' });
    run(meter, 661_000, 720_000, 1000, { bankW: -360 });
    const totals = energyTotals(meter.live);
    expect(totals.outWh).toBeCloseTo((360 * 119) / 3600, 2);
    expect(totals.unmeasuredS.bank).toBeCloseTo(601, 0);
    expect(totals.measuredS.bank).toBeCloseTo(119, 0);
  });

  it('counts nothing over a short silence either', () => {
    const meter = new EnergyMeter({ zone: utc });
    meter.take(rackAt({ atMs: 0, bankW: -360 }));
    meter.take(rackAt({ atMs: 5000, bank: 'stale' }));
    meter.take(rackAt({ atMs: 10_000, bankW: -360 }));
    expect(meter.live.out).toBeUndefined();
    expect(meter.live['gap:bank']).toBe(10);
  });

  it('takes no reading that is older than the last one', () => {
    const meter = new EnergyMeter({ zone: utc });
    for (const atMs of [0, 10_000, 5000, 10_000]) meter.take(rackAt({ atMs, bankW: -3600 }));
    expect(meter.live.out).toBeCloseTo(10, 6);
  });

  it('invents nothing over a long pause between two snapshots', () => {
    const meter = new EnergyMeter({ zone: utc });
    meter.take(rackAt({ atMs: 0, bankW: -360 }));
    meter.take(rackAt({ atMs: 600_000, bankW: -360 }));
    expect(meter.live.out).toBeUndefined();
    expect(meter.live['gap:bank']).toBe(600);
  });

  it('is not moved by steps of the wall clock, forward or back', () => {
    const meter = new EnergyMeter({ zone: utc });
    run(meter, 0, 1_800_000, 1000, { bankW: -360 });
    run(meter, 1_801_000, 3_600_000, 1000, { bankW: -360, wallStepMs: 86_400_000 });
    run(meter, 3_601_000, 5_400_000, 1000, { bankW: -360, wallStepMs: -7_200_000 });
    expect(meter.live.out).toBeCloseTo(540, 3);
    const hours = meter.unwritten();
    expect(hours.reduce((sum, { sums }) => sum + (sums.out ?? 0), 0)).toBeCloseTo(540, 3);
  });

  it('measures one reading once, however often it is shown', () => {
    const meter = new EnergyMeter({ zone: utc });
    const same = rackAt({ atMs: 0, bankW: -3600 });
    meter.take(same);
    const next = rackAt({ atMs: 10_000, bankW: -3600 });
    for (let i = 0; i < 10; i += 1)
      meter.take({ ...next, rack: { ...next.rack, monoMs: next.rack.monoMs + i * 1000 } });
    expect(meter.live.out).toBeCloseTo(10, 6);
  });

  it('hands out again what was not confirmed, and only the rest of what was', () => {
    const meter = new EnergyMeter({ zone: utc });
    run(meter, 0, 100_000, 1000, { bankW: -3600 });
    expect(meter.unwritten()[0]?.sums.out).toBeCloseTo(100, 6);
    run(meter, 101_000, 150_000, 1000, { bankW: -3600 });
    expect(meter.unwritten()[0]?.sums.out).toBeCloseTo(150, 6);
    run(meter, 151_000, 160_000, 1000, { bankW: -3600 });
    meter.written();
    expect(meter.unwritten()[0]?.sums.out).toBeCloseTo(10, 6);
    meter.written();
    expect(meter.unwritten()).toEqual([]);
    expect(meter.live.out).toBeCloseTo(160, 6);
  });

  it('prices what comes from mains by the hour', () => {
    const price: EnergyPrice = {
      perKwh: 0.4,
      currency: 'EUR',
      hours: [{ from: '13:00', to: '14:00', days: 'every-day', perKwh: 0.1 }],
    };
    const meter = new EnergyMeter({ zone: utc, price });
    run(meter, 0, 7_200_000, 1000, { mainsW: 1000 });
    expect(meter.live['cost:EUR']).toBeCloseTo(0.5, 3);
  });

  it('counts what all meters of the circuit say together', () => {
    const meter = new EnergyMeter({ zone: utc });
    for (let atMs = 0; atMs <= 60_000; atMs += 1000)
      meter.take(
        rackAt({
          atMs,
          mainsW: 600,
          more: ({ rack, ...rest }) => {
            const { sdm1 } = rack.meters;
            if (sdm1 === undefined) throw new Error('no meter');
            // Read in turn: each second one of them is new.
            const older = { ...sdm1, receivedAtMs: (sdm1.receivedAtMs ?? 0) - 1000 };
            const [m1, m2] = atMs % 2000 === 0 ? [sdm1, older] : [older, sdm1];
            const circuit = { ...rack.circuit, meters: ['m1', 'm2'], powerW: 1200 };
            return { ...rest, rack: { ...rack, meters: { m1, m2 }, circuit } };
          },
        }),
      );
    expect(energyTotals(meter.live).mainsWh).toBeCloseTo(20, 6);
  });

  it('has no mains, and no cost, without a meter', () => {
    const meter = new EnergyMeter({ zone: utc });
    for (let atMs = 0; atMs < 60_000; atMs += 1000)
      meter.take(rackAt({ atMs, more: (snapshot) => ({ ...snapshot, rack: { ...snapshot.rack, meters: {} } }) }));
    expect(energyTotals(meter.live)).not.toHaveProperty('mainsWh');
    expect(energyTotals(meter.live).unmeasuredS).toEqual({});
  });
});

describe('prices', () => {
  const price: EnergyPrice = {
    perKwh: 0.3,
    currency: 'EUR',
    hours: [
      { from: '22:00', to: '06:00', days: 'workdays', perKwh: 0.2 },
      { from: '00:00', to: '00:00', days: 'weekend', perKwh: 0.1 },
    ],
  };
  const berlin = new Zone('Europe/Berlin');

  it.each([
    ['2026-03-03T12:00:00+01:00', 0.3],
    ['2026-03-03T22:00:00+01:00', 0.2],
    ['2026-03-04T05:59:00+01:00', 0.2],
    ['2026-03-04T06:00:00+01:00', 0.3],
    // The night of Friday goes on into Saturday, and that of Sunday does not begin.
    ['2026-03-07T03:00:00+01:00', 0.2],
    ['2026-03-07T12:00:00+01:00', 0.1],
    ['2026-03-08T23:00:00+01:00', 0.1],
    ['2026-03-09T03:00:00+01:00', 0.3],
  ])('at %s: %d', (at, expected) => {
    expect(priceAt(price, berlin, Date.parse(at))).toBe(expected);
  });
});

describe('days and months', () => {
  const hour = (iso: string, wh: number) => ({ atMs: Date.parse(iso), sums: { mains: wh } });

  it('begin at midnight on site, also where summer time begins and ends', () => {
    const berlin = new Zone('Europe/Berlin');
    const now = Date.parse('2026-03-29T20:00:00+02:00');
    expect(now - berlin.dayStart(now)).toBe(19 * 3_600_000);
    const autumn = Date.parse('2026-10-25T20:00:00+01:00');
    expect(autumn - berlin.dayStart(autumn)).toBe(21 * 3_600_000);
    expect(new Date(berlin.monthStart(now)).toISOString()).toBe('2026-02-28T23:00:00.000Z');
    expect(new Date(berlin.monthStart(now, 3)).toISOString()).toBe('2025-11-30T23:00:00.000Z');
    expect(new Date(berlin.weekStart(now)).toISOString()).toBe('2026-03-22T23:00:00.000Z');
  });

  it('cut at hours of the clock where that is half an hour off', () => {
    const zone = new Zone('Asia/Kolkata');
    expect(new Date(zone.hourStart(Date.parse('2026-03-01T12:10:00Z'))).toISOString()).toBe('2026-03-01T11:30:00.000Z');
    expect(new Date(zone.dayStart(Date.parse('2026-03-01T12:10:00Z'))).toISOString()).toBe('2026-02-28T18:30:00.000Z');
  });

  it('take the hours that begin in them', () => {
    const berlin = new Zone('Europe/Berlin');
    const now = Date.parse('2026-03-02T10:30:00+01:00');
    const hours = [
      hour('2026-02-28T23:00:00+01:00', 1),
      hour('2026-03-01T00:00:00+01:00', 10),
      hour('2026-03-01T23:00:00+01:00', 100),
      hour('2026-03-02T00:00:00+01:00', 1000),
    ];
    const of = (name: Parameters<typeof periodRange>[0]) => {
      const { fromMs, toMs } = periodRange(name, berlin, now);
      return energyBetween(hours, fromMs, toMs).mainsWh;
    };
    expect([of('today'), of('yesterday'), of('week'), of('month'), of('last-month')]).toEqual([
      1000, 110, 1000, 1110, 1,
    ]);
    expect(energyDays(hours, berlin, now, 3).map(({ name, mainsWh }) => [name, mainsWh])).toEqual([
      ['2026-02-28', 1],
      ['2026-03-01', 110],
      ['2026-03-02', 1000],
    ]);
  });

  it('have on top what is not written yet', () => {
    const at = WALL0;
    expect(withPending([{ atMs: at, sums: { in: 1 } }], [{ atMs: at, sums: { in: 2, out: 1 } }])).toEqual([
      { atMs: at, sums: { in: 3, out: 1 } },
    ]);
  });
});
