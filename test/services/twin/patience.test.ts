import { expect, it } from 'vitest';
import { configSchema } from '../../../services/config/schema.ts';
import { demoRack } from '../../../services/twin/demo-rack.ts';
import { patient } from '../../../services/twin/patience.ts';
import { rackConfig, snmpFace } from '../../../services/twin/rack-config.ts';
import { createWorld } from '../../../services/twin/world.ts';

/** The configuration a service gets, as it understands it. */
function configured(speed: number) {
  const plan = patient(demoRack(), speed);
  const faces = {
    bms: { tcp: '127.0.0.1:1' },
    meter: { modbusTcp: '127.0.0.1:2', unit: 1 },
    switch: snmpFace('127.0.0.1', 3, '/c'),
    ssh: new Map(),
    wol: { address: '127.0.0.1', port: 4, macOf: () => undefined },
  };
  return configSchema.parse(rackConfig(plan, createWorld(plan.world), faces, '/state'));
}

it('leaves a world alone that goes at our speed', () => {
  expect(patient(demoRack(), 1)).toEqual(demoRack());
  const { packs, switches, hosts } = configured(1);
  expect(packs[0]).toMatchObject({ every: 1 });
  expect(packs[0]?.staleAfter).toBeUndefined();
  expect(switches[0]).toMatchObject({ every: 2 });
  expect(hosts[0]).toMatchObject({ haltTimeout: 40, bootTimeout: 90 });
});

it.each([1.5, 2, 8, 12, 60])('gives real programs real time in a world %d times as fast', (speed) => {
  const { packs, meters, switches, hosts, shutdown } = configured(speed);
  const usual = configured(1);
  for (const device of [...packs, ...meters]) {
    expect((device.staleAfter ?? 0) / speed).toBeGreaterThanOrEqual(1.5);
    expect(device.staleAfter).toBeGreaterThanOrEqual(3 * device.every);
  }
  for (const [at, host] of hosts.entries()) {
    expect(host.haltTimeout / speed).toBeGreaterThanOrEqual(40);
    expect(host.bootTimeout / speed).toBeGreaterThanOrEqual(60);
    expect(host.haltTimeout).toBeGreaterThanOrEqual(usual.hosts[at]?.haltTimeout ?? Number.NaN);
    expect(host.bootTimeout).toBeGreaterThanOrEqual(usual.hosts[at]?.bootTimeout ?? Number.NaN);
  }
  for (const confirmS of [shutdown.confirmLoss, shutdown.confirmReturn])
    expect(confirmS / speed).toBeGreaterThanOrEqual(1);
  for (const [at, stage] of shutdown.stages.entries()) {
    expect(stage.drainTimeout / speed).toBeGreaterThanOrEqual(20);
    expect(stage.drainTimeout).toBeGreaterThanOrEqual(usual.shutdown.stages[at]?.drainTimeout ?? Number.NaN);
  }
  for (const device of [...packs, ...meters, ...switches]) expect(device.every / speed).toBeGreaterThanOrEqual(0.2);
});
