import { systemClock } from '../runtime/clock.ts';
import { demoRack } from '../twin/demo-rack.ts';
import { chipsOf, serveI2cBus } from '../twin/devices/i2c/bus.ts';
import { DIVIDER, SHUNT_OHM } from '../twin/devices/i2c/pack-chips.ts';
import { WorldRunner } from '../twin/runner.ts';
import { createWorld } from '../twin/world.ts';
import { ready, signalled } from './emulate.ts';

export interface EmulateI2cOptions {
  readonly host?: string;
  readonly port?: number;
  readonly fast?: number;
  /** World time until mains fails, s; never when absent. */
  readonly outageAfter?: number;
}

/**
 * `holdover emulate i2c`: a bus with the chips of a pack without a BMS, and two PSE controllers. One JSON line with what a
 * configuration says of them, until SIGINT or SIGTERM.
 */
export async function emulateI2c({ fast = 1, outageAfter, ...place }: EmulateI2cOptions = {}): Promise<number> {
  const world = createWorld(demoRack({ startWallMs: systemClock.wallMs() }).world);
  const stopped = signalled();
  const bus = await serveI2cBus(world, chipsOf(world), place);
  const runner = new WorldRunner({
    world,
    speed: fast,
    cluster: { step: () => outageAfter !== undefined && world.timeS >= outageAfter && world.setMains(false) },
  });
  try {
    runner.start();
    ready({
      device: 'i2c',
      address: bus.address,
      pack: {
        id: 'diy',
        driver: 'i2c-sensors',
        via: { i2c: bus.address },
        chemistry: 'lifepo4',
        cells: world.pack.cells,
        capacityAh: world.pack.capacityAh,
        sensors: [
          { chip: 'ina228', address: 0x40, shuntOhm: SHUNT_OHM },
          { chip: 'ads1115', address: 0x48, inputs: [{ input: 'a0', gives: 'voltage', ratio: DIVIDER }] },
          { chip: 'tmp102', address: 0x49 },
        ],
      },
      switch: {
        id: 'sw1',
        driver: 'i2c',
        i2c: bus.address,
        chip: 'tps23861',
        addresses: [0x20, 0x21],
        switching: true,
      },
      pid: process.pid,
    });
    await stopped;
  } finally {
    await runner.stop();
    await bus.close();
  }
  return 0;
}
