import { influxQuery } from '../services/telemetry/databases.ts';
import type { Told } from './outage-story.ts';

/** Asks databases what a panel would, with Grafana's variables filled in. */

const STEP_S = 10;

/** What Grafana puts in place of its variables before it asks. */
export function filledIn(query: string, told: Told): string {
  return query
    .replaceAll('$__rate_interval', '60s')
    .replaceAll('$__range', `${Math.ceil(told.toS - told.fromS)}s`)
    .replaceAll('$__interval', `${STEP_S}s`)
    .replaceAll('$timeFilter', `time >= ${Math.floor(told.fromS * 1000)}ms and time <= ${Math.ceil(told.toS * 1000)}ms`)
    .replaceAll(/\$(pack|switch|host)\b/g, '.+');
}

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data?: {
    readonly result: readonly { readonly values?: unknown[]; readonly metric: Record<string, string> }[];
  };
}

/** Series that a PromQL query finds over the whole story. @throws Error when it is refused */
export async function promqlRange(told: Told, expr: string, stepS = STEP_S): Promise<number> {
  const query = new URLSearchParams({
    query: filledIn(expr, told),
    start: String(told.fromS),
    end: String(told.toS),
    step: String(stepS),
  });
  return (await prom(`${told.url}/api/v1/query_range?${query}`, expr)).length;
}

/** Series that a PromQL query for one moment finds at any moment of the story. @throws Error when it is refused */
export const promqlInstant = (told: Told, expr: string): Promise<number> => promqlRange(told, expr, 1);

async function prom(url: string, expr: string) {
  const answer = (await (await fetch(url)).json()) as Answer;
  if (answer.status !== 'success') throw new Error(`${expr}: ${answer.error}`);
  return answer.data?.result ?? [];
}

interface InfluxAnswer {
  readonly error?: string;
  readonly results?: readonly {
    readonly error?: string;
    readonly series?: readonly {
      readonly columns: readonly string[];
      readonly values: readonly (readonly unknown[])[];
    }[];
  }[];
}

/** Series with at least one value besides their times. @throws Error when the query is refused */
export async function influxqlSeries(told: Told, query: string): Promise<number> {
  const answer = (await (await influxQuery(told.url, filledIn(query, told))).json()) as InfluxAnswer;
  const [result] = answer.results ?? [];
  const error = answer.error ?? result?.error;
  if (error !== undefined) throw new Error(`${query}: ${error}`);
  const series = result?.series ?? [];
  return series.filter(({ columns, values }) =>
    values.some((row) => row.some((value, at) => columns[at] !== 'time' && value !== null)),
  ).length;
}
