import { describe, expect, it } from 'vitest';
import {
  evaluateCase,
  WARNING_CODES,
  type WarningCode,
  warningsFor,
  warningText,
} from '../../../power-planner/index.ts';

type Inputs = Record<string, unknown>;

const circuit = { v: 110, breaker_a: 20 };
const cells = { series: 16, v_charge: 3.45, v_lvc: 2.9 };

/** For every code facts that trigger it, and the same a little different that do not. */
const CASES: Readonly<Record<WarningCode, readonly [present: Inputs, absent: Inputs]>> = {
  CIRCUIT_OVER_BREAKER: [
    { ...circuit, current_a: 20.1 },
    { ...circuit, current_a: 20 },
  ],
  CIRCUIT_OVER_CONTINUOUS: [
    { ...circuit, loads: [{ w: 1761, pf: 1 }] },
    { ...circuit, loads: [{ w: 1760, pf: 1 }] },
  ],
  CIRCUIT_LOW_HEADROOM: [
    { ...circuit, current_a: 14.5 },
    { ...circuit, current_a: 14.4 },
  ],
  PLUG_LIMIT: [
    { plug: '5-15P', continuous_a: 13 },
    { plug: '5-20P', continuous_a: 13 },
  ],
  CHARGER_EXCEEDS_HEADROOM: [
    { ...circuit, load_a: 11.48, charger_dc_a: 20, pack_v: 54, charger_efficiency: 0.92, charger_pf: 0.95 },
    { ...circuit, load_a: 2.5, charger_dc_a: 20, pack_v: 54, charger_efficiency: 0.92, charger_pf: 0.95 },
  ],
  LOW_POWER_FACTOR: [
    {
      loads: [
        { w: 200, pf: 0.95 },
        { w: 10, pf: 0.55 },
      ],
    },
    {
      loads: [
        { w: 1000, pf: 0.95 },
        { w: 10, pf: 0.55 },
      ],
    },
  ],
  VOLTAGE_DROP_BRANCH: [{ drop_fraction: 0.037 }, { drop_fraction: 0.03 }],
  INRUSH_RISK: [
    { breaker_a: 20, inrush_a: 101 },
    { breaker_a: 20, inrush_a: 100 },
  ],
  POE_BUDGET_EXCEEDED: [
    { pse_total_w: 401, poe_budget_w: 400 },
    { pse_total_w: 400, poe_budget_w: 400 },
  ],
  POE_PORT_LIMIT: [
    { port_w: 31, port_limit_w: 30 },
    { port_w: 7.6, port_limit_w: 30 },
  ],
  POE_LINK_OVERLOAD: [
    { v_pse: 44, loop_ohm: 20, p_pd_w: 25.5 },
    { v_pse: 50, loop_ohm: 20, p_pd_w: 25.5 },
  ],
  POE_BUS_VOLTAGE_LOW: [
    { ...cells, direct_feed: true, poe_type: 'at' },
    { ...cells, direct_feed: true, poe_type: 'af' },
  ],
  POE_BUS_VOLTAGE_HIGH: [
    { series: 22, v_charge: 2.7, direct_feed: true },
    { series: 21, v_charge: 2.7, direct_feed: true },
  ],
  SUPPLY_LIMIT: [
    { supply_w: 80, supply_rated_w: 100 },
    { supply_w: 79, supply_rated_w: 100 },
  ],
  PACK_VOLTAGE_WINDOW: [
    { ...cells, series: 17, bus_v_max: 57 },
    { ...cells, bus_v_min: 44, bus_v_max: 57 },
  ],
  TOUCH_VOLTAGE_60V: [
    { ...cells, series: 18 },
    { ...cells, series: 17 },
  ],
  LFP_CHARGE_BELOW_FREEZING: [
    { chemistry: 'LFP', temp_c: 0, charging: true },
    { chemistry: 'LTO', temp_c: 0, charging: true },
  ],
  TEMP_OUT_OF_RANGE: [
    { chemistry: 'LFP', temp_c: 40, charging: true, charge_temp_c: [0, 35] },
    { chemistry: 'LFP', temp_c: 40, charging: true },
  ],
  C_RATE_DISCHARGE: [
    { ...cells, power_w: 4900, capacity_ah: 105, cont_discharge_c: 1 },
    { ...cells, power_w: 4900, capacity_ah: 105, cont_discharge_c: 1, parallel: 2 },
  ],
  C_RATE_CHARGE: [
    { chemistry: 'LFP', charge_a: 60, capacity_ah: 100, cont_charge_c: 1, temp_c: 5 },
    { chemistry: 'LFP', charge_a: 60, capacity_ah: 100, cont_charge_c: 1, temp_c: 20 },
  ],
  BMS_CURRENT: [
    { lvc_v: 46.4, power_w: 5000, bms_a: 100 },
    { lvc_v: 46.4, power_w: 4600, bms_a: 100 },
  ],
  LVC_TOO_LOW: [
    { lvc_v: 44, bms_cutoff_v: 44 },
    { lvc_v: 46.4, chemistry: 'LFP', series: 16 },
  ],
  POWER_NOT_DELIVERABLE: [
    { ocv_v: 50, r_ohm: 0.1, power_w: 6300 },
    { ocv_v: 50, r_ohm: 0.1, power_w: 6200 },
  ],
  HIGH_RATE_UNCERTAIN: [{ c_rate: 0.6 }, { c_rate: 0.6, rate_measured: true }],
  RUNTIME_BELOW_TARGET: [
    { hours: 11.9, target_hours: 12 },
    { hours: 12, target_hours: 12 },
  ],
  RESERVE_EXCEEDS_CAPACITY: [
    { reserve_wh: 105, energy_total_wh: 100 },
    { reserve_wh: 105, energy_total_wh: 1290 },
  ],
  RECHARGE_TOO_SLOW: [{ recharge_hours: 25 }, { recharge_hours: 24 }],
  HIGH_STANDBY_SOC: [{ standby_soc: 1 }, { standby_soc: 0.95 }],
  LIFE_BELOW_TARGET: [
    { years_to_80: 8, target_years: 10 },
    { years_to_80: 10, target_years: 10 },
  ],
  FUSE_MISSING: [{ fuse: 'none' }, { fuse: 'class-t' }],
  FUSE_BREAKING_CAPACITY: [
    { ocv_v: 52.8, r_ohm: 0.008, fuse_breaking_ka: 2 },
    { ocv_v: 52.8, r_ohm: 0.008, fuse_breaking_ka: 20 },
  ],
  PARALLEL_STRINGS: [{ parallel: 2 }, { parallel: 2, string_fuses: true }],
  CELL_GRADE_UNKNOWN: [{ cell_grade: 'unknown' }, { cell_grade: 'A' }],
  UNVERIFIED_DATA: [{ unverified: ['price_usd'] }, { unverified: [] }],
  EXTRAPOLATED: [{ extrapolated: true }, { extrapolated: false }],
  ENERGY_CODE: [{ energy_kwh: 21 }, { energy_kwh: 21, indoors: false }],
};

