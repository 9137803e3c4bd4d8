import { chemistryOf, type Driver, driverFor, usualAddress } from '#bms';
import { aloneSensor, type SensorConfig } from './i2c.ts';
import type { Problem } from './inspect.ts';
import type { Config } from './schema.ts';

/** What only a whole pack can tell about the chips that watch it. */

type Pack = Config['packs'][number];
type Report = (key: string, message: string, tryThis?: string) => void;

/** What each chip can take: volts at its input, and volts across its shunt. */
const LIMITS = {
  ina219: { busV: 26, shuntV: 0.32 },
  ina226: { busV: 36, shuntV: 0.08192 },
  ina228: { busV: 85, shuntV: 0.16384 },
  ina3221: { busV: 26, shuntV: 0.1638 },
} as const;

const EXAMPLE = 'driver: i2c-sensors with sensors: [{ chip: ina228, shuntOhm: 0.00015 }]';

export function sensorProblems({ packs }: Config, own: readonly Driver[]): Problem[] {
  return packs.flatMap((pack, index) => {
    const problems: Problem[] = [];
    const report: Report = (key, message, tryThis) => {
      const path = `packs[${index}].${key}`;
      problems.push({ severity: 'error', path, message, ...(tryThis === undefined ? {} : { tryThis }) });
    };
    const chips = speaksI2c(pack.driver, own);
    if (chips === true) ofChips(pack, report);
    if (chips === false) ofOthers(pack, report);
    return problems;
  });
}

/** Undefined: no such driver, which is said elsewhere. */
function speaksI2c(id: string, own: readonly Driver[]): boolean | undefined {
  try {
    return driverFor(id, own).shape === 'i2c';
  } catch {
    return undefined;
  }
}

function ofOthers({ driver, via, sensors }: Pack, report: Report): void {
  if ('i2c' in via) report('via', `driver ${driver} is not on I2C`, 'use via: { serial: … } or { tcp: … }');
  if (sensors !== undefined)
    report('sensors', `driver ${driver} brings its own`, 'leave it out, or driver: i2c-sensors');
}

function ofChips(pack: Pack, report: Report): void {
  const { driver, via, sensors } = pack;
  const several = driver === 'i2c-sensors';
  if (!('i2c' in via)) report('via', `driver ${driver} is on I2C`, 'use via: { i2c: /dev/i2c-1 }');
  if (pack.invertCurrent !== undefined)
    report('invertCurrent', 'chips are turned one by one', 'invert: true at the sensor');
  if (several && sensors === undefined)
    report('sensors', 'is missing', 'sensors: [{ chip: ina228, shuntOhm: 0.00015 }]');
  if (!several && sensors !== undefined) report('sensors', 'chips are listed under one driver', 'driver: i2c-sensors');
  if (!several && sensors === undefined && aloneSensor(pack) === undefined)
    report('driver', `${driver} must be told its wiring`, EXAMPLE);
  oneOfEach(pack, report);
  eachWithin(pack, report);
}

function eachWithin({ cells, chemistry, sensors = [] }: Pack, report: Report): void {
  const fullV = cells * chemistryOf(chemistry).limits.chargeV;
  for (const [at, sensor] of sensors.entries()) {
    const here = (message: string, tryThis?: string): void => report(`sensors[${at}]`, message, tryThis);
    if ('shuntOhm' in sensor) withinLimits(sensor, fullV, here);
    for (const input of 'inputs' in sensor ? sensor.inputs : [])
      if (input.gives === 'tap' && input.tap > cells) here(`tap ${input.tap} is beyond the ${cells} cells of the pack`);
  }
}

/** Nothing is given twice, and no two chips share an address. */
function oneOfEach(pack: Pack, report: Report): void {
  const given = new Map<string, number>();
  const places = new Map<string, string>();
  for (const [at, sensor] of (pack.sensors ?? []).entries()) {
    for (const what of givesOf(sensor)) {
      const other = given.get(what);
      if (other !== undefined) report(`sensors[${at}]`, `${what} is given by sensors[${other}] already`, 'gives: …');
      given.set(what, at);
    }
    const place = placeKey(pack, sensor);
    const other = places.get(place);
    // One chip of three channels may be three sensors.
    if (other !== undefined && !(sensor.chip === 'ina3221' && other === 'ina3221'))
      report(`sensors[${at}]`, `a ${other} is at this address already`, 'address: or mux: of its own');
    places.set(place, sensor.chip);
  }
}

function withinLimits(
  { chip, shuntOhm, maxCurrentA = 0, gives }: Extract<SensorConfig, { shuntOhm: number }>,
  fullV: number,
  report: (message: string, tryThis: string) => void,
): void {
  const { busV, shuntV } = LIMITS[chip];
  if (gives.includes('voltage') && fullV > busV)
    report(`this pack reaches ${fullV.toFixed(1)} V when full, and ${chip} stands ${busV} V`, EXAMPLE);
  const mostV = shuntOhm * maxCurrentA;
  const asMv = (volts: number): string => `${(volts * 1000).toFixed(0)} mV`;
  if (mostV > shuntV)
    report(
      `${maxCurrentA} A through ${shuntOhm} ohm are ${asMv(mostV)}, and ${chip} measures ${asMv(shuntV)}`,
      'a smaller shunt',
    );
}

function givesOf(sensor: SensorConfig): string[] {
  if ('inputs' in sensor) return sensor.inputs.map((each) => (each.gives === 'tap' ? `tap ${each.tap}` : each.gives));
  return 'gives' in sensor ? [...sensor.gives] : [];
}

function placeKey({ via }: Pack, { i2c, address, chip, mux }: SensorConfig): string {
  const bus = i2c ?? ('i2c' in via ? via.i2c : '');
  return [bus, address ?? usualAddress(chip), mux?.address, mux?.channel].join('/');
}
