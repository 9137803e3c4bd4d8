import { describe, expect, it } from 'vitest';
import { DemoStory } from '../../../services/cli/demo-story.ts';
import { sight, stagesIn } from './demo-sight.ts';

const texts = (steps: readonly { readonly text: string }[]): string[] => steps.map(({ text }) => text);
const isMains = ({ kind }: { readonly kind: string }): boolean => kind === 'mains';

describe('the story of the demo', () => {
  it.each([
    ['the pack was not heard', () => sight(1, { schedule: { ...stagesIn('waiting'), usableWh: undefined as never } })],
    [
      'a host does not answer',
      () => sight(1, { views: sight(1).views.map((view) => ({ ...view, reachable: false })) }),
    ],
    ['a node is not ready', () => sight(1, { nodes: [{ name: 'pi1', unschedulable: false, ready: false }] })],
    ['there is no mains', () => sight(1, { phase: 'on-battery' })],
  ])('does not begin while %s', (_, seen) => {
    const story = new DemoStory(5, undefined);
    for (let index = 0; index < 20; index += 1) expect(story.follow(seen()).filter(isMains)).toEqual([]);
    expect(() => story.record()).toThrow();
  });

  it('does not wait for a host of no stage', () => {
    const story = new DemoStory(5, undefined);
    const views = sight(1).views.map((view) => (view.id === 'router' ? { ...view, reachable: false } : view));
    expect(texts(story.follow(sight(1, { views })))).toEqual(["all is well; mains fails in 5 s of the rack's time"]);
  });

  it('goes from calm to dark and back when the user did not say how long', () => {
    const story = new DemoStory(20, undefined);
    story.follow(sight(100));
    expect(story.follow(sight(119))).toEqual([]);
    expect(story.follow(sight(120))).toEqual([{ kind: 'mains', present: false, text: 'mains fails', timeS: 120 }]);
    expect(story.follow(sight(121))).toEqual([]);
    expect(texts(story.follow(sight(125, { phase: 'on-battery', socRatio: 0.8 })))).toEqual(['phase on-battery']);
    expect(
      texts(story.follow(sight(130, { phase: 'shutting-down', schedule: stagesIn('going-down'), socRatio: 0.5 }))),
    ).toEqual(['phase shutting-down', 'stage workers: going down', 'stage control-plane: going down']);
    const dark = { phase: 'dark', schedule: stagesIn('down'), socRatio: 0.3 } as const;
    expect(texts(story.follow(sight(200, dark)))).toContain('phase dark');
    expect(story.follow(sight(214, { ...dark, socRatio: 0.29 }))).toEqual([]);
    expect(story.follow(sight(215, { ...dark, socRatio: 0.28 }))).toEqual([
      { kind: 'mains', present: true, text: 'mains returns', timeS: 215 },
    ]);
    expect(story.ended).toBe(false);
    story.follow(sight(220, { phase: 'restoring', schedule: stagesIn('coming-back'), socRatio: 0.4 }));
    expect(story.ended).toBe(false);
    expect(texts(story.follow(sight(300)))).toEqual([
      'phase mains',
      'stage workers: is back',
      'stage control-plane: is back',
    ]);
    expect(story.ended).toBe(true);
    const record = story.record();
    expect(record).toMatchObject({ outageAtS: 120, returnAtS: 215, darkSocRatio: 0.3, lowestSocRatio: 0.28 });
    expect([record.before.timeS, record.after.timeS]).toEqual([120, 300]);
  });

  it('lets mains return when the user said so, dark or not', () => {
    const story = new DemoStory(10, 30);
    story.follow(sight(0));
    story.follow(sight(10));
    expect(story.follow(sight(39, { phase: 'on-battery' })).filter(isMains)).toEqual([]);
    expect(texts(story.follow(sight(40, { phase: 'on-battery' })))).toEqual(['mains returns']);
    expect(story.follow(sight(60, { phase: 'restoring' })).filter(isMains)).toEqual([]);
    story.follow(sight(70));
    expect(story.ended).toBe(true);
    expect(story.record()).not.toHaveProperty('darkSocRatio');
  });

  it('has not ended because mains was there before it failed', () => {
    const story = new DemoStory(10, undefined);
    story.follow(sight(0));
    expect(story.ended).toBe(false);
    story.follow(sight(10));
    expect(story.ended).toBe(false);
  });

  it('says every change of a stage once', () => {
    const story = new DemoStory(100, undefined);
    story.follow(sight(0));
    expect(texts(story.follow(sight(1, { schedule: stagesIn('going-down') })))).toHaveLength(2);
    expect(story.follow(sight(2, { schedule: stagesIn('going-down') }))).toEqual([]);
    expect(texts(story.follow(sight(3)))[0]).toBe('stage workers: stays up');
  });
});
