import { describe, expect, it } from 'vitest';
import type { Fields } from '../../../bms/drivers/driver.ts';
import { pace } from '../../../bms/drivers/pace.ts';
import { driverFor } from '../../../bms/drivers/registry.ts';
import { driverOf, readVectors, recorded } from './vectors.ts';

const vectors = readVectors('pace');

function fields(name: string): Fields {
  const vector = vectors.find((known) => known.name === name);
  if (vector === undefined) throw new Error(`no vector ${name}`);
  const result = driverFor(driverOf(vector)).decode(recorded(vector));
  if (!result.ok) throw new Error(result.error.message);
  return result.fields;
}

describe('Pace on RS232', () => {
  it('asks as the captures do', () => {
    const texts = pace.reads.map(({ request }) => Buffer.from(request).toString('latin1'));
    expect(texts.slice(0, 3)).toEqual(['~25014642E00201FD30\r', '~25014644E00201FD2E\r', '~250146C10000FD9A\r']);
  });

  it('makes a sample with alarms of ours; "full" is none', () => {
    const told = { ...fields('v25_analog_discharging'), ...fields('v25_status_under_voltage_discharge_off') };
    expect(pace.sample(told, 1)).toMatchObject({
      voltageV: 52.429,
      currentA: -2.25,
      cycles: 140,
      ratedAh: 100,
      mosfetTemperatureC: 26.5,
      dischargeFetClosed: false,
      alarms: [
        { code: 'cell-undervoltage', level: 'protection' },
        { code: 'pack-undervoltage', level: 'protection' },
        { code: 'cell-undervoltage', level: 'warning' },
        { code: 'low-soc', level: 'warning' },
      ],
    });
    expect(pace.sample(fields('v25_status_normal'), 1).alarms).toEqual([]);
  });

  it('warns of a code of a cell or a sensor that no bit tells of', () => {
    const quiet = fields('v25_status_normal');
    const alarms = (more: Fields) => pace.sample({ ...quiet, ...more }, 1).alarms;
    expect(alarms({ tempAlarms: [0, 2], currentA: -5 })).toEqual([
      { code: 'discharge-overtemperature', level: 'warning' },
    ]);
    expect(alarms({ cellAlarms: [2, 0], protections: ['cell_over_voltage_protection'] })).toEqual([
      { code: 'cell-overvoltage', level: 'protection' },
    ]);
    expect(alarms({ voltageAlarm: 0xf0 })).toEqual([
      { code: 'vendor', level: 'warning', detail: 'voltage has code F0' },
    ]);
  });
});

describe('Pace on RS485', () => {
  const modbus = driverFor('pace-modbus');

  it('reads everything that lives in one request', () => {
    if (modbus.shape !== 'registers') throw new Error('not registers');
    const fast = modbus.reads.filter(({ cadence }) => cadence === 'fast').map(({ read }) => read);
    expect(fast).toEqual([{ table: 'holding', address: 0, count: 37 }]);
  });

  it('has warnings, protections and faults as alarms', () => {
    expect(modbus.sample(fields('modbus_flags_only'), 1).kind).toBe('pack');
    expect(modbus.sample(fields('modbus_flags_only'), 1)).toMatchObject({
      chargeFetClosed: false,
      balancingCells: [1, 16],
      alarms: [
        { code: 'cell-undervoltage', level: 'warning' },
        { code: 'low-soc', level: 'warning' },
        { code: 'cell-undervoltage', level: 'protection' },
        { code: 'charge-undertemperature', level: 'protection' },
        { code: 'mosfet-fault', level: 'protection' },
        { code: 'vendor', level: 'protection', detail: 'cell_fault' },
      ],
    });
  });
});
