import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SimWorld, WorldEvent } from '../../../services/twin/world.ts';
import { hostOf, portOf, smallWorld, stateOf, until } from './small-world.ts';

const PI_STATES = ['pi1', 'pi2', 'nuc', 'router'];

function picture(world: SimWorld): string {
  return JSON.stringify([
    world.timeS,
    world.pack.remainingAh,
    world.pack.cellsV,
    world.meter.importWh,
    world.meter.voltageV,
    [...world.hosts.values()].map((host) => [host.id, host.state, host.bootId, host.powerW]),
    world.switch.ports.map((port) => [port.state, port.deniedCount, port.powerW]),
    world.violations,
  ]);
}

function story(world: SimWorld): WorldEvent[] {
  const events: WorldEvent[] = [];
  world.onEvent((event) => events.push(event));
  return events;
}

/** An outage with one clean shutdown and a return of mains. */
function mission(world: SimWorld, stepS: number): void {
  const run = (seconds: number) => {
    for (let n = 0; n < seconds / stepS; n++) world.step(stepS);
  };
  run(10);
  world.setMains(false);
  run(30);
  hostOf(world, 'pi2').halt();
  run(20);
  world.switch.setEnabled('2', false);
  run(20);
  world.setMains(true);
  run(10);
  world.switch.setEnabled('2', true);
  run(60);
}

