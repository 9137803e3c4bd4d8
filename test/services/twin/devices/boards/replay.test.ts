import { afterEach, describe, expect, it } from 'vitest';
import { driverFor } from '../../../../../bms/drivers/registry.ts';
import { bindDevice } from '../../../../../bms/index.ts';
import { byteExchange, modbusRtuExchange, tcpTransport } from '../../../../../firmware-bridge/index.ts';
import { readCaptures } from '../../../../../services/cli/captures-file.ts';
import { sealed } from '../../../../../services/twin/devices/boards/modbus-words.ts';
import { type CapturedExchange, replayed } from '../../../../../services/twin/devices/boards/replay.ts';
import { serveBoardOnTcp } from '../../../../../services/twin/devices/boards/serve.ts';
import { smallWorld } from '../../small-world.ts';

/** For an answer that comes; a busy machine may keep this process from reading it. */
const PATIENCE_MS = 10_000;

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const shown = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');
const fixture = (file: string): string => new URL(`../../../../fixtures/bms/${file}.json`, import.meta.url).pathname;

async function polled(id: string, file: string, protocol: string, unit?: number) {
  const { exchanges } = readCaptures(fixture(file), protocol);
  const board = await serveBoardOnTcp(smallWorld(), replayed(exchanges, 9600), { name: id });
  closers.push(() => board.close());
  const driver = driverFor(id);
  if (driver.shape === 'i2c') throw new Error('no line');
  const line = tcpTransport({ host: '127.0.0.1', port: board.port });
  const bus =
    driver.shape === 'registers'
      ? modbusRtuExchange(line, { timeoutMs: PATIENCE_MS })
      : byteExchange(line, { gapMs: 0, tries: 1, ...driver, timeoutMs: PATIENCE_MS });
  closers.push(() => bus.close());
  const options = { now: () => 5, mono: () => performance.now(), ...(unit === undefined ? {} : { unit }) };
  const device = bindDevice(driver, id, bus, options);
  closers.push(() => device.close());
  return device.poll();
}

describe('a device made of captures', () => {
  it.each([
    ['eg4-ll', 'modbus-battery', 'eg4-ll', { kind: 'pack' }],
    ['renogy-rover', 'renogy', 'renogy-rover', { kind: 'pack' }],
    ['renogy-battery', 'renogy', 'renogy-battery', { kind: 'pack' }],
    ['pylontech-rt', 'modbus-battery', 'pylontech-rt', { kind: 'pack' }],
    ['growatt-hybrid', 'growatt', 'growatt-hybrid', { kind: 'pack' }],
    ['pace-modbus', 'pace', 'pace-modbus', { kind: 'pack' }],
    ['jk', 'jk', 'jk-4e57', { kind: 'pack', cellsV: expect.any(Array) }],
    ['daly-modbus', 'daly', 'daly-modbus-d2', { kind: 'pack', cellsV: expect.any(Array) }],
    ['voltronic', 'voltronic', 'voltronic-pi30', { kind: 'ups', mainsPresent: expect.any(Boolean) }],
  ])('is read by %s', async (id, file, protocol, said) => {
    expect(await polled(id, file, protocol)).toMatchObject(said);
  });

  it('speaks where nobody was asked', async () => {
    const { exchanges } = readCaptures(fixture('ve-direct'));
    const talk = exchanges.filter(({ request }) => request === undefined);
    expect(talk.length).toBeGreaterThan(3);
    const face = replayed(talk, 19_200);
    expect([face.speaks?.(), face.speaks?.()].map(shown)).toEqual(
      talk.slice(0, 2).map(({ response }) => shown(response)),
    );
  });
});

describe('registers of captures', () => {
  const read = (unit: number, fc: number, first: number, count: number) => sealed(unit, fc, 0, first, 0, count);
  const captured: CapturedExchange[] = [
    { request: read(1, 3, 0, 3), response: sealed(1, 3, 6, 0, 10, 0, 11, 0, 12) },
    { request: hex('dd a5 03 00 ff fd 77'), response: hex('01') },
    { request: hex('dd a5 03 00 ff fd 77'), response: hex('02') },
  ];
  const face = () => replayed(captured, 9600);

  it('are told in any cut, and an exception where nothing was captured', () => {
    expect(shown(face().take(read(1, 3, 1, 2)).reply)).toBe(shown(sealed(1, 3, 4, 0, 11, 0, 12)));
    expect(shown(face().take(read(1, 3, 2, 2)).reply)).toBe(shown(sealed(1, 0x83, 2)));
    expect(face().take(read(2, 3, 1, 2)).reply).toBeUndefined();
    expect(face().take(read(1, 6, 0, 1)).reply).toBeUndefined();
  });

  it('takes answers of one request in turn, behind noise and in pieces', () => {
    const one = face();
    const ask = hex('dd a5 03 00 ff fd 77');
    expect(one.take(ask.subarray(0, 4)).reply).toBeUndefined();
    expect([one.take(ask).reply, one.take(Uint8Array.of(9, 9, ...ask)).reply, one.take(ask).reply].map(shown)).toEqual([
      '01',
      '02',
      '01',
    ]);
  });
});
