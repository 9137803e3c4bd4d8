import { parseArgs } from 'node:util';
import { CALM, type Chances, ROUGH, runStory } from './run.ts';

/** The long hunt: `npm run simulate -- --runs 100000`. Prints every seed that breaks a rule; it replays exactly. */

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    kill: { type: 'string', default: '0.03' },
    failing: { type: 'string', default: '0.3' },
    hang: { type: 'string', default: '0.05' },
    calm: { type: 'boolean', default: false },
  },
});

const chances: Chances = values.calm
  ? CALM
  : { ...ROUGH, kill: Number(values.kill), failing: Number(values.failing), hang: Number(values.hang) };

const runs = Number(values.runs);
const from = Number(values.from);
let broken = 0;
let kills = 0;
for (let seed = from; seed < from + runs; seed += 1) {
  const story = runStory(seed, chances);
  kills += story.kills;
  if (story.violations.length + story.complaints.length > 0) {
    broken += 1;
    console.log(`seed ${seed}: ${[...story.violations, ...story.complaints].slice(0, 4).join('; ')}`);
  }
  if (process.stderr.isTTY && seed % 50 === 0)
    process.stderr.write(`\r${seed - from} of ${runs}, ${kills} kills, ${broken} broken `);
}
console.log(`${runs} stories, ${kills} kills, ${broken} broken`);
process.exitCode = broken > 0 ? 1 : 0;
