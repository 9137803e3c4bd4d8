import type { AlarmCode } from '../model/alarms.ts';

/** Every alarm code that a profile may name; the compiler keeps the list complete. */
const CODES: Readonly<Record<Exclude<AlarmCode, 'vendor'>, true>> = {
  'cell-overvoltage': true,
  'cell-undervoltage': true,
  'pack-overvoltage': true,
  'pack-undervoltage': true,
  'charge-overtemperature': true,
  'charge-undertemperature': true,
  'discharge-overtemperature': true,
  'discharge-undertemperature': true,
  'mosfet-overtemperature': true,
  'ambient-temperature': true,
  'charge-overcurrent': true,
  'discharge-overcurrent': true,
  'short-circuit': true,
  'cell-imbalance': true,
  'low-soc': true,
  'front-end-fault': true,
  'mosfet-fault': true,
  'sensor-fault': true,
  'locked-by-command': true,
  'unfit-limits': true,
  'modules-missing': true,
};

export const ALARM_CODES = Object.keys(CODES) as readonly Exclude<AlarmCode, 'vendor'>[];
