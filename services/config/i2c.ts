import { z } from 'zod';
import { ADS_INPUTS, ADS_RANGES_V, type Sensor } from '#bms';

/** The part of the configuration about chips on I2C: where they are, and what the ones of a pack measure. */

export const i2cPath = z
  .string()
  .regex(/^(\/dev\/i2c-\d{1,4}|i2c-tcp:\/\/[^\s/@]+:\d{1,5})$/, 'an I2C bus such as /dev/i2c-1')
  .meta({ description: 'I2C bus, such as /dev/i2c-1; or i2c-tcp://host:port of an emulated one' });

export const i2cAddress = z.int().min(0x03).max(0x77).meta({ description: 'address of 7 bits, such as 0x40' });

const mux = z
  .strictObject({ address: z.int().min(0x70).max(0x77).default(0x70), channel: z.int().min(0).max(7) })
  .optional()
  .meta({ description: 'multiplexer (TCA9548A) the chip hangs behind' });

/** `via` of a pack on I2C: its bus, and the chip where it is only one. */
export const viaI2c = z.strictObject({ i2c: i2cPath, address: i2cAddress.optional(), mux });

const place = {
  i2c: i2cPath.optional().meta({ description: 'its bus, where it is not the one of the pack' }),
  address: i2cAddress.optional().meta({ description: 'address of 7 bits; the usual one of the chip when absent' }),
  mux,
};

const shunt = {
  ...place,
  shuntOhm: z.number().positive().max(10).meta({ unit: 'ohm', description: 'resistance of the shunt' }),
  maxCurrentA: z
    .number()
    .positive()
    .max(5000)
    .optional()
    .meta({ unit: 'A', description: 'largest current there can be; more is not believed' }),
  invert: z
    .boolean()
    .default(false)
    .meta({ description: 'the shunt sits the other way round; with us, positive charges the pack' }),
  gives: z
    .array(z.enum(['voltage', 'current']))
    .min(1)
    .default(['voltage', 'current']),
};

const input = {
  input: z.enum(ADS_INPUTS),
  rangeV: z
    .literal(ADS_RANGES_V)
    .default(4.096)
    .meta({ unit: 'V', description: 'full scale; no more than its supply' }),
  ratio: z.number().positive().max(1000).default(1).meta({ description: 'true voltage / voltage at the pin' }),
};

const inputs = z
  .array(
    z.discriminatedUnion('gives', [
      z.strictObject({ ...input, gives: z.literal('voltage') }),
      z.strictObject({
        ...input,
        gives: z.literal('tap'),
        tap: z
          .int()
          .min(1)
          .max(48)
          .meta({ description: 'the cell whose positive end it is on; 1 is the most negative' }),
      }),
      z.strictObject({
        ...input,
        gives: z.literal('current'),
        zeroV: z.number().min(-10).max(10).default(0).meta({ unit: 'V', description: 'output at no current' }),
        ampsPerV: z
          .number()
          .refine((value) => value !== 0, 'other than 0')
          .meta({ unit: 'A/V', description: 'negative where discharge is counted as positive' }),
      }),
    ]),
  )
  .min(1)
  .max(8);

const gauge = {
  ...place,
  gives: z
    .array(z.enum(['voltage', 'soc']))
    .min(1)
    .default(['voltage']),
};

/** The chips of a pack without a BMS. */
export const sensorsOption = z
  .array(
    z.discriminatedUnion('chip', [
      z.strictObject({ chip: z.literal('ina219'), ...shunt }),
      z.strictObject({ chip: z.literal('ina226'), ...shunt }),
      z.strictObject({ chip: z.literal('ina228'), ...shunt }),
      z.strictObject({ chip: z.literal('ina3221'), ...shunt, channel: z.int().min(1).max(3) }),
      z.strictObject({ chip: z.literal('ads1115'), ...place, inputs }),
      z.strictObject({ chip: z.literal('tmp102'), ...place }),
      z.strictObject({ chip: z.literal('lm75'), ...place }),
      z.strictObject({ chip: z.literal('max17040'), ...gauge }),
      z.strictObject({ chip: z.literal('pijuice'), ...gauge }),
    ]),
  )
  .min(1)
  .max(32)
  .optional()
  .meta({ description: 'driver i2c-sensors: the chips that watch this pack, and what each of them gives' });
export type SensorConfig = NonNullable<z.infer<typeof sensorsOption>>[number];

/** The one sensor of a pack whose driver is a chip that needs no wiring to be told: a gauge. */
export function aloneSensor({ driver }: { readonly driver: string }): Sensor | undefined {
  const id = driver.startsWith('max170') ? 'max17040' : driver;
  return id === 'max17040' || id === 'pijuice' ? { chip: id, gives: ['voltage', 'soc'] } : undefined;
}
