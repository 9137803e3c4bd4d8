import http from 'node:http';
import https from 'node:https';
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
const MOST_REASON_BYTES = 4 * MOST_REASON;
const MOST_BODY_BYTES = 1024 * 1024;

/**
 * Posts gzipped lines. Never rejects. `fetch` would do it too, but brings an HTTP client of its own (12 MiB resident)
 * into a process that has one.
 * @param signal ends the attempt at its deadline
 */
export async function postLines(target: WriteTarget, body: Uint8Array, signal: AbortSignal): Promise<Written> {
  try {
    const { status, retryAfter, text } = await post(target, body, signal);
    // A login page answers a redirect or 200 to everything.
    if (status === 200 || status === 204) return { kind: 'taken' };
    const reason = text.slice(0, MOST_REASON).trim() || `status ${status}`;
    if (POISON.has(status)) return { kind: 'poison', status, reason };
    const retryAfterS = Number(retryAfter ?? '');
    return { kind: 'failed', status, reason, ...(retryAfterS > 0 ? { retryAfterS } : {}) };
  } catch (error) {
    return { kind: 'failed', reason: isTimeout(signal) ? 'no answer in time' : reasonOf(error) };
  }
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** The beginning of the body. */
  readonly text: string;
}

function post(target: WriteTarget, body: Uint8Array, signal: AbortSignal): Promise<Answer> {
  const { url, authorization } = target;
  return new Promise((resolve, reject) => {
    const request = url.startsWith('https:') ? https.request : http.request;
    const outgoing = request(url, {
      method: 'POST',
      signal,
      headers: {
        'content-type': 'text/plain; charset=utf-8',
        'content-encoding': 'gzip',
        'content-length': body.byteLength,
        ...(authorization === undefined ? {} : { authorization }),
      },
    });
    outgoing.once('response', (response) => {
      beginningOf(response).then((text) => {
        const { statusCode = 0, headers } = response;
        resolve({ status: statusCode, retryAfter: headers['retry-after'], text });
      }, reject);
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // The database closed an idle connection in the moment it was used. Points written twice are written once.
      if (outgoing.reusedSocket && error.code === 'ECONNRESET') resolve(post(target, body, signal));
      else reject(error);
    });
    outgoing.end(body);
  });
}

/** Reads to the end, so that the connection can be used again, but keeps and takes no more than it must. */
async function beginningOf(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (length < MOST_REASON_BYTES) chunks.push(chunk);
    length += chunk.length;
    if (length > MOST_BODY_BYTES) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

const isTimeout = ({ reason }: AbortSignal): boolean => reason instanceof Error && reason.name === 'TimeoutError';

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // A name with several addresses fails several times.
  return error instanceof AggregateError ? error.errors.map(String).join('; ') || error.message : error.message;
}

/** InfluxDB says how many points of a batch it dropped; the others are stored. Without a number all count as lost. */
export function lostLines(reason: string, batchLines: number): number {
  const told = /dropped=(\d+)/.exec(reason)?.[1];
  return told === undefined ? batchLines : Math.min(batchLines, Number(told));
}
