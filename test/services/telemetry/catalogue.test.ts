import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { catalogue, families, mqttPath, UNITS } from '../../../services/telemetry/catalogue.ts';
import { topicStates } from '../../../services/telemetry/mqtt-states.ts';
import { absent, allStale, fresh, rackFixture, snapshotFixture, switchSample, withRack } from './snapshot-fixture.ts';

const namesWithPoints = (snapshot = snapshotFixture) => families(snapshot).map(({ metric }) => metric.name);

describe('rows of the catalogue', () => {
  it('have unique names and keys', () => {
    expect(new Set(catalogue.map(({ name }) => name)).size).toBe(catalogue.length);
    expect(new Set(catalogue.map(({ id }) => id)).size).toBe(catalogue.length);
  });

  it.each(catalogue.map((metric) => [metric.name, metric] as const))('%s is well formed', (_, metric) => {
    const { suffix } = UNITS[metric.unit];
    const stem = metric.name.replace(/_total$/, '');
    expect(metric.name).toMatch(/^holdover_[a-z]+(_[a-z]+)*$/);
    expect(metric.name).toBe(`${metric.measurement}_${metric.field}`);
    if (suffix !== '') expect(stem.endsWith(`_${suffix}`)).toBe(true);
    expect(metric.name.endsWith('_total')).toBe(metric.kind === 'counter');
    expect(metric.name.endsWith('_info')).toBe(metric.kind === 'info');
    expect(metric.help).toMatch(/^[A-Z].{10,}\.$/);
    expect(new Set(metric.labels).size).toBe(metric.labels.length);
    for (const label of metric.labels) {
      expect(label).toMatch(/^[a-z]+(_[a-z]+)*$/);
      expect(['instance', 'job', 'cluster', 'env', 'service', 'zone', 'type', 'db']).not.toContain(label);
    }
    // A tag and a field of one name confuse InfluxQL.
    expect(metric.labels).not.toContain(metric.field);
    expect(metric.kind === 'state-set').toBe(metric.states !== undefined);
    if (metric.states) expect(metric.labels).toContain(metric.states.label);
    if (metric.homeAssistant) expect(metric.mqtt, 'an entity needs a place in a state topic').toBeDefined();
  });

  it('give Home Assistant only classes it takes together', () => {
    for (const { name, homeAssistant: words } of catalogue) {
      if (!words) continue;
      if (words.platform === 'binary_sensor') {
        expect([words.stateClass, words.unit], name).toEqual([undefined, undefined]);
        continue;
      }
      if (words.deviceClass === 'enum') {
        expect([words.stateClass, words.unit], name).toEqual([undefined, undefined]);
        expect(words.options?.length, name).toBeGreaterThan(1);
      } else {
        expect(words.stateClass, name).toBeDefined();
      }
      if (words.deviceClass === 'energy') expect([words.unit, words.stateClass]).toEqual(['kWh', 'total_increasing']);
      if (words.deviceClass === 'energy_storage') expect([words.unit, words.stateClass]).toEqual(['Wh', 'measurement']);
      if (words.deviceClass === 'battery') expect([words.unit, words.scale]).toEqual(['%', 100]);
    }
  });

  it('all have points on a rack where everything answers, but for the length of an outage', () => {
    const silent = catalogue.map(({ name }) => name).filter((name) => !namesWithPoints().includes(name));
    expect(silent).toEqual(['holdover_shutdown_on_battery_seconds']);
  });
});

