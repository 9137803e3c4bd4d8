import { each, type Group, m } from './rule.ts';

/** Will something be full soon? */
export const limits: Group = {
  name: 'holdover-limits',
  rules: [
    {
      name: 'HoldoverCircuitOver',
      severity: 'critical',
      expr: `${each('circuit_current_amperes')} > on (circuit) ${each('circuit_limit_amperes')}`,
      for: '3m',
      summary: 'The branch circuit carries {{ $value | humanize }} A, more than it may for long.',
    },
    {
      name: 'HoldoverCircuitNear',
      severity: 'warning',
      expr: `${each('circuit_current_amperes')} / on (circuit) ${each('circuit_limit_amperes')} > 0.9`,
      for: '10m',
      summary: 'The branch circuit carries {{ $value | humanizePercentage }} of what it may for long.',
    },
    {
      name: 'HoldoverPoeNear',
      severity: 'warning',
      expr: `${each('poe_drawn_watts')} / on (switch) ${each('poe_budget_watts')} > 0.9`,
      for: '5m',
      summary: 'Switch {{ $labels.switch }} delivers {{ $value | humanizePercentage }} of its PoE budget.',
    },
    {
      name: 'HoldoverPoeRefused',
      severity: 'warning',
      expr: `max by (switch, port) (increase(${m('poe_port_denied_total')}[15m])) > 0`,
      for: '0s',
      summary: 'Switch {{ $labels.switch }} refused power to port {{ $labels.port }} for lack of budget.',
    },
    {
      name: 'HoldoverUpsLoad',
      severity: 'warning',
      expr: `${each('ups_load_ratio')} > 0.8`,
      for: '10m',
      summary: 'The UPS {{ $labels.ups }} carries {{ $value | humanizePercentage }} of what it can.',
    },
    {
      name: 'HoldoverSpoolGrows',
      severity: 'warning',
      expr: `${each('sink_waiting')} > 0 and on (sink) ${each('sink_waiting')} > on (sink) max by (sink) (${m('sink_waiting')} offset 30m)`,
      for: '30m',
      summary: 'More and more waits in the {{ $labels.sink }} sink: {{ $value | humanize }}.',
    },
  ],
};
