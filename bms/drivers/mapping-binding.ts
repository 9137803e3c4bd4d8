import { onOrOff, valueAt } from './json-path.ts';
import type { Mapping, MappingValue } from './mapping-schema.ts';
import { toldNumber } from './told-number.ts';

/** A mapping whose parameters are filled in, and the reading of single messages by it. Pure. */

/** One thing a message tells. `index`: its place in a list, from 0. */
export interface Told {
  readonly name: string;
  readonly index?: number;
  /** undefined: it is told that there is no value, or what stands there is none. */
  readonly value: unknown;
}

/** What one message says. */
export interface Reading {
  readonly told: readonly Told[];
  /** Alarms by their place in the mapping: on, off, or not told. */
  readonly alarms: readonly { readonly at: number; readonly on: boolean }[];
  /** Whether the publisher is there, where the message is about that. */
  readonly available?: boolean;
  /** When it was measured by its own word, wall ms. */
  readonly atMs?: number;
}

/** A mapping for one device: topics or requests by name, and how each is read. */
export interface BoundMapping {
  /** Whole topics, or paths of requests. */
  readonly topics: readonly string[];
  readonly requests: readonly string[];
  readonly keepAlive?: { readonly topic: string; readonly payload: string; readonly everyS: number };
  /** How many elements a list has, by its name. */
  readonly lists: ReadonlyMap<string, number>;
  /** What a message says; a refusal when it cannot be read at all. An empty text takes its values back. */
  read(key: string, text: string): Reading | { readonly code: string; readonly message: string };
}

/** Longest payload that is looked at, characters. */
export const MAX_PAYLOAD = 64 * 1024;

/** The most cells a list has when nobody says how many there are. */
const MOST_CELLS = 48;

export type Place = Pick<MappingValue, 'in' | 'topic' | 'path'>;

interface Step {
  readonly path: string | undefined;
  readonly take: (raw: unknown, into: Mutable) => void;
}

interface Mutable {
  readonly told: Told[];
  readonly alarms: { at: number; on: boolean }[];
  available?: boolean;
}

interface Source {
  readonly steps: Step[];
  timestamp?: NonNullable<Mapping['messages'][string]['timestamp']>;
}

/**
 * The mapping with its parameters filled in.
 * @param cells how many cells the pack has; without it `cells` of a list stands for the most there can be
 * @throws RangeError when a parameter is missing or unknown
 */
export function bindMapping(mapping: Mapping, given: Readonly<Record<string, string>>, cells?: number): BoundMapping {
  const fill = filler(mapping, given);
  const topics = new Set<string>();
  const requests = new Set<string>();
  const sources = new Map<string, Source>();
  const lists = new Map<string, number>();

  const sourceOf = (key: string): Source => {
    const known = sources.get(key) ?? { steps: [] };
    sources.set(key, known);
    return known;
  };
  const add = (place: Place, n: number | undefined, take: Step['take']): void => {
    const numbered = (text: string): string => (n === undefined ? text : text.replaceAll('{n}', String(n)));
    const step = { path: place.path === undefined ? undefined : numbered(place.path), take };
    const message = place.in === undefined ? { topic: place.topic } : mapping.messages[place.in];
    const { topic, request, timestamp } = { request: undefined, timestamp: undefined, ...message };
    for (const [template, set] of [
      [topic, topics],
      [request, requests],
    ] as const) {
      if (template === undefined) continue;
      const key = fill(numbered(template));
      set.add(key);
      const source = sourceOf(key);
      source.steps.push(step);
      if (timestamp !== undefined) source.timestamp = timestamp;
    }
  };

  for (const [name, value] of Object.entries(mapping.values)) {
    const read = reader(value);
    const { list } = value;
    if (list === undefined) {
      add(value, undefined, (raw, into) => into.told.push({ name, value: read(raw) }));
      continue;
    }
    const count = list.count === 'cells' ? (cells ?? MOST_CELLS) : list.count;
    lists.set(name, count);
    for (let index = 0; index < count; index += 1)
      add(value, list.from + index, (raw, into) => into.told.push({ name, index, value: read(raw) }));
  }
  mapping.alarms.forEach((alarm, at) => {
    add(alarm, undefined, (raw, into) => {
      if (raw !== undefined && raw !== null) into.alarms.push({ at, on: isOneOf(raw, alarm.equals) });
    });
  });
  for (const each of mapping.availability)
    add(each, undefined, (raw, into) => {
      if (isOneOf(raw, each.offline)) into.available = false;
      else if (each.online === undefined ? raw !== undefined : isOneOf(raw, each.online)) into.available ??= true;
    });

  const { keepAlive } = mapping;
  return {
    topics: [...topics],
    requests: [...requests],
    ...(keepAlive === undefined
      ? {}
      : {
          keepAlive: { topic: fill(keepAlive.topic), payload: fill(keepAlive.payload), everyS: keepAlive.every },
        }),
    lists,
    read(key, text) {
      const source = sources.get(key);
      if (source === undefined) return { code: 'unknown_topic', message: 'the mapping does not know this topic' };
      return readText(text, source);
    },
  };
}

