import { both, type ReadOptions, read } from '../panels/query.ts';
import { ask, bars, lines, stat, states, table, yesNo } from '../panels/spec.ts';
import { type BoardSpec, row } from './board.ts';
import { charge, MS, none, PER_HOUR } from './words.ts';

const of: ReadOptions = { where: { pack: { chosen: 'pack' } } };
const wh: ReadOptions = { ...of, scale: PER_HOUR };
const inRange: ReadOptions = { growth: 'in-range', scale: PER_HOUR };

const packs = [
  stat('Charge', 'State of charge as the BMS has it.', [ask(read('pack_soc_ratio', of), '{{pack}}')], {
    steps: charge,
  }),
  stat('Health', 'State of health as the BMS has it.', [ask(read('pack_soh_ratio', of), '{{pack}}')], {
    empty: 'not told',
  }),
  stat('Cycles', 'Charge cycles the BMS has counted.', [ask(read('pack_cycles_total', of), '{{pack}}')]),
  stat('Charge left', 'As the BMS counts it.', [ask(read('pack_charge_remaining_coulombs', wh), '{{pack}}')], {
    unit: 'amph',
    decimals: 1,
  }),
  stat('Charge when full', 'As the BMS has learned it.', [ask(read('pack_charge_full_coulombs', wh), '{{pack}}')], {
    unit: 'amph',
    decimals: 1,
  }),
  stat('BMS alarms', 'Alarms the BMS raises now.', [ask(read('pack_alarms_active', of), '{{pack}}')], { steps: none }),
  lines('Voltage', 'Voltage of each pack.', [ask(read('pack_voltage_volts', of), '{{pack}}')]),
  lines('Current', 'Current of each pack; positive charges it.', [ask(read('pack_current_amperes', of), '{{pack}}')]),
  lines(
    'Power',
    'Voltage times current of each pack, and what the BMS itself tells, where it does; positive charges it.',
    [
      ask(both(read('pack_voltage_volts', of), '*', read('pack_current_amperes', of)), '{{pack}}'),
      ask(read('pack_power_watts', of), '{{pack}}, as told'),
    ],
    { unit: 'watt' },
  ),
  lines(
    'Time to empty',
    'As the BMS estimates it; absent while the pack does not discharge.',
    [ask(read('pack_runtime_seconds', of), '{{pack}}')],
    { empty: 'not discharging, or not told' },
  ),
  table('BMS', 'What each BMS says it is.', [ask(read('pack_info', of), 'Info')], {
    rowsBy: 'pack',
    width: 12,
    height: 5,
  }),
  states(
    'Switches of the BMS',
    'Whether charging and discharging are let through.',
    [ask(read('fet_closed', of), '{{pack}} {{fet}}')],
    { width: 12, height: 5, words: yesNo('closed', 'open') },
  ),
];

const cells = [
  bars('Cells now', 'Voltage of every cell.', [ask(read('cell_voltage_volts', of), '{{pack}} {{cell}}')], {
    width: 8,
    height: 12,
    decimals: 3,
    min: 2,
  }),
  lines('Cells', 'Voltage of every cell.', [ask(read('cell_voltage_volts', of), '{{pack}} {{cell}}')], {
    width: 16,
    height: 12,
    decimals: 3,
  }),
  lines(
    'Highest and lowest cell',
    'They part at the ends of charge and under load; a pair that parts at rest is a cell that leaks or is weak.',
    [
      ask(read('cell_voltage_volts', { ...of, by: ['pack'], over: 'max' }), '{{pack}} highest'),
      ask(read('cell_voltage_volts', { ...of, by: ['pack'], over: 'min' }), '{{pack}} lowest'),
      ask(read('bank_weakest_cell_volts'), 'weakest of all'),
    ],
    { decimals: 3 },
  ),
  lines('Spread', 'Largest difference between cells of one pack.', [ask(read('bank_cell_spread_volts'), 'Spread')], {
    decimals: 3,
    min: 0,
  }),
  lines('Temperature', 'In the packs and at the MOSFETs.', [
    ask(read('temperature_celsius', of), '{{pack}} {{sensor}}'),
  ]),
  states('Balancing', 'Which cells the BMS balances.', [ask(read('cell_balancing', of), '{{pack}} {{cell}}')], {
    width: 12,
    words: [
      { value: 1, text: 'balancing', color: 'blue' },
      { value: 0, text: 'idle', color: 'gray' },
    ],
  }),
];

