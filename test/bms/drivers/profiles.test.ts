import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { builtInProfiles, loadProfiles, ProfileError, parseProfile } from '../../../bms/drivers/load-profiles.ts';
import { mergeBlocks } from '../../../bms/drivers/modbus-blocks.ts';
import type { RegisterValue } from '../../../bms/drivers/modbus-values.ts';
import { driverFor, driverIds } from '../../../bms/drivers/registry.ts';
import { crc16Modbus, hexToBytes } from '../../../firmware-bridge/index.ts';

const HEAD = `
profile: test-pack
title: Test
note: protocols/none.md
measures: pack
transport: { baud: 9600 }
`;

function profile(registers: string, more = '') {
  return parseProfile(`${HEAD}\n${more}\nregisters:\n${registers}`, 'test.yaml');
}

/** Decodes words read from address 0 on. */
function read(registers: string, words: readonly number[], more = '') {
  const driver = profile(registers, more);
  const body = [1, 3, words.length * 2, ...words.flatMap((word) => [word >>> 8, word & 255])];
  const request = [1, 3, 0, 0, 0, words.length];
  const result = driver.decode({ request: closed(request), response: closed(body) });
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  const { unit, ...fields } = result.fields;
  expect(unit).toBe(1);
  return fields;
}

function closed(bytes: readonly number[]): Uint8Array {
  const crc = crc16Modbus(Uint8Array.from(bytes));
  return Uint8Array.from([...bytes, crc & 255, crc >>> 8]);
}

function problem(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    if (error instanceof ProfileError) return error.message;
    throw error;
  }
  return 'no error';
}

