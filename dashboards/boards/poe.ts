import { type ReadOptions, read } from '../panels/query.ts';
import { ask, bars, lines, stat, states, table, yesNo } from '../panels/spec.ts';
import { type BoardSpec, row } from './board.ts';
import { none, PER_HOUR } from './words.ts';

const of: ReadOptions = { where: { switch: { chosen: 'switch' } } };
const inRange: ReadOptions = { growth: 'in-range', scale: PER_HOUR };

const circuit = [
  lines(
    'Circuit current',
    'Current on the branch circuit and its continuous limit (80 % of the breaker).',
    [ask(read('circuit_current_amperes'), 'Current'), ask(read('circuit_limit_amperes'), 'Limit')],
    { min: 0 },
  ),
  lines('Power', 'On the branch circuit, and active and apparent power at each meter.', [
    ask(read('circuit_power_watts'), 'Circuit'),
    ask(read('meter_power_watts'), '{{meter}}'),
    ask(read('meter_apparent_power_voltamperes'), '{{meter}} apparent', 'voltamp'),
  ]),
  lines('Mains voltage', 'At each meter.', [ask(read('meter_voltage_volts'), '{{meter}}')], { width: 6 }),
  lines('Meter current', 'At each meter, magnitude.', [ask(read('meter_current_amperes'), '{{meter}}')], { width: 6 }),
  lines('Mains frequency', 'At each meter.', [ask(read('meter_frequency_hertz'), '{{meter}}')], { width: 6 }),
  lines('Power factor', 'At each meter.', [ask(read('meter_power_factor_ratio'), '{{meter}}')], { width: 6, max: 1 }),
];

const switches = [
  lines(
    'PoE power',
    'What each switch delivers, has promised to the classes of its devices, and can deliver.',
    [
      ask(read('poe_drawn_watts', of), '{{switch}} drawn'),
      ask(read('poe_reserved_watts', of), '{{switch}} reserved'),
      ask(read('poe_budget_watts', of), '{{switch}} budget'),
    ],
    { min: 0 },
  ),
  lines('Port power', 'What each port delivers.', [ask(read('poe_port_power_watts', of), '{{switch}}/{{port}}')], {
    stacked: true,
    min: 0,
  }),
  lines(
    'PoE room',
    'Budget without its guard, minus what is drawn and minus what is promised: below 0 ports are about to lose power.',
    [
      ask(read('poe_headroom_watts', of), '{{switch}} not drawn'),
      ask(read('poe_unreserved_watts', of), '{{switch}} not promised'),
    ],
  ),
  stat(
    'Own count trusted',
    'Whether the total a switch tells agrees with its ports.',
    [ask(read('poe_total_trusted', of), '{{switch}}')],
    { words: yesNo('yes', 'no') },
  ),
  stat(
    'Refused',
    'Times a port was refused power for lack of budget, within the range shown.',
    [ask(read('poe_port_denied_total', { ...of, by: ['switch'], over: 'sum', growth: 'in-range' }), '{{switch}}')],
    { steps: none, decimals: 0, empty: 'not told' },
  ),
  table(
    'Ports now',
    'What hangs on each port and what it draws.',
    [
      ask(read('poe_port_info', of), 'Info'),
      ask(read('poe_port_power_watts', { ...of, by: ['port'] }), 'Power'),
      ask(read('poe_port_voltage_volts', { ...of, by: ['port'] }), 'Voltage'),
      ask(read('poe_port_current_amperes', { ...of, by: ['port'] }), 'Current'),
      ask(read('poe_port_drop_position', { ...of, by: ['port'] }), 'Goes as number'),
    ],
    { rowsBy: 'port', width: 16, height: 12 },
  ),
];

const ports = [
  states(
    'Delivering',
    'Whether a port delivers power.',
    [ask(read('poe_port_delivering', of), '{{switch}}/{{port}}')],
    {
      width: 12,
      height: 14,
      words: [
        { value: 1, text: 'delivering', color: 'green' },
        { value: 0, text: 'not', color: 'gray' },
      ],
    },
  ),
  states(
    'Switched on',
    'Whether a port is administratively on.',
    [ask(read('poe_port_enabled', of), '{{switch}}/{{port}}')],
    {
      width: 12,
      height: 14,
      words: yesNo('on', 'off'),
    },
  ),
  states(
    'Faults',
    'Whether the switch reports a fault on a port.',
    [ask(read('poe_port_fault', of), '{{switch}}/{{port}}')],
    {
      width: 24,
      height: 10,
      words: yesNo('fault', 'none', 'no'),
    },
  ),
];

