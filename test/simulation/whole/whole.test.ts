import { describe, expect, it } from 'vitest';
import { found } from '../checks.ts';
import { Coverage } from '../coverage.ts';
import { IMPOSSIBLE } from './scenes.ts';
import { FAULTS, ROUND, seedOf } from './troubles.ts';
import { WHOLE_MUTATIONS } from './whole-mutations.ts';
import { runWholeStory, type WholeStory } from './whole-story.ts';

/** Judge, count of charge, coordinator, executor and journal together, in virtual time, with everything going wrong. */

/** All pairs of fault and phase once (see `someTroubles`), and a few more. */
const SEEDS = ROUND + 5;
/** A pair whose fault did not come to bite is tried in so many more stories. */
const MORE_ROUNDS = 8;

const told = async (): Promise<WholeStory[]> => {
  const stories: WholeStory[] = [];
  for (let seed = 1; seed <= SEEDS; seed += 1) stories.push(await runWholeStory(seed));
  return stories;
};

const broken = (stories: readonly WholeStory[]): string[] =>
  stories
    .filter(({ violations, complaints }) => violations.length + complaints.length > 0)
    .map(
      ({ seed, violations, complaints }) => `seed ${seed}: ${[...violations, ...complaints].slice(0, 3).join('; ')}`,
    );

describe('the whole over many outages', () => {
  it('breaks no rule, ends as it began, keeps the reserve, and has met every fault in every phase', {
    timeout: 600_000,
  }, async () => {
    const stories = await told();
    expect(broken(stories)).toEqual([]);
    const coverage = new Coverage();
    for (const story of stories) coverage.add(story.coverage);
    for (let round = 1; round <= MORE_ROUNDS; round += 1)
      for (const pair of coverage.missing(FAULTS, IMPOSSIBLE))
        coverage.add((await runWholeStory(seedOf(pair, round))).coverage);
    expect(coverage.missing(FAULTS, IMPOSSIBLE)).toEqual([]);
    expect(stories.reduce((sum, { kills }) => sum + kills, 0)).toBeGreaterThan(20);
    const fair = stories.flatMap(({ dark }) => dark).filter((each) => each.fair);
    expect(fair.length).toBeGreaterThan(5);
    expect(Math.min(...fair.map(({ socRatio }) => socRatio))).toBeGreaterThanOrEqual(0.1);
  });

  it('replays exactly from its seed', async () => {
    const [first, second] = [await runWholeStory(42), await runWholeStory(42)];
    expect(second.timeline).toEqual(first.timeline);
  });
});

describe('a rule broken on purpose at the seams', () => {
  it.each(WHOLE_MUTATIONS.map((mutation) => [mutation.name, mutation] as const))(
    'is caught: %s',
    {
      timeout: 600_000,
    },
    async (_, mutation) => {
      let caught: number | undefined;
      for (let seed = 1; seed <= SEEDS && caught === undefined; seed += 1) {
        const { violations, complaints } = await runWholeStory(seed, mutation);
        if (found(mutation.breaks, [...violations, ...complaints])) caught = seed;
      }
      expect(caught).toBeDefined();
    },
  );
});