describe('values of a profile', () => {
  it('reads every type and order', () => {
    const words = [0x1234, 0xfffe, 0x0001, 0x86a0, 0x86a0, 0x0001, 0xa086, 0x0100, 0x4366, 0x3334, 0x4142, 0x4300];
    expect(
      read(
        `
  u16: { addr: 0 }
  s16: { addr: 1, type: s16 }
  swapped: { addr: 0, order: byte_swap }
  high: { addr: 2, type: u32 }
  low: { addr: 4, type: u32, order: low_first }
  little: { addr: 6, type: s32, order: little }
  f32: { addr: 8, type: f32 }
  text: { addr: 10, type: str2 }
  firstByte: { addr: 1, type: s8 }
  secondByte: { addr: 0, type: u8, byte: low }
`,
        words,
      ),
    ).toEqual({
      u16: 0x1234,
      s16: -2,
      swapped: 0x3412,
      high: 100000,
      low: 100000,
      little: 100000,
      f32: 230.2,
      text: 'ABC',
      firstByte: -1,
      secondByte: 0x34,
    });
  });

  it('scales, offsets, and knows what is not available or not plausible', () => {
    expect(
      read(
        `
  a: { addr: 0, scale: 0.1, offset: -273.1 }
  b: { addr: 1, na: [0xFFFF] }
  c: { addr: 2, scale: 0.01, max: 1 }
  d: { addr: 3, type: f32 }
`,
        [2954, 0xffff, 101, 0x7fc0, 0],
      ),
    ).toEqual({ a: 22.3, b: null, c: null, d: null });
  });

  it('reads bits, words for numbers, masks and switches', () => {
    expect(
      read(
        `
  names: { addr: 0, bits: { 0: cell-overvoltage, 15: wrong_voltage } }
  cells: { addr: 0, bits: numbers }
  state: { addr: 1, mask: 0xF0, shift: 4, enum: { 1: over, 2: under } }
  other: { addr: 1, mask: 0x0F, enum: { 1: over } }
  closed: { addr: 2, bit: 3, invert: true }
  open: { addr: 2, bit: 2 }
`,
        [0x8003, 0x0027, 0x0008],
      ),
    ).toEqual({
      names: ['cell-overvoltage', 'bit_1', 'wrong_voltage'],
      cells: [1, 2, 16],
      state: 'under',
      other: 'unknown_7',
      closed: false,
      open: false,
    });
  });

  it('reads bytes of sign and magnitude', () => {
    expect(
      read('  cold: { addr: 0, type: sm8, byte: high }\n  warm: { addr: 0, type: sm8, byte: low }', [0x8716]),
    ).toEqual({
      cold: -7,
      warm: 22,
    });
  });

  it('names parts of a status word before its bits, and says nothing of a part that is 0', () => {
    const registers = `
  status:
    addr: 0
    mask: 0x8100
    parts: [{ mask: 0x0F, names: { 2: low } }, { mask: 0xF0, names: { 1: hot } }]
    bits: { 8: resistance }
`;
    expect(read(registers, [0x8012])).toEqual({ status: ['low', 'hot', 'bit_15'] });
    expect(read(registers, [0x0130])).toEqual({ status: ['unknown_3', 'resistance'] });
    expect(read(registers, [0])).toEqual({ status: [] });
  });

  it('names the values of a list that equal a number', () => {
    const registers = '  alarms: { addr: 0, count: 3, namesOf: { equals: 2, names: [low, high] } }';
    expect(read(registers, [2, 1, 2])).toEqual({ alarms: ['low', 'number_3'] });
  });

  it('reads coils and discrete inputs, the first one lowest', () => {
    const driver = profile(
      '  cells: { fc: 1, addr: 8, type: b16, bits: numbers }\n  on: { fc: 2, addr: 0, type: b8, bit: 1 }',
    );
    const coils = driver.decode({ request: closed([1, 1, 0, 8, 0, 16]), response: closed([1, 1, 2, 0x04, 0x80]) });
    expect(coils).toEqual({ ok: true, fields: { unit: 1, cells: [3, 16] } });
    const inputs = driver.decode({ request: closed([1, 2, 0, 0, 0, 8]), response: closed([1, 2, 1, 0x02]) });
    expect(inputs).toEqual({ ok: true, fields: { unit: 1, on: true } });
    expect(driver.reads.map(({ read: { table, count } }) => [table, count])).toEqual([
      ['coil', 16],
      ['discrete', 8],
    ]);
    const short = driver.decode({ request: closed([1, 1, 0, 8, 0, 16]), response: closed([1, 1, 1, 0x04]) });
    expect(short).toMatchObject({ error: { code: 'wrong_length' } });
  });

  it('decodes tables that are not polled, of their unit only', () => {
    const more = `
says: { service: pack }
unpolled: { system: { unit: 1, says: { service: system }, registers: { voltageV: { addr: 5 } } }, other: { unit: 2, registers: { voltageV: { addr: 6 } } } }
`;
    const driver = profile('  voltageV: { addr: 0 }', more);
    expect(driver.reads.map(({ read: { address } }) => address)).toEqual([0]);
    const ask = (address: number) =>
      driver.decode({ request: closed([1, 3, 0, address, 0, 1]), response: closed([1, 3, 2, 0, 7]) });
    expect(ask(0)).toEqual({ ok: true, fields: { unit: 1, service: 'pack', voltageV: 7 } });
    expect(ask(5)).toEqual({ ok: true, fields: { unit: 1, service: 'system', voltageV: 7 } });
    expect(ask(6)).toEqual({ ok: true, fields: { unit: 1 } });
  });

  it('puts lists together, adds lists up, and says whether a word is one of some', () => {
    const registers = `
  a: { addr: 0, bits: { 0: one } }
  b: { addr: 1, bits: { 0: two } }
  phasesW: { addr: 2, type: s16, count: 2 }
  input: { addr: 4, enum: { 1: grid } }
`;
    const more = 'computed: { all: { concat: [a, b] }, gridW: { sum: [phasesW] }, mains: { oneOf: [input, [grid]] } }';
    expect(read(registers, [1, 1, 0xffff, 4, 1], more)).toMatchObject({ all: ['one', 'two'], gridW: 3, mains: true });
    expect(read(registers, [1, 1, 0, 4, 0], more)).toMatchObject({ mains: false });
    expect(read(registers, [1], more)).toEqual({ a: ['one'] });
  });

  it('reads lists, as long as the device says', () => {
    const registers = `
  cellsV: { addr: 1, scale: 0.001, count: 3, countFrom: cellCount }
  cellCount: { addr: 0 }
  tempsC: { addr: 4, type: s8, count: 3, na: [-56] }
`;
    expect(read(registers, [2, 3310, 3313, 0, 0x11c8, 0x0500])).toEqual({
      cellsV: [3.31, 3.313],
      cellCount: 2,
      tempsC: [17, null, 5],
    });
  });

  it('computes what the device does not tell, and only from what is there', () => {
    const registers = `
  remainingAh: { addr: 0, scale: 0.1 }
  fullAh: { addr: 1, scale: 0.1 }
`;
    const more = 'computed: { socRatio: { ratio: [remainingAh, fullAh] }, bothAh: { sum: [remainingAh, fullAh] } }';
    expect(read(registers, [500, 1000], more)).toEqual({ remainingAh: 50, fullAh: 100, socRatio: 0.5, bothAh: 150 });
    expect(read(registers, [500], more)).toEqual({ remainingAh: 50 });
    expect(read(registers, [500, 0], more)).not.toHaveProperty('socRatio');
  });

  it('decodes only values that are whole inside the read', () => {
    expect(read('  a: { addr: 0 }\n  long: { addr: 1, type: u32 }', [7, 8])).toEqual({ a: 7 });
  });
});

