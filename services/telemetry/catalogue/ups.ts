import type { UpsSample } from '#bms/model';
import { fresh, type HomeAssistantWords, type Metric, metric } from '../metric.ts';
import type { Unit } from '../units.ts';

/** UPSes and inverters that are read. */

interface Words {
  readonly field: string;
  readonly quantity: string;
  readonly unit: Unit;
  readonly help: string;
  readonly mqtt: string;
  readonly homeAssistant: Partial<HomeAssistantWords> & { readonly name: string };
}

const ofUps = (row: Words & { readonly value: (sample: UpsSample) => number | boolean | undefined }): Metric =>
  metric({
    ...row,
    measurement: 'ups',
    labels: ['ups'],
    mqtt: { kind: 'ups', id: 'ups', path: [row.mqtt] },
    read: ({ rack }) =>
      Object.entries(rack.ups ?? {}).flatMap(([ups, observed]) => {
        const sample = fresh(observed);
        return sample ? [{ labels: { ups }, value: row.value(sample), atMs: sample.measuredAtMs }] : [];
      }),
  });

export const upsMetrics: readonly Metric[] = [
  ofUps({
    field: 'mains_present',
    quantity: 'presence',
    unit: 'boolean',
    help: 'Whether a UPS says that its input has mains; absent when it does not tell.',
    mqtt: 'mainsPresent',
    homeAssistant: { name: 'Mains', deviceClass: 'power' },
    value: (sample) => sample.mainsPresent,
  }),
  ofUps({
    field: 'input_voltage_volts',
    quantity: 'voltage',
    unit: 'volts',
    help: 'Voltage at the input of a UPS.',
    mqtt: 'inputVoltageV',
    homeAssistant: { name: 'Input voltage', precision: 1 },
    value: (sample) => sample.inputVoltageV,
  }),
  ofUps({
    field: 'input_frequency_hertz',
    quantity: 'frequency',
    unit: 'hertz',
    help: 'Frequency at the input of a UPS.',
    mqtt: 'inputFrequencyHz',
    homeAssistant: { name: 'Input frequency', precision: 1, entityCategory: 'diagnostic' },
    value: (sample) => sample.inputFrequencyHz,
  }),
  ofUps({
    field: 'output_voltage_volts',
    quantity: 'voltage',
    unit: 'volts',
    help: 'Voltage at the output of a UPS.',
    mqtt: 'outputVoltageV',
    homeAssistant: { name: 'Output voltage', precision: 1 },
    value: (sample) => sample.outputVoltageV,
  }),
  ofUps({
    field: 'load_watts',
    quantity: 'power',
    unit: 'watts',
    help: 'Load of a UPS: measured by it, or its share of what it can carry.',
    mqtt: 'loadPowerW',
    homeAssistant: { name: 'Load', precision: 0 },
    value: (sample) => sample.loadPowerW,
  }),
  ofUps({
    field: 'load_ratio',
    quantity: 'load',
    unit: 'ratio',
    help: 'Load of a UPS as a share of what it can carry.',
    mqtt: 'loadRatio',
    homeAssistant: { name: 'Load share', precision: 0 },
    value: (sample) => sample.loadRatio,
  }),
  ofUps({
    field: 'battery_voltage_volts',
    quantity: 'voltage',
    unit: 'volts',
    help: 'Voltage of the battery of a UPS.',
    mqtt: 'batteryVoltageV',
    homeAssistant: { name: 'Battery voltage', precision: 1 },
    value: (sample) => sample.batteryVoltageV,
  }),
  ofUps({
    field: 'soc_ratio',
    quantity: 'state of charge',
    unit: 'ratio',
    help: 'State of charge as a UPS itself tells it.',
    mqtt: 'socRatio',
    homeAssistant: { name: 'State of charge', deviceClass: 'battery', precision: 0 },
    value: (sample) => sample.socRatio,
  }),
  ofUps({
    field: 'runtime_seconds',
    quantity: 'time',
    unit: 'seconds',
    help: 'Time left on battery as a UPS itself reckons it.',
    mqtt: 'runtimeS',
    homeAssistant: { name: 'Runtime', precision: 0 },
    value: (sample) => sample.runtimeS,
  }),
  ofUps({
    field: 'low_battery',
    quantity: 'state',
    unit: 'boolean',
    help: 'Whether a UPS says that its battery is nearly empty.',
    mqtt: 'lowBattery',
    homeAssistant: { name: 'Low battery', deviceClass: 'battery' },
    value: (sample) => sample.lowBattery,
  }),
  ofUps({
    field: 'forced_shutdown',
    quantity: 'state',
    unit: 'boolean',
    help: 'Whether everything a UPS feeds is ordered to go down.',
    mqtt: 'forcedShutdown',
    homeAssistant: { name: 'Forced shutdown', deviceClass: 'problem' },
    value: (sample) => sample.forcedShutdown,
  }),
];
