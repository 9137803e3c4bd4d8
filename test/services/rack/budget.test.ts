import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  admit,
  cableLossW,
  dropOrder,
  fits,
  largestRise,
  reservedW,
  shed,
  startGroups,
  withBudget,
} from '../../../services/rack/budget.ts';
import { budgetAlarms } from '../../../services/rack/budget-alarms.ts';
import type { PortSample, SwitchSample } from '../../../services/rack/samples.ts';

interface BudgetVector {
  readonly id: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly expect: Readonly<Record<string, unknown>>;
}

const path = new URL('../../fixtures/poe/poe-standards.json', import.meta.url);
const vectors: readonly BudgetVector[] = JSON.parse(readFileSync(path, 'utf8')).cases;
const used = new Set<string>();
function take(id: string): BudgetVector {
  const found = vectors.find((each) => each.id === id);
  if (found === undefined) throw new Error(`no vector ${id}`);
  used.add(id);
  return found;
}

const port = (name: string, more: Partial<PortSample> = {}): PortSample => ({
  port: name,
  state: 'delivering',
  enabled: true,
  ...more,
});
const sample = (more: Partial<SwitchSample> = {}): SwitchSample =>
  withBudget({ kind: 'switch', measuredAtMs: 0, totalTrusted: true, ports: [], ...more });
const numbers = (amount: number) => Array.from({ length: amount }, (_, at) => String(at + 1));

describe('classes and losses', () => {
  it('class-from-mib, unknown-class-reserve: what is promised', () => {
    const mib = take('class-from-mib');
    expect(reservedW({ poeClass: Number(mib.input.pethPsePortPowerClassifications) - 1 })).toBe(mib.expect.reserve_W);
    expect(reservedW({})).toBe(take('unknown-class-reserve').expect.reserve_W);
    expect(numbers(9).map((_, poeClass) => reservedW({ poeClass }))).toEqual([15.4, 4, 7, 15.4, 30, 45, 60, 75, 90]);
    expect(reservedW({ poeClass: 4, reservedW: 12 })).toBe(12);
  });

  it.each(['cable-loss-100m-type2', 'cable-loss-100m-type1', 'cable-loss-2m'])('%s', (id) => {
    const { input, expect: want } = take(id);
    const { current_A: currentA, loop_ohm: loopOhm, pse_V: pseV } = input as Record<string, number>;
    const lossW = cableLossW(currentA ?? 0, loopOhm ?? 0);
    expect(lossW).toBeCloseTo(Number(want.loss_W), 6);
    if (pseV !== undefined) expect(pseV * (currentA ?? 0) - lossW).toBeCloseTo(Number(want.pd_W), 6);
  });
});

