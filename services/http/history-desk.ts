import type { EnergyTotals } from '../shutdown/view.ts';

/** What the face asks of the local history. Every question rejects when it cannot be answered now. */
export interface HistoryDesk {
  readonly enabled: boolean;
  readonly zone: { readonly name: string };
  range(query: {
    readonly names: readonly string[];
    readonly fromMs: number;
    readonly toMs: number;
    readonly stepMs: number;
    readonly mostSeries: number;
  }): Promise<{
    readonly stepMs: number;
    readonly atMs: readonly number[];
    readonly more: boolean;
    readonly series: readonly {
      readonly name: string;
      readonly labels: Readonly<Record<string, string>>;
      readonly min: readonly (number | null)[];
      readonly mean: readonly (number | null)[];
      readonly max: readonly (number | null)[];
      readonly last: readonly (number | null)[];
    }[];
  }>;
  /** Newest first. */
  outages(fromMs: number, toMs: number, limit: number): Promise<readonly object[]>;
  events(fromMs: number, toMs: number, limit: number): Promise<readonly object[]>;
  energySummary(days: number): Promise<{
    readonly periods: readonly (EnergyTotals & Period)[];
    readonly days: readonly (EnergyTotals & Period)[];
  }>;
  batteryHealth(): Promise<readonly object[]>;
}

interface Period {
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
}
