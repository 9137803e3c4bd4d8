import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { decodeLine, probeI2c, SensorPack } from '../../../../bms/index.ts';
import { i2cBusAt, i2cExchange } from '../../../../firmware-bridge/index.ts';
import { probe } from '../../../../services/cli/probe.ts';
import { record } from '../../../../services/cli/record.ts';
import { configSchema } from '../../../../services/config/schema.ts';
import { openSwitch } from '../../../../services/poe/index.ts';
import { chipsOf, serveI2cBus } from '../../../../services/twin/devices/i2c/bus.ts';
import { DIVIDER, SHUNT_OHM } from '../../../../services/twin/devices/i2c/pack-chips.ts';
import type { SimWorld } from '../../../../services/twin/world.ts';
import { captured } from '../../cli/captured.ts';
import { smallRack } from './small-rack.ts';

/** The emulated bus against everything of ours that talks I2C: pack, switch, probe and recording. */

let world: SimWorld;
let bus: Awaited<ReturnType<typeof serveI2cBus>>;
beforeEach(async () => {
  world = smallRack();
  bus = await serveI2cBus(world, chipsOf(world));
});
afterEach(() => bus.close());

it('gives a pack without a BMS what the world has', async () => {
  const exchange = i2cExchange(i2cBusAt(bus.address));
  const at = (address: number) => ({ bus: exchange, place: { address } });
  const pack = new SensorPack({
    id: 'diy',
    cells: 16,
    now: () => 5,
    mono: () => 0,
    sensors: [
      { sensor: { chip: 'ina228', shuntOhm: SHUNT_OHM, gives: ['current'] }, ...at(0x40) },
      {
        sensor: { chip: 'ads1115', inputs: [{ input: 'a0', rangeV: 4.096, ratio: DIVIDER, gives: 'voltage' }] },
        ...at(0x48),
      },
      { sensor: { chip: 'tmp102' }, ...at(0x49) },
      { sensor: { chip: 'max17040', gives: ['soc'] }, ...at(0x36) },
    ],
  });
  world.setMains(false);
  world.step(10);
  const sample = await pack.poll();
  expect(sample.currentA).toBeLessThan(0);
  expect(sample.currentA).toBeCloseTo(world.pack.currentA, 1);
  expect(sample.voltageV).toBeCloseTo(world.pack.voltageV, 1);
  expect(sample.socRatio).toBeCloseTo(world.pack.socRatio, 2);
  expect(sample.temperaturesC?.[0]).toBeCloseTo(world.pack.temperaturesC[0] ?? 0, 1);
  expect(sample.alarms).toBeUndefined();
  await bus.unplug();
  await expect(pack.poll()).rejects.toMatchObject({ code: expect.stringMatching(/open|closed/) });
  await bus.replug();
  expect((await pack.poll()).voltageV).toBeGreaterThan(40);
  await pack.close();
  await exchange.close();
});

it('is a PoE switch of two controllers that cuts and powers ports', async () => {
  const [config] = configSchema.parse({
    switches: [
      { id: 'sw1', driver: 'i2c', i2c: bus.address, chip: 'tps23861', addresses: [0x20, 0x21], switching: true },
    ],
  }).switches;
  if (config === undefined) throw new Error('no switch');
  const poe = openSwitch(config, {});
  const { ports } = await poe.read();
  expect(ports.map(({ state }) => state)).toEqual(world.switch.ports.map(({ state }) => state));
  expect(ports[1]?.powerW).toBeCloseTo(world.switch.ports[1]?.powerW ?? 0, 1);
  expect(ports[1]?.poeClass).toBe(3);
  expect(await poe.setPorts(['2', '7'], false)).toMatchObject([{ code: 'done' }, { code: 'done' }]);
  expect(world.switch.ports.filter(({ enabled }) => !enabled).map(({ port }) => port)).toEqual(['2', '7']);
  expect(world.hosts.get('pi2')?.state).toBe('off');
  expect(await poe.setPorts(['2', '7'], true)).toMatchObject([{ code: 'done' }, { code: 'done' }]);
  expect(world.switch.ports.every(({ enabled }) => enabled)).toBe(true);
  await poe.close();
});

it('is probed: chips by name, controllers as strangers, and nothing is switched by it', async () => {
  const exchange = i2cExchange(i2cBusAt(bus.address));
  const { found, strangers } = await probeI2c(exchange, { signal: new AbortController().signal });
  await exchange.close();
  expect(found.map(({ address, chip, certainty }) => [address, chip, certainty])).toEqual([
    [0x36, 'max17040', 'likely'],
    [0x40, 'ina228', 'sure'],
    [0x48, 'ads1115', 'likely'],
    [0x49, 'tmp102', 'likely'],
  ]);
  expect(strangers).toEqual([0x20, 0x21]);
  expect(world.switch.ports.every(({ enabled }) => enabled)).toBe(true);
  expect(world.violations).toEqual([]);

  const { value, out } = await captured(() => probe(bus.address, { seconds: 60, address: 0x40 }));
  expect(value).toBe(0);
  expect(out).toContain('0x40  ina228');
  expect(out).toContain(`via: { i2c: ${bus.address} }, chip: ina228, address: 0x40`);
  const nobody = await captured(() => probe(bus.address, { seconds: 60, driver: 'pijuice', json: true }));
  expect(nobody.value).toBe(1);
  expect(JSON.parse(nobody.out)).toMatchObject({
    device: bus.address,
    found: [],
    strangers: expect.arrayContaining([0x40]),
  });
});

it('is recorded in lines that are decoded again', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdover-i2c-record-'));
  const out = join(dir, 'ina228.jsonl');
  try {
    const asked = { driver: 'ina228', out, seconds: 0.1, address: 0x40 };
    expect((await captured(() => record(bus.address, asked))).value).toBe(0);
    const [line = ''] = readFileSync(out, 'utf8').split('\n');
    expect(JSON.parse(decodeLine('ina228', line))).toMatchObject({ voltageV: expect.closeTo(world.pack.voltageV, 2) });
    await expect(record(bus.address, asked)).rejects.toThrow(/exists already/);
    await expect(record(bus.address, { ...asked, driver: 'jbd' })).rejects.toThrow(/not on I2C/);
    const { address: _, ...unnumbered } = asked;
    await expect(record('/dev/ttyUSB0', unnumbered)).rejects.toThrow(/chip on I2C/);
    await expect(record(bus.address, { ...asked, driver: 'i2c-sensors' })).rejects.toThrow(/not one chip/);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

it('answers nonsense with EINVAL, and hangs where the bus is held', async () => {
  const socket = connect(bus.port, '127.0.0.1');
  const said: string[] = [];
  socket.on('data', (chunk) => said.push(...chunk.toString().split('\n').filter(Boolean)));
  socket.write(
    'null\nx\n{"address":32,"write":"1","read":1}\n{"address":32,"write":"","read":-1}\n{"address":99,"write":"","read":1}\n',
  );
  await expect.poll(() => said.length).toBe(5);
  expect(said.map((line) => JSON.parse(line).error)).toEqual(['EINVAL', 'EINVAL', 'EINVAL', 'EINVAL', 'ENXIO']);
  world.setFault('silent', ['i2c']);
  socket.write('{"address":32,"write":"","read":1}\n');
  world.setFault('silent', false);
  socket.destroy();
  expect(world.switch.ports.every(({ enabled }) => enabled)).toBe(true);
});
