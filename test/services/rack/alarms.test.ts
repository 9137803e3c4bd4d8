import { describe, expect, it } from 'vitest';
import type { PackSample } from '#bms/model';
import { rackAlarms } from '../../../services/rack/alarms.ts';
import type { Observed, Rack } from '../../../services/rack/rack.ts';
import type { SwitchSample } from '../../../services/rack/samples.ts';

type Base = Omit<Rack, 'alarms'>;

const calm: Base = {
  wallMs: 0,
  monoMs: 0,
  packs: {},
  bank: { complete: true, freshness: 'fresh' },
  meters: {},
  switches: {},
  hosts: {},
  mains: { verdict: 'present', sinceMs: 0, votes: [], disputed: false },
  circuit: { limitA: 16, freshness: 'fresh', currentA: 5 },
};
const fresh = <S>(sample: S): Observed<S> => ({ sample, receivedAtMs: 0, ageMs: 0, freshness: 'fresh' });
const pack = (more: Partial<PackSample> = {}): Observed<PackSample> =>
  fresh({ kind: 'pack', measuredAtMs: 0, ...more });
const poe = (more: Partial<SwitchSample> = {}): Observed<SwitchSample> =>
  fresh({ kind: 'switch', measuredAtMs: 0, totalTrusted: true, ports: [], ...more });
const alarms = (change: Partial<Base>, model = {}) => rackAlarms({ ...calm, ...change }, model);

describe('alarms', () => {
  it('are none when all is well', () => {
    expect(alarms({ packs: { a: pack() }, switches: { s: poe({ budgetW: 100, drawnW: 90 }) } })).toEqual([]);
  });

  it('come when rights in the cluster are missing, long before they are needed', () => {
    const cluster = fresh({
      kind: 'cluster' as const,
      measuredAtMs: 0,
      serverNowMs: 0,
      nodes: [],
      missingRights: ['create pods/eviction (pods cannot be evicted)'],
    });
    expect(alarms({ cluster })).toMatchObject([
      { code: 'cluster-rights-missing', severity: 'critical', message: expect.stringContaining('pods/eviction') },
    ]);
  });

  describe('of silence', () => {
    const silent = (freshness: 'stale' | 'absent', more: object = {}) => ({ freshness, ...more }) as Observed<never>;
    const failure = { code: 'timeout', message: 'no answer' };

    it('do not come for a source that nobody has asked yet', () => {
      expect(alarms({ packs: { a: silent('absent') }, meters: { m: silent('absent') } })).toEqual([]);
    });

    it('come when its first poll failed, with the reason', () => {
      expect(alarms({ packs: { a: silent('absent', { failure }) } })).toEqual([
        { code: 'pack-absent', subject: 'a', severity: 'critical', message: 'pack a has not answered yet (no answer)' },
      ]);
    });

    it('come when it is stale, with the time of its last answer', () => {
      expect(alarms({ meters: { m: silent('stale', { ageMs: 12_400, failure }) } })).toEqual([
        {
          code: 'meter-stale',
          subject: 'm',
          severity: 'warning',
          message: 'meter m last answered 12 s ago (no answer)',
        },
      ]);
      expect(alarms({ meters: { m: silent('stale', { ageMs: 12_400 }) } })[0]?.message).toBe(
        'meter m last answered 12 s ago',
      );
    });

    it('do not come while its sample is fresh, also when a poll failed', () => {
      expect(alarms({ packs: { a: { ...pack(), failure } } })).toEqual([]);
    });

    it('come for switches and the cluster as well', () => {
      const codes = alarms({ switches: { s: silent('stale') }, cluster: silent('stale') }).map(({ code, subject }) => [
        code,
        subject,
      ]);
      expect(codes).toEqual([
        ['switch-stale', 's'],
        ['cluster-stale', 'api'],
      ]);
    });
  });

  describe('of packs', () => {
    it.each([
      ['cell-overvoltage', 'protection', 'critical'],
      ['cell-overvoltage', 'warning', 'warning'],
      ['locked-by-command', 'protection', 'info'],
    ] as const)('%s as %s is %s', (code, level, severity) => {
      expect(alarms({ packs: { a: pack({ alarms: [{ code, level }] }) } })).toEqual([
        { code, subject: 'a', severity, message: `pack a: ${code.replaceAll('-', ' ')}` },
      ]);
    });

    it('are told once, when the BMS and our model say the same, and the BMS goes first', () => {
      const told = alarms(
        { packs: { a: pack({ alarms: [{ code: 'low-soc', level: 'protection', detail: '3 %' }] }) } },
        {
          a: [
            { code: 'low-soc', level: 'warning' },
            { code: 'cell-imbalance', level: 'warning' },
          ],
        },
      );
      expect(told.map(({ code, severity, message }) => [code, severity, message])).toEqual([
        ['low-soc', 'critical', 'pack a: low soc: 3 %'],
        ['cell-imbalance', 'warning', 'pack a: cell imbalance'],
      ]);
    });

    it('of two packs are two', () => {
      const low = pack({ alarms: [{ code: 'low-soc', level: 'warning' }] });
      expect(alarms({ packs: { a: low, b: low } }).map(({ subject }) => subject)).toEqual(['a', 'b']);
    });

    it('of a stale sample are not shown as present', () => {
      const stale = { ...pack({ alarms: [{ code: 'low-soc', level: 'warning' }] }), freshness: 'stale' as const };
      expect(alarms({ packs: { a: stale } }).map(({ code }) => code)).toEqual(['pack-stale']);
    });
  });

  it('of witnesses that disagree name them all', () => {
    const votes = [
      { source: 'meter m', says: 'present', because: '110.0 V' },
      { source: 'pack a', says: 'absent', because: 'discharging -5.0 A' },
    ] as const;
    expect(alarms({ mains: { ...calm.mains, disputed: true, votes } })).toEqual([
      {
        code: 'mains-disputed',
        subject: 'mains',
        severity: 'warning',
        message: 'witnesses disagree: meter m says present (110.0 V), pack a says absent (discharging -5.0 A)',
      },
    ]);
  });

  it('of switches: near the budget, and a total that cannot be', () => {
    const switches = {
      near: poe({ budgetW: 100, drawnW: 90.5 }),
      odd: poe({ totalTrusted: false }),
      blind: poe({ drawnW: 900 }),
    };
    expect(alarms({ switches }).map(({ code, subject }) => [code, subject])).toEqual([
      ['poe-near-budget', 'near'],
      ['switch-total-untrusted', 'odd'],
    ]);
  });

  it('of the circuit: above what it carries continuously', () => {
    expect(alarms({ circuit: { limitA: 16, freshness: 'fresh', currentA: 16 } })).toEqual([]);
    expect(alarms({ circuit: { limitA: 16, freshness: 'fresh', currentA: 16.1 } })).toMatchObject([
      { code: 'circuit-over-limit', severity: 'critical' },
    ]);
  });
});