const bank = [
  lines('Charge and its doubt', 'State of charge by our own model, with its standard deviation.', [
    ask(read('bank_soc_ratio'), 'Charge'),
    ask(read('bank_soc_sigma_ratio'), 'Standard deviation'),
  ]),
  lines(
    'Charge, counted and told',
    'Of each pack: by our own count with its standard deviation, and as its BMS has it. Where they part for long, one of them drifts.',
    [
      ask(read('pack_counted_soc_ratio', of), '{{pack}}, counted'),
      ask(read('pack_counted_soc_sigma_ratio', of), '{{pack}}, standard deviation'),
      ask(read('pack_soc_ratio', of), '{{pack}}, told'),
    ],
    { min: 0, max: 1 },
  ),
  lines(
    'Energy',
    'Deliverable at the present load, the cautious bound of it, and the energy of the full bank.',
    [
      ask(read('bank_energy_usable_joules', { scale: PER_HOUR }), 'Usable'),
      ask(read('bank_energy_usable_low_joules', { scale: PER_HOUR }), 'Usable, cautious'),
      ask(read('bank_energy_full_joules', { scale: PER_HOUR }), 'Full'),
    ],
    { unit: 'watth', min: 0 },
  ),
  lines('Bus', 'Voltage of the DC bus.', [ask(read('bank_voltage_volts'), 'Voltage')], { width: 8 }),
  lines('Bank current', 'All packs together; positive charges.', [ask(read('bank_current_amperes'), 'Current')], {
    width: 8,
  }),
  lines('Bank power', 'All packs together; positive charges.', [ask(read('bank_power_watts'), 'Power')], { width: 8 }),
  stat('Complete', 'Whether every configured pack is heard.', [ask(read('bank_complete'), 'Complete')], {
    words: yesNo('yes', 'no'),
  }),
  stat(
    'Charged',
    'Energy into the bank within the range shown.',
    [ask(read('energy_charged_joules_total', inRange), 'In')],
    {
      unit: 'watth',
      empty: 'no history',
    },
  ),
  stat(
    'Discharged',
    'Energy out of the bank within the range shown.',
    [ask(read('energy_discharged_joules_total', inRange), 'Out')],
    { unit: 'watth', empty: 'no history' },
  ),
  stat(
    'Charged, by the BMS',
    'Energy into each pack within the range shown, as the BMS counts.',
    [ask(read('pack_energy_charged_joules_total', { ...of, ...inRange }), '{{pack}}')],
    { unit: 'watth', empty: 'not told' },
  ),
  stat(
    'Discharged, by the BMS',
    'Energy out of each pack within the range shown, as the BMS counts.',
    [ask(read('pack_energy_discharged_joules_total', { ...of, ...inRange }), '{{pack}}')],
    { unit: 'watth', empty: 'not told' },
  ),
  stat(
    'Heard last',
    'When each pack last answered.',
    [
      ask(
        read('device_last_success_timestamp_seconds', { where: { kind: 'pack' }, by: ['device'], scale: MS }),
        '{{device}}',
      ),
    ],
    { unit: 'dateTimeFromNow' },
  ),
];

/** Packs, cells and the bank they make. */
export const pack: BoardSpec = {
  id: 'pack',
  title: 'pack and cells',
  description: 'What every BMS says, down to the cells, and what our own model makes of it.',
  variables: [{ name: 'pack', metric: 'pack_voltage_volts', label: 'pack' }],
  rows: [
    row('Packs', packs),
    row('Cells', cells),
    row('Bank', bank),
    row(
      'Alarms of the BMS',
      [
        states('Alarms', 'What each BMS raised, and when.', [ask(read('pack_alarm', of), '{{pack}} {{code}}')], {
          height: 16,
          words: yesNo('raised', 'quiet', 'no'),
        }),
      ],
      true,
    ),
  ],
};
