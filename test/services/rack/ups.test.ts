import { describe, expect, it } from 'vitest';
import type { UpsSample } from '#bms/model';
import { weigh } from '../../../services/mains/judge.ts';
import { upsWitness } from '../../../services/mains/ups-witness.ts';
import type { Observed } from '../../../services/rack/rack.ts';
import { RackStore } from '../../../services/rack/store.ts';
import { upsBank } from '../../../services/rack/ups-bank.ts';
import { configOf } from '../config/sound-config.ts';
import { PlayedClock } from '../runtime/played-clock.ts';

const sampleOf = (more: Partial<UpsSample> = {}): UpsSample => ({
  kind: 'ups',
  measuredAtMs: 0,
  mainsPresent: true,
  mode: 'line',
  socRatio: 0.5,
  runtimeS: 3600,
  loadPowerW: 100,
  lowBattery: false,
  forcedShutdown: false,
  ...more,
});

const seen = (
  more: Partial<UpsSample> = {},
  freshness: Observed<UpsSample>['freshness'] = 'fresh',
): Observed<UpsSample> => ({
  sample: sampleOf(more),
  receivedAtMs: 5000,
  freshness,
});

describe('a bank of UPSes', () => {
  it('has the smaller of what charge and runtime promise, and counts on less', () => {
    expect(upsBank([{ capacityWh: 300, observed: seen() }])).toEqual({
      complete: true,
      measuredAtMs: 5000,
      usableWh: 100,
      usableLowWh: 80,
      fullWh: 300,
      socRatio: 0.5,
      socSigma: 0.1,
    });
    expect(upsBank([{ capacityWh: 120, observed: seen() }])?.usableWh).toBe(60);
  });

  it('takes the full energy from charge and runtime where no capacity is configured', () => {
    expect(upsBank([{ observed: seen() }])).toMatchObject({ usableWh: 100, fullWh: 200 });
    const { socRatio: _, ...silent } = sampleOf();
    expect(upsBank([{ observed: { ...seen(), sample: silent } }])).toMatchObject({ usableWh: 100, fullWh: 100 });
  });

  it('gives nothing that can be counted on when it says its battery is low', () => {
    expect(upsBank([{ observed: seen({ lowBattery: true }) }])?.usableLowWh).toBe(0);
  });

  it('tells what flows only on battery', () => {
    expect(upsBank([{ observed: seen() }])).not.toHaveProperty('powerW');
    expect(upsBank([{ capacityWh: 120, observed: seen({ mainsPresent: false }) }])).toMatchObject({
      powerW: -100,
      runtimeS: 2160,
    });
    const { loadPowerW: _, ...noLoad } = sampleOf({ mainsPresent: false });
    expect(upsBank([{ capacityWh: 120, observed: { ...seen(), sample: noLoad } }])).not.toHaveProperty('powerW');
  });

  it('sums what is fresh and says when one is missing', () => {
    const one = { capacityWh: 120, observed: seen() };
    expect(upsBank([one, { capacityWh: 240, observed: seen({ socRatio: 0.2, runtimeS: 36_000 }) }])).toMatchObject({
      complete: true,
      usableWh: 108,
      fullWh: 360,
      socRatio: (0.5 * 120 + 0.2 * 240) / 360,
    });
    expect(upsBank([one, { capacityWh: 240, observed: seen({}, 'stale') }])).toMatchObject({
      complete: false,
      usableWh: 60,
    });
    expect(upsBank([{ observed: seen({}, 'stale') }, { observed: undefined }])).toBeUndefined();
  });

  it('knows no energy of one that tells neither', () => {
    const bare: UpsSample = { kind: 'ups', measuredAtMs: 0, mainsPresent: false };
    const bank = upsBank([{ observed: { ...seen(), sample: bare } }]);
    expect(bank).toEqual({ complete: false, measuredAtMs: 5000, powerW: undefined });
  });
});

describe('a UPS as a witness', () => {
  it('speaks of its own input, and is silent when it is not heard', () => {
    expect(upsWitness('apc', seen({ inputVoltageV: 117 }), false)).toEqual({
      source: 'ups apc',
      kind: 'other',
      says: 'present',
      because: 'line, 117.0 V',
    });
    expect(upsWitness('apc', seen({ mainsPresent: false, mode: 'battery' }), true)).toMatchObject({
      kind: 'pack',
      says: 'absent',
      because: 'battery',
    });
    expect(upsWitness('apc', seen({}, 'stale'), true).says).toBe('silent');
    expect(upsWitness('apc', undefined, true).says).toBe('silent');
    const { mainsPresent: _, ...calibrating } = sampleOf({ mode: 'calibration' });
    expect(upsWitness('apc', { ...seen(), sample: calibrating }, true)).toMatchObject({
      says: 'silent',
      because: 'does not tell (calibration)',
    });
  });

  it('outranks a meter only when it carries the rack itself', () => {
    const meter = { source: 'meter', kind: 'meter', says: 'present', because: '' } as const;
    const gone = seen({ mainsPresent: false });
    expect(weigh([meter, upsWitness('apc', gone, true)])).toEqual({ says: 'absent', disputed: true });
    expect(weigh([meter, upsWitness('apc', gone, false)])).toEqual({ says: 'silent', disputed: true });
  });
});

