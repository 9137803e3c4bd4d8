import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { acceptWrite, writeBody } from '../../../firmware-bridge/modbus-write.ts';
import { checkConfig } from '../../../services/config/load.ts';
import { configSchema } from '../../../services/config/schema.ts';
import { openSwitch } from '../../../services/poe/index.ts';
import { MapWords, readsOf } from '../../../services/poe/modbus-map.ts';
import { decodeMap } from '../../../services/poe/modbus-switch.ts';
import type { PoeSwitch } from '../../../services/shutdown/promises.ts';
import { restoresExactly } from './restoring.ts';

interface MapVector {
  readonly id: string;
  readonly map?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly registers?: Readonly<Record<string, string>>;
  readonly fc?: number;
  readonly write?: Readonly<Record<string, string>>;
  readonly expect: Readonly<Record<string, unknown>>;
}

const path = new URL('../../fixtures/poe/poe-modbus.json', import.meta.url);
const vectors: readonly MapVector[] = JSON.parse(readFileSync(path, 'utf8')).cases;
const vector = (id: string): MapVector => {
  const found = vectors.find((each) => each.id === id);
  if (found === undefined) throw new Error(`no vector ${id}`);
  return found;
};

function config(more: Record<string, unknown> = {}) {
  const [parsed] = configSchema.parse({
    switches: [{ id: 'sw1', driver: 'modbus', host: '127.0.0.1:502', ports: 3, map: {}, settle: '500ms', ...more }],
  }).switches;
  if (parsed?.driver !== 'modbus') throw new Error('no switch');
  return parsed;
}

/** The map and the registers of a vector. */
function decoded({ map = {}, registers = {} }: MapVector) {
  const plain = (quantity: Readonly<Record<string, unknown>>) => ({ ...quantity, base: Number(quantity.base) });
  const given = config({
    map: {
      ...(map.port_power === undefined ? {} : { powerW: plain(map.port_power) }),
      ...(map.total === undefined ? {} : { totalW: plain(map.total) }),
    },
  });
  const words = new MapWords();
  for (const [at, hex] of Object.entries(registers))
    words.add({ fc: 4, address: Number(at), count: 1 }, [Number.parseInt(hex, 16)]);
  return decodeMap(given, ['1', '2', '3'], words);
}

describe('a map of registers', () => {
  it('generic-watts: watts of the ports and of all', () => {
    const { ports, drawnW } = decoded(vector('generic-watts'));
    expect(ports.map(({ powerW }) => powerW)).toEqual(vector('generic-watts').expect.ports_W);
    expect(drawnW).toBe(vector('generic-watts').expect.total_W);
  });

  it('generic-sentinel: what is not there is no 0 W', () => {
    const { ports } = decoded(vector('generic-sentinel'));
    expect(ports[0]).toEqual({ port: '1', state: 'unknown' });
  });

  it.each(['antaira-port-off', 'edimax-port-off'])('%s: the write', (id) => {
    const { write = {}, expect: wanted } = vector(id);
    const [[address, value] = ['', '']] = Object.entries(write);
    const body = writeBody({
      unit: 1,
      functionCode: 6,
      address: Number(address),
      values: [Number.parseInt(value, 16)],
    });
    expect(Buffer.from(body).toString('hex')).toBe(`0106${address.slice(2)}${value}`);
    expect(String(wanted.action)).toMatch(/port 4/);
  });

  it.each([
    ['u16', ['ffff'], 65_535],
    ['s16', ['fffe'], -2],
    ['u32be', ['0001', '0002'], 65_538],
    ['u32le', ['0002', '0001'], 65_538],
    ['f32be', ['4148', '0000'], 12.5],
    ['f32le', ['0000', '4148'], 12.5],
  ] as const)('%s is read as its maker wrote it', (type, hex, value) => {
    const words = new MapWords();
    words.add(
      { fc: 4, address: 10, count: hex.length },
      hex.map((each) => Number.parseInt(each, 16)),
    );
    const { budgetW } = decodeMap(
      config({ map: { budgetW: { base: 10, type, offset: value < 0 ? 10 : 0 } } }),
      [],
      words,
    );
    expect(budgetW).toBe(value < 0 ? value + 10 : value > 10_000 ? undefined : value);
  });

  it('is read in runs, of at most 125 registers each', () => {
    const place = { fc: 4, base: 0, type: 'u16' } as const;
    expect(readsOf([{ place, stride: 1, count: 128 }])).toEqual([
      { fc: 4, address: 0, count: 125 },
      { fc: 4, address: 125, count: 3 },
    ]);
    expect(readsOf([{ place: { ...place, type: 'u32be' }, stride: 10, count: 2 }])).toEqual([
      { fc: 4, address: 0, count: 2 },
      { fc: 4, address: 10, count: 2 },
    ]);
  });

  it('must say where a switched port is read back', () => {
    const text = (map: unknown) =>
      JSON.stringify({ switches: [{ id: 's', driver: 'modbus', host: 'h:502', ports: 2, map }] });
    expect(checkConfig(text({ set: { base: 0 } }))).toMatchObject({
      ok: false,
      problems: [{ path: 'switches[0].map.set' }],
    });
    expect(checkConfig(text({ set: { base: 0 }, enabled: { base: 0 } })).ok).toBe(true);
  });
});

