import { describe, expect, it } from 'vitest';
import { configSchema } from '../../../services/config/schema.ts';
import { DEMO_OUTAGE_AT_S, demoRack } from '../../../services/twin/demo-rack.ts';
import { createWorld } from '../../../services/twin/world.ts';
import { hostOf } from './small-world.ts';

/** Puts a stage to bed the way a service would: halt all, wait, cut. */
function putToBed(world: ReturnType<typeof createWorld>, ids: readonly string[]): void {
  world.step(10);
  for (const id of ids) hostOf(world, id).halt();
  world.step(12);
  for (const id of ids) {
    const { port, state } = hostOf(world, id);
    expect(state).toBe('halted');
    if (port !== undefined) world.switch.setEnabled(port, false);
  }
}

describe('rack of the demonstration', () => {
  const plan = demoRack();
  const stages = plan.shutdown.stages ?? [];

  it('has every host but the protected ones in one stage, and its ports on the switch', () => {
    const staged = stages.flatMap((stage) => stage.hosts);
    const ids = plan.world.hosts.map((host) => host.id);
    expect(staged.toSorted()).toEqual(ids.filter((id) => !plan.protectedHosts.includes(id)).toSorted());
    expect(plan.world.hosts.filter((host) => host.controlPlane).map((host) => host.id)).toEqual(['pi1', 'pi2', 'pi3']);
    expect(plan.world.hosts.filter((host) => host.port !== undefined)).toHaveLength(20);
  });

  it('has a shutdown policy the configuration accepts', () => {
    expect(configSchema.parse({ site: plan.site, shutdown: plan.shutdown }).shutdown.stages).toHaveLength(3);
  });

  it('takes about 280 W from the pack with everything up, within what its cells may give', () => {
    const world = createWorld(plan.world);
    world.step(DEMO_OUTAGE_AT_S);
    world.setMains(false);
    world.step(1);
    const packW = -world.pack.voltageV * world.pack.currentA;
    expect(packW).toBeGreaterThan(260);
    expect(packW).toBeLessThan(290);
    expect(-world.pack.currentA / world.pack.capacityAh).toBeLessThan(3);
    expect(world.switch.drawnW).toBeGreaterThan(130);
    expect(world.switch.drawnW).toBeLessThan(160);
  });

  it('keeps mains below the continuous limit of its circuit while it charges at full power', () => {
    const world = createWorld(demoRack({ socRatio: 0.5 }).world);
    world.step(5);
    expect(world.pack.currentA / world.pack.capacityAh).toBeLessThanOrEqual(3);
    expect(world.meter.currentA).toBeLessThan(16);
    expect(world.meter.powerW).toBeGreaterThan(500);
  });

  it('waits for its outage at one charge, and recharges after it', () => {
    const world = createWorld(plan.world);
    world.step(600);
    expect(world.pack.socRatio).toBe(0.63);
    world.setMains(false);
    world.step(200);
    world.setMains(true);
    world.step(600);
    expect(world.pack.socRatio).toBeGreaterThan(0.74);
    expect(world.pack.socRatio).toBeLessThan(0.76);
  });

  it('still holds its reserve after 90 s at full load and three stages in order', () => {
    const world = createWorld(plan.world);
    world.step(DEMO_OUTAGE_AT_S);
    world.setMains(false);
    world.step(90);
    for (const stage of stages) putToBed(world, stage.hosts);
    expect(world.pack.socRatio).toBeGreaterThan(plan.shutdown.reserveRatio ?? 1);
    expect(world.supplied).toBe(true);
    expect(world.violations).toEqual([]);
    // what is left: the router, this machine and the switch itself
    expect(world.loadW).toBeLessThan(80);
  });

  it('would run flat under its hosts if nobody acted', () => {
    const world = createWorld(plan.world);
    world.step(DEMO_OUTAGE_AT_S);
    world.setMains(false);
    world.step(1800);
    expect(world.supplied).toBe(false);
    expect(world.violations).toHaveLength(24);
  });
});
