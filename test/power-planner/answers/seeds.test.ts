import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type BudgetAnswer,
  budgetOf,
  type LifeAnswer,
  lifeOf,
  loadScenario,
  type RunAnswer,
  runtimeOf,
  type Scenario,
  sizeOf,
} from '../../../power-planner/index.ts';

/** The seed racks as shipped, against the worked examples of the planner's model. */

function scenario(name: string): Scenario {
  const loaded = loadScenario(
    readFileSync(join(import.meta.dirname, '../../../examples/scenarios', `${name}.yaml`), 'utf8'),
  );
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.scenario;
}

function runtime(planned: Scenario): RunAnswer {
  const answer = runtimeOf(planned);
  if (answer === undefined) throw new Error('no pack');
  return answer;
}

function life(planned: Scenario): LifeAnswer {
  const answer = lifeOf(planned);
  if (answer === undefined) throw new Error('no pack');
  return answer;
}

const row = (answer: BudgetAnswer, level: string): BudgetAnswer['rows'][number] => {
  const found = answer.rows.find((one) => one.level === level);
  if (found === undefined) throw new Error(level);
  return found;
};
const codes = ({ findings }: { findings: readonly { code: string }[] }): string[] => findings.map(({ code }) => code);

describe('54 CM4 on three switches', () => {
  const planned = scenario('a-fifty-four-cm4');
  const { chain } = runtime(planned);

  it('takes 7.066 W per port, 127.2 W per switch, 507.3 W from mains and 545.5 W from the pack', () => {
    expect(chain?.loads[0]?.portW).toBeCloseTo(7.066, 3);
    expect((chain?.switches[0]?.poeW ?? 0) / 3).toBeCloseTo(127.2, 1);
    expect(chain?.acW).toBeCloseTo(507.3, 1);
    expect(chain?.packW).toBeCloseTo(545.5, 1);
  });

  it('draws 4.85 A', () => {
    expect(row(budgetOf(planned), 'typical').currentA).toBeCloseTo(4.85, 2);
    expect(budgetOf(planned).switches[0]).toMatchObject({ portsUsed: 18, ports: 24, portLimitW: 30 });
  });
});

describe('20 CM4 on a USW Pro 24 PoE', () => {
  const planned = scenario('b-twenty-cm4');

  it('takes 7.567 W per port, 195.9 W at the switch, 260.9 W from mains and 280.6 W from the pack', () => {
    const { chain } = runtime(planned);
    expect(chain?.loads[0]?.portW).toBeCloseTo(7.5667, 3);
    expect(chain?.switches[0]?.poeW).toBeCloseTo(151.33, 2);
    expect(chain?.switches[0]?.inputW).toBeCloseTo(195.93, 1);
    expect(chain?.acW).toBeCloseTo(260.93, 2);
    expect(chain?.packW).toBeCloseTo(280.57, 2);
    expect(chain?.usefulW).toBe(220);
  });

  it('draws 2.497 A and leaves 25.4 A for a charger', () => {
    const typical = row(budgetOf(planned), 'typical');
    expect(typical.currentA).toBeCloseTo(2.497, 3);
    expect(typical.chargerFitsA).toBeCloseTo(25.4, 1);
    // What is set must fit when the voltage is highest, too.
    expect(typical.chargerSetA).toBeCloseTo((25.355 * 51.2) / 55.2, 2);
    const atMost = row(budgetOf(planned), 'max').chargerSetA ?? 0;
    const set = (amps: number) => ({ ...planned, charger: { amps, efficiency: 0.92, powerFactor: 0.95, tailC: 0.03 } });
    expect(budgetOf(set(atMost - 1e-6)).charger?.fits).toBe(true);
    expect(budgetOf(set(atMost + 0.01)).charger?.fits).toBe(false);
  });

  it('runs 51.2 h new and 36.0 h at the end of its life at 10 °C', () => {
    const { cases } = runtime({ ...planned, packWatts: 281 });
    const hours = Object.fromEntries(cases.map(({ id, hours: lasts }) => [id, lasts]));
    // The worked example has no wiring: 2 mohm of it cost less than a thousandth.
    expect(hours.new).toBeCloseTo(51.15, 1);
    expect(hours['end-of-life-cold']).toBeCloseTo(35.97, 1);
  });

  it('keeps 35.1 Wh for the shutdown, which the meter’s error outweighs', () => {
    const { reserve, cases } = runtime(planned);
    expect(reserve.reserveWh).toBeCloseTo(35.1, 1);
    expect(reserve.triggerSoc).toBeCloseTo((cases[0]?.socEnd ?? 0) + 0.05, 9);
  });

  it('recharges beside the load, and says so when the charger is too strong', () => {
    const strong = { ...planned, charger: { amps: 60, efficiency: 0.92, powerFactor: 0.95, tailC: 0.03 } };
    expect(codes(budgetOf(planned))).not.toContain('CHARGER_EXCEEDS_HEADROOM');
    expect(codes(budgetOf(strong))).toContain('CHARGER_EXCEEDS_HEADROOM');
    expect(runtime(planned).recharge).toMatchObject({ currentA: 18, limitedBy: 'charger' });
    expect(runtime(strong).recharge).toMatchObject({ limitedBy: 'circuit' });
    expect(runtime(strong).recharge?.currentA).toBeCloseTo(row(budgetOf(strong), 'typical').chargerFitsA ?? 0, 6);
  });

  it('is best served by 16s1p LF105, and LTO cannot stay inside 44 to 57 V', () => {
    const size = sizeOf(planned);
    expect(size.winner).toMatchObject({ cell: 'eve-lf105', series: 16, parallel: 1 });
    expect(size.winner?.massKg).toBeCloseTo(31.7, 1);
    expect(size.winner?.costUsd).toBeCloseTo(560, 6);
    expect(size.runnerUp).toMatchObject({ cell: 'eve-lf50k', parallel: 2 });
    expect(size.otherChemistry).toBeUndefined();
    expect(size.refused.find(({ id }) => id.startsWith('yinlong'))?.text).toMatch(/22 cells for 44 V are 59.4 V/);
  });

  it('lives 8 years full, longer at 80 %, and says that it saves about a quarter', () => {
    const answer = life(planned);
    expect(answer.yearsMin).toBeCloseTo(7.8, 1);
    expect(answer.savedAt80Ratio).toBeGreaterThan(0.2);
    expect(answer.savedAt80Ratio).toBeLessThan(0.3);
    expect(life({ ...planned, temperatureC: 35 }).yearsMax).toBeLessThan(answer.yearsMin);
    expect(codes(answer)).toContain('HIGH_STANDBY_SOC');
  });
});