describe('a sample of a profile', () => {
  it('has the vendor’s names as alarms of ours where the profile says which they are', () => {
    const driver = profile(
      '  trips: { addr: 0, bits: { 0: low_cell, 1: strange }, level: warning }',
      'alarmCodes: { low_cell: cell-undervoltage }',
    );
    expect(driver.sample({ trips: ['low_cell', 'strange'] }, 5)).toMatchObject({
      alarms: [
        { code: 'cell-undervoltage', level: 'warning' },
        { code: 'vendor', level: 'warning', detail: 'strange' },
      ],
    });
  });

  it('takes, renames and leaves out as the profile says, and has alarms of its bits', () => {
    const driver = profile(
      `
  voltageV: { addr: 0 }
  powerW: { addr: 1 }
  low: { addr: 2 }
  high: { addr: 3 }
  trips: { addr: 4, bits: { 0: cell-overvoltage, 1: strange }, level: protection }
`,
      'sample: { powerW: omit, temperaturesC: [low, high], mosfetTempC: high }',
    );
    const told = { voltageV: 26, powerW: 63, low: 15, high: 16, trips: ['cell-overvoltage', 'strange'] };
    expect(driver.sample(told, 5)).toEqual({
      kind: 'pack',
      measuredAtMs: 5,
      voltageV: 26,
      temperaturesC: [15, 16],
      mosfetTemperatureC: 16,
      alarms: [
        { code: 'cell-overvoltage', level: 'protection' },
        { code: 'vendor', level: 'protection', detail: 'strange' },
      ],
    });
  });

  it('cuts a list to a count that came in another read', () => {
    const driver = profile('  cellsV: { addr: 50, count: 4, countFrom: cellCount }\n  cellCount: { addr: 0 }');
    expect(driver.sample({ cellsV: [3, 3, 0, 0], cellCount: 2 }, 1)).toMatchObject({ cellsV: [3, 3] });
  });

  it('of a meter has magnitudes for current and power factor', () => {
    const meter = parseProfile(
      `${HEAD.replace('measures: pack', 'measures: meter')}\nregisters: { voltageV: { addr: 0 } }`,
      'm.yaml',
    );
    expect(meter.sample({ voltageV: 118.7, currentA: -2, powerFactor: -0.97, powerW: -230 }, 1)).toEqual({
      kind: 'meter',
      measuredAtMs: 1,
      voltageV: 118.7,
      currentA: 2,
      powerFactor: 0.97,
      powerW: -230,
    });
  });
});

