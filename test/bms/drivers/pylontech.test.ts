import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bindDevice } from '../../../bms/bind.ts';
import type { Fields } from '../../../bms/drivers/driver.ts';
import { pylontech } from '../../../bms/drivers/pylontech.ts';
import { asciiFrame, frameSpans, parseAsciiFrame } from '../../../bms/drivers/pylontech-frame.ts';
import { BridgeError, type ByteExchange } from '../../../firmware-bridge/index.ts';
import { readVectors, recorded } from './vectors.ts';

const vectors = readVectors('pylontech');

function exchange(name: string) {
  const vector = vectors.find((known) => known.name === name);
  if (vector === undefined) throw new Error(`no vector ${name}`);
  return recorded(vector);
}

function fields(name: string): Fields {
  const result = pylontech.decode(exchange(name));
  if (!result.ok) throw new Error(result.error.message);
  return result.fields;
}

function answer(name: string): Uint8Array {
  return exchange(name).response ?? new Uint8Array();
}

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('latin1');
const bytes = (ascii: string): Uint8Array => Uint8Array.from(Buffer.from(ascii, 'latin1'));

describe('the ASCII frame', () => {
  it('is written as the document prints it', () => {
    expect(text(asciiFrame(0x20, 2, 0x42, [2]))).toBe('~20024642E00202FD33\r');
    expect(text(asciiFrame(0x20, 2, 0x4f))).toBe('~2002464F0000FD98\r');
  });

  it('reads back what it wrote, in either case of its digits', () => {
    const byte = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(byte, byte, byte, fc.uint8Array({ maxLength: 300 }), (ver, address, cid2, info) => {
        const frame = asciiFrame(ver, address, cid2, [...info]);
        expect(parseAsciiFrame(frame)).toEqual({ ver, address, cid1: 0x46, cid2, info });
      }),
    );
    const lower = '~20024642e00202';
    let sum = 0;
    for (const character of lower.slice(1)) sum += character.charCodeAt(0);
    expect(parseAsciiFrame(bytes(`${lower}${(0x10000 - sum).toString(16)}\r`))).toMatchObject({ cid2: 0x42 });
  });

  it('begins anew at every ~, and never keeps more than a frame can be long', () => {
    expect(frameSpans(bytes('~20~2002\r~1'))).toEqual([
      { start: 3, end: 9 },
      { start: 9, end: undefined },
    ]);
    expect(frameSpans(bytes(`~${'0'.repeat(5000)}`))).toEqual([]);
  });
});

describe('Pylontech framing', () => {
  const [analog] = pylontech.reads;
  const accept = analog?.accept ?? (() => ({ kind: 'more' as const }));

  it('asks the master for the whole string', () => {
    expect(pylontech.reads.map(({ request }) => text(request))).toEqual([
      '~20024642E002FFFD09\r',
      '~20024644E002FFFD07\r',
      '~20024692E00202FD2E\r',
      '~200246470000FDA7\r',
      '~200246510000FDAC\r',
      '~20024693E00202FD2D\r',
      '~20024696E00202FD2A\r',
    ]);
  });

  it('does not take a late answer to another question: nothing but the shape tells them apart', () => {
    const late = answer('up2500_management');
    expect(accept(late)).toMatchObject({ kind: 'skip', length: late.length });
    const own = answer('us2000_three_modules');
    expect(accept(Uint8Array.from([...late, ...own]))).toMatchObject({ kind: 'skip', length: late.length });
    expect(accept(own)).toMatchObject({ kind: 'take', length: own.length });
  });

  it('does not take the answer of another address', () => {
    const other = asciiFrame(0x20, 3, 0, [0x11, 0]);
    expect(accept(other)).toMatchObject({ kind: 'skip' });
    expect(pylontech.decode({ request: analog?.request ?? new Uint8Array(), response: other })).toMatchObject({
      error: { code: 'wrong_address' },
    });
  });

  it('says what a return code means, and that asking again is useless unless the request was damaged', () => {
    expect(accept(answer('rtn_04_cid2_invalid'))).toMatchObject({ kind: 'refuse', code: 'rtn', retryable: false });
    expect(accept(answer('rtn_02_chksum_error'))).toMatchObject({ kind: 'refuse', code: 'rtn', retryable: true });
  });

  it('refuses a table whose counters do not fit, and takes an echo for silence', () => {
    const request = analog?.request ?? new Uint8Array();
    const short = asciiFrame(0x20, 2, 0, [0x11, 1, 15, 0x0c]);
    expect(pylontech.decode({ request, response: short })).toMatchObject({ error: { code: 'short_payload' } });
    expect(pylontech.decode({ request, response: request })).toMatchObject({ error: { code: 'timeout' } });
  });
});