describe('four Pi 4B beside an ODROID-MC1', () => {
  it('take 30.1 W of PoE under stress, inside the 55 W of the switch', () => {
    const { switches } = budgetOf(scenario('c-four-pi4'));
    expect(switches[0]?.consumedW).toBeCloseTo(30.1, 1);
    expect(switches[0]).toMatchObject({ budgetW: 55, portsUsed: 4, ports: 4 });
  });

  it('and its nameplate of 80 W is for the circuit only', () => {
    const answer = budgetOf(scenario('c-odroid-mc1'));
    expect(row(answer, 'nameplate').mainsW).toBe(80);
    expect(row(answer, 'max').mainsW).toBe(52.8);
    expect(row(answer, 'nameplate').packW).toBeUndefined();
  });
});

describe('the home rack', () => {
  const planned = scenario('d-home-rack');

  it('has 90.5 W on its labels and takes 53.4 W at most', () => {
    const answer = budgetOf(planned);
    expect(row(answer, 'nameplate').devicesW).toBeCloseTo(90.5, 9);
    expect(row(answer, 'max').devicesW).toBeCloseTo(53.4, 9);
  });

  it('runs through a day: busy first, quiet at night', () => {
    const { cases, byProfile, peakW } = runtime(planned);
    expect(byProfile).toBe(true);
    const watts = [...new Set(cases[0]?.curve.map((point) => point.watts))];
    expect(watts).toHaveLength(3);
    expect(watts[0]).toBeCloseTo(peakW, 9);
    expect(Math.min(...watts)).toBe(watts[1]);
    const busy = runtimeOf({ ...planned, profile: undefined, level: 'max' })?.cases[0]?.hours ?? 0;
    const quiet = runtimeOf({ ...planned, profile: undefined, level: 'idle' })?.cases[0]?.hours ?? 0;
    expect(cases[0]?.hours).toBeGreaterThan(busy);
    expect(cases[0]?.hours).toBeLessThan(quiet);
  });
});

describe('every seed rack', () => {
  it.each(['a-fifty-four-cm4', 'b-twenty-cm4', 'c-four-pi4', 'c-odroid-mc1', 'd-home-rack'])(
    '%s as shipped is in no danger, and reaches its hours',
    (name) => {
      const planned = scenario(name);
      const answers = [budgetOf(planned), runtime(planned), life(planned), sizeOf(planned)];
      for (const { findings } of answers) expect(findings.filter(({ level }) => level === 'danger')).toEqual([]);
      expect(codes(runtime(planned))).not.toContain('RUNTIME_BELOW_TARGET');
      expect(sizeOf(planned).winner).toBeDefined();
    },
  );
});
