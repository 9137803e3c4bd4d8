import { each, type Group } from './rule.ts';

const away = `(${each('mains_present')} == 0)`;

/** Is mains away, and will everything be down in time? */
export const outage: Group = {
  name: 'holdover-outage',
  rules: [
    {
      name: 'HoldoverOnBattery',
      severity: 'warning',
      expr: `${each('mains_present')} == 0`,
      for: '30s',
      summary: 'Mains is away; the rack runs on its battery.',
    },
    {
      name: 'HoldoverMainsUnknown',
      severity: 'warning',
      expr: `${each('mains_verdict', { verdict: 'unknown' })} == 1`,
      for: '5m',
      summary: 'No witness says whether mains is there.',
    },
    {
      name: 'HoldoverMainsDisputed',
      severity: 'warning',
      expr: `${each('mains_disputed')} == 1`,
      for: '5m',
      summary: 'The witnesses contradict each other about mains.',
    },
    {
      name: 'HoldoverNotInTime',
      severity: 'critical',
      expr: `${each('schedule_feasible')} == 0`,
      for: '1m',
      summary: 'The battery does not hold until everything is off with the reserve intact.',
    },
    {
      name: 'HoldoverRuntimeLow',
      severity: 'warning',
      expr: `${each('bank_runtime_seconds')} < 900 and on () ${away}`,
      for: '0s',
      summary: 'The battery is empty in {{ $value | humanizeDuration }}.',
    },
    {
      name: 'HoldoverRuntimeCritical',
      severity: 'critical',
      expr: `${each('bank_runtime_seconds')} < 300 and on () ${away}`,
      for: '0s',
      summary: 'The battery is empty in {{ $value | humanizeDuration }}.',
    },
    {
      name: 'HoldoverRuntimeBelowDrain',
      severity: 'critical',
      expr: `${each('bank_runtime_seconds')} < on () sum(${each('stage_duration_seconds')} and on (stage) (${each('stage_state', { state: 'waiting' })} == 1)) and on () ${away}`,
      for: '30s',
      summary: 'The battery is empty before the stages that still wait could go down one after the other.',
    },
    {
      name: 'HoldoverStageDue',
      severity: 'warning',
      expr: `${each('stage_begin_seconds')} < 120 and on () ${away} and on (stage) (${each('stage_state', { state: 'waiting' })} == 1)`,
      for: '0s',
      summary: 'Stage {{ $labels.stage }} goes down in less than two minutes.',
    },
  ],
};
