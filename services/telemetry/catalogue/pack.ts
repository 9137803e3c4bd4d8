import type { AlarmCode, PackSample } from '#bms/model';
import type { Snapshot } from '../../shutdown/view.ts';
import { fresh, type HomeAssistantWords, type Metric, metric, type Reading } from '../metric.ts';
import type { Unit } from '../units.ts';

/** What each BMS or shunt says. */

const everyAlarm: Readonly<Record<AlarmCode, true>> = {
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
  vendor: true,
};

const alarmStates = { label: 'code', values: Object.keys(everyAlarm) };

/** Readings of every pack whose sample is fresh. */
function eachPack(snapshot: Snapshot, read: (sample: PackSample, pack: string) => readonly Reading[]): Reading[] {
  return Object.entries(snapshot.rack.packs).flatMap(([pack, observed]) => {
    const sample = fresh(observed);
    if (!sample) return [];
    return read(sample, pack).map((reading) => ({
      ...reading,
      labels: { pack, ...reading.labels },
      atMs: sample.measuredAtMs,
    }));
  });
}

interface PackRow {
  readonly field: string;
  readonly quantity: string;
  readonly unit: Unit;
  readonly kind?: 'counter';
  readonly help: string;
  readonly mqtt: string;
  readonly homeAssistant: Partial<HomeAssistantWords> & { readonly name: string };
  readonly value: (sample: PackSample) => number | undefined;
}

const ofPack = (row: PackRow): Metric =>
  metric({
    ...row,
    measurement: 'pack',
    labels: ['pack'],
    mqtt: { kind: 'pack', id: 'pack', path: [row.mqtt] },
    read: (snapshot) => eachPack(snapshot, (sample) => [{ value: row.value(sample) }]),
  });

interface CountRow {
  readonly field: string;
  readonly quantity: string;
  readonly help: string;
  readonly read: (count: { readonly socRatio: number; readonly socSigma: number }) => number;
}

/** What we count ourselves, beside what the BMS says. */
const ofCount = ({ read, ...row }: CountRow): Metric =>
  metric({
    ...row,
    unit: 'ratio',
    measurement: 'pack',
    labels: ['pack'],
    read: (snapshot) =>
      eachPack(snapshot, (_, pack) => {
        const count = snapshot.rack.bank.packs?.[pack];
        return count === undefined ? [] : [{ value: read(count) }];
      }),
  });

const times = (value: number | undefined, factor: number): number | undefined =>
  value === undefined ? undefined : value * factor;

