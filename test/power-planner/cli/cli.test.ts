import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { runPlanner } from '../../../power-planner/index.ts';

const ROOT = join(import.meta.dirname, '../../..');
const B = join(ROOT, 'examples/scenarios/b-twenty-cm4.yaml');
const CONFIGURATION = join(ROOT, 'examples/holdover.yaml');
const dir = mkdtempSync(join(tmpdir(), 'power-planner-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

class Sink extends Writable {
  text = '';
  isTTY = false;
  columns = 100;
  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

async function planner(
  args: readonly string[],
  more: { tty?: boolean; input?: string; env?: object } = {},
): Promise<Ran> {
  const stdout = new Sink();
  const stderr = new Sink();
  stdout.isTTY = more.tty ?? false;
  const stdin = Readable.from([more.input ?? '']);
  const status = await runPlanner(args, { stdin, stdout, stderr, environment: { ...more.env } });
  return { status, out: stdout.text, err: stderr.text };
}

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

const QUESTIONS = ['budget', 'runtime', 'size', 'life'] as const;

describe('the planner’s command line', () => {
  it.each(QUESTIONS)('%s answers a scenario and a configuration, for people and for programs', async (question) => {
    for (const path of [B, CONFIGURATION]) {
      const page = await planner([question, path]);
      expect([page.status, page.err]).toEqual([0, '']);
      expect(page.out).toContain('warnings');
      expect(page.out).toContain('□');
      const data = await planner([question, path, '--json']);
      expect(data.status).toBe(0);
      expect(JSON.parse(data.out)).toMatchObject({
        name: expect.any(String),
        findings: expect.any(Array),
        notes: expect.any(Array),
      });
    }
  });

  it.each(QUESTIONS)('%s --help says how, with an example that works', async (question) => {
    const { status, out } = await planner([question, '--help']);
    expect(status).toBe(0);
    const example = /Example: power-planner (.*)/.exec(out)?.[1] ?? '';
    const args = example.split(' ').map((word) => (word.startsWith('examples/') ? join(ROOT, word) : word));
    expect((await planner(args)).status, example).toBe(0);
    for (const option of ['--load', '--temperature', '--years', '--json']) expect(out).toContain(option);
  });

  it('takes what an option says instead of the file', async () => {
    const ask = async (
      ...options: string[]
    ): Promise<{ cases: { id: string; hours: number; temperatureC: number }[]; packW: number }> =>
      JSON.parse((await planner(['runtime', B, '--json', ...options])).out);
    expect((await ask('--load', '500')).packW).toBe(500);
    expect((await ask('--temperature', '-5')).cases[0]).toMatchObject({ id: 'new', temperatureC: -5 });
    expect((await ask('--temperature=-5')).cases[0]).toMatchObject({ temperatureC: -5 });
    expect((await ask('--years', '5')).cases.map(({ id }) => id)).toContain('aged');
    expect((await ask('--level', 'max')).packW).toBeGreaterThan((await ask()).packW);
    const { out } = await planner(['budget', B, '--json', '--charger', '5', '--volts', '120']);
    expect(JSON.parse(out)).toMatchObject({ circuit: { volts: 120 }, charger: { dcA: 5 } });
  });

  it('writes null for what never ends', async () => {
    const { out } = await planner(['runtime', B, '--json', '--load', '0']);
    expect(JSON.parse(out).cases[0].hours).toBeNull();
    expect((await planner(['runtime', B, '--load', '0'])).out).toContain('for ever');
  });

  it('paints only where a terminal is, and not when asked not to', async () => {
    const painted = (text: string): boolean => text.includes('\u001B[');
    expect(painted((await planner(['budget', B], { tty: true })).out)).toBe(true);
    expect(painted((await planner(['budget', B])).out)).toBe(false);
    expect(painted((await planner(['budget', B], { tty: true, env: { NO_COLOR: '1' } })).out)).toBe(false);
    expect(painted((await planner(['budget', B], { tty: true, env: { TERM: 'dumb' } })).out)).toBe(false);
  });

  it('names every assumption with its source when asked', async () => {
    expect((await planner(['budget', B])).out).toContain('--assumptions lists them');
    expect((await planner(['budget', B, '--assumptions'])).out).toMatch(/nodes: idle.*\n.*sbc issue/);
  });

  it('tells what a configuration does not say', async () => {
    expect((await planner(['budget', CONFIGURATION])).out).toMatch(/from the configuration: a switch takes 20 W/);
  });

  it.each([
    ['no command', [], /Usage: power-planner/],
    ['a wrong command', ['bugdet'], /bugdet is no command[\s\S]*budget/],
    ['a name of every object', ['constructor'], /constructor is no command/],
    ['no file', ['budget'], /a scenario is expected/],
    ['a file that is not there', ['budget', join(dir, 'absent.yaml')], /absent\.yaml does not exist/],
    ['a folder', ['budget', dir], /is a folder/],
    ['two files', ['budget', B, B], /one file is expected/],
    [
      'an option that is nearly right',
      ['budget', B, '--temprature', '3'],
      /--temprature is not known[\s\S]*--temperature/,
    ],
    ['an option that is not known', ['budget', B, '--zzz'], /--zzz is not known[\s\S]*--help/],
    ['an option without its value', ['budget', B, '--load'], /--load/],
    ['a value that is no number', ['runtime', B, '--load', 'lots'], /--load is "lots": expected a number/],
    [
      'a value out of its range',
      ['runtime', B, '--temperature', '300'],
      /--temperature: is 300: expected from -40 to 80 °C/,
    ],
    [
      'a word that is none',
      ['runtime', B, '--level', 'full'],
      /--level: is "full": expected one of idle, typical, max/,
    ],
    ['a wrong file for eval', ['eval', join(dir, 'absent.json')], /absent\.json/],
    ['an option for eval', ['eval', '--json'], /--json is not known/],
  ])('%s is a mistake of the user: 2, what is wrong, no stack', async (_what, args, message) => {
    const { status, out, err } = await planner(args);
    expect([status, out]).toEqual([2, '']);
    expect(err).toMatch(message);
    expect(err).not.toMatch(/\n\s+at .+:\d+/);
  });

  it('says what is wrong in a file, and that a question about a pack needs one', async () => {
    const spoilt = await planner(['budget', file('spoilt.yaml', 'circuit: { breakerAmp: 5 }\ntemperatureC: 300')]);
    expect(spoilt.status).toBe(2);
    expect(spoilt.err).toMatch(/circuit\.breakerAmp: is not a known key\s+try: breakerAmps/);
    expect(spoilt.err).toMatch(/temperatureC: is 300/);
    const bare = file('bare.yaml', 'name: bare');
    expect((await planner(['runtime', bare])).err).toMatch(/has no pack/);
    expect((await planner(['life', bare])).status).toBe(2);
    expect((await planner(['budget', bare])).status).toBe(0);
    expect((await planner(['size', bare])).status).toBe(0);
  });

  it('evaluates lines, and a document from a file', async () => {
    const ask =
      '{"id":"a","kind":"converter","inputs":{"rated_w":450,"points":[[0.2,0.87],[0.5,0.9],[1,0.87]],"out_w":45}}';
    const lines = await planner(['eval'], { input: `${ask}\nnonsense\n` });
    expect(lines.status).toBe(0);
    expect(
      lines.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject([{ id: 'a', result: {} }, { error: {} }]);
    for (const text of [`{"cases":[${ask},${ask}]}`, `${ask}\n${ask}\n`]) {
      const { out } = await planner(['eval', file('cases.json', text)]);
      expect(out.trim().split('\n')).toHaveLength(2);
    }
  });

  it('prints what its page in docs shows', async () => {
    const page = readFileSync(join(ROOT, 'docs/planner.md'), 'utf8');
    const shown = [...page.matchAll(/^`holdover plan (\w+) (examples\S+)`\n\n```text\n([\s\S]*?)```/gm)];
    expect(shown.map(([, question]) => question)).toEqual([...QUESTIONS]);
    for (const [, question = '', path = '', text = ''] of shown) {
      const { out } = await planner([question, join(ROOT, path)]);
      expect(
        out
          .split('\n')
          .map((line) => line.trimEnd())
          .join('\n'),
        question,
      ).toContain(text.trimEnd());
    }
  });

  it('is a program of its own that loads nothing of the service', async () => {
    const { error, stdout } = await new Promise<{ error: Error | null; stdout: string }>((resolve) => {
      const trace = join(dir, 'loaded.mjs');
      writeFileSync(
        trace,
        `import { registerHooks } from 'node:module';
registerHooks({ load(url, context, next) { if (/\\/(services|firmware-bridge|bms\\/drivers)\\//.test(url)) throw new Error('loaded ' + url); return next(url, context); } });`,
      );
      const args = ['--import', trace, join(ROOT, 'power-planner/cli.ts'), 'budget', B];
      execFile(process.execPath, args, { timeout: 60_000 }, (failed, out) => resolve({ error: failed, stdout: out }));
    });
    expect(error).toBeNull();
    expect(stdout).toContain('does it fit?');
  });
});
