import { describe, expect, it } from 'vitest';
import { driverFor } from '../../../bms/drivers/registry.ts';
import { readVectors, recorded } from './vectors.ts';

const epever = driverFor('epever-tracer');

function fields(name: string) {
  const vector = readVectors('epever').find((known) => known.name === name);
  if (vector === undefined) throw new Error(`no vector ${name}`);
  const result = epever.decode(recorded(vector));
  if (!result.ok) throw new Error(result.error.message);
  return result.fields;
}

describe('EPEver Tracer', () => {
  it('never makes a current of two halves that were read apart', () => {
    const torn = fields('net_current_halves_read_separately_are_torn');
    expect(torn).not.toHaveProperty('currentA');
    expect(torn).toMatchObject({ strayBytes: 7 });
  });

  it('never asks for half of a 32-bit value, nor for a gap', () => {
    if (epever.shape !== 'registers') throw new Error('not registers');
    const fast = epever.reads.filter(({ cadence }) => cadence === 'fast');
    expect(fast.map(({ read: { table, address, count } }) => `${table} ${address.toString(16)}+${count}`)).toEqual([
      'input 3100+8',
      'input 310c+7',
      'input 3200+3',
      'input 331b+2',
    ]);
  });

  it('gives a sample the voltage, and its troubles as warnings, but no current and no guessed percentage', () => {
    const told = { ...fields('real_time_block'), ...fields('battery_and_charge_status'), socRatio: 0.7, currentA: 4 };
    expect(epever.sample(told, 1)).toEqual({
      kind: 'pack',
      measuredAtMs: 1,
      voltageV: 26.55,
      alarms: [
        { code: 'pack-undervoltage', level: 'warning' },
        { code: 'vendor', level: 'warning', detail: 'over_temperature' },
        { code: 'vendor', level: 'warning', detail: 'anti_reverse_mosfet_short' },
        { code: 'vendor', level: 'warning', detail: 'input_over_current' },
      ],
    });
  });
});
