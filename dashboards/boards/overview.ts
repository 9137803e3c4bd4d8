import { both, present, read } from '../panels/query.ts';
import { ask, gauge, lines, stat, table } from '../panels/spec.ts';
import type { BoardSpec } from './board.ts';
import { charge, hostWords, mainsWords, none, PER_HOUR, phaseWords, use } from './words.ts';

/** The rack at one glance: from the outlet down to the hosts, and the battery beside it. */
export const overview: BoardSpec = {
  id: 'overview',
  title: 'overview',
  description: 'The rack from the outlet over the switches and ports to the hosts, with the battery beside it.',
  variables: [],
  rows: [
    {
      title: 'Outlet, switch, port, host; battery',
      columns: [
        {
          width: 16,
          panels: [
            stat('Mains', 'What all witnesses together say of mains.', [ask(present('mains_verdict'), 'Mains')], {
              words: mainsWords,
            }),
            stat('Phase', 'What the coordinator is doing.', [ask(present('shutdown_phase'), 'Phase')], {
              words: phaseWords,
            }),
            stat('Outlet', 'Power on the branch circuit.', [ask(read('circuit_power_watts'), 'Power')], {
              empty: 'no meter',
            }),
            gauge(
              'Circuit used',
              'Current on the branch circuit as a share of its continuous limit.',
              [ask(both(read('circuit_current_amperes'), '/', read('circuit_limit_amperes')), 'Used')],
              { unit: 'percentunit', min: 0, max: 1, height: 4, steps: use, empty: 'no meter' },
            ),
            lines(
              'From the outlet down',
              'Power at the outlet, what the switches deliver of it, and what the hosts draw from their ports.',
              [
                ask(read('circuit_power_watts'), 'Outlet'),
                ask(read('poe_drawn_watts'), 'Switch {{switch}}'),
                ask(read('host_power_watts', { by: [], over: 'sum' }), 'Hosts on ports'),
              ],
              { width: 12, height: 7, min: 0 },
            ),
            gauge(
              'PoE used',
              'What a switch delivers as a share of what it can deliver.',
              [ask(both(read('poe_drawn_watts'), '/', read('poe_budget_watts')), '{{switch}}')],
              { unit: 'percentunit', min: 0, max: 1, height: 7, steps: use },
            ),
            table(
              'Switch, port, host',
              'Where each host hangs, what it is doing, and what it draws. Hosts without a port have none.',
              [
                ask(read('host_info'), 'Info'),
                ask(present('host_phase'), 'Phase'),
                ask(read('host_power_watts'), 'Power'),
                ask(read('host_reachable'), 'Reachable'),
                ask(read('host_in_trouble'), 'Needs a person'),
              ],
              { rowsBy: 'host', width: 16, height: 18, words: hostWords },
            ),
          ],
        },
        {
          width: 8,
          panels: [
            gauge('Battery', 'State of charge by our own model.', [ask(read('bank_soc_ratio'), 'Charge')], {
              width: 8,
              min: 0,
              max: 1,
              decimals: 0,
              steps: charge,
            }),
            stat('Battery power', 'Positive charges it.', [ask(read('bank_power_watts'), 'Power')], { decimals: 0 }),
            stat('Runtime', 'Time to empty at the present load.', [ask(read('bank_runtime_seconds'), 'Runtime')], {
              empty: 'not discharging',
            }),
            stat(
              'All off in',
              'Time until the last host is off, were mains away or is away.',
              [ask(read('schedule_all_off_seconds'), 'All off in')],
              { empty: 'unknown' },
            ),
            stat(
              'Usable energy',
              'Deliverable at the present load.',
              [ask(read('bank_energy_usable_joules', { scale: PER_HOUR }), 'Usable')],
              { unit: 'watth', decimals: 0 },
            ),
            lines(
              'Charge',
              'State of charge by our own model and as each BMS has it.',
              [ask(read('bank_soc_ratio'), 'Model'), ask(read('pack_soc_ratio'), '{{pack}}')],
              { width: 8, min: 0, max: 1 },
            ),
            stat('Alarms', 'Alarms that are raised, by severity.', [ask(read('rack_alarms_active'), '{{severity}}')], {
              width: 8,
              steps: none,
            }),
            table('Raised alarms', 'What is wrong now.', [ask(read('rack_alarm'), 'Raised')], {
              rowsBy: 'code',
              width: 8,
              height: 8,
              empty: 'none',
            }),
          ],
        },
      ],
    },
  ],
};
