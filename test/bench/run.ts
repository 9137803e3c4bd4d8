import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { Bench, Outcome } from './bench.ts';
import { decideBench } from './decide.ts';
import { decodeBench } from './decode.ts';
import { familiesBench } from './families.ts';
import { framesBench } from './frames.ts';
import { nutBench } from './nut.ts';
import { plannerBench } from './planner.ts';
import { pollsBench } from './polls.ts';
import { textOf } from './print.ts';
import { reactionBench } from './reaction.ts';
import { restBench, restOf54Bench, wideBench } from './rest.ts';
import { scrapeBench } from './scrape.ts';
import { sinksBench } from './sinks.ts';

/** `npm run bench`, or `node test/bench/run.ts decode scrape --json`. Nothing here passes or fails by a time. */

const BENCHES: readonly Bench[] = [
  pollsBench,
  familiesBench,
  decodeBench,
  framesBench,
  decideBench,
  scrapeBench,
  nutBench,
  sinksBench,
  reactionBench,
  plannerBench,
  restBench,
  restOf54Bench,
  wideBench,
];
const names = BENCHES.map(({ name }) => name).join(', ');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    runs: { type: 'string', default: '9' },
    'warm-up': { type: 'string', default: '30' },
    rest: { type: 'string', default: '60' },
    help: { type: 'boolean', default: false },
  },
});

const settings = { runs: Number(values.runs), warmUpS: Number(values['warm-up']), restS: Number(values.rest) };
const unknown = positionals.filter((name) => BENCHES.every((bench) => bench.name !== name));
const valid = settings.runs >= 1 && settings.warmUpS >= 0 && settings.restS >= 10;
if (values.help || unknown.length > 0 || !valid) {
  console.error('usage: run.ts [bench …] [--json] [--runs N] [--warm-up seconds] [--rest seconds, at least 10]');
  console.error(`benches: ${names}${unknown.length > 0 ? ` (not ${unknown.join(', ')})` : ''}`);
  process.exitCode = values.help ? 0 : 2;
} else {
  await runAll(BENCHES.filter(({ name }) => positionals.length === 0 || positionals.includes(name)));
}

async function runAll(benches: readonly Bench[]): Promise<void> {
  const machine = `${availableParallelism()} cores, ${process.arch}, node ${process.versions.node}`;
  const outcomes: Record<string, Outcome> = {};
  if (!values.json) console.log(`${machine}; median [smallest … largest]\n`);
  for (const bench of benches) {
    const outcome = await bench.run(settings);
    outcomes[bench.name] = outcome;
    if (!values.json) console.log(`${textOf(bench, outcome)}\n`);
  }
  if (values.json) console.log(JSON.stringify({ date: new Date().toISOString(), machine, benches: outcomes }));
}
