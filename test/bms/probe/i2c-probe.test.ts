import { beforeEach, describe, expect, it } from 'vitest';
import { probeI2c } from '../../../bms/index.ts';
import { PRESENCE } from '../../../bms/probe/i2c-plan.ts';
import { i2cExchange } from '../../../firmware-bridge/index.ts';
import { errno, MemoryI2c } from '../../firmware-bridge/memory-i2c.ts';

let bus: MemoryI2c;
beforeEach(() => {
  bus = new MemoryI2c();
});

const look = (more: { only?: readonly string[]; address?: number; signal?: AbortSignal } = {}) =>
  probeI2c(i2cExchange(bus), { signal: new AbortController().signal, ...more });
const found = async (more: { only?: readonly string[] } = {}) =>
  (await look(more)).found.map(({ address, chip, certainty, fitsToo }) => [address, chip, certainty, fitsToo]);

describe('who is on an I2C bus', () => {
  it('tells those apart that say who they are', async () => {
    bus.put(0x40, { 0: '0000', 62: '5449', 63: '2281', 4: '000000', 5: '421de0' });
    bus.put(0x41, { 0: '4127', 62: '0000', 63: '0000', 254: '5449', 255: '2260', 1: 'f614', 2: 'a4a6' });
    bus.put(0x42, {
      0: '7127',
      254: '5449',
      255: '3220',
      1: '07d0',
      2: '2ee0',
      3: '0000',
      4: '0000',
      5: '0000',
      6: '0000',
    });
    bus.put(0x14, { 65: '57a8', 73: '510fa1' });
    expect(await found()).toEqual([
      [0x14, 'pijuice', 'sure', []],
      [0x40, 'ina228', 'sure', []],
      [0x41, 'ina226', 'sure', []],
      [0x42, 'ina3221', 'sure', []],
    ]);
  });

  it('is less sure of those that do not', async () => {
    bus.put(0x36, { 2: 'd050', 4: '5b80', 12: '971c' });
    bus.put(0x45, { 0: '399f', 1: 'f8a8', 2: 'ce42' });
    bus.put(0x49, { 0: '1900', 1: '60a0' });
    expect(await found()).toEqual([
      [0x36, 'max17040', 'likely', []],
      [0x45, 'ina219', 'likely', []],
      [0x49, 'tmp102', 'likely', ['ads1115', 'lm75']],
    ]);
    expect((await look({ only: ['max17040'] })).strangers).toEqual([0x45, 0x49]);
  });

  it('writes nothing but numbers of registers, and these only where no byte is an order', async () => {
    // a relay board, another one, a multiplexer, an EEPROM, and a PSE controller
    for (const address of [0x20, 0x27, 0x38, 0x3f, 0x70, 0x77, 0x50, 0x2c, 0x30]) bus.put(address, {});
    bus.put(0x40, { 0: '399f' });
    const { strangers } = await look();
    expect(strangers).toEqual([0x20, 0x27, 0x2c, 0x30, 0x38, 0x3f, 0x50, 0x70, 0x77]);
    const numbered = bus.calls.filter((call) => !call.startsWith('read'));
    expect(new Set(numbered.map((call) => call.split(' ')[1]))).toEqual(new Set(['40']));
    expect(bus.calls.filter((call) => call.startsWith('write'))).toEqual([]);
    expect(numbered.every((call) => /^transfer 40 [0-9a-f]{2}$/.test(call))).toBe(true);
    expect(bus.calls.some((call) => call.includes(' 69'))).toBe(false);
  });

  it('says no more to one that turns the first number down: FE would be a reset', async () => {
    bus.put(0x40, {});
    bus.before = (call) => {
      if (call.startsWith('transfer')) throw errno('EREMOTEIO');
    };
    expect((await look()).strangers).toEqual([0x40]);
    expect(bus.calls.filter((call) => call.startsWith('transfer'))).toEqual(['transfer 40 00']);
  });

  it('takes neither ones nor noise for a chip', async () => {
    bus.put(0x40, { 0: 'ffff', 1: 'ffff', 2: 'ffff', 62: 'ffff', 63: 'ffff', 254: 'ffff', 255: 'ffff' });
    bus.put(0x36, { 2: '0000', 4: '0000', 12: '0000' });
    bus.put(0x14, { 65: '5700', 73: '510fa0' });
    expect(await look()).toMatchObject({ found: [], strangers: [0x14, 0x36, 0x40], complete: true });
  });

  it('tells what the kernel holds, and fails where there is no bus or it is held', async () => {
    bus.put(0x48, {});
    bus.before = (_, address) => {
      if (address === 0x48) throw errno('EBUSY');
    };
    expect(await look()).toMatchObject({ taken: [0x48], strangers: [] });
    bus.before = () => {
      throw errno('ENOENT');
    };
    await expect(look()).rejects.toMatchObject({ code: 'open', reason: 'no_bus' });
    bus.before = () => {
      throw errno('ETIMEDOUT');
    };
    await expect(look()).rejects.toMatchObject({ reason: 'held' });
  });

  it('asks one address alone, and ends early with what there is', async () => {
    bus.put(0x40, { 0: '399f' });
    bus.put(0x41, { 0: '399f' });
    expect((await look({ address: 0x41 })).found.map(({ address }) => address)).toEqual([0x41]);
    const over = new AbortController();
    bus.before = (_, address) => {
      if (address === 0x30) over.abort(new Error('over'));
    };
    expect(await look({ signal: over.signal })).toMatchObject({ complete: false, found: [] });
    expect(PRESENCE).toHaveLength(0x70 - 1);
  });
});