function readText(text: string, { steps, timestamp }: Source): ReturnType<BoundMapping['read']> {
  if (text.length > MAX_PAYLOAD)
    return { code: 'too_long', message: `more than ${MAX_PAYLOAD} characters: not looked at` };
  let json: unknown;
  if (text.trim() !== '' && (timestamp !== undefined || steps.some(({ path }) => path !== undefined))) {
    try {
      json = JSON.parse(text);
    } catch {
      return { code: 'not_json', message: 'JSON is expected here' };
    }
  }
  const into: Mutable = { told: [], alarms: [] };
  const empty = text.trim() === '';
  for (const { path, take } of steps) {
    const raw = empty ? undefined : path === undefined ? text : valueAt(json, path);
    // What an object does not mention it says nothing about; only an empty text takes values back.
    if (raw !== undefined || empty) take(raw, into);
  }
  if (timestamp === undefined) return into;
  const atMs = timeOf(valueAt(json, timestamp.path), timestamp.form);
  return atMs === undefined ? into : { ...into, atMs };
}

function timeOf(raw: unknown, form: 's' | 'ms' | 'iso'): number | undefined {
  const ms =
    form === 'iso'
      ? typeof raw === 'string' && /(Z|[+-]\d\d:?\d\d)$/.test(raw)
        ? Date.parse(raw)
        : Number.NaN
      : Number(toldNumber(raw, undefined) ?? Number.NaN) * (form === 's' ? 1000 : 1);
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}

function filler(mapping: Mapping, given: Readonly<Record<string, string>>): (template: string) => string {
  const known = mapping.parameters;
  for (const name of Object.keys(given))
    if (known[name] === undefined)
      throw new RangeError(`mapping ${mapping.mapping} has no parameter ${name}; it knows ${names(known)}`);
  const values = new Map<string, string>();
  for (const [name, { about, default: usual }] of Object.entries(known)) {
    const value = given[name] ?? usual;
    if (value === undefined) throw new RangeError(`mapping ${mapping.mapping} needs ${name}: ${about}`);
    values.set(name, value);
  }
  return (template) => template.replace(/\{([a-zA-Z0-9]+)\}/g, (whole, name: string) => values.get(name) ?? whole);
}

const names = (known: object): string => Object.keys(known).join(', ') || 'none';

/** One raw value to what it means; undefined when it means nothing. */
function reader(value: MappingValue): (raw: unknown) => unknown {
  const { unit, scale = 1, offset = 0, na = [], min = -Infinity, max = Infinity, words, flag } = value;
  if (flag !== undefined)
    return (raw) => (flag === true ? onOrOff(plain(raw)) : onOrOff(plain(raw), flag.on, flag.off));
  if (words !== undefined)
    return (raw) => {
      if ((typeof raw !== 'string' && typeof raw !== 'number') || isOneOf(raw, na)) return undefined;
      const text = String(raw).trim();
      const word = words === true ? text : Object.hasOwn(words, text) ? words[text] : undefined;
      return word === undefined || word === '' || word.length > 100 ? undefined : printable(word);
    };
  return (raw) => {
    if (isOneOf(raw, na)) return undefined;
    const number = toldNumber(raw, unit);
    if (number === undefined) return undefined;
    const result = scale === 1 && offset === 0 ? number : rounded(number * scale + offset);
    return result >= min && result <= max ? result : undefined;
  };
}

const plain = (raw: unknown): unknown => (typeof raw === 'string' ? raw.trim() : raw);
const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?');
const rounded = (value: number): number => Math.round(value * 1e6) / 1e6;

/** The same, whether it came as text or as JSON. */
function isOneOf(raw: unknown, words: readonly (string | number | boolean)[]): boolean {
  if (raw === undefined || raw === null || typeof raw === 'object') return false;
  const text = String(raw).trim();
  return words.some((word) => String(word) === text);
}