describe('the answer to a write', () => {
  const body = writeBody({ unit: 1, functionCode: 6, address: 3, values: [2] });
  const frame = (transaction: number, ...rest: number[]) =>
    Uint8Array.from([0, transaction, 0, 0, 0, rest.length, ...rest]);

  it('repeats the request, or is an exception', () => {
    expect(acceptWrite(frame(7, ...body), body, 7)).toMatchObject({ kind: 'take', value: {} });
    expect(acceptWrite(frame(7, 1, 0x86, 2), body, 7)).toMatchObject({ kind: 'take', value: { exception: 2 } });
    expect(acceptWrite(frame(7, 1, 6, 0, 3, 0, 1), body, 7)).toMatchObject({ kind: 'refuse', code: 'echo' });
    expect(acceptWrite(frame(6, ...body), body, 7)).toMatchObject({ kind: 'skip', length: 12 });
    expect(acceptWrite(frame(7, ...body).subarray(0, 9), body, 7)).toEqual({ kind: 'more' });
  });

  it('of several coils or registers is short', () => {
    const coils = writeBody({ unit: 1, functionCode: 15, address: 0, values: [1, 0, 1, 1, 0, 0, 1, 1, 1, 0] });
    expect(Buffer.from(coils).toString('hex')).toBe('010f0000000a02cd01');
    const registers = writeBody({ unit: 1, functionCode: 16, address: 1, values: [10, 258] });
    expect(Buffer.from(registers).toString('hex')).toBe('01100001000204000a0102');
    expect(acceptWrite(frame(7, ...registers.subarray(0, 6)), registers, 7)).toMatchObject({ kind: 'take', value: {} });
  });

  it('is never more than what came, whatever came', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const verdict = acceptWrite(bytes, body, 7);
        if (verdict.kind === 'take' || verdict.kind === 'skip')
          expect(verdict.length).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });
});

/** A switch with holding registers: 0.. state (1 on, 2 off), 100.. watts x 10. Knows functions 3, 4 and 6. */
function device(obeys = true): { server: Server; registers: Map<number, number>; written: number[][] } {
  const registers = new Map<number, number>([0, 1, 2].flatMap((at) => [[at, 1] as const, [100 + at, 52] as const]));
  const written: number[][] = [];
  const takeSeveral = (request: Buffer, address: number, amount: number): void => {
    const values = Array.from({ length: amount }, (_, at) => request.readUInt16BE(13 + 2 * at));
    written.push([address, ...values]);
    for (const [at, each] of values.entries()) registers.set(address + at, each);
  };
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (request) => {
      const [unit = 0, fc = 0] = request.subarray(6);
      const [address, value] = [request.readUInt16BE(8), request.readUInt16BE(10)];
      const answer = (...bytes: number[]) =>
        socket.write(Uint8Array.from([...request.subarray(0, 4), 0, bytes.length + 1, unit, ...bytes]));
      if (fc === 6) {
        written.push([address, value]);
        if (obeys) {
          registers.set(address, value);
          registers.set(100 + address, value === 1 ? 52 : 0);
        }
        answer(...request.subarray(7, 12));
      } else if (fc === 16) {
        takeSeveral(request, address, value);
        answer(...request.subarray(7, 12));
      } else if (!registers.has(address)) answer(fc | 0x80, 2);
      else {
        const words = Array.from({ length: value }, (_, at) => registers.get(address + at) ?? 0);
        answer(fc, 2 * value, ...words.flatMap((word) => [word >> 8, word & 0xff]));
      }
    });
  });
  return { server, registers, written };
}

