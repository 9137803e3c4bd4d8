import type { Observed, RackAlarm } from '../../rack/rack.ts';
import type { DeviceHealth, SinkHealth, Snapshot } from '../../shutdown/view.ts';
import { type Metric, metric, type Reading } from '../metric.ts';

/** The service about itself: its devices, alarms and sinks. */

const everySeverity: Readonly<Record<RackAlarm['severity'], true>> = { info: true, warning: true, critical: true };

const eachDevice = (value: (device: DeviceHealth) => number | boolean | undefined) => (snapshot: Snapshot) =>
  snapshot.devices.map((device) => ({
    labels: { device: device.device, kind: device.kind },
    value: value(device),
  }));

/** Every source of samples with its freshness. */
function eachSource(snapshot: Snapshot, value: (observed: Observed<unknown>) => Reading['value']): Reading[] {
  const { packs, meters, ups = {}, switches, hosts, cluster } = snapshot.rack;
  const groups: readonly (readonly [DeviceHealth['kind'], Readonly<Record<string, Observed<unknown>>>])[] = [
    ['pack', packs],
    ['meter', meters],
    ['ups', ups],
    ['switch', switches],
    ['host', hosts],
    ['cluster', cluster ? { cluster } : {}],
  ];
  return groups.flatMap(([kind, sources]) =>
    Object.entries(sources).map(([device, observed]) => ({ labels: { device, kind }, value: value(observed) })),
  );
}

const eachSink = (value: (sink: SinkHealth) => number | boolean | undefined) => (snapshot: Snapshot) =>
  snapshot.sinks.map((sink) => ({ labels: { sink: sink.sink }, value: value(sink) }));

export const serviceMetrics: readonly Metric[] = [
  metric({
    measurement: 'device',
    field: 'up',
    quantity: 'state',
    unit: 'boolean',
    labels: ['device', 'kind'],
    help: 'Whether the latest poll of a device succeeded.',
    read: eachDevice((device) => device.up),
  }),
  metric({
    measurement: 'device',
    field: 'fresh',
    quantity: 'freshness',
    unit: 'boolean',
    labels: ['device', 'kind'],
    help: 'Whether a source’s latest sample is young enough to be shown and used.',
    read: (snapshot) => eachSource(snapshot, (observed) => observed.freshness === 'fresh'),
  }),
  metric({
    measurement: 'device',
    field: 'sample_age_seconds',
    quantity: 'time',
    unit: 'seconds',
    labels: ['device', 'kind'],
    help: 'Age of a source’s latest sample; absent when there is none.',
    read: (snapshot) =>
      eachSource(snapshot, (observed) => (observed.ageMs === undefined ? undefined : observed.ageMs / 1000)),
  }),
  metric({
    measurement: 'device',
    field: 'last_success_timestamp_seconds',
    quantity: 'time',
    unit: 'timestamp',
    labels: ['device', 'kind'],
    help: 'When a device last answered.',
    read: eachDevice((device) =>
      device.lastSuccessWallMs === undefined ? undefined : device.lastSuccessWallMs / 1000,
    ),
  }),
  metric({
    measurement: 'device',
    field: 'polls_total',
    quantity: 'polls',
    unit: 'count',
    kind: 'counter',
    labels: ['device', 'kind'],
    help: 'Polls of a device.',
    read: eachDevice((device) => device.polls),
  }),
  metric({
    measurement: 'device',
    field: 'poll_failures_total',
    quantity: 'polls',
    unit: 'count',
    kind: 'counter',
    labels: ['device', 'kind', 'reason'],
    help: 'Failed polls of a device by reason.',
    read: (snapshot) =>
      snapshot.devices.flatMap(({ device, kind, failures }) =>
        Object.entries(failures).map(([reason, value]) => ({ labels: { device, kind, reason }, value })),
      ),
  }),
  metric({
    measurement: 'rack',
    field: 'alarm',
    quantity: 'alarm',
    unit: 'boolean',
    labels: ['code', 'subject', 'severity'],
    help: 'An alarm that is raised; absent when it is not.',
    read: ({ rack }) =>
      rack.alarms.map(({ code, subject, severity }) => ({ labels: { code, subject, severity }, value: 1 })),
  }),
  metric({
    measurement: 'rack',
    field: 'alarms_active',
    quantity: 'alarms',
    unit: 'count',
    labels: ['severity'],
    help: 'Alarms that are raised, by severity.',
    read: ({ rack }) =>
      Object.keys(everySeverity).map((severity) => ({
        labels: { severity },
        value: rack.alarms.filter((alarm) => alarm.severity === severity).length,
      })),
  }),
  metric({
    measurement: 'sink',
    field: 'up',
    quantity: 'state',
    unit: 'boolean',
    labels: ['sink'],
    help: 'Whether a sink reaches its peer.',
    read: eachSink((sink) => sink.up),
  }),
  metric({
    measurement: 'sink',
    field: 'sent_total',
    quantity: 'messages',
    unit: 'count',
    kind: 'counter',
    labels: ['sink'],
    help: 'Messages or lines a sink has delivered.',
    read: eachSink((sink) => sink.sent),
  }),
  metric({
    measurement: 'sink',
    field: 'dropped_total',
    quantity: 'messages',
    unit: 'count',
    kind: 'counter',
    labels: ['sink'],
    help: 'Messages or lines a sink has lost: refused, replaced before they could be sent, or crowded out.',
    read: eachSink((sink) => sink.dropped),
  }),
  metric({
    measurement: 'sink',
    field: 'waiting',
    quantity: 'messages',
    unit: 'count',
    labels: ['sink'],
    help: 'Messages or lines that wait on disk or in memory to be delivered later; absent where nothing is kept.',
    read: eachSink((sink) => sink.waiting),
  }),
  metric({
    measurement: 'snapshot',
    field: 'timestamp_seconds',
    quantity: 'time',
    unit: 'timestamp',
    help: 'When the picture these values come from was taken.',
    read: ({ rack }) => [{ value: rack.wallMs / 1000 }],
  }),
  metric({
    measurement: 'build',
    field: 'info',
    quantity: 'identity',
    unit: 'count',
    kind: 'info',
    labels: ['version', 'site'],
    help: 'Version and site of this service; always 1.',
    read: ({ version, site }) => [{ labels: { version, site }, value: 1 }],
  }),
];
