import type { Alarm } from './alarms.ts';

/**
 * What one BMS or shunt said at one moment. SI units; positive current and power charge the pack.
 * A field the device does not tell is absent, never 0.
 */
export interface PackSample {
  readonly kind: 'pack';
  /** Wall time of the measurement, ms since the epoch. */
  readonly measuredAtMs: number;
  readonly voltageV?: number;
  /** Positive charges the pack. */
  readonly currentA?: number;
  /** Positive charges the pack. */
  readonly powerW?: number;
  /** The device's own state of charge, 0..1. Shown, and not trusted blindly. */
  readonly socRatio?: number;
  readonly sohRatio?: number;
  readonly remainingAh?: number;
  /** Capacity when full as the device has learned it. */
  readonly fullAh?: number;
  readonly ratedAh?: number;
  readonly cycles?: number;
  /** How many parallel modules answer, where one device speaks for a string of them. */
  readonly parallelModules?: number;
  /** Cell 1 (most negative) first. */
  readonly cellsV?: readonly number[];
  readonly temperaturesC?: readonly number[];
  readonly mosfetTemperatureC?: number;
  /** 1-based cell numbers that are being balanced. */
  readonly balancingCells?: readonly number[];
  readonly chargeFetClosed?: boolean;
  readonly dischargeFetClosed?: boolean;
  readonly alarms?: readonly Alarm[];
  /** Where the board itself opens its switches, as it is set. */
  readonly limits?: BoardLimits;
  readonly energyInWh?: number;
  readonly energyOutWh?: number;
  /** The device's own estimate; absent while it does not discharge. */
  readonly timeToEmptyS?: number;
  readonly model?: string;
  readonly firmware?: string;
  readonly serial?: string;
}

/** Limits a board is set to; currents are magnitudes. A limit it does not tell is absent. */
export interface BoardLimits {
  readonly cellMaxV?: number;
  readonly cellMinV?: number;
  readonly packMaxV?: number;
  readonly packMinV?: number;
  readonly chargeMaxC?: number;
  readonly chargeMinC?: number;
  readonly dischargeMaxC?: number;
  readonly dischargeMinC?: number;
  readonly chargeMaxA?: number;
  readonly dischargeMaxA?: number;
  /** The kind of cells it was told it has. */
  readonly chemistry?: 'lifepo4' | 'lto' | 'li-ion';
}

/** What an AC meter on the rack's circuit said. Positive power is drawn from mains. */
export interface MeterSample {
  readonly kind: 'meter';
  /** Wall time of the measurement, ms since the epoch. */
  readonly measuredAtMs: number;
  readonly voltageV?: number;
  /** Magnitude. */
  readonly currentA?: number;
  readonly powerW?: number;
  readonly apparentVa?: number;
  /** 0..1 */
  readonly powerFactor?: number;
  readonly frequencyHz?: number;
  readonly importWh?: number;
  readonly exportWh?: number;
}

/**
 * What stands between mains and the load and keeps a battery of its own: an inverter/charger, or a UPS that another
 * program reads. It says whether mains is there, and what it believes of its battery.
 */
export interface UpsSample {
  readonly kind: 'ups';
  /** Wall time of the measurement, ms since the epoch. */
  readonly measuredAtMs: number;
  /** What it says of mains; absent when it does not tell. */
  readonly mainsPresent?: boolean;
  readonly inputVoltageV?: number;
  readonly inputFrequencyHz?: number;
  readonly outputVoltageV?: number;
  readonly outputFrequencyHz?: number;
  readonly loadPowerW?: number;
  readonly loadApparentVa?: number;
  /** Share of what it can carry, 0..1. */
  readonly loadRatio?: number;
  readonly batteryVoltageV?: number;
  /** Positive charges the battery. */
  readonly batteryCurrentA?: number;
  /** Its own figure, 0..1. */
  readonly socRatio?: number;
  /** Its own estimate of the time left on battery, s. */
  readonly runtimeS?: number;
  readonly temperatureC?: number;
  /** How it works now, in the device's own word: `line`, `battery`, `standby`, `bypass`, `fault`, … */
  readonly mode?: string;
  /** It says its battery is nearly empty. */
  readonly lowBattery?: boolean;
  /** Somebody who commands it has ordered everything down. */
  readonly forcedShutdown?: boolean;
  readonly alarms?: readonly Alarm[];
  readonly model?: string;
  readonly firmware?: string;
  readonly serial?: string;
}

export type Sample = PackSample | MeterSample | UpsSample;
