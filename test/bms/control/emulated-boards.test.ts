import { afterEach, describe, expect, it } from 'vitest';
import { bindDevice } from '../../../bms/bind.ts';
import { bindControl, canSwitch } from '../../../bms/control/pack-control.ts';
import { driverFor } from '../../../bms/drivers/registry.ts';
import { byteExchange, modbusRtuExchange, tcpTransport } from '../../../firmware-bridge/index.ts';
import { BOARDS, type BoardKind, serveBoardOnTcp } from '../../../services/twin/devices/boards/index.ts';
import { smallWorld } from '../../services/twin/small-world.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Drivers that switch, and the board that each is tried on. */
const SWITCHED: readonly (readonly [driver: string, board: BoardKind])[] = [
  ['daly', 'daly'],
  ['daly-modbus', 'daly-modbus'],
  ['daly-p81', 'daly-p81'],
  ['jk', 'jk'],
  ['jk-pb', 'jk-pb'],
  ['jk-modbus', 'jk-pb'],
];

describe('an emulated board', () => {
  it.each(SWITCHED)('that %s reads is switched by it, while it is read', async (id, kind) => {
    const world = smallWorld();
    const board = await serveBoardOnTcp(world, BOARDS[kind].make(world), { name: kind });
    closers.push(() => board.close());
    const driver = driverFor(id);
    if (driver.shape !== 'exchange' && driver.shape !== 'registers') throw new Error('no board');
    const line = tcpTransport({ host: '127.0.0.1', port: board.port });
    const bus =
      driver.shape === 'registers'
        ? modbusRtuExchange(line, { gapMs: driver.gapMs, timeoutMs: 500 })
        : byteExchange(line, driver);
    closers.push(() => bus.close());
    const device = bindDevice(driver, id, bus, { now: () => Date.now(), mono: () => performance.now() });
    const balances = canSwitch(driver, 'balancing');
    const control = bindControl(driver, id, bus, { allow: { mosfets: true, balancing: balances } });

    const [off] = await Promise.all([control.setCharge(false), device.poll()]);
    expect(off).toEqual({ code: 'done' });
    expect([world.pack.chargeFetClosed, world.pack.dischargeFetClosed]).toEqual([false, true]);
    expect(await control.setDischarge(false)).toEqual({ code: 'done' });
    expect([world.pack.chargeFetClosed, world.pack.dischargeFetClosed]).toEqual([false, false]);
    expect(await device.poll()).toMatchObject({ chargeFetClosed: false, dischargeFetClosed: false });
    expect(await control.setCharge(true)).toEqual({ code: 'done' });
    expect(await control.setDischarge(true)).toEqual({ code: 'done' });
    expect([world.pack.chargeFetClosed, world.pack.dischargeFetClosed]).toEqual([true, true]);
    if (!balances) return;
    expect(await control.setBalancing(true)).toEqual({ code: 'already' });
    expect(await control.setBalancing(false)).toEqual({ code: 'done' });
    expect(await control.setBalancing(false)).toEqual({ code: 'already' });
    expect(await control.setBalancing(true)).toEqual({ code: 'done' });
  });
});
