import { describe, expect, it } from 'vitest';
import { type PollFailure, poller, type Source } from '../../../services/runtime/poller.ts';
import { KeptLog } from './kept-log.ts';
import { PlayedClock, settle } from './played-clock.ts';

type Answer = () => Promise<number> | number;

function bench(everyMs: number, answer: Answer) {
  const clock = new PlayedClock();
  const log = new KeptLog();
  const samples: number[] = [];
  const failures: PollFailure[] = [];
  let signal: AbortSignal | undefined;
  let polling = 0;
  let most = 0;
  const pollsAt: number[] = [];
  const source: Source<number> = {
    id: 'lfp1',
    kind: 'pack',
    everyMs,
    poll: async (given) => {
      signal = given;
      pollsAt.push(clock.nowMs);
      polling += 1;
      most = Math.max(most, polling);
      try {
        return await answer();
      } finally {
        polling -= 1;
      }
    },
  };
  const listener = {
    sampled: (_: Source<number>, sample: number) => samples.push(sample),
    failed: (_: Source<number>, failure: PollFailure) => failures.push(failure),
  };
  const part = poller(source, listener, clock, log);
  return { part, clock, log, samples, failures, pollsAt, most: () => most, signal: () => signal };
}

const coded = (code: unknown, message = 'no answer'): Error => Object.assign(new Error(message), { code });

describe('a poller', () => {
  it('asks nothing before it is started', async () => {
    const { clock, pollsAt } = bench(1000, () => 1);
    await clock.pass(5000);
    expect(pollsAt).toEqual([]);
  });

  it('asks at once and then at its interval', async () => {
    const { part, clock, samples, pollsAt } = bench(1000, () => 7);
    await part.start();
    await clock.pass(3500);
    expect(pollsAt).toEqual([0, 1000, 2000, 3000]);
    expect(samples).toEqual([7, 7, 7, 7]);
    await part.stop();
  });

  it('keeps its interval although the polls take time', async () => {
    const made = bench(1000, () => made.clock.sleep(300).then(() => 1));
    await made.part.start();
    await made.clock.pass(3500);
    expect(made.pollsAt).toEqual([0, 1000, 2000, 3000]);
    await made.part.stop();
  });

  it('never asks twice at once, and follows at once on a poll that took too long, without catching up', async () => {
    const takesMs = [3500];
    const made = bench(1000, () => made.clock.sleep(takesMs.shift() ?? 100).then(() => 1));
    await made.part.start();
    await made.clock.pass(6000);
    expect(made.most()).toBe(1);
    expect(made.pollsAt).toEqual([0, 3500, 4500, 5500]);
    const stopped = made.part.stop();
    await made.clock.pass(5000);
    await stopped;
  });

  it('says once that its source fails and once that it is back', async () => {
    let failing = false;
    const { part, clock, log, failures } = bench(1000, () => {
      if (failing) throw coded('TIMEOUT');
      return 1;
    });
    await part.start();
    await clock.pass(2500);
    expect(log.lines).toEqual([]);
    failing = true;
    await clock.pass(5000);
    failing = false;
    await clock.pass(5000);
    expect(log.lines).toEqual([
      { level: 'warn', fields: { pack: 'lfp1', code: 'timeout', message: 'no answer' }, message: 'poll failed' },
      { level: 'info', fields: { pack: 'lfp1' }, message: 'answers again' },
    ]);
    expect(failures).toHaveLength(5);
    await part.stop();
  });

  it('says it again when it fails for another reason', async () => {
    const reasons = ['TIMEOUT', 'TIMEOUT', 'CLOSED', 'CLOSED'];
    let index = 0;
    const { part, clock, log } = bench(1000, () => {
      throw coded(reasons[index++]);
    });
    await part.start();
    await clock.pass(3500);
    expect(log.lines.map(({ fields }) => (fields as PollFailure).code)).toEqual(['timeout', 'closed']);
    await part.stop();
  });

  it.each([
    [coded('ECONNREFUSED', 'm'), { code: 'econnrefused', message: 'm' }],
    [coded(5, 'm'), { code: 'error', message: 'm' }],
    [new Error('m'), { code: 'error', message: 'm' }],
    ['just a word', { code: 'error', message: 'just a word' }],
  ])('names every failure: %s', async (thrown, failure) => {
    const { part, clock, failures } = bench(1000, () => Promise.reject(thrown));
    await part.start();
    await clock.pass(0);
    expect(failures).toEqual([failure]);
    await part.stop();
  });

  it('waits with the next poll also after a failure', async () => {
    const { part, clock, pollsAt } = bench(1000, () => {
      throw new Error('at once');
    });
    await part.start();
    await clock.pass(2500);
    expect(pollsAt).toEqual([0, 1000, 2000]);
    await part.stop();
  });

  it('stops in the middle of a poll: tells it to, waits for it, and takes nothing from it', async () => {
    const answer = Promise.withResolvers<number>();
    const { part, samples, signal, log, failures, pollsAt } = bench(1000, () => answer.promise);
    await part.start();
    await settle();
    let stopped = false;
    const stopping = Promise.resolve(part.stop()).then(() => {
      stopped = true;
    });
    await settle();
    expect(signal()?.aborted).toBe(true);
    expect(stopped).toBe(false);
    answer.resolve(1);
    await stopping;
    expect([samples, failures, log.lines, pollsAt]).toEqual([[], [], [], [0]]);
  });

  it('does not call it a failure when the poll was stopped', async () => {
    const made = bench(1000, () => made.clock.sleep(1e6, made.signal()).then(() => 1));
    await made.part.start();
    await settle();
    await made.part.stop();
    expect(made.failures).toEqual([]);
    expect(made.clock.sleeping).toBe(0);
  });

  it('follows an interval that changes', async () => {
    const clock = new PlayedClock();
    let everyMs = 5000;
    let polls = 0;
    const source: Source<number> = {
      id: 'a',
      kind: 'host',
      get everyMs() {
        return everyMs;
      },
      poll: async () => {
        polls += 1;
        return 1;
      },
    };
    const part = poller(source, { sampled: () => {}, failed: () => {} }, clock, new KeptLog());
    await part.start();
    await clock.pass(4000);
    expect(polls).toBe(1);
    everyMs = 1000;
    await clock.pass(3500);
    expect(polls).toBe(4);
    await part.stop();
  });
});
