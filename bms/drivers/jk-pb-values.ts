import type { Fields } from './driver.ts';
import { bitNames, bitNumbers, listOf, NUMBERS, readText, viewOf } from './fields.ts';

/**
 * The three blocks of a JK PB board. The 300-byte frames carry them little-endian from byte 6 on, the Modbus map big-endian;
 * the offsets are the same. A read may hold a part of a block: values that are not whole in it are left out.
 */

/** A part of a block: `bytes` begin at offset `from`. */
export interface Part {
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly littleEndian: boolean;
}

type Width = keyof typeof SIZES;
type Field = readonly [key: string, offset: number, width: Width, convert?: (raw: number) => unknown];

const SIZES = { u8: 1, u16: 2, s16: 2, u32: 4, s32: 4 } as const;

const milli = (raw: number): number => raw / 1000;
const percent = (raw: number): number => raw / 100;
const isOn = (raw: number): boolean => raw === 1;
const deci = (raw: number): number => raw / 10;
/** -200.0 °C stands for a sensor that is not fitted. */
const celsius = (raw: number): number | null => (raw === -2000 ? null : raw / 10);
const balanceState = (raw: number): string => ['off', 'charge', 'discharge'][raw] ?? `unknown_${raw}`;

/** Where a firmware keeps its status. */
interface Layout {
  /** Places for cells, at the beginning. */
  readonly places: number;
  /** Two words, the sensors at the cells. */
  readonly sensorsAt: number;
  /** Two words, the fourth and fifth sensor. The place of the third repeats the MOSFETs'. */
  readonly furtherAt?: number;
  readonly fields: readonly Field[];
  /** Those of them that show whether the cells add up to the pack. */
  readonly telling: readonly Field[];
}

function layout(places: number, sensorsAt: number, fields: readonly Field[]): Omit<Layout, 'furtherAt'> {
  const telling = fields.filter(([key]) => key === 'cellMask' || key === 'voltageV');
  return { places, sensorsAt, fields, telling };
}

const NEWER: Layout = {
  furtherAt: 250,
  ...layout(32, 156, [
    ['cellMask', 64, 'u32'],
    ['cellAverageV', 68, 'u16', milli],
    ['cellDifferenceV', 70, 'u16', milli],
    ['mosfetTempC', 138, 's16', celsius],
    ['voltageV', 144, 'u32', milli],
    ['currentA', 152, 's32', milli],
    ['alarmBits', 160, 'u32'],
    ['balanceCurrentA', 164, 's16', milli],
    ['balanceState', 166, 'u8', balanceState],
    ['socRatio', 167, 'u8', percent],
    ['remainingAh', 168, 's32', milli],
    ['fullAh', 172, 'u32', milli],
    ['cycles', 176, 'u32'],
    ['cycleCapacityAh', 180, 'u32', milli],
    ['sohRatio', 184, 'u8', percent],
    ['runtimeS', 188, 'u32'],
    ['chargeMosfet', 192, 'u8', isOn],
    ['dischargeMosfet', 193, 'u8', isOn],
    ['tempSensorBits', 208, 'u8'],
    ['heating', 209, 'u8', isOn],
  ]),
};

/** Firmware before 11. */
const OLDER: Layout = layout(24, 124, [
  ['cellMask', 48, 'u32'],
  ['cellAverageV', 52, 'u16', milli],
  ['cellDifferenceV', 54, 'u16', milli],
  ['voltageV', 112, 'u32', milli],
  ['currentA', 120, 's32', milli],
  ['mosfetTempC', 128, 's16', celsius],
  ['alarmBits', 130, 'u16'],
  ['balanceCurrentA', 132, 's16', milli],
  ['balanceState', 134, 'u8', balanceState],
  ['socRatio', 135, 'u8', percent],
  ['remainingAh', 136, 's32', milli],
  ['fullAh', 140, 'u32', milli],
  ['cycles', 144, 'u32'],
  ['cycleCapacityAh', 148, 'u32', milli],
  ['sohRatio', 152, 'u8', percent],
  ['runtimeS', 156, 'u32'],
  ['chargeMosfet', 160, 'u8', isOn],
  ['dischargeMosfet', 161, 'u8', isOn],
]);

