import type { Clock } from '../runtime/clock.ts';
import type { PollFailure } from '../runtime/poller.ts';
import type { DeviceHealth, Observed } from './rack.ts';

interface Row<S> {
  readonly staleAfterMs: number;
  sample?: S;
  receivedAtMs?: number;
  failure?: PollFailure;
  /** Its source has taken the sample back. */
  over?: boolean;
  polls: number;
  readonly failures: Record<string, number>;
}

interface Listed {
  readonly id: string;
  /** Poll interval, s. */
  readonly every: number;
  readonly staleAfter?: number | undefined;
}

/** A sample is stale when this many polls were missed, but not before three seconds. */
const MISSED_POLLS = 3;
const LEAST_STALE_S = 3;

/** The latest sample of each source of one kind, with its age and the count of failures. */
export class Ledger<S> {
  readonly #rows = new Map<string, Row<S>>();

  constructor(sources: readonly Listed[]) {
    for (const { id, every, staleAfter } of sources) {
      const staleAfterS = staleAfter ?? Math.max(LEAST_STALE_S, every * MISSED_POLLS);
      this.#rows.set(id, { staleAfterMs: staleAfterS * 1000, polls: 0, failures: {} });
    }
  }

  sampled(id: string, sample: S, nowMs: number): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    row.sample = sample;
    row.receivedAtMs = nowMs;
    delete row.failure;
    row.over = false;
    row.polls += 1;
  }

  failed(id: string, failure: PollFailure): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    const { endsFreshness, ...shown } = failure;
    row.failure = shown;
    if (endsFreshness === true) row.over = true;
    row.polls += 1;
    row.failures[failure.code] = (row.failures[failure.code] ?? 0) + 1;
  }

  observed(nowMs: number): Record<string, Observed<S>> {
    const all: Record<string, Observed<S>> = {};
    for (const [id, row] of this.#rows) all[id] = look(row, nowMs);
    return all;
  }

  health(kind: DeviceHealth['kind'], clock: Clock): DeviceHealth[] {
    const nowMs = clock.monoMs();
    return [...this.#rows].map(([device, row]) => ({
      device,
      kind,
      up: row.failure === undefined && look(row, nowMs).freshness === 'fresh',
      polls: row.polls,
      failures: { ...row.failures },
      ...(row.receivedAtMs === undefined ? {} : { lastSuccessWallMs: clock.wallMs() - (nowMs - row.receivedAtMs) }),
    }));
  }
}

function look<S>(row: Row<S>, nowMs: number): Observed<S> {
  const failure = row.failure === undefined ? {} : { failure: row.failure };
  if (row.sample === undefined || row.receivedAtMs === undefined) return { freshness: 'absent', ...failure };
  const ageMs = nowMs - row.receivedAtMs;
  return {
    sample: row.sample,
    receivedAtMs: row.receivedAtMs,
    ageMs,
    freshness: ageMs <= row.staleAfterMs && row.over !== true ? 'fresh' : 'stale',
    ...failure,
  };
}
