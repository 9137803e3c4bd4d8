import { readFileSync } from 'node:fs';
import type { RecordedExchange } from '../../../bms/drivers/driver.ts';
import { recordedRegisters } from '../../../bms/drivers/i2c/recorded.ts';
import { driverFor, UnknownDriverError } from '../../../bms/drivers/registry.ts';
import { hexToBytes } from '../../../firmware-bridge/index.ts';

/** One entry of the vector files; the form is told in the protocol notes. */
export interface Vector {
  readonly name: string;
  readonly protocol: string;
  readonly profile?: string;
  readonly tolerance?: number;
  readonly request_hex?: string;
  readonly response_hex?: string;
  readonly request_text?: string;
  readonly text?: string;
  readonly direction?: string;
  readonly chunks_hex?: readonly string[];
  /** What earlier answers of the same device told. */
  readonly context?: Readonly<Record<string, unknown>>;
  /** Chips on I2C. */
  readonly chip?: string;
  readonly registers?: Readonly<Record<string, string>>;
  readonly smbus_words?: Readonly<Record<string, number>>;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly transport_error?: string;
  readonly expect: Readonly<Record<string, unknown>>;
}

export function readVectors(file: string): readonly Vector[] {
  const path = new URL(`../../fixtures/bms/${file}.json`, import.meta.url);
  return JSON.parse(readFileSync(path, 'utf8')) as Vector[];
}

/** The driver whose business a vector is; undefined where no built-in driver speaks it. */
export function driverOf(vector: Vector): string {
  const name = vector.profile ?? vector.chip ?? vector.protocol;
  try {
    return driverFor(name).id;
  } catch (error) {
    if (error instanceof UnknownDriverError) return vector.chip === undefined ? name : 'i2c-sensors';
    throw error;
  }
}

export function recorded(vector: Vector): RecordedExchange {
  return {
    protocol: vector.protocol,
    ...(vector.profile === undefined ? {} : { profile: vector.profile }),
    ...(vector.request_hex === undefined ? {} : { request: hexToBytes(vector.request_hex) }),
    ...(vector.request_text === undefined ? {} : { request: latin1(vector.request_text) }),
    ...(vector.response_hex === undefined ? {} : { response: hexToBytes(vector.response_hex) }),
    ...(vector.text === undefined || vector.response_hex !== undefined ? {} : { response: latin1(vector.text) }),
    ...(vector.text === undefined ? {} : { text: vector.text }),
    ...recordedRegisters({ ...vector }),
    ...(vector.context === undefined ? {} : { context: camelDeep(vector.context) as Record<string, unknown> }),
  };
}

function latin1(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

/** `cell_max_v` to `cellMaxV`; the two ratios get the word that says so. */
function camel(key: string): string {
  if (key === 'soc') return 'socRatio';
  if (key === 'soh') return 'sohRatio';
  return key.replace(/_([a-z0-9])/g, (_, next: string) => next.toUpperCase());
}

/** Names of an expectation in camel case, at every depth. */
function camelDeep(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelDeep);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [camel(key), camelDeep(inner)]));
}

/** What of `expected` is not in `actual` (more keys in `actual` are allowed); empty when all is there. */
function differences(actual: unknown, expected: unknown, tolerance: number | undefined, path = ''): string[] {
  if (typeof expected === 'number' && typeof actual === 'number') {
    const allowed = tolerance ?? 1e-6 * Math.max(1, Math.abs(expected));
    return Math.abs(actual - expected) <= allowed ? [] : [`${path}: ${actual} is not ${expected}`];
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) {
      return [`${path}: ${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`];
    }
    return expected.flatMap((inner, at) => differences(actual[at], inner, tolerance, `${path}[${at}]`));
  }
  if (typeof expected === 'object' && expected !== null) {
    if (typeof actual !== 'object' || actual === null) return [`${path}: ${JSON.stringify(actual)} is no object`];
    return Object.entries(expected).flatMap(([key, inner]) =>
      differences((actual as Record<string, unknown>)[key], inner, tolerance, path === '' ? key : `${path}.${key}`),
    );
  }
  // Hex digits mean the same in either case.
  if (path.endsWith('Hex') && String(actual).toLowerCase() === String(expected).toLowerCase()) return [];
  return actual === expected ? [] : [`${path}: ${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`];
}

/** Words of an expectation that are remarks or rules about it, not values. */
const REMARKS = new Set([
  'note',
  'must',
  'blocksAtLeast',
  'blocksAtMost',
  'error',
  'segments',
  'lowWord',
  'highWord',
  'softwareVersionPrefix',
  'contains',
  'tolerance',
]);

/**
 * What is wrong with the answer to a vector: `answer` is the parsed output line, fields or `{ error }`.
 * An expected refusal compares the code and what belongs to it.
 */
export function faults(vector: Vector, answer: Readonly<Record<string, unknown>>): string[] {
  const expected = camelDeep(vector.expect) as Record<string, unknown>;
  const values = Object.fromEntries(Object.entries(expected).filter(([key]) => !REMARKS.has(key)));
  const tolerance = vector.tolerance ?? (expected.tolerance as number | undefined);
  const error = answer.error as Record<string, unknown> | undefined;
  if (expected.error !== undefined) {
    // In the notes `code` is the exception's number; ours is the word of the refusal.
    const { code, ...rest } = values;
    const detail = code === undefined ? rest : { ...rest, exceptionCode: code };
    return differences(error ?? answer, { ...detail, code: expected.error }, tolerance);
  }
  if (Array.isArray(expected.errorAnyOf)) {
    return expected.errorAnyOf.includes(error?.code) ? [] : [`error: ${error?.code} is not of ${expected.errorAnyOf}`];
  }
  if (error !== undefined && expected.blocksAtLeast !== 0) return [`refused: ${JSON.stringify(error)}`];
  const blocks = Number(answer.blocks ?? error?.blocks ?? 0);
  const found = differences(answer, values, tolerance);
  const version = String(expected.softwareVersionPrefix ?? '');
  if (!String(answer.softwareVersion ?? '').startsWith(version)) found.push(`softwareVersion: not ${version}…`);
  const part = String(expected.contains ?? '');
  if (!JSON.stringify(answer).includes(part)) found.push(`nowhere: ${part}`);
  if (blocks < Number(expected.blocksAtLeast ?? 0)) found.push(`blocks: only ${blocks}`);
  if (blocks > Number(expected.blocksAtMost ?? Infinity)) found.push(`blocks: ${blocks} are too many`);
  return found;
}