export const packMetrics: readonly Metric[] = [
  ofPack({
    field: 'voltage_volts',
    quantity: 'voltage',
    unit: 'volts',
    help: 'Voltage of the pack.',
    mqtt: 'voltageV',
    homeAssistant: { name: 'Voltage', precision: 2 },
    value: (sample) => sample.voltageV,
  }),
  ofPack({
    field: 'current_amperes',
    quantity: 'current',
    unit: 'amperes',
    help: 'Current of the pack; positive charges it.',
    mqtt: 'currentA',
    homeAssistant: { name: 'Current (positive charges)', precision: 2 },
    value: (sample) => sample.currentA,
  }),
  ofPack({
    field: 'power_watts',
    quantity: 'power',
    unit: 'watts',
    help: 'Power of the pack; positive charges it.',
    mqtt: 'powerW',
    homeAssistant: { name: 'Power (positive charges)', precision: 0 },
    value: (sample) => sample.powerW,
  }),
  ofPack({
    field: 'soc_ratio',
    quantity: 'state of charge',
    unit: 'ratio',
    help: 'State of charge as the BMS itself has it.',
    mqtt: 'socRatio',
    homeAssistant: { name: 'State of charge', deviceClass: 'battery', precision: 0 },
    value: (sample) => sample.socRatio,
  }),
  ofCount({
    field: 'counted_soc_ratio',
    quantity: 'state of charge',
    help: 'State of charge of the pack by our own count.',
    read: ({ socRatio }) => socRatio,
  }),
  ofCount({
    field: 'counted_soc_sigma_ratio',
    quantity: 'uncertainty',
    help: 'Standard deviation of our own count of the pack.',
    read: ({ socSigma }) => socSigma,
  }),
  ofPack({
    field: 'soh_ratio',
    quantity: 'state of health',
    unit: 'ratio',
    help: 'State of health as the BMS itself has it.',
    mqtt: 'sohRatio',
    homeAssistant: { name: 'State of health', precision: 0, entityCategory: 'diagnostic' },
    value: (sample) => sample.sohRatio,
  }),
  ofPack({
    field: 'charge_remaining_coulombs',
    quantity: 'charge',
    unit: 'coulombs',
    help: 'Charge left in the pack as the BMS counts it.',
    mqtt: 'remainingAh',
    homeAssistant: { name: 'Charge left', precision: 1 },
    value: (sample) => times(sample.remainingAh, 3600),
  }),
  ofPack({
    field: 'charge_full_coulombs',
    quantity: 'charge',
    unit: 'coulombs',
    help: 'Charge of the full pack as the BMS has learned it.',
    mqtt: 'fullAh',
    homeAssistant: { name: 'Charge when full', precision: 1, entityCategory: 'diagnostic' },
    value: (sample) => times(sample.fullAh, 3600),
  }),
  ofPack({
    field: 'runtime_seconds',
    quantity: 'time',
    unit: 'seconds',
    help: 'Time to empty as the BMS itself estimates it; absent while it does not discharge.',
    mqtt: 'timeToEmptyS',
    homeAssistant: { name: 'Time to empty', entityCategory: 'diagnostic' },
    value: (sample) => sample.timeToEmptyS,
  }),
  ofPack({
    field: 'cycles_total',
    quantity: 'charge cycles',
    unit: 'count',
    kind: 'counter',
    help: 'Charge cycles the BMS has counted.',
    mqtt: 'cycles',
    homeAssistant: { name: 'Cycles', entityCategory: 'diagnostic' },
    value: (sample) => sample.cycles,
  }),
  ofPack({
    field: 'energy_charged_joules_total',
    quantity: 'energy',
    unit: 'joules',
    kind: 'counter',
    help: 'Energy that ever went into the pack.',
    mqtt: 'energyInWh',
    homeAssistant: { name: 'Energy in', precision: 2 },
    value: (sample) => times(sample.energyInWh, 3600),
  }),
  ofPack({
    field: 'energy_discharged_joules_total',
    quantity: 'energy',
    unit: 'joules',
    kind: 'counter',
    help: 'Energy that ever came out of the pack.',
    mqtt: 'energyOutWh',
    homeAssistant: { name: 'Energy out', precision: 2 },
    value: (sample) => times(sample.energyOutWh, 3600),
  }),
  ofPack({
    field: 'alarms_active',
    quantity: 'alarms',
    unit: 'count',
    help: 'Alarms the BMS raises right now.',
    mqtt: 'alarmsActive',
    homeAssistant: {
      name: 'Problem',
      platform: 'binary_sensor',
      deviceClass: 'problem',
      entityCategory: 'diagnostic',
    },
    value: (sample) => sample.alarms?.length,
  }),
  metric({
    measurement: 'pack',
    field: 'alarm',
    quantity: 'alarm',
    unit: 'boolean',
    kind: 'state-set',
    states: alarmStates,
    labels: ['pack', 'code'],
    help: 'Whether the BMS raises this alarm.',
    read: (snapshot) =>
      eachPack(snapshot, (sample) => {
        const { alarms } = sample;
        if (!alarms) return [];
        return alarmStates.values.map((code) => ({
          labels: { code },
          value: alarms.some((alarm) => alarm.code === code),
        }));
      }),
  }),
  metric({
    measurement: 'pack',
    field: 'info',
    quantity: 'identity',
    unit: 'count',
    kind: 'info',
    labels: ['pack', 'model', 'serial', 'firmware'],
    help: 'What the BMS says it is; always 1.',
    read: (snapshot) =>
      eachPack(snapshot, (sample) => [
        {
          labels: { model: sample.model ?? '', serial: sample.serial ?? '', firmware: sample.firmware ?? '' },
          value: 1,
        },
      ]),
  }),
  metric({
    measurement: 'cell',
    field: 'voltage_volts',
    quantity: 'voltage',
    unit: 'volts',
    labels: ['pack', 'cell'],
    help: 'Voltage of a cell; cell 1 is the most negative.',
    mqtt: { kind: 'pack', id: 'pack', path: ['cellsV', '#cell'] },
    homeAssistant: { name: 'Cell', precision: 3, entityCategory: 'diagnostic', enabledByDefault: false },
    read: (snapshot) =>
      eachPack(snapshot, (sample) =>
        (sample.cellsV ?? []).map((value, index) => ({ labels: { cell: String(index + 1) }, value })),
      ),
  }),
  metric({
    measurement: 'cell',
    field: 'balancing',
    quantity: 'balancing',
    unit: 'boolean',
    labels: ['pack', 'cell'],
    help: 'Whether the BMS balances this cell.',
    read: (snapshot) =>
      eachPack(snapshot, (sample) => {
        const { balancingCells } = sample;
        if (!balancingCells) return [];
        return (sample.cellsV ?? []).map((_, index) => ({
          labels: { cell: String(index + 1) },
          value: balancingCells.includes(index + 1),
        }));
      }),
  }),
  metric({
    measurement: 'temperature',
    field: 'celsius',
    quantity: 'temperature',
    unit: 'celsius',
    labels: ['pack', 'sensor'],
    help: 'Temperature in the pack: sensor 1, 2, … in the order of the BMS, or mosfet.',
    mqtt: { kind: 'pack', id: 'pack', path: ['temperaturesC', ':sensor'] },
    homeAssistant: { name: 'Temperature', precision: 1 },
    read: (snapshot) =>
      eachPack(snapshot, (sample) => [
        ...(sample.temperaturesC ?? []).map((value, index) => ({ labels: { sensor: String(index + 1) }, value })),
        { labels: { sensor: 'mosfet' }, value: sample.mosfetTemperatureC },
      ]),
  }),
  metric({
    measurement: 'fet',
    field: 'closed',
    quantity: 'switch position',
    unit: 'boolean',
    labels: ['pack', 'fet'],
    help: 'Whether the charge or discharge switch of the BMS lets current through.',
    mqtt: { kind: 'pack', id: 'pack', path: ['fetClosed', ':fet'] },
    homeAssistant: { name: 'Switch closed', entityCategory: 'diagnostic' },
    read: (snapshot) =>
      eachPack(snapshot, (sample) => [
        { labels: { fet: 'charge' }, value: sample.chargeFetClosed },
        { labels: { fet: 'discharge' }, value: sample.dischargeFetClosed },
      ]),
  }),
];
