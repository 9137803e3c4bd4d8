import { describe, expect, it } from 'vitest';
import { calm, topicStates } from '../../../services/telemetry/mqtt-states.ts';
import { allStale, fresh, later, packSample, snapshotFixture, WALL_MS, withRack } from './snapshot-fixture.ts';

const stateOf = (kind: string, id: string, snapshot = snapshotFixture) =>
  topicStates(snapshot).find((state) => state.kind === kind && state.id === id);

describe('states on MQTT', () => {
  it('exist for everything in the rack', () => {
    const topics = topicStates(snapshotFixture).map(({ kind, id }) => `${kind}/${id}`);
    expect(topics).toEqual([
      'pack/lfp1',
      'meter/sdm1',
      'ups/apc',
      'switch/sw1',
      ...snapshotFixture.coordinator.hosts.map(({ id }) => `host/${id}`),
      'bank/main',
      'circuit/main',
      'mains/main',
      'schedule/main',
      'coordinator/main',
    ]);
  });

  it('tell a pack in the units of its names', () => {
    const pack = stateOf('pack', 'lfp1');
    expect(pack?.atMs).toBe(WALL_MS - 1000);
    expect(pack?.body).toMatchObject({
      voltageV: 52.984,
      socRatio: 0.83,
      energyInWh: 120_345.6,
      temperaturesC: { 1: 24.1, 2: 25.3, mosfet: 31.2 },
      fetClosed: { charge: true, discharge: true },
      alarmsActive: 1,
      alarms: [{ code: 'cell-imbalance', level: 'warning' }],
    });
  });

  it('leave out what a device does not tell, and what is no number', () => {
    const { voltageV: _, temperaturesC: __, mosfetTemperatureC: ___, ...rest } = packSample;
    const cellsV = [3.3, Number.NaN, 3.4];
    const snapshot = withRack({ packs: { lfp1: fresh({ ...rest, currentA: Number.NaN, cellsV }) } });
    const body = stateOf('pack', 'lfp1', snapshot)?.body ?? {};
    expect(Object.keys(body)).not.toContain('voltageV');
    expect(Object.keys(body)).not.toContain('currentA');
    expect(Object.keys(body)).not.toContain('temperaturesC');
    expect(body).toMatchObject({ cellsV: [3.3, null, 3.4] });
  });

  it('say offline and nothing else when a source is stale', () => {
    const old = allStale();
    for (const kind of ['pack/lfp1', 'meter/sdm1', 'switch/sw1', 'bank/main', 'circuit/main']) {
      const [name = '', id = ''] = kind.split('/');
      const state = stateOf(name, id, old);
      expect([kind, state?.available, state?.body]).toEqual([kind, false, undefined]);
    }
    const host = stateOf('host', 'pi1', old);
    expect(host?.available).toBe(true);
    expect(Object.keys(host?.body ?? {})).not.toContain('powerW');
    expect(Object.keys(host?.body ?? {})).not.toContain('reachable');
    expect(stateOf('mains', 'main', old)?.body).not.toHaveProperty('present');
  });

  it('of a schedule are the same a second later, though everything comes a second nearer', () => {
    const shifted = later(1);
    const { schedule } = shifted.coordinator;
    const nearer = {
      ...shifted,
      coordinator: {
        ...shifted.coordinator,
        schedule: {
          ...schedule,
          stages: schedule.stages.map((stage) => ({ ...stage, beginsInS: (stage.beginsInS ?? 0) - 1 })),
        },
      },
    };
    expect(stateOf('schedule', 'main', nearer)?.body).toEqual(stateOf('schedule', 'main')?.body);
  });

  it('keep the order of the stages', () => {
    expect(stateOf('schedule', 'main')?.body).toMatchObject({
      order: ['batch', 'workers', 'control-plane'],
      stages: { workers: { beginsInS: 38_400, decidedBy: 'energy', loadAfterW: 80 } },
    });
  });

  it('tell times to the second only when it matters', () => {
    expect([calm(59.4), calm(119.6), calm(1234), calm(38_425)]).toEqual([59, 120, 1230, 38_400]);
  });
});
