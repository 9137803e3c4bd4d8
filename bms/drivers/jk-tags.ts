import type { Fields } from './driver.ts';
import { bitNames, readText } from './fields.ts';

/** The tag list of JK's `4E57` answers. Older firmware leaves tags out, so the list is walked, never indexed. */

interface Tag {
  /** Bytes of the value. */
  readonly size: number;
  /** undefined: no value of ours. */
  readonly key: string | undefined;
  /** Makes a value of the number; undefined: it is text. */
  readonly read: ((raw: number) => unknown) | undefined;
  /** Not told as it is: something is made of it and of others. */
  readonly part: boolean;
}

const CELLS = 0x79;
const CURRENT = 0x84;
const STATUS = 0x8c;
const ALARMS = 0x8b;
const PROTOCOL = 0xc0;
const BYTES_PER_CELL = 3;

const sized = (size: number, key?: string, read?: Tag['read'], part = false): Tag => ({ size, key, read, part });
const number = (key: string, size: number, divisor = 1): Tag => sized(size, key, (raw) => raw / divisor);
const signed = (key: string): Tag => sized(2, key, (raw) => (raw << 16) >> 16);
const flag = (key: string): Tag => sized(1, key, (raw) => raw === 1);
const text = (key: string, size: number): Tag => sized(size, key);
const celsius = (key: string): Tag => sized(2, key, temperature);
const part = ({ size, key, read }: Tag): Tag => sized(size, key, read, true);
/** Known width, no value of ours: writable secrets, switches of no use, or read elsewhere. */
const passed = (size: number): Tag => sized(size);

const TAGS: ReadonlyMap<number, Tag> = new Map<number, Tag>([
  [0x80, celsius('mosfetTempC')],
  [0x81, part(celsius('boxTempC'))],
  [0x82, part(celsius('batteryTempC'))],
  [0x83, number('voltageV', 2, 100)],
  [CURRENT, part(number('rawCurrent', 2))],
  [0x85, number('socRatio', 1, 100)],
  [0x86, number('tempSensorCount', 1)],
  [0x87, number('cycles', 2)],
  [0x89, number('cycleCapacityAh', 4)],
  [0x8a, number('cellCount', 2)],
  [ALARMS, part(number('alarmBits', 2))],
  [STATUS, part(number('statusBits', 2))],
  [0x8e, number('packOvV', 2, 100)],
  [0x8f, number('packUvV', 2, 100)],
  [0x90, number('cellOvV', 2, 1000)],
  [0x91, number('cellOvReleaseV', 2, 1000)],
  [0x92, number('cellOvDelayS', 2)],
  [0x93, number('cellUvV', 2, 1000)],
  [0x94, number('cellUvReleaseV', 2, 1000)],
  [0x95, number('cellUvDelayS', 2)],
  [0x96, number('cellDifferenceLimitV', 2, 1000)],
  [0x97, number('dischargeOcA', 2)],
  [0x98, number('dischargeOcDelayS', 2)],
  [0x99, number('chargeOcA', 2)],
  [0x9a, number('chargeOcDelayS', 2)],
  [0x9b, number('balanceStartV', 2, 1000)],
  [0x9c, number('balanceTriggerV', 2, 1000)],
  [0x9d, flag('balanceSwitch')],
  [0x9e, number('mosfetOtC', 2)],
  [0x9f, number('mosfetOtReleaseC', 2)],
  [0xa0, number('boxOtC', 2)],
  [0xa1, number('boxOtReleaseC', 2)],
  [0xa2, number('sensorDifferenceC', 2)],
  [0xa3, number('chargeOtC', 2)],
  [0xa4, number('dischargeOtC', 2)],
  [0xa5, signed('chargeUtC')],
  [0xa6, signed('chargeUtReleaseC')],
  [0xa7, signed('dischargeUtC')],
  [0xa8, signed('dischargeUtReleaseC')],
  [0xa9, number('cellCountSetting', 1)],
  [0xaa, number('nominalAh', 4)],
  [0xab, flag('chargeSwitch')],
  [0xac, flag('dischargeSwitch')],
  [0xad, passed(2)],
  [0xae, number('address', 1)],
  [0xaf, sized(1, 'batteryType', (raw) => ['lifepo4', 'li-ion', 'lto'][raw] ?? `unknown_${raw}`)],
  [0xb0, number('sleepDelayS', 2)],
  [0xb1, number('lowSocRatio', 1, 100)],
  [0xb2, passed(10)],
  [0xb3, passed(1)],
  [0xb4, text('deviceId', 8)],
  [0xb5, text('manufactureMonth', 4)],
  [0xb6, number('uptimeMin', 4)],
  [0xb7, text('softwareVersion', 15)],
  [0xb8, passed(1)],
  [0xb9, number('actualAh', 4)],
  [0xba, text('manufacturerId', 24)],
  [0xbe, passed(2)],
  [0xbf, passed(2)],
  [PROTOCOL, part(number('protocolVersion', 1))],
]);

