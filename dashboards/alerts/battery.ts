import { each, type Group, m } from './rule.ts';

const spread = `max by (pack) (${m('cell_voltage_volts')}) - min by (pack) (${m('cell_voltage_volts')})`;
const current = `abs(${each('pack_current_amperes')})`;
/** A tenth of the capacity per hour: what a pack does at rest or nearly so. */
const tenthRate = `${each('pack_charge_full_coulombs')} / 36000`;

/** Is the battery safe, and is it the battery we think it is? */
export const battery: Group = {
  name: 'holdover-battery',
  rules: [
    {
      name: 'HoldoverChargeLow',
      severity: 'warning',
      expr: `${each('bank_soc_ratio')} < 0.3`,
      for: '5m',
      summary: 'The battery is at {{ $value | humanizePercentage }}.',
    },
    {
      name: 'HoldoverChargeCritical',
      severity: 'critical',
      expr: `${each('bank_soc_ratio')} < 0.1`,
      for: '1m',
      summary: 'The battery is at {{ $value | humanizePercentage }}.',
    },
    {
      name: 'HoldoverNotCharging',
      severity: 'warning',
      expr: `${each('bank_soc_ratio')} < 0.5 and on () ${each('mains_present')} == 1 and on () ${each('bank_power_watts')} <= 0`,
      for: '30m',
      summary: 'Mains is there, the battery is at {{ $value | humanizePercentage }}, and nothing charges it.',
    },
    {
      name: 'HoldoverChargeJumps',
      severity: 'warning',
      expr: `abs(${each('pack_soc_ratio')} - max by (pack) (${m('pack_soc_ratio')} offset 1m)) > 0.1`,
      for: '0s',
      summary: 'The charge the BMS {{ $labels.pack }} tells has jumped by more than 10 % within a minute.',
    },
    {
      name: 'HoldoverChargeDoubtful',
      severity: 'warning',
      expr: `abs(${each('pack_soc_ratio')} - on () group_left () ${each('bank_soc_ratio')}) > 0.2`,
      for: '30m',
      summary: 'The BMS {{ $labels.pack }} and our own model differ by more than 20 % of charge.',
    },
    {
      name: 'HoldoverCellLimit',
      severity: 'critical',
      expr: `${each('rack_alarm', { code: ['cell-overvoltage', 'cell-undervoltage', 'pack-overvoltage', 'pack-undervoltage'] })} == 1`,
      for: '30s',
      summary: '{{ $labels.code }} on {{ $labels.subject }}: outside the limits of its chemistry.',
    },
    {
      name: 'HoldoverCellSpreadAtRest',
      severity: 'warning',
      expr: `${spread} > 0.05 and on (pack) ${current} < on (pack) ${tenthRate} and on (pack) ${each('pack_soc_ratio')} < 0.95 and on (pack) ${each('pack_soc_ratio')} > 0.2`,
      for: '30m',
      summary: 'The cells of {{ $labels.pack }} are {{ $value | humanize }} V apart although it rests in mid-charge.',
    },
    {
      name: 'HoldoverCellSpreadUnderLoad',
      severity: 'warning',
      expr: `${spread} > 0.3 and on (pack) ${current} >= on (pack) ${tenthRate}`,
      for: '5m',
      summary:
        'The cells of {{ $labels.pack }} are {{ $value | humanize }} V apart under load: a weak cell or a bad joint.',
    },
    {
      name: 'HoldoverPackHot',
      severity: 'critical',
      expr: `${each('temperature_celsius', { sensor: { not: 'mosfet' } })} > 50 or ${each('temperature_celsius', { sensor: 'mosfet' })} > 85`,
      for: '2m',
      summary: 'Sensor {{ $labels.sensor }} of {{ $labels.pack }} is at {{ $value | humanize }} °C.',
    },
    {
      name: 'HoldoverPackCold',
      severity: 'warning',
      expr: `${each('temperature_celsius', { sensor: { not: 'mosfet' } })} < 2`,
      for: '5m',
      summary: '{{ $labels.pack }} is at {{ $value | humanize }} °C: LiFePO4 must not be charged below 0 °C.',
    },
    {
      name: 'HoldoverOutputOpen',
      severity: 'critical',
      expr: `${each('fet_closed', { fet: 'discharge' })} == 0 unless on () ${each('shutdown_phase', { phase: 'dark' })} == 1`,
      for: '1m',
      summary: 'The BMS {{ $labels.pack }} does not let current out, and a load waits for it.',
    },
    {
      name: 'HoldoverBmsAlarm',
      severity: 'warning',
      expr: `${each('pack_alarm')} == 1`,
      for: '5m',
      summary: 'The BMS {{ $labels.pack }} raises {{ $labels.code }}.',
    },
    {
      name: 'HoldoverPackWorn',
      severity: 'info',
      expr: `${each('pack_soh_ratio')} < 0.7`,
      for: '1h',
      summary:
        'The BMS {{ $labels.pack }} gives its health as {{ $value | humanizePercentage }}: plan its replacement.',
    },
    {
      name: 'HoldoverUpsLow',
      severity: 'critical',
      expr: `${each('ups_low_battery')} == 1 or ${each('ups_forced_shutdown')} == 1`,
      for: '0s',
      summary: 'The UPS {{ $labels.ups }} is nearly empty, or orders everything to go down.',
    },
  ],
};
