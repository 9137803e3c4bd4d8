import type { Phase } from '../../shutdown/state.ts';
import type { Snapshot, StageSchedule } from '../../shutdown/view.ts';
import { type HomeAssistantWords, type Metric, metric, stateSet } from '../metric.ts';
import type { Unit } from '../units.ts';

/** The coordinator and its schedule. */

const everyPhase: Readonly<Record<Phase, true>> = {
  mains: true,
  'on-battery': true,
  'shutting-down': true,
  dark: true,
  restoring: true,
};
const everyStageState: Readonly<Record<StageSchedule['state'], true>> = {
  waiting: true,
  'going-down': true,
  down: true,
  'coming-back': true,
};

const phases = { label: 'phase', values: Object.keys(everyPhase) };
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

const roles = { label: 'role', values: ['unknown', 'watching', 'acting'] };

const leaseMetrics: readonly Metric[] = [
  metric({
    measurement: 'lease',
    field: 'role',
    quantity: 'state',
    unit: 'boolean',
    kind: 'state-set',
    states: roles,
    labels: ['role'],
    help: 'Of two management nodes: what this one does.',
    mqtt: { kind: 'coordinator', path: ['lease', 'role'] },
    homeAssistant: { name: 'Role of this node', options: roles.values },
    read: ({ coordinator: { lease } }) => (lease === undefined ? [] : stateSet(roles, lease.role)),
  }),
];

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

export const shutdownMetrics: readonly Metric[] = [...coordinatorMetrics, ...leaseMetrics, ...scheduleMetrics];