describe('points', () => {
  const value = (name: string, labels: Record<string, string> = {}, snapshot = snapshotFixture) =>
    families(snapshot)
      .find(({ metric }) => metric.name === name)
      ?.points.find((point) => Object.entries(labels).every(([label, text]) => point.labels[label] === text))?.value;

  it('are in SI units', () => {
    expect(value('holdover_pack_voltage_volts', { pack: 'lfp1' })).toBe(52.984);
    expect(value('holdover_pack_energy_charged_joules_total')).toBe(433_244_160);
    expect(value('holdover_pack_charge_remaining_coulombs')).toBe(299_520);
    expect(value('holdover_bank_soc_ratio')).toBe(0.812);
    expect(value('holdover_cell_voltage_volts', { cell: '1' })).toBe(3.31);
    expect(value('holdover_cell_balancing', { cell: '3' })).toBe(1);
    expect(value('holdover_cell_balancing', { cell: '4' })).toBe(0);
    expect(value('holdover_temperature_celsius', { sensor: 'mosfet' })).toBe(31.2);
    expect(value('holdover_poe_port_power_watts', { switch: 'sw1', port: '7' })).toBe(5.7);
    expect(value('holdover_shutdown_phase', { phase: 'mains' })).toBe(1);
    expect(value('holdover_shutdown_phase', { phase: 'dark' })).toBe(0);
    expect(value('holdover_stage_begin_seconds', { stage: 'workers' })).toBe(38_400);
    expect(value('holdover_device_poll_failures_total', { device: 'sw1', reason: 'timeout' })).toBe(2);
    expect(value('holdover_rack_alarms_active', { severity: 'critical' })).toBe(0);
  });

  it('carry the time of their measurement', () => {
    const [voltage] = families(snapshotFixture)[0]?.points ?? [];
    expect(voltage?.atMs).toBe(rackFixture.wallMs - 1000);
    const bank = families(snapshotFixture).find(({ metric }) => metric.name === 'holdover_bank_voltage_volts');
    expect(bank?.points[0]?.atMs).toBe(rackFixture.wallMs - 1000);
  });

  it('are not made of stale values; freshness says so instead', () => {
    const old = allStale();
    const measured =
      /^holdover_(pack|cell|temperature|fet|meter|node|bank_(?!complete)|poe_(?!port_info)|circuit_(?!limit)|host_(power|reachable)|mains_(present|evidence))/;
    expect(namesWithPoints(old).filter((name) => measured.test(name))).toEqual([]);
    expect(value('holdover_device_fresh', { device: 'lfp1' }, old)).toBe(0);
    expect(value('holdover_device_sample_age_seconds', { device: 'lfp1' }, old)).toBe(60);
    expect(value('holdover_device_fresh', { device: 'apc', kind: 'ups' }, old)).toBe(0);
    expect(value('holdover_mains_verdict', { verdict: 'unknown' }, old)).toBe(1);
    expect(value('holdover_bank_complete', {}, old)).toBe(0);
  });

  it('are not made of absent samples', () => {
    const snapshot = withRack({ packs: { lfp1: absent() }, bank: { complete: false, freshness: 'absent' } });
    expect(namesWithPoints(snapshot).filter((name) => /^holdover_(pack|cell|fet)_/.test(name))).toEqual([]);
    expect(value('holdover_device_sample_age_seconds', { device: 'lfp1' }, snapshot)).toBeUndefined();
  });

  it('leave out a switch’s total that contradicts its ports', () => {
    const snapshot = withRack({ switches: { sw1: fresh({ ...switchSample, totalTrusted: false, drawnW: 0 }) } });
    expect(value('holdover_poe_drawn_watts', {}, snapshot)).toBeUndefined();
    expect(value('holdover_poe_total_trusted', {}, snapshot)).toBe(0);
  });

  it('are one for each label set, whatever says it twice', () => {
    const [alarm] = rackFixture.alarms;
    if (!alarm) throw new Error('the fixture has an alarm');
    const snapshot = withRack({ alarms: [alarm, { ...alarm, message: 'again' }, { ...alarm, subject: 'lfp2' }] });
    const family = families(snapshot).find(({ metric }) => metric.name === 'holdover_rack_alarm');
    expect(family?.points.map(({ labels }) => labels.subject)).toEqual(['lfp1', 'lfp2']);
  });

  it('never promise a schedule without a battery figure', () => {
    const { usableWh: _, allOffInS: __, ...schedule } = snapshotFixture.coordinator.schedule;
    const snapshot = { ...snapshotFixture, coordinator: { ...snapshotFixture.coordinator, schedule } };
    expect(value('holdover_schedule_feasible', {}, snapshot)).toBeUndefined();
    expect(value('holdover_schedule_usable_joules', {}, snapshot)).toBeUndefined();
  });

  const sometimes = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
  const anyNumber = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Infinity, -Infinity, -0, 1e300));
  const anySample = fc.record(
    {
      measuredAtMs: fc.integer({ min: 0, max: 2e12 }),
      voltageV: anyNumber,
      currentA: anyNumber,
      socRatio: anyNumber,
      remainingAh: anyNumber,
      cycles: anyNumber,
      energyInWh: anyNumber,
      cellsV: fc.array(anyNumber, { maxLength: 24 }),
      temperaturesC: fc.array(anyNumber, { maxLength: 4 }),
      balancingCells: fc.array(fc.integer({ min: -2, max: 30 })),
      alarms: fc.array(fc.record({ code: fc.constantFrom('vendor', 'low-soc'), level: fc.constant('warning') })),
      model: fc.string(),
      serial: fc.string({ unit: 'binary' }),
    },
    { requiredKeys: ['measuredAtMs'] },
  );
  const anyObserved = fc.record({
    sample: sometimes(anySample),
    ageMs: sometimes(anyNumber),
    freshness: fc.constantFrom('fresh', 'stale', 'absent'),
  });
  const anyRack = fc.record({
    packs: fc.dictionary(fc.string({ unit: 'binary' }), anyObserved, { maxKeys: 3 }),
    meters: fc.dictionary(fc.string(), anyObserved, { maxKeys: 2 }),
    bank: fc.record({
      complete: fc.boolean(),
      freshness: fc.constantFrom('fresh', 'stale', 'absent'),
      measuredAtMs: sometimes(anyNumber),
      voltageV: sometimes(anyNumber),
      usableWh: sometimes(anyNumber),
      runtimeS: sometimes(anyNumber),
    }),
  });

  it('are finite, of declared labels and unique, whatever the snapshot holds', () => {
    fc.assert(
      fc.property(anyRack, (rack) => {
        for (const { metric, points } of families(withRack(rack as never))) {
          const keys = points.map(({ labels }) => JSON.stringify(metric.labels.map((label) => labels[label] ?? '')));
          const wrong = points.filter(
            ({ value, atMs, labels }) =>
              !Number.isFinite(value) ||
              !Number.isFinite(atMs) ||
              Object.keys(labels).some((label) => !metric.labels.includes(label)),
          );
          if (wrong.length > 0 || new Set(keys).size !== keys.length) {
            throw new Error(`${metric.name}: ${JSON.stringify({ wrong, keys })}`);
          }
        }
      }),
    );
  });

  it('of a pack exist only while it is fresh', () => {
    fc.assert(
      fc.property(anyRack, (rack) => {
        const snapshot = withRack(rack as never);
        const shown = families(snapshot)
          .filter(({ metric }) => /^holdover_(pack|cell|temperature|fet)_/.test(metric.name))
          .flatMap(({ points }) => points.map(({ labels }) => labels.pack ?? ''));
        expect(shown.filter((pack) => snapshot.rack.packs[pack]?.freshness !== 'fresh')).toEqual([]);
      }),
    );
  });
});

describe('places in MQTT states', () => {
  const states = topicStates(snapshotFixture);
  const placed = families(snapshotFixture).filter(({ metric }) => metric.mqtt);

  it.each(placed.map((family) => [family.metric.name, family] as const))('%s is found there', (_, family) => {
    const { metric, points } = family;
    const place = metric.mqtt;
    if (!place) throw new Error('no place');
    for (const point of points) {
      const id = place.id === undefined ? 'main' : point.labels[place.id];
      const state = states.find((candidate) => candidate.kind === place.kind && candidate.id === id);
      let found: unknown = state?.body;
      for (const key of mqttPath(place, point.labels)) {
        found = (found as Record<string | number, unknown> | undefined)?.[key];
      }
      if (metric.states) {
        expect(found === point.labels[metric.states.label]).toBe(point.value === 1);
        continue;
      }
      const expected = point.value * place.scale;
      // Times are told calmly there, and energies in Wh with one decimal.
      const tolerance = metric.unit === 'seconds' ? 60 : Math.max(0.1, Math.abs(expected) * 1e-4);
      expect(Math.abs(Number(found) - expected)).toBeLessThanOrEqual(tolerance);
    }
  });
});
