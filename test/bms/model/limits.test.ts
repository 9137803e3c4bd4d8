import { describe, expect, it } from 'vitest';
import { modelAlarms, plausible } from '../../../bms/model/limits.ts';
import { packOf } from '../../../bms/model/pack.ts';
import type { PackSample } from '../../../bms/model/sample.ts';
import { socStart } from '../../../bms/model/soc.ts';

const lfp = packOf({ chemistry: 'lifepo4', cells: 16, capacityAh: 100 });
const lto = packOf({ chemistry: 'lto', cells: 20, capacityAh: 40 });
const pack = (rest: Partial<PackSample>): PackSample => ({ kind: 'pack', measuredAtMs: 0, ...rest });
const cells = (value: number, change: Record<number, number> = {}, count = 16): number[] =>
  Array.from({ length: count }, (_, i) => change[i + 1] ?? value);
const codes = (sample: PackSample, spec = lfp): string[] =>
  modelAlarms(sample, spec).map(({ code, level }) => `${code} ${level}`);

describe('a sample no pack could have sent', () => {
  it.each([
    [
      'a 48 V reading from an 8 cell configuration',
      { voltageV: 52.8 },
      packOf({ chemistry: 'lifepo4', cells: 8, capacityAh: 100 }),
    ],
    ['0 V', { voltageV: 0 }, lfp],
    ['a voltage that is not a number', { voltageV: Number.NaN }, lfp],
    ['all bits set in a cell', { cellsV: cells(3.3, { 4: 65.535 }) }, lfp],
    ['a negative cell', { cellsV: cells(3.3, { 4: -0.1 }) }, lfp],
    ['LiFePO4 voltages on an LTO configuration', { cellsV: cells(3.33, {}, 20) }, lto],
    ['327 kA', { currentA: -327_680 }, lfp],
    ['a current that is not a number', { currentA: Number.NaN }, lfp],
    ['infinite power', { powerW: Number.POSITIVE_INFINITY }, lfp],
    ['a charge that is not a number', { socRatio: Number.NaN }, lfp],
  ] as const)('%s is refused with a reason', (_, fields, spec) => {
    const verdict = plausible(pack(fields), spec);
    expect(verdict.ok).toBe(false);
    if (!verdict.ok) expect(verdict.reason.length).toBeGreaterThan(10);
  });

  it.each([
    ['an ordinary LiFePO4 pack', { voltageV: 52.8, currentA: -20, cellsV: cells(3.3) }, lfp],
    ['an ordinary LTO pack: 2.3 V per cell is no error', { voltageV: 46, cellsV: cells(2.3, {}, 20) }, lto],
    ['an empty LTO pack', { voltageV: 36, cellsV: cells(1.8, {}, 20) }, lto],
    ['a cell at 0 V: a lost wire is an alarm', { voltageV: 49.5, cellsV: cells(3.3, { 7: 0 }) }, lfp],
    ['a sample that tells nothing', {}, lfp],
  ] as const)('%s passes', (_, fields, spec) => {
    expect(plausible(pack(fields), spec)).toEqual({ ok: true });
  });

  it('says which setting to look at', () => {
    const verdict = plausible(pack({ voltageV: 26.4 }), packOf({ chemistry: 'lifepo4', cells: 20, capacityAh: 100 }));
    expect(verdict).toMatchObject({ ok: false, reason: expect.stringMatching(/26\.4 V.*30\.\.84 V.*cells/) });
  });
});

describe('cells', () => {
  it('a healthy pack raises nothing', () => {
    expect(codes(pack({ voltageV: 52.8, currentA: -20, cellsV: cells(3.3), temperaturesC: [20, 22] }))).toEqual([]);
    expect(codes(pack({ voltageV: 46, currentA: -9, cellsV: cells(2.3, {}, 20), temperaturesC: [-10] }), lto)).toEqual(
      [],
    );
    expect(codes(pack({}))).toEqual([]);
  });

  it.each([
    [3.66, 'cell-overvoltage warning'],
    [3.8, 'cell-overvoltage protection'],
    [2.89, 'cell-undervoltage warning'],
    [2.5, 'cell-undervoltage protection'],
    [1.2, 'cell-undervoltage protection'],
  ])('LiFePO4 at %d V: %s', (cellV, alarm) => {
    expect(codes(pack({ currentA: -1, cellsV: cells(cellV) }))).toContain(alarm);
  });

  it.each([
    [2.81, 'cell-overvoltage warning'],
    [2.85, 'cell-overvoltage protection'],
    [1.99, 'cell-undervoltage warning'],
    [1.8, 'cell-undervoltage protection'],
  ])('LTO at %d V: %s', (cellV, alarm) => {
    expect(codes(pack({ currentA: -1, cellsV: cells(cellV, {}, 20) }), lto)).toContain(alarm);
  });

  it('names the cell', () => {
    const [alarm] = modelAlarms(pack({ cellsV: cells(3.3, { 7: 2.4 }) }), lfp);
    expect(alarm).toMatchObject({ code: 'cell-undervoltage', detail: expect.stringContaining('cell 7 at 2.4 V') });
  });

  it('warns at the configured cut-off, not only at the usual one', () => {
    const careful = packOf({ chemistry: 'lifepo4', cells: 16, capacityAh: 100, cutoffCellV: 3.1 });
    expect(codes(pack({ cellsV: cells(3.05) }), careful)).toContain('cell-undervoltage warning');
  });

  it('sees packs that tell no cells by their average', () => {
    expect(codes(pack({ voltageV: 16 * 2.45 }))).toEqual(['cell-undervoltage protection']);
  });

  it('spread counts on the plateau, and less where the curve is steep or under load', () => {
    expect(codes(pack({ currentA: 0, cellsV: cells(3.3, { 3: 3.24 }) }))).toEqual(['cell-imbalance warning']);
    expect(codes(pack({ currentA: -60, cellsV: cells(3.22, { 3: 3.14 }) }))).toEqual([]);
    expect(codes(pack({ currentA: 1, cellsV: cells(3.45, { 3: 3.36 }) }))).toEqual([]);
    expect(codes(pack({ currentA: 1, cellsV: cells(3.45, { 3: 3.1 }) }))).toEqual(['cell-imbalance warning']);
  });
});

