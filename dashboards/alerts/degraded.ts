import { each, type Group, m } from './rule.ts';

/** Has something not gone as it should? */
export const degraded: Group = {
  name: 'holdover-degraded',
  rules: [
    {
      name: 'HoldoverAlarm',
      severity: 'critical',
      expr: `${each('rack_alarm', { severity: 'critical' })} == 1`,
      for: '1m',
      summary: 'holdover raises {{ $labels.code }} for {{ $labels.subject }}.',
    },
    {
      name: 'HoldoverStageOverdue',
      severity: 'critical',
      expr: `sum_over_time((${each('stage_state', { state: 'going-down' })})[1h:30s]) * 30 > on (stage) group_left () 1.5 * ${each('stage_duration_seconds')} + 60 and on (stage) ${each('stage_state', { state: 'going-down' })} == 1`,
      for: '0s',
      summary: 'Stage {{ $labels.stage }} has been going down for half as long again as planned.',
    },
    {
      name: 'HoldoverPortNotCut',
      severity: 'critical',
      expr: `${each('host_phase', { phase: 'cut' })} == 1 and on (host) ${each('host_power_watts')} > 2`,
      for: '1m',
      summary: 'The port of {{ $labels.host }} was cut and still delivers power.',
    },
    {
      name: 'HoldoverHostNeedsPerson',
      severity: 'critical',
      expr: `${each('host_in_trouble')} == 1`,
      for: '0s',
      summary: '{{ $labels.host }} could not be brought to where it should be.',
    },
    {
      name: 'HoldoverHostForced',
      severity: 'warning',
      expr: `${each('host_forced')} == 1`,
      for: '0s',
      summary: '{{ $labels.host }} lost its power although it was not seen to be off.',
    },
    {
      name: 'HoldoverHostGone',
      severity: 'warning',
      expr: `${each('host_reachable')} == 0 and on (host) ${each('host_phase', { phase: 'up' })} == 1 and on () ${each('shutdown_phase', { phase: 'mains' })} == 1`,
      for: '5m',
      summary: '{{ $labels.host }} should be up and does not answer.',
    },
    {
      name: 'HoldoverNodeNotReady',
      severity: 'warning',
      expr: `${each('node_ready')} == 0 and on () ${each('shutdown_phase', { phase: 'mains' })} == 1`,
      for: '10m',
      summary: 'The node {{ $labels.node }} is not ready.',
    },
    {
      name: 'HoldoverRestoreBlocked',
      severity: 'warning',
      expr: `${each('shutdown_phase', { phase: ['dark', 'restoring'] })} == 1 and on () ${each('mains_present')} == 1`,
      for: '30m',
      summary: 'Mains has been back for half an hour and the rack is still {{ $labels.phase }}.',
    },
    {
      name: 'HoldoverPortFault',
      severity: 'warning',
      expr: `${each('poe_port_fault')} == 1`,
      for: '2m',
      summary: 'Switch {{ $labels.switch }} reports a fault on port {{ $labels.port }}.',
    },
    {
      name: 'HoldoverSinkDown',
      severity: 'warning',
      expr: `${each('sink_up')} == 0`,
      for: '10m',
      summary: 'The {{ $labels.sink }} sink does not reach its peer.',
    },
    {
      name: 'HoldoverSinkDropping',
      severity: 'warning',
      expr: `max by (sink) (increase(${m('sink_dropped_total')}[10m])) > 0`,
      for: '10m',
      summary: 'The {{ $labels.sink }} sink is losing what it should deliver.',
    },
  ],
};
