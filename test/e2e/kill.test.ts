import { afterEach, describe, expect, it } from 'vitest';
import type { Phase } from '../../services/shutdown/state.ts';
import { expectEverythingAsBefore } from './expectations.ts';
import { Stage, until } from './stage.ts';

/** The service dies without a goodbye, once in each phase, and is started again: the same end state. */

let stage: Stage | undefined;
afterEach(async () => {
  await stage?.close();
  stage = undefined;
});

/** A moment in the middle of each phase, not at its very edge. */
const moments: Readonly<Record<Phase, (stage: Stage) => Promise<unknown>>> = {
  mains: (it) => it.settled(),
  'on-battery': (it) => it.phase('on-battery'),
  'shutting-down': (it) =>
    until('some hosts are halting', async () =>
      (await it.hosts()).hosts.some(({ phase }) => phase === 'halting') ? true : undefined,
    ),
  dark: (it) => it.phase('dark'),
  restoring: (it) =>
    until('some hosts are powering', async () =>
      (await it.hosts()).hosts.some(({ phase }) => phase === 'powering') ? true : undefined,
    ),
};

describe('killed and started again', () => {
  it.each(Object.keys(moments) as Phase[])('in phase %s', { timeout: 240_000 }, async (phase) => {
    stage = new Stage({ fast: 12 });
    await stage.open();
    await stage.settled();
    const before = await stage.world();
    const strike = async (at: Phase): Promise<void> => {
      if (at !== phase) return;
      await moments[at](stage as Stage);
      await stage?.killService();
      await stage?.startService();
    };
    await strike('mains');
    await stage.mains(false);
    await strike('on-battery');
    await strike('shutting-down');
    await stage.phase('dark');
    await strike('dark');
    await stage.mains(true);
    await strike('restoring');
    await stage.phase('mains');
    await expectEverythingAsBefore(stage, before);
    const phases = (await stage.journal()).flatMap(({ entry }) => (entry.kind === 'phase' ? [entry.phase] : []));
    expect(phases.at(-1)).toBe('mains');
    expect(phases).toContain('dark');
  });
});
