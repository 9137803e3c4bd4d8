import type { Facts } from '../model/facts.ts';
import { type WarningCode, warningsFor, warningText } from '../model/warnings.ts';
import type { Finding } from './answer.ts';

/** Warnings of the model with what to do about them. */

/** What to do, by code: one sentence for people. */
export const ADVICE: Readonly<Record<WarningCode, string>> = {
  CIRCUIT_OVER_BREAKER: 'Take load off, or ask for a second or a bigger circuit; this breaker will trip.',
  CIRCUIT_OVER_CONTINUOUS: 'Take load off or split it over two circuits: what runs 3 h or more may use 80 % only.',
  CIRCUIT_LOW_HEADROOM: 'Leave room for the charger and for what else hangs on this circuit.',
  PLUG_LIMIT: 'Use a plug and receptacle that carry it (5-20P 16 A, L5-30P 24 A), or split the rack.',
  CHARGER_EXCEEDS_HEADROOM: 'Set the charger to the current shown as fitting, or charge from another circuit.',
  LOW_POWER_FACTOR: 'Count it in VA, not in W; a supply with power factor correction needs fewer amperes.',
  VOLTAGE_DROP_BRANCH: 'Use thicker wire or a shorter run.',
  INRUSH_RISK: 'Switch ports and outlets on in groups, some seconds apart.',
  POE_BUDGET_EXCEEDED: 'Move nodes to another switch, or take one with a bigger budget.',
  POE_PORT_LIMIT: 'Put this device on a port of a higher class, or use a supply of its own.',
  POE_LINK_OVERLOAD: 'Shorten the cable, use thicker or 4-pair feeding, or raise the port voltage.',
  POE_BUS_VOLTAGE_LOW: 'Put a 48 to 54 V converter between pack and ports.',
  POE_BUS_VOLTAGE_HIGH: 'Take fewer cells in series, or put a converter between pack and ports.',
  SUPPLY_LIMIT: 'Take a bigger supply, or spread the load over two.',
  PACK_VOLTAGE_WINDOW: 'Choose another number of cells in series for this bus.',
  TOUCH_VOLTAGE_60V: 'Cover all live parts and follow the rules for hazardous voltage, or stay below 60 V.',
  LFP_CHARGE_BELOW_FREEZING: 'Warm the pack or wait: use a BMS that blocks the charge below 0 °C by itself.',
  TEMP_OUT_OF_RANGE: 'Keep the pack inside the temperatures of its datasheet.',
  C_RATE_DISCHARGE: 'Add strings or take a cell for higher currents.',
  C_RATE_CHARGE: 'Set the charger lower, the more so in the cold.',
  BMS_CURRENT: 'Take a BMS for more current, or limit load and charger.',
  LVC_TOO_LOW: 'Stop above the BMS: raise cutoffCellVolts, or set the BMS lower within the datasheet.',
  POWER_NOT_DELIVERABLE: 'Take more cells or thicker wiring: the voltage breaks down under this load.',
  HIGH_RATE_UNCERTAIN: 'Measure a real discharge at this load before you rely on it.',
  RUNTIME_BELOW_TARGET: 'Take a bigger pack (see size), shed load earlier, or ask for fewer hours.',
  RESERVE_EXCEEDS_CAPACITY: 'Shut down faster or take a bigger pack.',
  RECHARGE_TOO_SLOW: 'Take a stronger charger, if the circuit allows it, or reckon with a half full pack.',
  HIGH_STANDBY_SOC: 'Let it stand at 80 %: that costs a fifth of the runtime and saves about a quarter of the ageing.',
  LIFE_BELOW_TARGET: 'Store it cooler and at a lower charge, or plan to replace it.',
  FUSE_MISSING: 'Put a fuse at the pack’s positive terminal: class T for a big lithium pack.',
  FUSE_BREAKING_CAPACITY: 'Take a fuse that breaks this current, such as class T (20 kA).',
  PARALLEL_STRINGS: 'Give every string a fuse of its own.',
  CELL_GRADE_UNKNOWN: 'Ask for test reports and measure capacity and resistance of every cell.',
  UNVERIFIED_DATA: 'Check these figures in the datasheet of what you buy.',
  EXTRAPOLATED: 'Do not rely on it: measure.',
  ENERGY_CODE: 'Ask an electrician and the local authority before you build it.',
};

/** What holds for these facts; `where` names the load, switch or case they are of. */
export function findingsOf(facts: Facts, where?: string): readonly Finding[] {
  return warningsFor(facts).map((code) => findingOf(code, where));
}

export function findingOf(code: WarningCode, where?: string): Finding {
  return { code, ...warningText(code), advice: ADVICE[code], ...(where !== undefined && { where }) };
}

const RANK = { danger: 0, caution: 1, note: 2 } as const;

/** The worst first; what several places have in common once. */
export function sortedFindings(lists: readonly (readonly Finding[])[]): readonly Finding[] {
  const seen = new Map<string, Finding>();
  for (const finding of lists.flat()) {
    const key = `${finding.code} ${finding.where ?? ''}`;
    if (!seen.has(key)) seen.set(key, finding);
  }
  return [...seen.values()].sort((a, b) => RANK[a.level] - RANK[b.level]);
}

/** What an electrician asks. */
export const CIRCUIT_CHECKLIST: readonly string[] = [
  'Is the circuit dedicated, or do other outlets hang on it?',
  'Is there a GFCI or AFCI? Many small supplies can trip it for no reason.',
  'Is the negative of a 48 V system bonded to earth, and where?',
  'Is there a disconnect within reach?',
];

/** What a battery builder asks. */
export const PACK_CHECKLIST: readonly string[] = [
  'Are prismatic cells compressed as their datasheet wants?',
  'Are the cells matched, and is the balance current enough for their size?',
  'Does the BMS block the charge below 0 °C by itself, and not only the software?',
  'Is there a pre-charge for the capacitors of the inverter?',
  'Does the cell-level cut-off lie above the cut-off of the inverter?',
  'Is there a fuse at the pack that can break its short-circuit current?',
];
