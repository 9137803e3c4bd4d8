import { describe, expect, it } from 'vitest';
import { Lifecycle, type Part } from '../../../services/runtime/lifecycle.ts';
import { KeptLog } from './kept-log.ts';
import { PlayedClock } from './played-clock.ts';

function bench() {
  const clock = new PlayedClock();
  const log = new KeptLog();
  const lifecycle = new Lifecycle(log, clock);
  const done: string[] = [];
  const part = (name: string, more: Partial<Part> = {}): Part => ({
    name,
    start: () => {
      done.push(`start ${name}`);
    },
    stop: () => {
      done.push(`stop ${name}`);
    },
    ...more,
  });
  return { clock, log, lifecycle, done, part };
}

describe('a lifecycle', () => {
  it('starts in order, each when the one before it has started, and stops in reverse', async () => {
    const { lifecycle, done, part } = bench();
    const slow = Promise.withResolvers<void>();
    const starting = lifecycle.start([part('a', { start: () => slow.promise }), part('b'), part('c')]);
    expect(done).toEqual([]);
    slow.resolve();
    await starting;
    await lifecycle.stop();
    expect(done).toEqual(['start b', 'start c', 'stop c', 'stop b', 'stop a']);
  });

  it('stops once, however often it is told to', async () => {
    const { lifecycle, done, part } = bench();
    await lifecycle.start([part('a')]);
    await Promise.all([lifecycle.stop(), lifecycle.stop()]);
    await lifecycle.stop();
    expect(done).toEqual(['start a', 'stop a']);
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('port is taken'))],
    [
      'throws',
      (): never => {
        throw new Error('port is taken');
      },
    ],
  ])('stops what had started when a part %s, starts nothing after it, and says why', async (_, start) => {
    const { lifecycle, done, part } = bench();
    await expect(lifecycle.start([part('a'), part('b'), part('c', { start }), part('d')])).rejects.toThrow(
      'port is taken',
    );
    expect(done).toEqual(['start a', 'start b', 'stop b', 'stop a']);
  });

  it('waits for a part to stop before it stops the one it rests on', async () => {
    const { lifecycle, done, part } = bench();
    const slow = Promise.withResolvers<void>();
    await lifecycle.start([part('a'), part('b', { stop: () => slow.promise })]);
    const stopping = lifecycle.stop();
    await new Promise(setImmediate);
    expect(done).not.toContain('stop a');
    slow.resolve();
    await stopping;
    expect(done).toContain('stop a');
  });

  it('goes on without a part that does not stop, and names it', async () => {
    const { lifecycle, done, part, clock, log } = bench();
    await lifecycle.start([part('a'), part('b', { stop: () => new Promise(() => {}) })]);
    const stopping = lifecycle.stop();
    await clock.pass(5000);
    await stopping;
    expect(done).toContain('stop a');
    expect(log.lines).toEqual([{ level: 'warn', fields: { part: 'b' }, message: 'did not stop in time' }]);
  });

  it('goes on after a part that could not be stopped, and says why', async () => {
    const { lifecycle, done, part, log } = bench();
    await lifecycle.start([part('a'), part('b', { stop: () => Promise.reject(new Error('busy')) })]);
    await lifecycle.stop();
    expect(done).toContain('stop a');
    expect(log.lines).toEqual([
      { level: 'warn', fields: { part: 'b', error: 'busy' }, message: 'could not be stopped cleanly' },
    ]);
  });

  // Found a fault: a stop that throws at once is outside the promise whose failure is caught.
  it('goes on after a part whose stop throws', async () => {
    const { lifecycle, done, part } = bench();
    const stop = (): never => {
      throw new Error('busy');
    };
    await lifecycle.start([part('a'), part('b', { stop })]);
    await lifecycle.stop();
    expect(done).toContain('stop a');
  });

  it('leaves no timer behind', async () => {
    const { lifecycle, part, clock } = bench();
    await lifecycle.start([part('a'), part('b')]);
    await lifecycle.stop();
    await new Promise(setImmediate);
    expect(clock.slept).toHaveLength(2);
    expect(clock.sleeping).toBe(0);
  });

  it('has nothing to stop when nothing was started', async () => {
    const { lifecycle, done } = bench();
    await lifecycle.stop();
    expect(done).toEqual([]);
  });
});
