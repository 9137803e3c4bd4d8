import type { RegisterTable, SerialLine } from '#bridge';
import type { Alarm, AlarmCode, AlarmLevel } from '../model/alarms.ts';
import type { MeterSample, PackSample } from '../model/sample.ts';
import { ALARM_CODES } from './alarm-codes.ts';
import { decoded, refused } from './decoded.ts';
import type { Decoded, Fields, RecordedExchange, RegisterBlock, RegisterDriver } from './driver.ts';
import { type Block, mergeBlocks } from './modbus-blocks.ts';
import type { Profile } from './modbus-profile-schema.ts';
import { parseRtu, type RtuExchange } from './modbus-rtu.ts';
import { type RegisterValue, registerValue } from './modbus-values.ts';
import { meterSample, packSample } from './pack-fields.ts';

/** A Modbus driver made from a profile; `aliases` are other names of the same register map. */
export type ProfileDriver = (RegisterDriver<PackSample> | RegisterDriver<MeterSample>) & {
  readonly aliases: readonly string[];
};

const TABLES: Readonly<Record<3 | 4, RegisterTable>> = { 3: 'holding', 4: 'input' };

/**
 * Makes the driver of a checked profile.
 * @throws RangeError when a value is longer than the largest read the profile allows
 */
export function profileDriver(profile: Profile): ProfileDriver {
  const values = Object.entries(profile.registers).map(([name, entry]) => registerValue(name, entry, profile.defaults));
  for (const { name, span } of values) {
    if (span > profile.transport.maxRegisters) {
      throw new RangeError(
        `registers.${name} covers ${span} registers, transport.maxRegisters is ${profile.transport.maxRegisters}`,
      );
    }
  }
  const finish = (fields: Record<string, unknown>): Fields => compute(cutLists(fields, profile), profile);
  const common = {
    id: profile.profile,
    aliases: profile.aliases,
    title: profile.title,
    note: profile.note,
    shape: 'registers',
    line: serialLine(profile.transport),
    gapMs: profile.transport.gapMs,
    defaultUnit: profile.transport.unit,
    reads: mergeBlocks(values, profile.transport).map((block) => registerBlock(block, finish)),
    decode: (exchange: RecordedExchange) => decodeRecorded(exchange, profile, values, finish),
  } as const;
  const told = (fields: Fields): Fields => forSample(finish({ ...fields }), profile);
  if (profile.measures === 'meter') {
    return { ...common, measures: 'meter', sample: (fields, atMs) => meterSample(told(fields), atMs) };
  }
  return {
    ...common,
    measures: 'pack',
    sample: (fields, atMs) => packSample(told(fields), atMs, alarms(fields, profile)),
  };
}

function registerBlock(block: Block, finish: (fields: Record<string, unknown>) => Fields): RegisterBlock {
  const { address, count, cadence, optional } = block;
  return {
    name: `${TABLES[block.fc]} 0x${address.toString(16).padStart(4, '0')}+${count}`,
    cadence,
    ...(optional ? { optional } : {}),
    read: { table: TABLES[block.fc], address, count },
    decode(words) {
      if (words.length !== count) return refused('wrong_length', `${count} registers expected, ${words.length} came`);
      return decoded(finish(readValues(block.values, words, address)));
    },
  };
}

function readValues(values: readonly RegisterValue[], words: Uint16Array, address: number): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const value of values) fields[value.name] = value.read(words.subarray(value.address - address));
  return fields;
}

function decodeRecorded(
  exchange: RecordedExchange,
  profile: Profile,
  values: readonly RegisterValue[],
  finish: (fields: Record<string, unknown>) => Fields,
): Decoded {
  const rtu = parseRtu(exchange.request, exchange.response);
  if ('ok' in rtu) return rtu;
  if (rtu.kind === 'write') return decoded(written(rtu, profile));
  const { address, words, fc } = rtu;
  if (address === undefined) {
    return refused('request', 'a Modbus reply does not say which registers it holds: give the request too');
  }
  const end = address + words.length;
  const inside = values.filter(
    (value) => value.fc === fc && value.address >= address && value.address + value.span <= end,
  );
  return decoded(finish(readValues(inside, words, address)));
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

/** Lists shortened to the number the device says is real (`countFrom`). */
function cutLists(fields: Record<string, unknown>, profile: Profile): Record<string, unknown> {
  for (const [name, { countFrom }] of Object.entries(profile.registers)) {
    const list = fields[name];
    const count = countFrom === undefined ? undefined : fields[countFrom];
    if (Array.isArray(list) && typeof count === 'number') fields[name] = list.slice(0, count);
  }
  return fields;
}

/** Adds the computed values whose parts are all there and which the device did not tell itself. */
function compute(fields: Record<string, unknown>, profile: Profile): Fields {
  for (const [name, rule] of Object.entries(profile.computed)) {
    if (typeof fields[name] === 'number') continue;
    const parts = ('ratio' in rule ? rule.ratio : rule.sum).map((part) => fields[part]);
    if (!parts.every((part): part is number => typeof part === 'number')) continue;
    const [top = 0, bottom = 0] = parts;
    if ('sum' in rule) fields[name] = parts.reduce((sum, part) => sum + part, 0);
    else if (bottom !== 0) fields[name] = top / bottom;
  }
  return fields;
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
    for (const text of names) found.push(alarm(String(text), level));
  }
  return told ? found : undefined;
}

function alarm(name: string, level: AlarmLevel): Alarm {
  const code: AlarmCode | undefined = ALARM_CODES.find((known) => known === name);
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
