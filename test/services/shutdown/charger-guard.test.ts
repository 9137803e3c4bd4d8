import { describe, expect, it } from 'vitest';
import { atPeace } from '../../../services/shutdown/goal.ts';
import { Bench } from './bench.ts';
import { smallPolicy } from './small-rack.ts';

/** The pack charges at what the charger is set to, at 51.2 V; the meter shows that and the rest of the load. */
class Charging extends Bench {
  /** What the charger was really set to, A. */
  setA = 30;
  /** Load on the circuit without the charge, W. */
  restW: number;
  obeys = true;

  constructor(restW: number, configured = true) {
    super({}, { ...smallPolicy(), ...(configured ? { charger: { normalA: 30, lowestA: 5 } } : {}) });
    this.restW = restW;
    const snapshot = this.rack.snapshot.bind(this.rack);
    this.rack.snapshot = () => {
      const present = this.rack.verdict === 'present';
      const powerW = present ? this.setA * 51.2 : -100;
      const currentA = (this.restW + this.setA * (51.2 / 0.92)) / 110;
      return {
        ...snapshot(),
        bank: { ...this.rack.bank, voltageV: 51.2, powerW },
        circuit: { limitA: 16, freshness: 'fresh', currentA, powerW: currentA * 110 },
      };
    };
  }

  /** Answers what is asked of the charger, and time goes on. */
  charge(seconds: number): void {
    for (let second = 0; second < seconds; second += 1) {
      for (const { amps } of this.flying('charger')) if (this.obeys) this.setA = amps;
      this.answer('charger', this.obeys ? 'done' : 'refused');
      this.pass();
    }
  }

  get loadA(): number {
    return this.rack.snapshot().circuit.currentA ?? 0;
  }

  get asked(): number[] {
    return this.effects.flatMap((effect) => (effect.kind === 'charger' ? [effect.amps] : []));
  }
}

describe('a circuit that is loaded beyond its continuous limit', () => {
  it('is relieved by charging slower, and no more than that; nothing is touched while it is not', () => {
    const bench = new Charging(60);
    bench.charge(60);
    expect(bench.asked).toEqual([]);
    bench.restW = 560;
    bench.charge(60);
    expect(bench.loadA).toBeLessThanOrEqual(16);
    expect(bench.asked).toHaveLength(1);
    expect(bench.setA).toBeGreaterThan(18);
    expect(bench.state.chargerA).toBe(bench.setA);
    expect(bench.entries('charger')).toEqual([
      { kind: 'charger', amps: bench.setA, because: 'the circuit has no room for it' },
    ]);
  });

  it('gets its current back when there is room for it, and then it is the charger’s own again', () => {
    const bench = new Charging(560);
    bench.charge(30);
    const slow = bench.setA;
    bench.restW = 360;
    bench.charge(20);
    expect(bench.setA, 'not at once').toBe(slow);
    bench.charge(300);
    expect(bench.setA).toBeGreaterThan(slow);
    expect(bench.loadA).toBeLessThanOrEqual(16);
    expect(atPeace(bench.state), 'a journal that forgot it would leave the charger slow for ever').toBe(false);
    bench.restW = 0;
    bench.charge(300);
    expect(bench.setA).toBe(30);
    expect(bench.state).not.toHaveProperty('chargerA');
    expect(atPeace(bench.state)).toBe(true);
    const { length } = bench.asked;
    bench.charge(100);
    expect(bench.asked).toHaveLength(length);
  });

  it('stays at the lowest current there is', () => {
    const bench = new Charging(1900);
    bench.charge(200);
    expect(bench.setA).toBe(5);
  });

  it('says again in a new life what it had said: nobody knows whether it was done', () => {
    const bench = new Charging(560);
    bench.pass(1);
    expect(bench.flying('charger')).toHaveLength(1);
    bench.restart();
    bench.charge(30);
    expect(bench.setA).toBe(bench.state.chargerA);
    expect(bench.asked.length).toBeGreaterThanOrEqual(2);
  });

  it('is left alone on battery, and where nothing is configured', () => {
    const bench = new Charging(560);
    bench.charge(30);
    const slow = bench.setA;
    bench.restW = 0;
    bench.rack.setMains('absent');
    bench.charge(200);
    expect(bench.setA).toBe(slow);
    const plain = new Charging(560, false);
    plain.charge(30);
    expect(plain.asked).toEqual([]);
  });
});

describe('a restore that has no room on the circuit', () => {
  function dark(configured = true): Charging {
    const bench = new Charging(0, configured);
    bench.goDark();
    // What is left for a boot beside the charge: less than one of them takes.
    bench.restW = 1760 - 30 * (51.2 / 0.92) - 4;
    bench.recharge();
    return bench;
  }

  it('charges slower instead of letting hosts wait', () => {
    const bench = dark();
    bench.charge(90);
    expect(bench.asked.length).toBeGreaterThan(0);
    expect(bench.setA).toBeLessThan(30);
    expect(bench.flying('power')).not.toEqual([]);
    expect(Object.values(bench.state.hosts).filter(({ trouble }) => trouble !== undefined)).toEqual([]);
  });

  it('without a charger that can be set, or with one that does not obey, names who does not fit', () => {
    const plain = dark(false);
    plain.charge(90);
    expect(plain.host('cp1').trouble).toMatch(/the circuit has 4 W left/);
    const deaf = dark();
    deaf.obeys = false;
    deaf.charge(120);
    expect(deaf.host('cp1').trouble).toMatch(/the circuit has 4 W left/);
    expect(deaf.asked.length).toBeGreaterThanOrEqual(3);
  });

  it('keeps charging slowly while hosts start', () => {
    const bench = dark();
    bench.charge(60);
    const slow = bench.setA;
    bench.restW -= 400;
    bench.charge(100);
    expect(bench.setA).toBeLessThanOrEqual(slow);
  });
});
