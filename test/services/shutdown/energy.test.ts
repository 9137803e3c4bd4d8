import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Rack } from '../../../services/rack/rack.ts';
import { energyOf, otherLoad, type Reckoning, reckon } from '../../../services/shutdown/energy.ts';
import { initialState } from '../../../services/shutdown/evolve.ts';
import type { CoordinatorState, HostPhase } from '../../../services/shutdown/state.ts';
import { RackSketch, START_MS, smallPolicy } from './small-rack.ts';

const policy = smallPolicy();
const peace = initialState(policy, START_MS);
const outage: CoordinatorState = { ...peace, phase: 'on-battery', outageSinceMs: START_MS };

const rackWith = (change: Partial<Rack>): Rack => ({ ...new RackSketch(policy).snapshot(), ...change });
const bankWith = (change: Partial<Rack['bank']>): Rack =>
  rackWith({ bank: { ...new RackSketch(policy).bank, ...change } });
const inPhase = (phase: HostPhase): CoordinatorState => ({
  ...outage,
  hosts: Object.fromEntries(Object.entries(outage.hosts).map(([id, host]) => [id, { ...host, phase }])),
});

describe('energy', () => {
  it('takes the cautious figure of a fresh bank', () => {
    expect(energyOf(bankWith({}), policy, outage, true)).toMatchObject({
      usableWh: 880,
      reckoned: false,
      fullWh: 1000,
    });
  });

  it('knows nothing before a bank was ever heard', () => {
    const rack = rackWith({ bank: { complete: false, freshness: 'absent' } });
    expect(energyOf(rack, policy, outage, true)).toEqual({ fullWh: 0, loadW: (6 * 7) / 0.8, reckoned: false });
  });

  it('counts a silent bank down on battery, and leaves its figure alone on mains', () => {
    const { powerW: _, ...silent } = new RackSketch(policy).bank;
    const rack = rackWith({ bank: { ...silent, freshness: 'stale' } });
    expect(energyOf(rack, policy, outage, true, 80)).toMatchObject({ usableWh: 800, reckoned: true });
    expect(energyOf(rack, policy, outage, true, 8000).usableWh).toBe(0);
    expect(energyOf(rack, policy, peace, false, 80)).toMatchObject({ usableWh: 880, reckoned: false });
  });
});

describe('load', () => {
  const { powerW: _, ...unmeasured } = new RackSketch(policy).bank;

  it('on battery is what the bank gives', () => {
    expect(energyOf(bankWith({ powerW: -123 }), policy, outage, true).loadW).toBe(123);
  });

  it('on mains is what the meter shows without what charges the bank, seen from the bank', () => {
    const circuit = { limitA: 16, freshness: 'fresh', powerW: 200 } as const;
    const idle = rackWith({ circuit, bank: { ...unmeasured, powerW: 0 } });
    expect(energyOf(idle, policy, peace, false).loadW).toBeCloseTo(200 / 0.93, 9);
    const charging = rackWith({ circuit, bank: { ...unmeasured, powerW: 92 } });
    expect(energyOf(charging, policy, peace, false).loadW).toBeCloseTo(100 / 0.93, 9);
    const nonsense = rackWith({ circuit, bank: { ...unmeasured, powerW: 5000 } });
    expect(energyOf(nonsense, policy, peace, false).loadW).toBe(0);
  });

  it('is the sum of the ports where nothing else tells, without hosts that are cut', () => {
    const rack = rackWith({ bank: unmeasured });
    expect(energyOf(rack, policy, outage, true).loadW).toBeCloseTo((6 * 7) / 0.8, 9);
    expect(energyOf(rack, policy, inPhase('cut'), true).loadW).toBe(0);
  });

  it('does not take a stale meter or a stale port for the present', () => {
    const sketch = new RackSketch(policy);
    sketch.switchFreshness = 'stale';
    const circuit = { limitA: 16, freshness: 'stale', powerW: 900 } as const;
    const rack = { ...sketch.snapshot(), circuit, bank: unmeasured };
    // Ten watts each, as configured.
    expect(energyOf(rack, policy, peace, false).loadW).toBeCloseTo((6 * 10) / 0.8, 9);
  });

  it('is taken a fifth higher while the bank is silent', () => {
    const rack = rackWith({ bank: { ...unmeasured, freshness: 'stale' } });
    expect(energyOf(rack, policy, outage, true).loadW).toBeCloseTo((1.2 * 6 * 7) / 0.8, 9);
  });
});

