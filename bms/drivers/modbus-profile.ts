import type { RegisterTable, SerialLine } from '#bridge';
import type { Alarm, AlarmCode, AlarmLevel } from '../model/alarms.ts';
import type { MeterSample, PackSample, UpsSample } from '../model/sample.ts';
import { ALARM_CODES } from './alarm-codes.ts';
import { decoded, refused } from './decoded.ts';
import type { Decoded, Fields, RecordedExchange, RegisterBlock, RegisterDriver } from './driver.ts';
import { type Block, mergeBlocks } from './modbus-blocks.ts';
import type { Profile } from './modbus-profile-schema.ts';
import { parseRtu, type RtuExchange } from './modbus-rtu.ts';
import { isTcpRequest, rtuForm } from './modbus-tcp.ts';
import { type RegisterValue, registerValue } from './modbus-values.ts';
import { meterSample, packSample } from './pack-fields.ts';
import { upsSample } from './ups-fields.ts';

/** A Modbus driver made from a profile; `aliases` are other names of the same register map. */
export type ProfileDriver = (RegisterDriver<PackSample> | RegisterDriver<MeterSample> | RegisterDriver<UpsSample>) & {
  readonly aliases: readonly string[];
};

const TABLES: Readonly<Record<RegisterValue['fc'], RegisterTable>> = {
  1: 'coil',
  2: 'discrete',
  3: 'holding',
  4: 'input',
};

/** Registers of one unit or view, and what is said with them. */
interface View {
  readonly unit?: number | undefined;
  readonly says: Readonly<Record<string, string>>;
  readonly values: readonly RegisterValue[];
}

/**
 * Makes the driver of a checked profile.
 * @throws RangeError when a value is longer than the largest read the profile allows, or lies in a unit without a number
 */
export function profileDriver(profile: Profile): ProfileDriver {
  const values = Object.entries(profile.registers).map(([name, entry]) => registerValue(name, entry, profile.defaults));
  for (const { name, span, fc, unit } of values) {
    if (unit !== undefined && profile.transport.units[unit] === undefined) {
      throw new RangeError(`registers.${name}.unit: transport.units has no ${unit}`);
    }
    if (fc > 2 && span > profile.transport.maxRegisters) {
      throw new RangeError(
        `registers.${name} covers ${span} registers, transport.maxRegisters is ${profile.transport.maxRegisters}`,
      );
    }
  }
  const views: readonly View[] = [
    { says: profile.says, values },
    ...Object.values(profile.unpolled).map(({ unit, says, registers }) => ({
      unit,
      says,
      values: Object.entries(registers).map(([name, entry]) => registerValue(name, entry, profile.defaults)),
    })),
  ];
  const finish = finisher(profile);
  const common = {
    id: profile.profile,
    aliases: profile.aliases,
    title: profile.title,
    note: profile.note,
    shape: 'registers',
    line: serialLine(profile.transport),
    gapMs: profile.transport.gapMs,
    defaultUnit: profile.transport.unit,
    units: profile.transport.units,
    reads: mergeBlocks(values, profile.transport).map((block) => registerBlock(block, finish)),
    decode: (exchange: RecordedExchange) => decodeRecorded(exchange, profile, views, finish),
  } as const;
  const told = (fields: Fields): Fields => forSample(finish({ ...fields }), profile);
  if (profile.measures === 'meter') {
    return { ...common, measures: 'meter', sample: (fields, atMs) => meterSample(told(fields), atMs) };
  }
  if (profile.measures === 'ups') {
    return {
      ...common,
      measures: 'ups',
      sample: (fields, atMs) => upsSample(told(fields), atMs, alarms(fields, profile)),
    };
  }
  return {
    ...common,
    measures: 'pack',
    sample: (fields, atMs) => packSample(told(fields), atMs, alarms(fields, profile)),
  };
}

function registerBlock(block: Block, finish: Finish): RegisterBlock {
  const { address, count, unit, cadence, optional } = block;
  return {
    name: `${unit === undefined ? '' : `${unit} `}${TABLES[block.fc]} 0x${address.toString(16).padStart(4, '0')}+${count}`,
    cadence,
    ...(optional ? { optional } : {}),
    ...(unit === undefined ? {} : { unit }),
    read: { table: TABLES[block.fc], address, count },
    decode(words) {
      if (words.length !== count) return refused('wrong_length', `${count} registers expected, ${words.length} came`);
      return decoded(finish(readValues(block.values, words, address)));
    },
  };
}

function readValues(values: readonly RegisterValue[], words: Uint16Array, address: number): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const value of values) fields[value.name] = value.read(words, value.address - address);
  return fields;
}