describe('a switch on the wire', () => {
  const open: { server: Server; poe: PoeSwitch }[] = [];
  afterEach(async () => {
    for (const { server, poe } of open.splice(0)) {
      await poe.close();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  const map = {
    enabled: { fc: 3, base: 0, on: 1, off: 2 },
    powerW: { fc: 3, base: 100, scale: 0.1 },
    set: { fc: 6, base: 0, on: 1, off: 2 },
  };

  async function start(obeys = true, more: Record<string, unknown> = {}) {
    const fake = device(obeys);
    await new Promise<void>((resolve) => fake.server.listen(0, '127.0.0.1', resolve));
    const address = fake.server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const poe = openSwitch(config({ host: `127.0.0.1:${port}`, map, ...more }), {});
    open.push({ server: fake.server, poe });
    return { ...fake, poe };
  }

  it('is read', async () => {
    const { poe } = await start();
    const { ports, drawnW } = await poe.read();
    expect(ports).toEqual(['1', '2', '3'].map((port) => ({ port, state: 'delivering', enabled: true, powerW: 5.2 })));
    expect(drawnW).toBeCloseTo(15.6, 6);
  });

  it('is switched, port by port, and read back', async () => {
    const { poe, written } = await start();
    expect(await poe.setPorts(['2', '3', '9'], false)).toMatchObject([
      { port: '2', code: 'done' },
      { port: '3', code: 'done' },
      { port: '9', code: 'refused' },
    ]);
    expect(written).toEqual([
      [1, 2],
      [2, 2],
    ]);
    expect((await poe.read()).ports.map(({ state }) => state)).toEqual(['delivering', 'disabled', 'disabled']);
    expect(await poe.setPorts(['2'], true)).toMatchObject([{ code: 'done' }]);
  });

  it('is switched with one write where its function takes several and ports lie side by side', async () => {
    const { poe, written, registers } = await start(true, {
      ports: 3,
      map: { enabled: { base: 0, on: 1, off: 2 }, set: { fc: 16, base: 0, on: 1, off: 2 } },
    });
    expect((await poe.setPorts(['3', '2'], false)).map(({ code }) => code)).toEqual(['done', 'done']);
    expect(written).toEqual([[1, 2, 2]]);
    await poe.setPorts(['2', '3'], true);
    expect((await poe.setPorts(['3', '1'], false)).map(({ code }) => code)).toEqual(['done', 'done']);
    expect(written.slice(2)).toEqual([
      [0, 2],
      [2, 2],
    ]);
    expect(registers.get(1)).toBe(1);
  });

  it('leaves everything as it was, whatever is cut and powered again', async () => {
    const { poe, registers } = await start();
    registers.set(1, 2).set(101, 0);
    await restoresExactly(poe, ['1', '2', '3'], () => [...registers]);
  });

  it('that says yes and does nothing is found out', async () => {
    const { poe } = await start(false);
    expect(await poe.setPorts(['1'], false)).toMatchObject([{ code: 'disobeyed' }]);
  });

  it('generic-exception-2: a map that does not fit is told, and is no 0 W', async () => {
    const { poe } = await start(true, { map: { powerW: { base: 0x5000 } } });
    await expect(poe.read()).rejects.toThrow(/exception 2, the device has no such register/);
  });

  it('without a way to switch is left alone', async () => {
    const { poe, written } = await start(true, { map: { enabled: map.enabled } });
    expect(await poe.setPorts(['1'], false)).toMatchObject([
      { code: 'refused', detail: expect.stringContaining('set:') },
    ]);
    expect(written).toEqual([]);
  });
});
