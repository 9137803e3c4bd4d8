import type { MeterSample } from '#bms/model';
import type { BankView } from '../../rack/rack.ts';
import { fresh, type HomeAssistantWords, type Metric, metric, type NutWords } from '../metric.ts';
import type { Unit } from '../units.ts';

/** The bank as one source of energy, and the meters. */

interface Words {
  readonly field: string;
  readonly quantity: string;
  readonly unit: Unit;
  readonly kind?: 'counter';
  readonly help: string;
  readonly mqtt: string;
  readonly homeAssistant: Partial<HomeAssistantWords> & { readonly name: string };
  readonly nut?: NutWords;
}

const ofBank = (row: Words & { readonly value: (bank: BankView) => number | undefined }): Metric =>
  metric({
    ...row,
    measurement: 'bank',
    mqtt: { kind: 'bank', path: [row.mqtt] },
    read: ({ rack }) => {
      const { bank } = rack;
      if (bank.freshness !== 'fresh') return [];
      const atMs = bank.measuredAtMs === undefined ? undefined : rack.wallMs - (rack.monoMs - bank.measuredAtMs);
      return [{ value: row.value(bank), atMs: atMs === undefined ? undefined : Math.round(atMs) }];
    },
  });

const ofMeter = (row: Words & { readonly value: (sample: MeterSample) => number | undefined }): Metric =>
  metric({
    ...row,
    measurement: 'meter',
    labels: ['meter'],
    mqtt: { kind: 'meter', id: 'meter', path: [row.mqtt] },
    read: ({ rack }) =>
      Object.entries(rack.meters).flatMap(([meter, observed]) => {
        const sample = fresh(observed);
        return sample ? [{ labels: { meter }, value: row.value(sample), atMs: sample.measuredAtMs }] : [];
      }),
  });

const joules = (wh: number | undefined): number | undefined => (wh === undefined ? undefined : wh * 3600);

const bankMetrics: readonly Metric[] = [
  ofBank({
    field: 'voltage_volts',
    quantity: 'voltage',
    unit: 'volts',
    help: 'Voltage of the DC bus.',
    mqtt: 'voltageV',
    homeAssistant: { name: 'Voltage', precision: 2 },
    nut: { variable: 'battery.voltage', scale: 1, digits: 2 },
    value: (bank) => bank.voltageV,
  }),
  ofBank({
    field: 'current_amperes',
    quantity: 'current',
    unit: 'amperes',
    help: 'Current of all packs together; positive charges.',
    mqtt: 'currentA',
    homeAssistant: { name: 'Current (positive charges)', precision: 2 },
    nut: { variable: 'battery.current', scale: 1, digits: 2 },
    value: (bank) => bank.currentA,
  }),
  ofBank({
    field: 'power_watts',
    quantity: 'power',
    unit: 'watts',
    help: 'Power of all packs together; positive charges.',
    mqtt: 'powerW',
    homeAssistant: { name: 'Power (positive charges)', precision: 0 },
    value: (bank) => bank.powerW,
  }),
  ofBank({
    field: 'soc_ratio',
    quantity: 'state of charge',
    unit: 'ratio',
    help: 'State of charge by our own model.',
    mqtt: 'socRatio',
    homeAssistant: { name: 'State of charge', deviceClass: 'battery', precision: 0 },
    nut: { variable: 'battery.charge', scale: 100, digits: 0 },
    value: (bank) => bank.socRatio,
  }),
  ofBank({
    field: 'soc_sigma_ratio',
    quantity: 'uncertainty',
    unit: 'ratio',
    help: 'Standard deviation of our own state of charge.',
    mqtt: 'socSigma',
    homeAssistant: { name: 'State of charge uncertainty', precision: 1, entityCategory: 'diagnostic' },
    value: (bank) => bank.socSigma,
  }),
  ofBank({
    field: 'energy_usable_joules',
    quantity: 'energy',
    unit: 'joules',
    help: 'Energy deliverable at the present load down to the cut-off.',
    mqtt: 'usableWh',
    homeAssistant: { name: 'Usable energy', precision: 0 },
    value: (bank) => joules(bank.usableWh),
  }),
  ofBank({
    field: 'energy_usable_low_joules',
    quantity: 'energy',
    unit: 'joules',
    help: 'Cautious bound of the usable energy (two standard deviations low).',
    mqtt: 'usableLowWh',
    homeAssistant: { name: 'Usable energy, cautious', precision: 0, entityCategory: 'diagnostic' },
    value: (bank) => joules(bank.usableLowWh),
  }),
  ofBank({
    field: 'energy_full_joules',
    quantity: 'energy',
    unit: 'joules',
    help: 'Energy of the full bank.',
    mqtt: 'fullWh',
    homeAssistant: { name: 'Energy when full', precision: 0, entityCategory: 'diagnostic' },
    value: (bank) => joules(bank.fullWh),
  }),
  ofBank({
    field: 'runtime_seconds',
    quantity: 'time',
    unit: 'seconds',
    help: 'Time to empty at the present load by our own model; absent while not discharging.',
    mqtt: 'runtimeS',
    homeAssistant: { name: 'Runtime', precision: 0 },
    nut: { variable: 'battery.runtime', scale: 1, digits: 0 },
    value: (bank) => bank.runtimeS,
  }),
  ofBank({
    field: 'weakest_cell_volts',
    quantity: 'voltage',
    unit: 'volts',
    help: 'Voltage of the weakest cell of all packs.',
    mqtt: 'weakestCellV',
    homeAssistant: { name: 'Weakest cell', precision: 3 },
    value: (bank) => bank.weakestCellV,
  }),
  ofBank({
    field: 'cell_spread_volts',
    quantity: 'voltage',
    unit: 'volts',
    help: 'Largest difference between cells of one pack.',
    mqtt: 'cellSpreadV',
    homeAssistant: { name: 'Cell spread', precision: 3 },
    value: (bank) => bank.cellSpreadV,
  }),
  metric({
    measurement: 'bank',
    field: 'complete',
    quantity: 'completeness',
    unit: 'boolean',
    help: 'Whether every configured pack is fresh.',
    read: ({ rack }) => [{ value: rack.bank.complete }],
  }),
];

