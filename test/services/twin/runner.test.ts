import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../services/runtime/clock.ts';
import { WorldRunner } from '../../../services/twin/runner.ts';
import { smallWorld } from './small-world.ts';

/** A clock that stands still until it is pushed; whoever sleeps wakes when his time has come. */
class HandClock implements Clock {
  #nowMs = 0;
  readonly #sleepers: { atMs: number; wake: () => void }[] = [];

  wallMs = () => this.#nowMs;
  monoMs = () => this.#nowMs;

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((wake, reject) => {
      this.#sleepers.push({ atMs: this.#nowMs + ms, wake });
      signal?.addEventListener('abort', () => reject(signal.reason));
    });
  }

  async push(ms: number): Promise<void> {
    this.#nowMs += ms;
    for (const { wake } of this.#sleepers.splice(0)) wake();
    // lets the woken loop run up to its next sleep
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('running world', () => {
  it('moves by measured time times speed, world and cluster alike', async () => {
    const world = smallWorld();
    const clock = new HandClock();
    const steps: number[] = [];
    const runner = new WorldRunner({ world, clock, speed: 10, cluster: { step: (dtS) => steps.push(dtS) } });
    runner.start();
    await clock.push(100);
    expect(world.timeS).toBeCloseTo(1, 9);
    await clock.push(350);
    expect(world.timeS).toBeCloseTo(4.5, 9);
    expect(steps.reduce((a, b) => a + b, 0)).toBeCloseTo(4.5, 9);
    expect(Math.max(...steps)).toBeLessThanOrEqual(1);
    await runner.stop();
    await clock.push(1000);
    expect(world.timeS).toBeCloseTo(4.5, 9);
  });

  it('stands still while it is held, and owes nothing for it', async () => {
    const world = smallWorld();
    const clock = new HandClock();
    const runner = new WorldRunner({ world, clock, speed: 10 });
    runner.start();
    await clock.push(100);
    runner.hold(true);
    await clock.push(5000);
    expect(world.timeS).toBeCloseTo(1, 9);
    runner.hold(false);
    await clock.push(100);
    expect(world.timeS).toBeCloseTo(2, 9);
    await runner.stop();
  });

  it('does not make up for a night of sleep', async () => {
    const world = smallWorld();
    const clock = new HandClock();
    const runner = new WorldRunner({ world, clock });
    runner.start();
    await clock.push(8 * 3600 * 1000);
    expect(world.timeS).toBe(60);
    await runner.stop();
  });

  it.each([0, -1, Number.NaN, 10_000])('refuses speed %s', (speed) => {
    expect(() => new WorldRunner({ world: smallWorld(), speed })).toThrow(RangeError);
  });
});
