import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Choice, hostChoices, stageChoices, wholeChoices } from '../../../dashboards/web/orders.ts';
import type { Picture } from '../../../dashboards/web/wire.ts';
import { finite } from '../../../services/http/finite.ts';
import { decide } from '../../../services/shutdown/decide.ts';
import { picture } from '../../../services/shutdown/picture.ts';
import { type Scene, snapshotOf } from '../../services/http/rack-fixture.ts';
import { Bench } from '../../services/shutdown/bench.ts';

const pictureOf = (scene: Scene): Picture => {
  const snapshot = finite(snapshotOf(scene));
  return { ...snapshot, wallMs: snapshot.rack.wallMs, ageMs: 0, freshness: 'fresh' };
};

const withCoordinator = (scene: Scene, change: Partial<Picture['coordinator']>): Picture => {
  const now = pictureOf(scene);
  return { ...now, coordinator: { ...now.coordinator, ...change } };
};

/** What the page would show of a bench. */
function seenOf(bench: Bench): Picture {
  const rack = bench.rack.snapshot();
  const { schedule } = decide({ state: bench.state, watch: bench.watch }, { kind: 'tick' }, rack, bench.policy);
  const coordinator = picture(bench.state, schedule, rack, bench.policy);
  const rest = { site: 'x', version: '0', devices: [], sinks: [], ageMs: 0, freshness: 'fresh' as const };
  return { ...rest, wallMs: rack.wallMs, rack: finite(rack), coordinator: finite(coordinator) };
}

const allChoices = (seen: Picture): readonly Choice[] => [
  ...wholeChoices(seen),
  ...seen.coordinator.hosts.flatMap((host) => hostChoices(seen, host)),
  ...seen.coordinator.schedule.stages.flatMap((stage) => stageChoices(seen, stage)),
];

/** What only the service can know: how long mains must hold, whether the bank carries it, what the cluster needs. */
const HIDDEN =
  /could not be started again|mains is not back long enough|the bank|only mains can end|nowhere to go|control-plane|still need a person|no port that may be switched/;

const STEPS = [
  'lose',
  'return',
  'short',
  'pass',
  'cordon',
  'drain',
  'halt',
  'cut',
  'power',
  'asleep',
  'skip',
  'rehearse',
];

function step(bench: Bench, what: string): void {
  if (what === 'lose') bench.loseMains();
  else if (what === 'return') bench.recharge();
  else if (what === 'short') bench.runShort();
  else if (what === 'pass') bench.pass(40);
  else if (what === 'asleep') for (const id of ['b1', 'b2', 'w1']) bench.rack.asleep(id);
  else if (what === 'skip') bench.command({ kind: 'skip', host: 'w2' });
  else if (what === 'rehearse') bench.command({ kind: 'rehearse', stage: 'batch', depth: 'whole' });
  else bench.answer(what as 'cordon' | 'drain' | 'halt' | 'cut' | 'power');
  bench.pass();
}

describe('what the page offers', () => {
  it('is what the coordinator takes, at any moment of an outage', () => {
    const met = new Set<string>();
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...STEPS), { maxLength: 14 }), (steps) => {
        const bench = new Bench();
        bench.pass(60);
        for (const what of steps) step(bench, what);
        const seen = seenOf(bench);
        for (const { order, whyNot } of allChoices(seen)) {
          const command = { kind: 'command', command: order, author: 'page' } as const;
          const state = { state: bench.state, watch: bench.watch };
          const { answer } = decide(state, command, bench.rack.snapshot(), bench.policy);
          met.add(`${order.kind} ${whyNot === undefined} ${answer?.accepted}`);
          if (whyNot !== undefined) expect(answer, JSON.stringify([order, whyNot])).toMatchObject({ accepted: false });
          else if (answer?.accepted !== true) expect(answer?.because, JSON.stringify(order)).toMatch(HIDDEN);
        }
      }),
      { numRuns: 150, seed: 7 },
    );
    // The walks come by every order, possible and not.
    for (const kind of ['begin', 'hold', 'abort', 'skip', 'take-over', 'power-cycle', 'rehearse']) {
      expect(met, kind).toContain(`${kind} true true`);
      expect(met, kind).toContain(`${kind} false false`);
    }
    expect(met).toContain('unskip true true');
  });
});