describe('simulated rack: time', () => {
  it('plays the same story twice for one seed, and another for another', () => {
    const [a, b, c] = [smallWorld(), smallWorld(), smallWorld({ seed: 8 })];
    for (const world of [a, b, c]) mission(world, 0.5);
    expect(picture(a)).toBe(picture(b));
    expect(picture(a)).not.toBe(picture(c));
  });

  it('does not care how its time is sliced', () => {
    const [coarse, fine] = [smallWorld(), smallWorld()];
    const [told, retold] = [story(coarse), story(fine)];
    mission(coarse, 10);
    mission(fine, 0.1);
    expect(retold.map((event) => [event.kind, event.subject, event.detail])).toEqual(
      told.map((event) => [event.kind, event.subject, event.detail]),
    );
    retold.forEach((event, index) => {
      expect(event.atS).toBeCloseTo(told[index]?.atS ?? -1, 6);
    });
    expect(fine.pack.remainingAh).toBeCloseTo(coarse.pack.remainingAh, 5);
  });

  it('advances its wall clock with its own time', () => {
    const world = smallWorld({ startWallMs: 1_000_000 });
    world.step(0.25);
    world.step(12.5);
    expect(world.timeS).toBeCloseTo(12.75, 9);
    expect(world.wallMs).toBeCloseTo(1_012_750, 3);
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('refuses to move by %s', (dtS) => {
    expect(() => smallWorld().step(dtS)).toThrow(RangeError);
  });

  it('tells listeners once per step and once per change from outside', () => {
    const world = smallWorld();
    let calls = 0;
    const stop = world.onChange(() => {
      calls += 1;
    });
    world.step(30);
    expect(calls).toBe(1);
    world.setMains(false);
    world.setMains(false);
    expect(calls).toBe(2);
    stop();
    world.step(1);
    expect(calls).toBe(2);
  });
});

describe('simulated rack: energy', () => {
  it('feeds the load from the pack through the inverter when mains is away, without a gap', () => {
    const world = smallWorld();
    world.step(5);
    expect(world.pack.currentA).toBeGreaterThan(0);
    world.setMains(false);
    world.step(0.5);
    const packW = -world.pack.voltageV * world.pack.currentA;
    expect(packW).toBeCloseTo(world.loadW / 0.93, 0);
    expect(PI_STATES.map((id) => stateOf(world, id))).toEqual(['running', 'running', 'running', 'running']);
    expect(world.meter).toMatchObject({ voltageV: 0, currentA: 0, powerW: 0, frequencyHz: 0 });
  });

  it('adds up the chain: hosts, cable, switch and its supply, AC loads', () => {
    const world = smallWorld();
    const watts = (id: string) => hostOf(world, id).powerW;
    const poe = watts('pi1') + watts('pi2');
    expect(world.switch.drawnW).toBeGreaterThan(poe);
    expect(world.switch.drawnW).toBeLessThan(poe * 1.01);
    const supplyLoss = world.loadW - watts('nuc') - watts('router') - world.switch.drawnW - 10;
    // 24 W of a 110 W gold supply: 0.87
    expect(supplyLoss).toBeGreaterThan(2.8);
    expect(supplyLoss).toBeLessThan(4);
  });

  it('shows load and charger on the meter while mains is there', () => {
    const world = smallWorld();
    world.step(2);
    const before = world.meter.importWh;
    world.step(36);
    const chargeW = (world.pack.voltageV * world.pack.currentA) / 0.92;
    expect(world.meter.powerW).toBeGreaterThan(world.loadW + chargeW - 3);
    expect(world.meter.powerW).toBeLessThan(world.loadW + chargeW + 3);
    expect(world.meter.importWh - before).toBeCloseTo(world.meter.powerW / 100, 1);
    expect(world.meter.apparentVa * world.meter.powerFactor).toBeCloseTo(world.meter.powerW, 6);
    expect(Math.abs(world.meter.voltageV - 110)).toBeLessThan(1);
  });

  it('gives over a whole mission exactly what the loads took, through losses, within 0.1 %', () => {
    const world = smallWorld();
    world.setMains(false);
    const before = world.pack.chemicalWh;
    let loadWh = 0;
    for (let n = 0; n < 1800; n++) {
      const loadW = world.loadW;
      world.step(0.5);
      loadWh += (loadW * 0.5) / 3600;
    }
    expect(world.supplied).toBe(true);
    const spentWh = before - world.pack.chemicalWh;
    expect(Math.abs(spentWh - loadWh / 0.93 - world.pack.lossWh) / spentWh).toBeLessThan(0.001);
  });

  it('lets everything die when the board cuts off, and says so', () => {
    const world = smallWorld({ pack: { capacityAh: 2.5, socRatio: 0.03, cellResistanceOhm: 0.01 } });
    hostOf(world, 'pi2').halt();
    world.step(15);
    expect(stateOf(world, 'pi2')).toBe('halted');
    world.setMains(false);
    until(world, () => !world.pack.dischargeFetClosed, 900);
    expect(world.supplied).toBe(false);
    expect(world.switch.powered).toBe(false);
    expect(PI_STATES.map((id) => stateOf(world, id))).toEqual(['off', 'off', 'off', 'off']);
    expect(world.violations.map((entry) => entry.rule)).toEqual([
      'battery ran flat under a running host',
      'battery ran flat under a running host',
      'battery ran flat under a running host',
    ]);
    expect(world.violations.map((entry) => entry.detail).join()).not.toContain('pi2');
    expect(world.loadW).toBe(0);
  });

  it('comes back with mains after that: what was running starts by itself', () => {
    const world = smallWorld({ pack: { capacityAh: 2.5, socRatio: 0.02, cellResistanceOhm: 0.01 } });
    hostOf(world, 'nuc').halt();
    until(world, () => stateOf(world, 'nuc') === 'halted');
    world.setMains(false);
    until(world, () => !world.supplied, 900);
    world.setMains(true);
    world.step(180);
    expect(stateOf(world, 'nuc')).toBe('halted');
    expect(stateOf(world, 'router')).toBe('running');
    expect(stateOf(world, 'pi1')).toBe('running');
    expect(world.pack.dischargeFetClosed).toBe(true);
  });
});

describe('simulated rack: hosts', () => {
  it('take their time to halt and keep drawing a little', () => {
    const world = smallWorld();
    const pi = hostOf(world, 'pi1');
    const running = pi.powerW;
    pi.halt();
    expect(pi.state).toBe('halting');
    world.step(5);
    expect(pi.state).toBe('halting');
    world.step(6);
    expect(pi.state).toBe('halted');
    expect(running).toBeGreaterThan(6.5);
    expect(portOf(world, '1').powerW).toBeCloseTo(1.3, 1);
    expect(portOf(world, '1').state).toBe('delivering');
  });

  it('ignore halt unless they run, and when they are faulty', () => {
    const world = smallWorld();
    world.setFault('haltIgnored', ['pi1']);
    hostOf(world, 'pi1').halt();
    expect(stateOf(world, 'pi1')).toBe('running');
    world.setFault('haltIgnored', false);
    hostOf(world, 'pi1').halt();
    hostOf(world, 'pi1').halt();
    world.step(20);
    hostOf(world, 'pi1').halt();
    expect(stateOf(world, 'pi1')).toBe('halted');
  });

  it('on PoE boot only by a power cycle, with a new boot id and a surge', () => {
    const world = smallWorld();
    const pi = hostOf(world, 'pi1');
    const bootId = pi.bootId;
    pi.halt();
    world.step(15);
    pi.wake();
    expect(pi.state).toBe('halted');
    world.switch.setEnabled('1', false);
    expect([pi.state, pi.powerW]).toEqual(['off', 0]);
    world.step(5);
    world.switch.setEnabled('1', true);
    expect(portOf(world, '1').state).toBe('searching');
    until(world, () => pi.state === 'booting', 3);
    expect(pi.powerW).toBeGreaterThan(8);
    expect(pi.bootId).not.toBe(bootId);
    expect(pi.bootId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    until(world, () => pi.state === 'running', 25);
    expect(world.violations).toEqual([]);
  });

  it('that can be woken boot from halted, and only from there', () => {
    const world = smallWorld();
    const nuc = hostOf(world, 'nuc');
    nuc.wake();
    expect(nuc.state).toBe('running');
    nuc.halt();
    world.step(15);
    expect([nuc.state, nuc.powerW]).toEqual(['halted', 1]);
    nuc.wake();
    expect(nuc.state).toBe('booting');
    hostOf(world, 'router').halt();
    world.step(15);
    hostOf(world, 'router').wake();
    expect(stateOf(world, 'router')).toBe('halted');
  });
});

describe('simulated rack: switch', () => {
  it.each([
    ['running', (_world: SimWorld) => undefined],
    ['halting', (world: SimWorld) => hostOf(world, 'pi1').halt()],
    [
      'booting',
      (world: SimWorld) => {
        hostOf(world, 'pi1').halt();
        world.step(15);
        world.switch.setEnabled('1', false);
        world.switch.setEnabled('1', true);
        world.step(5);
      },
    ],
  ])('records a cut under a %s host', (state, prepare) => {
    const world = smallWorld();
    prepare(world);
    expect(stateOf(world, 'pi1')).toBe(state);
    expect(world.violations).toEqual([]);
    world.switch.setEnabled('1', false);
    expect(world.violations).toEqual([
      { atS: world.timeS, rule: 'power cut under a running host', detail: expect.stringContaining(`pi1 was ${state}`) },
    ]);
  });

  it('does nothing when it disobeys', () => {
    const world = smallWorld();
    world.setFault('switchDisobeys', true);
    world.switch.setEnabled('1', false);
    world.switch.setPriority('1', 1);
    expect(portOf(world, '1')).toMatchObject({ enabled: true, state: 'delivering', priority: 3 });
    world.setFault('switchDisobeys', false);
    world.switch.setPriority('1', 1);
    world.switch.setEnabled('4', false);
    expect(portOf(world, '1').priority).toBe(1);
    expect(portOf(world, '4').state).toBe('disabled');
  });

  it('denies power that would exceed its budget, counts it, and tries again', () => {
    const world = smallWorld({ switch: { budgetW: 20, ports: 4, selfW: 10 } });
    const pi = hostOf(world, 'pi1');
    pi.halt();
    world.step(15);
    world.switch.setEnabled('1', false);
    world.switch.setEnabled('1', true);
    // 7 W are drawn; a class 3 device may take 15.4 W
    world.step(4);
    expect(portOf(world, '1')).toMatchObject({ state: 'searching', deniedCount: 1, powerW: 0 });
    world.step(10);
    expect(portOf(world, '1').deniedCount).toBe(3);
    hostOf(world, 'pi2').halt();
    until(world, () => pi.state === 'running', 60);
    expect(world.violations).toEqual([]);
  });

  it('sheds the least important port when more is drawn than the budget', () => {
    const world = smallWorld({ switch: { budgetW: 13, ports: 4, selfW: 10 } });
    world.switch.setPriority('2', 1);
    world.step(1);
    expect(stateOf(world, 'pi1')).toBe('off');
    expect(stateOf(world, 'pi2')).toBe('running');
    expect(world.violations).toMatchObject([
      { rule: 'power cut under a running host', detail: expect.stringMatching(/overload/) },
    ]);
  });

  it('refuses a port it does not have, a machine on such a port, and two machines on one', () => {
    const world = smallWorld();
    expect(() => world.switch.setEnabled('99', false)).toThrow(/no port "99"/);
    const pi = { id: 'a', port: '9', runningW: 5, haltedW: 1 };
    expect(() => smallWorld({ hosts: [pi] })).toThrow(/no port 9/);
    const twice = [
      { ...pi, port: '1' },
      { ...pi, id: 'b', port: '1' },
    ];
    expect(() => smallWorld({ hosts: twice })).toThrow(/another machine/);
    expect(() => smallWorld({ hosts: [pi, pi] })).toThrow(RangeError);
  });

  it('boots everything from a cold start', () => {
    const world = smallWorld({ startRunning: false });
    expect(stateOf(world, 'pi1')).toBe('off');
    world.step(40);
    expect(PI_STATES.map((id) => stateOf(world, id))).toEqual(['running', 'running', 'running', 'running']);
  });
});

describe('simulated rack: faults', () => {
  it('refuses what is no fault or no value for it', () => {
    const world = smallWorld();
    expect(() => world.setFault('nonsense' as 'silent', true)).toThrow(/one of silent/);
    expect(() => world.setFault('silent', true)).toThrow(/list of names/);
    expect(() => world.setFault('switchDisobeys', ['x'])).toThrow(/true or false/);
    world.setFault('silent', ['bms', 'ssh:pi1']);
    expect([...world.faults.silent]).toEqual(['bms', 'ssh:pi1']);
  });
});

describe('simulated rack: any order of events', () => {
  const act = fc.oneof(
    fc.record({ do: fc.constant('step' as const), dtS: fc.double({ min: 0, max: 40, noNaN: true }) }),
    fc.record({ do: fc.constant('mains' as const), present: fc.boolean() }),
    fc.record({ do: fc.constant('halt' as const), id: fc.constantFrom(...PI_STATES) }),
    fc.record({ do: fc.constant('wake' as const), id: fc.constantFrom(...PI_STATES) }),
    fc.record({ do: fc.constant('port' as const), port: fc.constantFrom('1', '2', '3'), enabled: fc.boolean() }),
  );

  type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;

  function perform(world: SimWorld, step: Act): void {
    if (step.do === 'step') world.step(step.dtS);
    else if (step.do === 'mains') world.setMains(step.present);
    else if (step.do === 'halt') hostOf(world, step.id).halt();
    else if (step.do === 'wake') hostOf(world, step.id).wake();
    else world.switch.setEnabled(step.port, step.enabled);
  }

  function checkInvariants(world: SimWorld): void {
    const { pack } = world;
    expect(pack.remainingAh).toBeGreaterThanOrEqual(0);
    expect(pack.remainingAh).toBeLessThanOrEqual(pack.capacityAh);
    expect(world.switch.drawnW).toBeLessThanOrEqual(world.switch.budgetW);
    for (const port of world.switch.ports) {
      const host = port.hostId === undefined ? undefined : hostOf(world, port.hostId);
      if (port.state !== 'delivering') expect(host?.state ?? 'off').toBe('off');
      if (!port.enabled) expect(port.state).toBe('disabled');
    }
    if (!world.supplied) for (const host of world.hosts.values()) expect(host.state).toBe('off');
  }

  it('keeps its invariants', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 40 }), fc.double({ min: 0.01, max: 1, noNaN: true }), (acts, socRatio) => {
        const world = smallWorld({ pack: { capacityAh: 0.6, socRatio, cellResistanceOhm: 0.02 } });
        for (const step of acts) {
          perform(world, step);
          checkInvariants(world);
        }
      }),
      { numRuns: 150 },
    );
  });
});
