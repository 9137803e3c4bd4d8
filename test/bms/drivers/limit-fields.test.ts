import { describe, expect, it } from 'vitest';
import type { Driver } from '../../../bms/drivers/driver.ts';
import { jbd } from '../../../bms/drivers/jbd.ts';
import { limitsOf } from '../../../bms/drivers/limit-fields.ts';
import { driverFor } from '../../../bms/drivers/registry.ts';
import type { BoardLimits, PackSample } from '../../../bms/index.ts';
import { readVectors, recorded } from './vectors.ts';

/** The limits in the sample of one capture. */
function limits(id: string, file: string, name: string): BoardLimits | undefined {
  const driver: Driver = driverFor(id);
  const vector = readVectors(file).find((known) => known.name === name);
  if (vector === undefined) throw new Error(`no vector ${name}`);
  const result = driver.decode(recorded(vector));
  if (!result.ok) throw new Error(result.error.message);
  return (driver.sample(result.fields, 0) as PackSample).limits;
}

describe('what a board is set to', () => {
  it('is read by JK out of settings frames, registers and tags', () => {
    expect(limits('jk-pb', 'jk', 'pb_settings_16s_280ah_addr3')).toMatchObject({
      ...{ cellMaxV: 3.65, cellMinV: 2.7, chargeMaxC: 35, chargeMinC: 5, chargeMaxA: 60, dischargeMaxA: 100 },
    });
    expect(limits('jk-pb', 'jk', 'pb_settings_after_lto_preset')).toMatchObject({ cellMaxV: 2.7, cellMinV: 1.8 });
    expect(limits('jk-modbus', 'jk', 'modbus_settings_block_64_regs')).toMatchObject({
      cellMaxV: 3.65,
      cellMinV: 2.58,
    });
    expect(limits('jk', 'jk', 'uart_16s_lifepo4_discharging_0a69')).toMatchObject({ chargeMinC: expect.any(Number) });
  });

  it('is read by Daly out of its thresholds, the second level of two', () => {
    expect(limits('daly', 'daly', 'a5_59_cell_thresholds')).toEqual({ cellMaxV: 3.65, cellMinV: 2.7 });
    expect(limits('daly-modbus', 'daly', 'd2_settings_4s')).toMatchObject({
      ...{ cellMaxV: 3.5, cellMinV: 2.6, packMaxV: 14, packMinV: 10.4, chargeMinC: 0, chargeMaxC: 45 },
      ...{ dischargeMinC: -1, dischargeMaxC: 70, chargeMaxA: 10, chemistry: 'lifepo4' },
    });
  });

  it('is read by Pylontech out of its parameters', () => {
    expect(limits('pylontech', 'pylontech', 'parameters_reply')).toEqual({
      ...{ cellMaxV: 3.65, cellMinV: 2.9, packMaxV: 53.5, packMinV: 43.5, chargeMaxC: 50, chargeMinC: 0 },
      ...{ dischargeMaxC: 55, dischargeMinC: -10 },
    });
  });

  it('is read by JBD out of one block of parameters, in the units of its registers', () => {
    const values = [
      3431, 3331, 2741, 2831, 3581, 3481, 2531, 2631, 5840, 5600, 4000, 4800, 3650, 3500, 2500, 3000, 10_000,
    ];
    const block = { firstParam: 8, count: 18, values: [...values, 55_536] };
    expect((jbd.sample(block, 0) as PackSample).limits).toEqual({
      ...{ cellMaxV: 3.65, cellMinV: 2.5, packMaxV: 58.4, packMinV: 40 },
      ...{ chargeMaxC: 70, chargeMinC: 1, dischargeMaxC: 85, dischargeMinC: -20, chargeMaxA: 100, dischargeMaxA: 100 },
    });
    expect((jbd.sample({ ...block, tenfoldUnits: true }, 0) as PackSample).limits?.chargeMaxA).toBeUndefined();
    expect((jbd.sample({ ...block, firstParam: 1 }, 0) as PackSample).limits).toBeUndefined();
  });

  it('is absent where the board does not tell, and holds nothing that cannot be a limit', () => {
    expect(limits('jbd', 'jbd', 'sp04s034_4s_rest')).toBeUndefined();
    expect(limitsOf({ batteryType: 'lto' })).toBeUndefined();
    expect(limitsOf({ cellOvV: 0, cellUvV: Number.NaN, packOvV: 'x', chargeOtC: null, chargeOcA: -0 })).toBeUndefined();
    expect(limitsOf({ cellOvV: 65.535, cellUvV: 2.5, batteryType: 'unknown_7' })).toEqual({ cellMinV: 2.5 });
  });
});
