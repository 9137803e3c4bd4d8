import { describe, expect, it } from 'vitest';
import { EnergyMeter } from '../../../services/history/energy-meter.ts';
import { OutageWatch } from '../../../services/history/outage-watch.ts';
import type { Outage } from '../../../services/history/records.ts';
import { Zone } from '../../../services/runtime/zone.ts';
import type { Snapshot, StageSchedule } from '../../../services/shutdown/view.ts';
import { type Moment, rackAt, WALL0 } from './rack-days.ts';

const stage = (name: string, state: StageSchedule['state'], beginsInS?: number): StageSchedule => ({
  name,
  hosts: ['pi1'],
  state,
  mustBeginBelowWh: 100,
  durationS: 60,
  loadAfterW: 0,
  ...(beginsInS === undefined ? {} : { beginsInS }),
});

const withSchedule =
  (stages: readonly StageSchedule[], allOffInS?: number, loadW = 300) =>
  (snapshot: Snapshot): Snapshot => ({
    ...snapshot,
    coordinator: {
      ...snapshot.coordinator,
      schedule: {
        basis: snapshot.coordinator.schedule.basis,
        reserveWh: 100,
        usableWh: 1000,
        loadW,
        stages,
        feasible: true,
        ...(allOffInS === undefined ? {} : { allOffInS }),
      },
    },
  });

/** A life of the service: what it keeps is what a next life begins with. */
class Life {
  readonly watch = new OutageWatch();
  readonly meter = new EnergyMeter({ zone: new Zone('UTC') });
  kept: Outage | undefined;

  constructor(newest?: Outage) {
    this.watch.resume(newest);
    this.kept = newest;
  }

  at(moment: Moment): void {
    const snapshot = rackAt(moment);
    this.meter.take(snapshot);
    const { live } = this.meter;
    this.watch.take(snapshot, {
      outWh: live.out ?? 0,
      unmeasuredS: live['gap:bank'] ?? 0,
      measuredS: live['seen:bank'] ?? 0,
    });
    this.kept = this.watch.changed() ?? this.kept;
  }

  onBattery(fromS: number, toS: number, more: Partial<Moment> & { readonly drop?: number } = {}): void {
    for (let s = fromS; s <= toS; s += 1)
      this.at({
        atMs: s * 1000,
        away: true,
        runId: 'run-1',
        onBatteryS: s - 10,
        bankW: -360,
        socRatio: 0.9 - (s - 10) * (more.drop ?? 0.0001),
        more: withSchedule([stage('batch', s >= 300 ? 'going-down' : 'waiting', 290 - (s - 10))], 7200 - s),
        ...more,
      });
  }
}

describe('the log of outages', () => {
  it('tells begin, end, depth, charge, and what was predicted beside what happened', () => {
    const life = new Life();
    for (let s = 0; s < 10; s += 1) life.at({ atMs: s * 1000 });
    life.onBattery(10, 1810);
    life.watch.line({
      seq: 1,
      wallMs: WALL0,
      entry: { kind: 'stage', stage: 'batch', began: true, trigger: 'energy' },
    });
    const back = withSchedule([stage('batch', 'coming-back')], 9000);
    life.at({ atMs: 1_811_000, phase: 'restoring', runId: 'run-1', more: back });
    expect(life.kept).toEqual({
      id: 'run-1',
      beginMs: WALL0 + 10_000,
      endMs: WALL0 + 1_811_000,
      depthWh: expect.closeTo(180, 0),
      socFrom: 0.9,
      socTo: expect.closeTo(0.72, 5),
      stages: [{ name: 'batch', predictedAfterS: 290, beganAfterS: 290, trigger: 'energy' }],
      forced: [],
      trouble: [],
      predicted: { allOffAfterS: 7190, usableWh: 1000, loadW: 300 },
      meanLoadW: expect.closeTo(360, 0),
      unmeasuredS: expect.closeTo(0, 1),
    });
    life.at({ atMs: 2_000_000, phase: 'mains' });
    expect(life.kept?.restoredMs).toBe(WALL0 + 2_000_000);
    expect(life.watch.open).toBeUndefined();
  });

  it('goes on over a restart in the middle, and counts what was missed as not measured', () => {
    const first = new Life();
    first.onBattery(10, 1000);
    const kept = first.watch.open;
    const second = new Life(kept);
    second.onBattery(1100, 1500);
    const third = second.watch.open;
    expect(third).toMatchObject({ id: 'run-1', beginMs: WALL0 + 10_000, predicted: { allOffAfterS: 7190 } });
    expect(third?.depthWh).toBeCloseTo(((990 + 400) * 360) / 3600, 0);
    expect(third?.meanLoadW).toBeCloseTo(360, 0);
  });

  it('keeps an outage when mains goes again before everything is back', () => {
    const life = new Life();
    life.onBattery(10, 100);
    const ids: (string | undefined)[] = [life.kept?.id];
    for (const fromS of [110, 210, 310]) {
      life.at({ atMs: (fromS - 5) * 1000, phase: 'restoring', runId: 'run-1' });
      expect(life.kept).toMatchObject({ id: ids.at(-1), endMs: WALL0 + (fromS - 5) * 1000 });
      for (let s = fromS; s <= fromS + 90; s += 1)
        life.at({ atMs: s * 1000, away: true, runId: 'run-1', onBatteryS: s - fromS });
      ids.push(life.kept?.id);
    }
    expect(ids).toEqual(['run-1', 'run-1-2', 'run-1-3', 'run-1-4']);
    life.at({ atMs: 500_000, phase: 'mains' });
    life.at({ atMs: 600_000, away: true, runId: 'run-9', onBatteryS: 0 });
    expect(life.kept?.id).toBe('run-9');
  });

  it('marks what was forced and who is in trouble, once each', () => {
    const life = new Life();
    const hurt = (snapshot: Snapshot): Snapshot => ({
      ...snapshot,
      coordinator: {
        ...snapshot.coordinator,
        hosts: snapshot.coordinator.hosts.map((host) => ({ ...host, forced: true, trouble: 'no answer' })),
      },
    });
    for (let s = 10; s < 20; s += 1) life.at({ atMs: s * 1000, away: true, onBatteryS: s - 10, more: hurt });
    expect(life.watch.open).toMatchObject({ forced: ['pi1'], trouble: ['pi1: no answer'] });
  });

  it('says for how long the bank was silent, and takes no depth from it', () => {
    const life = new Life();
    life.onBattery(10, 100);
    life.onBattery(101, 400, { bank: 'stale' });
    life.onBattery(401, 500);
    expect(life.watch.open?.unmeasuredS).toBeCloseTo(301, 0);
    expect(life.watch.open?.depthWh).toBeCloseTo(((90 + 99) * 360) / 3600, 0);
  });

  it('writes down what matters, and not every tick', () => {
    const life = new Life();
    life.onBattery(10, 20);
    life.kept = undefined;
    life.onBattery(21, 200);
    expect(life.kept).toBeUndefined();
    life.onBattery(301, 302);
    expect(life.kept).toMatchObject({ stages: [{ beganAfterS: 291 }] });
  });
});
