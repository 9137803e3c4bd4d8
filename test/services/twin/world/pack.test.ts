import { describe, expect, it } from 'vitest';
import { openCircuitV } from '../../../../services/twin/world/lfp-cell.ts';
import { SimPack } from '../../../../services/twin/world/pack.ts';
import { Charger } from '../../../../services/twin/world/supply.ts';

const toy = (changes = {}) => new SimPack({ capacityAh: 2.5, socRatio: 0.9, cellResistanceOhm: 0.01, ...changes }, 3);

/** Runs `act` every half second for `seconds` and adds up what an observer at the terminals sees, Wh. */
function watch(pack: SimPack, seconds: number, act: () => void): { outWh: number; inWh: number; movedAh: number } {
  let outWh = 0;
  let inWh = 0;
  let movedAh = 0;
  for (let t = 0; t < seconds * 2; t++) {
    const chargedBefore = pack.energyInWh;
    const drainedBefore = pack.energyOutWh;
    act();
    movedAh += (pack.currentA * 0.5) / 3600;
    inWh += pack.energyInWh - chargedBefore;
    outWh += pack.energyOutWh - drainedBefore;
  }
  return { outWh, inWh, movedAh };
}

describe('pack of the simulated rack', () => {
  it('keeps its energy: what the cells lose is what the terminals gave plus heat, within 0.1 %', () => {
    const pack = toy();
    const before = pack.chemicalWh;
    const { outWh } = watch(pack, 900, () => pack.discharge(280, 0.5));
    const lost = before - pack.chemicalWh;
    expect(outWh).toBeCloseTo((280 * 900) / 3600, 6);
    expect(pack.lossWh).toBeGreaterThan(0.5);
    expect(Math.abs(lost - outWh - pack.lossWh) / lost).toBeLessThan(0.001);
  });

  it('keeps its energy over discharge, rest and recharge', () => {
    const pack = toy();
    const before = pack.chemicalWh;
    const charger = new Charger({ maxW: 200, maxA: 5 });
    watch(pack, 600, () => pack.discharge(300, 0.5));
    watch(pack, 300, () => pack.rest(0.5));
    watch(pack, 1200, () => charger.run(pack, 0.5));
    const change = pack.chemicalWh - before;
    const balance = pack.energyInWh - pack.energyOutWh - pack.lossWh;
    expect(pack.energyInWh).toBeGreaterThan(20);
    expect(Math.abs(change - balance) / (pack.energyInWh + pack.energyOutWh)).toBeLessThan(0.001);
  });

  it('counts coulombs: charge moved at the terminals is charge gone from the gauge', () => {
    const pack = toy();
    const before = pack.remainingAh;
    const { movedAh } = watch(pack, 600, () => pack.discharge(200, 0.5));
    expect(pack.remainingAh - before).toBeCloseTo(movedAh, 9);
    expect(movedAh).toBeLessThan(-0.6);
  });

  it('delivers a constant power: voltage times current is what was asked for', () => {
    const pack = toy();
    pack.discharge(250, 0.5);
    const before = pack.voltageV;
    pack.discharge(250, 0.5);
    expect(-before * pack.currentA).toBeCloseTo(250, 0);
    expect(pack.currentA).toBeLessThan(0);
  });

  it('sags under load and recovers slowly at rest', () => {
    const pack = toy({ socRatio: 0.6 });
    const restingV = pack.voltageV;
    watch(pack, 60, () => pack.discharge(280, 0.5));
    const loadedV = pack.voltageV;
    pack.rest(0.5);
    const atOnceV = pack.voltageV;
    watch(pack, 300, () => pack.rest(0.5));
    expect(loadedV).toBeLessThan(restingV - 0.5);
    expect(atOnceV).toBeGreaterThan(loadedV);
    expect(pack.voltageV).toBeGreaterThan(atOnceV + 0.1);
  });

  it('opens the discharge switch when the weakest cell stays under 2.5 V, and not before', () => {
    const pack = toy({ socRatio: 0.2 });
    let lowest = Number.POSITIVE_INFINITY;
    for (let t = 0; t < 3600 && pack.dischargeFetClosed; t++) {
      lowest = Math.min(...pack.cellsV);
      pack.discharge(100, 0.5);
    }
    expect(pack.dischargeFetClosed).toBe(false);
    expect(lowest).toBeLessThan(2.5);
    expect(pack.socRatio).toBeLessThan(0.03);
    expect(pack.trips.cellUndervoltage).toBe(1);
    pack.discharge(100, 0.5);
    expect(pack.currentA).toBe(0);
  });

  it('closes it again only under charge', () => {
    const pack = toy({ socRatio: 0.1, cellResistanceOhm: 0.04 });
    while (pack.dischargeFetClosed) pack.discharge(400, 0.5);
    watch(pack, 600, () => pack.rest(0.5));
    expect(Math.min(...pack.cellsV)).toBeGreaterThan(2.6);
    expect(pack.dischargeFetClosed).toBe(false);
    const charger = new Charger({ maxW: 100, maxA: 2.5 });
    watch(pack, 300, () => charger.run(pack, 0.5));
    expect(pack.dischargeFetClosed).toBe(true);
  });

  it('opens at once when the power cannot be delivered at any voltage', () => {
    const pack = toy();
    pack.discharge(100_000, 0.5);
    expect(pack.dischargeFetClosed).toBe(false);
    expect(pack.currentA).toBe(0);
  });

  it('charges at constant current, then at constant voltage, then stops', () => {
    const pack = toy({ socRatio: 0.5 });
    const charger = new Charger({ maxW: 1000, maxA: 2.5, cellV: 3.45, efficiency: 0.9 });
    const currents: number[] = [];
    for (let t = 0; t < 2 * 5400; t++) {
      charger.run(pack, 0.5);
      currents.push(pack.currentA);
      expect(pack.voltageV).toBeLessThan(16 * 3.45 + 0.1);
    }
    expect(currents[0]).toBeCloseTo(2.5, 6);
    expect(currents.at(-1)).toBe(0);
    expect(currents.some((ampere) => ampere > 0.1 && ampere < 2)).toBe(true);
    expect(pack.socRatio).toBeGreaterThan(0.97);
  });

  it('takes from the AC side what the pack gets, divided by the efficiency', () => {
    const pack = toy({ socRatio: 0.5 });
    const charger = new Charger({ maxW: 80, maxA: 10, efficiency: 0.8 });
    expect(charger.run(pack, 0.5)).toBeCloseTo(100, 0);
    expect(pack.voltageV * pack.currentA).toBeCloseTo(80, 0);
  });

  it('refuses to charge when it freezes', () => {
    const pack = toy({ socRatio: 0.5, ambientC: -5 });
    const charger = new Charger({ maxW: 80, maxA: 10 });
    watch(pack, 3, () => charger.run(pack, 0.5));
    expect(pack.chargeFetClosed).toBe(false);
    expect(pack.currentA).toBe(0);
    expect(pack.trips.chargeCold).toBe(1);
  });

  it('has cells that differ, and a pack voltage that is their sum', () => {
    const pack = toy({ spreadRatio: 0.03, socRatio: 0.05 });
    pack.discharge(100, 0.5);
    const cells = pack.cellsV;
    expect(cells).toHaveLength(16);
    expect(new Set(cells).size).toBe(16);
    expect(cells.reduce((sum, cellV) => sum + cellV, 0)).toBeCloseTo(pack.voltageV, 9);
  });

  it('keeps to the measured curve', () => {
    expect(openCircuitV(0.5)).toBeCloseTo(3.2995, 4);
    expect(openCircuitV(0.35)).toBeCloseTo(3.2826, 2);
    expect(openCircuitV(0.07)).toBeCloseTo(3.1317, 2);
    for (let s = -0.05; s < 1.05; s += 0.001) expect(openCircuitV(s + 0.001)).toBeGreaterThan(openCircuitV(s) - 1e-12);
  });

  it.each([
    { capacityAh: 0 },
    { capacityAh: 5, socRatio: 1.2 },
    { capacityAh: Number.NaN },
    { capacityAh: 5, cells: 0 },
  ])('refuses %o', (options) => {
    expect(() => new SimPack(options, 1)).toThrow(RangeError);
  });
});