function decodeRecorded(exchange: RecordedExchange, profile: Profile, views: readonly View[], finish: Finish): Decoded {
  const form = isTcpRequest(exchange.request) ? rtuForm(exchange.request, exchange.response) : exchange;
  if ('ok' in form) return form;
  const rtu = parseRtu(form.request, form.response);
  if ('ok' in rtu) return rtu;
  if (rtu.kind === 'write') return decoded(written(rtu, profile));
  const { unit, address, words, fc, strayBytes } = rtu;
  if (address === undefined) {
    return refused('request', 'a Modbus reply does not say which registers it holds: give the request too');
  }
  if (fc <= 2 && !views.some((view) => view.values.some((value) => value.fc === fc))) {
    return refused('wrong_function', 'this profile has no bits to read', { function: fc });
  }
  const end = address + words.length;
  const fields: Record<string, unknown> = strayBytes > 0 ? { unit, strayBytes } : { unit };
  const named = nameOfUnit(unit, profile);
  for (const view of views) {
    if (view.unit !== undefined && view.unit !== unit) continue;
    const inside = view.values.filter(
      (value) =>
        value.fc === fc && value.address >= address && value.address + value.span <= end && value.unit === named,
    );
    if (inside.length > 0) Object.assign(fields, view.says, readValues(inside, words, address));
  }
  return decoded(finish(fields));
}

/** Name of a unit besides the device's own; undefined for that one, whatever its number. */
function nameOfUnit(unit: number, { transport }: Profile): string | undefined {
  return Object.keys(transport.units).find((known) => transport.units[known] === unit);
}

/** An acknowledged write, with the value that was asked for when it has the profile's usual type. */
function written(rtu: RtuExchange & { kind: 'write' }, profile: Profile): Fields {
  const value = registerValue('requested', { addr: rtu.address }, profile.defaults);
  return {
    writtenRegister: rtu.address,
    writtenCount: rtu.count,
    ...(rtu.requested.length === value.span ? { requestedValue: value.read(rtu.requested) } : {}),
  };
}

type Finish = (fields: Record<string, unknown>) => Fields;

/**
 * What is done to the values of every answer: lists are shortened to the number the device says is real (`countFrom`), and
 * the computed values are added whose parts are all there and which the device did not tell itself.
 */
function finisher(profile: Profile): Finish {
  const cuts = Object.entries(profile.registers).flatMap(([name, { countFrom }]) =>
    countFrom === undefined ? [] : [{ name, countFrom }],
  );
  const rules = Object.entries(profile.computed);
  return (fields) => {
    for (const { name, countFrom } of cuts) {
      const list = fields[name];
      const count = fields[countFrom];
      if (Array.isArray(list) && typeof count === 'number') fields[name] = list.slice(0, count);
    }
    for (const [name, rule] of rules) {
      if (typeof fields[name] === 'number') continue;
      const value = computed(rule, fields);
      if (value !== undefined) fields[name] = value;
    }
    return fields;
  };
}

/** undefined while a part is missing. */
function computed(rule: Profile['computed'][string], fields: Fields): unknown {
  if ('concat' in rule) {
    const lists = rule.concat.map((part) => fields[part]);
    return lists.every((list) => Array.isArray(list)) ? lists.flat() : undefined;
  }
  if ('oneOf' in rule) {
    const [part, words] = rule.oneOf;
    const word = fields[part];
    return typeof word === 'string' ? words.includes(word) : undefined;
  }
  const parts = ('ratio' in rule ? rule.ratio : rule.sum).flatMap((part) => fields[part]);
  if (!parts.every((part): part is number => typeof part === 'number')) return undefined;
  if ('sum' in rule) return parts.reduce((sum, part) => sum + part, 0);
  const [top = 0, bottom = 0] = parts;
  return bottom === 0 ? undefined : top / bottom;
}

function forSample(fields: Fields, profile: Profile): Fields {
  const told: Record<string, unknown> = { ...fields };
  for (const [name, from] of Object.entries(profile.sample)) {
    if (from === 'omit') delete told[name];
    else if (typeof from === 'string') told[name] = fields[from];
    else told[name] = from.map((part) => fields[part]);
  }
  return told;
}

function alarms(fields: Fields, profile: Profile): readonly Alarm[] | undefined {
  const found: Alarm[] = [];
  let told = false;
  for (const [name, { level }] of Object.entries(profile.registers)) {
    const names = fields[name];
    if (level === undefined || !Array.isArray(names)) continue;
    told = true;
    for (const text of names) found.push(alarm(String(text), level, profile));
  }
  return told ? found : undefined;
}

function alarm(name: string, level: AlarmLevel, { alarmCodes }: Profile): Alarm {
  const code: AlarmCode | undefined = alarmCodes[name] ?? ALARM_CODES.find((known) => known === name);
  return code === undefined ? { code: 'vendor', level, detail: name } : { code, level };
}

const PARITY = { N: 'none', E: 'even', O: 'odd' } as const;

function serialLine({ baud, format }: Profile['transport']): SerialLine {
  const [dataBits, parity, stopBits] = format;
  return {
    baud,
    dataBits: dataBits === '7' ? 7 : 8,
    parity: PARITY[parity as keyof typeof PARITY],
    stopBits: stopBits === '2' ? 2 : 1,
  };
}
