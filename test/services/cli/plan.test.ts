import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');
const ASK = '{"id":"a","kind":"circuit","inputs":{"v":110,"breaker_a":20,"loads":[{"w":261,"pf":0.95}]}}';

interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function holdover(args: readonly string[], input = ''): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [join(ROOT, 'services/cli/holdover.ts'), ...args],
      { cwd: ROOT, timeout: 60_000 },
      (error, stdout, stderr) => resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
    child.stdin?.end(input);
  });
}

describe('holdover plan', () => {
  it('gives every word to the planner, options and --help too', async () => {
    const help = await holdover(['plan', 'runtime', '--help']);
    expect(help.status).toBe(0);
    expect(help.stdout).toMatch(/^Usage: holdover plan runtime/);
    const answer = await holdover(['plan', 'runtime', 'examples/holdover.yaml', '--json', '--temperature', '-5']);
    expect(answer.status).toBe(0);
    expect(JSON.parse(answer.stdout)).toMatchObject({ name: 'closet', cases: [{ temperatureC: -5 }, {}, {}, {}] });
  });

  it('evaluates what comes on standard input', async () => {
    const { status, stdout } = await holdover(['plan', 'eval'], `${ASK}\nnot json\n`);
    expect(status).toBe(0);
    const answers = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(answers).toMatchObject([{ id: 'a', result: { ok: true } }, { error: { code: 'not-json' } }]);
  });

  it('ends with 2 and says what to try when the input is wrong', async () => {
    const { status, stderr } = await holdover(['plan', 'budget', 'absent.yaml']);
    expect(status).toBe(2);
    expect(stderr).toMatch(/absent\.yaml does not exist[\s\S]*try:/);
  });
});
