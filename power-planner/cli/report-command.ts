import { writeFile } from 'node:fs/promises';
import { reportOf } from '../report/gather.ts';
import { scenarioOf } from './answer-commands.ts';
import { type Console, print, UsageError } from './console.ts';
import { parseOptions } from './options.ts';

/**
 * `report`: everything about a scenario as one page. `--out` ends in .html or .md; without it Markdown goes to standard output.
 * @throws UsageError for a file or an option that makes no sense.
 */
export async function reportCommand(args: readonly string[], io: Console): Promise<number> {
  const { out, rest } = outOf(args);
  const parsed = parseOptions(rest);
  const { scenario } = await scenarioOf(parsed, 'report');
  const report = reportOf(scenario);
  if (parsed.json) {
    await print(io.stdout, [JSON.stringify(report, finite)]);
    return 0;
  }
  if (out === undefined) {
    const { reportMarkdown } = await import('../report/markdown.ts');
    await print(io.stdout, [reportMarkdown(report).trimEnd()]);
    return 0;
  }
  const text = /\.html?$/i.test(out)
    ? (await import('../report/html.ts')).reportHtml(report)
    : (await import('../report/markdown.ts')).reportMarkdown(report);
  await written(out, text);
  await print(io.stderr, [`wrote ${out}`]);
  return 0;
}

/** JSON has no infinity: what never ends is null. */
const finite = (_key: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? null : value;

function outOf(args: readonly string[]): { readonly out: string | undefined; readonly rest: readonly string[] } {
  const at = args.findIndex((arg) => arg === '--out' || arg.startsWith('--out='));
  if (at < 0) return { out: undefined, rest: args };
  const joined = args[at]?.startsWith('--out=') === true;
  const out = joined ? args[at]?.slice('--out='.length) : args[at + 1];
  if (out === undefined || !/\.(html?|md)$/i.test(out)) {
    throw new UsageError(`--out is ${out === undefined ? 'empty' : `"${out}"`}: expected a name with .html or .md`);
  }
  return { out, rest: args.toSpliced(at, joined ? 1 : 2) };
}

async function written(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    throw new UsageError(`${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`);
  }
}
