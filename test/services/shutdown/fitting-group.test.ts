import { describe, expect, it } from 'vitest';
import { withBudget } from '../../../services/rack/budget.ts';
import type { SwitchSample } from '../../../services/rack/samples.ts';
import type { Effect } from '../../../services/shutdown/state.ts';
import { Bench } from './bench.ts';

/** Who may be started together: budget, guard, promises to classes, the circuit; and who is named because it never fits. */

const started = (effects: readonly Effect[]): string[] =>
  effects.flatMap((effect) => (effect.kind === 'power' ? effect.targets.map(({ host }) => host) : []));

/** The hosts of the small rack, whose switch says more of itself. One boots with 1.4 x 7 W = 9.8 W. */
function bench(change: Partial<SwitchSample>, classes: Readonly<Record<string, number>> = {}, groupSize = 6): Bench {
  const made = new Bench({ restore: { groupSize } });
  const plain = made.rack.snapshot.bind(made.rack);
  made.rack.snapshot = () => {
    const rack = plain();
    const { sw1 } = rack.switches;
    if (sw1?.sample === undefined) return rack;
    // a switch tells the class of what it feeds, and of nothing else
    const ports = sw1.sample.ports.map((port) => {
      const host = Object.values(made.policy.hosts).find((each) => each.port === port.port);
      const poeClass = classes[host?.id ?? ''];
      return port.state === 'delivering' && poeClass !== undefined ? { ...port, poeClass } : port;
    });
    const sample = withBudget({ ...sw1.sample, ports, ...change });
    return { ...rack, switches: { sw1: { ...sw1, sample } } };
  };
  made.goDark();
  made.recharge();
  return made;
}

/** Everything that has power is up a second later. */
function boot(made: Bench, seconds: number): void {
  for (let second = 0; second < seconds; second += 1) {
    made.pass();
    for (const { targets } of made.flying('power')) for (const { host } of targets) made.rack.booted(host, 'boot-2');
    made.answer('power');
    made.answer('uncordon');
  }
}

describe('who may be started together', () => {
  it('leaves the guard of the budget free', () => {
    const wide = bench({ budgetW: 100, drawnW: 70 });
    wide.pass(32);
    expect(started(wide.effects)).toEqual(['cp1', 'cp2']);
    const guarded = bench({ budgetW: 100, drawnW: 70, guardW: 15 });
    guarded.pass(32);
    expect(started(guarded.effects)).toEqual(['cp1']);
  });

  it('promises every class its power where the switch admits by class', () => {
    const promises = { budgetW: 100, drawnW: 10, reservedW: 30 };
    const classes = { cp1: 4, cp2: 3, w1: 4, w2: 4 };
    const measuring = bench(promises, classes);
    measuring.pass(32);
    expect(started(measuring.effects)).toEqual(['cp1', 'cp2']);
    // 70 W are left to promise: 30 and 15.4 for the first stage
    const byClass = bench({ ...promises, admission: 'static' }, classes);
    byClass.pass(32);
    expect(started(byClass.effects)).toEqual(['cp1', 'cp2']);
    const narrow = bench({ ...promises, reservedW: 60, admission: 'static' }, classes);
    narrow.pass(32);
    expect(started(narrow.effects)).toEqual(['cp1']);
  });

  it('does not promise twice what a port that delivers was promised', () => {
    const told = { budgetW: 60, drawnW: 10, reservedW: 0, admission: 'static' as const };
    const made = bench(told, { cp1: 4, cp2: 4 }, 1);
    made.pass(32);
    expect(started(made.effects)).toEqual(['cp1']);
    // it is fed now and boots: its 30 W are in what the switch says is reserved
    made.answer('power');
    Object.assign(made.rack.host('cp1'), { portState: 'delivering', enabled: true });
    told.reservedW = 30;
    made.pass(20);
    expect(started(made.effects)).toEqual(['cp1', 'cp2']);
  });
});

describe('a host that never fits', () => {
  it('is named with its switch, its class and what is left, and keeps nobody waiting', () => {
    const made = bench(
      { budgetW: 100, drawnW: 20, reservedW: 75, admission: 'static' },
      {
        cp1: 6,
        cp2: 2,
        w1: 2,
        w2: 2,
        b1: 2,
        b2: 2,
      },
    );
    boot(made, 200);
    expect(started(made.effects)).toEqual(['cp2', 'w1', 'w2', 'b1', 'b2']);
    expect(made.host('cp1')).toMatchObject({
      phase: 'cut',
      trouble: 'not started: its class is promised 60 W, switch sw1 has 25 W left to promise',
    });
  });

  it('is named by what it draws where the switch measures, and started as soon as there is room', () => {
    const told = { budgetW: 100, drawnW: 95 };
    const made = bench(told);
    boot(made, 60);
    expect(started(made.effects)).toEqual([]);
    expect(made.host('cp1').trouble).toBe('not started: it takes 10 W while it boots, switch sw1 has 5 W left');
    told.drawnW = 80;
    boot(made, 60);
    expect(started(made.effects)).toContain('cp1');
    expect(made.host('cp1').trouble).toBeUndefined();
  });

  it('is named with the circuit where that is what is full', () => {
    const made = bench({ budgetW: 400, drawnW: 20 });
    made.rack.circuit = { limitA: 16, currentA: 15.96, powerW: 1755, freshness: 'fresh' };
    boot(made, 60);
    expect(made.host('cp1').trouble).toBe('not started: it takes 10 W while it boots, the circuit has 4 W left');
  });
});
