/** What makes each alert fire: one thing that is wrong on an otherwise recorded rack, for 75 minutes in steps of 60 s. */
export interface Case {
  readonly alert: string;
  /** The recorded moment that stands still: on mains, or on battery with the stages waiting. */
  readonly base?: 'mains' | 'away';
  /** In promtool's notation; instead of, or besides, what was recorded. */
  readonly series: Readonly<Record<string, string>>;
  /** Series that end. */
  readonly without?: readonly string[];
  /** Alerts that rightly fire with it. */
  readonly also?: readonly string[];
}

const still = (value: number): string => `${value}+0x75`;
const lately = (before: number, now: number, steps: number): string =>
  `${before}+0x${75 - steps} ${now}+0x${steps - 1}`;
const one = (alert: string, name: string, value: number, more: Partial<Case> = {}): Case => ({
  alert,
  series: { [name]: still(value) },
  ...more,
});

const PICTURE = 'holdover_snapshot_timestamp_seconds';
const CURRENT = 'holdover_pack_current_amperes{pack="lfp1"}';
const CELL = 'holdover_cell_voltage_volts{pack="lfp1",cell="7"}';
const away = { base: 'away' } as const;

export const cases: readonly Case[] = [
  { alert: 'HoldoverSilent', series: {}, without: [PICTURE] },
  { alert: 'HoldoverClockOff', series: { [PICTURE]: '90+60x75' } },
  one('HoldoverPackSilent', 'holdover_device_fresh{device="lfp1",kind="pack"}', 0),
  one('HoldoverSourceSilent', 'holdover_device_fresh{device="sw1",kind="switch"}', 0),
  {
    alert: 'HoldoverPollsFail',
    series: {
      'holdover_device_polls_total{device="lfp1",kind="pack"}': '0+60x75',
      'holdover_device_poll_failures_total{device="lfp1",kind="pack",reason="timeout"}': '0+20x75',
    },
  },
  one('HoldoverBankIncomplete', 'holdover_bank_complete', 0),
  one('HoldoverOnBattery', 'holdover_mains_present', 0, { also: ['HoldoverStageDue'] }),
  one('HoldoverMainsUnknown', 'holdover_mains_verdict{verdict="unknown"}', 1),
  one('HoldoverMainsDisputed', 'holdover_mains_disputed', 1),
  one('HoldoverNotInTime', 'holdover_schedule_feasible', 0),
  one('HoldoverRuntimeLow', 'holdover_bank_runtime_seconds', 800, away),
  one('HoldoverRuntimeCritical', 'holdover_bank_runtime_seconds', 200, { ...away, also: ['HoldoverRuntimeLow'] }),
  one('HoldoverRuntimeBelowDrain', 'holdover_stage_duration_seconds{stage="workers"}', 4000, away),
  one('HoldoverStageDue', 'holdover_stage_begin_seconds{stage="batch"}', 0, away),
  one('HoldoverChargeLow', 'holdover_bank_soc_ratio', 0.25, { ...away, also: ['HoldoverChargeDoubtful'] }),
  one('HoldoverChargeCritical', 'holdover_bank_soc_ratio', 0.05, {
    ...away,
    also: ['HoldoverChargeLow', 'HoldoverChargeDoubtful'],
  }),
  {
    alert: 'HoldoverNotCharging',
    series: { holdover_bank_soc_ratio: still(0.45), holdover_bank_power_watts: still(-3) },
  },
  { alert: 'HoldoverChargeJumps', series: { 'holdover_pack_soc_ratio{pack="lfp1"}': lately(0.63, 0.4, 1) } },
  one('HoldoverChargeDoubtful', 'holdover_pack_soc_ratio{pack="lfp1"}', 0.9),
  one('HoldoverCellLimit', 'holdover_rack_alarm{code="cell-undervoltage",subject="lfp1",severity="critical"}', 1, {
    also: ['HoldoverAlarm'],
  }),
  { alert: 'HoldoverCellSpreadAtRest', series: { [CELL]: still(3.2), [CURRENT]: still(0.1) } },
  { alert: 'HoldoverCellSpreadUnderLoad', series: { [CELL]: still(2.8), [CURRENT]: still(-5) } },
  one('HoldoverPackHot', 'holdover_temperature_celsius{pack="lfp1",sensor="1"}', 52),
  one('HoldoverPackCold', 'holdover_temperature_celsius{pack="lfp1",sensor="2"}', 1),
  one('HoldoverOutputOpen', 'holdover_fet_closed{pack="lfp1",fet="discharge"}', 0),
  one('HoldoverBmsAlarm', 'holdover_pack_alarm{pack="lfp1",code="discharge-overcurrent"}', 1),
  one('HoldoverPackWorn', 'holdover_pack_soh_ratio{pack="lfp1"}', 0.6),
  one('HoldoverUpsLow', 'holdover_ups_low_battery{ups="apc"}', 1),
  one('HoldoverAlarm', 'holdover_rack_alarm{code="circuit-over-limit",subject="circuit",severity="critical"}', 1),
  {
    alert: 'HoldoverStageOverdue',
    ...away,
    series: {
      'holdover_stage_state{stage="batch",state="waiting"}': lately(1, 0, 10),
      'holdover_stage_state{stage="batch",state="going-down"}': lately(0, 1, 10),
    },
  },
  {
    alert: 'HoldoverPortNotCut',
    series: {
      'holdover_host_phase{host="pi12",phase="up"}': still(0),
      'holdover_host_phase{host="pi12",phase="cut"}': still(1),
      'holdover_host_power_watts{host="pi12"}': still(6.5),
    },
  },
  one('HoldoverHostNeedsPerson', 'holdover_host_in_trouble{host="pi12"}', 1),
  one('HoldoverHostForced', 'holdover_host_forced{host="pi12"}', 1),
  one('HoldoverHostGone', 'holdover_host_reachable{host="pi12"}', 0),
  one('HoldoverNodeNotReady', 'holdover_node_ready{node="pi12"}', 0),
  {
    alert: 'HoldoverRestoreBlocked',
    series: {
      'holdover_shutdown_phase{phase="mains"}': still(0),
      'holdover_shutdown_phase{phase="dark"}': still(1),
    },
  },
  one('HoldoverPortFault', 'holdover_poe_port_fault{switch="sw1",port="3"}', 1),
  one('HoldoverSinkDown', 'holdover_sink_up{sink="influx"}', 0),
  { alert: 'HoldoverSinkDropping', series: { 'holdover_sink_dropped_total{sink="influx"}': '0+8x75' } },
  one('HoldoverCircuitOver', 'holdover_circuit_current_amperes{circuit="main"}', 17, { also: ['HoldoverCircuitNear'] }),
  one('HoldoverCircuitNear', 'holdover_circuit_current_amperes{circuit="main"}', 15),
  one('HoldoverPoeNear', 'holdover_poe_drawn_watts{switch="sw1"}', 380),
  {
    alert: 'HoldoverPoeRefused',
    series: { 'holdover_poe_port_denied_total{switch="sw1",port="3"}': lately(0, 2, 4) },
  },
  one('HoldoverUpsLoad', 'holdover_ups_load_ratio{ups="apc"}', 0.9),
  { alert: 'HoldoverSpoolGrows', series: { 'holdover_sink_waiting{sink="influx"}': '0+200x75' } },
];
