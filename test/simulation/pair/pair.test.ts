import { describe, expect, it } from 'vitest';
import { found } from '../checks.ts';
import { Coverage } from '../coverage.ts';
import { PAIR_MUTATIONS } from './pair-mutations.ts';
import { type PairStory, runPairStory } from './pair-story.ts';
import { PAIR_FAULTS, PAIR_ROUND } from './pair-troubles.ts';

/** Two services on one rack, and everything that can come between them. */

const SEEDS = PAIR_ROUND + 10;

const wrong = ({ violations, complaints }: PairStory): readonly string[] => [...violations, ...complaints];

describe('two nodes over many outages', () => {
  it('never act at once while one can be told from the other, leave nothing behind, and have met every fault', {
    timeout: 400_000,
  }, async () => {
    const coverage = new Coverage();
    let [handovers, kills, splits] = [0, 0, 0];
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const story = await runPairStory(seed);
      expect(wrong(story), `seed ${seed}`).toEqual([]);
      coverage.add(story.coverage);
      handovers += story.handovers;
      kills += story.kills;
      splits += story.split ? 1 : 0;
    }
    expect(coverage.missing(PAIR_FAULTS, {})).toEqual([]);
    expect(handovers).toBeGreaterThan(15);
    expect(kills).toBeGreaterThan(15);
    expect(splits).toBeLessThan(SEEDS / 5);
  });

  it('replays exactly from its seed', async () => {
    const [first, second] = [await runPairStory(23), await runPairStory(23)];
    expect(second.timeline).toEqual(first.timeline);
  });
});

describe('a promise of two nodes broken on purpose', () => {
  it.each(PAIR_MUTATIONS.map((mutation) => [mutation.name, mutation] as const))(
    'is caught: %s',
    { timeout: 200_000 },
    async (_, mutation) => {
      let caught: number | undefined;
      for (let seed = 1; seed <= SEEDS && caught === undefined; seed += 1)
        if (found(mutation.breaks, wrong(await runPairStory(seed, mutation)))) caught = seed;
      expect(caught).toBeDefined();
    },
  );
});
