import { describe, expect, it } from 'vitest';
import type { StoryRecord } from '../../../services/cli/demo-story.ts';
import { summarize, summarySentence } from '../../../services/cli/demo-summary.ts';
import type { HostChange, HostPhase } from '../../../services/shutdown/state.ts';
import type { JournalLine } from '../../../services/shutdown/view.ts';
import { sight, WALL_MS } from './demo-sight.ts';

const ORDER: HostPhase[] = ['cordoned', 'drained', 'halting', 'halted', 'cut', 'powering', 'up'];
const OUTAGE_AT_S = 100;

const line = (host: string, change: HostChange, afterS: number): JournalLine => ({
  seq: 1,
  wallMs: WALL_MS + (OUTAGE_AT_S + afterS) * 1000,
  entry: { kind: 'host', host, change, because: 'because' },
});
const tale = (host: string, phases: readonly HostPhase[] = ORDER): JournalLine[] =>
  phases.map((phase, index) => line(host, { phase }, index * 10));

const journal = [...tale('pi1'), ...tale('pi2')];
const record = (change: Partial<StoryRecord> = {}): StoryRecord => ({
  before: sight(OUTAGE_AT_S),
  after: sight(400),
  outageAtS: OUTAGE_AT_S,
  returnAtS: 250.04,
  darkSocRatio: 0.3123,
  lowestSocRatio: 0.2987,
  ...change,
});
const broken = (story: StoryRecord, lines: readonly JournalLine[] = journal) =>
  summarize(story, lines)
    .invariants.filter(({ held }) => !held)
    .map(({ rule, detail }) => [rule, detail]);

describe('the summary of the demo', () => {
  it('is good when every rule held', () => {
    const summary = summarize(record(), journal);
    expect(summary).toMatchObject({
      good: true,
      outageS: 150,
      totalS: 300,
      forcedCuts: [],
      energy: { socBefore: 0.9, socWhenDark: 0.312, lowestSoc: 0.299, reserveRatio: 0.1 },
    });
    expect(summary.invariants).toHaveLength(7);
    expect(summary.hosts.pi1).toMatchObject({ stage: 'workers', forced: false });
    expect(summary.hosts.pi1?.phases[2]).toEqual({ phase: 'halting', atS: 20, because: 'because' });
    expect(summary.hosts.router?.phases).toEqual([]);
    expect(summarySentence(summary)).toBe(
      "2 hosts went down and came back in 300 s of the rack's time: no forced cuts, 31 % left when the last was off; all 7 rules held",
    );
  });

  it.each<[string, Partial<Parameters<typeof sight>[1]>, string]>([
    [
      'no power was cut under a running host',
      { violations: [{ atS: 1, rule: 'power-cut', detail: 'pi1 was running' }] },
      'power-cut: pi1 was running',
    ],
    [
      'every host runs again',
      { hosts: sight(1).hosts.map((host) => (host.id === 'pi2' ? { ...host, state: 'off' } : host)) },
      'pi2',
    ],
    ['every host runs again', { hosts: [] }, 'pi1, pi2, router'],
    ['every port is as it was', { ports: sight(1).ports.map((port) => ({ ...port, enabled: true })) }, '3'],
    [
      'every node is schedulable as before',
      { nodes: sight(1).nodes.map((node) => ({ ...node, unschedulable: true })) },
      'pi1',
    ],
    [
      'every node is schedulable as before',
      { nodes: sight(1).nodes.map((node) => ({ ...node, unschedulable: false })) },
      'pi2',
    ],
  ])('is not good when this rule is broken: %s', (rule, change, detail) => {
    const story = record({ after: sight(400, change) });
    expect(broken(story)).toEqual([[rule, detail]]);
    expect(summarize(story, journal).good).toBe(false);
    expect(summarySentence(summarize(story, journal))).toContain(`BROKEN: ${rule} (${detail})`);
  });

  it.each<[string, readonly HostPhase[]]>([
    ['goes back', ['cordoned', 'drained', 'cordoned']],
    ['is cut before it was halted', ['cordoned', 'cut', 'halted']],
    ['is in one phase twice', ['cordoned', 'drained', 'drained']],
  ])('is not good when a host %s', (_, phases) => {
    expect(broken(record(), [...tale('pi1', phases), ...tale('pi2')])).toEqual([
      ['every host went through its phases in order', 'pi1'],
    ]);
  });

  it('allows a host two rounds, and to skip what it has not', () => {
    const twice: HostPhase[] = [...ORDER, ...ORDER];
    expect(
      broken(record(), [...tale('pi1', twice), ...tale('pi2', ['drained', 'halting', 'halted', 'powering', 'up'])]),
    ).toEqual([]);
  });

  it('is not good when a protected host was touched', () => {
    expect(broken(record(), [...journal, line('router', { phase: 'cordoned' }, 5)])).toEqual([
      ['protected hosts were left alone', 'router'],
    ]);
  });

  it('is not good when the reserve was touched before the last host was off', () => {
    expect(broken(record({ darkSocRatio: 0.0999 }))).toEqual([
      ['the reserve was kept until the last host was off', undefined],
    ]);
    expect(broken(record({ darkSocRatio: 0.1, lowestSocRatio: 0.05 }))).toEqual([]);
  });

  it('names forced cuts without calling them a broken rule', () => {
    const summary = summarize(record(), [...journal, line('pi2', { forced: true }, 30)]);
    expect(summary).toMatchObject({ good: true, forcedCuts: ['pi2'] });
    expect(summarySentence(summary)).toContain('forced cuts: pi2');
  });

  it('shows trouble, and does without a dark moment', () => {
    const views = sight(1).views.map((view) => (view.id === 'pi1' ? { ...view, trouble: 'did not come up' } : view));
    const { darkSocRatio: _, ...bright } = record({ after: sight(400, { views }) });
    const summary = summarize(bright, journal);
    expect(summary.hosts.pi1?.trouble).toBe('did not come up');
    expect(summary.energy).not.toHaveProperty('socWhenDark');
    expect(summary.good).toBe(true);
    expect(summarySentence(summary)).not.toContain('left when');
  });

  it('is plain data', () => {
    const summary = summarize(record(), journal);
    expect(JSON.parse(JSON.stringify(summary))).toEqual(summary);
  });
});
