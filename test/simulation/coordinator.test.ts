import { describe, expect, it } from 'vitest';
import { type Chances, runStory, type Story } from './run.ts';

/** The five rules, over many seeded lives of a rack. A failing seed is printed and replays exactly. */

const CALM: Chances = { kill: 0, failing: 0, hang: 0, apiGone: 0, silentPack: 0 };
const ROUGH: Chances = { kill: 0.02, failing: 0.2, hang: 0.03, apiGone: 1, silentPack: 1 };

function broken(stories: readonly Story[]): string[] {
  return stories
    .filter(({ violations, complaints }) => violations.length + complaints.length > 0)
    .map(
      ({ seed, violations, complaints }) => `seed ${seed}: ${[...violations, ...complaints].slice(0, 3).join('; ')}`,
    );
}

const stories = (chances: Chances, count: number): Story[] =>
  Array.from({ length: count }, (_, index) => runStory(index + 1, chances));

describe('the coordinator over many outages', () => {
  it('ends every calm story with every host up and schedulable as before, and keeps the reserve', {
    timeout: 60_000,
  }, () => {
    const calm = stories(CALM, 200);
    expect(broken(calm)).toEqual([]);
    // The stories reach what they are meant to reach.
    for (const phase of ['on-battery', 'shutting-down', 'dark', 'restoring'])
      expect(calm.filter(({ phases }) => phases.includes(phase)).length).toBeGreaterThan(20);
    // The reserve is a tenth (`storyPolicy`).
    const single = calm.filter(({ outages }) => outages === 1).flatMap(({ leftWhenDark }) => leftWhenDark);
    expect(single.length).toBeGreaterThan(5);
    expect(Math.min(...single)).toBeGreaterThanOrEqual(0.1);
    const forced = calm
      .flatMap(({ journal }) => journal)
      .filter((entry) => entry.kind === 'host' && entry.change.forced);
    expect(forced).toEqual([]);
  });

  it('survives kills at any moment, failing calls, hung hosts, a lost API and a silent pack', {
    timeout: 120_000,
  }, () => {
    const rough = stories(ROUGH, 400);
    expect(broken(rough)).toEqual([]);
    expect(rough.reduce((sum, { kills }) => sum + kills, 0)).toBeGreaterThan(1000);
  });

  it('replays exactly from its seed', () => {
    expect(runStory(7, ROUGH)).toEqual(runStory(7, ROUGH));
  });

  it('reports every cut under a host that was not seen to be off as forced', { timeout: 60_000 }, () => {
    const hung = stories({ ...CALM, hang: 0.5 }, 40);
    expect(broken(hung.map((story) => ({ ...story, complaints: [] })))).toEqual([]);
    const forced = hung
      .flatMap(({ journal }) => journal)
      .filter((entry) => entry.kind === 'host' && entry.change.forced);
    expect(forced.length).toBeGreaterThan(10);
  });
});