const SETTINGS: readonly Field[] = [
  ['smartSleepV', 0, 'u32', milli],
  ['cellUvV', 4, 'u32', milli],
  ['cellUvRecoverV', 8, 'u32', milli],
  ['cellOvV', 12, 'u32', milli],
  ['cellOvRecoverV', 16, 'u32', milli],
  ['balanceTriggerV', 20, 'u32', milli],
  ['soc100V', 24, 'u32', milli],
  ['soc0V', 28, 'u32', milli],
  ['chargeV', 32, 'u32', milli],
  ['floatV', 36, 'u32', milli],
  ['powerOffV', 40, 'u32', milli],
  ['chargeLimitA', 44, 'u32', milli],
  ['chargeOcDelayS', 48, 'u32'],
  ['chargeOcReleaseS', 52, 'u32'],
  ['dischargeLimitA', 56, 'u32', milli],
  ['dischargeOcDelayS', 60, 'u32'],
  ['dischargeOcReleaseS', 64, 'u32'],
  ['shortReleaseS', 68, 'u32'],
  ['balanceMaxA', 72, 'u32', milli],
  ['chargeOtC', 76, 's32', deci],
  ['chargeOtRecoverC', 80, 's32', deci],
  ['dischargeOtC', 84, 's32', deci],
  ['dischargeOtRecoverC', 88, 's32', deci],
  ['chargeUtC', 92, 's32', deci],
  ['chargeUtRecoverC', 96, 's32', deci],
  ['mosfetOtC', 100, 's32', deci],
  ['mosfetOtRecoverC', 104, 's32', deci],
  ['cellCount', 108, 'u32'],
  ['chargeSwitch', 112, 'u32', isOn],
  ['dischargeSwitch', 116, 'u32', isOn],
  ['balanceSwitch', 120, 'u32', isOn],
  ['nominalAh', 124, 'u32', milli],
  ['shortDelayUs', 128, 'u32'],
  ['balanceStartV', 132, 'u32', milli],
  ['deviceAddress', 264, 'u32'],
  ['controlBits', 276, 'u16'],
];

const ALARM_NAMES = [
  'wire_resistance',
  'mosfet_overtemperature',
  'cell_count_mismatch',
  'current_sensor_fault',
  'cell_overvoltage',
  'pack_overvoltage',
  'charge_overcurrent',
  'charge_short_circuit',
  'charge_overtemperature',
  'charge_undertemperature',
  'internal_communication_fault',
  'cell_undervoltage',
  'pack_undervoltage',
  'discharge_overcurrent',
  'discharge_short_circuit',
  'discharge_overtemperature',
  'charge_mosfet_fault',
  'discharge_mosfet_fault',
  'gps_disconnected',
  'change_password',
  'discharge_on_failed',
  'battery_overtemperature',
  'temperature_sensor_fault',
  'parallel_module_fault',
] as const;

/** Settings that a part holds. */
export function pbSettings(part: Part): Fields {
  return readFields(SETTINGS, part);
}

/** Model and versions. The PIN and the user's texts behind them are left alone. */
export function pbAbout(part: Part): Fields {
  const fields: Record<string, unknown> = {};
  const texts = [
    ['model', 0, 16],
    ['hardwareVersion', 16, 8],
    ['softwareVersion', 24, 8],
    ['deviceName', 40, 16],
  ] as const;
  for (const [key, offset, length] of texts) {
    const at = offset - part.from;
    if (at >= 0 && at + length <= part.bytes.length) fields[key] = readText(part.bytes.subarray(at, at + length));
  }
  const numbers: readonly Field[] = [
    ['runtimeS', 32, 'u32'],
    ['powerOnCount', 36, 'u32'],
  ];
  return { ...fields, ...readFields(numbers, part) };
}

