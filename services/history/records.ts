/** What the history keeps besides samples. Plain data; times are wall ms. */

/** A stage of the shutdown in an outage. */
export interface OutageStage {
  readonly name: string;
  /** Seconds after the loss when it should have begun, by the first prediction of this outage. */
  readonly predictedAfterS?: number;
  /** Seconds after the loss when it began; absent: it did not. */
  readonly beganAfterS?: number;
  readonly trigger?: string;
}

/** One time without mains. */
export interface Outage {
  /** The coordinator's run, or the time it began. */
  readonly id: string;
  readonly beginMs: number;
  /** When mains was back; absent while it is away. */
  readonly endMs?: number;
  /** When every host was back. */
  readonly restoredMs?: number;
  /** Taken from the bank, Wh. */
  readonly depthWh: number;
  readonly socFrom?: number;
  /** Lowest. */
  readonly socTo?: number;
  readonly stages: readonly OutageStage[];
  /** Hosts whose power was cut although they were not seen to be off. */
  readonly forced: readonly string[];
  readonly trouble: readonly string[];
  /** What the schedule said when mains went away. */
  readonly predicted?: { readonly allOffAfterS?: number; readonly usableWh?: number; readonly loadW: number };
  /** Seconds after the loss when the last host was off; absent: it did not come to that. */
  readonly allOffAfterS?: number;
  /** Mean of what the bank fed while that was known, W. */
  readonly meanLoadW?: number;
  /** Seconds of it in which nobody could tell what the bank gives. */
  readonly unmeasuredS: number;
}

/** One finding about the health of a pack. */
export interface HealthPoint {
  readonly atMs: number;
  readonly pack: string;
  /**
   * `capacity-outage`: Ah, from a discharge we saw. `capacity-bms`: Ah, as the BMS has learned. `resistance`: ohm of the
   * pack, from load steps. `spread`: V between cells at rest.
   */
  readonly kind: 'capacity-outage' | 'capacity-bms' | 'resistance' | 'spread';
  readonly value: number;
  /** Standard deviation, where one can be told. */
  readonly sigma?: number;
}

/** Something that happened, from the journal. */
export interface HistoryEvent {
  readonly atMs: number;
  readonly seq: number;
  readonly entry: { readonly kind: string };
}

/** Sums that only grow: Wh, seconds, or money, by name (`energy-meter.ts`). */
export type Sums = Readonly<Record<string, number>>;

/** Sums of one hour of the clock on site. */
export interface HourSums {
  readonly atMs: number;
  readonly sums: Sums;
}

/** Everything that is written in one step. */
export interface Save {
  /** Counts up; a save that was written is not written again. */
  readonly number: number;
  readonly wallMs: number;
  /** What came on top since the last save, by hour. */
  readonly hours: readonly HourSums[];
  readonly outages: readonly Outage[];
  readonly health: readonly HealthPoint[];
  readonly events: readonly HistoryEvent[];
}

/** A series of the catalogue. */
export interface SeriesName {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** One sample of all series. `values[i]` belongs to series `i`; NaN: it has none. */
export interface SampleFrame {
  readonly atMs: number;
  readonly values: Float64Array;
  /** Series that appear for the first time, in order after those known before. */
  readonly added: readonly SeriesName[];
}

export interface RangeQuery {
  readonly names: readonly string[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
  readonly mostSeries: number;
}

/** Columns of equal length; `null`: nothing was known then. */
export interface SeriesColumns extends SeriesName {
  readonly min: readonly (number | null)[];
  readonly mean: readonly (number | null)[];
  readonly max: readonly (number | null)[];
  readonly last: readonly (number | null)[];
}

export interface RangeAnswer {
  readonly stepMs: number;
  readonly atMs: readonly number[];
  readonly series: readonly SeriesColumns[];
  /** More series fit than may be asked for at once. */
  readonly more: boolean;
}
