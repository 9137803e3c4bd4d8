import { describe, expect, it } from 'vitest';
import { daly } from '../../bms/drivers/daly.ts';
import { driverFor } from '../../bms/drivers/registry.ts';
import { invertedCurrent } from '../../bms/invert.ts';
import type { Sample } from '../../bms/model/index.ts';

const turned = (id: string) => invertedCurrent<Sample>(driverFor(id).sample);

describe('a current that counts the other way round', () => {
  it('is turned, with the power', () => {
    const sample = turned('ve-direct')({ productId: 0xa389, voltageV: 52, currentA: -3, powerW: -156 }, 1);
    expect(sample).toMatchObject({ voltageV: 52, currentA: 3, powerW: 156 });
  });

  it('stays absent where there is none, and 0 stays 0', () => {
    expect(turned('jbd')({ voltageV: 52 }, 1)).not.toHaveProperty('currentA');
    expect(Object.is((turned('jbd')({ currentA: 0 }, 1) as { currentA?: number }).currentA, 0)).toBe(true);
  });

  it('is turned before the driver compares it with the state of the board', () => {
    const fields = { voltageV: 50, currentA: -20, state: 'charging', alarms: [] };
    expect(daly.sample(fields, 1).alarms).toMatchObject([{ code: 'sensor-fault' }]);
    expect(turned('daly')(fields, 1)).toMatchObject({ currentA: 20, alarms: [] });
  });

  it('is turned where the driver adds it up itself', () => {
    const module = { cellsV: [3.3], tempsC: [20], bmsTempC: 20, cycles: 1, currentA: -2, voltageV: 50 };
    const total = { currentA: -4, powerW: -200, voltageV: 50 };
    const sample = turned('pylontech')({ modules: [module, module], total }, 1);
    expect(sample).toMatchObject({ currentA: 4, powerW: 200 });
  });

  it('concerns packs only', () => {
    expect(turned('sdm230')({ currentA: 3, powerW: -100 }, 1)).toMatchObject({ currentA: 3, powerW: -100 });
  });
});
