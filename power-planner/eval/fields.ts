/** Why a case got no answer; the message names the field, its value and what is allowed. */
export type CaseErrorCode =
  | 'not-json'
  | 'too-long'
  | 'not-a-case'
  | 'unknown-kind'
  | 'missing-field'
  | 'wrong-type'
  | 'out-of-range'
  | 'impossible';

export class CaseError extends Error {
  readonly code: CaseErrorCode;

  constructor(code: CaseErrorCode, message: string) {
    super(message);
    this.name = 'CaseError';
    this.code = code;
  }
}

/** Allowed values, in the unit the field's name ends with. `above` excludes its bound. */
export interface Range {
  readonly min?: number;
  readonly above?: number;
  readonly max: number;
  readonly whole?: boolean;
}

/** Ranges by what is measured: wide enough for anything real, narrow enough to catch a wrong unit. */
export const RANGE = {
  volts: { above: 0, max: 1500 },
  cellVolts: { min: 0.5, max: 5 },
  amperes: { min: 0, max: 100_000 },
  someAmperes: { above: 0, max: 100_000 },
  watts: { min: 0, max: 1_000_000 },
  someWatts: { above: 0, max: 1_000_000 },
  wattHours: { min: 0, max: 10_000_000 },
  ohm: { min: 0, max: 10_000 },
  share: { min: 0, max: 1 },
  someShare: { above: 0, max: 1 },
  factor: { above: 0, max: 100 },
  celsius: { min: -60, max: 120 },
  ampereHours: { above: 0, max: 100_000 },
  milliohm: { min: 0, max: 100_000 },
  rate: { above: 0, max: 1000 },
  series: { min: 1, max: 1000, whole: true },
  strings: { min: 1, max: 10_000, whole: true },
  count: { min: 0, max: 100_000, whole: true },
  hours: { min: 0, max: 1_000_000 },
  years: { min: 0, max: 100 },
} as const satisfies Record<string, Range>;

/** The fields of one case, read with their ranges. Absent and null are the same. */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #path: string;

  constructor(values: Readonly<Record<string, unknown>>, path = '') {
    this.#values = values;
    this.#path = path;
  }

  /** The value as it came; undefined when absent. */
  raw(name: string): unknown {
    return (Object.hasOwn(this.#values, name) ? this.#values[name] : undefined) ?? undefined;
  }

  /** Also true for null, where null says that there is none. */
  given(name: string): boolean {
    return Object.hasOwn(this.#values, name);
  }

  has(name: string): boolean {
    return this.raw(name) !== undefined;
  }

  number(name: string, range: Range): number {
    return this.optional(name, range) ?? this.#missing(name, describe(range));
  }

  optional(name: string, range: Range): number | undefined {
    const value = this.raw(name);
    return value === undefined ? undefined : checked(this.#path + name, value, range);
  }

  oneOf<T extends string>(name: string, choices: readonly T[]): T {
    const value = this.raw(name);
    const allowed = `one of ${choices.join(', ')}`;
    if (value === undefined) return this.#missing(name, allowed);
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw new CaseError('out-of-range', expected(this.#path + name, value, allowed));
    return found;
  }

  optionalOneOf<T extends string>(name: string, choices: readonly T[]): T | undefined {
    return this.has(name) ? this.oneOf(name, choices) : undefined;
  }

  flag(name: string): boolean | undefined {
    const value = this.raw(name);
    if (value === undefined || typeof value === 'boolean') return value;
    throw new CaseError('wrong-type', expected(this.#path + name, value, 'true or false'));
  }

  text(name: string): string | undefined {
    const value = this.raw(name);
    if (value === undefined || typeof value === 'string') return value;
    throw new CaseError('wrong-type', expected(this.#path + name, value, 'a text'));
  }

  /** An object inside. */
  within(name: string): Fields {
    const value = this.raw(name);
    if (value === undefined) return this.#missing(name, 'an object');
    return new Fields(objectOf(this.#path + name, value), `${this.#path}${name}.`);
  }

  list<T>(name: string, read: (item: Fields) => T, longest = LONGEST_LIST): T[] {
    return this.#items(name, longest).map((item, i) => {
      const path = `${this.#path}${name}[${i}]`;
      return read(new Fields(objectOf(path, item), `${path}.`));
    });
  }

  /** Pairs of numbers, e.g. `[[0.2, 0.87], [1, 0.9]]`. */
  pairs(name: string, first: Range, second: Range): (readonly [number, number])[] {
    return this.#items(name).map((item, i) => {
      const path = `${this.#path}${name}[${i}]`;
      if (!Array.isArray(item) || item.length !== 2) {
        throw new CaseError('wrong-type', expected(path, item, 'a pair of numbers'));
      }
      return [checked(`${path}[0]`, item[0], first), checked(`${path}[1]`, item[1], second)];
    });
  }

  #items(name: string, longest = LONGEST_LIST): readonly unknown[] {
    const value = this.raw(name);
    if (value === undefined) return this.#missing(name, 'a list');
    if (!Array.isArray(value)) throw new CaseError('wrong-type', expected(this.#path + name, value, 'a list'));
    if (value.length > longest) {
      throw new CaseError('out-of-range', `${this.#path}${name} has ${value.length} items: ${longest} are allowed`);
    }
    return value;
  }

  #missing(name: string, wanted: string): never {
    throw new CaseError('missing-field', `${this.#path}${name} is missing: expected ${wanted}`);
  }
}

const LONGEST_LIST = 10_000;

/** @throws CaseError when it is not an object. */
export function objectOf(path: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new CaseError('wrong-type', expected(path, value, 'an object'));
}

function checked(path: string, value: unknown, range: Range): number {
  if (typeof value !== 'number') throw new CaseError('wrong-type', expected(path, value, describe(range)));
  const low = range.above === undefined ? value >= (range.min ?? Number.NEGATIVE_INFINITY) : value > range.above;
  if (low && value <= range.max && (range.whole !== true || Number.isInteger(value))) return value;
  throw new CaseError('out-of-range', expected(path, value, describe(range)));
}

function describe({ min, above, max, whole }: Range): string {
  const number = whole === true ? 'a whole number' : 'a number';
  return above === undefined ? `${number} from ${min ?? '-∞'} to ${max}` : `${number} above ${above}, at most ${max}`;
}

/** Values come from anywhere: shown as JSON, and not at length. */
function expected(path: string, value: unknown, wanted: string): string {
  const text = JSON.stringify(value) ?? String(value);
  return `${path} is ${text.length > 60 ? `${text.slice(0, 60)}…` : text}: expected ${wanted}`;
}
