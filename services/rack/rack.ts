import type { MeterSample, PackSample, UpsSample } from '#bms/model';
import type { ClusterSample, HostSample, SwitchSample } from './samples.ts';

export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** The latest sample of one source and how old it is. `stale` values are never shown or used as current ones. */
export interface Observed<S> {
  readonly sample?: S;
  /** Monotonic ms when `sample` was received. */
  readonly receivedAtMs?: number;
  /** Age of `sample` at the moment of the snapshot, ms; absent when there is none. */
  readonly ageMs?: number;
  /** `fresh`: younger than the source's limit. `stale`: there is a sample, and it is too old. `absent`: none so far. */
  readonly freshness: 'fresh' | 'stale' | 'absent';
  /** Why the latest poll failed, when it did. */
  readonly failure?: Failure;
}

/** All packs on the DC bus seen as one source of energy, by our own model. */
export interface BankView {
  /** Every configured pack is fresh. */
  readonly complete: boolean;
  /** Packs that have fallen silent and whose charge is reckoned on from the others'. */
  readonly reckoned?: readonly string[];
  /** Monotonic ms of the newest measurement the figures rest on. */
  readonly measuredAtMs?: number;
  readonly freshness: 'fresh' | 'stale' | 'absent';
  readonly voltageV?: number;
  /** Positive charges. */
  readonly currentA?: number;
  readonly powerW?: number;
  /** Our own state of charge 0..1 and its standard deviation. */
  readonly socRatio?: number;
  readonly socSigma?: number;
  /**
   * The same of each pack that counts, by its id (what its BMS says may be another figure), and the charge it is taken to
   * hold when full, Ah: as configured, less what is missing of it and what its BMS says it has lost.
   */
  readonly packs?: Readonly<
    Record<string, { readonly socRatio: number; readonly socSigma: number; readonly capacityAh: number }>
  >;
  /** Energy deliverable at the present load down to the cut-off, Wh; and its cautious bound (two sigma low). */
  readonly usableWh?: number;
  readonly usableLowWh?: number;
  readonly fullWh?: number;
  /** Time to empty at the present load, s; absent while not discharging. */
  readonly runtimeS?: number;
  readonly weakestCellV?: number;
  readonly cellSpreadV?: number;
}

export type MainsVerdict = 'present' | 'absent' | 'unknown';

/** One witness for or against mains. */
export interface MainsVote {
  readonly source: string;
  readonly says: 'present' | 'absent' | 'silent';
  readonly because: string;
}

export interface MainsView {
  /** After confirmation time and hysteresis. */
  readonly verdict: MainsVerdict;
  /** Monotonic ms since when the verdict holds. */
  readonly sinceMs: number;
  readonly votes: readonly MainsVote[];
  /** Witnesses contradict each other. */
  readonly disputed: boolean;
  /** What they say now, where that is another verdict that waits for its confirmation. */
  readonly leaning?: 'present' | 'absent';
}

export interface CircuitView {
  /** Whose figures these are, added up; absent where there is no meter. */
  readonly meters?: readonly string[];
  readonly powerW?: number;
  readonly currentA?: number;
  readonly limitA: number;
  readonly freshness: 'fresh' | 'stale' | 'absent';
}

/** Somebody who commands a UPS has ordered everything it feeds to go down. */
export interface ForcedShutdown {
  /** Which UPS says so. */
  readonly ups: string;
  readonly because: string;
  /** It was seen to be raised while that UPS itself had mains. */
  readonly onMains?: boolean;
}

export interface RackAlarm {
  /** Kebab-case, stable: `pack-stale`, `mains-disputed`, … */
  readonly code: string;
  /** Which device, host or switch. */
  readonly subject: string;
  readonly severity: 'info' | 'warning' | 'critical';
  readonly message: string;
}

/** Everything known of the rack at one moment. Immutable. */
export interface Rack {
  readonly wallMs: number;
  readonly monoMs: number;
  readonly packs: Readonly<Record<string, Observed<PackSample>>>;
  readonly bank: BankView;
  readonly meters: Readonly<Record<string, Observed<MeterSample>>>;
  /** Absent when none is configured. */
  readonly ups?: Readonly<Record<string, Observed<UpsSample>>>;
  readonly switches: Readonly<Record<string, Observed<SwitchSample>>>;
  readonly hosts: Readonly<Record<string, Observed<HostSample>>>;
  /** Absent when no cluster is configured. */
  readonly cluster?: Observed<ClusterSample>;
  readonly mains: MainsView;
  readonly circuit: CircuitView;
  /** Present only while a fresh UPS says so, and it is no flag left over from an outage that is over. */
  readonly forcedShutdown?: ForcedShutdown;
  readonly alarms: readonly RackAlarm[];
}

export interface DeviceHealth {
  readonly device: string;
  readonly kind: 'pack' | 'meter' | 'ups' | 'switch' | 'cluster' | 'host';
  readonly up: boolean;
  readonly polls: number;
  /** By reason: `timeout`, `closed`, `refused`, … */
  readonly failures: Readonly<Record<string, number>>;
  readonly lastSuccessWallMs?: number;
}
