import type { InfluxConfig } from '../config/influx.ts';

/** Secrets of the configuration, resolved. */
export interface InfluxSecrets {
  readonly token?: string;
  readonly password?: string;
}

export interface WriteTarget {
  readonly url: string;
  readonly authorization?: string;
}

/** Where and as whom lines with millisecond stamps are written: `/api/v2/write` for a bucket, `/write` for a database. */
export function writeTarget(config: InfluxConfig, secrets: InfluxSecrets): WriteTarget {
  const base = new URL(config.url);
  const inUrl = { user: decodeURIComponent(base.username), password: decodeURIComponent(base.password) };
  base.username = '';
  base.password = '';
  const { database, retentionPolicy, bucket, org } = config;
  const path = database === undefined ? '/api/v2/write' : '/write';
  const query = new URLSearchParams(
    database === undefined
      ? { org, bucket: bucket ?? '' }
      : { db: database, ...(retentionPolicy === undefined ? {} : { rp: retentionPolicy }) },
  );
  query.set('precision', 'ms');
  const url = `${base.origin}${base.pathname.replace(/\/+$/, '')}${path}?${query}`;
  if (secrets.token !== undefined) return { url, authorization: `Token ${secrets.token}` };
  const user = config.user ?? inUrl.user;
  if (user === '') return { url };
  const password = config.user === undefined ? inUrl.password : (secrets.password ?? '');
  return { url, authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

/** What came of a write. */
export type Written =
  | { readonly kind: 'taken' }
  /** The points themselves are wrong: sending them again would be refused again. */
  | { readonly kind: 'poison'; readonly status: number; readonly reason: string }
  | { readonly kind: 'failed'; readonly status?: number; readonly reason: string; readonly retryAfterS?: number };

const POISON = new Set([400, 413, 422]);
const MOST_REASON = 300;

/** Posts gzipped lines. Never rejects. @param signal ends the attempt at its deadline */
export async function postLines(target: WriteTarget, body: Uint8Array, signal: AbortSignal): Promise<Written> {
  try {
    const response = await fetch(target.url, {
      method: 'POST',
      body: body as Uint8Array<ArrayBuffer>,
      headers: {
        'content-type': 'text/plain; charset=utf-8',
        'content-encoding': 'gzip',
        ...(target.authorization === undefined ? {} : { authorization: target.authorization }),
      },
      // A login page answers 200 to everything.
      redirect: 'manual',
      signal,
    });
    const { status } = response;
    const reason = (await response.text()).slice(0, MOST_REASON).trim() || `status ${status}`;
    if (status === 200 || status === 204) return { kind: 'taken' };
    if (POISON.has(status)) return { kind: 'poison', status, reason };
    const retryAfterS = Number(response.headers.get('retry-after') ?? '');
    return { kind: 'failed', status, reason, ...(retryAfterS > 0 ? { retryAfterS } : {}) };
  } catch (error) {
    return { kind: 'failed', reason: reasonOf(error) };
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'no answer in time';
  // What fetch says is in the cause; several addresses make several of them.
  const { cause } = error;
  if (cause instanceof AggregateError) return cause.errors.map(String).join('; ') || error.message;
  return cause instanceof Error ? cause.message : error.message;
}

/** InfluxDB says how many points of a batch it dropped; the others are stored. Without a number all count as lost. */
export function lostLines(reason: string, batchLines: number): number {
  const told = /dropped=(\d+)/.exec(reason)?.[1];
  return told === undefined ? batchLines : Math.min(batchLines, Number(told));
}
