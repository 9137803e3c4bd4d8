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
  const places = placesOf(schema);
  return error.issues.flatMap((issue) => explain(issue, raw, places));
}

/** One line, or two with a hint. */
export function showProblem({ path, message, tryThis }: Problem): string {
  return `  ${path === '' ? 'the file' : path}: ${message}${tryThis === undefined ? '' : `\n    try: ${tryThis}`}`;
}

type Issue = z.core.$ZodIssue;

function explain(issue: Issue, raw: unknown, places: Places): readonly Problem[] {
  const path = showPath(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const known = places.keys(issue.path);
    return issue.keys.map((key) => unknownKey(path === '' ? key : `${path}.${key}`, key, known));
  }
  const value = valueAt(raw, issue.path);
  if (issue.code === 'invalid_union') return [bestForm(issue, raw, places, path, value)];
  return [{ path, message: `is ${shown(value)}: expected ${allowed(issue, places)}` }];
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
  places: Places,
  path: string,
  value: unknown,
): Problem {
  for (const issues of issue.errors) {
    const inside = issues.filter((each) => each.path.length > 0 || each.code === 'unrecognized_keys');
    if (inside.length < issues.length) continue;
    // A misspelt key says more than the key that is missing because of it.
    inside.sort((a, b) => Number(b.code === 'unrecognized_keys') - Number(a.code === 'unrecognized_keys'));
    const [first] = inside.flatMap((each) => explain({ ...each, path: [...issue.path, ...each.path] }, raw, places));
    if (first !== undefined) return first;
  }
  const forms = issue.errors
    .map(([first]) => (first === undefined ? '' : allowed(first, places)))
    .filter((form) => form !== '');
  return { path, message: `is ${shown(value)}: expected ${[...new Set(forms)].join(', or ')}` };
}

/** What would have been right, in words. */
function allowed(issue: Issue, places: Places): string {
  if (issue.code === 'invalid_value') return `one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'too_small' || issue.code === 'too_big') {
    const limit = issue.code === 'too_small' ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
    if (issue.origin === 'array') return `${limit} of them`;
    return issue.origin === 'string' ? `${limit} characters` : (places.range(issue.path) ?? limit);
  }
  const expected = issue.message
    .replace(/^Invalid (input|option): /, '')
    .replace(/^expected (one of )?/, '')
    .replace(/, received .*$/, '')
    .replace(/^int$/, 'a whole number')
    .replace(/^number$/, 'a number')
    .replace(/^(object|record)$/, 'a map')
    .replace(/^array$/, 'a list');
  const range = expected.endsWith('number') ? places.range(issue.path) : undefined;
  return range === undefined ? expected : `${expected} ${range}`;
}

/** What the schema allows at a place. */
interface Places {
  keys(path: readonly PropertyKey[]): readonly string[];
  /** `from -40 to 80 °C`; undefined where no number is expected. */
  range(path: readonly PropertyKey[]): string | undefined;
}

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly prefixItems?: readonly SchemaNode[];
  readonly anyOf?: readonly SchemaNode[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly unit?: string;
}

function placesOf(schema: z.ZodType): Places {
  const root = z.toJSONSchema(schema, { io: 'input' }) as SchemaNode;
  const nodesAt = (path: readonly PropertyKey[]): readonly SchemaNode[] => {
    let nodes = forms(root);
    for (const part of path) {
      nodes = nodes.flatMap((node) => {
        const next =
          typeof part === 'number' ? (node.prefixItems?.[part] ?? node.items) : node.properties?.[String(part)];
        return next === undefined ? [] : forms(next);
      });
    }
    return nodes;
  };
  return {
    keys: (path) => [...new Set(nodesAt(path).flatMap(({ properties = {} }) => Object.keys(properties)))],
    range(path) {
      const bounded = nodesAt(path).find(({ minimum, maximum }) => minimum !== undefined && maximum !== undefined);
      if (bounded === undefined) return undefined;
      const unit = bounded.unit === undefined ? '' : ` ${bounded.unit}`;
      return `from ${bounded.minimum} to ${bounded.maximum}${unit}`;
    },
  };
}

const forms = (node: SchemaNode): readonly SchemaNode[] => [node, ...(node.anyOf ?? []).flatMap(forms)];

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
