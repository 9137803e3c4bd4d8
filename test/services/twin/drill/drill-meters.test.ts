import { expect, it } from 'vitest';
import { packOf } from '#bms/model';
import { DrillRack } from '../../../../services/twin/drill/drill-rack.ts';
import { configOf, sound } from '../../config/sound-config.ts';

it('meters that add up share what the circuit of a drill carries', () => {
  const config = configOf(sound());
  const rack = new DrillRack({
    config,
    packs: config.packs.map((pack) => ({ id: pack.id, spec: packOf(pack), socRatio: 0.5, truthRatio: 1 })),
    hostW: Object.fromEntries(config.hosts.map(({ id }) => [id, 10])),
    otherW: 20,
    haltS: {},
    bootS: 40,
    controlPlane: new Set(),
    faults: { silent: new Set(), hang: new Set(), disobey: new Set(), stuck: new Set() },
    seed: 1,
    wallMs: 0,
  });
  rack.step(1);
  const [whole, half] = [rack.meterSample(), rack.meterSample(2)];
  expect(whole.powerW).toBeGreaterThan(20);
  expect((half.powerW ?? 0) * 2).toBeCloseTo(whole.powerW ?? Number.NaN, 6);
  expect((half.currentA ?? 0) * 2).toBeCloseTo(whole.currentA ?? Number.NaN, 6);
  expect(half.voltageV).toBe(whole.voltageV);
});
