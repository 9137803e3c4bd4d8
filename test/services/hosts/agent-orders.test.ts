import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hostSchema } from '../../../services/config/hosts.ts';
import { AgentOrders, hostControl } from '../../../services/hosts/index.ts';
import { type Clock, systemClock } from '../../../services/runtime/clock.ts';
import type { Outcome } from '../../../services/shutdown/promises.ts';
import type { Phase } from '../../../services/shutdown/state.ts';
import type { Snapshot, SnapshotFeed } from '../../../services/shutdown/view.ts';

const TOKEN = 'a-token-of-thirty-two-characters';

/** A clock that is moved by hand; those who sleep wake when their time has come. */
class Hand implements Clock {
  nowMs = 0;
  readonly #sleepers = new Set<{ readonly untilMs: number; readonly wake: () => void }>();
  wallMs = () => 1_000_000 + this.nowMs;
  monoMs = () => this.nowMs;
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const sleeper = { untilMs: this.nowMs + ms, wake: resolve };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleepers.delete(sleeper);
        reject(signal.reason);
      });
    });
  }
  async pass(ms: number): Promise<void> {
    this.nowMs += ms;
    for (const sleeper of [...this.#sleepers]) {
      if (sleeper.untilMs > this.nowMs) continue;
      this.#sleepers.delete(sleeper);
      sleeper.wake();
    }
    await turn();
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const still = new AbortController().signal;

let clock: Hand;
let orders: AgentOrders;
let tell: (phase: Phase) => void;

beforeEach(() => {
  clock = new Hand();
  orders = new AgentOrders(
    new Map([
      ['nuc1', TOKEN],
      ['nuc2', 'another-token-of-many-letters'],
    ]),
    clock,
  );
  const listeners = new Set<(snapshot: Snapshot) => void>();
  const feed: SnapshotFeed = {
    latest: () => undefined,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  orders.start(feed);
  tell = (phase) => {
    for (const listener of listeners) listener({ coordinator: { phase } } as Snapshot);
  };
});
afterEach(() => orders.stop());

/** What became of it, or `waiting`. */
async function stateOf(outcome: Promise<Outcome>): Promise<Outcome | 'waiting'> {
  await turn();
  return Promise.race([outcome, Promise.resolve('waiting' as const)]);
}

const fetched = async (host = 'nuc1') => {
  const order = await orders.next(host, 0, still);
  if (order === undefined) throw new Error('no order');
  return order;
};

describe('orders for an agent', () => {
  it('counts as accepted when the agent takes it, and not when it only sees it', async () => {
    const outcome = orders.halt('nuc1', 20_000);
    const { id, kind } = await fetched();
    expect(kind).toBe('halt');
    await clock.pass(5000);
    expect(await stateOf(outcome)).toBe('waiting');
    expect(orders.report('nuc1', { id, state: 'taken' })).toBe(true);
    await clock.pass(1000);
    expect(await stateOf(outcome)).toEqual({ code: 'done' });
  });

  it('is for one host only', async () => {
    void orders.halt('nuc1', 20_000);
    expect(await orders.next('nuc2', 0, still)).toBeUndefined();
    const { id } = await fetched();
    expect(orders.report('nuc2', { id, state: 'taken' })).toBe(false);
    expect(orders.report('nuc1', { id, state: 'taken' })).toBe(true);
  });

  it('wakes an agent that waits for it', async () => {
    const waiting = orders.next('nuc1', 10_000, still);
    await turn();
    void orders.halt('nuc1', 20_000);
    expect(await waiting).toMatchObject({ kind: 'halt', issuedWallMs: 1_000_000 });
  });

  it('lets an agent go when there is nothing, and when it hangs up', async () => {
    const waiting = orders.next('nuc1', 10_000, still);
    await clock.pass(10_000);
    expect(await waiting).toBeUndefined();
    const gone = new AbortController();
    const hangingUp = orders.next('nuc1', 10_000, gone.signal);
    gone.abort();
    expect(await hangingUp).toBeUndefined();
  });

  it('does not outlive its time: taking it then is no more possible', async () => {
    const outcome = orders.halt('nuc1', 20_000);
    const { id } = await fetched();
    await clock.pass(20_000);
    expect(await outcome).toMatchObject({ code: 'timeout', detail: expect.stringContaining('withdrawn') });
    expect(orders.report('nuc1', { id, state: 'taken' })).toBe(false);
    expect(await orders.next('nuc1', 0, still)).toBeUndefined();
  });

  it('tells an agent that was never there from one that was', async () => {
    const never = orders.halt('nuc1', 20_000);
    await clock.pass(20_000);
    expect(await never).toMatchObject({ code: 'unreachable', detail: expect.stringContaining('never heard') });
    await orders.next('nuc1', 0, still);
    const silent = orders.halt('nuc1', 20_000);
    await clock.pass(20_000);
    expect(await silent).toMatchObject({ code: 'unreachable', detail: expect.stringContaining('did not ask') });
  });

  it('is withdrawn when mains is back before it was taken', async () => {
    const outcome = orders.halt('nuc1', 20_000);
    const { id } = await fetched();
    tell('restoring');
    expect(await outcome).toMatchObject({ code: 'refused', detail: expect.stringContaining('mains is back') });
    expect(orders.report('nuc1', { id, state: 'taken' })).toBe(false);
    expect(await orders.halt('nuc1', 20_000)).toMatchObject({ code: 'refused' });
    tell('shutting-down');
    expect(await stateOf(orders.halt('nuc1', 20_000))).toBe('waiting');
  });

  it('stands in a rehearsal on mains', async () => {
    tell('mains');
    expect(await stateOf(orders.halt('nuc1', 20_000))).toBe('waiting');
  });

  it('is one order when it is asked for twice', async () => {
    const first = orders.halt('nuc1', 20_000);
    const { id } = await fetched();
    const second = orders.halt('nuc1', 20_000);
    expect((await fetched()).id).toBe(id);
    orders.report('nuc1', { id, state: 'taken' });
    expect(await orders.next('nuc1', 0, still)).toBeUndefined();
    await clock.pass(1000);
    expect(await Promise.all([first, second])).toEqual([{ code: 'done' }, { code: 'done' }]);
    // the next one is another: the machine came up again by itself
    void orders.halt('nuc1', 20_000);
    expect((await fetched()).id).not.toBe(id);
    expect(orders.report('nuc1', { id, state: 'taken' })).toBe(false);
  });

  it('may be taken twice, for an answer may be lost', async () => {
    void orders.halt('nuc1', 20_000);
    const { id } = await fetched();
    expect([1, 2, 3].map(() => orders.report('nuc1', { id, state: 'taken' }))).toEqual([true, true, true]);
    tell('restoring');
    expect(orders.report('nuc1', { id, state: 'taken' })).toBe(false);
  });

  it('is not late because it was taken in the last moment', async () => {
    const outcome = orders.halt('nuc1', 20_000);
    const { id } = await fetched();
    await clock.pass(19_900);
    orders.report('nuc1', { id, state: 'taken' });
    await clock.pass(1000);
    expect(await outcome).toEqual({ code: 'done' });
  });

  it('is refused when the agent cannot halt its machine, in its words', async () => {
    const outcome = orders.halt('nuc1', 20_000);
    const { id } = await fetched();
    orders.report('nuc1', { id, state: 'taken' });
    orders.report('nuc1', { id, state: 'failed', detail: 'not\u001b[31m permitted' });
    expect(await outcome).toMatchObject({ code: 'refused', detail: expect.stringContaining('not [31m permitted') });
  });

  it('ends with the service', async () => {
    const outcome = orders.halt('nuc1', 20_000);
    const waiting = orders.next('nuc2', 10_000, still);
    orders.stop();
    expect(await outcome).toMatchObject({ code: 'refused' });
    expect(await waiting).toBeUndefined();
    expect(await orders.halt('nuc1', 20_000)).toMatchObject({ code: 'refused' });
  });

  it('is given up when told to', async () => {
    const abort = new AbortController();
    const outcome = orders.halt('nuc1', 20_000, abort.signal);
    abort.abort();
    expect(await outcome).toMatchObject({ code: 'timeout', detail: expect.stringContaining('given up') });
  });

  it('is refused for hosts without an agent', async () => {
    expect(await orders.halt('nas', 20_000)).toMatchObject({ code: 'refused' });
    expect(await orders.next('nas', 10_000, still)).toBeUndefined();
    expect(orders.report('nas', { id: 'x', state: 'taken' })).toBe(false);
  });
});

describe('the token of an agent', () => {
  it('opens its own host and nothing else', () => {
    expect(orders.knows('nuc1', TOKEN)).toBe(true);
    for (const [host, token] of [
      ['nuc2', TOKEN],
      ['nas', TOKEN],
      ['nuc1', `${TOKEN}x`],
      ['nuc1', ''],
      ['__proto__', TOKEN],
    ] as const)
      expect(orders.knows(host, token)).toBe(false);
  });
});

describe('a machine that is known by its agent', () => {
  it('is there while its agent asks, and for a moment after', async () => {
    const gone = new AbortController();
    const waiting = orders.next('nuc1', 10_000, gone.signal);
    expect(await orders.reachable('nuc1')).toBe(true);
    await clock.pass(10_000);
    await waiting;
    expect(await orders.reachable('nuc1')).toBe(true);
    await clock.pass(25_000);
    expect(await orders.reachable('nuc1')).toBe(false);
  });

  it('is away soon after its agent hung up', async () => {
    const gone = new AbortController();
    const waiting = orders.next('nuc1', 10_000, gone.signal);
    gone.abort();
    await waiting;
    await clock.pass(4900);
    expect(await orders.reachable('nuc1')).toBe(true);
    await clock.pass(200);
    expect(await orders.reachable('nuc1')).toBe(false);
  });

  it('is not called silent before it had time to ask', async () => {
    await expect(orders.reachable('nuc1')).rejects.toThrow(/no time/);
    await clock.pass(25_000);
    expect(await orders.reachable('nuc1')).toBe(false);
  });

  it('is asked by a port instead where one is given', async () => {
    const host = hostSchema.parse({
      id: 'nuc1',
      address: '127.0.0.1',
      probePort: 1,
      halt: { agent: { token: { env: 'T' } } },
    });
    void orders.next('nuc1', 10_000, still);
    expect(await hostControl(host, {}, orders).reachable()).toBe(false);
    const { probePort: _, ...without } = host;
    expect(await hostControl(without, {}, orders).reachable()).toBe(true);
  });
});

it('leaves a protected machine alone', async () => {
  const config = { id: 'nuc1', protected: true, halt: { agent: { token: { env: 'T' } } } };
  const own = new AgentOrders(new Map([['nuc1', TOKEN]]), systemClock);
  expect(await hostControl(hostSchema.parse(config), {}, own).halt()).toMatchObject({ code: 'left-alone' });
  expect(await own.next('nuc1', 0, still)).toBeUndefined();
});
