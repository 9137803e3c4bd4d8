import { read } from '../panels/query.ts';
import { ask, lines, stat, states, table, yesNo } from '../panels/spec.ts';
import { type BoardSpec, row } from './board.ts';
import { MS, none } from './words.ts';

const devices = [
  states(
    'Answering',
    'Whether the latest poll of each device succeeded.',
    [ask(read('device_up'), '{{kind}} {{device}}')],
    {
      width: 12,
      height: 12,
      words: yesNo('up', 'down'),
    },
  ),
  states(
    'Fresh',
    'Whether each source’s latest sample is young enough to be used.',
    [ask(read('device_fresh'), '{{kind}} {{device}}')],
    {
      width: 12,
      height: 12,
      words: yesNo('fresh', 'stale'),
    },
  ),
  lines(
    'Age of samples',
    'Of each source’s latest sample.',
    [ask(read('device_sample_age_seconds'), '{{kind}} {{device}}')],
    {
      min: 0,
    },
  ),
  lines(
    'Polls',
    'Per second, by kind of device.',
    [ask(read('device_polls_total', { by: ['kind'], over: 'sum', growth: 'per-second' }), '{{kind}}')],
    {
      unit: 'reqps',
      min: 0,
    },
  ),
  lines(
    'Failed polls',
    'Per second, by device and reason.',
    [ask(read('device_poll_failures_total', { growth: 'per-second' }), '{{device}} {{reason}}')],
    { unit: 'reqps', min: 0, empty: 'none' },
  ),
  table(
    'Last answer',
    'When each device last answered.',
    [
      ask(read('device_last_success_timestamp_seconds', { scale: MS, by: ['device'] }), 'Answered', 'dateTimeFromNow'),
      ask(read('device_up', { by: ['device'], over: 'min' }), 'Up'),
    ],
    { rowsBy: 'device', width: 12, height: 8 },
  ),
];

const sinks = [
  states('Reaching their peer', 'Each way out.', [ask(read('sink_up'), '{{sink}}')], {
    width: 12,
    height: 6,
    words: yesNo('up', 'down'),
    empty: 'no sinks',
  }),
  lines(
    'Delivered',
    'Messages or lines per second.',
    [ask(read('sink_sent_total', { growth: 'per-second' }), '{{sink}}')],
    {
      height: 6,
      unit: 'cps',
      min: 0,
      empty: 'no sinks',
    },
  ),
  lines(
    'Waiting',
    'What is kept on disk or in memory until it can be delivered.',
    [ask(read('sink_waiting'), '{{sink}}')],
    {
      min: 0,
      empty: 'nothing is kept',
    },
  ),
  lines(
    'Lost',
    'Messages or lines per second that were refused, replaced or crowded out.',
    [ask(read('sink_dropped_total', { growth: 'per-second' }), '{{sink}}')],
    {
      unit: 'cps',
      min: 0,
      empty: 'no sinks',
    },
  ),
];

/** The service about itself. */
export const service: BoardSpec = {
  id: 'service',
  title: 'service health',
  description: 'Whether holdover hears its devices, and is heard by those it tells.',
  variables: [],
  rows: [
    row('Service', [
      table('Version', 'What runs, and where.', [ask(read('build_info'), 'Info')], {
        rowsBy: 'site',
        width: 8,
        height: 4,
      }),
      stat(
        'Picture',
        'When the picture these values come from was taken.',
        [ask(read('snapshot_timestamp_seconds', { scale: MS }), 'Taken')],
        {
          width: 8,
          unit: 'dateTimeFromNow',
        },
      ),
      stat('Alarms', 'Alarms that are raised, by severity.', [ask(read('rack_alarms_active'), '{{severity}}')], {
        width: 8,
        steps: none,
      }),
    ]),
    row('Devices', devices),
    row('Sinks', sinks),
    row('Alarms', [
      states(
        'Alarms over time',
        'What was wrong, and when.',
        [ask(read('rack_alarm'), '{{severity}}: {{code}} {{subject}}')],
        {
          height: 10,
          words: [{ value: 1, text: 'raised', color: 'red' }],
          empty: 'none',
        },
      ),
    ]),
  ],
};
