import { describe, expect, it } from 'vitest';
import type { Fields } from '../../../bms/drivers/driver.ts';
import { driverFor } from '../../../bms/drivers/registry.ts';
import { seplos } from '../../../bms/drivers/seplos.ts';
import { driverOf, readVectors, recorded } from './vectors.ts';

const vectors = readVectors('seplos');

function fields(name: string): Fields {
  const vector = vectors.find((known) => known.name === name);
  if (vector === undefined) throw new Error(`no vector ${name}`);
  const result = driverFor(driverOf(vector)).decode(recorded(vector));
  if (!result.ok) throw new Error(result.error.message);
  return result.fields;
}

describe('Seplos V2', () => {
  it('asks as the document does', () => {
    const texts = seplos.reads.map(({ request }) => Buffer.from(request).toString('latin1'));
    expect(texts).toEqual([
      '~20004642E00200FD37\r',
      '~20004644E00200FD35\r',
      '~200046510000FDAE\r',
      '~200046470000FDA9\r',
    ]);
  });

  it('warns of a code that no bit tells of', () => {
    const quiet = { alarms: [], cellAlarms: [0, 0], tempAlarms: [0, 0], systemState: ['discharge'] };
    const alarms = (more: Fields) => seplos.sample({ ...quiet, ...more }, 1).alarms;
    expect(alarms({})).toEqual([]);
    expect(alarms({ tempAlarms: [1, 0] })).toEqual([{ code: 'discharge-undertemperature', level: 'warning' }]);
    expect(alarms({ tempAlarms: [1, 0], alarms: ['ambient_low_temperature_alarm'] })).toEqual([
      { code: 'ambient-temperature', level: 'warning' },
    ]);
    expect(alarms({ currentAlarm: 2 })).toEqual([{ code: 'charge-overcurrent', level: 'warning' }]);
    expect(alarms({ voltageAlarm: 1 })).toEqual([{ code: 'pack-undervoltage', level: 'warning' }]);
  });

  it('makes a sample of what its captures tell', () => {
    const told = {
      ...fields('v2_telemetry_16s_discharging'),
      ...fields('v2_alarms_cell_under_voltage_charge_off_balancing'),
      ...fields('v2_maker_info_sp15'),
    };
    expect(seplos.sample(told, 1)).toMatchObject({
      voltageV: 52.8,
      currentA: -6.76,
      socRatio: 0.787,
      remainingAh: 133.9,
      fullAh: 170,
      ratedAh: 180,
      mosfetTemperatureC: 24.7,
      balancingCells: [1, 8],
      chargeFetClosed: false,
      dischargeFetClosed: true,
      model: '1101-SP15',
      alarms: [
        { code: 'cell-undervoltage', level: 'warning' },
        { code: 'cell-undervoltage', level: 'protection' },
        { code: 'low-soc', level: 'warning' },
      ],
    });
  });

  it('takes no capacity of an unknown unit into a sample, and no open sensor', () => {
    const sample = seplos.sample(fields('v2_six_temps_custom_count_2'), 1);
    expect(sample).not.toHaveProperty('remainingAh');
    expect(sample).not.toHaveProperty('fullAh');
    expect(sample).not.toHaveProperty('temperaturesC');
    expect(sample).not.toHaveProperty('alarms');
  });
});

describe('Seplos V3', () => {
  const v3 = driverFor('seplos-v3');

  it('asks for blocks of exactly the length they have', () => {
    if (v3.shape !== 'registers') throw new Error('not registers');
    const reads = v3.reads.map(({ read: { table, address, count } }) => `${table} ${address.toString(16)}+${count}`);
    expect(reads).toEqual(['coil 1200+144', 'input 1000+17', 'input 1100+26', 'input 1700+51']);
  });

  it('reads the same from coils as they come from the bus', () => {
    if (v3.shape !== 'registers') throw new Error('not registers');
    const block = v3.reads.find(({ read }) => read.table === 'coil');
    const coils = new Uint16Array(144);
    for (const bit of [2, 31, 48, 55, 64, 74, 75, 120]) coils[bit] = 1;
    expect(block?.decode(coils)).toMatchObject({
      ok: true,
      fields: {
        cellsLowAlarm: [3],
        cellsHighAlarm: [16],
        balancingCells: [1, 8],
        systemState: ['discharge'],
        alarms: ['cell_low_voltage_alarm', 'cell_under_voltage_protection'],
        dischargeMosfet: true,
        chargeMosfet: false,
      },
    });
  });

  it('keeps the view of the system apart from the pack', () => {
    expect(fields('v3_eia_system_two_packs')).toMatchObject({ unit: 0, voltageV: 52.34, currentA: -6.7, packCount: 2 });
    expect(fields('v3_pia_pack1')).toMatchObject({ unit: 1, currentA: -7.2 });
  });

  it('makes a sample with alarms of ours', () => {
    const told = { ...fields('v3_pia_pack1'), ...fields('v3_pib_pack1'), ...fields('v3_pic_cell3_low_undervoltage') };
    expect(v3.sample({ ...told, ...fields('v3_via_version_block') }, 1)).toMatchObject({
      currentA: -7.2,
      socRatio: 0.479,
      temperaturesC: [25, 23.8, 23.9, 24.9],
      mosfetTemperatureC: 26.6,
      chargeFetClosed: false,
      model: 'SG16S200A-SP57B-A',
      serial: 'SP57B-A2506120022',
      alarms: [
        { code: 'cell-undervoltage', level: 'warning' },
        { code: 'cell-undervoltage', level: 'protection' },
        { code: 'low-soc', level: 'protection' },
        { code: 'vendor', level: 'protection', detail: 'cell_fault' },
      ],
    });
  });
});
