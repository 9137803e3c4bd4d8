import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../../../services/shutdown/decide.ts';
import { evolve, initialState } from '../../../services/shutdown/evolve.ts';
import type { OutcomeCode } from '../../../services/shutdown/promises.ts';
import type { Effect, Input, JournalEntry } from '../../../services/shutdown/state.ts';
import { hostsOf } from '../../../services/shutdown/turn.ts';
import { Bench } from './bench.ts';

/** Whatever happens, in whatever order: results of all kinds, readings, clocks, commands, restarts. */

type Step =
  | { readonly kind: 'pass'; readonly seconds: number }
  | { readonly kind: 'mains'; readonly verdict: 'present' | 'absent' | 'unknown' }
  | { readonly kind: 'energy'; readonly wh: number }
  | { readonly kind: 'answer'; readonly effect: Effect['kind']; readonly code: OutcomeCode }
  | { readonly kind: 'host'; readonly host: string; readonly asleep: boolean; readonly boot: number }
  | { readonly kind: 'readings'; readonly freshness: 'fresh' | 'stale' | 'absent' }
  | { readonly kind: 'command'; readonly command: 'begin' | 'hold' | 'abort' }
  | { readonly kind: 'restart' };

const HOSTS = ['b1', 'b2', 'w1', 'w2', 'cp1', 'cp2'];
const KINDS: Effect['kind'][] = ['cordon', 'uncordon', 'drain', 'stop-drain', 'halt', 'cut', 'power', 'wake'];
const CODES: OutcomeCode[] = ['done', 'already', 'left-alone', 'refused', 'timeout', 'unreachable', 'disobeyed'];

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('pass' as const), seconds: fc.integer({ min: 1, max: 70 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('mains' as const),
      verdict: fc.constantFrom('present' as const, 'absent' as const, 'unknown' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('energy' as const), wh: fc.integer({ min: 0, max: 1000 }) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      effect: fc.constantFrom(...KINDS),
      code: fc.oneof(
        { weight: 3, arbitrary: fc.constant('done' as const) },
        { weight: 1, arbitrary: fc.constantFrom(...CODES) },
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('host' as const),
      host: fc.constantFrom(...HOSTS),
      asleep: fc.boolean(),
      boot: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('readings' as const),
      freshness: fc.constantFrom('fresh' as const, 'stale' as const, 'absent' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('command' as const),
      command: fc.constantFrom('begin' as const, 'hold' as const, 'abort' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
);

const steps = fc.array(step, { minLength: 1, maxLength: 60 });

function perform(bench: Bench, action: Step): void {
  switch (action.kind) {
    case 'pass':
      bench.pass(action.seconds);
      return;
    case 'mains':
      bench.rack.setMains(action.verdict);
      bench.pass();
      return;
    case 'energy':
      bench.rack.bank = { ...bench.rack.bank, usableWh: action.wh, usableLowWh: action.wh, socRatio: action.wh / 1000 };
      return;
    case 'answer':
      bench.answer(action.effect, action.code);
      return;
    case 'host':
      if (action.asleep) bench.rack.asleep(action.host);
      else bench.rack.booted(action.host, `boot-${action.boot}`);
      return;
    case 'readings':
      bench.rack.switchFreshness = action.freshness;
      bench.rack.probesFreshness = action.freshness;
      bench.rack.clusterFreshness = action.freshness;
      return;
    case 'command':
      bench.command(action.command === 'hold' ? { kind: 'hold', forS: 30 } : { kind: action.command });
      return;
    case 'restart':
      bench.restart();
      return;
  }
}

const newBench = (): Bench =>
  new Bench({
    stages: { batch: { afterS: 40 } },
    restore: { stableForS: 5 },
    hosts: { w2: { cuttable: false, canWake: true } },
  });

const RUNS = { numRuns: 150 };

describe('over random lives', () => {
  it('the state is always the fold of the journal, from the very beginning', () => {
    fc.assert(
      fc.property(steps, (actions) => {
        const bench = newBench();
        const startMs = bench.rack.nowMs;
        let restarted = false;
        for (const action of actions) {
          perform(bench, action);
          restarted ||= action.kind === 'restart';
          // `Bench.take` compares every single decision; this is the whole of them.
          if (restarted) continue;
          const folded = bench.journal.reduce(
            (state, { atMs, entry }) => evolve(state, entry, atMs),
            initialState(bench.policy, startMs),
          );
          expect(bench.state).toEqual(folded);
        }
      }),
      RUNS,
    );
  });

  it('deciding again with the same rack repeats no effect and comes to rest', () => {
    fc.assert(
      fc.property(steps, (actions) => {
        const bench = newBench();
        for (const action of actions) {
          perform(bench, action);
          let last: readonly JournalEntry[] = [];
          for (let again = 0; again < 8; again += 1) {
            const flying = new Set(Object.keys(bench.watch.inFlight));
            const { effects, entries } = bench.take({ kind: 'tick' });
            for (const { key } of effects) expect(flying).not.toContain(key);
            last = entries;
          }
          expect(last).toEqual([]);
        }
      }),
      RUNS,
    );
  });

  it('has at most one effect of a kind under way for a host, and each under its own key', () => {
    fc.assert(
      fc.property(steps, (actions) => {
        const bench = newBench();
        for (const action of actions) {
          perform(bench, action);
          const flying = Object.entries(bench.watch.inFlight);
          const pairs = flying.flatMap(([, { effect }]) => hostsOf(effect).map((host) => `${effect.kind} ${host}`));
          expect(new Set(pairs).size).toBe(pairs.length);
          for (const [key, { effect }] of flying) expect(effect.key).toBe(key);
        }
      }),
      RUNS,
    );
  });

  it('never cuts what must not be cut, nor a host that was not brought down first', () => {
    fc.assert(
      fc.property(steps, (actions) => {
        const bench = newBench();
        for (const action of actions) {
          const from = bench.effects.length;
          perform(bench, action);
          for (const effect of bench.effects.slice(from)) {
            if (effect.kind !== 'cut') continue;
            for (const { host, before } of effect.targets) {
              expect(host).not.toBe('w2');
              expect(before.enabled).not.toBe(false);
              // What was known of its port is on record before the effect.
              expect(
                bench.entries('host').some((entry) => entry.host === host && entry.change.portBefore !== undefined),
              ).toBe(true);
              const phases = bench
                .entries('host')
                .filter((entry) => entry.host === host)
                .flatMap(({ change }) => change.phase ?? []);
              expect(phases).toContain('halted');
            }
          }
        }
      }),
      RUNS,
    );
  });

  it('does not change what it is given', () => {
    fc.assert(
      fc.property(steps, (actions) => {
        const bench = newBench();
        for (const action of actions) perform(bench, action);
        const before = { state: bench.state, watch: bench.watch };
        const rack = bench.rack.snapshot();
        const copy = structuredClone({ before, rack });
        const input: Input = { kind: 'tick' };
        const first = decide(before, input, rack, bench.policy);
        expect({ before, rack }).toEqual(copy);
        expect(decide(before, input, rack, bench.policy)).toEqual(first);
      }),
      RUNS,
    );
  });

  it('says what is on every line of the journal in plain data', () => {
    fc.assert(
      fc.property(steps, (actions) => {
        const bench = newBench();
        for (const action of actions) perform(bench, action);
        const entries = [
          ...bench.journal.map(({ entry }) => entry),
          ...bench.effects.map((effect): JournalEntry => ({ kind: 'intent', effect })),
        ];
        expect(JSON.parse(JSON.stringify(entries))).toEqual(entries);
      }),
      RUNS,
    );
  });
});