describe('temperature', () => {
  it('LiFePO4 charging at or below freezing is an alarm, standing there a warning', () => {
    expect(codes(pack({ currentA: 5, temperaturesC: [0, 4] }))).toEqual(['charge-undertemperature protection']);
    expect(codes(pack({ currentA: -5, temperaturesC: [-3, 4] }))).toEqual(['charge-undertemperature warning']);
    expect(codes(pack({ currentA: 5, temperaturesC: [0.5, 4] }))).toEqual([]);
  });

  it('LTO may be charged cold', () => {
    expect(codes(pack({ currentA: 5, temperaturesC: [-10] }), lto)).toEqual([]);
    expect(codes(pack({ currentA: 5, temperaturesC: [-31] }), lto)).toContain('charge-undertemperature protection');
  });

  it('too hot, and too cold to discharge', () => {
    expect(codes(pack({ currentA: 5, temperaturesC: [20, 56] }))).toEqual(['charge-overtemperature protection']);
    expect(codes(pack({ currentA: -5, temperaturesC: [61] }))).toEqual(['discharge-overtemperature warning']);
    expect(codes(pack({ currentA: -5, temperaturesC: [-21] }))).toContain('discharge-undertemperature warning');
  });

  it('a missing sensor is not a cold pack', () => {
    expect(codes(pack({ currentA: 5, temperaturesC: [-273.1, 20] }))).toEqual([]);
    expect(codes(pack({ currentA: 5, temperaturesC: [-273.1] }))).toEqual(['sensor-fault warning']);
  });
});

describe('a BMS that contradicts itself', () => {
  it('a wire lost is reported once, and is no empty cell', () => {
    const alarms = modelAlarms(pack({ voltageV: 52.8, cellsV: cells(3.3, { 7: 0, 9: 0 }) }), lfp);
    expect(alarms).toHaveLength(1);
    expect(alarms[0]).toMatchObject({ code: 'sensor-fault', detail: expect.stringContaining('cell 7, 9') });
  });

  it('cells that do not add up to the pack', () => {
    expect(codes(pack({ voltageV: 50, cellsV: cells(3.3) }))).toEqual(['sensor-fault warning']);
    expect(codes(pack({ voltageV: 52.4, cellsV: cells(3.3) }))).toEqual([]);
  });

  it('another number of cells than configured', () => {
    const [alarm] = modelAlarms(pack({ voltageV: 52.8, cellsV: cells(3.3, {}, 15) }), lfp);
    expect(alarm?.detail).toBe('15 cells reported, 16 configured');
  });

  it('current through a switch that is reported open', () => {
    expect(codes(pack({ currentA: -8, dischargeFetClosed: false }))).toEqual(['mosfet-fault warning']);
    expect(codes(pack({ currentA: 8, chargeFetClosed: false }))).toEqual(['mosfet-fault warning']);
    expect(codes(pack({ currentA: -8, dischargeFetClosed: true, chargeFetClosed: false }))).toEqual([]);
    expect(codes(pack({ currentA: 0.2, dischargeFetClosed: false, chargeFetClosed: false }))).toEqual([]);
  });

  it('a charge far from what we counted, once we are sure', () => {
    const sample = pack({ socRatio: 0.8, currentA: -5 });
    const soc = { ...socStart(sample, lfp), socRatio: 0.42, sigma: 0.03, driftRatio: 0.42 - 0.8 };
    expect(modelAlarms(sample, lfp, soc)).toEqual([
      { code: 'sensor-fault', level: 'warning', detail: 'BMS says 80 % charge, our count 42 %' },
    ]);
    expect(modelAlarms(sample, lfp, { ...soc, sigma: 0.15 })).toEqual([]);
    expect(modelAlarms(sample, lfp, { ...soc, socRatio: 0.72, driftRatio: -0.08, sigma: 0.001 })).toEqual([]);
  });
});
