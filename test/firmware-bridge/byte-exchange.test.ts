import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BusOptions } from '../../firmware-bridge/bus.ts';
import { byteExchange } from '../../firmware-bridge/byte-exchange.ts';
import { BridgeError } from '../../firmware-bridge/errors.ts';
import type { ByteRequest } from '../../firmware-bridge/exchange.ts';
import { failure, MemoryTransport, outcome } from './memory-transport.ts';

/*
 * The toy protocol: a question is one byte q, its answer is three bytes `0xa0 q 0x0a`. Other bytes are noise.
 */
const answerTo = (question: number) => Uint8Array.of(0xa0, question, 0x0a);

function ask(question: number, more: Partial<ByteRequest<number>> = {}): ByteRequest<number> {
  return {
    label: `q${question}`,
    bytes: Uint8Array.of(question),
    accept: (received) => {
      if (received[0] === question) return { kind: 'skip', length: 1, reason: 'echo' };
      if (received[0] !== 0xa0) return { kind: 'skip', length: 1, reason: 'noise' };
      if (received.length < 3) return { kind: 'more' };
      if (received[2] !== 0x0a) return { kind: 'refuse', code: 'checksum', message: 'bad end' };
      if (received[1] === 0xee) return { kind: 'refuse', code: 'unknown', message: 'no such thing', retryable: false };
      return { kind: 'take', value: received[1] ?? -1, length: 3 };
    },
    ...more,
  };
}

function setUp(options: Partial<BusOptions> = {}) {
  const wire = new MemoryTransport();
  wire.device = ([question = 0]) => wire.say(answerTo(question));
  const exchange = byteExchange(wire, {
    gapMs: 20,
    timeoutMs: 300,
    tries: 1,
    reconnect: { firstMs: 1000, maxMs: 4000 },
    ...options,
  });
  return { wire, exchange };
}

const later = (ms: number, act: () => void) => void setTimeout(act, ms);

