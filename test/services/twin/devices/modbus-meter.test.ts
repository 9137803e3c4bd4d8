import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { type MeterOptions, serveModbusMeter } from '../../../../services/twin/devices/modbus-meter.ts';
import { peer } from '../../../peers.ts';
import { smallWorld } from '../small-world.ts';

const run = promisify(execFile);
const closers: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function served(world = smallWorld(), options: MeterOptions = {}) {
  const face = await serveModbusMeter(world, options);
  closers.push(() => face.close());
  return face;
}

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  closers.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** One Modbus TCP request by hand; the bytes after the header, or undefined when nothing comes. */
async function ask(socket: Socket, pdu: readonly number[], unit = 1, waitMs = 60_000): Promise<Buffer | undefined> {
  const header = Buffer.from([0, 9, 0, 0, 0, pdu.length + 1, unit]);
  const answer = new Promise<Buffer | undefined>((resolve) => {
    const timer = setTimeout(() => resolve(undefined), waitMs);
    socket.once('data', (chunk: Buffer) => {
      clearTimeout(timer);
      resolve(chunk.subarray(7));
    });
  });
  socket.write(Buffer.concat([header, Buffer.from(pdu)]));
  return answer;
}

const readInputs = (address: number, count: number): number[] => [
  4,
  address >> 8,
  address & 0xff,
  count >> 8,
  count & 0xff,
];

describe('SDM230 face', () => {
  it('holds each value as float32, high word first, at the address of the document', async () => {
    const world = smallWorld();
    world.step(10);
    const face = await served(world);
    const socket = await connected(face.port);
    const block = await ask(socket, readInputs(0, 36));
    expect(block?.[1]).toBe(72);
    const float = (address: number) => block?.readFloatBE(2 + address * 2);
    const { meter } = world;
    expect(float(0x00)).toBeCloseTo(meter.voltageV, 3);
    expect(float(0x06)).toBeCloseTo(meter.currentA, 3);
    expect(float(0x0c)).toBeCloseTo(meter.powerW, 2);
    expect(float(0x12)).toBeCloseTo(meter.apparentVa, 2);
    expect(float(0x18)).toBeCloseTo(meter.apparentVa * Math.sqrt(1 - meter.powerFactor ** 2), 2);
    expect(float(0x1e)).toBeCloseTo(0.95, 5);
    expect(float(0x02)).toBe(0);
    const line = await ask(socket, readInputs(0x46, 6));
    expect(line?.readFloatBE(2)).toBeCloseTo(60, 1);
    expect(line?.readFloatBE(6)).toBeCloseTo(meter.importWh / 1000, 3);
    expect(line?.readFloatBE(10)).toBe(0);
    expect((await ask(socket, readInputs(0x156, 2)))?.readFloatBE(2)).toBeCloseTo(meter.importWh / 1000, 3);
  });

  it('gives the exact words of the document for 230.2 V', async () => {
    const world = smallWorld();
    Object.assign(world.meter, { voltageV: 230.2 });
    const face = await served(world);
    expect((await ask(await connected(face.port), readInputs(0, 2)))?.toString('hex')).toBe('040443663333');
  });

  it('refuses odd addresses and counts, too long reads, and what is behind the table', async () => {
    const socket = await connected((await served()).port);
    for (const [address, count, code] of [
      [0, 3, 3],
      [1, 2, 3],
      [0, 1, 3],
      [0, 62, 3],
      [0x0200, 2, 2],
    ] as const) {
      expect((await ask(socket, readInputs(address, count)))?.toString('hex')).toBe(`840${code}`);
    }
    expect((await ask(socket, [0x2b, 0x0e, 1, 0, 0]))?.[0]).toBe(0xab);
    expect((await ask(socket, [0x63, 0, 0, 0, 0]))?.toString('hex')).toBe('e301');
  });

  it('shows 0 V without mains when the pack feeds it, and nothing at all when mains does', async () => {
    const world = smallWorld();
    const [kept, lost] = [await served(world), await served(world, { poweredBy: 'mains' })];
    world.setMains(false);
    expect((await ask(await connected(kept.port), readInputs(0, 2)))?.readFloatBE(2)).toBe(0);
    const socket = await connected(lost.port);
    expect(await ask(socket, readInputs(0, 2), 1, 200)).toBeUndefined();
    world.setMains(true);
    expect((await ask(socket, readInputs(0, 2)))?.readFloatBE(2)).toBeGreaterThan(100);
  });

  it('ignores other units and is silent on demand', async () => {
    const world = smallWorld();
    const face = await served(world, { unit: 7 });
    const socket = await connected(face.port);
    expect(await ask(socket, readInputs(0, 2), 1, 200)).toBeUndefined();
    expect((await ask(socket, readInputs(0, 2), 7))?.[0]).toBe(4);
    world.setFault('silent', ['meter']);
    expect(await ask(socket, readInputs(0, 2), 7, 200)).toBeUndefined();
  });

  it('vanishes when unplugged and is back at the same port', async () => {
    const face = await served();
    const socket = await connected(face.port);
    const closed = once(socket, 'close');
    await face.unplug();
    await closed;
    await expect(connected(face.port)).rejects.toThrow(/ECONNREFUSED/);
    await face.replug();
    expect((await ask(await connected(face.port), readInputs(0, 2)))?.[0]).toBe(4);
  });

  it('survives garbage', async () => {
    const face = await served();
    for (let round = 0; round < 30; round++) {
      const socket = await connected(face.port);
      socket.on('error', () => undefined);
      socket.write(Buffer.from(Array.from({ length: 300 }, (_, at) => (at * (round + 3) * 29 + (at >> 2)) & 0xff)));
      if (round % 2) socket.resetAndDestroy();
    }
    const socket = await connected(face.port);
    for (const pdu of [[4], [4, 0], [1, 0, 0, 0xff, 0xff], [15, 0, 0, 0, 8, 1, 0], [16, 0, 0, 0, 1, 2, 0, 0], [3]]) {
      await ask(socket, pdu, 1, 50);
    }
    expect((await ask(await connected(face.port), readInputs(0, 2)))?.[0]).toBe(4);
  });
});

const mbpoll = peer('mbpoll');

describe.skipIf(mbpoll.skip)(`SDM230 face, read by ${mbpoll.title}`, () => {
  it('says the same to a foreign client', async () => {
    const world = smallWorld();
    world.step(10);
    const face = await served(world);
    const arguments_ = ['-m', 'tcp', '-a', '1', '-t', '3:float', '-B', '-0', '-r', '0', '-c', '7', '-1', '-q'];
    const { stdout } = await run(mbpoll.path, [...arguments_, '-p', String(face.port), '127.0.0.1'], {
      timeout: 60_000,
    });
    const values = [...stdout.matchAll(/^\[(\d+)\]:\s+(\S+)/gm)].map((row) => [Number(row[1]), Number(row[2])]);
    const byAddress = new Map(values as [number, number][]);
    expect(byAddress.get(0)).toBeCloseTo(world.meter.voltageV, 2);
    expect(byAddress.get(6)).toBeCloseTo(world.meter.currentA, 2);
    expect(byAddress.get(12)).toBeCloseTo(world.meter.powerW, 1);
  });
});
