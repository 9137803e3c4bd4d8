import { describe, expect, it } from 'vitest';
import { driverAt } from '../../../bms/drivers/boards.ts';
import type { Driver, ExchangeDriver } from '../../../bms/drivers/driver.ts';
import { driverFor, driverIds } from '../../../bms/drivers/registry.ts';
import { crc16Modbus } from '../../../firmware-bridge/index.ts';
import { readVectors, recorded } from './vectors.ts';

const drivers = driverIds().map((id) => driverFor(id));
const numbered = drivers.filter((driver) => driver.shape === 'exchange' && driver.boards !== undefined);

const readsOf = (driver: Driver) => (driver as ExchangeDriver).reads;
const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');
const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('latin1');

function answer(file: string, name: string): Uint8Array {
  const vector = readVectors(file).find((known) => known.name === name);
  if (vector === undefined) throw new Error(`no vector ${name}`);
  return recorded(vector).response ?? new Uint8Array();
}

describe('boards with a number of their own', () => {
  it('are those of these drivers', () => {
    expect(numbered.map(({ id }) => id)).toEqual([
      'daly',
      'daly-p81',
      'jbd-up',
      'jk-pb',
      'pace',
      'pylontech',
      'seplos',
    ]);
  });

  it('are asked each with other bytes, and nobody takes the answer of another', () => {
    for (const driver of numbered as ExchangeDriver[]) {
      const { first, last, usual } = driver.boards ?? { first: 0, last: -1, usual: 0 };
      const requests = new Set<string>();
      for (let address = first; address <= last; address += 1) {
        const one = driverAt(driver, address);
        expect(one.id).toBe(driver.id);
        for (const { request } of readsOf(one)) requests.add(hex(request));
      }
      expect(requests.size, driver.id).toBe((last - first + 1) * driver.reads.length);
      expect(driverAt(driver, usual)).toBe(driver);
    }
  });

  it('refuse a number that none of them can have', () => {
    for (const driver of numbered as ExchangeDriver[]) {
      const { first, last } = driver.boards ?? { first: 0, last: 0 };
      for (const wrong of [first - 1, last + 1, first + 0.5, Number.NaN, -1, 256]) {
        expect(() => driverAt(driver, wrong), `${driver.id} ${wrong}`).toThrow(RangeError);
      }
    }
  });

  it('keep their numbers when they are asked again', () => {
    expect(driverAt(driverAt(driverFor('daly'), 3), 1)).toBe(driverFor('daly'));
  });
});

describe('drivers without numbers', () => {
  it('say so', () => {
    expect(() => driverAt(driverFor('jbd'), 1)).toThrow('boards of driver jbd have no address: one to a line');
    expect(() => driverAt(driverFor('ve-direct'), 1)).toThrow('one to a line');
    expect(() => driverAt(driverFor('sdm230'), 1)).toThrow('its address is the unit in via');
  });
});

describe('the bytes of board', () => {
  it('3 of Daly (A5) are 0x42 out and 03 back', () => {
    const [pack] = readsOf(driverAt(driverFor('daly'), 3));
    expect(hex(pack?.request)).toBe('a542900800000000000000007f');
    const ofOne = answer('daly', 'a5_90_53v2_discharging_2a1');
    expect(pack?.accept(ofOne)).toMatchObject({ kind: 'skip' });
    const ofThree = Uint8Array.from(ofOne);
    ofThree[1] = 3;
    ofThree[12] = ((ofThree[12] ?? 0) + 2) & 0xff;
    expect(pack?.accept(ofThree)).toMatchObject({ kind: 'take' });
  });

  it('2 of Daly (81/51) are 0x82 out and 0x52 back', () => {
    const [cells] = readsOf(driverAt(driverFor('daly-p81'), 2));
    expect(hex(cells?.request.subarray(0, 6))).toBe('820300000040');
    expect(crc16Modbus(cells?.request ?? new Uint8Array())).toBe(0);
    const frame = new Uint8Array(133).fill(0, 3);
    frame.set([0x52, 3, 128]);
    const crc = crc16Modbus(frame.subarray(0, 131));
    frame.set([crc & 0xff, crc >>> 8], 131);
    expect(cells?.accept(frame)).toMatchObject({ kind: 'take' });
    expect(readsOf(driverFor('daly-p81'))[0]?.accept(frame)).toMatchObject({ kind: 'skip' });
  });

  it('4 of JK PB are a trigger to 04', () => {
    const [status] = readsOf(driverAt(driverFor('jk-pb'), 4));
    expect(hex(status?.request.subarray(0, 9))).toBe('041016200001020000');
  });

  it('3 of Seplos and 2 of Pace are in address and command', () => {
    expect(text(readsOf(driverAt(driverFor('seplos'), 3))[0]?.request)).toMatch(/^~20034642E00203/);
    expect(text(readsOf(driverAt(driverFor('pace'), 2))[0]?.request)).toMatch(/^~25024642E00202/);
  });

  it('2 of Pylontech ask for the whole string, 3 for one module, 18 for the string of group 1', () => {
    const asks = (address: number) => text(readsOf(driverAt(driverFor('pylontech'), address))[0]?.request);
    expect(asks(2)).toMatch(/^~20024642E002FF/);
    expect(asks(3)).toMatch(/^~20034642E00203/);
    expect(asks(18)).toMatch(/^~20124642E002FF/);
  });

  it('2 of the UP series repeat their address', () => {
    const [status] = readsOf(driverAt(driverFor('jbd-up'), 2));
    expect(hex(status?.request.subarray(0, 8))).toBe('0278100010a00000');
    expect(crc16Modbus(status?.request ?? new Uint8Array())).toBe(0);
  });
});
