import { describe, expect, it } from 'vitest';
import { Ledger } from '../../../services/rack/ledger.ts';
import { PlayedClock } from '../runtime/played-clock.ts';

const TIMEOUT = { code: 'timeout', message: 'no answer' };

describe('the ledger of sources', () => {
  it('has nothing of a source that was never heard', () => {
    const ledger = new Ledger<number>([{ id: 'a', every: 1 }]);
    expect(ledger.observed(0)).toEqual({ a: { freshness: 'absent' } });
    ledger.failed('a', TIMEOUT);
    expect(ledger.observed(0)).toEqual({ a: { freshness: 'absent', failure: TIMEOUT } });
  });

  it('keeps the latest sample with its age', () => {
    const ledger = new Ledger<number>([{ id: 'a', every: 1 }]);
    ledger.sampled('a', 1, 1000);
    ledger.sampled('a', 2, 2000);
    expect(ledger.observed(2500).a).toEqual({ sample: 2, receivedAtMs: 2000, ageMs: 500, freshness: 'fresh' });
  });

  it.each([
    ['three missed polls', { every: 2 }, 6000],
    ['at least three seconds', { every: 0.1 }, 3000],
    ['what the user said', { every: 2, staleAfter: 20 }, 20_000],
    ['what the user said, also when it is short', { every: 2, staleAfter: 0.5 }, 500],
  ])('is stale after %s', (_, source, limitMs) => {
    const ledger = new Ledger<number>([{ id: 'a', ...source }]);
    ledger.sampled('a', 1, 100);
    expect(ledger.observed(100 + limitMs).a?.freshness).toBe('fresh');
    expect(ledger.observed(101 + limitMs).a).toMatchObject({ freshness: 'stale', sample: 1 });
  });

  it('stays fresh over a failed poll, and says that it failed', () => {
    const ledger = new Ledger<number>([{ id: 'a', every: 1 }]);
    ledger.sampled('a', 1, 0);
    ledger.failed('a', TIMEOUT);
    expect(ledger.observed(1000).a).toMatchObject({ sample: 1, freshness: 'fresh', failure: TIMEOUT });
    ledger.sampled('a', 2, 1500);
    expect(ledger.observed(1600).a).not.toHaveProperty('failure');
  });

  it('tells the health of every source, with failures counted by reason', () => {
    const ledger = new Ledger<number>([
      { id: 'a', every: 1 },
      { id: 'b', every: 1 },
    ]);
    const clock = new PlayedClock();
    clock.nowMs = 10_000;
    ledger.sampled('a', 1, 9000);
    ledger.failed('b', TIMEOUT);
    ledger.failed('b', TIMEOUT);
    ledger.failed('b', { code: 'closed', message: '' });
    expect(ledger.health('pack', clock)).toEqual([
      { device: 'a', kind: 'pack', up: true, polls: 1, failures: {}, lastSuccessWallMs: clock.wallMs() - 1000 },
      { device: 'b', kind: 'pack', up: false, polls: 3, failures: { timeout: 2, closed: 1 } },
    ]);
    clock.nowMs = 60_000;
    expect(ledger.health('pack', clock)[0]?.up).toBe(false);
  });

  it('is down with the first failure, although its sample is still fresh', () => {
    const ledger = new Ledger<number>([{ id: 'a', every: 1 }]);
    const clock = new PlayedClock();
    ledger.sampled('a', 1, 0);
    ledger.failed('a', TIMEOUT);
    expect(ledger.health('pack', clock)[0]).toMatchObject({ up: false, failures: { timeout: 1 } });
  });

  it('takes nothing of a source nobody configured', () => {
    const ledger = new Ledger<number>([]);
    ledger.sampled('x', 1, 0);
    ledger.failed('x', TIMEOUT);
    expect(ledger.observed(0)).toEqual({});
  });

  it('does not hand out what it counts with', () => {
    const ledger = new Ledger<number>([{ id: 'a', every: 1 }]);
    const clock = new PlayedClock();
    ledger.failed('a', TIMEOUT);
    const before = ledger.health('pack', clock)[0]?.failures;
    ledger.failed('a', TIMEOUT);
    expect(before).toEqual({ timeout: 1 });
  });
});
