import { type ParseArgsConfig, parseArgs } from 'node:util';
import { nearest } from '../scenario/nearest.ts';
import type { Scenario } from '../scenario/schema.ts';
import { UsageError } from './console.ts';

/** What a command line may change in a scenario: the option, the field it stands for, and what it means. */
interface Override {
  /** `charger.amps` of the scenario. */
  readonly path: string;
  readonly kind: 'number' | 'text';
  readonly help: string;
}

const OVERRIDES: Readonly<Record<string, Override>> = {
  load: { path: 'packWatts', kind: 'number', help: 'watts from the pack, instead of adding up the loads' },
  level: { path: 'level', kind: 'text', help: 'idle, typical or max: the load a runtime is asked for' },
  temperature: { path: 'temperatureC', kind: 'number', help: '°C on an ordinary day' },
  coldest: { path: 'coldestC', kind: 'number', help: '°C on the coldest day' },
  years: { path: 'ageYears', kind: 'number', help: 'age of the pack' },
  standby: { path: 'pack.standbySoc', kind: 'number', help: 'charge it stands at, 0 to 1' },
  charger: { path: 'charger.amps', kind: 'number', help: 'amperes into the pack' },
  volts: { path: 'circuit.volts', kind: 'number', help: 'lowest voltage of the circuit' },
  breaker: { path: 'circuit.breakerAmps', kind: 'number', help: 'amperes of the breaker' },
  hours: { path: 'wishes.hours', kind: 'number', help: 'wanted runtime, at the end of life in the cold' },
  objective: { path: 'wishes.objective', kind: 'text', help: 'cost, mass or hours' },
};

export interface Parsed {
  readonly file: string | undefined;
  readonly json: boolean;
  readonly assumptions: boolean;
  /** By field of the scenario. */
  readonly overrides: ReadonlyMap<string, unknown>;
}

/** @throws UsageError naming the option, its value and what was expected. */
export function parseOptions(args: readonly string[]): Parsed {
  const options: NonNullable<ParseArgsConfig['options']> = {
    json: { type: 'boolean' },
    assumptions: { type: 'boolean' },
    ...Object.fromEntries(Object.keys(OVERRIDES).map((name) => [name, { type: 'string' }])),
  };
  refuseUnknown(args, Object.keys(options));
  const { values, positionals } = parsedBy(args, options);
  if (positionals.length > 1) throw new UsageError(`one file is expected, not ${positionals.join(' ')}`);
  const overrides = new Map<string, unknown>();
  for (const [name, { path, kind }] of Object.entries(OVERRIDES)) {
    const text = values[name];
    if (typeof text === 'string') overrides.set(path, kind === 'text' ? text : numberOf(name, text));
  }
  return { file: positionals[0], json: values.json === true, assumptions: values.assumptions === true, overrides };
}

function parsedBy(
  args: readonly string[],
  options: NonNullable<ParseArgsConfig['options']>,
): { readonly values: Readonly<Record<string, unknown>>; readonly positionals: readonly string[] } {
  try {
    return parseArgs({ args: joined(args), options, allowPositionals: true, strict: true });
  } catch (error) {
    const [message = ''] = (error instanceof Error ? error.message : String(error)).split('.');
    throw new UsageError(message.replace(/^Option '(-+[a-z-]+)[^']*'/, '$1'));
  }
}

/** `--temperature -5` is a value, not another option. */
function joined(args: readonly string[]): string[] {
  const out: string[] = [];
  for (const arg of args) {
    const option = out.at(-1);
    const isValue = /^-\d/.test(arg) && option !== undefined && /^--[a-z]+$/.test(option);
    if (isValue) out[out.length - 1] = `${option}=${arg}`;
    else out.push(arg);
  }
  return out;
}

function refuseUnknown(args: readonly string[], known: readonly string[]): void {
  for (const arg of args) {
    const [, name] = /^--?([a-z][a-z-]*)/i.exec(arg) ?? [];
    if (name === undefined || known.includes(name)) continue;
    const near = nearest(name, known);
    throw new UsageError(`${arg} is not known here`, near === undefined ? '--help shows what there is' : `--${near}`);
  }
}

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new UsageError(`--${name} is "${text}": expected a number`);
  return value;
}

/** The scenario with the fields of the command line in it, to be checked again. */
export function withOverrides(scenario: Scenario, overrides: Parsed['overrides']): unknown {
  const raw = structuredClone(scenario) as Record<string, unknown>;
  for (const [path, value] of overrides) {
    const [first = '', second] = path.split('.');
    if (second === undefined) raw[first] = value;
    else if (first !== 'pack' || raw.pack !== undefined)
      raw[first] = { ...(raw[first] as object | undefined), [second]: value };
  }
  return raw;
}

/** The option that stands for a field: an error about it should name what was typed. */
export function optionFor(path: string): string | undefined {
  const found = Object.entries(OVERRIDES).find(([, override]) => override.path === path);
  return found && `--${found[0]}`;
}

/** The options in words, one a line. */
export function optionHelp(): string[] {
  const rows = [
    ...Object.entries(OVERRIDES).map(([name, { kind, help }]) => [
      `--${name} <${kind === 'text' ? 'word' : 'number'}>`,
      help,
    ]),
    ['--assumptions', 'every figure the scenario does not tell, with its source'],
    ['--json', 'plain data for other programs'],
  ];
  return rows.map(([name = '', help = '']) => `  ${name.padEnd(24)}${help}`);
}
