import { describe, expect, it } from 'vitest';
import { Bench } from './bench.ts';
import { type PolicyChange, smallPolicy } from './small-rack.ts';

/** The packs' outputs: off when everything else is, on when mains is back. */

function bench(change: PolicyChange = {}): Bench {
  const made = new Bench({}, { ...smallPolicy(change), lastAct: { packs: ['lfp1'], afterDarkS: 60 } });
  const snapshot = made.rack.snapshot.bind(made.rack);
  made.rack.snapshot = () => ({
    ...snapshot(),
    packs: {
      lfp1: {
        freshness: 'fresh',
        sample: { kind: 'pack', measuredAtMs: 0, dischargeFetClosed: closed },
        receivedAtMs: board.heardMs ?? made.rack.nowMs,
        ageMs: 0,
      },
    },
  });
  let closed = true;
  const board: Board = {
    flip: () => {
      for (const effect of made.flying('output')) closed = effect.on;
      made.answer('output');
    },
    close: () => {
      closed = true;
    },
  };
  return Object.assign(made, { board });
}

interface Board {
  /** Does what is under way and says so. */
  flip: () => void;
  /** Somebody presses its button. */
  close: () => void;
  /** When it was heard last; with every snapshot when absent. */
  heardMs?: number;
}

const boardOf = (made: Bench): Board => (made as Bench & { board: Board }).board;
const flip = (made: Bench): void => boardOf(made).flip();

describe('the last act', () => {
  it('waits until everything has been off for its time, and is written down before it is done', () => {
    const made = bench();
    made.goDark();
    made.pass(50);
    expect(made.flying('output')).toEqual([]);
    made.pass(15);
    expect(made.flying('output')).toMatchObject([{ pack: 'lfp1', on: false }]);
    expect(made.state.outputsOff).toEqual(['lfp1']);
    flip(made);
    made.pass(30);
    expect(made.flying('output')).toEqual([]);
    expect(made.effects.filter(({ kind }) => kind === 'output')).toHaveLength(1);
  });

  it('does not come while a machine runs that could neither be halted nor cut', () => {
    const made = bench({ hosts: { w1: { cuttable: false } } });
    made.goDark();
    Object.assign(made.rack.host('w1'), { reachable: true, powerW: 7 });
    made.pass(200);
    expect(made.host('w1')).toMatchObject({ phase: 'halted', trouble: expect.stringMatching(/no port to cut/) });
    expect(made.effects.filter(({ kind }) => kind === 'output')).toEqual([]);
  });

  it('does not come while a machine boots again that cannot answer yet', () => {
    const made = bench({ hosts: { w1: { cuttable: false } } });
    made.goDark();
    made.rack.asleep('w1');
    made.pass(30);
    Object.assign(made.rack.host('w1'), { powerW: 9 });
    made.pass(60);
    expect(made.flying('output')).toEqual([]);
    made.rack.asleep('w1');
    made.pass(10);
    expect(made.flying('output')).toMatchObject([{ on: false }]);
  });

  it('does not come while a machine answers whose port is cut again and again', () => {
    const made = bench();
    made.goDark();
    made.pass(20);
    Object.assign(made.rack.host('w1'), { reachable: true });
    for (let second = 0; second < 300; second += 1) {
      made.answer('halt');
      made.answer('cut');
      made.pass();
    }
    expect(made.host('w1').rehalts).toBeGreaterThan(1);
    expect(made.effects.filter(({ kind }) => kind === 'output')).toEqual([]);
  });

  it('is one order, however long its board is not heard after it', () => {
    const made = bench();
    made.goDark();
    made.pass(59);
    boardOf(made).heardMs = made.rack.nowMs;
    made.pass(5);
    flip(made);
    made.pass(300);
    expect(made.effects.filter(({ kind }) => kind === 'output')).toHaveLength(1);
  });

  it('is ordered again when its board is read newly and its switch is closed', () => {
    const made = bench();
    made.goDark();
    made.pass(65);
    flip(made);
    made.pass(30);
    boardOf(made).close();
    made.pass(2);
    expect(made.flying('output')).toMatchObject([{ on: false }]);
  });

  it('is not begun while witnesses say that mains is back, though that is not confirmed', () => {
    const made = bench();
    made.goDark();
    made.rack.leaning = 'present';
    made.pass(120);
    expect(made.effects.filter(({ kind }) => kind === 'output')).toEqual([]);
    made.rack.leaning = undefined;
    made.pass(2);
    expect(made.flying('output')).toMatchObject([{ on: false }]);
  });

  it('is undone before anything is started', () => {
    const made = bench();
    made.goDark();
    made.pass(65);
    flip(made);
    made.recharge();
    made.pass(40);
    expect(made.flying('output')).toMatchObject([{ on: true }]);
    expect(made.flying('power')).toEqual([]);
    flip(made);
    made.pass(15);
    expect(made.state.outputsOff).toBeUndefined();
    expect(made.flying('power')).not.toEqual([]);
  });

  it('is undone after a kill too, whenever that was', () => {
    const made = bench();
    made.goDark();
    made.pass(65);
    made.restart();
    expect(made.state.outputsOff).toEqual(['lfp1']);
    made.recharge();
    made.pass(2);
    expect(made.flying('output')).toMatchObject([{ on: true }]);
  });

  it('does not keep the rack dark for ever when the board does not obey', () => {
    const made = bench();
    made.goDark();
    made.pass(65);
    flip(made);
    made.recharge();
    for (let second = 0; second < 120; second += 1) {
      made.answer('output', 'disobeyed');
      made.pass();
    }
    expect(made.flying('power')).not.toEqual([]);
    expect(made.state.outputsOff).toEqual(['lfp1']);
  });

  it('takes an answer to switching off that comes late for what it is', () => {
    const made = bench();
    made.goDark();
    made.pass(65);
    made.recharge();
    made.answer('output');
    made.pass();
    expect(made.state.outputsOff).toEqual(['lfp1']);
    expect(made.flying('output')).toMatchObject([{ on: true }]);
  });

  it('is not done while a host was left alone, and never unless configured', () => {
    const skipped = bench();
    skipped.loseMains();
    skipped.command({ kind: 'skip', host: 'w1' });
    skipped.runShort();
    skipped.answer('cordon');
    skipped.answer('drain');
    for (let second = 0; second < 60; second += 1) {
      for (const { host } of skipped.flying('halt')) skipped.rack.asleep(host);
      skipped.answer('halt');
      for (const { targets } of skipped.flying('cut'))
        for (const { host } of targets) Object.assign(skipped.rack.host(host), { enabled: false });
      skipped.answer('cut');
      skipped.pass();
    }
    expect(skipped.state.phase).toBe('dark');
    skipped.pass(120);
    expect(skipped.effects.filter(({ kind }) => kind === 'output')).toEqual([]);
    const plain = new Bench();
    plain.goDark();
    plain.pass(1000);
    expect(plain.effects.filter(({ kind }) => kind === 'output')).toEqual([]);
  });
});
