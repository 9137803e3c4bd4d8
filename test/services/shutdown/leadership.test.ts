import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leaseView } from '../../../services/shutdown/leadership.ts';
import { LeaseModel } from './leadership-model.ts';

const TTL_MS = 12_000;
const TICK_MS = 250;

const model = (names = ['node-a', 'node-b'], delayMs: (n: number) => number = () => 20): LeaseModel =>
  new LeaseModel({ ttlMs: TTL_MS, names, delayMs });

/** Two nodes, the first of them acting. */
function settled(): LeaseModel {
  const it = model();
  it.start(it.node(0));
  it.run(4 * TTL_MS, TICK_MS);
  it.start(it.node(1));
  it.run(2 * TTL_MS, TICK_MS);
  expect(it.acting()).toEqual(['node-a']);
  return it;
}

const roleOf = (it: LeaseModel, index: number): string | undefined => it.node(index).state?.role;

describe('two nodes and a broker that works', () => {
  it('agree on one, whoever starts first', () => {
    for (const gapMs of [0, 1000, 10_000, 20_000]) {
      const it = model();
      it.start(it.node(1));
      it.run(gapMs, TICK_MS);
      it.start(it.node(0));
      it.run(6 * TTL_MS, TICK_MS);
      expect(it.acting()).toHaveLength(1);
      expect(it.worst.acting).toBe(1);
    }
  });

  it('know nothing before they have listened', () => {
    const it = model();
    it.start(it.node(0));
    it.run(1.4 * TTL_MS, TICK_MS);
    expect(roleOf(it, 0)).toBe('unknown');
    expect(it.acting()).toEqual([]);
  });

  it('change the role within 3 ttl after the holder fell silent, and not before 2', () => {
    const it = settled();
    it.crash(it.node(0));
    it.run(2 * TTL_MS, TICK_MS);
    expect(it.acting()).toEqual([]);
    it.run(TTL_MS, TICK_MS);
    expect(it.acting()).toEqual(['node-b']);
  });

  it('leave the role with a holder that is back in time, and give a late one nothing back', () => {
    const it = settled();
    it.crash(it.node(0));
    it.run(3000, TICK_MS);
    it.start(it.node(0));
    it.run(1.4 * TTL_MS, TICK_MS);
    expect(it.acting()).toEqual(['node-a']);
    it.crash(it.node(0));
    it.run(3 * TTL_MS, TICK_MS);
    it.start(it.node(0));
    it.run(6 * TTL_MS, TICK_MS);
    expect(it.acting()).toEqual(['node-b']);
    expect(roleOf(it, 0)).toBe('watching');
    expect(it.worst.acting).toBe(1);
  });

  it('let a holder that stood still ask before it goes on', () => {
    const it = settled();
    it.pause(it.node(0), 5 * TTL_MS);
    it.run(4 * TTL_MS, TICK_MS);
    expect(it.acting()).toEqual(['node-b']);
    it.run(4 * TTL_MS, TICK_MS);
    expect(it.acting()).toEqual(['node-b']);
    expect(it.worst.acting).toBe(1);
  });

  it('give the role back within a second to a holder that stood still while nobody took it', () => {
    const it = model();
    it.start(it.node(0));
    it.run(4 * TTL_MS, TICK_MS);
    it.pause(it.node(0), 5 * TTL_MS);
    it.run(5 * TTL_MS + 1000, TICK_MS);
    expect(it.acting()).toEqual(['node-a']);
  });
});

describe('a broker that is gone', () => {
  it.each([true, false])('changes nothing, for as long as it takes; it forgets: %s', (forgets) => {
    const it = settled();
    it.breakBroker(forgets);
    it.run(50 * TTL_MS, TICK_MS);
    expect(it.acting()).toEqual(['node-a']);
    it.broker = true;
    it.run(6 * TTL_MS, TICK_MS);
    expect(it.acting()).toEqual(['node-a']);
    expect(roleOf(it, 1)).toBe('watching');
    expect(it.worst.acting).toBe(1);
  });

  it('lets nobody take over, and is not needed by the last holder when it is started again', () => {
    const it = settled();
    it.breakBroker(false);
    it.crash(it.node(0));
    it.run(10 * TTL_MS, TICK_MS);
    expect(it.acting()).toEqual([]);
    it.start(it.node(0));
    it.run(3.5 * TTL_MS, TICK_MS);
    expect(it.acting()).toEqual([]);
    it.run(TTL_MS, TICK_MS);
    expect(it.acting()).toEqual(['node-a']);
    it.broker = true;
    for (let tick = 0; tick < 50; tick += 1) {
      it.run(TICK_MS, TICK_MS);
      expect(it.acting()).toEqual(['node-a']);
    }
  });

  it('makes nobody act who did not before', () => {
    const it = model();
    it.broker = false;
    it.start(it.node(0));
    it.start(it.node(1));
    it.run(50 * TTL_MS, TICK_MS);
    expect(it.acting()).toEqual([]);
  });

  it('keeps a restarted holder quiet whose peer says that it acts', () => {
    const it = settled();
    it.breakBroker(false);
    it.crash(it.node(0));
    it.start(it.node(0));
    for (let round = 0; round < 40; round += 1) {
      it.tell(it.node(0), { kind: 'peer', says: 'acting' });
      it.run(TTL_MS / 4, TICK_MS);
    }
    expect(it.acting()).toEqual([]);
  });
});