describe('built-in profiles', () => {
  function decodeBlock(id: string, address: number, words: readonly number[]) {
    const driver = driverFor(id);
    if (driver.shape !== 'registers') throw new Error(`${id} has no registers`);
    const block = driver.reads.find(({ read: { address: at } }) => at === address);
    const result = block?.decode(Uint16Array.from(words));
    if (!result?.ok) throw new Error(`${id} has no good block at ${address}`);
    return { fields: result.fields, sample: driver.sample(result.fields, 1) };
  }
  const f32 = (number: number): number[] => {
    const view = new DataView(new ArrayBuffer(4));
    view.setFloat32(0, number);
    return [view.getUint16(0), view.getUint16(2)];
  };

  it('sdm230 counts energy in Wh', () => {
    const { sample } = decodeBlock('sdm230', 0x46, [...f32(59.98), ...f32(1234.567), ...f32(0.25)]);
    expect(sample).toEqual({ kind: 'meter', measuredAtMs: 1, frequencyHz: 59.98, importWh: 1234567, exportWh: 250 });
  });

  it('pylontech-rt takes no power without a sign into a sample, and both extremes of temperature', () => {
    const words = [1324, 0xffd0, 3312, 3311, 160, 150, 91, 99, 63, 0, 2960, 1000, 1000];
    const { fields, sample } = decodeBlock('pylontech-rt', 0x1016, words);
    expect(fields).toMatchObject({ powerW: 63, currentA: -4.8 });
    expect(sample).toEqual({
      kind: 'pack',
      measuredAtMs: 1,
      voltageV: 13.24,
      currentA: -4.8,
      socRatio: 0.91,
      sohRatio: 0.99,
      ratedAh: 100,
      temperaturesC: [15, 16],
    });
  });

  it('eg4-ll has no temperature of inputs without a sensor and no capacity of 0', () => {
    const words = Array(39).fill(0);
    Object.assign(words, { 0: 1324, 2: 3310, 3: 3313, 18: 17, 24: 48, 33: 0x11c8, 36: 2, 38: 0b10 });
    const { sample } = decodeBlock('eg4-ll', 0, words);
    expect(sample).toEqual({
      kind: 'pack',
      measuredAtMs: 1,
      voltageV: 13.24,
      currentA: 0,
      socRatio: 0.48,
      sohRatio: 0,
      cycles: 0,
      cellsV: [3.31, 3.313],
      balancingCells: [2],
      mosfetTemperatureC: 17,
    });
  });

  it('heltec-modbus turns the current round and reads what is switched off as open', () => {
    expect(decodeBlock('heltec-modbus', 75, [0x1802, 0xaad7, 0, 0xd204, 0]).sample).toMatchObject({
      voltageV: 55.21,
      currentA: -12.34,
    });
    expect(decodeBlock('heltec-modbus', 152, [0, 0x0010]).sample).toMatchObject({
      chargeFetClosed: false,
      dischargeFetClosed: true,
    });
    expect(decodeBlock('heltec-modbus', 156, [0x0300, 0x0100]).sample).toMatchObject({
      alarms: [
        { code: 'cell-overvoltage', level: 'protection' },
        { code: 'cell-undervoltage', level: 'protection' },
        { code: 'vendor', level: 'protection', detail: 'bit_16' },
      ],
    });
  });
});

