/** Our alarm codes. Drivers map their vendor's bits onto these and keep what they cannot map as `vendor`. */
export type AlarmCode =
  | 'cell-overvoltage'
  | 'cell-undervoltage'
  | 'pack-overvoltage'
  | 'pack-undervoltage'
  | 'charge-overtemperature'
  | 'charge-undertemperature'
  | 'discharge-overtemperature'
  | 'discharge-undertemperature'
  | 'mosfet-overtemperature'
  | 'ambient-temperature'
  | 'charge-overcurrent'
  | 'discharge-overcurrent'
  | 'short-circuit'
  | 'cell-imbalance'
  | 'low-soc'
  | 'front-end-fault'
  | 'mosfet-fault'
  | 'sensor-fault'
  | 'locked-by-command'
  | 'unfit-limits'
  | 'modules-missing'
  | 'vendor';

/** `warning`: still working. `protection`: the BMS has opened, or will open, a switch. */
export type AlarmLevel = 'warning' | 'protection';

export interface Alarm {
  readonly code: AlarmCode;
  readonly level: AlarmLevel;
  /** The vendor's own name or bit, when `code` is `vendor` or says less than the device does. */
  readonly detail?: string;
}