/** Status in whichever of the two layouts the cells add up to the pack; the newer one when that does not tell. */
export function pbStatus(part: Part, told?: '24s' | '32s'): Fields {
  if (told !== undefined) return status(told === '24s' ? OLDER : NEWER, part);
  return status(!addsUp(NEWER, part) && addsUp(OLDER, part) ? OLDER : NEWER, part);
}

/** Difference allowed between the pack and its cells, read a moment apart. */
const ADDS_UP_RATIO = 0.03;

function addsUp({ places, telling }: Layout, part: Part): boolean {
  const { cellMask, voltageV } = readFields(telling, part);
  const cellsV = cells(part, places, cellMask);
  if (cellsV === undefined || typeof voltageV !== 'number') return false;
  const sumV = cellsV.reduce((sum, cellV) => sum + cellV, 0);
  return voltageV > 0 && Math.abs(sumV - voltageV) <= ADDS_UP_RATIO * voltageV;
}

function status(own: Layout, part: Part): Fields {
  const fields = readFields(own.fields, part);
  const { cellMask, alarmBits } = fields;
  const cellsV = cells(part, own.places, cellMask);
  if (typeof cellMask === 'number') fields.cellCount = bitNumbers(cellMask).length;
  if (cellsV !== undefined) fields.cellsV = cellsV;
  if (typeof alarmBits === 'number') fields.alarms = bitNames(alarmBits, ALARM_NAMES);
  const near = sensors(part, own.sensorsAt, fields.tempSensorBits, 1);
  if (near !== undefined) fields.tempsC = near;
  const further = own.furtherAt === undefined ? undefined : sensors(part, own.furtherAt, fields.tempSensorBits, 4);
  if (further !== undefined) fields.furtherTempsC = further;
  return fields;
}

/** Two sensors, the first of which has bit `firstBit` among those that are fitted. */
function sensors(part: Part, offset: number, fitted: unknown, firstBit: number): (number | null)[] | undefined {
  const at = offset - part.from;
  if (at < 0 || at + 4 > part.bytes.length) return undefined;
  const view = viewOf(part.bytes);
  // No bit at all says nothing of the two that every board has.
  const bits = typeof fitted === 'number' && (fitted !== 0 || firstBit > 2) ? fitted : 0xff;
  return [0, 1].map((place) =>
    (bits >>> (firstBit + place)) & 1 ? celsius(NUMBERS.s16(view, at + 2 * place, part.littleEndian)) : null,
  );
}

/** What a sample knows of all blocks together: every sensor at the cells, and the capacity the board was told. */
export function pbSampleFields(fields: Fields): Fields {
  const { tempsC, furtherTempsC, nominalAh: ratedAh } = fields;
  const near: readonly unknown[] = Array.isArray(tempsC) ? tempsC : [];
  const further: readonly unknown[] = Array.isArray(furtherTempsC) ? furtherTempsC : [];
  return { ...fields, ratedAh, tempsC: [...near, ...further] };
}

/** Cells that are fitted; a fitted one can read 0. Without the mask, every place that was read. */
function cells({ bytes, from, littleEndian }: Part, places: number, mask: unknown): readonly number[] | undefined {
  if (from > 0) return undefined;
  const read = Math.min(places, bytes.length >>> 1);
  const numbers = typeof mask === 'number' ? bitNumbers(mask) : listOf(read, (at) => at + 1);
  if (numbers.length === 0) return undefined;
  const view = viewOf(bytes);
  return numbers.map((cell) => (cell > read ? 0 : milli(NUMBERS.u16(view, 2 * (cell - 1), littleEndian))));
}

/** Those that lie in the part. */
function readFields(table: readonly Field[], { bytes, from, littleEndian }: Part): Record<string, unknown> {
  const view = viewOf(bytes);
  const fields: Record<string, unknown> = {};
  for (const [key, offset, width, convert] of table) {
    const at = offset - from;
    if (at < 0 || at + SIZES[width] > bytes.length) continue;
    const raw = NUMBERS[width](view, at, littleEndian);
    fields[key] = convert === undefined ? raw : convert(raw);
  }
  return fields;
}
