import type { NodeSample } from '../../rack/samples.ts';
import type { HostPhase } from '../../shutdown/state.ts';
import type { HostView, Snapshot } from '../../shutdown/view.ts';
import { fresh, type HomeAssistantWords, type Metric, metric, type Reading, stateSet } from '../metric.ts';
import type { Unit } from '../units.ts';

/** The hosts and the cluster's nodes. */

const everyHostPhase: Readonly<Record<HostPhase, true>> = {
  up: true,
  cordoned: true,
  drained: true,
  halting: true,
  halted: true,
  cut: true,
  powering: true,
};

const hostPhases = { label: 'phase', values: Object.keys(everyHostPhase) };

interface Words {
  readonly field: string;
  readonly quantity: string;
  readonly unit: Unit;
  readonly help: string;
  readonly mqtt: string;
  readonly homeAssistant: Partial<HomeAssistantWords> & { readonly name: string };
}

const ofHost = (row: Words & { readonly read: (host: HostView, snapshot: Snapshot) => Reading }): Metric =>
  metric({
    ...row,
    measurement: 'host',
    labels: ['host'],
    mqtt: { kind: 'host', id: 'host', path: [row.mqtt] },
    read: (snapshot) =>
      snapshot.coordinator.hosts.map((host) => ({ ...row.read(host, snapshot), labels: { host: host.id } })),
  });

function eachNode(snapshot: Snapshot, value: (node: NodeSample) => Reading['value']): Reading[] {
  const sample = fresh(snapshot.rack.cluster);
  if (!sample) return [];
  return sample.nodes.map((node) => ({
    labels: { node: node.name },
    value: value(node),
    atMs: sample.measuredAtMs,
  }));
}

/** What a host draws by its own port, W; absent unless its switch is fresh and tells. */
export function hostDraw(host: HostView, snapshot: Snapshot): { readonly powerW?: number; readonly atMs?: number } {
  if (host.switchId === undefined) return {};
  const sample = fresh(snapshot.rack.switches[host.switchId]);
  const powerW = sample?.ports.find(({ port }) => port === host.port)?.powerW;
  return sample === undefined || powerW === undefined ? {} : { powerW, atMs: sample.measuredAtMs };
}

const ofHosts: readonly Metric[] = [
  metric({
    measurement: 'host',
    field: 'phase',
    quantity: 'state',
    unit: 'boolean',
    kind: 'state-set',
    states: hostPhases,
    labels: ['host', 'phase'],
    help: 'Phase of a host in shutdown and restore.',
    mqtt: { kind: 'host', id: 'host', path: ['phase'] },
    homeAssistant: { name: 'Phase', options: hostPhases.values },
    read: ({ coordinator }) => coordinator.hosts.flatMap((host) => stateSet(hostPhases, host.phase, { host: host.id })),
  }),
  ofHost({
    field: 'power_watts',
    quantity: 'power',
    unit: 'watts',
    help: 'Power a host draws from its port; absent where no port tells.',
    mqtt: 'powerW',
    homeAssistant: { name: 'Power', precision: 1 },
    read: (host, snapshot) => {
      const { powerW, atMs } = hostDraw(host, snapshot);
      return { value: powerW, atMs };
    },
  }),
  ofHost({
    field: 'reachable',
    quantity: 'connectivity',
    unit: 'boolean',
    help: 'Whether a host answers on the network.',
    mqtt: 'reachable',
    homeAssistant: { name: 'Reachable', deviceClass: 'connectivity', entityCategory: 'diagnostic' },
    read: (host, { rack }) => {
      const sample = fresh(rack.hosts[host.id]);
      return { value: sample?.reachable, atMs: sample?.measuredAtMs };
    },
  }),
  ofHost({
    field: 'forced',
    quantity: 'state',
    unit: 'boolean',
    help: 'Whether a host’s port was cut although it was not seen to be off.',
    mqtt: 'forced',
    homeAssistant: { name: 'Cut by force', deviceClass: 'problem', entityCategory: 'diagnostic' },
    read: (host) => ({ value: host.forced }),
  }),
  ofHost({
    field: 'in_trouble',
    quantity: 'state',
    unit: 'boolean',
    help: 'Whether a host could not be brought to where it should be and a person has to look.',
    mqtt: 'inTrouble',
    homeAssistant: { name: 'Needs a person', deviceClass: 'problem' },
    read: (host) => ({ value: host.trouble !== undefined }),
  }),
  metric({
    measurement: 'host',
    field: 'info',
    quantity: 'identity',
    unit: 'count',
    kind: 'info',
    labels: ['host', 'node', 'stage', 'switch', 'port'],
    help: 'Where a host belongs; always 1.',
    read: ({ coordinator }) =>
      coordinator.hosts.map((host) => ({
        labels: {
          host: host.id,
          node: host.node ?? '',
          stage: host.stage ?? '',
          switch: host.switchId ?? '',
          port: host.port ?? '',
        },
        value: 1,
      })),
  }),
];

const nodeMetrics: readonly Metric[] = [
  metric({
    measurement: 'node',
    field: 'ready',
    quantity: 'state',
    unit: 'boolean',
    labels: ['node'],
    help: 'Whether a node’s Ready condition is true.',
    read: (snapshot) => eachNode(snapshot, (node) => node.ready === 'true'),
  }),
  metric({
    measurement: 'node',
    field: 'unschedulable',
    quantity: 'state',
    unit: 'boolean',
    labels: ['node'],
    help: 'Whether a node is cordoned, by anyone.',
    read: (snapshot) => eachNode(snapshot, (node) => node.unschedulable),
  }),
  metric({
    measurement: 'node',
    field: 'evictable_pods',
    quantity: 'pods',
    unit: 'count',
    labels: ['node'],
    help: 'Pods on a node that an eviction would touch.',
    read: (snapshot) => eachNode(snapshot, (node) => node.evictablePods),
  }),
];

export const hostMetrics: readonly Metric[] = [...ofHosts, ...nodeMetrics];
