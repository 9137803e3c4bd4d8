import { readFile, stat } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { packCases, resolvePack } from '../answers/pack.ts';
import { runtimeOf } from '../answers/runtime.ts';
import { compareOutage } from '../compare/compare.ts';
import { TooLittleError } from '../compare/fit-pack.ts';
import { type JournalOutage, journalOutages } from '../compare/journal.ts';
import { RecordingError, readRecording } from '../compare/recording.ts';
import { outageWindow } from '../compare/window.ts';
import type { PlannedPack } from '../model/battery.ts';
import { comparePage } from '../terminal/compare-page.ts';
import { styleFor } from '../terminal/style.ts';
import { scenarioOf } from './answer-commands.ts';
import { type Console, print, UsageError } from './console.ts';

/**
 * `compare`: a recorded outage against the plan. The recording is CSV or JSON lines; `--journal` names the outage in it.
 * @throws UsageError for a recording that cannot be used; it names the lines.
 */
export async function compareCommand(args: readonly string[], io: Console): Promise<number> {
  const { file, recording: path, journal, outage: which, json, socStart } = optionsOf(args);
  const { scenario } = await scenarioOf(
    { file, json, assumptions: false, overrides: new Map() },
    'compare outage.csv --scenario',
  );
  const answer = runtimeOf(scenario);
  if (scenario.pack === undefined || answer === undefined) {
    throw new UsageError(`${file} has no pack to compare with`, 'pack: { cell: eve-lf280k, series: 16 }');
  }
  const resolved = resolvePack(scenario.pack, scenario);
  const cRate = answer.packW / answer.pack.nominalV / answer.pack.packAh;
  const now = packCases(scenario, resolved, cRate).find(({ id }) => id === (scenario.ageYears > 0 ? 'aged' : 'new'));
  const pack: PlannedPack = {
    ...resolved.planned,
    ...(now !== undefined && { capacityFactor: now.capacityFactor, resistanceFactor: now.resistanceFactor }),
  };
  const between = journal === undefined ? undefined : chosen(journalOutages(await textOf(journal)), which, journal);
  try {
    const recorded = readRecording(await textOf(path));
    if (between !== undefined && recorded.beganMs === undefined) {
      throw new UsageError(
        `${path} only counts seconds: the journal cannot name an outage in it`,
        'times of day in the recording',
      );
    }
    const window = outageWindow(
      recorded,
      between === undefined ? undefined : { fromMs: between.beganMs, untilMs: between.endedMs },
    );
    const comparison = compareOutage({
      pack,
      outage: window,
      ...(!answer.byProfile && { plannedW: answer.packW }),
      ...(socStart !== undefined && { socStart }),
    });
    const stages = between?.stages.map(({ name, atMs }) => ({ name, hours: (atMs - between.beganMs) / 3_600_000 }));
    const said = { name: scenario.name, ...comparison, notes: recorded.notes, ...(stages !== undefined && { stages }) };
    const style = styleFor(io.stdout.isTTY === true, io.environment);
    await print(io.stdout, json ? [JSON.stringify(said)] : comparePage(said, style));
    return 0;
  } catch (error) {
    if (error instanceof RecordingError || error instanceof TooLittleError) {
      throw new UsageError(
        `${path}: ${error.message}`,
        'a CSV with the columns time,v,a, one reading every few seconds',
      );
    }
    throw error;
  }
}

interface Options {
  readonly recording: string;
  readonly file: string;
  readonly journal: string | undefined;
  /** Counted from 1, the oldest; the newest when absent. */
  readonly outage: number | undefined;
  readonly socStart: number | undefined;
  readonly json: boolean;
}

function optionsOf(args: readonly string[]): Options {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    throw new UsageError((error instanceof Error ? error.message : String(error)).split('.')[0] ?? 'wrong options');
  }
  const { values, positionals } = parsed;
  const [recording] = positionals;
  if (recording === undefined || positionals.length > 1) throw new UsageError('one recording is expected', EXAMPLE);
  if (values.scenario === undefined) throw new UsageError('--scenario is missing: what was planned?', EXAMPLE);
  return {
    recording,
    file: values.scenario,
    journal: values.journal,
    outage: figureOf(
      '--outage',
      values.outage,
      (value) => Number.isInteger(value) && value >= 1,
      'a whole number from 1',
    ),
    socStart: figureOf('--soc', values.soc, (value) => value > 0 && value <= 1, 'above 0, at most 1'),
    json: values.json === true,
  };
}

const EXAMPLE = 'compare outage.csv --scenario rack.yaml';

const parse = (args: readonly string[]) =>
  parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      scenario: { type: 'string' },
      journal: { type: 'string' },
      outage: { type: 'string' },
      soc: { type: 'string' },
      json: { type: 'boolean' },
    },
  });

function figureOf(
  name: string,
  text: string | undefined,
  good: (value: number) => boolean,
  wanted: string,
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || !good(value)) throw new UsageError(`${name} is "${text}": expected ${wanted}`);
  return value;
}

function chosen(outages: readonly JournalOutage[], which: number | undefined, path: string): JournalOutage {
  if (outages.length === 0) throw new UsageError(`${path} tells of no outage`, 'the journal.jsonl of the state folder');
  const found = which === undefined ? outages.at(-1) : outages[which - 1];
  if (found === undefined) throw new UsageError(`${path} tells of ${outages.length} outages, --outage is ${which}`);
  return found;
}

const MOST_BYTES = 100 * 1024 * 1024;

async function textOf(path: string): Promise<string> {
  try {
    if ((await stat(path)).size > MOST_BYTES) throw new UsageError(`${path} is larger than 100 MiB`);
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(`${path} ${code === 'ENOENT' ? 'does not exist' : 'cannot be read'}`, EXAMPLE);
  }
}
