import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boardLimitAlarms } from '../../../bms/model/board-limits.ts';
import { modelAlarms } from '../../../bms/model/limits.ts';
import { packOf } from '../../../bms/model/pack.ts';
import type { BoardLimits } from '../../../bms/model/sample.ts';

const lfp = packOf({ chemistry: 'lifepo4', cells: 16, capacityAh: 100 });
const lto = packOf({ chemistry: 'lto', cells: 20, capacityAh: 40 });
const said = (limits: BoardLimits, spec = lfp): string | undefined => boardLimitAlarms(limits, spec)[0]?.detail;

/** Presets and settings of real boards, from the notes. */
const JK_LFP: BoardLimits = { cellMaxV: 3.65, cellMinV: 2.58, chargeMinC: 2, chargeMaxC: 70 };
const JK_LTO: BoardLimits = { cellMaxV: 2.7, cellMinV: 1.8, chargeMinC: 2, chargeMaxC: 70 };
const JK_LI_ION: BoardLimits = { cellMaxV: 4.2, cellMinV: 2.82, chargeMinC: 2, chargeMaxC: 70 };
const OVERKILL_16S: BoardLimits = { cellMaxV: 3.65, cellMinV: 2.5, packMaxV: 58.4, packMinV: 40, chargeMinC: 1 };
const DALY_16S: BoardLimits = { cellMaxV: 3.55, cellMinV: 2.7, packMaxV: 56.2, packMinV: 44, chargeMinC: 0 };

describe('limits of a board', () => {
  it.each([
    ['the LiFePO4 preset of JK', JK_LFP, lfp],
    ['the LTO preset of JK', JK_LTO, lto],
    ['an Overkill board as it is delivered', OVERKILL_16S, lfp],
    ['a Daly', DALY_16S, lfp],
    ['a careful owner', { cellMaxV: 3.4, cellMinV: 2.9 }, lfp],
    ['a board that says nothing of its cells', { chargeMaxA: 100 }, lfp],
    ['a board told of its cells', { ...JK_LTO, chemistry: 'lto' }, lto],
  ] as const)('of %s raise nothing', (_, limits, spec) => {
    expect(boardLimitAlarms(limits, spec)).toEqual([]);
  });

  it('of lithium-ion on LiFePO4 let cells reach what they must not', () => {
    expect(boardLimitAlarms({ cellMaxV: 4.25 }, lfp)).toEqual([
      {
        code: 'unfit-limits',
        level: 'warning',
        detail: 'the board lets cells reach 4.25 V, LiFePO4 ends at 3.65 V',
      },
    ]);
    expect(said(JK_LI_ION)).toBe('the board lets cells reach 4.20 V, LiFePO4 ends at 3.65 V');
  });

  it('of LTO on LiFePO4 neither let it be charged nor keep it from being emptied', () => {
    expect(said(JK_LTO)).toBe(
      'the board stops charging at 2.70 V per cell, LiFePO4 is charged to 3.45 V; ' +
        'the board lets cells fall to 1.80 V, LiFePO4 ends at 2.50 V',
    );
  });

  it('of LiFePO4 on LTO let cells reach too much, and open while they are full', () => {
    expect(said(JK_LFP, lto)).toBe(
      'the board lets cells reach 3.65 V, LTO (NMC) ends at 2.80 V; ' +
        'the board opens at 2.58 V per cell, and 2.00 V is counted on',
    );
  });

  it('that open before what the schedule counts on are told, by cells and by the pack', () => {
    expect(said({ cellMinV: 3 })).toBe('the board opens at 3.00 V per cell, and 2.90 V is counted on');
    expect(said({ cellMinV: 2.5, packMinV: 48 })).toBe('the board opens at 3.00 V per cell, and 2.90 V is counted on');
    expect(said({ packMinV: 48 })).toBe('the board opens at 3.00 V per cell, and 2.90 V is counted on');
    const lower = packOf({ chemistry: 'lifepo4', cells: 16, capacityAh: 100, cutoffCellV: 3.05 });
    expect(said({ cellMinV: 3 }, lower)).toBeUndefined();
  });

  it('of the pack stand in for those of the cells, and do not excuse them', () => {
    expect(said({ packMaxV: 67.2 })).toBe('the board lets cells reach 4.20 V, LiFePO4 ends at 3.65 V');
    expect(said({ cellMaxV: 4.2, packMaxV: 58.4 })).toContain('reach 4.20 V');
    expect(said({ cellMaxV: 3.65, packMaxV: 51.2 })).toContain('stops charging at 3.20 V per cell');
  });

  it('that let LiFePO4 be charged in the frost are told; LTO bears it', () => {
    expect(said({ chargeMinC: -20 })).toBe('the board charges down to -20 °C, LiFePO4 must not be charged below 0 °C');
    expect(said({ chargeMinC: 0 })).toBeUndefined();
    expect(said({ chargeMinC: -20 }, lto)).toBeUndefined();
  });

  it('for other cells than are configured are told', () => {
    expect(said({ ...JK_LFP, chemistry: 'li-ion' })).toBe('the board is set to li-ion, the cells are LiFePO4');
  });

  it('are among the alarms of the model, and silence is none', () => {
    const sample = { kind: 'pack', measuredAtMs: 0, voltageV: 52.8 } as const;
    expect(modelAlarms({ ...sample, limits: JK_LTO }, lfp).map(({ code }) => code)).toEqual(['unfit-limits']);
    expect(modelAlarms(sample, lfp)).toEqual([]);
  });

  it('raise at most one alarm, whatever they are', () => {
    const volt = fc.option(fc.double({ min: 0, max: 100, noNaN: true }), { nil: undefined });
    fc.assert(
      fc.property(
        fc.record({ cellMaxV: volt, cellMinV: volt, packMaxV: volt, packMinV: volt, chargeMinC: volt }),
        (raw) => {
          const limits = Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== undefined));
          expect(boardLimitAlarms(limits, lfp).length).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
});
