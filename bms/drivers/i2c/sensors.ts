import type { I2cPlace } from '#bridge';
import type { PackSample } from '../../model/sample.ts';
import type { Fields, I2cRead } from '../driver.ts';
import { packSample } from '../pack-fields.ts';
import { type AdsInputName, type AdsRangeV, adsRead } from './ads1115.ts';
import { type Chip, chipDriver, hex, type Wiring } from './chip.ts';
import { ina219 } from './ina219.ts';
import { ina226 } from './ina226.ts';
import { ina228 } from './ina228.ts';
import { ina3221 } from './ina3221.ts';
import { max17040 } from './max17040.ts';
import { pijuice } from './pijuice.ts';
import { lm75, tmp102 } from './thermometers.ts';

/** What each chip of a pack is wired to, and what the pack gets from it. */

export interface ShuntSensor extends Wiring {
  readonly chip: 'ina219' | 'ina226' | 'ina228' | 'ina3221';
  readonly shuntOhm: number;
  readonly gives: readonly ('voltage' | 'current')[];
}

/** One input of an ADC. Its true voltage is the one at the pin times `ratio`. */
export type AdcInput = {
  readonly input: AdsInputName;
  /** Full scale, V. */
  readonly rangeV: AdsRangeV;
  readonly ratio: number;
} & (
  | { readonly gives: 'voltage' }
  /** From the pack's negative end to the positive end of this cell, 1-based. */
  | { readonly gives: 'tap'; readonly tap: number }
  /** A sensor with a voltage at its output: (V - zeroV) x ampsPerV. */
  | { readonly gives: 'current'; readonly zeroV: number; readonly ampsPerV: number }
);

export interface AdcSensor {
  readonly chip: 'ads1115';
  readonly inputs: readonly AdcInput[];
}

export interface ThermometerSensor {
  readonly chip: 'tmp102' | 'lm75';
}

export interface GaugeSensor {
  readonly chip: 'max17040' | 'pijuice';
  readonly gives: readonly ('voltage' | 'soc')[];
}

export type Sensor = ShuntSensor | AdcSensor | ThermometerSensor | GaugeSensor;

/** What a pack gets from a sensor in one poll; absent when it did not tell. */
export interface Gift {
  readonly voltageV?: number;
  readonly currentA?: number;
  readonly socRatio?: number;
  readonly temperatureC?: number;
  /** Voltage at the positive end of a cell, by its 1-based number. */
  readonly tapsV?: ReadonlyMap<number, number>;
}

export interface SensorPlan {
  /** `ina228 at 0x40` */
  readonly name: string;
  readonly reads: readonly I2cRead[];
  /** It gives the current: without it nobody would notice that the pack is running empty. */
  readonly essential: boolean;
  gives(fields: Fields): Gift;
}

const SHUNTS: Readonly<Record<ShuntSensor['chip'], Chip>> = { ina219, ina226, ina228, ina3221 };
const THERMOMETERS: Readonly<Record<ThermometerSensor['chip'], Chip>> = { tmp102, lm75 };
const GAUGES: Readonly<Record<GaugeSensor['chip'], Chip>> = { max17040, pijuice };

