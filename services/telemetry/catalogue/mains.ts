import { type Metric, metric, ONLY_ONE, stateSet } from '../metric.ts';

/** The branch circuit, and mains with the evidence for and against it. */

const verdicts = { label: 'verdict', values: ['present', 'absent', 'unknown'] };

const ofCircuit: readonly Metric[] = [
  metric({
    measurement: 'circuit',
    field: 'power_watts',
    quantity: 'power',
    unit: 'watts',
    labels: ['circuit'],
    help: 'Power on the branch circuit.',
    mqtt: { kind: 'circuit', path: ['powerW'] },
    homeAssistant: { name: 'Power', precision: 0 },
    read: ({ rack: { circuit } }) =>
      circuit.freshness === 'fresh' ? [{ labels: { circuit: ONLY_ONE }, value: circuit.powerW }] : [],
  }),
  metric({
    measurement: 'circuit',
    field: 'current_amperes',
    quantity: 'current',
    unit: 'amperes',
    labels: ['circuit'],
    help: 'Current on the branch circuit.',
    mqtt: { kind: 'circuit', path: ['currentA'] },
    homeAssistant: { name: 'Current', precision: 2 },
    read: ({ rack: { circuit } }) =>
      circuit.freshness === 'fresh' ? [{ labels: { circuit: ONLY_ONE }, value: circuit.currentA }] : [],
  }),
  metric({
    measurement: 'circuit',
    field: 'limit_amperes',
    quantity: 'current',
    unit: 'amperes',
    labels: ['circuit'],
    help: 'Continuous limit of the branch circuit.',
    mqtt: { kind: 'circuit', path: ['limitA'] },
    homeAssistant: { name: 'Continuous limit', precision: 1, entityCategory: 'diagnostic' },
    read: ({ rack: { circuit } }) => [{ labels: { circuit: ONLY_ONE }, value: circuit.limitA }],
  }),
];

const ofMains: readonly Metric[] = [
  metric({
    measurement: 'mains',
    field: 'present',
    quantity: 'presence',
    unit: 'boolean',
    help: 'Whether mains is present, judged from all evidence; absent while that is unknown.',
    mqtt: { kind: 'mains', path: ['present'] },
    homeAssistant: { name: 'Mains', deviceClass: 'power' },
    read: ({ rack: { mains } }) => (mains.verdict === 'unknown' ? [] : [{ value: mains.verdict === 'present' }]),
  }),
  metric({
    measurement: 'mains',
    field: 'verdict',
    quantity: 'presence',
    unit: 'boolean',
    kind: 'state-set',
    states: verdicts,
    labels: ['verdict'],
    help: 'What is known of mains: present, absent or unknown.',
    mqtt: { kind: 'mains', path: ['verdict'] },
    homeAssistant: { name: 'Verdict', options: verdicts.values, entityCategory: 'diagnostic' },
    read: ({ rack: { mains } }) => stateSet(verdicts, mains.verdict),
  }),
  metric({
    measurement: 'mains',
    field: 'evidence_present',
    quantity: 'presence',
    unit: 'boolean',
    labels: ['source'],
    help: 'What one witness says of mains; absent while it is silent.',
    mqtt: { kind: 'mains', path: ['evidence', ':source'] },
    read: ({ rack: { mains } }) =>
      mains.votes
        .filter((vote) => vote.says !== 'silent')
        .map((vote) => ({ labels: { source: vote.source }, value: vote.says === 'present' })),
  }),
  metric({
    measurement: 'mains',
    field: 'disputed',
    quantity: 'agreement',
    unit: 'boolean',
    help: 'Whether the witnesses contradict each other.',
    mqtt: { kind: 'mains', path: ['disputed'] },
    homeAssistant: { name: 'Disputed', deviceClass: 'problem', entityCategory: 'diagnostic' },
    read: ({ rack: { mains } }) => [{ value: mains.disputed }],
  }),
];

export const mainsMetrics: readonly Metric[] = [...ofCircuit, ...ofMains];
