import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeLine } from '../../../../bms/drivers/decode.ts';
import type { I2cDriver, RegisterBytes } from '../../../../bms/drivers/driver.ts';
import { ADS_RANGES_V, adsRead } from '../../../../bms/drivers/i2c/ads1115.ts';
import { chipDriver } from '../../../../bms/drivers/i2c/chip.ts';
import { ina219 } from '../../../../bms/drivers/i2c/ina219.ts';
import { ina226 } from '../../../../bms/drivers/i2c/ina226.ts';
import { ina228 } from '../../../../bms/drivers/i2c/ina228.ts';
import { ina3221 } from '../../../../bms/drivers/i2c/ina3221.ts';
import { max17040 } from '../../../../bms/drivers/i2c/max17040.ts';
import { pijuice } from '../../../../bms/drivers/i2c/pijuice.ts';
import { lm75, tmp102 } from '../../../../bms/drivers/i2c/thermometers.ts';
import { implausible } from '../../../../bms/plausible.ts';

const CHIPS = [ina219, ina226, ina228, ina3221, max17040, pijuice, tmp102, lm75] as const;
const WIRING = { shuntOhm: 0.001, maxCurrentA: 100, channel: 1 } as const;

const registers = (hex: Readonly<Record<number, string>>): RegisterBytes =>
  new Map(Object.entries(hex).map(([at, text]) => [Number(at), Uint8Array.from(Buffer.from(text, 'hex'))]));

/** What the driver's poll makes of the registers. */
function polled(driver: I2cDriver, hex: Readonly<Record<number, string>>) {
  return driver.reads[0]?.decode(registers(hex));
}

const code = (result: ReturnType<typeof polled>): string | undefined =>
  result === undefined || result.ok ? undefined : result.error.code;

const alive228 = { 62: '5449', 63: '2281', 0: '0000', 1: 'fb68', 11: '0003', 4: 'f83000', 5: '41eb00', 6: '0c80' };

describe.each(CHIPS.map((chip) => [chip.id, chip] as const))('%s', (_, chip) => {
  const driver = chipDriver(chip, WIRING);
  const asked = driver.reads[0]?.registers ?? [];

  it('makes nothing impossible of whatever its registers hold, and never throws', () => {
    const held = fc.tuple(...asked.map(({ length }) => fc.uint8Array({ minLength: length, maxLength: length })));
    fc.assert(
      fc.property(held, (values) => {
        const result = driver.reads[0]?.decode(
          new Map(asked.map(({ at }, index) => [at, values[index] ?? new Uint8Array()])),
        );
        if (result === undefined || !result.ok) return;
        const sample = driver.sample(result.fields, 1);
        expect(implausible(sample)).toBeUndefined();
        expect(Math.abs(sample.currentA ?? 0)).toBeLessThanOrEqual(WIRING.maxCurrentA * 1.1);
      }),
      { numRuns: 500 },
    );
  });

  it('refuses a register that is too short or too long', () => {
    for (const [index, { length }] of asked.entries())
      for (const wrong of [0, length - 1, length + 1]) {
        const held = asked.map(
          ({ at, length: right }, other) => [at, new Uint8Array(other === index ? wrong : right)] as const,
        );
        expect(code(driver.reads[0]?.decode(new Map(held)))).toBe('wrong_length');
      }
  });

  it('refuses a bus that is held at ones', () => {
    const held = asked.map(({ at, length }) => [at, new Uint8Array(length).fill(0xff)] as const);
    expect(code(driver.reads[0]?.decode(new Map(held)))).toMatch(/floating|reserved_bits|wrong_chip/);
  });
});

describe('current', () => {
  it('has our sign when the shunt sits the other way round', () => {
    const invert = chipDriver(ina228, { shuntOhm: 0.001, invert: true });
    const [one, other] = [chipDriver(ina228, { shuntOhm: 0.001 }), invert].map((driver) => polled(driver, alive228));
    expect(one).toMatchObject({ ok: true, fields: { currentA: expect.closeTo(-10, 6) } });
    expect(other).toMatchObject({ ok: true, fields: { currentA: expect.closeTo(10, 6) } });
  });

  it('that cannot be is none, and the voltage stays', () => {
    const result = polled(chipDriver(ina228, { shuntOhm: 0.001, maxCurrentA: 5 }), alive228);
    expect(result).toMatchObject({ ok: true, fields: { currentA: null, voltageV: 52.734375 } });
    const sample = chipDriver(ina228).sample(result?.ok ? result.fields : {}, 1);
    expect(sample).not.toHaveProperty('currentA');
  });

  it('of an INA228 follows the range it is set to, not the one it was set to once', () => {
    const small = polled(chipDriver(ina228, { shuntOhm: 0.001 }), { ...alive228, 0: '0010' });
    expect(small).toMatchObject({ fields: { currentA: expect.closeTo(-2.5, 6) } });
  });

  it('of an INA228 counts charge by the calibration the chip holds', () => {
    // SHUNT_CAL 4096 at 0.15 mohm: 2.0833 mA a bit.
    const result = chipDriver(ina228).decode({
      registers: { bytes: registers({ 2: '1000', 10: '00001a5e00' }), wiring: { shuntOhm: 0.00015 } },
    });
    expect(result).toMatchObject({
      fields: { chargeC: expect.closeTo((0x1a5e00 * 4096) / (13_107.2e6 * 0.00015), 3) },
    });
  });
});