describe('reads of a profile', () => {
  const value = (name: string, address: number, span = 1, more: Partial<RegisterValue> = {}): RegisterValue => ({
    name,
    fc: 3,
    address,
    span,
    cadence: 'fast',
    optional: false,
    read: () => undefined,
    ...more,
  });
  const shape = (values: readonly RegisterValue[], maxRegisters = 60, mergeGap = 0) =>
    mergeBlocks(values, { maxRegisters, mergeGap }).map(({ address, count }) => [address, count]);

  it('merge neighbours, in whatever order they are written', () => {
    expect(shape([value('b', 1), value('a', 0), value('c', 2, 2)])).toEqual([[0, 4]]);
  });

  it('bridge no hole unless they may', () => {
    expect(shape([value('a', 0), value('b', 3)])).toEqual([
      [0, 1],
      [3, 1],
    ]);
    expect(shape([value('a', 0), value('b', 3)], 60, 2)).toEqual([[0, 4]]);
  });

  it('keep functions, cadences and optional values apart', () => {
    const blocks = mergeBlocks(
      [
        value('a', 0),
        value('b', 1, 1, { fc: 4 }),
        value('c', 2, 1, { cadence: 'slow' }),
        value('d', 3, 1, { optional: true }),
        value('e', 4, 1, { optional: true }),
      ],
      { maxRegisters: 60, mergeGap: 10 },
    );
    expect(blocks.map(({ values }) => values.map(({ name }) => name).join())).toEqual(['a', 'b', 'd', 'e', 'c']);
  });

  it('keep an optional value apart from another one of the same register', () => {
    const blocks = mergeBlocks([value('a', 0), value('b', 0, 1, { optional: true })], { maxRegisters: 9, mergeGap: 0 });
    expect(blocks.map(({ optional, values }) => [optional, values.length])).toEqual([
      [false, 1],
      [true, 1],
    ]);
  });

  it('never split a value, never exceed the limit, and read everything', () => {
    const any = fc.record({ address: fc.nat(300), span: fc.integer({ min: 1, max: 4 }), fast: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(any, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 4, max: 30 }),
        fc.nat(8),
        (list, maxRegisters, mergeGap) => {
          const values = list.map(({ address, span, fast }, at) =>
            value(`v${at}`, address, span, { cadence: fast ? 'fast' : 'slow' }),
          );
          const blocks = mergeBlocks(values, { maxRegisters, mergeGap });
          for (const block of blocks) {
            expect(block.count).toBeLessThanOrEqual(maxRegisters);
            for (const inside of block.values) {
              expect(inside.address).toBeGreaterThanOrEqual(block.address);
              expect(inside.address + inside.span).toBeLessThanOrEqual(block.address + block.count);
            }
          }
          expect(blocks.flatMap((block) => block.values.map(({ name }) => name)).sort()).toEqual(
            values.map(({ name }) => name).sort(),
          );
        },
      ),
    );
  });
});

describe('recorded Modbus exchanges', () => {
  const driver = profile('  voltageV: { addr: 0, scale: 0.01 }\n  currentA: { addr: 1, type: s16 }');
  const request = closed([1, 3, 0, 0, 0, 1]);

  it.each([
    ['another unit', request, closed([2, 3, 2, 0, 1]), 'wrong_unit'],
    ['another function', request, closed([1, 4, 2, 0, 1]), 'wrong_function'],
    ['another length', request, closed([1, 3, 4, 0, 1, 0, 2]), 'wrong_length'],
    ['coils', closed([1, 1, 0, 0, 0, 8]), closed([1, 1, 1, 0xff]), 'wrong_function'],
    ['no request', undefined, closed([1, 3, 2, 0, 1]), 'request'],
    ['silence', request, new Uint8Array(), 'timeout'],
    ['a lone echo', request, request, 'timeout'],
    ['half a reply', request, closed([1, 3, 2, 0, 1]).subarray(0, 4), 'truncated'],
  ])('%s is refused', (_, asked, response, code) => {
    const result = driver.decode({ ...(asked ? { request: asked } : {}), response });
    expect(result.ok ? result.fields : result.error.code).toBe(code);
  });

  it('acknowledge a write of one register', () => {
    const write = closed([1, 6, 0, 5, 0, 9]);
    expect(driver.decode({ request: write, response: write })).toEqual({
      ok: true,
      fields: { writtenRegister: 5, writtenCount: 1, requestedValue: 9 },
    });
  });

  it('say what an exception means', () => {
    expect(driver.decode({ request, response: hexToBytes('018302c0f1') })).toMatchObject({
      error: {
        code: 'exception',
        detail: { exceptionCode: 2, unit: 1, function: 3 },
        message: expect.stringMatching(/no such/),
      },
    });
  });
});

