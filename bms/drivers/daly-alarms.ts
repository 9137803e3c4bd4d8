import type { Alarm, AlarmCode, AlarmLevel } from '../model/alarms.ts';
import type { Doubt, Fields } from './driver.ts';

/** Two levels of one trouble: L1 warns, L2 opens a FET. */
function levels(...names: string[]): string[] {
  return names.flatMap((name) => [`${name}_l1`, `${name}_l2`]);
}

/** Names of the fault bits of command 0x98, byte by byte, bit 0 first. The Modbus map packs the same bytes into words. */
const FAULT_BYTES: readonly (readonly string[])[] = [
  levels('cell_overvoltage', 'cell_undervoltage', 'pack_overvoltage', 'pack_undervoltage'),
  levels(
    'charge_overtemperature',
    'charge_undertemperature',
    'discharge_overtemperature',
    'discharge_undertemperature',
  ),
  levels('charge_overcurrent', 'discharge_overcurrent', 'soc_high', 'soc_low'),
  levels('cell_difference', 'temperature_difference'),
  [
    'charge_mosfet_overtemperature',
    'discharge_mosfet_overtemperature',
    'charge_mosfet_sensor_fault',
    'discharge_mosfet_sensor_fault',
    'charge_mosfet_welded',
    'discharge_mosfet_welded',
    'charge_mosfet_open',
    'discharge_mosfet_open',
  ],
  [
    'afe_fault',
    'cell_sampling_lost',
    'cell_sensor_fault',
    'eeprom_fault',
    'rtc_fault',
    'precharge_failed',
    'vehicle_communication_fault',
    'internal_communication_fault',
  ],
  [
    'current_module_fault',
    'pack_voltage_sense_fault',
    'short_circuit',
    'low_voltage_charge_forbidden',
    'mosfet_off_by_switch',
    'charging_cabinet_offline',
  ],
];

/** Names of the set fault bits of up to seven bytes; a bit without a name becomes `byte<n>_bit<m>`. */
export function dalyFaults(bytes: ArrayLike<number>): string[] {
  const names: string[] = [];
  for (const [at, known] of FAULT_BYTES.entries()) {
    for (let bit = 0; bit < 8; bit += 1) {
      if (((bytes[at] ?? 0) >>> bit) & 1) names.push(known[bit] ?? `byte${at}_bit${bit}`);
    }
  }
  return names;
}

const CODES: Readonly<Record<string, AlarmCode>> = {
  cell_overvoltage: 'cell-overvoltage',
  cell_undervoltage: 'cell-undervoltage',
  pack_overvoltage: 'pack-overvoltage',
  pack_undervoltage: 'pack-undervoltage',
  charge_overtemperature: 'charge-overtemperature',
  charge_undertemperature: 'charge-undertemperature',
  discharge_overtemperature: 'discharge-overtemperature',
  discharge_undertemperature: 'discharge-undertemperature',
  charge_overcurrent: 'charge-overcurrent',
  discharge_overcurrent: 'discharge-overcurrent',
  soc_low: 'low-soc',
  cell_difference: 'cell-imbalance',
  charge_mosfet_overtemperature: 'mosfet-overtemperature',
  discharge_mosfet_overtemperature: 'mosfet-overtemperature',
  mosfet_overtemperature: 'mosfet-overtemperature',
  charge_mosfet_sensor_fault: 'sensor-fault',
  discharge_mosfet_sensor_fault: 'sensor-fault',
  charge_mosfet_welded: 'mosfet-fault',
  discharge_mosfet_welded: 'mosfet-fault',
  charge_mosfet_open: 'mosfet-fault',
  discharge_mosfet_open: 'mosfet-fault',
  charge_mosfet_fault: 'mosfet-fault',
  discharge_mosfet_fault: 'mosfet-fault',
  afe_fault: 'front-end-fault',
  afe_communication_fault: 'front-end-fault',
  afe_sampling_fault: 'front-end-fault',
  cell_sampling_lost: 'front-end-fault',
  cell_sensor_fault: 'sensor-fault',
  sense_wire_open: 'sensor-fault',
  temperature_sensor_fault: 'sensor-fault',
  temperature_sensor_open: 'sensor-fault',
  current_module_fault: 'sensor-fault',
  pack_voltage_sense_fault: 'sensor-fault',
  short_circuit: 'short-circuit',
  mosfet_off_by_switch: 'locked-by-command',
  charge_off_by_command: 'locked-by-command',
  discharge_off_by_command: 'locked-by-command',
  charge_off_by_switch: 'locked-by-command',
  discharge_off_by_switch: 'locked-by-command',
};

/** Troubles that open a FET although they have no levels. */
const PROTECTIONS = new Set([
  'short_circuit',
  'low_voltage_charge_forbidden',
  'precharge_failed',
  'thermal_runaway',
  'afe_fault',
]);

/** Our alarm for a name of Daly's. `level` where the board tells one apart from the name. */
export function dalyAlarm(name: string, level?: AlarmLevel): Alarm {
  const plain = name.replace(/_l[12]$/, '');
  const code = CODES[plain];
  const told = level ?? levelOf(name, code);
  if (code === undefined) return { code: 'vendor', level: told, detail: name };
  const sharedCode = code.endsWith('-fault') || code === 'mosfet-overtemperature' || code === 'locked-by-command';
  return sharedCode ? { code, level: told, detail: plain } : { code, level: told };
}

function levelOf(name: string, code: AlarmCode | undefined): AlarmLevel {
  const opens =
    name.endsWith('_l2') || PROTECTIONS.has(name) || code === 'mosfet-fault' || code === 'mosfet-overtemperature';
  return opens ? 'protection' : 'warning';
}

const CONTRADICTS = 'the board says';

/** State and current are of different frames: only three polls running prove that they contradict each other. */
export const signDoubt: Doubt = {
  polls: 3,
  concerns: ({ code, detail }) => code === 'sensor-fault' && (detail?.startsWith(CONTRADICTS) ?? false),
};

/** Below this the state may be rounded to idle or lag behind, A. */
const SIGN_FROM_A = 1;

/**
 * Some firmware counts the current the other way round. A board whose own state contradicts its current is reported; which of
 * the two is right, only its owner can see.
 */
export function signContradiction({ state, currentA }: Fields): readonly Alarm[] {
  if (typeof currentA !== 'number' || Math.abs(currentA) <= SIGN_FROM_A) return [];
  const opposite = currentA > 0 ? 'discharging' : 'charging';
  if (state !== opposite) return [];
  const detail = `${CONTRADICTS} ${opposite}, its current of ${currentA.toFixed(1)} A the opposite`;
  return [{ code: 'sensor-fault', level: 'warning', detail }];
}
