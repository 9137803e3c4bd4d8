import { z } from 'zod';
import type { Problem } from './inspect.ts';
import { nearest } from './nearest.ts';
import { configSchema } from './schema.ts';

/** Schema errors as sentences: path, value, what was expected, and for an unknown key the one that was meant. */
export function explain(error: z.ZodError, raw: unknown): Problem[] {
  return error.issues.flatMap((issue) => explainIssue(issue, raw));
}

type Issue = z.core.$ZodIssue;

const UNKNOWN_KEY = 'is not a known key';

function explainIssue(issue: Issue, raw: unknown): Problem[] {
  const path = showPath(issue.path);
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(path, key));
  if (issue.code === 'invalid_union' && issue.discriminator !== undefined) return [wrongKind(issue, raw, path)];
  if (issue.code === 'invalid_union') return [bestBranch(issue, raw, path)];
  return [describe(path, issue, valueAt(raw, issue.path))];
}

/** Keys that hold secrets. Whoever writes one down here must not read it again in a message or a log. */
const SECRET_KEY = /(^|\.)(key|authKey|privKey|password|secret|token|tokens|v3|community|(env|headers)\.[^.]+)$/;

function describe(path: string, issue: Issue, value: unknown): Problem {
  if (SECRET_KEY.test(path)) {
    const message = value === undefined ? 'is missing' : 'must say where the secret is, not what it is';
    return { severity: 'error', path, message, tryThis: '{ env: NAME } or { file: PATH }' };
  }
  const expected = issue.message.replace(/^Invalid (input|option): /, '').replace(/, received .*$/, '');
  return { severity: 'error', path, message: `${shown(value)}: ${expected}` };
}

function unknownKey(path: string, key: string): Problem {
  keysOnce ??= schemaKeys();
  const near = nearest(key, keysOnce);
  return {
    severity: 'error',
    path: path === '' ? key : `${path}.${key}`,
    message: UNKNOWN_KEY,
    ...(near === undefined || near === key ? {} : { tryThis: near }),
  };
}

/** A word that decides which form it is, and is none of the known ones: those are told. */
function wrongKind(issue: Issue & { code: 'invalid_union' }, raw: unknown, path: string): Problem {
  const value = valueAt(raw, issue.path);
  const known = ('options' in issue && Array.isArray(issue.options) ? issue.options : []).map(String);
  const near = typeof value === 'string' ? nearest(value, known) : undefined;
  return {
    severity: 'error',
    path,
    message: `${shown(value)}: expected one of ${known.join(', ')}`,
    ...(near === undefined ? {} : { tryThis: near }),
  };
}

/** Of a choice of forms: a misspelt key if there is one, else the complaint that goes deepest, else the value itself. */
function bestBranch(issue: Issue & { code: 'invalid_union' }, raw: unknown, path: string): Problem {
  const value = valueAt(raw, issue.path);
  const branches = issue.errors.map((issues) =>
    issues.flatMap((each) => explainIssue({ ...each, path: [...issue.path, ...each.path] }, raw)),
  );
  const misspelt = branches.flat().find((each) => each.tryThis !== undefined && each.message === UNKNOWN_KEY);
  if (misspelt !== undefined) return misspelt;
  const depth = (problems: readonly Problem[]): number => Math.max(0, ...problems.map((each) => each.path.length));
  const deepest = branches.toSorted((a, b) => depth(b) - depth(a) || a.length - b.length)[0]?.[0];
  if (deepest !== undefined && deepest.path !== path) return deepest;
  const forms = [
    ...new Set(issue.errors.flatMap((issues) => issues.map((each) => each.message.replace('Invalid input: ', '')))),
  ];
  return describe(path, { ...issue, message: forms.join(', or ') }, value);
}

function showPath(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  let value = raw;
  for (const part of path) value = (value as Record<PropertyKey, unknown> | undefined | null)?.[part];
  return value;
}

/** Only what cannot hold a secret is said again: no lists, no maps, no addresses with a password in them. */
function shown(value: unknown): string {
  if (value === undefined) return 'is missing';
  if (Array.isArray(value)) return value.length === 0 ? '[]' : 'a list';
  if (typeof value === 'object' && value !== null) return 'a map';
  if (typeof value === 'string' && value.includes('@')) return 'an address with a user in it';
  const text = JSON.stringify(value);
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN - 1)}…` : text;
}

const MOST_SHOWN = 60;

let keysOnce: readonly string[] | undefined;

/** Every key of the schema, for suggestions. */
function schemaKeys(): string[] {
  const keys = new Set<string>();
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [key, value] of Object.entries(node)) {
      if (key === 'properties') for (const name of Object.keys(value as object)) keys.add(name);
      walk(value);
    }
  };
  walk(z.toJSONSchema(configSchema, { io: 'input' }));
  return [...keys];
}
