import type { PortSample, SwitchSample } from '../../rack/samples.ts';
import type { Snapshot } from '../../shutdown/view.ts';
import { fresh, type HomeAssistantWords, type Metric, metric, type Reading } from '../metric.ts';
import type { Unit } from '../units.ts';

/** PoE switches and their ports. */

function eachSwitch(snapshot: Snapshot, read: (sample: SwitchSample, id: string) => readonly Reading[]): Reading[] {
  return Object.entries(snapshot.rack.switches).flatMap(([id, observed]) => {
    const sample = fresh(observed);
    if (!sample) return [];
    return read(sample, id).map((reading) => ({
      ...reading,
      labels: { switch: id, ...reading.labels },
      atMs: sample.measuredAtMs,
    }));
  });
}

interface Words {
  readonly field: string;
  readonly quantity: string;
  readonly unit: Unit;
  readonly kind?: 'counter';
  readonly help: string;
  readonly mqtt: string;
  readonly homeAssistant: Partial<HomeAssistantWords> & { readonly name: string };
}

const ofSwitch = (row: Words & { readonly value: (sample: SwitchSample) => number | boolean | undefined }): Metric =>
  metric({
    ...row,
    measurement: 'poe',
    labels: ['switch'],
    mqtt: { kind: 'switch', id: 'switch', path: [row.mqtt] },
    read: (snapshot) => eachSwitch(snapshot, (sample) => [{ value: row.value(sample) }]),
  });

const ofPort = (
  row: Words & { readonly value: (port: PortSample, sample: SwitchSample) => number | boolean | undefined },
): Metric =>
  metric({
    ...row,
    measurement: 'poe_port',
    labels: ['switch', 'port'],
    mqtt: { kind: 'switch', id: 'switch', path: ['ports', ':port', row.mqtt] },
    read: (snapshot) =>
      eachSwitch(snapshot, (sample) =>
        sample.ports.map((port) => ({ labels: { port: port.port }, value: row.value(port, sample) })),
      ),
  });

/** 1: would lose power first when the budget is exceeded. Absent while it draws none, or the switch tells no priorities. */
export function dropPosition({ dropOrder = [] }: SwitchSample, port: string): number | undefined {
  const at = dropOrder.indexOf(port);
  return at < 0 ? undefined : at + 1;
}

/** Absent while the switch does not tell a port's state. */
const inState =
  (state: PortSample['state']) =>
  (port: PortSample): boolean | undefined =>
    port.state === 'unknown' ? undefined : port.state === state;