describe('who gets power', () => {
  it('static-24-class4-400W, priority-static: admitted by class', () => {
    const { input, expect: want } = take('static-24-class4-400W');
    const asking = numbers(24).map((name) => ({ port: name, poeClass: Number(input.class) }));
    const { powered, reservedW: promised } = admit(asking, Number(input.budget_W), Number(input.guard_W));
    expect(powered.map(Number)).toEqual(want.powered_ports);
    expect([promised, 24 - powered.length]).toEqual([want.reserved_W, want.denied]);
    const small = take('priority-static');
    const requests = small.input.requests as { port: number; priority: 'low' | 'critical'; class: number }[];
    const let_in = admit(
      requests.map(({ port: number, priority, class: poeClass }) => ({ port: String(number), priority, poeClass })),
      Number(small.input.budget_W),
      Number(small.input.guard_W),
    );
    expect(let_in.powered.map(Number)).toEqual(small.expect.powered);
    expect(let_in.leftW).toBe(small.expect.left_W);
  });

  it('dynamic-24-at-6W, rack-54: measured, and what was promised besides', () => {
    const { input, expect: want } = take('dynamic-24-at-6W');
    const ports = numbers(24).map((name) => port(name, { powerW: Number(input.measured_W_each), poeClass: 4 }));
    const draws = ports.map(({ port: name, powerW = 0 }) => ({ port: name, powerW }));
    expect(shed(draws, Number(input.budget_W))).toEqual({ shed: [], afterW: want.measured_W });
    const seen = sample({ budgetW: 400, drawnW: 144, reservedW: 720, ports });
    expect(seen).toMatchObject({ headroomW: 256, unreservedW: -320 });
    expect(Number(seen.unreservedW) < 0).toBe(want.oversubscribed);
    expect(ports.reduce((total, each) => total + reservedW(each), 0)).toBe(want.worst_case_W);
    const rack = take('rack-54').expect;
    expect([54 * 4.2 <= Number(rack.budget_W), 54 * reservedW({ poeClass: 4 })]).toEqual([
      rack.dynamic_fits,
      rack.reserved_class4_W,
    ]);
  });

  it('shed-order: the lowest priority first, among equals the highest number', () => {
    const { input, expect: want } = take('shed-order');
    const ports = Object.entries(input.measured as Record<string, { priority: 'low' | 'high'; W: number }>).map(
      ([name, { priority, W }]) => ({ port: name, priority, powerW: W }),
    );
    expect(shed(ports, Number(input.budget_W))).toEqual({ shed: want.shed, afterW: want.after_W });
    expect(dropOrder(ports)).toEqual(['4', '2', '3', '1']);
    expect(dropOrder([{ port: 'ether9' }, { port: 'ether10' }])).toEqual(['ether10', 'ether9']);
    expect(
      dropOrder([
        { port: '1', priorityRank: 10 },
        { port: '2', priorityRank: 0 },
        { port: '3', priorityRank: 99 },
      ]),
    ).toEqual(['3', '1', '2']);
  });

  it('sheds no port too many and none too few', () => {
    const rows = fc.uniqueArray(
      fc.record({
        port: fc.nat(48).map(String),
        powerW: fc.nat(900).map((tenths) => tenths / 10),
        priority: fc.constantFrom('critical' as const, 'high' as const, 'low' as const),
      }),
      { selector: (each) => each.port },
    );
    fc.assert(
      fc.property(rows, fc.nat(1000), fc.nat(50), (ports, budgetW, guardW) => {
        const { shed: gone, afterW } = shed(ports, budgetW, guardW);
        expect(afterW <= budgetW - guardW || gone.length === ports.length).toBe(true);
        const last = ports.find((each) => each.port === gone.at(-1));
        if (last !== undefined) expect(afterW + last.powerW).toBeGreaterThan(budgetW - guardW);
        expect(gone).toEqual(dropOrder(ports).slice(0, gone.length));
      }),
    );
  });

  it('tells no order where the switch tells no priorities', () => {
    expect(sample({ ports: [port('1'), port('2', { priority: 'low' })] })).not.toHaveProperty('dropOrder');
    expect(sample({ ports: [port('1', { state: 'searching' })] })).not.toHaveProperty('dropOrder');
    expect(sample({ drawnW: 5 })).not.toHaveProperty('headroomW');
    expect(sample({ budgetW: 100, guardW: 10, drawnW: 50 })).toMatchObject({ headroomW: 40 });
  });
});

