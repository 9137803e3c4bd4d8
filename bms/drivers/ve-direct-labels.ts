import { bitNames, scaler } from './fields.ts';

/** What each label of a VE.Direct text block means: name of the value and the way to SI. */

type Reading = (text: string) => unknown;

/** Whole number times a scale; anything else (`---`: no sensor, not synchronised) is not available. */
function whole(scale = 1): Reading {
  const apply = scaler(scale);
  return (text) => (/^-?\d{1,12}$/.test(text) ? apply(Number(text)) : null);
}

const text: Reading = (value) => value;
/** Old firmware sends On and Off, newer ON and OFF. */
const onOff: Reading = (value) => (/^on$/i.test(value) ? true : /^off$/i.test(value) ? false : null);
const hexNumber: Reading = (value) => (/^0x[0-9a-f]{1,8}$/i.test(value) ? Number(value) : null);
/** Minutes; -1 is infinite: it is not discharging. */
const minutes: Reading = (value) => (/^\d{1,9}$/.test(value) ? Number(value) * 60 : null);

function named(names: Readonly<Record<number, string>>): Reading {
  return (value) => (/^-?\d{1,9}$/.test(value) ? (names[Number(value)] ?? `unknown_${value}`) : null);
}

const REASONS = [
  'low_voltage',
  'high_voltage',
  'low_soc',
  'low_starter_voltage',
  'high_starter_voltage',
  'low_temperature',
  'high_temperature',
  'mid_voltage',
  'overload',
  'dc_ripple',
  'low_ac_out',
  'high_ac_out',
  'short_circuit',
  'bms_lockout',
] as const;
const reasons: Reading = (value) => (/^\d{1,9}$/.test(value) ? bitNames(Number(value), REASONS) : null);

const CHARGE_STATES = {
  0: 'off',
  1: 'low_power',
  2: 'fault',
  3: 'bulk',
  4: 'absorption',
  5: 'float',
  6: 'storage',
  7: 'equalize',
  9: 'inverting',
  11: 'power_supply',
  245: 'starting',
  246: 'repeated_absorption',
  247: 'auto_equalize',
  248: 'battery_safe',
  252: 'external_control',
};
const MPPT_MODES = { 0: 'off', 1: 'limited', 2: 'tracking' };
const DEVICE_MODES = { 1: 'charger', 2: 'inverter', 4: 'off', 5: 'eco', 253: 'hibernate' };

const MEANINGS: Readonly<Record<string, readonly [name: string, reading: Reading]>> = {
  PID: ['productId', hexNumber],
  V: ['voltageV', whole(0.001)],
  V2: ['voltage2V', whole(0.001)],
  V3: ['voltage3V', whole(0.001)],
  VS: ['auxVoltageV', whole(0.001)],
  VM: ['midVoltageV', whole(0.001)],
  DM: ['midDeviationRatio', whole(0.001)],
  VPV: ['pvVoltageV', whole(0.001)],
  PPV: ['pvPowerW', whole()],
  I: ['currentA', whole(0.001)],
  I2: ['current2A', whole(0.001)],
  I3: ['current3A', whole(0.001)],
  IL: ['loadCurrentA', whole(0.001)],
  LOAD: ['loadOn', onOff],
  T: ['tempC', whole()],
  P: ['powerW', whole()],
  CE: ['consumedAh', whole(0.001)],
  SOC: ['socRatio', whole(0.001)],
  TTG: ['timeToGoS', minutes],
  Alarm: ['alarm', onOff],
  Relay: ['relayOn', onOff],
  AR: ['alarmReasons', reasons],
  WARN: ['warningReasons', reasons],
  OR: ['offReasonBits', hexNumber],
  H1: ['deepestDischargeAh', whole(0.001)],
  H2: ['lastDischargeAh', whole(0.001)],
  H3: ['averageDischargeAh', whole(0.001)],
  H4: ['cycles', whole()],
  H5: ['fullDischarges', whole()],
  H6: ['cumulativeAh', whole(0.001)],
  H7: ['minVoltageV', whole(0.001)],
  H8: ['maxVoltageV', whole(0.001)],
  H9: ['secondsSinceFull', whole()],
  H10: ['autoSyncs', whole()],
  H11: ['lowVoltageAlarms', whole()],
  H12: ['highVoltageAlarms', whole()],
  H13: ['lowAuxVoltageAlarms', whole()],
  H14: ['highAuxVoltageAlarms', whole()],
  H15: ['minAuxVoltageV', whole(0.001)],
  H16: ['maxAuxVoltageV', whole(0.001)],
  H17: ['dischargedWh', whole(10)],
  H18: ['chargedWh', whole(10)],
  H19: ['yieldTotalWh', whole(10)],
  H20: ['yieldTodayWh', whole(10)],
  H21: ['maxPowerTodayW', whole()],
  H22: ['yieldYesterdayWh', whole(10)],
  H23: ['maxPowerYesterdayW', whole()],
  HSDS: ['daySequence', whole()],
  ERR: ['errorCode', whole()],
  CS: ['chargeState', named(CHARGE_STATES)],
  MPPT: ['mpptMode', named(MPPT_MODES)],
  MODE: ['deviceMode', named(DEVICE_MODES)],
  MON: ['monitorMode', whole()],
  AC_OUT_V: ['acOutVoltageV', whole(0.01)],
  AC_OUT_I: ['acOutCurrentA', whole(0.1)],
  AC_OUT_S: ['acOutVa', whole()],
  DC_IN_V: ['dcInVoltageV', whole(0.01)],
  DC_IN_I: ['dcInCurrentA', whole(0.1)],
  DC_IN_P: ['dcInPowerW', whole()],
  FW: ['firmware', text],
  FWE: ['firmware', text],
  'SER#': ['serial', text],
  BMV: ['model', text],
};
const LABELS = new Map(Object.entries(MEANINGS));

/**
 * Values of one block under the names of the vectors. `null`: the device says the value is not available.
 * Labels that nobody documented are passed over.
 */
export function blockValues(block: ReadonlyMap<string, string>): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [label, value] of block) {
    const known = LABELS.get(label);
    if (known !== undefined) values[known[0]] = known[1](value);
  }
  return values;
}
