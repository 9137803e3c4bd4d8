import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeMains, type MainsState, type MainsWitness, unknownMains, weigh } from '../../../services/mains/judge.ts';
import { canaryWitness, meterWitness } from '../../../services/mains/witnesses.ts';

const says = (kind: MainsWitness['kind'], what: MainsWitness['says']): MainsWitness => ({
  source: kind,
  kind,
  says: what,
  because: '',
});
const policy = { confirmLossMs: 3000, confirmReturnMs: 10_000 };

function follow(steps: readonly (readonly [number, readonly MainsWitness[]])[], from?: MainsState): string[] {
  let state = from ?? unknownMains(0);
  return steps.map(([atMs, votes]) => {
    state = judgeMains(state, votes, policy, atMs).state;
    return state.verdict;
  });
}

describe('judgeMains', () => {
  const gone = [says('meter', 'absent')];
  const there = [says('meter', 'present')];

  it('confirms a loss and a return over time', () => {
    const steps = [
      [0, there],
      [1000, gone],
      [3999, gone],
      [4000, gone],
      [5000, there],
      [14_999, there],
      [15_000, there],
    ] as const;
    expect(follow(steps)).toEqual(['present', 'present', 'present', 'absent', 'absent', 'absent', 'present']);
  });

  it('starts the confirmation again when the evidence flickers', () => {
    expect(
      follow([
        [0, there],
        [1000, gone],
        [2000, there],
        [3000, gone],
        [5000, gone],
      ]).at(-1),
    ).toBe('present');
  });

  it('tells what witnesses lean to before it is confirmed', () => {
    const policy = { confirmLossMs: 3000, confirmReturnMs: 10_000 };
    const absent: MainsState = { verdict: 'absent', sinceMs: 0 };
    const { state, view } = judgeMains(absent, [says('meter', 'present')], policy, 1000);
    expect(view).toMatchObject({ verdict: 'absent', leaning: 'present' });
    expect(judgeMains(state, [says('meter', 'absent')], policy, 2000).view).not.toHaveProperty('leaning');
    expect(judgeMains(state, [says('meter', 'present')], policy, 11_000).view).not.toHaveProperty('leaning');
  });

  it('never calls mains absent because witnesses fell silent (rule 2)', () => {
    const silent = [says('meter', 'silent'), says('pack', 'silent')];
    expect(
      follow([
        [0, there],
        [1000, silent],
        [1e9, silent],
      ]),
    ).toEqual(['present', 'present', 'present']);
  });

  it('never reaches a loss without anyone saying so', () => {
    const vote = fc.constantFrom<MainsWitness['says']>('present', 'silent');
    const round = fc.array(fc.tuple(fc.constantFrom<MainsWitness['kind']>('meter', 'pack'), vote), { maxLength: 4 });
    fc.assert(
      fc.property(fc.array(round, { maxLength: 50 }), (rounds) => {
        const steps = rounds.map((votes, index) => [index * 60_000, votes.map(([k, v]) => says(k, v))] as const);
        expect(follow(steps)).not.toContain('absent');
      }),
    );
  });

  it.each([
    [
      'a discharging pack outvotes a meter that shows voltage',
      [says('meter', 'present'), says('pack', 'absent')],
      'absent',
      true,
    ],
    [
      'a charging pack outvotes a meter that shows none',
      [says('meter', 'absent'), says('pack', 'present')],
      'present',
      true,
    ],
    ['two meters that disagree decide nothing', [says('meter', 'absent'), says('meter', 'present')], 'silent', true],
    ['one voice is enough', [says('meter', 'silent'), says('pack', 'absent')], 'absent', false],
    ['nobody says nothing', [], 'silent', false],
    ['a canary that answers proves mains', [says('meter', 'silent'), says('canary', 'present')], 'present', false],
    ['a canary that is silent proves nothing', [says('meter', 'silent'), says('canary', 'absent')], 'silent', false],
    [
      'a silent canary settles what two meters disagree about',
      [says('meter', 'absent'), says('meter', 'present'), says('canary', 'absent')],
      'absent',
      true,
    ],
    [
      'one that answers settles it the other way',
      [says('meter', 'absent'), says('other', 'present'), says('canary', 'present')],
      'present',
      true,
    ],
    [
      'a discharging pack outvotes a canary that answers, and that is told',
      [says('pack', 'absent'), says('canary', 'present')],
      'absent',
      true,
    ],
  ] as const)('%s', (_title, votes, verdict, disputed) => {
    expect(weigh(votes)).toEqual({ says: verdict, disputed });
  });
});

describe('witnesses', () => {
  const meter = (voltageV: number | undefined, freshness: 'fresh' | 'stale' = 'fresh') =>
    meterWitness(
      'm',
      { freshness, sample: { kind: 'meter', measuredAtMs: 0, ...(voltageV === undefined ? {} : { voltageV }) } },
      88,
    ).says;

  it('reads a canary', () => {
    const canary = (reachable: boolean, freshness: 'fresh' | 'stale' = 'fresh') =>
      canaryWitness('c', { freshness, sample: { kind: 'host', measuredAtMs: 0, reachable } }).says;
    expect([canary(true), canary(false), canary(true, 'stale')]).toEqual(['present', 'absent', 'silent']);
    expect(canaryWitness('c', undefined).says).toBe('silent');
  });

  it('reads a meter', () => {
    expect([meter(118), meter(0), meter(60), meter(undefined), meter(118, 'stale'), meter(0, 'stale')]).toEqual([
      'present',
      'absent',
      'silent',
      'silent',
      'silent',
      'silent',
    ]);
  });
});
