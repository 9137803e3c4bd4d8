import type { Alarm, AlarmCode } from '../model/alarms.ts';
import type { Fields } from './driver.ts';

const CODES: Readonly<Record<string, AlarmCode>> = {
  low_capacity: 'low-soc',
  mosfet_overtemperature: 'mosfet-overtemperature',
  charging_overvoltage: 'pack-overvoltage',
  discharging_undervoltage: 'pack-undervoltage',
  pack_overvoltage: 'pack-overvoltage',
  pack_undervoltage: 'pack-undervoltage',
  cell_overvoltage: 'cell-overvoltage',
  cell_undervoltage: 'cell-undervoltage',
  charge_overcurrent: 'charge-overcurrent',
  discharge_overcurrent: 'discharge-overcurrent',
  charge_short_circuit: 'short-circuit',
  discharge_short_circuit: 'short-circuit',
  charge_overtemperature: 'charge-overtemperature',
  charge_undertemperature: 'charge-undertemperature',
  discharge_overtemperature: 'discharge-overtemperature',
  // Neither says which way the current flows: the stricter side of charging.
  battery_overtemperature: 'charge-overtemperature',
  battery_undertemperature: 'charge-undertemperature',
  box_overtemperature: 'ambient-temperature',
  cell_difference: 'cell-imbalance',
  afe_309a_protection: 'front-end-fault',
  afe_309b_protection: 'front-end-fault',
  internal_communication_fault: 'front-end-fault',
  current_sensor_fault: 'sensor-fault',
  temperature_sensor_fault: 'sensor-fault',
  wire_resistance: 'sensor-fault',
  charge_mosfet_fault: 'mosfet-fault',
  discharge_mosfet_fault: 'mosfet-fault',
};

/** Names that leave every switch closed. */
const WARNINGS = new Set([
  'low_capacity',
  'cell_difference',
  'wire_resistance',
  'current_sensor_fault',
  'temperature_sensor_fault',
  'gps_disconnected',
  'discharge_on_failed',
  'parallel_module_fault',
]);

/** Set for as long as the factory password is in use: advice, no trouble of the battery. */
const NO_ALARM = 'change_password';

/** Our alarms for the names a JK board decoded to; `undefined` while it told none. */
export function jkAlarms({ alarms }: Fields): readonly Alarm[] | undefined {
  if (!Array.isArray(alarms)) return undefined;
  return alarms
    .map(String)
    .filter((name) => name !== NO_ALARM)
    .map(alarm);
}

function alarm(name: string): Alarm {
  const level = WARNINGS.has(name) ? 'warning' : 'protection';
  const code = CODES[name];
  if (code === undefined) return { code: 'vendor', level, detail: name };
  return CODES_WITH_DETAIL.has(code) || name.startsWith('battery_') ? { code, level, detail: name } : { code, level };
}

/** Codes that several names share. */
const CODES_WITH_DETAIL = new Set<AlarmCode>(['sensor-fault', 'mosfet-fault', 'front-end-fault', 'short-circuit']);
