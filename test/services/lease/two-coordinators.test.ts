import { afterEach, describe, expect, it } from 'vitest';
import type { Phase } from '../../../services/shutdown/state.ts';
import { TwoNodes } from './two-nodes.ts';

/** One of two coordinators dies in the middle of an outage, and the other one brings it to its end. */

let nodes: TwoNodes | undefined;
afterEach(async () => {
  await nodes?.close();
  nodes = undefined;
});

async function settled(): Promise<TwoNodes> {
  nodes = new TwoNodes();
  nodes.start('node-a');
  await nodes.until('node-a acts', () => nodes?.role('node-a') === 'acting', 90);
  nodes.start('node-b');
  await nodes.pass(30);
  expect(nodes.acting()).toEqual(['node-a']);
  return nodes;
}

/** A moment in the middle of each phase of `node-a`. */
const moments: Readonly<Record<Phase, (it: TwoNodes) => boolean>> = {
  mains: () => true,
  'on-battery': (it) => it.states.get('node-a')?.phase === 'on-battery',
  'shutting-down': (it) => hosts(it).some(({ phase }) => phase === 'halting'),
  dark: (it) => it.states.get('node-a')?.phase === 'dark',
  restoring: (it) => hosts(it).some(({ phase }) => phase === 'powering'),
};

const hosts = (it: TwoNodes) => Object.values(it.states.get('node-a')?.hosts ?? {});
const phaseOf = (it: TwoNodes): Phase | undefined => it.states.get(it.acting()[0] ?? '')?.phase;

describe('the holder dies', () => {
  it.each(Object.keys(moments) as Phase[])('in phase %s, and the other one finishes', async (phase) => {
    const it = await settled();
    const strike = async (at: Phase): Promise<void> => {
      if (at !== phase) return;
      await it.until(`${at} of node-a`, () => moments[at](it));
      const killedS = it.clock.monoMs() / 1000;
      it.kill('node-a');
      await it.until('node-b acts', () => it.role('node-b') === 'acting', 46);
      expect(it.intents.filter(({ by, atS }) => by === 'node-b' && atS < killedS + 20)).toEqual([]);
    };
    await strike('mains');
    it.rack.setMains(false);
    await it.until('on battery', () => phaseOf(it) === 'on-battery');
    await strike('on-battery');
    expect((await it.order(it.acting()[0] ?? '')).accepted).toBe(true);
    await strike('shutting-down');
    await it.until('dark', () => phaseOf(it) === 'dark');
    await strike('dark');
    it.rack.setMains(true);
    await strike('restoring');
    await it.until('peace', () => phaseOf(it) === 'mains' && it.states.get('node-b')?.runId === undefined);
    expect(it.whole()).toBe(true);
    expect(it.journal('node-b').filter(({ kind }) => kind === 'adopted')).toHaveLength(1);
    // The dead one comes back and watches.
    it.start('node-a');
    await it.pass(60);
    expect(it.acting()).toEqual(['node-b']);
    expect(it.role('node-a')).toBe('watching');
    expect(it.whole()).toBe(true);
  });

  it('and is started again while nobody has taken over: it goes on itself', async () => {
    const it = await settled();
    it.rack.setMains(false);
    await it.until('on battery', () => phaseOf(it) === 'on-battery');
    await it.order('node-a');
    await it.until('halting', () => moments['shutting-down'](it));
    it.kill('node-a');
    await it.pass(5);
    it.start('node-a');
    await it.until('dark', () => phaseOf(it) === 'dark');
    expect(it.acting()).toEqual(['node-a']);
    it.rack.setMains(true);
    await it.until('peace', () => phaseOf(it) === 'mains' && it.whole());
    expect(it.intents.every(({ by }) => by === 'node-a')).toBe(true);
    expect(it.journal('node-a').some(({ kind }) => kind === 'adopted')).toBe(false);
  });
});

