import type { NodeSample } from '../../rack/samples.ts';
import type { HostPhase, Phase } from '../../shutdown/state.ts';
import type { HostView, Snapshot, StageSchedule } from '../../shutdown/view.ts';
import { fresh, type HomeAssistantWords, type Metric, metric, type Reading, stateSet } from '../metric.ts';
import type { Unit } from '../units.ts';

/** The coordinator, its schedule, the hosts and the cluster's nodes. */

const everyPhase: Readonly<Record<Phase, true>> = {
  mains: true,
  'on-battery': true,
  'shutting-down': true,
  dark: true,
  restoring: true,
};
const everyHostPhase: Readonly<Record<HostPhase, true>> = {
  up: true,
  cordoned: true,
  drained: true,
  halting: true,
  halted: true,
  cut: true,
  powering: true,
};
const everyStageState: Readonly<Record<StageSchedule['state'], true>> = {
  waiting: true,
  'going-down': true,
  down: true,
  'coming-back': true,
};

const phases = { label: 'phase', values: Object.keys(everyPhase) };
const hostPhases = { label: 'phase', values: Object.keys(everyHostPhase) };
const stageStates = { label: 'state', values: Object.keys(everyStageState) };

interface Words {
  readonly field: string;
  readonly quantity: string;
  readonly unit: Unit;
  readonly help: string;
  readonly mqtt: string;
  readonly homeAssistant: Partial<HomeAssistantWords> & { readonly name: string };
}

const ofSchedule = (row: Words & { readonly value: (snapshot: Snapshot) => number | boolean | undefined }): Metric =>
  metric({
    ...row,
    measurement: 'schedule',
    mqtt: { kind: 'schedule', path: [row.mqtt] },
    read: (snapshot) => [{ value: row.value(snapshot) }],
  });

const ofStage = (row: Words & { readonly value: (stage: StageSchedule) => number | undefined }): Metric =>
  metric({
    ...row,
    measurement: 'stage',
    labels: ['stage'],
    mqtt: { kind: 'schedule', path: ['stages', ':stage', row.mqtt] },
    read: ({ coordinator }) =>
      coordinator.schedule.stages.map((stage) => ({ labels: { stage: stage.name }, value: row.value(stage) })),
  });

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

const coordinatorMetrics: readonly Metric[] = [
  metric({
    measurement: 'shutdown',
    field: 'phase',
    quantity: 'state',
    unit: 'boolean',
    kind: 'state-set',
    states: phases,
    labels: ['phase'],
    help: 'Phase of the coordinator.',
    mqtt: { kind: 'coordinator', path: ['phase'] },
    homeAssistant: { name: 'Phase', options: phases.values },
    read: ({ coordinator }) => stateSet(phases, coordinator.phase),
  }),
  metric({
    measurement: 'shutdown',
    field: 'phase_start_timestamp_seconds',
    quantity: 'time',
    unit: 'timestamp',
    help: 'When the present phase began.',
    read: ({ coordinator }) => [{ value: coordinator.sinceWallMs / 1000 }],
  }),
  metric({
    measurement: 'shutdown',
    field: 'on_battery_seconds',
    quantity: 'time',
    unit: 'seconds',
    help: 'Time on battery in this outage; absent outside one.',
    mqtt: { kind: 'coordinator', path: ['onBatteryS'] },
    homeAssistant: { name: 'Time on battery', precision: 0 },
    read: ({ coordinator }) => [{ value: coordinator.onBatteryS }],
  }),
];

