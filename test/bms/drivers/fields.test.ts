import { describe, expect, it } from 'vitest';
import { bitNames, bitNumbers, fieldTable, readRun, readText, scaler } from '../../../bms/drivers/fields.ts';

describe('a field table', () => {
  const table = fieldTable([
    { key: 'voltageV', offset: 0, size: 2, scale: 0.01 },
    { key: 'currentA', offset: 2, size: 2, signed: true, scale: 0.01 },
    { key: 'tempC', offset: 4, size: 2, add: -2731, scale: 0.1 },
    { key: 'count', offset: 6, size: 1 },
    { key: 'energyWh', offset: 7, size: 4, scale: 10 },
    { key: 'power', offset: 11, size: 4, signed: true },
  ]);

  it('knows how long the payload must be', () => {
    expect(table.length).toBe(15);
  });

  it('reads big-endian numbers, signs, offsets and scales', () => {
    const bytes = Buffer.from('0a50fda40b7d100000000bfffffff6', 'hex');
    expect(table.read(bytes)).toEqual({
      voltageV: 26.4,
      currentA: -6.04,
      tempC: 21,
      count: 16,
      energyWh: 110,
      power: -10,
    });
  });

  it('reads from the view it is given, not from its buffer', () => {
    const buffer = Buffer.from('ffff0a50fda40b7d100000000bfffffff6', 'hex');
    expect(table.read(buffer.subarray(2))).toMatchObject({ voltageV: 26.4 });
    expect(() => table.read(buffer.subarray(4))).toThrow(RangeError);
  });
});

describe('scaling', () => {
  it('leaves no binary dust on decimal scales', () => {
    expect(scaler(0.01)(498)).toBe(4.98);
    expect(scaler(0.1)(-287)).toBe(-28.7);
    expect(scaler(0.001)(3310)).toBe(3.31);
    expect(scaler(10)(46)).toBe(460);
    expect(scaler(-0.01)(1234)).toBe(-12.34);
  });
});

describe('runs, bits and texts', () => {
  it('reads a run of numbers', () => {
    expect(readRun(Buffer.from('00000f450f3d', 'hex'), 2, 2, 0.001)).toEqual([3.909, 3.901]);
    expect(readRun(Buffer.from('0b8b', 'hex'), 0, 1, 0.1, -2731)).toEqual([22.4]);
  });

  it('names bits, also those without a name and the highest', () => {
    expect(bitNames(0b101, ['a', 'b'])).toEqual(['a', 'bit_2']);
    expect(bitNames(0x8000_0000, [])).toEqual(['bit_31']);
    expect(bitNumbers(0x8001_0005 | 0)).toEqual([1, 3, 17, 32]);
  });

  it('keeps the printable part of a text up to its zero', () => {
    expect(readText(Buffer.from(' JBD-4S\x07 \0rest'))).toBe('JBD-4S');
  });
});