describe('starting together', () => {
  it('restore-batches: as many as fit beside what draws already', () => {
    const { input, expect: want } = take('restore-batches');
    const ports = numbers(24).map((name) => ({ port: name, surgeW: Number(input.startup_W_each), settledW: 0 }));
    const room = { budgetW: Number(input.budget_W), baseW: Number(input.base_W), marginW: Number(input.margin_W) };
    const { groups, never } = startGroups(ports, room);
    expect(groups.map(({ length }) => length)).toEqual([want.batch_size, want.batch_size]);
    expect(groups).toHaveLength(Number(want.batches));
    expect(never).toEqual([]);
  });

  it('counts what earlier groups settle to, and names what never fits', () => {
    const booting = (name: string, surgeW: number, settledW: number) => ({ port: name, surgeW, settledW });
    const room = { budgetW: 40, baseW: 5, marginW: 5 };
    expect(startGroups([booting('1', 20, 10), booting('2', 20, 10), booting('3', 20, 10)], room)).toEqual({
      groups: [['1'], ['2']],
      never: ['3'],
    });
    expect(startGroups([booting('1', 31, 1), booting('2', 3, 1)], room)).toEqual({ groups: [['2']], never: ['1'] });
  });

  it('never starts more at once than there is room for, and everybody once', () => {
    const ports = fc.uniqueArray(
      fc.record({ port: fc.nat(60).map(String), surgeW: fc.integer({ min: 1, max: 60 }), share: fc.nat(10) }),
      { selector: (each) => each.port },
    );
    fc.assert(
      fc.property(ports, fc.nat(300), fc.nat(50), fc.nat(30), (rows, budgetW, baseW, marginW) => {
        const booting = rows.map(({ port: name, surgeW, share }) => ({
          port: name,
          surgeW,
          settledW: (surgeW * share) / 10,
        }));
        const { groups, never } = startGroups(booting, { budgetW, baseW, marginW });
        expect([...groups.flat(), ...never].toSorted()).toEqual(rows.map((each) => each.port).toSorted());
        const of = (name: string) => booting.find((each) => each.port === name) ?? { surgeW: 0, settledW: 0 };
        let settledW = 0;
        for (const group of groups) {
          const surgeW = group.reduce((total, name) => total + of(name).surgeW, 0);
          expect(baseW + marginW + settledW + surgeW).toBeLessThanOrEqual(budgetW + 1e-6);
          settledW += group.reduce((total, name) => total + of(name).settledW, 0);
        }
      }),
    );
  });

  it('fits: by what is drawn, and by classes where the switch admits so', () => {
    const seen = sample({ budgetW: 100, guardW: 10, drawnW: 60, reservedW: 75 });
    const byClass: SwitchSample = { ...seen, admission: 'static' };
    expect(fits(seen, [{ surgeW: 20 }])).toEqual({ leftW: 10 });
    expect(fits(seen, [{ surgeW: 30 }])).toEqual({ leftW: 0 });
    expect(fits(seen, [{ surgeW: 20 }, { surgeW: 20 }])).toEqual({ lacks: 'power', leftW: -10 });
    expect(fits(byClass, [{ surgeW: 5 }])).toEqual({ lacks: 'promise', leftW: -0.4 });
    expect(fits(byClass, [{ surgeW: 5, poeClass: 1 }])).toEqual({ leftW: 11 });
    expect(fits(byClass, [{ surgeW: 5, poeClass: 4, promised: true }])).toEqual({ leftW: 15 });
    expect(fits(byClass, [{ surgeW: 50, poeClass: 1 }])).toEqual({ lacks: 'power', leftW: -20 });
    expect(fits(undefined, [{ surgeW: 5 }])).toEqual({ leftW: Number.POSITIVE_INFINITY });
    expect(fits({ budgetW: 50 }, [{ surgeW: 60 }])).toEqual({ lacks: 'power', leftW: -10 });
  });
});

describe('the alarm before a port is dropped', () => {
  const four = [
    port('1', { priority: 'critical', powerW: 28, poeClass: 4 }),
    port('2', { priority: 'low', powerW: 8, poeClass: 3 }),
    port('4', { priority: 'low', powerW: 5, poeClass: 3 }),
  ];
  const hosts = (name: string) => (name === '4' ? 'pi7' : undefined);

  it('names the port, its host, and what is missing', () => {
    expect(budgetAlarms('sw1', sample({ budgetW: 40, drawnW: 41, ports: four }), hosts)).toEqual([
      {
        code: 'poe-would-drop',
        subject: 'sw1',
        severity: 'critical',
        message: 'switch sw1 draws 1.0 W more than its budget: port 4 (pi7) loses power first',
      },
    ]);
    const [warning] = budgetAlarms('sw1', sample({ budgetW: 55, guardW: 5, drawnW: 41, ports: four }), hosts);
    expect(warning).toMatchObject({ severity: 'warning' });
    expect(warning?.message).toBe(
      'switch sw1 has 9.0 W left and port 4 may take 10 W more: port 4 (pi7) would lose power first',
    );
  });

  it('does not come while one port at its class still fits, nor where classes are admitted, nor when nothing is known', () => {
    const none = (more: Partial<SwitchSample>) => expect(budgetAlarms('sw1', sample(more), hosts)).toEqual([]);
    none({ budgetW: 55, drawnW: 41, ports: four });
    none({ budgetW: 40, drawnW: 41, ports: four, admission: 'static' });
    none({ drawnW: 41, ports: four });
    none({ budgetW: 40, drawnW: 41, ports: four.map(({ priority: _, ...rest }) => rest) });
    expect(largestRise(four)).toEqual({ port: '4', riseW: 10.4 });
    expect(largestRise([port('1'), port('2', { powerW: 20 })])).toBeUndefined();
  });
});

it('uses every vector', () => {
  expect(vectors.map(({ id }) => id).filter((id) => !used.has(id))).toEqual([]);
});
