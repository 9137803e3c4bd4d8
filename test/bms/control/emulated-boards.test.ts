import { afterEach, describe, expect, it } from 'vitest';
import { bindDevice } from '../../../bms/bind.ts';
import { bindControl, canSwitch } from '../../../bms/control/pack-control.ts';
import { driverFor } from '../../../bms/drivers/registry.ts';
import { byteExchange, modbusRtuExchange, tcpTransport } from '../../../firmware-bridge/index.ts';
import { BOARDS, type BoardKind, serveBoardOnTcp } from '../../../services/twin/devices/boards/index.ts';
import { serveJbdOnTcp } from '../../../services/twin/devices/jbd-bms.ts';
import { smallWorld } from '../../services/twin/small-world.ts';

/** For an answer that comes; a busy machine may keep this process from reading it. */
const PATIENCE_MS = 10_000;

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

describe('an emulated JBD board', () => {
  it('tells its limits, and lets its balancing be switched in factory mode while it is read', async () => {
    const world = smallWorld();
    const board = await serveJbdOnTcp(world);
    closers.push(() => board.close());
    const driver = driverFor('jbd');
    if (driver.shape !== 'exchange' || driver.measures !== 'pack') throw new Error('no board');
    const bus = byteExchange(tcpTransport({ host: '127.0.0.1', port: board.port }), driver);
    closers.push(() => bus.close());
    const device = bindDevice(driver, 'jbd', bus, { now: () => Date.now(), mono: () => performance.now() });
    expect((await device.poll()).limits).toEqual({
      ...{ cellMaxV: 3.65, cellMinV: 2.5, packMaxV: 3.65 * world.pack.cells, packMinV: 2.5 * world.pack.cells },
      ...{ chargeMaxC: 70, chargeMinC: 1, dischargeMaxC: 85, dischargeMinC: -20, chargeMaxA: 100, dischargeMaxA: 100 },
    });
    const control = bindControl(driver, 'jbd', bus, { allow: { mosfets: true, balancing: true } });
    expect(await control.setBalancing(true)).toEqual({ code: 'already' });
    const [off] = await Promise.all([control.setBalancing(false), device.poll(), device.poll()]);
    expect(off).toEqual({ code: 'done' });
    expect(await control.setBalancing(false)).toEqual({ code: 'already' });
    expect(await control.setCharge(false)).toEqual({ code: 'done' });
    expect(world.pack.chargeFetClosed).toBe(false);
  });
});

describe('the limits of an emulated board', () => {
  it.each<[BoardKind, object]>([
    ['daly', { cellMaxV: 3.65, cellMinV: 2.5 }],
    ['daly-modbus', { cellMaxV: 3.65, packMaxV: 58.4, chargeMinC: 0 }],
    ['jk', { cellMaxV: 3.65, cellMinV: 2.58, chargeMinC: 2 }],
    ['jk-pb', { cellMaxV: 3.6, cellMinV: 2.8, chargeMinC: 2, chargeMaxC: 70 }],
    ['pylontech', { cellMaxV: 3.65, cellMinV: 2.9, chargeMinC: 0, dischargeMinC: -10 }],
    ['seplos', { cellMaxV: 3.65, cellMinV: 2.7 }],
  ])('are in the sample of %s', async (kind, limits) => {
    const world = smallWorld();
    const board = await serveBoardOnTcp(world, BOARDS[kind].make(world), { name: kind });
    closers.push(() => board.close());
    const driver = driverFor(kind);
    if (driver.shape !== 'exchange' && driver.shape !== 'registers') throw new Error('no board');
    const line = tcpTransport({ host: '127.0.0.1', port: board.port });
    const bus = driver.shape === 'registers' ? modbusRtuExchange(line) : byteExchange(line, driver);
    closers.push(() => bus.close());
    const device = bindDevice(driver, kind, bus, { now: () => Date.now(), mono: () => performance.now() });
    expect(await device.poll()).toMatchObject({ limits });
  });
});

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
        ? modbusRtuExchange(line, { gapMs: driver.gapMs, timeoutMs: PATIENCE_MS })
        : byteExchange(line, { ...driver, timeoutMs: PATIENCE_MS });
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
