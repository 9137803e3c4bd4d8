import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { Driver } from '../../../../../bms/drivers/driver.ts';
import { driverFor } from '../../../../../bms/drivers/registry.ts';
import { bindDevice, type Sample } from '../../../../../bms/index.ts';
import {
  type ByteTransport,
  byteExchange,
  modbusRtuExchange,
  serialTransport,
  tcpTransport,
} from '../../../../../firmware-bridge/index.ts';
import {
  BOARDS,
  type BoardKind,
  serveBoardOnPath,
  serveBoardOnTcp,
} from '../../../../../services/twin/devices/boards/index.ts';
import type { World } from '../../../../../services/twin/model.ts';
import { openPtyPair } from '../../../../../services/twin/pty-pair.ts';
import { peer } from '../../../../peers.ts';
import { smallWorld, until } from '../../small-world.ts';

/** For an answer that comes; a busy machine may keep this process from reading it. */
const PATIENCE_MS = 10_000;

const socat = peer('socat');
const closers: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Every driver that reads an emulated board; some boards are read by two. */
const READERS: readonly (readonly [driver: string, board: BoardKind])[] = [
  ...(Object.keys(BOARDS) as BoardKind[]).map((kind) => [kind, kind] as const),
  ['jk-modbus', 'jk-pb'],
];

/** A world in the middle of an outage, so that nothing of it is 0 or full. */
function world(): World & ReturnType<typeof smallWorld> {
  const made = smallWorld();
  made.setMains(false);
  until(made, () => made.pack.socRatio < 0.75, 3600);
  return made;
}

function reader(id: string, line: ByteTransport) {
  const driver = driverFor(id);
  if (driver.shape === 'i2c') throw new Error('no line');
  const bus =
    driver.shape === 'registers'
      ? modbusRtuExchange(line, { gapMs: driver.gapMs, timeoutMs: PATIENCE_MS })
      : byteExchange(line, { gapMs: 0, tries: 1, ...driver, timeoutMs: PATIENCE_MS });
  const device = bindDevice(driver as Driver, id, bus, { now: () => Date.now(), mono: () => performance.now() });
  closers.push(() => bus.close());
  closers.push(() => device.close());
  return device;
}

/** What a driver must see of the world's pack; coarse where the protocol is. */
function expectPack(sample: Sample, { pack, mainsPresent }: World, coarseA: number, cellV = 0.0011): void {
  if (sample.kind === 'ups') {
    expect(sample.mainsPresent).toBe(mainsPresent);
    expect(sample.batteryVoltageV).toBeCloseTo(pack.voltageV, 1);
    expect(Math.abs((sample.batteryCurrentA ?? 99) - pack.currentA)).toBeLessThan(1);
    return;
  }
  if (sample.kind !== 'pack') throw new Error('no pack');
  expect(Math.abs((sample.voltageV ?? 0) - pack.voltageV)).toBeLessThan(0.06);
  if (sample.cellsV !== undefined) {
    expect(sample.cellsV.length).toBe(pack.cells);
    sample.cellsV.forEach((told, at) => {
      expect(Math.abs(told - (pack.cellsV[at] ?? 0))).toBeLessThan(cellV);
    });
  }
  if (sample.remainingAh !== undefined) expect(Math.abs(sample.remainingAh - pack.remainingAh)).toBeLessThan(0.051);
  if (sample.cycles !== undefined) expect(sample.cycles).toBe(pack.cycles);
  if (sample.chargeFetClosed !== undefined) expect(sample.chargeFetClosed).toBe(pack.chargeFetClosed);
  if (sample.dischargeFetClosed !== undefined) expect(sample.dischargeFetClosed).toBe(pack.dischargeFetClosed);
  for (const celsius of sample.temperaturesC ?? [])
    expect(Math.min(...pack.temperaturesC.map((other) => Math.abs(other - celsius)))).toBeLessThan(0.6);
  if (coarseA === 0) return;
  expect(Math.abs((sample.currentA ?? 99) - pack.currentA)).toBeLessThan(coarseA);
  expect(sample.currentA).toBeLessThan(0);
  expect(Math.abs((sample.socRatio ?? 9) - pack.socRatio)).toBeLessThan(0.011);
}

/** Modules of diyBMS know no current. */
const COARSE_A: Readonly<Record<string, number>> = { diybms: 0 };
/** Renogy tells cells to a tenth of a volt. */
const COARSE_CELL_V: Readonly<Record<string, number>> = { 'renogy-battery': 0.051 };

describe.skipIf(socat.skip)(`on a pty of ${socat.title}`, () => {
  it.each(READERS)('%s reads its emulator', async (id, kind) => {
    const made = world();
    const folder = mkdtempSync(join(tmpdir(), 'board-'));
    closers.push(() => rmSync(folder, { recursive: true, force: true }));
    const pair = await openPtyPair(folder);
    if (!pair) throw new Error('no pair of ptys');
    closers.push(() => pair.close());
    const board = await serveBoardOnPath(made, BOARDS[kind].make(made), pair.device, { name: kind });
    closers.push(() => board.close());
    const driver = driverFor(id);
    if (driver.shape === 'i2c') throw new Error('no line');
    const device = reader(id, serialTransport({ path: pair.host, line: driver.line }));
    expectPack(await device.poll(), made, COARSE_A[id] ?? 0.11, COARSE_CELL_V[id]);
  });
});

describe('over TCP', () => {
  // the ring of diyBMS takes seconds for a poll, and its line is no other
  it.each(READERS.filter(([id]) => id !== 'diybms'))('%s comes back after the cable was pulled', async (id, kind) => {
    const made = world();
    const board = await serveBoardOnTcp(made, BOARDS[kind].make(made), { name: kind });
    closers.push(() => board.close());
    const device = reader(id, tcpTransport({ host: '127.0.0.1', port: board.port }));
    expectPack(await device.poll(), made, COARSE_A[id] ?? 0.11, COARSE_CELL_V[id]);
    await board.unplug();
    if (driverFor(id).shape !== 'stream') await expect(device.poll()).rejects.toThrow();
    await board.replug();
    until(made, () => made.pack.socRatio < 0.74, 3600);
    const fresh = async (): Promise<void> => {
      const sample = await device.poll();
      expectPack(sample, made, COARSE_A[id] ?? 0.11, COARSE_CELL_V[id]);
    };
    await expect.poll(() => fresh().then(() => 'there', String), { timeout: 60_000, interval: 100 }).toBe('there');
  });
});

describe.each(Object.entries(BOARDS))('board %s', (_, { make }) => {
  it('never throws, keeps little, and says nothing to noise', () => {
    const face = make(smallWorld());
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (noise) => {
        const { rest, reply } = face.take(noise);
        expect(rest.length).toBeLessThanOrEqual(noise.length);
        // an inverter says NAK to any line
        if (reply !== undefined) expect(Buffer.from(reply).toString('latin1')).toContain('(NAK');
      }),
    );
  });
});

it('is silent when the world says so', async () => {
  const made = world();
  made.setFault('silent', ['bms']);
  const board = await serveBoardOnTcp(made, BOARDS.daly.make(made), { name: 'silent' });
  closers.push(() => board.close());
  const device = reader('daly', tcpTransport({ host: '127.0.0.1', port: board.port }));
  await expect(device.poll()).rejects.toMatchObject({ code: 'timeout' });
  made.setFault('silent', []);
  expectPack(await device.poll(), made, 0.11);
});
