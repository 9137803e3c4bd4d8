import { describe, expect, it } from 'vitest';
import { Coverage, PHASES } from '../coverage.ts';
import { EDGE_FAULTS, type EdgeMutation, type EdgeStory, runEdgeStory } from './edge-story.ts';

/** The real edges of the cluster and of switches, against an API server and ports in memory, with everything of theirs going wrong. */

const SEEDS = 40;

const wrong = (stories: readonly EdgeStory[]): string[] =>
  stories.filter((story) => story.wrong.length > 0).map(({ seed, wrong }) => `seed ${seed}: ${wrong[0]}`);

describe('the edges over many outages', () => {
  it('leave nothing cordoned, scaled or off, and evict once, whatever fails', { timeout: 600_000 }, async () => {
    const stories: EdgeStory[] = [];
    for (let seed = 1; seed <= SEEDS; seed += 1) stories.push(await runEdgeStory(seed));
    expect(wrong(stories)).toEqual([]);
    const coverage = new Coverage();
    for (const story of stories) coverage.add(story.coverage);
    const never = EDGE_FAULTS.filter((fault) => PHASES.every((phase) => coverage.count(phase, fault) === 0));
    expect(never).toEqual([]);
    expect(stories.filter(({ scaled }) => scaled > 0).length).toBeGreaterThan(20);
    expect(stories.reduce((sum, { evictions }) => sum + evictions, 0)).toBeGreaterThan(300);
    expect(stories.reduce((sum, { kills }) => sum + kills, 0)).toBeGreaterThan(8);
  });

  it('replay exactly from their seed', async () => {
    const [first, second] = [await runEdgeStory(7), await runEdgeStory(7)];
    expect(second.timeline).toEqual(first.timeline);
  });
});

/** What it says is done, and what it does is to nodes alone. */
const uncordonsOnly: EdgeMutation = (cluster, world) => ({
  ...cluster,
  uncordon: (name) => {
    const node = world.get('nodes', name);
    if (node !== undefined)
      world.writeNode({ ...node, metadata: { ...node.metadata, annotations: {} }, spec: { unschedulable: false } });
    return Promise.resolve({ code: 'done' });
  },
});

describe('an edge broken on purpose', () => {
  it.each<readonly [string, RegExp, EdgeMutation]>([
    [
      'uncordons nothing',
      /schedulable differs/,
      (cluster) => ({ ...cluster, uncordon: () => Promise.resolve({ code: 'done' }) }),
    ],
    ['scales nothing back', /workload \S+ is left at 0/, uncordonsOnly],
    [
      'evicts twice',
      /was evicted twice/,
      (cluster) => ({
        ...cluster,
        drain: async (nodes, options) => {
          const [report] = await Promise.all([cluster.drain(nodes, options), cluster.drain(nodes, options)]);
          return report;
        },
      }),
    ],
  ])('is caught: %s', { timeout: 600_000 }, async (_, complaint, mutation) => {
    const found: string[] = [];
    for (let seed = 1; seed <= SEEDS && !found.some((each) => complaint.test(each)); seed += 1)
      found.push(...(await runEdgeStory(seed, mutation)).wrong);
    expect(found).toContainEqual(expect.stringMatching(complaint));
  });
});
