import { describe, expect, it } from 'vitest';
import type { MeterSample } from '#bms/model';
import { viewCircuit } from '../../../services/rack/circuit.ts';
import type { Observed } from '../../../services/rack/rack.ts';
import { check, configOf, sound } from '../config/sound-config.ts';

const meter = (id: string) => ({ id, driver: 'sdm230', via: { modbusTcp: '10.0.0.9:502', unit: Number(id.slice(1)) } });
const withMeters = (count: number, named?: readonly string[]) => ({
  ...sound(),
  mains: {},
  site: { circuit: { volts: 110, breakerAmps: 20, ...(named === undefined ? {} : { meters: named }) } },
  meters: Array.from({ length: count }, (_, at) => meter(`m${at + 1}`)),
});
const seen = (more: Partial<MeterSample>, freshness: 'fresh' | 'stale' = 'fresh'): Observed<MeterSample> => ({
  freshness,
  sample: { kind: 'meter', measuredAtMs: 0, ...more },
});
const m1 = seen({ currentA: 3, powerW: 300 });
const m2 = seen({ currentA: 4, powerW: 420 });

describe('the circuit of several meters', () => {
  it('is the first one where none is named, whichever was heard', () => {
    const config = configOf(withMeters(2));
    expect(viewCircuit(config, { m2, m1 })).toEqual({
      limitA: 16,
      meters: ['m1'],
      freshness: 'fresh',
      currentA: 3,
      powerW: 300,
    });
    expect(viewCircuit(config, { m2 })).toEqual({ limitA: 16, meters: ['m1'], freshness: 'absent' });
  });

  it('is the one that is named', () => {
    expect(viewCircuit(configOf(withMeters(2, ['m2'])), { m1, m2 })).toMatchObject({ meters: ['m2'], currentA: 4 });
  });

  it('is the sum of those that are named, while all of them are heard', () => {
    const config = configOf(withMeters(3, ['m1', 'm2']));
    expect(viewCircuit(config, { m1, m2 })).toEqual({
      limitA: 16,
      meters: ['m1', 'm2'],
      freshness: 'fresh',
      currentA: 7,
      powerW: 720,
    });
    const base = { limitA: 16, meters: ['m1', 'm2'] };
    expect(viewCircuit(config, { m1, m2: { ...m2, freshness: 'stale' } })).toEqual({ ...base, freshness: 'stale' });
    expect(viewCircuit(config, { m1 })).toEqual({ ...base, freshness: 'absent' });
    // One does not tell amperes: then the sum is not told.
    expect(viewCircuit(config, { m1, m2: seen({ powerW: 420 }) })).toEqual({
      ...base,
      freshness: 'fresh',
      powerW: 720,
    });
  });
});

describe('which meter is that of the circuit', () => {
  const said = (config: unknown) => {
    const checked = check(config);
    const found = checked.ok ? checked.warnings : checked.problems;
    return found
      .filter(({ path }) => path.startsWith('site.circuit'))
      .map(({ path, message }) => `${path}: ${message}`);
  };

  it('is asked for where there are several', () => {
    expect(said(withMeters(2))).toEqual([
      'site.circuit.meters: there are 2 meters, and the first one (m1) is taken for that of the circuit',
    ]);
    for (const clear of [withMeters(0), withMeters(1), withMeters(2, ['m2']), withMeters(2, ['m1', 'm2'])])
      expect(said(clear)).toEqual([]);
  });

  it('must be one there is, and once', () => {
    expect(said(withMeters(2, ['m1', 'm7']))).toEqual(['site.circuit.meters[1]: no meter is called m7']);
    expect(said(withMeters(1, ['m1', 'm1']))).toEqual(['site.circuit.meters[1]: m1 would count twice']);
    expect(check(withMeters(1, [])).ok).toBe(false);
  });
});