describe('dead reckoning', () => {
  const { powerW: _, ...unmeasured } = new RackSketch(policy).bank;
  const silent = (monoMs: number, measuredAtMs = START_MS): Rack =>
    rackWith({ monoMs, bank: { ...unmeasured, measuredAtMs, freshness: 'stale' } });

  it('runs only while the bank is silent on battery', () => {
    const rack = silent(START_MS + 60_000);
    expect(reckon(undefined, rack, policy, peace, false)).toBeUndefined();
    expect(reckon(undefined, bankWith({}), policy, outage, true)).toBeUndefined();
    const never = rackWith({ bank: { complete: false, freshness: 'absent' } });
    expect(reckon(undefined, never, policy, outage, true)).toBeUndefined();
    expect(reckon(undefined, rack, policy, outage, true)).toEqual({
      basisMs: START_MS,
      spentWh: expect.closeTo((1.2 * 52.5) / 60, 9),
      atMs: START_MS + 60_000,
    });
  });

  it('does not count the time before mains went away, however old the figure is', () => {
    const rack = silent(START_MS + 60_000, START_MS - 3_600_000);
    expect(reckon(undefined, rack, policy, outage, true)?.spentWh).toBeCloseTo((1.2 * 52.5) / 60, 9);
  });

  it('begins anew from a new figure', () => {
    const before: Reckoning = { basisMs: START_MS, spentWh: 500, atMs: START_MS + 60_000 };
    const rack = silent(START_MS + 120_000, START_MS + 90_000);
    expect(reckon(before, rack, policy, outage, true)?.spentWh).toBeCloseTo((1.2 * 52.5) / 120, 9);
  });

  it('never lets the energy rise while the bank is silent, and takes no more than a fifth above the highest load', () => {
    const life = fc.array(
      fc.record({
        afterMs: fc.integer({ min: 0, max: 600_000 }),
        drawW: fc.double({ min: 0, max: 30, noNaN: true }),
        fresh: fc.boolean(),
        cut: fc.boolean(),
      }),
      { minLength: 2, maxLength: 40 },
    );
    fc.assert(
      fc.property(life, (looks) => {
        const rows = countDown(looks);
        rows.forEach(({ usableWh, spentWh, hours }, index) => {
          expect(usableWh).toBeLessThanOrEqual(rows[index - 1]?.usableWh ?? 880);
          const loadsW = rows.slice(0, index + 1).map(({ loadW }) => loadW);
          expect(spentWh).toBeGreaterThanOrEqual(1.2 * Math.min(...loadsW) * hours - 1e-6);
          expect(spentWh).toBeLessThanOrEqual(1.2 * Math.max(...loadsW) * hours + 1e-6);
        });
      }),
    );
  });
});

interface Look {
  readonly afterMs: number;
  readonly drawW: number;
  readonly fresh: boolean;
  readonly cut: boolean;
}

/** Looks again and again at a bank that says nothing, while the load changes. */
function countDown(looks: readonly Look[]): { usableWh: number; spentWh: number; hours: number; loadW: number }[] {
  const { powerW: _, ...unmeasured } = new RackSketch(policy).bank;
  const sketch = new RackSketch(policy);
  sketch.bank = { ...unmeasured, measuredAtMs: START_MS, freshness: 'stale' };
  let before: Reckoning | undefined;
  return looks.map(({ afterMs, drawW, fresh, cut }) => {
    sketch.nowMs += afterMs;
    for (const host of Object.values(sketch.hosts)) host.powerW = drawW;
    sketch.switchFreshness = fresh ? 'fresh' : 'stale';
    const state = cut ? inPhase('cut') : outage;
    const rack = sketch.snapshot();
    before = reckon(before, rack, policy, state, true);
    return {
      usableWh: energyOf(rack, policy, state, true, before?.spentWh).usableWh ?? Number.NaN,
      spentWh: before?.spentWh ?? Number.NaN,
      hours: (sketch.nowMs - START_MS) / 3_600_000,
      loadW: cut ? 0 : (6 * (fresh ? drawW : 10)) / 0.8,
    };
  });
}

describe('loads that nobody configured', () => {
  const metered = (powerW: number) =>
    rackWith({
      bank: { ...new RackSketch(policy).bank, powerW: 0 },
      circuit: { limitA: 16, freshness: 'fresh', powerW, currentA: powerW / 110 },
    });

  it('are what the whole shows above the hosts', () => {
    const hostsW = (6 * 7) / 0.8;
    expect(otherLoad(undefined, metered(300), policy, peace, false)?.watts).toBeCloseTo(300 / 0.93 - hostsW, 6);
    expect(otherLoad(undefined, bankWith({ powerW: -400 }), policy, outage, true)?.watts).toBeCloseTo(400 - hostsW, 6);
    expect(otherLoad(undefined, bankWith({ powerW: -10 }), policy, outage, true)?.watts).toBe(0);
  });

  it('are remembered at their largest for ten minutes, and when nothing measures the whole any more', () => {
    const first = otherLoad(undefined, metered(300), policy, peace, false);
    expect(otherLoad(first, metered(200), policy, peace, false)).toBe(first);
    expect(otherLoad(first, metered(0), policy, peace, false)).toBe(first);
    expect(otherLoad(first, bankWith({ freshness: 'stale' }), policy, outage, true)).toBe(first);
    const later = { ...metered(200), monoMs: metered(200).monoMs + 600_001 };
    expect(otherLoad(first, later, policy, peace, false)?.watts).toBeLessThan(first?.watts ?? 0);
  });

  it('are part of the load while the bank is silent', () => {
    const { powerW: _, ...silent } = bankWith({}).bank;
    const rack = { ...bankWith({}), bank: { ...silent, freshness: 'stale' as const } };
    const without = energyOf(rack, policy, outage, true).loadW;
    expect(energyOf(rack, policy, outage, true, 0, 100).loadW).toBeCloseTo(without + 120, 6);
    expect(energyOf(rack, policy, { ...outage, otherW: 50 }, true).loadW).toBeCloseTo(without + 60, 6);
  });
});
