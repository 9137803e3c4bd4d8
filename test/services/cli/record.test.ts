import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bindDevice, type Driver, driverFor } from '../../../bms/index.ts';
import { byteExchange, modbusRtuExchange, tcpTransport } from '../../../firmware-bridge/index.ts';
import { readCaptures } from '../../../services/cli/captures-file.ts';
import { record } from '../../../services/cli/record.ts';
import { BOARDS, type BoardKind, serveBoardOnTcp } from '../../../services/twin/devices/boards/index.ts';
import { replayed } from '../../../services/twin/devices/boards/replay.ts';
import { serveModbusMeter } from '../../../services/twin/devices/modbus-meter.ts';
import { smallWorld } from '../twin/small-world.ts';
import { captured } from './captured.ts';

/** For an answer that comes; a busy machine may keep this process from reading it. */
const PATIENCE_MS = 10_000;

let dir = '';
const closers: (() => Promise<unknown>)[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'holdover-record-'));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  rmSync(dir, { recursive: true, force: true });
});

async function read(id: string, port: number) {
  const driver = driverFor(id);
  if (driver.shape === 'i2c') throw new Error('no line');
  const line = tcpTransport({ host: '127.0.0.1', port });
  const bus =
    driver.shape === 'registers'
      ? modbusRtuExchange(line, { timeoutMs: PATIENCE_MS })
      : byteExchange(line, { gapMs: 0, tries: 1, ...driver, timeoutMs: PATIENCE_MS });
  closers.push(() => bus.close());
  const device = bindDevice(driver as Driver, id, bus, { now: () => 5, mono: () => performance.now() });
  closers.push(() => device.close());
  return device.poll();
}

describe('a recording', () => {
  it.each([
    ['daly', 'exchange'],
    ['ve-direct', 'stream'],
    ['daly-modbus', 'registers'],
  ] satisfies [BoardKind, string][])('of %s (%s) makes a device that says the same', async (id, _shape) => {
    const world = smallWorld();
    const board = await serveBoardOnTcp(world, BOARDS[id].make(world), { name: id });
    closers.push(() => board.close());
    const out = join(dir, 'made.jsonl');
    const { value } = await captured(() => record(`tcp://${board.address}`, { driver: id, out, seconds: 1 }));
    expect(value).toBe(0);
    const again = await serveBoardOnTcp(world, replayed(readCaptures(out).exchanges, 9600), { name: 'again' });
    closers.push(() => again.close());
    expect(await read(id, again.port)).toEqual(await read(id, board.port));
  });

  it('is made of Modbus TCP too', async () => {
    const meter = await serveModbusMeter(smallWorld());
    closers.push(() => meter.close());
    const out = join(dir, 'meter.jsonl');
    const { value } = await captured(() =>
      record(`modbus-tcp://${meter.address}`, { driver: 'sdm230', out, seconds: 1 }),
    );
    expect(value).toBe(0);
    const [first] = readCaptures(out).exchanges;
    const result = driverFor('sdm230').decode({ profile: 'sdm230', ...first });
    expect(result).toMatchObject({ ok: true, fields: { voltageV: expect.closeTo(110, -1) } });
  });

  it.each([
    ['modbus-tcp://127.0.0.1:1', 'daly', /does not speak Modbus/],
    ['/dev/x', 'ina219', /chip on I2C/],
    ['/dev/x', 'dayl', /did you mean/],
  ])('of %s with %s is the user’s mistake', async (device, driver, words) => {
    await expect(record(device, { driver, out: join(dir, 'x.jsonl'), seconds: 1 })).rejects.toThrow(words);
  });
});
