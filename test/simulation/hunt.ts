import { parseArgs } from 'node:util';
import { Coverage } from './coverage.ts';
import { EDGE_FAULTS, runEdgeStory } from './edges/edge-story.ts';
import { runPairStory } from './pair/pair-story.ts';
import { PAIR_FAULTS } from './pair/pair-troubles.ts';
import { CALM, type Chances, ROUGH, runStory } from './run.ts';
import { sweepProcesses } from './sweep-processes.ts';
import { IMPOSSIBLE } from './whole/scenes.ts';
import { FAULTS } from './whole/troubles.ts';
import { runWholeStory } from './whole/whole-story.ts';

/**
 * The long hunt. Prints every seed that breaks a rule, with the command that replays it.
 *
 *   npm run simulate -- --runs 100000            `decide` alone, on a toy rack
 *   npm run simulate -- --whole --runs 5000      everything but the wires; prints which fault met which phase
 *   npm run simulate -- --whole --seed 38        one story and its timeline
 *   npm run simulate -- --pair --runs 5000       two services with a lease between them
 *   npm run simulate -- --edges --runs 2000      the real edges of cluster and switches, and faults of theirs
 *   npm run simulate -- --processes              a real kill -9 at every record of the journal, a story each
 */

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    kill: { type: 'string', default: String(ROUGH.kill) },
    failing: { type: 'string', default: String(ROUGH.failing) },
    hang: { type: 'string', default: String(ROUGH.hang) },
    order: { type: 'string', default: String(ROUGH.order) },
    calm: { type: 'boolean', default: false },
    whole: { type: 'boolean', default: false },
    pair: { type: 'boolean', default: false },
    edges: { type: 'boolean', default: false },
    processes: { type: 'boolean', default: false },
    every: { type: 'string', default: '1' },
  },
});

const chances: Chances = values.calm
  ? CALM
  : {
      ...ROUGH,
      kill: Number(values.kill),
      failing: Number(values.failing),
      hang: Number(values.hang),
      order: Number(values.order),
    };
const TOY_FAULTS = ['kill', 'order', 'failing-call', 'api-gone', 'silent-pack', 'hung-host'];

interface Told {
  readonly wrong: readonly string[];
  readonly timeline: readonly string[];
  readonly kills: number;
  readonly orders: number;
  readonly coverage: Coverage;
}

async function tell(seed: number): Promise<Told> {
  if (values.edges) return await runEdgeStory(seed);
  if (values.whole || values.pair) {
    const story = await (values.pair ? runPairStory(seed) : runWholeStory(seed));
    return { ...story, wrong: [...story.violations, ...story.complaints] };
  }
  const story = runStory(seed, chances);
  const timeline = story.journal.map((entry) => JSON.stringify(entry));
  return { ...story, timeline, wrong: [...story.violations, ...story.complaints] };
}

/** What was said on the command line, to say it again. */
const again = (seed: number): string => {
  const kept = process.argv
    .slice(2)
    .join(' ')
    .replaceAll(/--(runs|from|seed)[ =]\S+/g, '')
    .replaceAll(/ +/g, ' ')
    .trim();
  return `npm run simulate -- ${`${kept} --seed ${seed}`.trim()}`;
};

async function replay(seed: number): Promise<boolean> {
  const { wrong, timeline } = await tell(seed);
  console.log(timeline.join('\n'));
  console.log(wrong.length === 0 ? 'nothing is wrong' : wrong.join('\n'));
  return wrong.length === 0;
}

async function hunt(from: number, runs: number): Promise<boolean> {
  const coverage = new Coverage();
  const began = performance.now();
  let [broken, kills, orders] = [0, 0, 0];
  let saidAt = began;
  for (let seed = from; seed < from + runs; seed += 1) {
    const story = await tell(seed);
    kills += story.kills;
    orders += story.orders;
    coverage.add(story.coverage);
    if (story.wrong.length > 0) {
      broken += 1;
      console.log(`seed ${seed}: ${story.wrong.slice(0, 4).join('; ')}\n  ${again(seed)}`);
    }
    const now = performance.now();
    if (now - saidAt < 10_000) continue;
    saidAt = now;
    const done = seed - from + 1;
    const leftS = ((now - began) / done / 1000) * (runs - done);
    process.stderr.write(`${done} of ${runs}, ${kills} kills, ${broken} broken, ${Math.ceil(leftS / 60)} min left\n`);
  }
  const [faults, impossible] = faultsMet();
  console.log(coverage.table(faults, impossible));
  const missing = coverage.missing(faults, impossible);
  if (missing.length > 0) console.log(`never met: ${missing.join(', ')}`);
  console.log(`${runs} stories, ${kills} kills, ${orders} orders, ${broken} broken`);
  return broken === 0;
}

function faultsMet(): readonly [readonly string[], Readonly<Record<string, string>>] {
  if (values.edges) return [EDGE_FAULTS, {}];
  if (values.pair) return [PAIR_FAULTS, {}];
  return values.whole ? [FAULTS, IMPOSSIBLE] : [TOY_FAULTS, {}];
}

const sound = values.processes
  ? await sweepProcesses(Number(values.from), Number(values.every), (line) => console.log(line))
  : values.seed === undefined
    ? await hunt(Number(values.from), Number(values.runs))
    : await replay(Number(values.seed));
process.exitCode = sound ? 0 : 1;
