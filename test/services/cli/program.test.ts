import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { main } from '../../../services/cli/program.ts';
import { VERSION } from '../../../services/version.ts';
import { sound } from '../config/sound-config.ts';
import { captured } from './captured.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'holdover-program-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const holdover = (...args: string[]) => captured(() => main(['node', 'holdover', ...args]));

const commandsOf = async (...path: string[]): Promise<string[]> => {
  const { out } = await holdover(...path, '--help');
  if (!out.includes('Commands:')) return [];
  const list = out.slice(out.indexOf('Commands:'));
  return [...list.matchAll(/^ {2}([a-z][a-z0-9-]*)/gm)].map(([, name]) => name ?? '').filter((name) => name !== 'help');
};

/** Every command that does something itself. */
async function leaves(path: readonly string[] = []): Promise<string[][]> {
  const names = await commandsOf(...path);
  if (names.length === 0) return [[...path]];
  const below: string[][] = [];
  // One after the other, for what is printed is kept for the whole process.
  for (const name of names) below.push(...(await leaves([...path, name])));
  return below;
}

const STACK = /\n\s+at .+:\d+/;

describe('holdover', () => {
  it('tells its version', async () => {
    expect(await holdover('--version')).toMatchObject({ value: 0, out: `${VERSION}\n`, err: '' });
  });

  it('lists its commands on standard output when it is asked', async () => {
    const { value, out, err } = await holdover('--help');
    expect([value, err]).toEqual([0, '']);
    for (const name of ['demo', 'run', 'check', 'status', 'decode', 'record', 'emulate'])
      expect(out).toContain(`  ${name}`);
  });

  it('without a command is a mistake, told on standard error', async () => {
    const { value, out, err } = await holdover();
    expect([value, out]).toEqual([2, '']);
    expect(err).toContain('Usage: holdover');
  });

  it.each([
    [['frobnicate'], 'holdover'],
    [['check'], 'holdover check'],
    [['notify', 'test'], 'holdover notify test'],
    [['order', 'hold', '10x'], 'holdover order hold'],
    [['emulate', 'rack', '--soc', '7'], 'holdover emulate rack'],
  ])('names the help of the command a mistake was made in: %j', async (args, command) => {
    const { value, err } = await holdover(...args);
    expect(value).toBe(2);
    expect(err).toContain(`(${command} --help shows what there is)`);
  });

  it.each([
    [['status', '--url', 'ftp://10.0.0.5'], /ftp:\/\/10\.0\.0\.5 is not an address\n {2}try: --url http/],
    [
      ['emulate', 'jbd', '--path', '/dev/no-such-port'],
      /^holdover: \/dev\/no-such-port cannot be opened: No such .*\n {2}try: /,
    ],
    [['probe', 'tcp://127.0.0.1:1', '--seconds', '5'], /refused.*\n {2}try: is the address right/],
  ])('says what to try after %j', async (args, said) => {
    const { value, err } = await holdover(...args);
    expect(value).toBe(2);
    expect(err).toMatch(said);
  });

  it('has help with an example for every command', async () => {
    const paths = await leaves();
    expect(paths.map((path) => path.join(' '))).toEqual(expect.arrayContaining(['run', 'check', 'emulate rack']));
    for (const path of paths) {
      const { value, out, err } = await holdover(...path, '--help');
      expect([value, err], path.join(' ')).toEqual([0, '']);
      expect(out, path.join(' ')).toMatch(new RegExp(`Example: .*holdover ${path.join(' ')}`));
    }
  });

  it.each([
    [['nope'], /unknown command 'nope'/],
    [['emulate', 'nope'], /unknown command 'nope'/],
    [['check'], /missing required argument 'file'/],
    [['check', 'a', 'b'], /too many arguments/],
    [['check', '--jsno', 'x'], /unknown option '--jsno'/],
    [['run'], /--config <file>.* not specified/],
    [['run', '--config', 'x', '--log-level', 'loud'], /Allowed choices are debug, info/],
    [['demo', '--fast', '0'], /from 1 to 60/],
    [['demo', '--fast', ''], /from 1 to 60/],
    [['demo', '--port', '70000'], /from 0 to 65535/],
    [['demo', '--outage-after', 'NaN'], /from 1 to 3600/],
    [['record', '/dev/x', '--driver', 'jbd'], /--out <file>.* not specified/],
    [['emulate', 'rack', '--soc', '2'], /from 0.05 to 1/],
    [['emulate', 'ssh', '--port', '2222'], /unknown option '--port'/],
  ])('%j is a mistake of the user: 2, what is wrong, where help is, and no stack', async (args, message) => {
    const { value, out, err } = await holdover(...args);
    expect([value, out]).toEqual([2, '']);
    expect(err).toMatch(message);
    expect(err).toMatch(/--help/);
    expect(err).not.toMatch(STACK);
  });

  it('suggests the command that was meant', async () => {
    expect((await holdover('chekc', 'x')).err).toMatch(/Did you mean check\?/);
  });

  it('hands on what a command ends with', async () => {
    const file = join(dir, 'holdover.yaml');
    writeFileSync(file, JSON.stringify(sound()));
    expect((await holdover('check', file)).value).toBe(0);
    expect(JSON.parse((await holdover('check', '--json', file)).out)).toEqual({ valid: true, problems: [] });
    writeFileSync(file, 'pakcs: []');
    expect((await holdover('check', file)).value).toBe(2);
  });

  it('tells a mistake of the user with what to try: 2 and no stack', async () => {
    const { value, err } = await holdover('check', join(dir, 'nowhere.yaml'));
    expect(value).toBe(2);
    expect(err).toMatch(/^holdover: .*nowhere\.yaml does not exist\n {2}try: .+\n$/);
  });

  it('does not start with a configuration that is wrong: 2, every problem, no stack', async () => {
    const file = join(dir, 'holdover.yaml');
    writeFileSync(file, 'pakcs: []\nsite: { name: "a b" }');
    const { value, err } = await holdover('run', '--config', file);
    expect(value).toBe(2);
    expect(err).toMatch(/error: site\.name/);
    expect(err).toMatch(/error: pakcs/);
    expect(err).not.toMatch(STACK);
  });

  it('fails with 1, one sentence and no stack when something else goes wrong', async () => {
    const { value, out, err } = await holdover('status', '--url', 'http://127.0.0.1:1');
    expect([value, out]).toEqual([1, '']);
    expect(err).toMatch(/^holdover: no service answers at http:\/\/127\.0\.0\.1:1 .*\n$/);
    expect(err).not.toMatch(STACK);
  });

  // Found a fault: the address is the user's input, and "Invalid URL" does not say which.
  it('takes a wrong address as a mistake of the user', async () => {
    expect((await holdover('status', '--url', 'nope')).value).toBe(2);
  });
});