const meterMetrics: readonly Metric[] = [
  ofMeter({
    field: 'voltage_volts',
    quantity: 'voltage',
    unit: 'volts',
    help: 'AC voltage at the meter.',
    mqtt: 'voltageV',
    homeAssistant: { name: 'Voltage', precision: 1 },
    nut: { variable: 'input.voltage', scale: 1, digits: 1 },
    value: (sample) => sample.voltageV,
  }),
  ofMeter({
    field: 'current_amperes',
    quantity: 'current',
    unit: 'amperes',
    help: 'AC current at the meter, magnitude.',
    mqtt: 'currentA',
    homeAssistant: { name: 'Current', precision: 2 },
    nut: { variable: 'input.current', scale: 1, digits: 2 },
    value: (sample) => sample.currentA,
  }),
  ofMeter({
    field: 'power_watts',
    quantity: 'power',
    unit: 'watts',
    help: 'Active power at the meter; positive is drawn from mains.',
    mqtt: 'powerW',
    homeAssistant: { name: 'Power', precision: 0 },
    nut: { variable: 'input.realpower', scale: 1, digits: 0 },
    value: (sample) => sample.powerW,
  }),
  ofMeter({
    field: 'apparent_power_voltamperes',
    quantity: 'apparent power',
    unit: 'voltamperes',
    help: 'Apparent power at the meter.',
    mqtt: 'apparentVa',
    homeAssistant: { name: 'Apparent power', precision: 0, entityCategory: 'diagnostic' },
    nut: { variable: 'input.power', scale: 1, digits: 0 },
    value: (sample) => sample.apparentVa,
  }),
  ofMeter({
    field: 'power_factor_ratio',
    quantity: 'power factor',
    unit: 'ratio',
    help: 'Power factor at the meter.',
    mqtt: 'powerFactor',
    homeAssistant: { name: 'Power factor', deviceClass: 'power_factor', precision: 0, entityCategory: 'diagnostic' },
    value: (sample) => sample.powerFactor,
  }),
  ofMeter({
    field: 'frequency_hertz',
    quantity: 'frequency',
    unit: 'hertz',
    help: 'Mains frequency at the meter.',
    mqtt: 'frequencyHz',
    homeAssistant: { name: 'Frequency', precision: 2, entityCategory: 'diagnostic' },
    nut: { variable: 'input.frequency', scale: 1, digits: 2 },
    value: (sample) => sample.frequencyHz,
  }),
  ofMeter({
    field: 'energy_imported_joules_total',
    quantity: 'energy',
    unit: 'joules',
    kind: 'counter',
    help: 'Energy the meter has counted as drawn from mains.',
    mqtt: 'importWh',
    homeAssistant: { name: 'Energy imported', precision: 2 },
    value: (sample) => joules(sample.importWh),
  }),
  ofMeter({
    field: 'energy_exported_joules_total',
    quantity: 'energy',
    unit: 'joules',
    kind: 'counter',
    help: 'Energy the meter has counted as fed back.',
    mqtt: 'exportWh',
    homeAssistant: { name: 'Energy exported', precision: 2 },
    value: (sample) => joules(sample.exportWh),
  }),
];

export const powerMetrics: readonly Metric[] = [...bankMetrics, ...meterMetrics];
