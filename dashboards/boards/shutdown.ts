import { present, type ReadOptions, read } from '../panels/query.ts';
import { ask, lines, stat, states, yesNo } from '../panels/spec.ts';
import { type BoardSpec, row } from './board.ts';
import { hostWords, MS, mainsWords, PER_HOUR, phaseWords, roleWords, stageWords } from './words.ts';

const host = { host: { chosen: 'host' } };
const wh: ReadOptions = { scale: PER_HOUR };

const timeline = [
  stat('Phase', 'What the coordinator is doing.', [ask(present('shutdown_phase'), 'Phase')], { words: phaseWords }),
  stat(
    'Since',
    'When this phase began.',
    [ask(read('shutdown_phase_start_timestamp_seconds', { scale: MS }), 'Since')],
    {
      unit: 'dateTimeFromNow',
    },
  ),
  stat('On battery', 'Time on battery in this outage.', [ask(read('shutdown_on_battery_seconds'), 'On battery')], {
    empty: 'on mains',
  }),
  stat(
    'Schedule',
    'Whether the schedule is counting, or says what would happen.',
    [ask(read('schedule_live'), 'Schedule')],
    {
      words: [
        { value: 1, text: 'counting', color: 'orange' },
        { value: 0, text: 'in case', color: 'green' },
      ],
    },
  ),
  stat(
    'In time',
    'Whether everything can be off with the reserve intact.',
    [ask(read('schedule_feasible'), 'In time')],
    {
      words: yesNo('yes', 'no'),
      empty: 'unknown',
    },
  ),
  stat('All off in', 'Time until the last host is off.', [ask(read('schedule_all_off_seconds'), 'All off in')], {
    empty: 'unknown',
  }),
  states('Coordinator', 'Its phases.', [ask(present('shutdown_phase'), 'Phase')], { height: 4, words: phaseWords }),
  states('Role', 'Of two management nodes: what this one does.', [ask(present('lease_role'), 'Role')], {
    height: 4,
    words: roleWords,
  }),
  states('Stages', 'What went down together, and when.', [ask(present('stage_state'), '{{stage}}')], {
    height: 6,
    words: stageWords,
  }),
  states('Hosts', 'Every host on its way down and up.', [ask(present('host_phase', host), '{{host}}')], {
    height: 18,
    words: hostWords,
  }),
];

const predicted = [
  lines(
    'Length of the outage that can be held',
    'Time on battery so far and the predicted time until all is off, stacked: while the prediction holds, the upper edge stays level.',
    [
      ask(read('shutdown_on_battery_seconds'), 'On battery so far'),
      ask(read('schedule_all_off_seconds'), 'Predicted until all is off'),
    ],
    { stacked: true, min: 0 },
  ),
  lines(
    'Begin of the stages',
    'Predicted time until each stage begins; it falls with the time, and meets 0 when the stage goes.',
    [ask(read('stage_begin_seconds'), '{{stage}}')],
    { min: 0 },
  ),
  lines(
    'Energy against what the stages need',
    'A stage begins when the energy to spend falls to its line; the last host is off above the reserve.',
    [
      ask(read('schedule_usable_joules', wh), 'Schedule counts on'),
      ask(read('bank_energy_usable_low_joules', wh), 'Battery, cautious'),
      ask(read('stage_begin_below_joules', wh), '{{stage}} begins'),
      ask(read('schedule_reserve_joules', wh), 'Reserve'),
    ],
    { unit: 'watth', min: 0 },
  ),
  lines(
    'Load against plan',
    'The load the schedule is made with, what the battery really gives (below 0), and what should remain after each stage.',
    [
      ask(read('schedule_load_watts'), 'Schedule'),
      ask(read('bank_power_watts'), 'Battery'),
      ask(read('stage_load_after_watts'), 'After {{stage}}'),
    ],
  ),
  lines('Planned time of the stages', 'From the begin of a stage to its last port cut, with margin.', [
    ask(read('stage_duration_seconds'), '{{stage}}'),
  ]),
  lines('Runtime', 'Time to empty by our own model; the stages must fit into it.', [
    ask(read('bank_runtime_seconds'), 'Battery'),
    ask(read('stage_duration_seconds', { by: [], over: 'sum' }), 'All stages one after the other'),
  ]),
];

const hosts = [
  states(
    'Reachable',
    'Whether a host answers on the network.',
    [ask(read('host_reachable', { where: host }), '{{host}}')],
    {
      width: 12,
      height: 14,
      words: yesNo('yes', 'no'),
    },
  ),
  states(
    'Needs a person',
    'Hosts that could not be brought to where they should be.',
    [ask(read('host_in_trouble', { where: host }), '{{host}}')],
    {
      width: 12,
      height: 14,
      words: yesNo('trouble', 'fine', 'no'),
    },
  ),
  states(
    'Cut by force',
    'Ports that were cut although the host was not seen to be off.',
    [ask(read('host_forced', { where: host }), '{{host}}')],
    {
      width: 12,
      height: 14,
      words: yesNo('forced', 'no', 'no'),
    },
  ),
  lines(
    'Host power',
    'What each host draws from its port.',
    [ask(read('host_power_watts', { where: host }), '{{host}}')],
    {
      stacked: true,
      min: 0,
      height: 14,
    },
  ),
  states('Nodes ready', 'The Ready condition of each node.', [ask(read('node_ready'), '{{node}}')], {
    width: 12,
    height: 12,
    words: yesNo('ready', 'not'),
    empty: 'no cluster',
  }),
  states('Nodes cordoned', 'By anyone.', [ask(read('node_unschedulable'), '{{node}}')], {
    width: 12,
    height: 12,
    words: yesNo('cordoned', 'open', 'no'),
    empty: 'no cluster',
  }),
  lines('Pods', 'Pods an eviction would touch, by node.', [ask(read('node_evictable_pods'), '{{node}}')], {
    width: 24,
    stacked: true,
    empty: 'no cluster',
  }),
];

const mains = [
  states('Verdict', 'What all witnesses together say of mains.', [ask(present('mains_verdict'), 'Mains')], {
    width: 12,
    height: 6,
    words: mainsWords,
  }),
  states(
    'Witnesses',
    'What each of them says; a silent one has no bar.',
    [ask(read('mains_evidence_present'), '{{source}}')],
    {
      width: 12,
      height: 6,
      words: yesNo('present', 'absent'),
    },
  ),
  states('Disputed', 'Whether the witnesses contradict each other.', [ask(read('mains_disputed'), 'Disputed')], {
    width: 12,
    height: 4,
    words: yesNo('disputed', 'agreed', 'no'),
  }),
  stat('Mains', 'Judged from all evidence.', [ask(read('mains_present'), 'Mains')], {
    width: 12,
    words: yesNo('present', 'absent'),
    empty: 'unknown',
  }),
];

/** An outage as it happened, and as it was predicted. */
export const shutdown: BoardSpec = {
  id: 'shutdown',
  title: 'shutdown',
  description: 'An outage as it happened, and against what the schedule had predicted.',
  variables: [{ name: 'host', metric: 'host_info', label: 'host' }],
  rows: [
    row('What happened', timeline),
    row('Predicted against real', predicted),
    row('Evidence about mains', mains),
    row('Hosts and nodes', hosts),
  ],
};