describe('a Pylontech sample', () => {
  it('is the whole string: currents and charges add up, cells are those of the weakest module', () => {
    const sample = pylontech.sample(fields('us2000_three_modules'), 7);
    expect(sample).toMatchObject({
      kind: 'pack',
      measuredAtMs: 7,
      currentA: -7.8,
      remainingAh: 100.5,
      fullAh: 150,
      socRatio: 0.67,
      cycles: 31,
    });
    expect(sample.voltageV).toBeCloseTo(49.523, 3);
    expect(sample.powerW).toBeCloseTo(-386.2778, 6);
    expect(sample.cellsV).toHaveLength(15);
    expect(Math.min(...(sample.cellsV ?? []))).toBe(3.297);
    expect(sample.temperaturesC).toHaveLength(15);
  });

  it('adds the modules that have three-byte charges', () => {
    expect(pylontech.sample(fields('mixed_us3000_us2000'), 1)).toMatchObject({ remainingAh: 57.06, fullAh: 124 });
  });

  it('is a single battery where only one answers', () => {
    const sample = pylontech.sample({ ...fields('up2500_single_8_cells'), ...fields('up2500_management') }, 1);
    expect(sample).toMatchObject({ voltageV: 26.638, currentA: -0.6, fullAh: 111, alarms: [] });
    expect(sample.cellsV).toHaveLength(8);
  });

  it('says when the battery wants to switch off, before it does', () => {
    const told = { ...fields('up2500_single_8_cells'), ...fields('up2500_management') };
    expect(pylontech.sample({ ...told, dischargeEnable: false, chargeImmediately1: true }, 1).alarms).toEqual([
      { code: 'vendor', level: 'warning', detail: 'discharging is not allowed' },
      { code: 'vendor', level: 'warning', detail: 'wants to be charged' },
    ]);
  });

  it('has the trips of every module as alarms, and closed switches only where all are closed', () => {
    const request = pylontech.reads[1]?.request ?? new Uint8Array();
    const table = (trips: number, switches: number) => [2, 0, 0, 1, 0, 0, 0, 0, trips, switches, 0, 0, 0];
    const response = asciiFrame(0x20, 2, 0, [0, 2, ...table(0, 6), ...table(0x80, 2)]);
    const result = pylontech.decode({ request, response });
    if (!result.ok) throw new Error(result.error.message);
    const sample = pylontech.sample({ ...fields('us2000_three_modules'), ...result.fields }, 1);
    expect(sample).toMatchObject({
      chargeFetClosed: true,
      dischargeFetClosed: false,
      alarms: [{ code: 'pack-undervoltage', level: 'protection', detail: 'module 2' }],
    });
  });
});

describe('an answer with fewer modules than it announces', () => {
  it('is refused, and so is one with more, or with none', () => {
    const request = pylontech.reads[0]?.request ?? new Uint8Array();
    const { info } = parseAsciiFrame(answer('us2000_three_modules')) as { info: Uint8Array };
    const announcing = (count: number) =>
      pylontech.decode({ request, response: asciiFrame(0x20, 2, 0, [info[0] ?? 0, count, ...info.subarray(2)]) });
    expect(announcing(3)).toMatchObject({ ok: true, fields: { moduleCount: 3 } });
    for (const count of [0, 2, 4]) expect(announcing(count)).toMatchObject({ error: { code: 'short_payload' } });
  });
});

describe('the codes of a Pylontech alarm table', () => {
  const request = pylontech.reads[1]?.request ?? new Uint8Array();
  const alarmsOf = (...table: number[]) => {
    const result = pylontech.decode({ request, response: asciiFrame(0x20, 2, 0, [0, 1, ...table]) });
    if (!result.ok) throw new Error(result.error.message);
    return pylontech.sample(result.fields, 1).alarms;
  };
  const table = (changed: Record<number, number>) => {
    // Two cells, two sensors, charge current, voltage, discharge current, five bytes of status.
    const quiet = [2, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    return quiet.map((value, at) => changed[at] ?? value);
  };
  const warning = (code: string, detail?: string) => [{ code, level: 'warning', ...(detail && { detail }) }];

  it.each([
    ['a cell', { 2: 1 }, warning('cell-undervoltage')],
    ['a cell', { 1: 2 }, warning('cell-overvoltage')],
    ['a cell', { 2: 0xf0 }, warning('vendor', 'cell 2 has code F0')],
    ['a sensor', { 4: 1 }, warning('charge-undertemperature')],
    ['a sensor', { 5: 2 }, warning('charge-overtemperature')],
    ['a sensor of a module that discharges', { 5: 2, 11: 0x40 }, warning('discharge-overtemperature')],
    ['a sensor', { 5: 0xf0 }, warning('vendor', 'sensor 2 has code F0')],
    ['the current of a charge', { 6: 2 }, warning('charge-overcurrent')],
    ['the current of a charge', { 6: 1 }, warning('vendor', 'charge current has code 1')],
    ['the voltage', { 7: 1 }, warning('pack-undervoltage')],
    ['the voltage', { 7: 2 }, warning('pack-overvoltage')],
    ['the current of a discharge', { 8: 2 }, warning('discharge-overcurrent')],
    ['the current of a discharge', { 8: 1 }, warning('discharge-overcurrent')],
    ['cells that cannot be', { 12: 0x04, 13: 0x01 }, warning('sensor-fault', 'cell 3, 9 above 4.2 V or below 1 V')],
    ['nothing', {}, []],
  ])('warn of %s: %o', (_, changed, expected) => {
    expect(alarmsOf(...table(changed))).toEqual(expected);
  });
});

describe('a string that refuses the alarm table of all', () => {
  it('is read all the same', async () => {
    const told = new Map([
      ['~20024642E002FFFD09\r', answer('us2000_three_modules')],
      ['~20024692E00202FD2E\r', answer('up2500_management')],
    ]);
    const asked: string[] = [];
    const bus: ByteExchange = {
      name: 'bus',
      stats: { requests: 0, answers: 0, timeouts: 0, refusals: 0, strayBytes: 0, reconnects: 0 },
      async request({ bytes: request, accept }) {
        asked.push(text(request));
        const verdict = accept(told.get(text(request)) ?? answer('rtn_04_cid2_invalid'));
        if (verdict.kind === 'take') return verdict.value;
        throw new BridgeError('refused', 'bus', 'refused', { reason: 'rtn', retryable: false });
      },
      listen: () => () => {},
      async close() {},
    };
    const device = bindDevice(pylontech, 'string', bus, { now: () => 5, mono: () => 0 });
    expect(await device.poll()).toMatchObject({ measuredAtMs: 5, currentA: -7.8, alarms: [] });
    await device.poll();
    expect(asked.filter((request) => request === '~20024644E002FFFD07\r')).toHaveLength(1);
    await device.close();
  });
});
