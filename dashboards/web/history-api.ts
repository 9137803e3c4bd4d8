/** What the history view reads of the API; a test holds these types against the service's own schemas. */

export interface Columns {
  readonly stepMs: number;
  readonly atMs: readonly number[];
  readonly series: readonly {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly min: readonly (number | null)[];
    readonly mean: readonly (number | null)[];
    readonly max: readonly (number | null)[];
    readonly last: readonly (number | null)[];
  }[];
}

export interface Outage {
  readonly id: string;
  readonly beginMs: number;
  readonly endMs?: number | undefined;
  readonly restoredMs?: number | undefined;
  readonly depthWh: number;
  readonly socFrom?: number | undefined;
  readonly socTo?: number | undefined;
  readonly stages: readonly {
    readonly name: string;
    readonly predictedAfterS?: number | undefined;
    readonly beganAfterS?: number | undefined;
    readonly trigger?: string | undefined;
  }[];
  readonly forced: readonly string[];
  readonly trouble: readonly string[];
  readonly predicted?: { readonly allOffAfterS?: number | undefined; readonly loadW: number } | undefined;
  readonly allOffAfterS?: number | undefined;
  readonly meanLoadW?: number | undefined;
  readonly unmeasuredS: number;
}

export interface Period {
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly inWh: number;
  readonly outWh: number;
  readonly mainsWh?: number | undefined;
  readonly hostsWh: Readonly<Record<string, number>>;
  readonly cost: Readonly<Record<string, number>>;
  readonly unmeasuredS: Readonly<Record<string, number>>;
}

export interface Energy {
  readonly timeZone: string;
  readonly periods: readonly Period[];
  readonly days: readonly Period[];
}

export interface PackHealth {
  readonly pack: string;
  readonly ratedAh: number;
  readonly replaceBelowRatio: number;
  readonly source?: 'outages' | 'bms' | undefined;
  readonly verdict:
    | {
        readonly kind: 'forecast';
        readonly forecast: {
          readonly now: number;
          readonly perYear: number;
          readonly reachedMs?: number | undefined;
          readonly earliestMs?: number | undefined;
          readonly latestMs?: number | undefined;
        };
      }
    | { readonly kind: 'steady'; readonly because: string }
    | { readonly kind: 'too-little-data'; readonly because: string };
  readonly points: readonly {
    readonly atMs: number;
    readonly kind: 'capacity-outage' | 'capacity-bms' | 'resistance' | 'spread';
    readonly value: number;
    readonly sigma?: number | undefined;
  }[];
}

/** Everything the view shows, or why it cannot. */
export interface Past {
  readonly columns?: Columns;
  readonly outages?: readonly Outage[];
  readonly energy?: Energy;
  readonly health?: readonly PackHealth[];
  readonly trouble?: 'off' | 'refused' | 'unreachable';
}

export const SERIES = [
  'holdover_bank_soc_ratio',
  'holdover_bank_power_watts',
  'holdover_circuit_power_watts',
  'holdover_schedule_load_watts',
  'holdover_mains_present',
] as const;

const WITHIN_MS = 15_000;
const OUTAGES = 30;

/** Asks for all of it at once. What cannot be had is absent; `trouble` says why nothing is there. */
export async function readPast(fromMs: number, toMs: number, token: string, stop: AbortSignal): Promise<Past> {
  const ask = async <T>(path: string): Promise<T> => {
    const answer = await fetch(path, {
      headers: token === '' ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.any([stop, AbortSignal.timeout(WITHIN_MS)]),
      cache: 'no-store',
    });
    if (!answer.ok) throw new Refusal(answer.status);
    return (await answer.json()) as T;
  };
  const range = `from=${Math.round(fromMs)}&to=${Math.round(toMs)}`;
  const [columns, outages, energy, health] = await Promise.allSettled([
    ask<Columns>(`/api/v1/history?series=${SERIES.join(',')}&${range}`),
    ask<{ outages: readonly Outage[] }>(`/api/v1/outages?limit=${OUTAGES}`),
    ask<Energy>('/api/v1/energy?days=31'),
    ask<{ packs: readonly PackHealth[] }>('/api/v1/health'),
  ]);
  return {
    ...(columns.status === 'fulfilled' ? { columns: columns.value } : { trouble: troubleOf(columns.reason) }),
    ...(outages.status === 'fulfilled' ? { outages: outages.value.outages } : {}),
    ...(energy.status === 'fulfilled' ? { energy: energy.value } : {}),
    ...(health.status === 'fulfilled' ? { health: health.value.packs } : {}),
  };
}

class Refusal extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`the history answered ${status}`);
    this.status = status;
  }
}

function troubleOf(error: unknown): NonNullable<Past['trouble']> {
  if (!(error instanceof Refusal)) return 'unreachable';
  if (error.status === 404) return 'off';
  return error.status === 401 || error.status === 403 ? 'refused' : 'unreachable';
}
