import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fastClock, systemClock } from '../../../services/runtime/clock.ts';
import { PlayedClock, settle } from './played-clock.ts';

describe('the fast clock', () => {
  it('is the clock itself at its own speed', () => {
    const base = new PlayedClock();
    expect(fastClock(1, base)).toBe(base);
  });

  it('begins at the present and runs so many times faster', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 60, noNaN: true }), fc.integer({ min: 0, max: 1e9 }), (speed, ms) => {
        const base = new PlayedClock();
        base.nowMs = 5000;
        const fast = fastClock(speed, base);
        expect([fast.monoMs(), fast.wallMs()]).toEqual([base.monoMs(), base.wallMs()]);
        base.nowMs += ms;
        expect(fast.monoMs()).toBeCloseTo(5000 + ms * speed, 3);
        expect(fast.wallMs() - base.wallOffsetMs).toBeCloseTo(5000 + ms * speed, 3);
      }),
    );
  });

  it('sleeps for its own time, and wakes up when it is told to', async () => {
    const base = new PlayedClock();
    const fast = fastClock(10, base);
    let woken = false;
    const sleeping = fast.sleep(1000).then(() => {
      woken = true;
    });
    await base.pass(99);
    expect(woken).toBe(false);
    await base.pass(1);
    expect(woken).toBe(true);
    await sleeping;
    const stop = new AbortController();
    const interrupted = fast.sleep(1e9, stop.signal);
    stop.abort(new Error('enough'));
    await expect(interrupted).rejects.toThrow('enough');
  });
});

describe("the machine's clock", () => {
  it('does not wait for the past, and rejects when it is told to stop', async () => {
    await systemClock.sleep(-5);
    const stop = new AbortController();
    const sleeping = systemClock.sleep(60_000, stop.signal);
    stop.abort();
    await expect(sleeping).rejects.toThrow();
  });

  it('has a time that never goes back', async () => {
    const before = systemClock.monoMs();
    await settle();
    expect(systemClock.monoMs()).toBeGreaterThanOrEqual(before);
  });
});