const energy = [
  bars(
    'Hosts',
    'Energy each host drew within the range shown.',
    [ask(read('energy_host_joules_total', inRange), '{{host}}')],
    {
      unit: 'watth',
      height: 12,
      empty: 'no history',
    },
  ),
  bars(
    'Stages',
    'Energy each stage drew within the range shown.',
    [ask(read('energy_stage_joules_total', inRange), '{{stage}}')],
    {
      unit: 'watth',
      height: 12,
      empty: 'no history',
    },
  ),
  stat(
    'From mains',
    'Energy within the range shown, added up from the power.',
    [ask(read('energy_mains_joules_total', inRange), 'From mains')],
    {
      unit: 'watth',
      empty: 'no history',
    },
  ),
  stat(
    'Cost',
    'Of the energy from mains within the range shown.',
    [ask(read('energy_cost_total', { growth: 'in-range' }), '{{currency}}')],
    {
      decimals: 2,
      empty: 'no price',
    },
  ),
  stat(
    'Imported',
    'Energy the meters counted within the range shown.',
    [ask(read('meter_energy_imported_joules_total', inRange), '{{meter}}')],
    {
      unit: 'watth',
      empty: 'not told',
    },
  ),
  stat(
    'Exported',
    'Energy fed back within the range shown, as the meters count.',
    [ask(read('meter_energy_exported_joules_total', inRange), '{{meter}}')],
    {
      unit: 'watth',
      empty: 'not told',
    },
  ),
  stat(
    'Not counted',
    'Time within the range shown in which a source was silent.',
    [ask(read('energy_unmeasured_seconds_total', { growth: 'in-range' }), '{{source}}')],
    {
      width: 8,
      empty: 'none',
    },
  ),
];

const upses = [
  stat('Charge', 'As each UPS tells it.', [ask(read('ups_soc_ratio'), '{{ups}}')], { empty: 'no UPS' }),
  stat('Runtime', 'As each UPS reckons it.', [ask(read('ups_runtime_seconds'), '{{ups}}')], { empty: 'no UPS' }),
  stat('Mains', 'Whether the input has mains.', [ask(read('ups_mains_present'), '{{ups}}')], {
    words: yesNo('present', 'absent'),
    empty: 'no UPS',
  }),
  stat('Low battery', 'Whether a UPS says that it is nearly empty.', [ask(read('ups_low_battery'), '{{ups}}')], {
    words: yesNo('low', 'no', 'no'),
    empty: 'no UPS',
  }),
  stat(
    'Forced shutdown',
    'Whether all it feeds is ordered to go down.',
    [ask(read('ups_forced_shutdown'), '{{ups}}')],
    {
      words: yesNo('ordered', 'no', 'no'),
      empty: 'no UPS',
    },
  ),
  stat('Load', 'As a share of what each UPS can carry.', [ask(read('ups_load_ratio'), '{{ups}}')], { empty: 'no UPS' }),
  lines('UPS load', 'Measured, or its share of what the UPS can carry.', [ask(read('ups_load_watts'), '{{ups}}')], {
    width: 8,
  }),
  lines(
    'UPS voltages',
    'At the input, the output and the battery.',
    [
      ask(read('ups_input_voltage_volts'), '{{ups}} input'),
      ask(read('ups_output_voltage_volts'), '{{ups}} output'),
      ask(read('ups_battery_voltage_volts'), '{{ups}} battery'),
    ],
    { width: 8 },
  ),
  lines('UPS frequency', 'At the input.', [ask(read('ups_input_frequency_hertz'), '{{ups}}')], { width: 8 }),
];

/** The branch circuit, the switches and their ports, energy, and UPSes that are read. */
export const poe: BoardSpec = {
  id: 'poe',
  title: 'PoE and circuit',
  description: 'The branch circuit and its meters, the PoE switches and their ports, energy, and UPSes that are read.',
  variables: [{ name: 'switch', metric: 'poe_budget_watts', label: 'switch' }],
  rows: [
    row('Circuit', circuit),
    row('Switches', switches),
    row('Ports', ports),
    row('Energy', energy),
    row('UPSes', upses, true),
  ],
};