describe('a watcher', () => {
  it('starts nothing, shows what the holder does, and refuses orders with its name', async () => {
    const it = await settled();
    expect(await it.order('node-b')).toEqual({ accepted: false, because: expect.stringContaining('node-a') });
    it.rack.setMains(false);
    await it.until('on battery', () => phaseOf(it) === 'on-battery');
    await it.order('node-a');
    await it.until('dark', () => phaseOf(it) === 'dark');
    await it.pass(3);
    expect(it.states.get('node-b')?.phase).toBe('dark');
    expect(it.states.get('node-b')?.runId).toBe(it.states.get('node-a')?.runId);
    it.rack.setMains(true);
    await it.until('peace', () => phaseOf(it) === 'mains' && it.whole());
    expect(it.intents.length).toBeGreaterThan(10);
    expect(it.intents.every(({ by }) => by === 'node-a')).toBe(true);
  });
});

describe('a person says which one acts', () => {
  it('in the middle of a shutdown, and the other one finishes; who ordered it is in the journal', async () => {
    const it = await settled();
    it.rack.setMains(false);
    await it.until('on battery', () => phaseOf(it) === 'on-battery');
    await it.order('node-a');
    await it.until('halting', () => moments['shutting-down'](it));
    expect(await it.order('node-b', { kind: 'lease', do: 'take' })).toMatchObject({ accepted: true });
    await it.until('node-b acts', () => it.role('node-b') === 'acting', 31);
    expect(it.acting()).toEqual(['node-b']);
    const takenS = it.clock.monoMs() / 1000;
    await it.until('dark', () => it.states.get('node-b')?.phase === 'dark');
    expect(it.intents.filter(({ by, atS }) => by === 'node-a' && atS > takenS)).toEqual([]);
    expect(it.journal('node-b')).toContainEqual({
      kind: 'command',
      command: { kind: 'lease', do: 'take' },
      author: 'test',
    });
    expect(it.journal('node-b').some(({ kind }) => kind === 'adopted')).toBe(true);
    it.rack.setMains(true);
    expect(await it.order('node-b', { kind: 'lease', do: 'give' })).toMatchObject({ accepted: true });
    await it.until('peace', () => it.acting()[0] === 'node-a' && phaseOf(it) === 'mains' && it.whole());
  });

  it('in the dark, when the broker and the one that acted are gone', async () => {
    const it = await settled();
    it.rack.setMains(false);
    await it.until('on battery', () => phaseOf(it) === 'on-battery');
    await it.order('node-a');
    await it.until('dark', () => phaseOf(it) === 'dark');
    await it.pass(5);
    it.broker.down();
    it.kill('node-a');
    await it.pass(60);
    const take = { kind: 'lease', do: 'take' } as const;
    expect(await it.order('node-b', take)).toMatchObject({ accepted: false, because: expect.stringMatching(/force/) });
    expect(await it.order('node-b', { ...take, force: true })).toMatchObject({ accepted: true });
    it.rack.setMains(true);
    await it.until('peace', () => it.states.get('node-b')?.phase === 'mains' && it.whole());
    it.start('node-a');
    it.broker.up();
    await it.pass(60);
    expect(it.acting()).toEqual(['node-b']);
  });
});

describe('the broker dies with the rack', () => {
  it('and the holder finishes and restores everything alone, also when it is started again in the dark', async () => {
    const it = await settled();
    it.rack.setMains(false);
    await it.until('on battery', () => phaseOf(it) === 'on-battery');
    await it.order('node-a');
    it.broker.down();
    await it.until('dark', () => phaseOf(it) === 'dark');
    it.kill('node-a');
    await it.pass(120);
    expect(it.acting()).toEqual([]);
    it.start('node-a');
    await it.until('node-a goes on', () => it.role('node-a') === 'acting', 70);
    it.rack.setMains(true);
    await it.until('peace', () => phaseOf(it) === 'mains' && it.whole());
    it.broker.up();
    await it.pass(60);
    expect(it.acting()).toEqual(['node-a']);
    expect(it.intents.every(({ by }) => by === 'node-a')).toBe(true);
  });
});
