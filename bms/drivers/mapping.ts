import type { Alarm } from '../model/alarms.ts';
import type { Sample } from '../model/sample.ts';
import { decoded, refused } from './decoded.ts';
import type { Decoded, Fields, RecordedExchange } from './driver.ts';
import { type BoundMapping, bindMapping, type Place, type Reading } from './mapping-binding.ts';
import type { Mapping } from './mapping-schema.ts';
import { meterSample, packSample } from './pack-fields.ts';
import { upsSample } from './ups-fields.ts';

/** A device that is read out of what somebody else publishes. Everything here is pure. */
export interface MappingDriver {
  readonly shape: 'messages';
  readonly id: string;
  readonly aliases: readonly string[];
  readonly title: string;
  readonly note: string;
  readonly measures: Sample['kind'];
  readonly mapping: Mapping;
  /** One message, `text` under its `topic` (or the path of a request): what it says. Never throws. */
  decode(exchange: RecordedExchange): Decoded;
  /** @param measuredAtMs wall time, ms */
  sample(fields: Fields, measuredAtMs: number, alarms: readonly Alarm[] | undefined): Sample;
  /**
   * The mapping with its parameters filled in.
   * @param cells how many cells the pack has; without it `cells` of a list stands for the most there can be
   * @throws RangeError when a parameter is missing or unknown
   */
  bind(parameters: Readonly<Record<string, string>>, cells?: number): BoundMapping;
}

/** A driver from a checked mapping. @throws TypeError when it contradicts itself */
export function mappingDriver(mapping: Mapping): MappingDriver {
  checkPlaces(mapping);
  const { measures } = mapping;
  return {
    shape: 'messages',
    id: mapping.mapping,
    aliases: mapping.aliases,
    title: mapping.title,
    note: mapping.note,
    measures,
    mapping,
    decode: (exchange) => decodeRecorded(exchange, mapping),
    sample: (fields, atMs, alarms) =>
      measures === 'pack'
        ? packSample(fields, atMs, alarms)
        : measures === 'meter'
          ? meterSample(fields, atMs)
          : upsSample(fields, atMs, alarms),
    bind: (parameters, cells) => bindMapping(mapping, parameters, cells),
  };
}

/** Alarm of a mapping by its place. */
export function mappedAlarm({ alarms }: Mapping, at: number): Alarm | undefined {
  const found = alarms[at];
  if (found === undefined) return undefined;
  const { code, level, detail } = found;
  return { code, level, ...(detail === undefined ? {} : { detail }) };
}

function checkPlaces(mapping: Mapping): void {
  const { messages, values, alarms, availability, requires } = mapping;
  const check = (what: string, place: Place): void => {
    if ((place.in === undefined) === (place.topic === undefined))
      throw new TypeError(`${what}: say either in: (a message) or topic:`);
    if (place.in !== undefined && messages[place.in] === undefined)
      throw new TypeError(`${what}: no message is called ${place.in}`);
  };
  for (const [name, value] of Object.entries(values)) {
    check(`values.${name}`, value);
    const numbered = [value.topic, value.path, value.in && messages[value.in]?.topic].some((at) => at?.includes('{n}'));
    if (numbered !== (value.list !== undefined)) throw new TypeError(`values.${name}: list: and {n} go together`);
  }
  alarms.forEach((alarm, at) => {
    check(`alarms[${at}]`, alarm);
    if (alarm.code === 'vendor' && alarm.detail === undefined)
      throw new TypeError(`alarms[${at}]: an alarm of the vendor needs detail:`);
  });
  availability.forEach((each, at) => {
    check(`availability[${at}]`, each);
  });
  for (const [name, { topic, request }] of Object.entries(messages))
    if (topic === undefined && request === undefined)
      throw new TypeError(`messages.${name}: say topic: or request:, or both`);
  for (const name of requires)
    if (values[name] === undefined) throw new TypeError(`requires: no value is called ${name}`);
}

/** Which template a topic belongs to, and what its parameters are then. */
function parametersOf(mapping: Mapping, key: string): Record<string, string> | undefined {
  const templates = [
    ...Object.values(mapping.messages).flatMap(({ topic, request }) => [topic, request]),
    ...[...Object.values(mapping.values), ...mapping.alarms, ...mapping.availability].map(({ topic }) => topic),
  ].filter((template) => template !== undefined);
  for (const template of templates) {
    const found: string[] = [];
    const pattern = template
      .split(/(\{[a-zA-Z0-9]+\})/)
      .map((part) => {
        if (part === '{n}') return '\\d{1,3}';
        if (!part.startsWith('{')) return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
        const name = part.slice(1, -1);
        const again = found.indexOf(name);
        if (again >= 0) return `\\${again + 1}`;
        found.push(name);
        return name === 'topic' ? '(.+)' : '([^/]+)';
      })
      .join('');
    const match = new RegExp(`^${pattern}$`).exec(key);
    if (match !== null) return Object.fromEntries(found.map((name, at) => [name, match[at + 1] ?? '']));
  }
  return undefined;
}

function decodeRecorded({ topic, request, text }: RecordedExchange, mapping: Mapping): Decoded {
  const key = topic ?? (request === undefined ? undefined : Buffer.from(request).toString('latin1'));
  if (key === undefined || text === undefined)
    return refused('request', 'give topic and text, or request_text (a path) and text');
  if (key.length > 1000) return refused('unknown_topic', 'a topic that long is none');
  const found = parametersOf(mapping, key);
  if (found === undefined) return refused('unknown_topic', `mapping ${mapping.mapping} does not know this topic`);
  const missing = Object.keys(mapping.parameters).filter(
    (name) => found[name] === undefined && mapping.parameters[name]?.default === undefined,
  );
  const reading = bindMapping(mapping, { ...found, ...Object.fromEntries(missing.map((name) => [name, '-'])) }).read(
    key,
    text,
  );
  if ('code' in reading) return refused(reading.code, reading.message);
  return decoded(shown(reading, mapping));
}

/** What a reading says, for people: elements of a list by their number, or the whole list where it came in one message. */
function shown({ told, alarms, available, atMs }: Reading, mapping: Mapping): Fields {
  const fields: Record<string, unknown> = {};
  const lists: Record<string, Record<string, unknown>> = {};
  for (const { name, index, value } of told) {
    if (index === undefined) fields[name] = value ?? null;
    else if (value !== undefined) {
      const number = index + (mapping.values[name]?.list?.from ?? 1);
      lists[name] = { ...lists[name], [number]: value };
    }
  }
  for (const [name, list] of Object.entries(lists)) {
    const whole = Object.keys(list).length > 1;
    fields[name] = whole ? Object.values(list) : list;
  }
  const on = alarms.filter((each) => each.on).map(({ at }) => mapping.alarms[at]);
  if (alarms.length > 0) fields.alarms = on.map((each) => each?.detail ?? each?.code);
  if (available !== undefined) fields.available = available;
  if (atMs !== undefined) fields.measuredAtMs = atMs;
  return fields;
}