/** What is asked of a sensor, and what is made of its answers. */
export function sensorPlan(sensor: Sensor, { address, mux }: I2cPlace): SensorPlan {
  const behind = mux === undefined ? '' : ` behind ${hex(mux.address)}/${mux.channel}`;
  const name = `${sensor.chip} at ${hex(address)}${behind}`;
  switch (sensor.chip) {
    case 'ads1115':
      return {
        name,
        essential: sensor.inputs.some((input) => input.gives === 'current'),
        reads: sensor.inputs.map(({ input, rangeV }) => adsRead(input, rangeV)),
        gives: (fields) => {
          const gifts = sensor.inputs.map((input) => ofInput(input, fields));
          const taps = gifts.flatMap(({ tapsV }) => [...(tapsV ?? [])]);
          return { ...Object.assign({}, ...gifts), ...(taps.length === 0 ? {} : { tapsV: new Map(taps) }) };
        },
      };
    case 'tmp102':
    case 'lm75':
      return {
        name,
        essential: false,
        reads: chipDriver(THERMOMETERS[sensor.chip]).reads,
        gives: ({ tempC }) => known({ temperatureC: tempC }),
      };
    case 'max17040':
    case 'pijuice':
      return {
        name,
        essential: false,
        reads: chipDriver(GAUGES[sensor.chip]).reads,
        gives: (fields) => chosen(sensor.gives, fields),
      };
    default:
      return {
        name,
        essential: sensor.gives.includes('current'),
        reads: chipDriver(SHUNTS[sensor.chip], sensor).reads,
        gives: (fields) => chosen(sensor.gives, fields),
      };
  }
}

/** The 7-bit address a chip has when nobody changed it. */
export const usualAddress = (chip: Sensor['chip']): number =>
  chip === 'ads1115' ? 0x48 : ({ ...SHUNTS, ...THERMOMETERS, ...GAUGES }[chip].addresses[0] ?? 0x40);

function chosen(gives: readonly ('voltage' | 'current' | 'soc')[], { voltageV, currentA, socRatio }: Fields): Gift {
  return known({
    ...(gives.includes('voltage') ? { voltageV } : {}),
    ...(gives.includes('current') ? { currentA } : {}),
    ...(gives.includes('soc') ? { socRatio } : {}),
  });
}

function ofInput(input: AdcInput, fields: Fields): Gift {
  const pinV = fields[`${input.input}V`];
  if (typeof pinV !== 'number') return {};
  const volts = pinV * input.ratio;
  if (input.gives === 'voltage') return { voltageV: volts };
  if (input.gives === 'current') return { currentA: (volts - input.zeroV) * input.ampsPerV };
  return { tapsV: new Map([[input.tap, volts]]) };
}

function known(fields: Readonly<Record<string, unknown>>): Gift {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => typeof value === 'number' && Number.isFinite(value)),
  );
}

/**
 * One sample of what the sensors gave.
 * @param faults what is wrong with those that gave nothing
 * @param cells in series
 */
export function packOfGifts(
  gifts: readonly Gift[],
  faults: readonly string[],
  cells: number,
  measuredAtMs: number,
): PackSample {
  const { tapsV: _, ...fields } = Object.assign({}, ...gifts) as Gift;
  const temperaturesC = gifts.flatMap(({ temperatureC }) => (temperatureC === undefined ? [] : [temperatureC]));
  const taps = new Map(gifts.flatMap(({ tapsV }) => [...(tapsV ?? [])]));
  const cellsV = cellsOf(taps, cells, fields.voltageV);
  return packSample(
    {
      ...fields,
      // The last tap is the pack.
      ...(fields.voltageV === undefined && taps.has(cells) ? { voltageV: taps.get(cells) } : {}),
      ...(temperaturesC.length === 0 ? {} : { temperaturesC }),
      ...(cellsV === undefined ? {} : { cellsV }),
    },
    measuredAtMs,
    faults.length === 0 ? undefined : faults.map((detail) => ({ code: 'sensor-fault', level: 'warning', detail })),
  );
}

/** Each cell is what is between two taps. Only all of them are a list: one with a gap would number its cells wrongly. */
function cellsOf(taps: ReadonlyMap<number, number>, cells: number, packV: number | undefined): number[] | undefined {
  if (taps.size === 0) return undefined;
  const ends = Array.from({ length: cells }, (_, at) => taps.get(at + 1) ?? (at + 1 === cells ? packV : undefined));
  if (!ends.every((end) => end !== undefined)) return undefined;
  return ends.map((end, at) => end - (at === 0 ? 0 : (ends[at - 1] ?? 0)));
}
