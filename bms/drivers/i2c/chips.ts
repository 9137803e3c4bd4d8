import { refused } from '../decoded.ts';
import type { Decoded, I2cDriver, RecordedExchange } from '../driver.ts';
import { packSample } from '../pack-fields.ts';
import { ads1115 } from './ads1115.ts';
import { type Chip, decodeRecorded } from './chip.ts';
import { emc2101, emc2301 } from './fan-controllers.ts';
import { ina219 } from './ina219.ts';
import { ina226 } from './ina226.ts';
import { ina228 } from './ina228.ts';
import { ina3221 } from './ina3221.ts';
import { max17040 } from './max17040.ts';
import { pijuice } from './pijuice.ts';
import { lm75, tmp102 } from './thermometers.ts';

const CHIPS: readonly Chip[] = [
  ads1115,
  emc2101,
  emc2301,
  ina219,
  ina226,
  ina228,
  ina3221,
  lm75,
  max17040,
  pijuice,
  tmp102,
];

/** Whatever chips a pack is watched by: what they are is said by the configuration, or by a recorded line (`chip`). */
export const i2cSensors: I2cDriver = {
  id: 'i2c-sensors',
  title: 'A pack watched by chips on I2C: shunts, converters, thermometers, gauges',
  note: 'protocols/i2c-sensors.md',
  measures: 'pack',
  shape: 'i2c',
  addresses: [],
  reads: [],
  decode,
  sample: (fields, measuredAtMs) => packSample(fields, measuredAtMs, undefined),
};

function decode(exchange: RecordedExchange): Decoded {
  const id = exchange.registers?.chip ?? '';
  const chip = CHIPS.find((each) => each.id === id);
  if (chip !== undefined) return decodeRecorded(chip, exchange);
  if (exchange.registers === undefined) return refused('timeout', 'no registers: give {"chip":…,"registers":{…}}');
  return refused('chip', `no chip is called "${id.slice(0, 32)}"; known: ${CHIPS.map((each) => each.id).join(', ')}`);
}