/** The answer byte by byte. */
function dribble(wire: MemoryTransport, question: number, fromMs: number, everyMs: number): void {
  answerTo(question).forEach((byte, at) => {
    later(fromMs + at * everyMs, () => wire.say(Uint8Array.of(byte)));
  });
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('asking and being answered', () => {
  it('opens on first use, once', async () => {
    const { wire, exchange } = setUp();
    expect(wire.opens).toBe(0);
    expect(await outcome(exchange.request(ask(1)))).toBe(1);
    expect(await outcome(exchange.request(ask(2)))).toBe(2);
    expect(wire.opens).toBe(1);
    expect(exchange.stats).toMatchObject({ requests: 2, answers: 2, timeouts: 0, strayBytes: 0, reconnects: 0 });
  });

  it('takes an answer that comes byte by byte behind an echo', async () => {
    const { wire, exchange } = setUp();
    wire.device = ([q = 0]) => {
      wire.say(Uint8Array.of(q));
      answerTo(q).forEach((byte, at) => {
        later(10 * (at + 1), () => wire.say(Uint8Array.of(byte)));
      });
    };
    expect(await outcome(exchange.request(ask(7)))).toBe(7);
    expect(exchange.stats.strayBytes).toBe(1);
  });

  it('keeps the order of the callers and never has two questions open', async () => {
    const { wire, exchange } = setUp();
    let open = 0;
    wire.device = ([q = 0]) => {
      open += 1;
      expect(open).toBe(1);
      later(30, () => {
        open -= 1;
        wire.say(answerTo(q));
      });
    };
    const all = Promise.all([5, 3, 9, 1].map((q) => exchange.request(ask(q))));
    expect(await outcome(all)).toEqual([5, 3, 9, 1]);
    expect(wire.written.map(([q]) => q)).toEqual([5, 3, 9, 1]);
  });

  it('leaves the gap after the last byte in either direction', async () => {
    const { wire, exchange } = setUp({ gapMs: 50 });
    const sentAt: number[] = [];
    const heardAt: number[] = [];
    wire.device = ([q = 0]) => {
      sentAt.push(performance.now());
      later(7, () => {
        heardAt.push(performance.now());
        wire.say(answerTo(q));
      });
    };
    await outcome(Promise.all([exchange.request(ask(1)), exchange.request(ask(2))]));
    expect((sentAt[1] ?? 0) - (heardAt[0] ?? 0)).toBeGreaterThanOrEqual(50);
  });

  it('takes any answer in any chunking behind any noise', async () => {
    const noise = fc.array(
      fc.nat(255).filter((byte) => byte !== 0xa0),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(noise, fc.array(fc.nat(20), { maxLength: 6 }), fc.nat(0x7f), async (before, cuts, question) => {
        const { wire, exchange } = setUp();
        wire.device = () => {
          const bytes = Uint8Array.from([...before, ...answerTo(question)]);
          const edges = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
          edges.slice(1).forEach((edge, at) => {
            later(at, () => wire.say(bytes.slice(edges[at], edge)));
          });
        };
        expect(await outcome(exchange.request(ask(question)))).toBe(question);
        await outcome(exchange.close());
      }),
      { numRuns: 60 },
    );
  });
});

describe('what nobody has read yet', () => {
  it('is thrown away at first, after a try without a clean answer and after a loss, and at no other time', async () => {
    const { wire, exchange } = setUp();
    await outcome(exchange.request(ask(1)));
    expect(wire.flushes).toBe(1);
    await outcome(exchange.request(ask(2)));
    await outcome(exchange.request(ask(3)));
    expect(wire.flushes).toBe(1);

    const { device } = wire;
    wire.device = () => {};
    await failure(exchange.request(ask(4)));
    expect(wire.flushes).toBe(1);
    wire.device = device;
    await outcome(exchange.request(ask(5)));
    await outcome(exchange.request(ask(6)));
    expect(wire.flushes).toBe(2);

    wire.unplug();
    await failure(exchange.request(ask(7)));
    await vi.advanceTimersByTimeAsync(1000);
    await outcome(exchange.request(ask(8)));
    expect(wire.flushes).toBe(3);
  });

  it('is left to those who listen', async () => {
    const { wire, exchange } = setUp();
    const stop = exchange.listen(() => {});
    await outcome(exchange.request(ask(1)));
    expect(wire.flushes).toBe(0);
    stop();
    await outcome(exchange.request(ask(2)));
    expect(wire.flushes).toBe(1);
  });
});

describe('devices that do not answer as they should', () => {
  it('silent: fails as timeout after all tries, and says so', async () => {
    const { wire, exchange } = setUp();
    wire.device = () => {};
    const error = await failure(exchange.request(ask(1, { tries: 3 })));
    expect(error).toMatchObject({ code: 'timeout', reason: 'silent', retryable: true });
    expect(error.message).toContain('q1');
    expect(error.message).toContain('3 tries');
    expect(wire.written.length).toBe(3);
    expect(exchange.stats).toMatchObject({ requests: 1, answers: 0, timeouts: 3 });
  });

  it('silent once (asleep): the second try gets the answer', async () => {
    const { wire, exchange } = setUp({ tries: 2 });
    wire.device = ([q = 0]) => {
      if (wire.written.length > 1) wire.say(answerTo(q));
    };
    expect(await outcome(exchange.request(ask(1)))).toBe(1);
  });

  it('half an answer: the reason says it was incomplete', async () => {
    const { wire, exchange } = setUp();
    wire.device = () => wire.say(Uint8Array.of(0xa0, 1));
    expect(await failure(exchange.request(ask(1)))).toMatchObject({ code: 'timeout', reason: 'incomplete' });
  });

  it('only an echo: the reason names it', async () => {
    const { wire, exchange } = setUp();
    wire.device = (bytes) => wire.say(bytes);
    expect(await failure(exchange.request(ask(1)))).toMatchObject({ code: 'timeout', reason: 'echo' });
  });

  it('damaged once: asks again', async () => {
    const { wire, exchange } = setUp({ tries: 2 });
    wire.device = ([q = 0]) => wire.say(wire.written.length > 1 ? answerTo(q) : Uint8Array.of(0xa0, q, 0));
    expect(await outcome(exchange.request(ask(4)))).toBe(4);
    expect(exchange.stats.refusals).toBe(1);
  });

  it('a refusal that cannot pass is not asked again', async () => {
    const { wire, exchange } = setUp({ tries: 5 });
    wire.device = () => wire.say(answerTo(0xee));
    const error = await failure(exchange.request(ask(4)));
    expect(error).toMatchObject({ code: 'refused', reason: 'unknown', retryable: false });
    expect(wire.written.length).toBe(1);
  });

  it('late: the answer of the first question never meets the second', async () => {
    const { wire, exchange } = setUp({ lateMs: 200 });
    wire.device = ([q = 0]) => later(q === 1 ? 400 : 50, () => wire.say(answerTo(q)));
    const both = [exchange.request(ask(1)), exchange.request(ask(2))];
    expect(await failure(both[0] as Promise<number>)).toMatchObject({ code: 'timeout' });
    expect(await outcome(both[1] as Promise<number>)).toBe(2);
    expect(exchange.stats.strayBytes).toBe(3);
  });

  it('late in dribbles: every byte restarts the silence that is waited for', async () => {
    const { wire, exchange } = setUp({ lateMs: 200 });
    wire.device = ([q = 0]) => {
      if (q === 1) dribble(wire, 1, 400, 150);
      else wire.say(answerTo(q));
    };
    const both = [exchange.request(ask(1)), exchange.request(ask(2))];
    await failure(both[0] as Promise<number>);
    expect(await outcome(both[1] as Promise<number>)).toBe(2);
  });

  it('twice: the second copy is thrown away', async () => {
    const { wire, exchange } = setUp();
    wire.device = ([q = 0]) => {
      wire.say(answerTo(q));
      wire.say(answerTo(q));
    };
    expect(await outcome(Promise.all([1, 2, 3].map((q) => exchange.request(ask(q)))))).toEqual([1, 2, 3]);
    expect(exchange.stats.strayBytes).toBe(9);
  });

  it('both copies in one chunk', async () => {
    const { wire, exchange } = setUp();
    wire.device = ([q = 0]) => wire.say(Uint8Array.from([...answerTo(q), ...answerTo(q)]));
    expect(await outcome(Promise.all([1, 2].map((q) => exchange.request(ask(q)))))).toEqual([1, 2]);
  });

  it('a flood without an answer ends as overflow, not in memory', async () => {
    const { wire, exchange } = setUp({ maxReceiveBytes: 100 });
    wire.device = () => {
      for (let at = 0; at < 20; at += 1) later(at, () => wire.say(new Uint8Array(10).fill(0xa0)));
    };
    const waiting = ask(1, { accept: () => ({ kind: 'more' }) });
    expect(await failure(exchange.request(waiting))).toMatchObject({ code: 'refused', reason: 'overflow' });
  });

  it('a line that is never silent is asked all the same', async () => {
    const { wire, exchange } = setUp({ gapMs: 50 });
    const chatter = setInterval(() => wire.say(Uint8Array.of(0x55)), 10);
    wire.device = ([q = 0]) => wire.say(answerTo(q));
    expect(await outcome(exchange.request(ask(1)))).toBe(1);
    expect(await outcome(exchange.request(ask(2)))).toBe(2);
    clearInterval(chatter);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('bug');
      },
    ],
    ['takes nothing', () => ({ kind: 'take', value: 1, length: 0 }) as const],
    ['skips nothing', () => ({ kind: 'skip', length: 0, reason: 'x' }) as const],
    ['skips more than there is', () => ({ kind: 'skip', length: 99, reason: 'x' }) as const],
    ['counts in NaN', () => ({ kind: 'take', value: 1, length: Number.NaN }) as const],
  ])('framing that %s is reported as its own fault and does not spin', async (_, accept) => {
    const { exchange } = setUp({ tries: 3 });
    expect(await failure(exchange.request(ask(1, { accept })))).toMatchObject({
      code: 'refused',
      reason: 'framing',
      retryable: false,
    });
    expect(await outcome(exchange.request(ask(2)))).toBe(2);
  });
});

