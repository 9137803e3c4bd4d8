import { describe, expect, it } from 'vitest';
import { picture } from '../../../services/shutdown/picture.ts';
import type { CoordinatorView } from '../../../services/shutdown/view.ts';
import { Bench } from './bench.ts';
import { hostPolicy, START_MS, WALL_0 } from './small-rack.ts';

function look(bench: Bench): CoordinatorView {
  const { schedule } = bench.take({ kind: 'tick' });
  return picture(bench.state, schedule, bench.rack.snapshot(), bench.policy);
}

describe('the picture', () => {
  it('tells times by the wall clock', () => {
    const bench = new Bench();
    bench.pass(20);
    bench.loseMains();
    bench.pass(9);
    const view = look(bench);
    expect(view).toMatchObject({ phase: 'on-battery', sinceWallMs: WALL_0 + 21_000, onBatteryS: 9 });
    expect(view.runId).toBe(bench.state.runId);
    expect(view.hosts[0]?.sinceWallMs).toBe(WALL_0);
    expect(bench.rack.nowMs).toBe(START_MS + 30_000);
  });

  it('counts no seconds on battery when mains is back', () => {
    const bench = new Bench();
    bench.goDark();
    expect(look(bench).onBatteryS).toBeGreaterThan(0);
    bench.mainsReturns();
    const view = look(bench);
    expect(view.phase).toBe('restoring');
    expect(view).not.toHaveProperty('onBatteryS');
  });

  it('shows what is measured now, and leaves out what is stale or was never told', () => {
    const bench = new Bench();
    expect(look(bench).hosts[0]).toEqual({
      id: 'b1',
      phase: 'up',
      sinceWallMs: WALL_0,
      stage: 'batch',
      node: 'b1',
      switchId: 'sw1',
      port: '1',
      protected: false,
      reachable: true,
      powerW: 7,
      forced: false,
    });
    bench.rack.switchFreshness = 'stale';
    bench.rack.probesFreshness = 'stale';
    expect(look(bench).hosts[0]).not.toHaveProperty('powerW');
    expect(look(bench).hosts[0]).not.toHaveProperty('reachable');
  });

  it('shows a host of no stage as up', () => {
    const { policy } = new Bench();
    const router = hostPolicy('router', '', { protected: true, cuttable: false });
    const bench = new Bench({}, { ...policy, hosts: { ...policy.hosts, router } });
    expect(look(bench).hosts.find(({ id }) => id === 'router')).toMatchObject({ phase: 'up', protected: true });
  });

  it('shows force and trouble', () => {
    const bench = new Bench({ hosts: { b1: { cuttable: false } } });
    bench.loseMains();
    bench.runShort();
    bench.answer('cordon');
    bench.answer('drain');
    bench.pass(61);
    const [b1, b2] = look(bench).hosts;
    expect(b1).toMatchObject({ phase: 'halted', forced: false, trouble: expect.stringMatching(/no port to cut/) });
    expect(b2).toMatchObject({ forced: true });
    expect(b2).not.toHaveProperty('trouble');
  });

  it('hands on the schedule as it was made', () => {
    const bench = new Bench();
    const { schedule } = bench.take({ kind: 'tick' });
    expect(picture(bench.state, schedule, bench.rack.snapshot(), bench.policy).schedule).toBe(schedule);
    expect(schedule.basis).toBe('if-mains-failed');
    bench.loseMains();
    expect(look(bench).schedule.basis).toBe('live');
  });
});