describe('a chip that does not measure, or is another one', () => {
  it.each([
    ['ina219', chipDriver(ina219), { 0: '3998', 1: '07d0', 2: 'fa00' }, 'not_measuring'],
    ['ina226', chipDriver(ina226), { 254: '5449', 255: '2260', 0: '4120', 1: '0001', 2: '2940' }, 'not_measuring'],
    ['ina226 that is an INA228', chipDriver(ina226), { 254: '5449', 255: '2281', 0: '4127' }, 'wrong_chip'],
    ['ina226 of another maker', chipDriver(ina226), { 254: '1234', 255: '2260' }, 'wrong_chip'],
    ['ina228', chipDriver(ina228), { ...alive228, 1: '0b68' }, 'not_measuring'],
    ['ina228 with damaged memory', chipDriver(ina228), { ...alive228, 11: '0002' }, 'memory'],
    [
      'ina3221 with its channel off',
      chipDriver(ina3221, { channel: 2 }),
      { 0: '5127', 1: '0000', 2: '2ee0' },
      'not_measuring',
    ],
    ['tmp102', chipDriver(tmp102), { 0: '1902' }, 'reserved_bits'],
    ['tmp102 beyond its range', chipDriver(tmp102), { 0: '9800' }, 'range'],
    ['pijuice', chipDriver(pijuice), { 64: '00ff', 65: '57a8', 73: '510fa0' }, 'checksum'],
  ] as const)('%s is refused', (_, driver, hex, reason) => {
    expect(code(polled(driver, hex))).toBe(reason);
  });

  it('is told from one that does', () => {
    expect(polled(chipDriver(ina219, WIRING), { 0: '399f', 1: '07d0', 2: '2592' })?.ok).toBe(true);
    expect(
      polled(chipDriver(ina3221, { channel: 2, shuntOhm: 0.1 }), { 0: '7127', 3: 'fc18', 4: '1400' }),
    ).toMatchObject({ ok: true });
  });
});

it('of an LM75 what is below half a degree is noise', () => {
  expect(polled(chipDriver(lm75), { 0: 'ffff' })?.ok).toBe(false);
  expect(polled(chipDriver(lm75), { 0: '197f' })).toMatchObject({ ok: true, fields: { tempC: 25 } });
});

describe('an input of an ADS1115', () => {
  it('is started with the word of the note', () => {
    expect(adsRead('a0', 4.096).start?.word).toBe(0xc383);
    const words = ADS_RANGES_V.map((rangeV) => ((adsRead('a2-a3', rangeV).start?.word ?? 0) >> 9) & 7);
    expect(words).toEqual([0, 1, 2, 3, 4, 5]);
    expect(((adsRead('a2-a3', 4.096).start?.word ?? 0) >> 12) & 7).toBe(3);
  });

  it('is taken only with the configuration it was asked with', () => {
    const read = adsRead('a0', 4.096);
    expect(read.decode(registers({ 0: '3e80', 1: 'c383' }))).toMatchObject({ ok: true, fields: { a0V: 2 } });
    const other = read.decode(registers({ 0: '3e80', 1: 'd383' }));
    expect(other.ok ? undefined : other.error.code).toBe('other_input');
  });

  it.each(['7fff', '8000'])('that is clipped (%s) is no voltage', (hex) => {
    expect(adsRead('a0', 4.096).decode(registers({ 0: hex, 1: 'c383' }))).toMatchObject({
      ok: true,
      fields: { a0V: null },
    });
  });
});

describe('a recorded line', () => {
  const line = (value: unknown) => JSON.parse(decodeLine('i2c-sensors', JSON.stringify(value)));

  it('names its chip', () => {
    expect(line({ chip: 'tmp102', registers: { '0x00': '1900' } })).toEqual({ tempC: 25 });
    expect(line({ chip: 'tmp103', registers: { '0x00': '1900' } }).error).toMatchObject({ code: 'chip' });
    expect(line({ registers: { '0x00': '1900' } }).error).toMatchObject({ code: 'chip' });
  });

  it.each([
    [{ registers: [] }],
    [{ registers: { '0x00': 5 } }],
    [{ registers: { x: '00' } }],
    [{ registers: { '0x00': 'xy' } }],
    [{ smbus_words: { '0x02': 70_000 } }],
    [{ registers: {}, config: 5 }],
    [{ registers: {}, chip: 5 }],
    [{ transport_error: 5 }],
  ])('that is none is said so: %j', (value) => {
    expect(line({ chip: 'ina219', ...value }).error.code).toBe('input');
  });

  it('never throws, whatever is in it', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.jsonValue(),
        fc.constantFrom('ina228', 'ads1115', 'pijuice'),
        (held, config, chip) => {
          expect(() => line({ chip, registers: held, config })).not.toThrow();
        },
      ),
    );
  });
});
