import { readFile } from 'node:fs/promises';
import type { Answer } from '../answers/answer.ts';
import { checkScenario, loadScenario } from '../scenario/load.ts';
import { type Problem, showProblem } from '../scenario/problems.ts';
import type { Scenario } from '../scenario/schema.ts';
import type { PageOptions } from '../terminal/page.ts';
import { styleFor } from '../terminal/style.ts';
import { type Console, print, UsageError } from './console.ts';
import { optionFor, type Parsed, parseOptions, withOverrides } from './options.ts';

/** `budget`, `runtime`, `size` and `life`: a scenario in, a page or JSON out. */
export type Question = 'budget' | 'runtime' | 'size' | 'life';

interface Answered {
  readonly answer: Answer;
  readonly page: (options: PageOptions) => string[];
}

/** @throws UsageError for a file or an option that makes no sense. */
export async function answerCommand(question: Question, args: readonly string[], io: Console): Promise<number> {
  const parsed = parseOptions(args);
  const { scenario, notes } = await scenarioOf(parsed, question);
  const answered = await ANSWERS[question](scenario);
  if (answered === undefined) {
    throw new UsageError(
      `${parsed.file} has no pack, and ${question} is about one`,
      'pack: { cell: eve-lf280k, series: 16 }',
    );
  }
  const { answer, page } = answered;
  if (parsed.json) {
    await print(io.stdout, [JSON.stringify({ ...answer, notes }, finite)]);
    return 0;
  }
  const isTerminal = io.stdout.isTTY === true;
  const lines = page({
    style: styleFor(isTerminal, io.environment),
    columns: Math.min(Math.max(isTerminal ? (io.stdout.columns ?? 80) : 100, 60), 120),
    assumptions: parsed.assumptions,
  });
  await print(io.stdout, [...lines, ...notes.map((note) => `  from the configuration: ${note}`)]);
  return 0;
}

/** JSON has no infinity: what never ends is null. */
const finite = (_key: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? null : value;

const ANSWERS: Readonly<Record<Question, (scenario: Scenario) => Promise<Answered | undefined>>> = {
  async budget(scenario) {
    const [{ budgetOf }, { budgetPage }] = await Promise.all([
      import('../answers/budget.ts'),
      import('../terminal/budget-page.ts'),
    ]);
    const answer = budgetOf(scenario);
    return { answer, page: (options) => budgetPage(answer, options) };
  },
  async runtime(scenario) {
    const [{ runtimeOf }, { runtimePage }] = await Promise.all([
      import('../answers/runtime.ts'),
      import('../terminal/runtime-page.ts'),
    ]);
    const answer = runtimeOf(scenario);
    return answer && { answer, page: (options) => runtimePage(answer, options) };
  },
  async size(scenario) {
    const [{ sizeOf }, { sizePage }] = await Promise.all([
      import('../answers/size.ts'),
      import('../terminal/size-page.ts'),
    ]);
    const answer = sizeOf(scenario);
    return { answer, page: (options) => sizePage(answer, options) };
  },
  async life(scenario) {
    const [{ lifeOf }, { lifePage }] = await Promise.all([
      import('../answers/life.ts'),
      import('../terminal/life-page.ts'),
    ]);
    const answer = lifeOf(scenario);
    return answer && { answer, page: (options) => lifePage(answer, options) };
  },
};

/** The scenario of a command line: the file, and what the options change in it. */
export async function scenarioOf(
  { file, overrides }: Parsed,
  command: string,
): Promise<{ readonly scenario: Scenario; readonly notes: readonly string[] }> {
  if (file === undefined)
    throw new UsageError('a scenario is expected', `${command} examples/scenarios/b-twenty-cm4.yaml`);
  const loaded = loadScenario(await textOf(file));
  if (!loaded.ok) throw new UsageError(`${file} is no sound scenario:\n${shown(loaded.problems)}`);
  const { scenario, notes } = loaded;
  if (overrides.size === 0) return { scenario, notes };
  const changed = checkScenario(withOverrides(scenario, overrides));
  if (changed.ok) return { scenario: changed.scenario, notes };
  const named = changed.problems.map((problem) => ({ ...problem, path: optionFor(problem.path) ?? problem.path }));
  throw new UsageError(shown(named).trim());
}

const shown = (problems: readonly Problem[]): string => problems.map(showProblem).join('\n');

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      { ENOENT: 'does not exist', EACCES: 'may not be read', EISDIR: 'is a folder' }[code ?? ''] ?? 'cannot be read';
    throw new UsageError(`${path} ${why}`, 'start from one of examples/scenarios, or from your holdover.yaml');
  }
}
