import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { UserError } from '../runtime/errors.ts';
import { explain } from './explain.ts';
import { withInputLimits } from './inputs.ts';
import { inspect, type Problem } from './inspect.ts';
import { checkedDrivers, ownMappings, profileFolder } from './profiles.ts';
import { type Config, configSchema } from './schema.ts';

const MAX_BYTES = 1_000_000;

export type Checked =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Checks the text of a configuration: syntax, schema, and what only the whole can tell. Reads nothing but the profiles
 * that the configuration names.
 * @param folder where the file lies; relative folders in it count from there
 */
export function checkConfig(text: string, folder?: string): Checked {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, maxAliasCount: 50 } as object);
  const [syntax] = document.errors;
  if (syntax !== undefined) {
    const { line, col } = lines.linePos(syntax.pos[0]);
    return problem(`line ${line}, column ${col}`, syntax.message.split('\n')[0] ?? 'is not YAML', 'valid YAML');
  }
  let raw: unknown;
  try {
    raw = document.toJS() ?? {};
  } catch {
    return problem('', 'an alias (*) leads nowhere, in a circle, or to too much', 'write the part out');
  }
  const parsed = configSchema.safeParse(raw);
  if (!parsed.success) return { ok: false, problems: explain(parsed.error, raw) };
  const profiles = profileFolder(parsed.data.profiles, folder);
  const own = checkedDrivers(profiles);
  if ('severity' in own) return { ok: false, problems: [own] };
  const named = profiles === undefined ? parsed.data : { ...parsed.data, profiles };
  const mappings = ownMappings(profiles);
  const found = inspect(named, own, mappings);
  const config = withInputLimits(named, mappings);
  const problems = found.filter(({ severity }) => severity === 'error');
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, config, warnings: found };
}

function problem(path: string, message: string, tryThis: string): Checked {
  return { ok: false, problems: [{ severity: 'error', path, message, tryThis }] };
}

/** Reads and checks a file; throws a `UserError` that lists every problem. */
export function loadConfig(path: string): { config: Config; warnings: readonly Problem[] } {
  const checked = checkConfig(readConfigFile(path), dirname(path));
  if (checked.ok) return checked;
  throw new UserError(`${path} is not a valid configuration:\n${checked.problems.map(showProblem).join('\n')}`);
}

export function readConfigFile(path: string): string {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length > MAX_BYTES)
      throw new UserError(`${path} is larger than ${MAX_BYTES} bytes`, 'is it the right file?');
    return text;
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'does not exist' : code === 'EACCES' ? 'may not be read' : 'cannot be read';
    throw new UserError(`${path} ${why}`, 'start from examples/holdover.yaml, or name another file');
  }
}

/** One problem on one or two lines: where, what is wrong, what to try. */
export function showProblem({ severity, path, message, tryThis }: Problem): string {
  const mark = severity === 'error' ? 'error' : 'warning';
  return `  ${mark}: ${path === '' ? 'the file' : path}: ${message}${tryThis === undefined ? '' : `\n         try: ${tryThis}`}`;
}