describe('orders', () => {
  const host = (seen: Picture, id: string) => {
    const found = seen.coordinator.hosts.find((each) => each.id === id);
    if (found === undefined) throw new Error(`no host ${id}`);
    return found;
  };
  const choice = (choices: readonly Choice[], kind: string) => {
    const found = choices.find(({ order }) => order.kind === kind);
    if (found === undefined) throw new Error(`no ${kind}`);
    return found;
  };

  it('cut power under a host that answers only by force, and after its name was typed', () => {
    const seen = pictureOf('mains');
    const answering = choice(hostChoices(seen, { ...host(seen, 'pi3'), reachable: true }), 'power-cycle');
    expect(answering).toMatchObject({ order: { force: true }, typed: 'pi3', grave: true });
    expect(answering.question).toContain('answers on the network');
    const hung = choice(hostChoices(seen, { ...host(seen, 'pi3'), reachable: false }), 'power-cycle');
    expect(hung).toMatchObject({ order: { force: false }, grave: true });
    expect(hung.typed).toBeUndefined();
  });

  it('power-cycle a host that does not come up, and none that is off', () => {
    const seen = pictureOf('restoring');
    const cycle = (phase: 'powering' | 'cut') =>
      choice(hostChoices(seen, { ...host(seen, 'pi3'), phase, reachable: false }), 'power-cycle').whyNot;
    expect(cycle('powering')).toBeUndefined();
    expect(cycle('cut')).toBe('it is cut already');
  });

  it('rehearse nothing while a host is not up', () => {
    const seen = pictureOf('mains');
    const [stage] = seen.coordinator.schedule.stages;
    if (stage === undefined) throw new Error('no stage');
    const hosts = seen.coordinator.hosts.map((each) =>
      each.id === 'pi7' ? { ...each, phase: 'powering' as const } : each,
    );
    expect(stageChoices(seen, stage).every(({ whyNot }) => whyNot === undefined)).toBe(true);
    const [drain] = stageChoices(withCoordinator('mains', { hosts }), stage);
    expect(drain?.whyNot).toBe('pi7 is powering');
  });

  it('count a host as off without more ado only when it is in trouble', () => {
    const seen = pictureOf('shutting-down');
    const off = (change: object) =>
      hostChoices(seen, { ...host(seen, 'pi3'), phase: 'halting', ...change }).find(
        ({ order }) => order.kind === 'take-over' && order.as === 'off',
      );
    expect(off({})?.typed).toBe('pi3');
    expect(off({ trouble: 'does not halt' })?.typed).toBeUndefined();
  });

  it('are none about a host that is never touched', () => {
    const seen = pictureOf('mains');
    expect(hostChoices(seen, { ...host(seen, 'pi3'), stage: undefined })).toEqual([]);
  });

  it('end a rehearsal, and nothing else is begun meanwhile', () => {
    const seen = withCoordinator('mains', { rehearsal: { stage: 'batch', depth: 'drain' } });
    expect(wholeChoices(seen).map(({ order }) => order)).toEqual([{ kind: 'abort' }]);
    const [stage] = seen.coordinator.schedule.stages;
    if (stage === undefined) throw new Error('no stage');
    expect(stageChoices(seen, stage).map(({ whyNot }) => whyNot)).toEqual([
      'batch is being rehearsed',
      'batch is being rehearsed',
    ]);
  });

  it('overrule a UPS that has ordered everything down on mains', () => {
    for (const phase of ['mains', 'restoring'] as const) {
      const [only, ...rest] = wholeChoices(withCoordinator(phase, { orderedDown: 'apc' }));
      expect(only).toMatchObject({ order: { kind: 'abort' }, question: expect.stringContaining('apc') });
      expect(rest).toEqual([]);
    }
  });

  it('are given to the node that acts', () => {
    const lease = { self: 'b', role: 'watching', holder: 'a', epoch: 3, medium: 'alive' } as const;
    const seen = withCoordinator('on-battery', { lease });
    for (const { whyNot } of allChoices(seen)) expect(whyNot).toContain('give the order to a, which acts');
    const acting = withCoordinator('on-battery', { lease: { ...lease, role: 'acting', holder: 'b' } });
    expect(wholeChoices(acting).every(({ whyNot }) => whyNot === undefined)).toBe(true);
  });
});
