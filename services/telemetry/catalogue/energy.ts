import type { EnergyTotals, Snapshot } from '../../shutdown/view.ts';
import { type Metric, metric, ONLY_ONE, type Reading } from '../metric.ts';

/**
 * Energy as the service itself has counted it, since counting began; over restarts when a history is kept. Counters
 * stay where they are while a source is silent, so they are there also when nothing is fresh.
 */

const read = (value: (energy: EnergyTotals, snapshot: Snapshot) => readonly Reading[]) => (snapshot: Snapshot) =>
  snapshot.energy === undefined ? [] : value(snapshot.energy, snapshot);

const each = (label: string, sums: Readonly<Record<string, number>>, scale: number): Reading[] =>
  Object.entries(sums).map(([name, value]) => ({ labels: { [label]: name }, value: value * scale }));

const JOULES = 3600;

export const energyMetrics: readonly Metric[] = [
  metric({
    measurement: 'energy',
    field: 'charged_joules_total',
    quantity: 'energy',
    unit: 'joules',
    kind: 'counter',
    help: 'Energy that went into the bank.',
    mqtt: { kind: 'bank', path: ['energyInWh'] },
    homeAssistant: { name: 'Energy charged', precision: 2 },
    read: read(({ inWh }) => [{ value: inWh * JOULES }]),
  }),
  metric({
    measurement: 'energy',
    field: 'discharged_joules_total',
    quantity: 'energy',
    unit: 'joules',
    kind: 'counter',
    help: 'Energy that came out of the bank.',
    mqtt: { kind: 'bank', path: ['energyOutWh'] },
    homeAssistant: { name: 'Energy discharged', precision: 2 },
    read: read(({ outWh }) => [{ value: outWh * JOULES }]),
  }),
  metric({
    measurement: 'energy',
    field: 'mains_joules_total',
    quantity: 'energy',
    unit: 'joules',
    kind: 'counter',
    labels: ['circuit'],
    help: 'Energy from mains, added up from the power at the meter; absent without a meter.',
    mqtt: { kind: 'circuit', path: ['energyWh'] },
    homeAssistant: { name: 'Energy', precision: 2 },
    read: read(({ mainsWh }) =>
      mainsWh === undefined ? [] : [{ labels: { circuit: ONLY_ONE }, value: mainsWh * JOULES }],
    ),
  }),
  metric({
    measurement: 'energy',
    field: 'host_joules_total',
    quantity: 'energy',
    unit: 'joules',
    kind: 'counter',
    labels: ['host'],
    help: 'Energy a host has drawn from its port; absent where no port tells.',
    mqtt: { kind: 'host', id: 'host', path: ['energyWh'] },
    homeAssistant: { name: 'Energy', precision: 2 },
    read: read(({ hostsWh }, { coordinator }) => {
      // A host that was taken out of the configuration has no topic any more.
      const known = new Set(coordinator.hosts.map(({ id }) => id));
      return each('host', hostsWh, JOULES).filter(({ labels }) => known.has(labels?.host ?? ''));
    }),
  }),
  metric({
    measurement: 'energy',
    field: 'stage_joules_total',
    quantity: 'energy',
    unit: 'joules',
    kind: 'counter',
    labels: ['stage'],
    help: 'Energy the hosts of a stage have drawn from their ports.',
    read: read(({ stagesWh }) => each('stage', stagesWh, JOULES)),
  }),
  metric({
    measurement: 'energy',
    field: 'cost_total',
    quantity: 'money',
    unit: 'count',
    kind: 'counter',
    labels: ['currency'],
    digits: 4,
    help: 'Cost of the energy from mains, in units of the currency; absent without a price.',
    read: read(({ cost }) => each('currency', cost, 1)),
  }),
  metric({
    measurement: 'energy',
    field: 'unmeasured_seconds_total',
    quantity: 'time',
    unit: 'seconds',
    kind: 'counter',
    labels: ['source'],
    help: 'Time in which the bank or the meter was silent, so that no energy was counted.',
    read: read(({ unmeasuredS }) => each('source', unmeasuredS, 1)),
  }),
];