describe('losing the device', () => {
  it('closes in mid-answer: the call fails at once as closed', async () => {
    const { wire, exchange } = setUp({ timeoutMs: 10_000, tries: 3 });
    wire.device = () => {
      wire.say(Uint8Array.of(0xa0));
      later(5, () => wire.unplug());
    };
    const startMs = performance.now();
    expect(await failure(exchange.request(ask(1)))).toMatchObject({ code: 'closed', retryable: true });
    expect(performance.now() - startMs).toBeLessThan(1000);
  });

  it('during the back-off calls fail at once with the reason; after it the device is back', async () => {
    const { wire, exchange } = setUp();
    await outcome(exchange.request(ask(1)));
    wire.unplug();
    const refused = await failure(exchange.request(ask(2)));
    expect(refused).toMatchObject({ code: 'closed', retryable: true });
    expect(refused.message).toMatch(/went away; next try in 1\.0 s/);
    expect(wire.opens).toBe(1);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await outcome(exchange.request(ask(3)))).toBe(3);
    expect(exchange.stats.reconnects).toBe(1);
  });

  it('doubles the back-off up to its limit and starts over after an answer', async () => {
    const { wire, exchange } = setUp();
    wire.openError = new BridgeError('open', wire.name, 'there is no such device', { retryable: true });
    const openedAtS: number[] = [];
    for (let second = 0; second < 20; second += 1) {
      const before = wire.opens;
      expect(await failure(exchange.request(ask(1)))).toMatchObject({ code: 'open', retryable: true });
      if (wire.opens > before) openedAtS.push(second);
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(openedAtS).toEqual([0, 1, 3, 7, 11, 15, 19]);
    wire.openError = undefined;
    await vi.advanceTimersByTimeAsync(4000);
    expect(await outcome(exchange.request(ask(1)))).toBe(1);
    wire.unplug();
    await vi.advanceTimersByTimeAsync(1000);
    expect(await outcome(exchange.request(ask(2)))).toBe(2);
  });

  it('a connection that opens and dies without a byte does not reset the back-off', async () => {
    const { wire, exchange } = setUp();
    wire.device = () => wire.unplug();
    const openedAtS: number[] = [];
    for (let second = 0; second < 9; second += 1) {
      const before = wire.opens;
      await failure(exchange.request(ask(1)));
      if (wire.opens > before) openedAtS.push(second);
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(openedAtS).toEqual([0, 1, 3, 7]);
  });

  it('a write that never calls back fails as write, and the next call gets a new connection', async () => {
    const { wire, exchange } = setUp();
    wire.device = () => new Promise<void>(() => {});
    expect(await failure(exchange.request(ask(1)))).toMatchObject({ code: 'write' });
    expect(wire.isOpen).toBe(false);
    wire.device = ([q = 0]) => wire.say(answerTo(q));
    await vi.advanceTimersByTimeAsync(1000);
    expect(await outcome(exchange.request(ask(2)))).toBe(2);
    expect(wire.opens).toBe(2);
  });

  it('a write that fails is reported with its cause', async () => {
    const { wire, exchange } = setUp({ tries: 3 });
    wire.device = () => Promise.reject(new Error('EIO'));
    const error = await failure(exchange.request(ask(1)));
    expect(error).toMatchObject({ code: 'write' });
    expect(error.message).toContain('EIO');
    expect(wire.written.length).toBe(1);
  });

  it('an open that hangs is given up', async () => {
    const { wire, exchange } = setUp();
    wire.open = () => new Promise<void>(() => {});
    expect(await failure(exchange.request(ask(1)))).toMatchObject({ code: 'open', retryable: true });
  });
});

describe('callers that give up', () => {
  it('before its turn: the question is never sent', async () => {
    const { wire, exchange } = setUp();
    wire.device = ([q = 0]) => later(100, () => wire.say(answerTo(q)));
    const aborter = new AbortController();
    const first = exchange.request(ask(1));
    const second = exchange.request(ask(2, { signal: aborter.signal }));
    const third = exchange.request(ask(3));
    aborter.abort();
    expect(await failure(second)).toMatchObject({ code: 'aborted', retryable: false });
    expect(await outcome(Promise.all([first, third]))).toEqual([1, 3]);
    expect(wire.written.map(([q]) => q)).toEqual([1, 3]);
  });

  it('in flight: settles at once, and its answer does not meet the next question', async () => {
    const { wire, exchange } = setUp();
    wire.device = ([q = 0]) => later(q === 1 ? 150 : 10, () => wire.say(answerTo(q)));
    const aborter = new AbortController();
    const first = exchange.request(ask(1, { signal: aborter.signal }));
    const second = exchange.request(ask(2));
    later(100, () => aborter.abort());
    expect(await failure(first)).toMatchObject({ code: 'aborted' });
    expect(await outcome(second)).toBe(2);
  });

  it('already aborted: fails without a byte', async () => {
    const { wire, exchange } = setUp();
    expect(await failure(exchange.request(ask(1, { signal: AbortSignal.abort() })))).toMatchObject({ code: 'aborted' });
    expect(wire.opens).toBe(0);
  });

  it('while the port opens: the caller goes, the port stays for the next', async () => {
    const { wire, exchange } = setUp();
    const open = wire.open.bind(wire);
    wire.open = () => new Promise((resolve) => later(500, () => resolve(open())));
    const aborter = new AbortController();
    const first = exchange.request(ask(1, { signal: aborter.signal }));
    later(100, () => aborter.abort());
    expect(await failure(first)).toMatchObject({ code: 'aborted' });
    expect(await outcome(exchange.request(ask(2)))).toBe(2);
    expect(wire.opens).toBe(1);
  });

  it('more callers than the queue holds are told that it is busy', async () => {
    const { wire, exchange } = setUp({ maxQueue: 2 });
    wire.device = ([q = 0]) => later(50, () => wire.say(answerTo(q)));
    const calls = [1, 2, 3, 4].map((q) => exchange.request(ask(q)));
    expect(await failure(calls[3] as Promise<number>)).toMatchObject({ code: 'busy', retryable: true });
    expect(await outcome(Promise.all(calls.slice(0, 3)))).toEqual([1, 2, 3]);
  });

  it('who gives up while waiting leaves its place to another', async () => {
    const { wire, exchange } = setUp({ maxQueue: 1 });
    wire.device = ([q = 0]) => later(50, () => wire.say(answerTo(q)));
    const aborter = new AbortController();
    const first = exchange.request(ask(1));
    const second = exchange.request(ask(2, { signal: aborter.signal }));
    aborter.abort();
    const third = exchange.request(ask(3));
    expect(await failure(second)).toMatchObject({ code: 'aborted' });
    expect(await outcome(Promise.all([first, third]))).toEqual([1, 3]);
  });
});

describe('closing', () => {
  it('settles what is in flight and what waits, and refuses what comes later', async () => {
    const { wire, exchange } = setUp();
    wire.device = () => {};
    const calls = [1, 2, 3].map((q) => exchange.request(ask(q)));
    const failures = Promise.all(calls.map((call) => call.catch((error: BridgeError) => error)));
    await vi.advanceTimersByTimeAsync(5);
    await outcome(exchange.close());
    for (const error of (await outcome(failures)) as BridgeError[]) {
      expect(error).toMatchObject({ code: 'closed', retryable: false });
    }
    expect(wire.isOpen).toBe(false);
    expect(await failure(exchange.request(ask(4)))).toMatchObject({ code: 'closed' });
    await outcome(exchange.close());
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends although write, open or close of the transport hang', async () => {
    for (const part of ['write', 'open', 'close'] as const) {
      const { wire, exchange } = setUp();
      wire[part] = () => new Promise<void>(() => {});
      const call = exchange.request(ask(1)).catch((error: BridgeError) => error);
      await vi.advanceTimersByTimeAsync(5);
      await outcome(exchange.close());
      await outcome(call);
    }
  });

  it('without ever having been used', async () => {
    const { wire, exchange } = setUp();
    await outcome(exchange.close());
    expect(wire.opens).toBe(0);
  });
});

describe('listening', () => {
  it('opens, hands over every chunk, and is not stray', async () => {
    const { wire, exchange } = setUp();
    const heard: number[] = [];
    const stop = exchange.listen((chunk) => heard.push(...chunk));
    await vi.advanceTimersByTimeAsync(1);
    expect(wire.isOpen).toBe(true);
    wire.say(Uint8Array.of(1, 2));
    wire.say(Uint8Array.of(3));
    expect(heard).toEqual([1, 2, 3]);
    expect(exchange.stats.strayBytes).toBe(0);
    stop();
    wire.say(Uint8Array.of(4));
    expect(heard).toEqual([1, 2, 3]);
  });

  it('comes back by itself after a loss, and says meanwhile what is wrong', async () => {
    const { wire, exchange } = setUp();
    const heard: number[] = [];
    exchange.listen((chunk) => heard.push(...chunk));
    await vi.advanceTimersByTimeAsync(1);
    wire.openError = new BridgeError('open', wire.name, 'no permission', { retryable: true });
    wire.unplug();
    expect(exchange.trouble).toMatchObject({ code: 'closed' });
    await vi.advanceTimersByTimeAsync(3000);
    expect(exchange.trouble).toMatchObject({ code: 'open' });
    wire.openError = undefined;
    await vi.advanceTimersByTimeAsync(5000);
    expect(exchange.trouble).toBeUndefined();
    wire.say(Uint8Array.of(9));
    expect(heard).toEqual([9]);
    await outcome(exchange.close());
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not reopen once nobody listens', async () => {
    const { wire, exchange } = setUp();
    const stop = exchange.listen(() => {});
    await vi.advanceTimersByTimeAsync(1);
    stop();
    wire.unplug();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(wire.opens).toBe(1);
  });
});

const kinds = [
  'answer',
  'answer',
  'twice',
  'silent',
  'damaged',
  'unplug',
  'noise',
  'half',
  'throw',
  'dribble',
] as const;

function misbehave(wire: MemoryTransport, q: number, kind: (typeof kinds)[number], delayMs: number): void {
  const say = (...bytes: number[]) => later(delayMs, () => wire.say(Uint8Array.from(bytes)));
  const acts: Record<typeof kind, () => void> = {
    answer: () => say(...answerTo(q)),
    twice: () => {
      say(...answerTo(q));
      say(...answerTo(q));
    },
    silent: () => {},
    damaged: () => say(0xa0, q, 0),
    unplug: () => later(delayMs, () => wire.unplug()),
    noise: () => say(0x33, 0xff),
    half: () => say(0xa0),
    throw: () => {
      throw new Error('EIO');
    },
    dribble: () => dribble(wire, q, delayMs, 1),
  };
  acts[kind]();
}

it('whatever the device does, every call settles, and with its own answer if with any', async () => {
  const behaviour = fc.record({
    delayMs: fc.oneof(fc.nat(100), fc.integer({ min: 300, max: 480 })),
    kind: fc.constantFrom(...kinds),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(behaviour, { minLength: 1, maxLength: 12 }), async (behaviours) => {
      const { wire, exchange } = setUp({ tries: 2, lateMs: 250 });
      wire.device = ([q = 0]) => {
        const { delayMs, kind } = behaviours[(wire.written.length - 1) % behaviours.length] ?? {};
        misbehave(wire, q, kind ?? 'answer', delayMs ?? 0);
      };
      const questions = [1, 2, 3, 4, 5];
      const calls = questions.map((q) => exchange.request(ask(q)).catch((error: unknown) => error));
      const results = (await outcome(Promise.all(calls))) as unknown[];
      results.forEach((result, at) => {
        if (!(result instanceof BridgeError)) expect(result).toBe(questions[at]);
      });
      await outcome(exchange.close());
    }),
    { numRuns: 80 },
  );
});