const scheduleMetrics: readonly Metric[] = [
  ofSchedule({
    field: 'live',
    quantity: 'state',
    unit: 'boolean',
    help: 'Whether the schedule is counting (mains is away); 0 when it says what would happen.',
    mqtt: 'live',
    homeAssistant: { name: 'Schedule counting' },
    value: ({ coordinator }) => coordinator.schedule.basis === 'live',
  }),
  ofSchedule({
    field: 'usable_joules',
    quantity: 'energy',
    unit: 'joules',
    help: 'Usable energy the schedule is made with; absent without a battery figure.',
    mqtt: 'usableWh',
    homeAssistant: { name: 'Energy to spend', precision: 0 },
    value: ({ coordinator }) => {
      const { usableWh } = coordinator.schedule;
      return usableWh === undefined ? undefined : usableWh * 3600;
    },
  }),
  ofSchedule({
    field: 'reserve_joules',
    quantity: 'energy',
    unit: 'joules',
    help: 'Energy that must remain when the last host is off.',
    mqtt: 'reserveWh',
    homeAssistant: { name: 'Reserve', precision: 0, entityCategory: 'diagnostic' },
    value: ({ coordinator }) => coordinator.schedule.reserveWh * 3600,
  }),
  ofSchedule({
    field: 'load_watts',
    quantity: 'power',
    unit: 'watts',
    help: 'Load the schedule is made with.',
    mqtt: 'loadW',
    homeAssistant: { name: 'Load', precision: 0 },
    value: ({ coordinator }) => coordinator.schedule.loadW,
  }),
  ofSchedule({
    field: 'all_off_seconds',
    quantity: 'time',
    unit: 'seconds',
    help: 'Time until the last host is off; absent without a battery figure.',
    mqtt: 'allOffInS',
    homeAssistant: { name: 'Time until all off', precision: 0 },
    value: ({ coordinator }) => coordinator.schedule.allOffInS,
  }),
  ofSchedule({
    field: 'feasible',
    quantity: 'feasibility',
    unit: 'boolean',
    help: 'Whether everything can be off with the reserve intact; absent without a battery figure.',
    mqtt: 'feasible',
    homeAssistant: { name: 'Schedule feasible' },
    value: ({ coordinator }) =>
      coordinator.schedule.usableWh === undefined ? undefined : coordinator.schedule.feasible,
  }),
  ofStage({
    field: 'begin_seconds',
    quantity: 'time',
    unit: 'seconds',
    help: 'Time until a stage must begin going down; 0 when due, absent when it cannot be told.',
    mqtt: 'beginsInS',
    homeAssistant: { name: 'Begins in', precision: 0 },
    value: (stage) => stage.beginsInS,
  }),
  ofStage({
    field: 'begin_below_joules',
    quantity: 'energy',
    unit: 'joules',
    help: 'A stage must begin when usable energy falls below this.',
    mqtt: 'mustBeginBelowWh',
    homeAssistant: { name: 'Begins below', precision: 0, entityCategory: 'diagnostic' },
    value: (stage) => stage.mustBeginBelowWh * 3600,
  }),
  ofStage({
    field: 'duration_seconds',
    quantity: 'time',
    unit: 'seconds',
    help: 'Planned time of a stage from its begin to the last port cut, with margin.',
    mqtt: 'durationS',
    homeAssistant: { name: 'Takes', precision: 0, entityCategory: 'diagnostic' },
    value: (stage) => stage.durationS,
  }),
  ofStage({
    field: 'load_after_watts',
    quantity: 'power',
    unit: 'watts',
    help: 'Load that remains when a stage is down.',
    mqtt: 'loadAfterW',
    homeAssistant: { name: 'Load afterwards', precision: 0, entityCategory: 'diagnostic' },
    value: (stage) => stage.loadAfterW,
  }),
  metric({
    measurement: 'stage',
    field: 'state',
    quantity: 'state',
    unit: 'boolean',
    kind: 'state-set',
    states: stageStates,
    labels: ['stage', 'state'],
    help: 'State of a stage.',
    mqtt: { kind: 'schedule', path: ['stages', ':stage', 'state'] },
    homeAssistant: { name: 'State', options: stageStates.values },
    read: ({ coordinator }) =>
      coordinator.schedule.stages.flatMap((stage) => stateSet(stageStates, stage.state, { stage: stage.name })),
  }),
];

const hostMetrics: readonly Metric[] = [
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

export const shutdownMetrics: readonly Metric[] = [
  ...coordinatorMetrics,
  ...scheduleMetrics,
  ...hostMetrics,
  ...nodeMetrics,
];
