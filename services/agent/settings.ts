import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { readSecret } from '../config/secrets.ts';
import { UserError } from '../runtime/errors.ts';

/** What an agent needs, with its secrets read. */
export interface AgentSettings {
  readonly service: URL;
  readonly host: string;
  readonly token: string;
  /** Program and arguments that halt this machine. */
  readonly command: readonly string[];
  readonly timeoutMs: number;
  /** Authority of the service's certificate, PEM. */
  readonly ca?: string;
  readonly stateDir: string;
}

const KEYS = ['service', 'host', 'token', 'command', 'timeout', 'ca', 'stateDir'];
const HINT = 'holdover agent --help shows an example';

/**
 * The agent's own file. Checked by hand: the library that checks the service's would be a third of this small process.
 * @throws UserError that names the key and never shows the token
 */
export function readAgentSettings(file: string): AgentSettings {
  const values = valuesOf(file);
  const unknown = Object.keys(values).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw new UserError(`${file}: ${unknown} is not a known key`, `one of ${KEYS.join(', ')}`);
  const wrong = (key: string, expected: string): UserError =>
    new UserError(`${file}: ${key}: expected ${expected}`, HINT);
  const text = (key: string, pattern: RegExp, expected: string, fallback?: string): string => {
    const value = values[key] ?? fallback;
    if (typeof value !== 'string' || !pattern.test(value)) throw wrong(key, expected);
    return value;
  };
  const address = text('service', /^https?:\/\/[^\s/@?#]+\/?$/i, 'an address such as http://10.0.0.5:8470');
  if (!URL.canParse(address)) throw wrong('service', 'an address such as http://10.0.0.5:8470');
  return {
    service: new URL(address),
    host: text('host', /^[a-z0-9][a-z0-9-]{0,62}$/i, 'the id of this machine in the configuration of the service'),
    token: tokenOf(values.token, wrong('token', '{ file: PATH } or { env: NAME }')),
    command: commandOf(values.command, wrong('command', 'a list: the program with its whole path, then its arguments')),
    timeoutMs: timeoutOf(values.timeout, wrong('timeout', 'seconds, or a duration such as 30s or 2m')),
    ...(values.ca === undefined ? {} : { ca: readSecret({ file: text('ca', /^\//, 'a whole path') }, 'ca') }),
    stateDir: text('stateDir', /^\//, 'a whole path', '/var/lib/holdover-agent'),
  };
}

function valuesOf(file: string): Readonly<Record<string, unknown>> {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException;
    throw new UserError(`${file} cannot be read (${code})`, 'check the path and its owner');
  }
  const document = parseDocument(content);
  const [mistake] = document.errors;
  if (mistake !== undefined)
    throw new UserError(`${file} is not YAML (line ${mistake.linePos?.[0]?.line ?? '?'})`, HINT);
  const values = plain(document, file);
  if (typeof values === 'object' && values !== null && !Array.isArray(values)) return values as Record<string, unknown>;
  throw new UserError(`${file}: expected keys and values`, HINT);
}

function plain(document: ReturnType<typeof parseDocument>, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 10 });
  } catch {
    throw new UserError(`${file} has an alias that leads nowhere, or too many of them`, HINT);
  }
}

function tokenOf(value: unknown, wrong: UserError): string {
  const given = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  const { file, env } = given;
  if (Object.keys(given).length !== 1) throw wrong;
  if (typeof file === 'string' && file !== '') return header(readSecret({ file }, 'token'));
  if (typeof env === 'string' && env !== '') return header(readSecret({ env }, 'token'));
  throw wrong;
}

function header(token: string): string {
  if (/^[\x21-\x7e]{16,1024}$/.test(token)) return token;
  throw new UserError('token: fewer than 16 characters, or some that no header can carry', 'openssl rand -hex 32');
}

function commandOf(value: unknown, wrong: UserError): readonly string[] {
  if (value === undefined) return ['/usr/bin/systemctl', 'poweroff'];
  if (!Array.isArray(value) || value.length > 64 || !value.every((each) => typeof each === 'string')) throw wrong;
  if (!value[0]?.startsWith('/')) throw wrong;
  return value;
}

function timeoutOf(value: unknown, wrong: UserError): number {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(s|m)?$/.exec(String(value ?? 30)) ?? [];
  const seconds = Number(number) * (unit === 'm' ? 60 : 1);
  if (!(seconds > 0 && seconds <= 600)) throw wrong;
  return seconds * 1000;
}