describe('profile files', () => {
  const folders: string[] = [];
  const folder = (): string => {
    const path = mkdtempSync(join(tmpdir(), 'holdover-profiles-'));
    folders.push(path);
    return path;
  };
  afterEach(() => {
    for (const path of folders.splice(0)) rmSync(path, { recursive: true });
  });

  it('of the built-in folder are all registered, under their file names', () => {
    const drivers = loadProfiles(builtInProfiles());
    expect(drivers.map(({ id }) => `${id}.yaml`)).toEqual(
      readdirSync(builtInProfiles()).sort((a, b) => (a.replace('.yaml', '') < b.replace('.yaml', '') ? -1 : 1)),
    );
    expect(driverIds()).toEqual(expect.arrayContaining(drivers.map(({ id }) => id)));
  });

  it('are found from a bundle beside the package’s own folder', () => {
    const root = folder();
    const shipped = join(root, 'bms', 'drivers', 'profiles');
    mkdirSync(shipped, { recursive: true });
    mkdirSync(join(root, 'dist', 'chunks'), { recursive: true });
    copyFileSync(join(builtInProfiles(), 'sdm230.yaml'), join(shipped, 'sdm230.yaml'));
    for (const bundle of ['dist/holdover.js', 'dist/chunks/bms-ABC.js']) {
      expect(builtInProfiles(pathToFileURL(join(root, bundle)).href)).toBe(shipped);
    }
    rmSync(shipped, { recursive: true });
    expect(problem(() => builtInProfiles(pathToFileURL(join(root, 'dist/holdover.js')).href))).toMatch(/missing/);
  });

  it('of a user are loaded from a folder, sorted; other files are left alone', () => {
    const path = folder();
    writeFileSync(join(path, 'b.yml'), `${HEAD.replace('test-pack', 'b-pack')}\nregisters: { voltageV: { addr: 0 } }`);
    writeFileSync(join(path, 'a.yaml'), `${HEAD.replace('test-pack', 'z-pack')}\nregisters: { voltageV: { addr: 0 } }`);
    writeFileSync(join(path, 'README.md'), 'no profile');
    expect(loadProfiles(path).map(({ id }) => id)).toEqual(['b-pack', 'z-pack']);
    writeFileSync(join(path, 'c.yaml'), `${HEAD.replace('test-pack', 'b-pack')}\nregisters: { voltageV: { addr: 0 } }`);
    expect(problem(() => loadProfiles(path))).toMatch(/c\.yaml.*b-pack is in another file/);
  });

  it.each([
    ['an unknown key', '  voltageV: { addr: 0, scael: 0.1 }', /scael[\s\S]*registers\.voltageV/],
    ['a wrong type', '  voltageV: { addr: 0, type: u24 }', /u16[\s\S]*registers\.voltageV\.type/],
    ['an address that is none', '  voltageV: { addr: 70000 }', /registers\.voltageV\.addr/],
    ['a name with an underscore', '  voltage_v: { addr: 0 }', /voltage_v/],
    ['a value longer than a read', '  text: { addr: 0, type: str64 }', /text covers 64 registers.*60/],
  ])('with %s say where and what was expected', (_, registers, expected) => {
    const message = problem(() => profile(registers));
    expect(message).toMatch(/^test\.yaml: /);
    expect(message).toMatch(expected);
  });

  it('that are no YAML, empty, or huge are refused by name', () => {
    expect(problem(() => parseProfile('a: [1', 'x.yaml'))).toMatch(/^x\.yaml: is not YAML/);
    expect(problem(() => parseProfile('', 'x.yaml'))).toMatch(/^x\.yaml/);
    expect(problem(() => parseProfile('#'.repeat(300_000), 'x.yaml'))).toMatch(/larger than 256 KiB/);
    const bomb = `a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b]`;
    expect(problem(() => parseProfile(bomb, 'x.yaml'))).toMatch(/^x\.yaml/);
    expect(problem(() => loadProfiles('/nowhere/profiles'))).toMatch(/cannot be read/);
  });

  it('never fail with anything but a ProfileError', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(problem(() => parseProfile(text, 'x.yaml'))).toMatch(/^x\.yaml/);
      }),
    );
  });
});
