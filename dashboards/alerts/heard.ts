import { each, type Group, m } from './rule.ts';

/** Can anything be known at all? */
export const heard: Group = {
  name: 'holdover-heard',
  rules: [
    {
      name: 'HoldoverSilent',
      severity: 'critical',
      expr: `absent(${m('snapshot_timestamp_seconds')})`,
      for: '2m',
      summary: 'Nothing is heard of holdover: nobody may be watching the battery.',
      liveness: true,
    },
    {
      name: 'HoldoverClockOff',
      severity: 'warning',
      // A scraped sample carries the database's time and our time in it; a pushed one carries ours twice.
      expr: `max(abs(timestamp(${m('snapshot_timestamp_seconds')}) - ${m('snapshot_timestamp_seconds')})) > 60`,
      for: '2m',
      summary:
        'The clock of holdover and that of the database are more than a minute apart, or its picture stands still.',
    },
    {
      name: 'HoldoverPackSilent',
      severity: 'critical',
      expr: `${each('device_fresh', { kind: 'pack' })} == 0`,
      for: '2m',
      summary: 'The BMS {{ $labels.device }} is not heard: its battery is counted by dead reckoning.',
    },
    {
      name: 'HoldoverSourceSilent',
      severity: 'warning',
      // An API server that was put to bed is silent by intention.
      expr: `${each('device_fresh', { kind: ['meter', 'switch', 'ups'] })} == 0 or (${each('device_fresh', { kind: 'cluster' })} == 0 and on () ${each('shutdown_phase', { phase: 'mains' })} == 1)`,
      for: '5m',
      summary: 'The {{ $labels.kind }} {{ $labels.device }} is not heard.',
    },
    {
      name: 'HoldoverPollsFail',
      severity: 'warning',
      expr: `sum by (device) (rate(${m('device_poll_failures_total')}[10m])) / on (device) max by (device) (rate(${m('device_polls_total')}[10m])) > 0.2`,
      for: '10m',
      summary: 'More than a fifth of the polls of {{ $labels.device }} fail.',
    },
    {
      name: 'HoldoverBankIncomplete',
      severity: 'warning',
      expr: `${each('bank_complete')} == 0`,
      for: '5m',
      summary: 'Not every pack is heard: the bank is counted without the missing ones.',
    },
  ],
};