function codes(inputs: Inputs): readonly string[] {
  const answer = evaluateCase({ id: 1, kind: 'warnings', inputs });
  if ('error' in answer) throw new Error(answer.error.message);
  return answer.warnings;
}

describe('warnings', () => {
  it('are the 36 of the planner note', () => {
    expect(WARNING_CODES).toHaveLength(36);
  });

  it.each(WARNING_CODES)('%s when it must, and not when it need not', (code) => {
    const [present, absent] = CASES[code];
    expect(codes(present)).toContain(code);
    expect(codes(absent)).not.toContain(code);
    expect(warningText(code).text).toMatch(/\w/);
  });

  it('are silent where nothing is known', () => {
    expect(warningsFor({})).toEqual([]);
    expect(codes({})).toEqual([]);
  });

  it('take null for a fuse that is not there, and thousands where they are usual', () => {
    expect(codes({ fuse: null })).toEqual(['FUSE_MISSING']);
    expect(codes({ short_circuit_ka: 6.6, fuse_breaking_ka: 2 })).toEqual(['FUSE_BREAKING_CAPACITY']);
  });

  it('know how much a pack of known cells holds', () => {
    const one = { chemistry: 'LFP', series: 16, capacity_ah: 314, string_fuses: true };
    expect(codes({ ...one, parallel: 2 })).toEqual(['ENERGY_CODE']);
    expect(codes(one)).toEqual([]);
  });

  it('say more than one thing at a time, each once', () => {
    expect(codes({ ...circuit, current_a: 25, plug: '5-15P' })).toEqual([
      'CIRCUIT_OVER_BREAKER',
      'CIRCUIT_OVER_CONTINUOUS',
      'PLUG_LIMIT',
    ]);
  });

  it('come with the answers of other kinds too', () => {
    const cell = { ocv: 'lfp', capacity_ah: 280, r_dc_mohm: 0.5 };
    const inputs = { cell, series: 16, power_w: 281, lvc_v: 40, target_hours: 100, bms_a: 5 };
    const answer = evaluateCase({ id: 1, kind: 'runtime', inputs });
    expect(answer).toMatchObject({ warnings: ['BMS_CURRENT', 'LVC_TOO_LOW', 'RUNTIME_BELOW_TARGET'] });
  });
});
