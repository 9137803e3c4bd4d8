import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { CHECKS, found } from './checks.ts';
import { Coverage } from './coverage.ts';
import { MUTATIONS } from './mutations.ts';
import { PAIR_MUTATIONS } from './pair/pair-mutations.ts';
import { CALM, type Chances, ROUGH, runStory, type Story } from './run.ts';
import { WHOLE_MUTATIONS } from './whole/whole-mutations.ts';

/** The five rules, over many seeded lives of a rack. A failing seed is printed and replays exactly. */

const CALM_SEEDS = 500;
const ROUGH_SEEDS = 1500;

function broken(stories: readonly Story[]): string[] {
  return stories
    .filter(({ violations, complaints }) => violations.length + complaints.length > 0)
    .map(
      ({ seed, violations, complaints }) => `seed ${seed}: ${[...violations, ...complaints].slice(0, 3).join('; ')}`,
    );
}

/** A story is told in one breath; between two of them others get their turn. */
async function stories(chances: Chances, count: number): Promise<Story[]> {
  const told: Story[] = [];
  for (let seed = 1; seed <= count; seed += 1) {
    told.push(runStory(seed, chances));
    await setImmediate();
  }
  return told;
}

describe('the coordinator over many outages', () => {
  it('ends every calm story with every host up and schedulable as before, and keeps the reserve', {
    timeout: 600_000,
  }, async () => {
    const calm = await stories(CALM, CALM_SEEDS);
    expect(broken(calm)).toEqual([]);
    // The stories reach what they are meant to reach.
    for (const phase of ['on-battery', 'shutting-down', 'dark', 'restoring'])
      expect(calm.filter(({ phases }) => phases.includes(phase)).length).toBeGreaterThan(20);
    // That the reserve is intact is a check of each story; here, that there was something to check.
    const single = calm.filter(({ outages }) => outages === 1).flatMap(({ leftWhenDark }) => leftWhenDark);
    expect(single.length).toBeGreaterThan(5);
    const forced = calm
      .flatMap(({ journal }) => journal)
      .filter((entry) => entry.kind === 'host' && entry.change.forced);
    expect(forced).toEqual([]);
  });

  it('survives kills at any moment, failing calls, hung hosts, a lost API, a silent pack and hasty people', {
    timeout: 600_000,
  }, async () => {
    const rough = await stories(ROUGH, ROUGH_SEEDS);
    expect(broken(rough)).toEqual([]);
    expect(rough.reduce((sum, { kills }) => sum + kills, 0)).toBeGreaterThan(10_000);
    expect(rough.reduce((sum, { orders }) => sum + orders, 0)).toBeGreaterThan(3000);
    const coverage = new Coverage();
    for (const story of rough) coverage.add(story.coverage);
    expect(coverage.missing(['kill', 'order', 'silent-pack'], {})).toEqual([]);
  });

  it('replays exactly from its seed', () => {
    expect(runStory(7, ROUGH)).toEqual(runStory(7, ROUGH));
  });

  it('reports every cut under a host that was not seen to be off as forced', async () => {
    const hung = await stories({ ...CALM, hang: 0.5 }, 40);
    expect(broken(hung.map((story) => ({ ...story, complaints: [] })))).toEqual([]);
    const forced = hung
      .flatMap(({ journal }) => journal)
      .filter((entry) => entry.kind === 'host' && entry.change.forced);
    expect(forced.length).toBeGreaterThan(10);
  });
});

describe('a rule broken on purpose', () => {
  it('exists for every check there is', () => {
    const broken = [...MUTATIONS, ...WHOLE_MUTATIONS, ...PAIR_MUTATIONS].map(({ breaks }) => breaks);
    expect(Object.keys(CHECKS).filter((check) => !broken.some((each) => each === check))).toEqual([]);
  });

  it.each(MUTATIONS.map((mutation) => [mutation.name, mutation] as const))(
    'is caught: %s',
    {
      timeout: 600_000,
    },
    async (_, mutation) => {
      let caught: number | undefined;
      for (let seed = 1; seed <= CALM_SEEDS && caught === undefined; seed += 1) {
        const { violations, complaints } = runStory(seed, mutation.chances, mutation);
        if (found(mutation.breaks, [...violations, ...complaints])) caught = seed;
        await setImmediate();
      }
      expect(caught).toBeDefined();
    },
  );
});