describe('a holder that only the broker has lost', () => {
  /** The holder is alive and its connection is kept down. */
  function lost(says?: 'acting' | 'answers' | 'idle' | 'silent'): LeaseModel {
    const it = settled();
    for (let round = 0; round < 60; round += 1) {
      it.disconnect(it.node(0));
      if (says !== undefined) it.tell(it.node(1), { kind: 'peer', says });
      // Broken again before anything is through.
      it.run(TICK_MS, TICK_MS);
      it.disconnect(it.node(0));
      it.nowMs += TTL_MS / 12 - TICK_MS;
    }
    return it;
  }

  it('keeps the role while the watcher reaches it', () => {
    expect(lost('acting').acting()).toEqual(['node-a']);
    expect(lost('answers').acting()).toEqual(['node-a']);
  });

  it('shares it with the watcher that does not, until the broker carries word again', () => {
    const it = lost('silent');
    expect(it.acting()).toEqual(['node-a', 'node-b']);
    it.run(2000, TICK_MS);
    expect(it.acting()).toEqual(['node-b']);
  });
});

describe('names', () => {
  it('tells that two nodes use the same one, and lets one of them act all the same', () => {
    const it = model(['node-a', 'node-a']);
    it.start(it.node(0));
    it.run(4 * TTL_MS, TICK_MS);
    it.start(it.node(1));
    it.run(8 * TTL_MS, TICK_MS);
    expect(it.acting()).toHaveLength(1);
    const view = it.nodes.map(({ state, options }) => state && leaseView(state, it.nowMs, options));
    expect(view.some((each) => each?.namesake)).toBe(true);
  });
});

describe('an order by hand', () => {
  const takes = (it: LeaseModel, index: number, force = false) => it.order(it.node(index), { do: 'take', force });
  const gives = (it: LeaseModel, index: number) => it.order(it.node(index), { do: 'give' });

  it('takes the role from a holder that lives, within two ttl, and never have two of them', () => {
    const it = settled();
    expect(takes(it, 1)).toBeUndefined();
    expect(takes(it, 1)).toMatch(/taking over already/);
    it.tell(it.node(1), { kind: 'peer', says: 'acting' });
    it.run(2 * TTL_MS, TICK_MS);
    expect(it.acting()).toEqual(['node-b']);
    it.run(10 * TTL_MS, TICK_MS);
    expect(it.acting()).toEqual(['node-b']);
    expect(it.worst.acting).toBe(1);
    expect(takes(it, 1)).toMatch(/acts already/);
  });

  it('gives it away, and gets it back when nobody took it', () => {
    const it = settled();
    expect(gives(it, 1)).toMatch(/does not act/);
    expect(gives(it, 0)).toBeUndefined();
    it.run(3 * TTL_MS, TICK_MS);
    expect(it.acting()).toEqual(['node-b']);
    expect(gives(it, 1)).toBeUndefined();
    it.crash(it.node(0));
    it.run(5 * TTL_MS, TICK_MS);
    expect(it.acting()).toEqual([]);
    it.run(4 * TTL_MS, TICK_MS);
    expect(it.acting()).toEqual(['node-b']);
    expect(it.worst.acting).toBe(1);
  });

  it('gives nothing away to nobody', () => {
    const it = settled();
    it.crash(it.node(1));
    it.run(2 * TTL_MS, TICK_MS);
    expect(gives(it, 0)).toMatch(/no other node is heard/);
    it.breakBroker(false);
    it.run(2 * TTL_MS, TICK_MS);
    expect(gives(it, 0)).toMatch(/does not answer/);
    expect(it.acting()).toEqual(['node-a']);
  });

  it('takes it without a broker only by force, and is heard when that is back', () => {
    const it = settled();
    it.breakBroker(true);
    it.run(2 * TTL_MS, TICK_MS);
    expect(takes(it, 1)).toMatch(/say force/);
    it.crash(it.node(0));
    expect(takes(it, 1, true)).toBeUndefined();
    expect(it.acting()).toEqual(['node-b']);
    it.start(it.node(0));
    it.broker = true;
    it.run(4 * TTL_MS, TICK_MS);
    expect(it.acting()).toEqual(['node-b']);
    expect(roleOf(it, 0)).toBe('watching');
  });

  it('takes it by force under a broker that works like any other', () => {
    const it = settled();
    expect(takes(it, 1, true)).toBeUndefined();
    it.run(2 * TTL_MS, TICK_MS);
    expect(it.acting()).toEqual(['node-b']);
    expect(it.worst.acting).toBe(1);
  });
});

