import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { checkConfig } from '../../../services/config/load.ts';

/** Packs and switches of chips: what is right, and what would destroy or mislead something. */

const pack = (more: Record<string, unknown> = {}) => ({
  id: 'diy',
  driver: 'i2c-sensors',
  via: { i2c: '/dev/i2c-1' },
  chemistry: 'lto',
  cells: 24,
  capacityAh: 40,
  sensors: [{ chip: 'ina228', shuntOhm: 0.0005, maxCurrentA: 300 }, { chip: 'tmp102' }],
  ...more,
});

const poe = (more: Record<string, unknown> = {}) => ({
  id: 'sw1',
  driver: 'i2c',
  i2c: '/dev/i2c-1',
  chip: 'tps23861',
  addresses: [0x20, 0x28],
  ...more,
});

function problems(config: Record<string, unknown>): string[] {
  const checked = checkConfig(stringify(config));
  const found = checked.ok ? checked.warnings : checked.problems;
  return found.map(({ severity, path, message, tryThis }) => `${severity} ${path}: ${message} (${tryThis ?? ''})`);
}

const ofPack = (more: Record<string, unknown>): string[] => problems({ packs: [pack(more)] });
const ofSwitch = (more: Record<string, unknown>): string[] => problems({ switches: [poe(more)] });
const shunt = { chip: 'ina228', shuntOhm: 0.0005 };
const tap = (input: string, at: number) => ({ input, gives: 'tap', tap: at });

describe('a pack of chips', () => {
  it.each<[string, Record<string, unknown>]>([
    ['as it stands', {}],
    ['behind a multiplexer', { sensors: [{ ...shunt, mux: { channel: 7 } }] }],
    ['with an address in hexadecimal', { sensors: [{ ...shunt, address: 0x45 }] }],
    [
      'with two channels of one chip',
      {
        cells: 4,
        sensors: [
          { chip: 'ina3221', channel: 1, shuntOhm: 0.01, gives: ['current'] },
          { chip: 'ina3221', channel: 2, shuntOhm: 0.01, gives: ['voltage'] },
        ],
      },
    ],
    [
      'that is one gauge',
      { driver: 'max17040', cells: 1, sensors: undefined, via: { i2c: '/dev/i2c-1', address: 0x36 } },
    ],
  ])('is right %s', (_, more) => {
    expect(ofPack(more)).toEqual([]);
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['no sensors', { sensors: undefined }, /packs\[0\]\.sensors: is missing \(sensors: \[\{ chip: ina228/],
    [
      'a serial port',
      { via: { serial: '/dev/x' } },
      /packs\[0\]\.via: driver i2c-sensors is on I2C .*i2c: \/dev\/i2c-1/,
    ],
    ['a BMS on I2C', { driver: 'jbd', sensors: undefined }, /packs\[0\]\.via: driver jbd is not on I2C/],
    ['sensors of a BMS', { driver: 'jbd', via: { serial: '/dev/x' } }, /sensors: driver jbd brings its own/],
    [
      'a chip that must know its shunt',
      { driver: 'ina228', sensors: undefined },
      /driver: ina228 must be told its wiring .*i2c-sensors/,
    ],
    ['a path that is no bus', { via: { i2c: '/dev/i2c' } }, /packs\[0\]\.via\.i2c: .*an I2C bus/],
    [
      'an unknown chip',
      { sensors: [{ chip: 'ina229', shuntOhm: 1 }] },
      /sensors\[0\]\.chip: "ina229": expected one of ina219, .* \(ina219|ina22/,
    ],
    ['no shunt', { sensors: [{ chip: 'ina228' }] }, /sensors\[0\]\.shuntOhm: is missing/],
    [
      'a mistyped key',
      { sensors: [{ ...shunt, shuntOhms: 1 }] },
      /sensors\[0\]\.shuntOhms: is not a known key \(shuntOhm\)/,
    ],
    ['an address beyond 7 bits', { sensors: [{ ...shunt, address: 0x80 }] }, /sensors\[0\]\.address: 128/],
    [
      'two currents',
      { sensors: [shunt, { ...shunt, address: 0x41 }] },
      /sensors\[1\]: voltage is given by sensors\[0\] already/,
    ],
    [
      'two chips at one address',
      {
        sensors: [
          { ...shunt, address: 0x48 },
          { chip: 'tmp102', address: 0x48 },
        ],
      },
      /a ina228 is at this address already/,
    ],
    [
      'a tap beyond the pack',
      { sensors: [{ chip: 'ads1115', inputs: [tap('a0', 25)] }] },
      /tap 25 is beyond the 24 cells/,
    ],
    [
      'the same tap twice',
      { sensors: [{ chip: 'ads1115', inputs: [tap('a0', 2), tap('a1', 2)] }] },
      /tap 2 is given by/,
    ],
    [
      'a range the converter has not',
      { sensors: [{ chip: 'ads1115', inputs: [{ ...tap('a0', 1), rangeV: 5 }] }] },
      /rangeV: 5/,
    ],
    [
      'a pack that would destroy the chip',
      { sensors: [{ chip: 'ina219', shuntOhm: 0.001 }] },
      /reaches \d+\.\d V when full, and ina219 stands 26 V/,
    ],
    [
      'a shunt that is too large',
      { sensors: [{ ...shunt, maxCurrentA: 400 }] },
      /400 A through 0\.0005 ohm are 200 mV, and ina228 measures 164 mV/,
    ],
    ['the sign of a whole pack', { invertCurrent: true }, /invertCurrent: chips are turned one by one/],
  ])('is refused with %s', (_, more, words) => {
    expect(ofPack(more).join('\n')).toMatch(words);
  });
});

describe('a switch of chips', () => {
  it.each<[string, Record<string, unknown>]>([
    ['as it stands', {}],
    ['with a map', { ports: { 1: [1, 2], lan2: [8] }, switching: true }],
    ['of twelve ports a chip', { chip: 'pd690xx', ports: { 24: [24] } }],
  ])('is right %s', (_, more) => {
    expect(ofSwitch(more)).toEqual([]);
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['one address twice', { addresses: [0x20, 0x20] }, /addresses: one address is there twice/],
    ['a channel beyond its chips', { ports: { 9: [9] } }, /ports\.9: channel 9 is beyond the 8/],
    ['a channel in two ports', { ports: { 1: [1, 2], 2: [2] } }, /ports\.2: channel 2 feeds port 1 already/],
    ['an unknown chip', { chip: 'tps2388' }, /switches\[0\]\.chip/],
    ['no addresses', { addresses: [] }, /switches\[0\]\.addresses/],
  ])('is refused with %s', (_, more, words) => {
    expect(ofSwitch(more).join('\n')).toMatch(words);
  });

  it('that may not switch is said so where hosts hang on it', () => {
    const hosts = [{ id: 'pi1', address: '10.0.0.1', poe: 'sw1/1', protected: true }];
    expect(problems({ switches: [poe()], hosts }).join('\n')).toMatch(
      /warning switches\[0\]\.switching: .*pi1 are not cut/,
    );
    expect(problems({ switches: [poe({ switching: true })], hosts }).join('\n')).not.toMatch(/not cut/);
  });
});
