import { describe, expect, it } from 'vitest';
import { driverFor } from '../../../bms/drivers/registry.ts';
import { readVectors, recorded } from './vectors.ts';

const vectors = readVectors('renogy');

function sampleOf(...names: string[]) {
  const own = vectors.filter(({ name }) => names.includes(name));
  const driver = driverFor(own[0]?.profile ?? 'nobody');
  const results = own.map((vector) => driver.decode(recorded(vector)));
  return driver.sample(Object.assign({}, ...results.map((result) => (result.ok ? result.fields : {}))), 1);
}

describe('Renogy batteries', () => {
  it('read the same current ten times as large in the Pro series', () => {
    expect(sampleOf('battery_core_0_01_a')).toMatchObject({ currentA: -0.86, voltageV: 13.6, socRatio: 0.972 });
    const { request, response } = recorded(vectors.find(({ name }) => name === 'battery_core_0_01_a') ?? fail());
    const result = driverFor('renogy-battery-pro').decode({
      ...(request && { request }),
      ...(response && { response }),
    });
    expect(result).toMatchObject({ ok: true, fields: { currentA: -8.6 } });
  });

  it('leave the switches out of a sample: one model calls them open while it discharges', () => {
    const sample = sampleOf('battery_pro_core_0_1_a', 'battery_pro_status_mosfets_on');
    expect(sample).not.toHaveProperty('dischargeFetClosed');
    expect(sample).toMatchObject({ currentA: -1.2, cycles: 6 });
  });

  it('have the whole sample of what the captures tell', () => {
    expect(sampleOf('battery_core_0_01_a', 'battery_cells_and_temps', 'battery_identity_block')).toEqual({
      kind: 'pack',
      measuredAtMs: 1,
      voltageV: 13.6,
      currentA: -0.86,
      socRatio: 0.972,
      remainingAh: 97.2,
      fullAh: 100,
      cycles: 15,
      cellsV: [3.5, 3.3, 3.3, 3.3],
      temperaturesC: [17, 17],
      model: 'RBT100LFP12-BT',
      firmware: '0100',
      serial: '20210526',
    });
  });
});

describe('a charge controller', () => {
  it('gives a sample no current: what it sends to the pack is not what the pack gets', () => {
    expect(sampleOf('rover_frost_sign_magnitude')).toEqual({
      kind: 'pack',
      measuredAtMs: 1,
      voltageV: 25.6,
      temperaturesC: [-12],
    });
  });

  it('reads all of its live values in one request', () => {
    const rover = driverFor('renogy-rover');
    if (rover.shape !== 'registers') throw new Error('not registers');
    const fast = rover.reads.filter(({ cadence }) => cadence === 'fast').map(({ read }) => read);
    expect(fast).toEqual([{ table: 'holding', address: 0x100, count: 0x21 }]);
  });
});

function fail(): never {
  throw new Error('no such vector');
}