type Act =
  | { readonly kind: 'take' | 'give'; readonly node: number }
  | { readonly kind: 'crash' | 'start' | 'disconnect'; readonly node: number }
  | { readonly kind: 'pause'; readonly node: number; readonly forMs: number }
  | { readonly kind: 'wait'; readonly forMs: number };

const node = fc.nat({ max: 2 });
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ kind: fc.constantFrom('crash' as const, 'start' as const, 'start' as const), node }),
  fc.record({ kind: fc.constant('disconnect' as const), node }),
  fc.record({ kind: fc.constantFrom('take' as const, 'give' as const), node }),
  fc.record({ kind: fc.constant('pause' as const), node, forMs: fc.integer({ min: 100, max: 5 * TTL_MS }) }),
  fc.record({ kind: fc.constant('wait' as const), forMs: fc.integer({ min: 50, max: 3 * TTL_MS }) }),
);

function play(it: LeaseModel, acts: readonly Act[]): void {
  for (const each of acts) {
    if (each.kind === 'wait') it.run(each.forMs, TICK_MS);
    else if (each.kind === 'take' || each.kind === 'give') it.order(it.node(each.node), { do: each.kind });
    else if (each.kind === 'pause') it.pause(it.node(each.node), each.forMs);
    else it[each.kind](it.node(each.node));
  }
}

/** Delays of up to a fifth of a ttl, each other than the last. */
const delays = fc
  .array(fc.integer({ min: 1, max: TTL_MS / 5 }), { minLength: 1, maxLength: 30 })
  .map((list) => (n: number) => list[n % list.length] ?? 1);

describe('any order of crashes, starts, pauses, breaks and delays', () => {
  it('never has two that act while the broker works, and has one when they are left in peace', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 25 }), delays, fc.integer({ min: 1, max: 3 }), (acts, delayMs, count) => {
        const it = model(['node-a', 'node-b', 'node-c'].slice(0, count), delayMs);
        play(it, acts);
        expect(it.worst.acting).toBeLessThanOrEqual(1);
        for (const each of it.nodes) it.start(each);
        it.run(12 * TTL_MS, TICK_MS);
        expect(it.acting()).toHaveLength(1);
        expect(it.worst.acting).toBe(1);
      }),
      { numRuns: Number(process.env.RUNS ?? 400) },
    );
  });

  it('has one in the end too when the broker comes, goes and forgets', () => {
    const broker = fc.record({ kind: fc.constantFrom('up' as const, 'down' as const, 'forget' as const) });
    fc.assert(
      fc.property(fc.array(fc.oneof(act, broker), { maxLength: 25 }), delays, (acts, delayMs) => {
        const it = model(['node-a', 'node-b'], delayMs);
        for (const each of acts) {
          if (each.kind === 'up') it.broker = true;
          else if (each.kind === 'down' || each.kind === 'forget') it.breakBroker(each.kind === 'forget');
          else play(it, [each as Act]);
        }
        it.broker = true;
        for (const each of it.nodes) it.start(each);
        it.run(15 * TTL_MS, TICK_MS);
        expect(it.acting()).toHaveLength(1);
      }),
      { numRuns: 200 },
    );
  });

  it('takes any garbage for what it is', () => {
    const heard = fc.record({
      kind: fc.constant('heard' as const),
      stored: fc.boolean(),
      message: fc.record({
        kind: fc.constant('lease' as const),
        holder: fc.constantFrom('node-a', 'node-b', 'x'),
        life: fc.constantFrom('node-a-0-1', 'y'),
        epoch: fc.nat({ max: 20 }),
        seq: fc.nat(),
        acting: fc.boolean(),
      }),
    });
    fc.assert(
      fc.property(fc.array(heard, { maxLength: 30 }), (inputs) => {
        const it = settled();
        let highest = 0;
        for (const input of inputs) {
          it.tell(it.node(0), input);
          const epoch = it.node(0).state?.epoch ?? 0;
          expect(epoch).toBeGreaterThanOrEqual(highest);
          highest = epoch;
        }
        it.run(8 * TTL_MS, TICK_MS);
        expect(it.acting()).toHaveLength(1);
      }),
      { numRuns: 50 },
    );
  });
});