describe('the rack', () => {
  const apc = { id: 'apc', driver: 'nut', host: '10.0.0.5', ups: 'apc', capacityWh: 400 };

  function bench(config: object) {
    const clock = new PlayedClock();
    clock.nowMs = 100_000;
    const store = new RackStore(configOf(config), clock);
    const feed = (seconds: number, more: Partial<UpsSample>, id = 'apc'): void => {
      for (let second = 0; second < seconds; second += 1) {
        clock.nowMs += 1000;
        store.sampled('ups', id, sampleOf(more));
        store.snapshot();
      }
    };
    return { clock, store, feed };
  }

  it('takes its UPSes for its bank, and keeps the last energy and nothing else of one that fell silent', () => {
    const { clock, store, feed } = bench({ ups: [apc] });
    expect(store.snapshot().bank).toEqual({ complete: false, freshness: 'absent' });
    feed(5, { mainsPresent: false, mode: 'battery' });
    expect(store.snapshot()).toMatchObject({
      mains: { verdict: 'absent' },
      bank: { freshness: 'fresh', usableWh: 100, powerW: -100 },
    });
    clock.nowMs += 60_000;
    const { bank, ups, mains, alarms } = store.snapshot();
    expect(bank).toMatchObject({ freshness: 'stale', usableLowWh: 80, complete: false });
    expect(bank).not.toHaveProperty('powerW');
    expect(ups?.apc?.freshness).toBe('stale');
    expect(mains.verdict).toBe('absent');
    expect(alarms).toContainEqual(expect.objectContaining({ code: 'ups-stale', subject: 'apc', severity: 'critical' }));
    feed(1, {});
    expect(store.snapshot().bank.freshness).toBe('fresh');
  });

  it('has no UPSes where none is configured, and does not take one that only is evidence for its bank', () => {
    expect(bench({}).store.snapshot()).not.toHaveProperty('ups');
    const { store, feed } = bench({ mains: { evidence: [{ nut: { host: '10.0.0.5', ups: 'apc' } }] } });
    feed(5, { mainsPresent: false }, 'apc-10-0-0-5');
    expect(store.snapshot()).toMatchObject({ mains: { verdict: 'absent' }, bank: { freshness: 'absent' } });
    expect(store.health()).toContainEqual(expect.objectContaining({ device: 'apc-10-0-0-5', kind: 'ups', up: true }));
    feed(1, { mainsPresent: false, forcedShutdown: true }, 'apc-10-0-0-5');
    expect(ordered(store)).toBe(false);
  });

  it('hears a UPS that is named as evidence', () => {
    const { store, feed } = bench({ ups: [apc, { ...apc, id: 'other' }], mains: { evidence: [{ ups: 'apc' }] } });
    feed(5, { mainsPresent: false }, 'other');
    feed(1, {}, 'apc');
    expect(store.snapshot().mains).toMatchObject({
      verdict: 'present',
      votes: [{ source: 'ups apc', says: 'present' }],
    });
  });

  const ordered = (store: RackStore): boolean => store.snapshot().forcedShutdown !== undefined;
  const [away, order] = [{ mainsPresent: false, mode: 'battery' }, { forcedShutdown: true }];

  it('says that somebody upstream orders a shutdown, for as long as a fresh UPS says so', () => {
    const { clock, store, feed } = bench({ ups: [apc] });
    feed(1, away);
    expect(store.snapshot()).not.toHaveProperty('forcedShutdown');
    feed(1, { ...away, ...order, lowBattery: true });
    expect(store.snapshot().forcedShutdown).toMatchObject({ ups: 'apc', onMains: false });
    expect(store.snapshot().alarms.map(({ code }) => code)).toEqual(['ups-forced-shutdown', 'ups-low-battery']);
    clock.nowMs += 60_000;
    expect(ordered(store)).toBe(false);
    feed(1, { ...away, ...order });
    expect(ordered(store)).toBe(true);
  });

  it('takes no order from a flag that upsd has kept from an outage that is over', () => {
    const { store, feed } = bench({ ups: [apc] });
    feed(1, { ...away, ...order });
    expect(ordered(store)).toBe(true);
    feed(1, order);
    expect(ordered(store)).toBe(false);
    expect(store.snapshot().alarms).toEqual([expect.objectContaining({ code: 'ups-flag-left', severity: 'info' })]);
    feed(1, { ...away, ...order });
    expect(ordered(store)).toBe(true);
  });

  it('nor from one that stood there when it looked for the first time with mains present', () => {
    const { store, feed } = bench({ ups: [apc] });
    feed(5, order);
    expect(ordered(store)).toBe(false);
  });

  it('takes one that is raised before its eyes while mains is there, until it is forgotten', () => {
    const { clock, store, feed } = bench({ ups: [apc] });
    feed(1, {});
    feed(1, order);
    expect(store.snapshot().forcedShutdown).toMatchObject({ ups: 'apc', onMains: true });
    clock.nowMs += 598_000;
    feed(1, order);
    expect(ordered(store)).toBe(true);
    clock.nowMs += 2_000;
    feed(1, order);
    expect(ordered(store)).toBe(false);
  });
});
