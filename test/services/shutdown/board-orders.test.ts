import { describe, expect, it } from 'vitest';
import { Executor } from '../../../services/shutdown/executor.ts';
import type { Outcome } from '../../../services/shutdown/promises.ts';
import type { Command, Input } from '../../../services/shutdown/state.ts';
import { Bench } from './bench.ts';
import { smallPolicy } from './small-rack.ts';

/** What a person orders about a pack's board. */

type Order = Extract<Command, { kind: 'switch-board' }>;

function bench(boards: object = { lfp1: { mosfets: true, balancing: true } }, more: object = {}): Bench {
  return new Bench({}, { ...smallPolicy({}), boards, ...more } as ReturnType<typeof smallPolicy>);
}

const say = (made: Bench, order: Partial<Order>): { accepted: boolean; because: string } => {
  const whole: Order = { kind: 'switch-board', pack: 'lfp1', what: 'balancing', on: false, ...order };
  return made.command(whole).answer ?? { accepted: false, because: 'no answer' };
};

const outputs = (made: Bench): unknown[] => made.effects.filter(({ kind }) => kind === 'output');

describe('an order to a board', () => {
  it.each([
    [
      { what: 'balancing', on: true },
      { what: 'balancing', on: true },
    ],
    [
      { what: 'charge', on: false },
      { what: 'charge', on: false },
    ],
    [{ what: 'discharge', on: true }, { on: true }],
  ] as const)('%o is done once, and is in the journal with its author before it is done', (order, effect) => {
    const made = bench();
    expect(say(made, order)).toMatchObject({ accepted: true, because: expect.stringMatching(/journal/) });
    expect(outputs(made)).toEqual([{ kind: 'output', key: 'output-by-hand:lfp1', pack: 'lfp1', ...effect }]);
    made.answer('output', 'disobeyed');
    expect(made.watch.retries).toEqual({});
    made.pass(60);
    expect(outputs(made)).toHaveLength(1);
    expect(made.state.outputsOff).toBeUndefined();
  });

  it('is refused where the configuration does not allow it, and for packs nobody knows', () => {
    expect(say(bench({}), {}).because).toMatch(/no pack is called lfp1/);
    const made = bench({ lfp1: { mosfets: false, balancing: false } });
    expect(say(made, {})).toMatchObject({ accepted: false, because: expect.stringMatching(/balancing: true/) });
    expect(say(made, { what: 'charge' }).because).toMatch(/control: \{ mosfets: true \}/);
    expect(say(made, { pack: 'constructor' }).accepted).toBe(false);
    expect(outputs(made)).toEqual([]);
  });

  it('waits for the one before it', () => {
    const made = bench();
    say(made, {});
    expect(say(made, { on: true }).because).toBe('lfp1 is being switched already');
    made.answer('output');
    expect(say(made, { on: true }).accepted).toBe(true);
  });
});

describe('switching the discharge off', () => {
  it('is refused while any host is not seen to be off, and on mains in any case', () => {
    const made = bench();
    expect(say(made, { what: 'discharge' })).toMatchObject({
      accepted: false,
      because: expect.stringMatching(/not seen to be off.*say force/),
    });
    made.loseMains();
    made.runShort();
    expect(say(made, { what: 'discharge' }).accepted).toBe(false);
    const empty = bench(undefined, { stages: [], hosts: {} });
    expect(say(empty, { what: 'discharge' }).because).toMatch(/this program too: say force/);
    expect([...outputs(made), ...outputs(empty)]).toEqual([]);
  });

  it('is done by force', () => {
    const made = bench();
    expect(say(made, { what: 'discharge', force: true }).accepted).toBe(true);
    expect(outputs(made)).toMatchObject([{ pack: 'lfp1', on: false }]);
    // Nobody has asked for it to come back by itself.
    expect(made.state.outputsOff).toBeUndefined();
  });

  it('is done in the dark without it, and undone first when mains is back', () => {
    const made = bench();
    made.goDark();
    made.pass(20);
    expect(say(made, { what: 'discharge' }).accepted).toBe(true);
    expect(made.state.outputsOff).toEqual(['lfp1']);
    made.answer('output');
    expect(made.state.outputsOff).toEqual(['lfp1']);
    made.restart();
    made.recharge();
    made.mainsReturns();
    made.pass(60);
    expect(made.flying('output')).toMatchObject([{ key: 'output-on:lfp1', on: true }]);
    expect(made.flying('power')).toEqual([]);
    made.answer('output');
    made.pass(20);
    expect(made.state.outputsOff).toBeUndefined();
    expect(made.flying('power').length).toBeGreaterThan(0);
  });

  it('is refused in the dark while a machine lives all the same', () => {
    const made = bench();
    made.goDark();
    Object.assign(made.rack.host('w1'), { reachable: true });
    made.pass(20);
    expect(say(made, { what: 'discharge' }).because).toMatch(/w1 is not seen to be off/);
  });

  it('that the last act keeps is not undone by hand in the dark', () => {
    const made = bench(undefined, { lastAct: { packs: ['lfp1'], afterDarkS: 5 } });
    made.goDark();
    made.pass(20);
    made.answer('output');
    expect(say(made, { what: 'discharge', on: true }).because).toMatch(/lastAct keeps lfp1 off/);
  });
});

describe('the executor', () => {
  it('does to the board what was ordered', async () => {
    const done: string[] = [];
    const set =
      (what: string) =>
      (on: boolean): Promise<Outcome> => {
        done.push(`${what} ${on}`);
        return Promise.resolve({ code: 'done' });
      };
    const results: Input[] = [];
    const board = { setDischarge: set('discharge'), setCharge: set('charge'), setBalancing: set('balancing') };
    const packs = { a: board, b: { setDischarge: set('b') } };
    const executor = new Executor({ switches: {}, hosts: {}, packs }, (input) => results.push(input));
    executor.start([
      { kind: 'output', key: '1', pack: 'a', on: false },
      { kind: 'output', key: '2', pack: 'a', on: true, what: 'charge' },
      { kind: 'output', key: '3', pack: 'a', on: false, what: 'balancing' },
      { kind: 'output', key: '4', pack: 'b', on: false, what: 'balancing' },
      { kind: 'output', key: '5', pack: 'c', on: false },
    ]);
    await executor.stop();
    expect(done).toEqual(['discharge false', 'charge true', 'balancing false']);
    const codes = results.flatMap((input) => (input.kind === 'result' ? input.results.map(({ code }) => code) : []));
    expect(codes).toEqual(['done', 'done', 'done', 'refused', 'refused']);
  });
});