export const poeMetrics: readonly Metric[] = [
  ofSwitch({
    field: 'budget_watts',
    quantity: 'power',
    unit: 'watts',
    help: 'Power the switch can give to all its ports together.',
    mqtt: 'budgetW',
    homeAssistant: { name: 'PoE budget', precision: 0, entityCategory: 'diagnostic' },
    value: (sample) => sample.budgetW,
  }),
  ofSwitch({
    field: 'drawn_watts',
    quantity: 'power',
    unit: 'watts',
    help: 'Power all ports draw by the switch’s own count; absent while it contradicts the ports.',
    mqtt: 'drawnW',
    homeAssistant: { name: 'PoE power', precision: 1 },
    value: (sample) => (sample.totalTrusted ? sample.drawnW : undefined),
  }),
  ofSwitch({
    field: 'reserved_watts',
    quantity: 'power',
    unit: 'watts',
    help: 'Power promised to the classes of the connected devices.',
    mqtt: 'reservedW',
    homeAssistant: { name: 'PoE reserved', precision: 0, entityCategory: 'diagnostic' },
    value: (sample) => sample.reservedW,
  }),
  ofSwitch({
    field: 'headroom_watts',
    quantity: 'power',
    unit: 'watts',
    help: 'Budget without its guard, minus what is drawn; below 0 ports are about to lose power.',
    mqtt: 'headroomW',
    homeAssistant: { name: 'PoE headroom', precision: 1 },
    value: (sample) => sample.headroomW,
  }),
  ofSwitch({
    field: 'unreserved_watts',
    quantity: 'power',
    unit: 'watts',
    help: 'Budget without its guard, minus what is promised to classes; below 0 the switch is oversubscribed.',
    mqtt: 'unreservedW',
    homeAssistant: {
      name: 'PoE unreserved',
      precision: 0,
      entityCategory: 'diagnostic',
      enabledByDefault: false,
    },
    value: (sample) => sample.unreservedW,
  }),
  ofSwitch({
    field: 'total_trusted',
    quantity: 'plausibility',
    unit: 'boolean',
    help: 'Whether the switch’s own count agrees with its ports.',
    mqtt: 'totalTrusted',
    homeAssistant: { name: 'PoE total plausible', entityCategory: 'diagnostic', enabledByDefault: false },
    value: (sample) => sample.totalTrusted,
  }),
  ofPort({
    field: 'power_watts',
    quantity: 'power',
    unit: 'watts',
    help: 'Power a port delivers.',
    mqtt: 'powerW',
    homeAssistant: { name: 'Port power', precision: 1 },
    value: (port) => port.powerW,
  }),
  ofPort({
    field: 'voltage_volts',
    quantity: 'voltage',
    unit: 'volts',
    help: 'Voltage at a port.',
    mqtt: 'voltageV',
    homeAssistant: { name: 'Port voltage', precision: 1, entityCategory: 'diagnostic', enabledByDefault: false },
    value: (port) => port.voltageV,
  }),
  ofPort({
    field: 'current_amperes',
    quantity: 'current',
    unit: 'amperes',
    help: 'Current a port delivers.',
    mqtt: 'currentA',
    homeAssistant: { name: 'Port current', precision: 2, entityCategory: 'diagnostic', enabledByDefault: false },
    value: (port) => port.currentA,
  }),
  ofPort({
    field: 'enabled',
    quantity: 'switch position',
    unit: 'boolean',
    help: 'Whether a port is administratively switched on.',
    mqtt: 'enabled',
    homeAssistant: { name: 'Port enabled', entityCategory: 'diagnostic', enabledByDefault: false },
    value: (port) => port.enabled,
  }),
  ofPort({
    field: 'delivering',
    quantity: 'state',
    unit: 'boolean',
    help: 'Whether a port delivers power.',
    mqtt: 'delivering',
    homeAssistant: { name: 'Port power present', deviceClass: 'power', entityCategory: 'diagnostic' },
    value: inState('delivering'),
  }),
  ofPort({
    field: 'fault',
    quantity: 'state',
    unit: 'boolean',
    help: 'Whether the switch reports a fault on a port.',
    mqtt: 'fault',
    homeAssistant: {
      name: 'Port fault',
      deviceClass: 'problem',
      entityCategory: 'diagnostic',
      enabledByDefault: false,
    },
    value: inState('fault'),
  }),
  ofPort({
    field: 'denied_total',
    quantity: 'refusals',
    unit: 'count',
    kind: 'counter',
    help: 'Times a port was refused power for lack of budget, since the switch started.',
    mqtt: 'deniedCount',
    homeAssistant: { name: 'Port power denied', entityCategory: 'diagnostic', enabledByDefault: false },
    value: (port) => port.deniedCount,
  }),
  ofPort({
    field: 'drop_position',
    quantity: 'order',
    unit: 'count',
    help: 'Place in the order in which ports lose power when the budget is exceeded; 1 goes first.',
    mqtt: 'dropPosition',
    homeAssistant: { name: 'Port drop position', entityCategory: 'diagnostic', enabledByDefault: false },
    value: (port, sample) => dropPosition(sample, port.port),
  }),
  metric({
    measurement: 'poe_port',
    field: 'info',
    quantity: 'identity',
    unit: 'count',
    kind: 'info',
    labels: ['switch', 'port', 'host', 'node'],
    help: 'Which host hangs on a port; always 1.',
    read: ({ coordinator }) =>
      coordinator.hosts.flatMap(({ id, node, switchId, port }) =>
        switchId === undefined || port === undefined
          ? []
          : [{ labels: { switch: switchId, port, host: id, node: node ?? '' }, value: 1 }],
      ),
  }),
];
