import { z } from 'zod';
import { nearest } from './nearest.ts';

/** What is wrong with a scenario: the field, its value, what is allowed, and what may have been meant. */
export interface Problem {
  /** `pack.series`, `loads[2].device`; empty: the whole file. */
  readonly path: string;
  readonly message: string;
  readonly tryThis?: string;
}

/** Schema errors as sentences. */
export function problemsOf(error: z.ZodError, raw: unknown, schema: z.ZodType): readonly Problem[] {
  const keys = keysOf(schema);
  return error.issues.flatMap((issue) => explain(issue, raw, keys));
}

/** One line, or two with a hint. */
export function showProblem({ path, message, tryThis }: Problem): string {
  return `  ${path === '' ? 'the file' : path}: ${message}${tryThis === undefined ? '' : `\n    try: ${tryThis}`}`;
}

type Issue = z.core.$ZodIssue;

function explain(issue: Issue, raw: unknown, keys: KeysAt): readonly Problem[] {
  const path = showPath(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const known = keys(issue.path);
    return issue.keys.map((key) => unknownKey(path === '' ? key : `${path}.${key}`, key, known));
  }
  const value = valueAt(raw, issue.path);
  if (issue.code === 'invalid_union') return [bestForm(issue, raw, keys, path, value)];
  return [{ path, message: `is ${shown(value)}: expected ${allowed(issue)}` }];
}

function unknownKey(path: string, key: string, known: readonly string[]): Problem {
  const near = nearest(key, known);
  const message = 'is not a known key';
  if (near !== undefined) return { path, message, tryThis: near };
  return known.length === 0 ? { path, message } : { path, message, tryThis: `one of ${known.join(', ')}` };
}

/** Of a choice of forms: what is wrong inside the form that was meant, else all the forms there are. */
function bestForm(
  issue: Issue & { code: 'invalid_union' },
  raw: unknown,
  keys: KeysAt,
  path: string,
  value: unknown,
): Problem {
  for (const issues of issue.errors) {
    const inside = issues.filter((each) => each.path.length > 0 || each.code === 'unrecognized_keys');
    if (inside.length < issues.length) continue;
    const [first] = inside.flatMap((each) => explain({ ...each, path: [...issue.path, ...each.path] }, raw, keys));
    if (first !== undefined) return first;
  }
  const forms = issue.errors
    .map(([first]) => (first === undefined ? '' : allowed(first)))
    .filter((form) => form !== '');
  return { path, message: `is ${shown(value)}: expected ${[...new Set(forms)].join(', or ')}` };
}

/** What would have been right, in words. */
function allowed(issue: Issue): string {
  switch (issue.code) {
    case 'too_small':
      return issue.origin === 'array' || issue.origin === 'string'
        ? `at least ${issue.minimum} of them`
        : `${String(issue.minimum)} or more`;
    case 'too_big':
      return issue.origin === 'array' || issue.origin === 'string'
        ? `at most ${issue.maximum} of them`
        : `at most ${String(issue.maximum)}`;
    case 'invalid_value':
      return `one of ${issue.values.map(String).join(', ')}`;
    default:
      return issue.message
        .replace(/^Invalid (input|option): /, '')
        .replace(/^expected (one of )?/, '')
        .replace(/, received .*$/, '')
        .replace('int', 'a whole number')
        .replace(/^object$/, 'a map');
  }
}

type KeysAt = (path: readonly PropertyKey[]) => readonly string[];

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly prefixItems?: readonly SchemaNode[];
  readonly anyOf?: readonly SchemaNode[];
}

/** The keys that are known at a place, from the JSON Schema of the whole. */
function keysOf(schema: z.ZodType): KeysAt {
  const root = z.toJSONSchema(schema, { io: 'input' }) as SchemaNode;
  return (path) => {
    let nodes: readonly SchemaNode[] = forms(root);
    for (const part of path) {
      nodes = nodes.flatMap((node) => {
        const next = typeof part === 'number' ? node.items : node.properties?.[String(part)];
        return next === undefined ? [] : forms(next);
      });
    }
    return [...new Set(nodes.flatMap(({ properties = {} }) => Object.keys(properties)))];
  };
}

const forms = (node: SchemaNode): readonly SchemaNode[] => [node, ...(node.anyOf ?? [])];

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

const MOST_SHOWN = 60;

function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN - 1)}…` : text;
}