const ALARM_NAMES = [
  'low_capacity',
  'mosfet_overtemperature',
  'charging_overvoltage',
  'discharging_undervoltage',
  'battery_overtemperature',
  'charge_overcurrent',
  'discharge_overcurrent',
  'cell_difference',
  'box_overtemperature',
  'battery_undertemperature',
  'cell_overvoltage',
  'cell_undervoltage',
  'afe_309a_protection',
  'afe_309b_protection',
] as const;

/** Values of a tag list. Stops quietly at the first tag of unknown width and keeps what came before. */
export function readTags(body: Uint8Array): Fields {
  const fields: Record<string, unknown> = {};
  const parts: Record<string, unknown> = {};
  let at = 0;
  while (at < body.length) {
    const tag = body[at] ?? 0;
    if (tag === CELLS) {
      const length = body[at + 1] ?? 0;
      const values = body.subarray(at + 2, at + 2 + length);
      if (values.length < length || length % BYTES_PER_CELL !== 0) break;
      fields.cellsV = cells(values);
      at += 2 + length;
      continue;
    }
    const known = TAGS.get(tag);
    const end = at + 1 + (known?.size ?? body.length);
    if (known === undefined || end > body.length) break;
    const told = known.part ? parts : fields;
    if (known.key !== undefined) told[known.key] = readTag(known, body, at + 1, end);
    at = end;
  }
  return finished(fields, parts);
}

function readTag({ read }: Tag, body: Uint8Array, from: number, end: number): unknown {
  return read === undefined ? readText(body.subarray(from, end)) : read(unsigned(body, from, end));
}

/** Each cell brings its number; a board that leaves one out leaves a hole that must not shift the others. */
function cells(values: Uint8Array): (number | null)[] {
  const voltages: (number | null)[] = [];
  for (let at = 0; at < values.length; at += BYTES_PER_CELL) {
    const cell = values[at] ?? 0;
    while (voltages.length < cell) voltages.push(null);
    if (cell > 0) voltages[cell - 1] = unsigned(values, at + 1, at + BYTES_PER_CELL) / 1000;
  }
  return voltages;
}

/** What needs more than one tag. */
function finished(fields: Record<string, unknown>, parts: Fields): Fields {
  const { rawCurrent, statusBits, alarmBits, boxTempC, batteryTempC, protocolVersion } = parts;
  // The list ends with the tag that says how to read the current near its start.
  if (typeof rawCurrent === 'number') {
    fields.protocolVersion = protocolVersion ?? 0;
    fields.currentA = current(rawCurrent, protocolVersion === 1);
  }
  if (typeof statusBits === 'number') {
    fields.chargeMosfet = (statusBits & 1) !== 0;
    fields.dischargeMosfet = (statusBits & 2) !== 0;
    fields.balancing = (statusBits & 4) !== 0;
  }
  if (typeof alarmBits === 'number') {
    fields.alarmBits = alarmBits;
    fields.alarms = bitNames(alarmBits, ALARM_NAMES);
  }
  const sensors = [boxTempC, batteryTempC].filter((value) => value !== undefined);
  if (sensors.length > 0) fields.tempsC = sensors;
  return fields;
}

/** A: with the newer format the top bit says "charging", with the older one 10000 is zero and discharge counts up. */
function current(raw: number, newer: boolean): number {
  if (!newer) return (10_000 - raw) / 100;
  const amperes = (raw & 0x7fff) / 100;
  return raw & 0x8000 || amperes === 0 ? amperes : -amperes;
}

/** 0 to 100 °C; above that the part over 100 is below zero. */
function temperature(raw: number): number {
  return raw <= 100 ? raw : 100 - raw;
}

function unsigned(bytes: Uint8Array, from: number, end: number): number {
  let value = 0;
  for (let at = from; at < end; at += 1) value = value * 256 + (bytes[at] ?? 0);
  return value;
}
