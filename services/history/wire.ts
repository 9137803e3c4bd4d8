import type { ArchiveOptions, ArchiveState } from './archive.ts';
import type {
  HealthPoint,
  HistoryEvent,
  HourSums,
  Outage,
  RangeAnswer,
  RangeQuery,
  SampleFrame,
  Save,
  Sums,
} from './records.ts';

/** What goes between the service and the worker that has the file. Plain data: it is copied. */

/** Questions and their answers, by name. */
export interface Questions {
  range: { ask: RangeQuery; answer: RangeAnswer };
  hours: { ask: { fromMs: number; toMs: number }; answer: readonly HourSums[] };
  outages: { ask: { fromMs: number; toMs: number; limit: number }; answer: readonly Outage[] };
  health: { ask: { fromMs: number }; answer: readonly HealthPoint[] };
  events: { ask: { fromMs: number; toMs: number; limit: number }; answer: readonly HistoryEvent[] };
}

export type ToWorker =
  | { readonly kind: 'open'; readonly options: ArchiveOptions; readonly wallMs: number }
  | { readonly kind: 'frames'; readonly frames: readonly SampleFrame[] }
  | { readonly kind: 'save'; readonly save: Save }
  | { readonly kind: 'ask'; readonly id: number; readonly what: keyof Questions; readonly ask: unknown }
  | { readonly kind: 'close' };

export type FromWorker =
  | { readonly kind: 'opened'; readonly state: ArchiveState }
  | { readonly kind: 'refused'; readonly message: string }
  | {
      readonly kind: 'saved';
      readonly number: number;
      /** Absent: it was written. */
      readonly failure?: string;
      /** As they are on the disk now. */
      readonly totals?: Sums;
      readonly dropped: number;
      readonly notes: readonly string[];
    }
  | { readonly kind: 'answer'; readonly id: number; readonly answer?: unknown; readonly failure?: string }
  | { readonly kind: 'closed' };
