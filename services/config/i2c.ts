import { z } from 'zod';
import { ADS_INPUTS, ADS_RANGES_V, chemistryOf, type Driver, driverFor, type Sensor } from '#bms';
import type { Problem } from './inspect.ts';
import type { Config } from './schema.ts';

/** The part of the configuration about chips on I2C: where they are, and what the ones of a pack measure. */

export const i2cPath = z
  .string()
  .regex(/^\/dev\/i2c-\d{1,4}$/, 'an I2C bus such as /dev/i2c-1')
  .meta({ description: 'I2C bus, such as /dev/i2c-1' });

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

type Pack = Config['packs'][number];

/** What each chip can take: volts at its input, and volts across its shunt. */
const LIMITS = {
  ina219: { busV: 26, shuntV: 0.32 },
  ina226: { busV: 36, shuntV: 0.08192 },
  ina228: { busV: 85, shuntV: 0.16384 },
  ina3221: { busV: 26, shuntV: 0.1638 },
} as const;

const EXAMPLE = 'driver: i2c-sensors with sensors: [{ chip: ina228, shuntOhm: 0.00015 }]';

/** What only a whole pack can tell about its chips. */
export function sensorProblems({ packs }: Config, own: readonly Driver[]): Problem[] {
  return packs.flatMap((pack, index) => {
    const problems: Problem[] = [];
    const report = (key: string, message: string, tryThis?: string): void => {
      const path = `packs[${index}].${key}`;
      problems.push({ severity: 'error', path, message, ...(tryThis === undefined ? {} : { tryThis }) });
    };
    const onI2c = 'i2c' in pack.via;
    const chips = speaksI2c(pack.driver, own);
    if (chips === undefined) return [];
    if (chips && !onI2c) report('via', `driver ${pack.driver} is on I2C`, 'use via: { i2c: /dev/i2c-1 }');
    if (!chips && onI2c) report('via', `driver ${pack.driver} is not on I2C`, 'use via: { serial: … } or { tcp: … }');
    if (!chips && pack.sensors !== undefined)
      report('sensors', `driver ${pack.driver} brings its own`, 'leave it out, or driver: i2c-sensors');
    if (!chips) return problems;
    if (pack.invertCurrent !== undefined)
      report('invertCurrent', 'chips are turned one by one', 'invert: true at the sensor');
    if (pack.driver === 'i2c-sensors' && pack.sensors === undefined)
      report('sensors', 'is missing', 'sensors: [{ chip: ina228, shuntOhm: 0.00015 }]');
    if (pack.driver !== 'i2c-sensors') {
      if (pack.sensors !== undefined) report('sensors', 'chips are listed under one driver', 'driver: i2c-sensors');
      else if (aloneSensor(pack) === undefined) report('driver', `${pack.driver} must be told its wiring`, EXAMPLE);
    }
    wiring(pack, report);
    return problems;
  });
}

function wiring(pack: Pack, report: (key: string, message: string, tryThis?: string) => void): void {
  const given = new Map<string, number>();
  const places = new Map<string, string>();
  const fullV = pack.cells * chemistryOf(pack.chemistry).limits.chargeV;
  (pack.sensors ?? []).forEach((sensor, at) => {
    const where = `sensors[${at}]`;
    for (const what of givesOf(sensor)) {
      const other = given.get(what);
      if (other !== undefined) report(where, `${what} is given by sensors[${other}] already`, 'gives: …');
      given.set(what, at);
    }
    const place = placeKey(pack, sensor);
    const other = places.get(place);
    if (other !== undefined && !(sensor.chip === 'ina3221' && other === 'ina3221'))
      report(where, `a ${other} is at this address already`, 'address: or mux: of its own');
    places.set(place, sensor.chip);
    if ('inputs' in sensor)
      for (const { gives, ...each } of sensor.inputs)
        if (gives === 'tap' && 'tap' in each && Number(each.tap) > pack.cells)
          report(where, `tap ${each.tap} is beyond the ${pack.cells} cells of the pack`);
    if (!('shuntOhm' in sensor)) return;
    const { busV, shuntV } = LIMITS[sensor.chip];
    if (sensor.gives.includes('voltage') && fullV > busV)
      report(where, `this pack reaches ${fullV.toFixed(1)} V when full, and ${sensor.chip} stands ${busV} V`, EXAMPLE);
    const mostV = sensor.shuntOhm * (sensor.maxCurrentA ?? 0);
    if (mostV > shuntV)
      report(
        where,
        `${sensor.maxCurrentA} A through ${sensor.shuntOhm} ohm are ${(mostV * 1000).toFixed(0)} mV, and ${sensor.chip} measures ${(shuntV * 1000).toFixed(0)} mV`,
        'a smaller shunt',
      );
  });
}

function givesOf(sensor: SensorConfig): string[] {
  if ('inputs' in sensor)
    return sensor.inputs.map((each) => (each.gives === 'tap' ? `tap ${each.tap}` : String(each.gives)));
  return 'gives' in sensor ? [...sensor.gives] : [];
}

function placeKey(pack: Pack, sensor: SensorConfig): string {
  const bus = sensor.i2c ?? ('i2c' in pack.via ? pack.via.i2c : '');
  return [bus, sensor.address ?? sensor.chip, sensor.mux?.address, sensor.mux?.channel].join('/');
}

function speaksI2c(id: string, own: readonly Driver[]): boolean | undefined {
  try {
    return driverFor(id, own).shape === 'i2c';
  } catch {
    return undefined;
  }
}

/** The one sensor of a pack whose driver is a chip that needs no wiring to be told: a gauge. */
export function aloneSensor({ driver }: Pick<Pack, 'driver'>): Sensor | undefined {
  const id = driver.startsWith('max170') ? 'max17040' : driver;
  return id === 'max17040' || id === 'pijuice' ? { chip: id, gives: ['voltage', 'soc'] } : undefined;
}
