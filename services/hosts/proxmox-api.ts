import http from 'node:http';
import type { ProxmoxHaltConfig } from '../config/hosts.ts';
import type { Outcome } from '../shutdown/promises.ts';
import { TlsConnectError, tlsConnected } from './tls-connect.ts';

/**
 * Requests to the API of a Proxmox VE node: `/api2/json/…`, form-encoded, answered with `{"data": …}`, signed by an API
 * token in the header `Authorization: PVEAPIToken=USER@REALM!NAME=SECRET`. Facts from proxmox/pve-manager,
 * pve-http-server and pve-access-control.
 */

/** A request that was not answered with success. */
export class ProxmoxError extends Error {
  readonly code: Extract<Outcome['code'], 'refused' | 'timeout' | 'unreachable'>;

  constructor(code: ProxmoxError['code'], message: string) {
    super(message);
    this.name = 'ProxmoxError';
    this.code = code;
  }
}

export interface ProxmoxSecrets {
  /** Secret part of the API token. */
  readonly token: string;
  /** Authority to trust, PEM; the system's own when absent. */
  readonly ca?: string;
}

const MAX_BODY_BYTES = 4 * 1024 * 1024;
const WORDS = 160;

export class ProxmoxApi {
  readonly #config: ProxmoxHaltConfig;
  readonly #secrets: ProxmoxSecrets;

  constructor(config: ProxmoxHaltConfig, secrets: ProxmoxSecrets) {
    this.#config = config;
    this.#secrets = secrets;
  }

  /** `data` of the answer. @throws ProxmoxError */
  get(path: string, signal?: AbortSignal): Promise<unknown> {
    return this.#request('GET', path, undefined, signal);
  }

  /** `data` of the answer. @throws ProxmoxError */
  post(path: string, form: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<unknown> {
    return this.#request('POST', path, new URLSearchParams(form).toString(), signal);
  }

  async #request(method: string, path: string, body: string | undefined, signal?: AbortSignal): Promise<unknown> {
    const { url, fingerprint, requestTimeout } = this.#config;
    const { hostname, port } = new URL(url);
    const timeoutMs = requestTimeout * 1000;
    const deadline = AbortSignal.timeout(timeoutMs);
    const over = signal === undefined ? deadline : AbortSignal.any([deadline, signal]);
    const what = `${method} ${path}`;
    try {
      // A connection of its own for each: its certificate is seen before the token is sent.
      const socket = await tlsConnected(
        {
          host: hostname.replace(/^\[|\]$/g, ''),
          port: port === '' ? 443 : Number(port),
          ...(this.#secrets.ca === undefined ? {} : { ca: this.#secrets.ca }),
          ...(fingerprint === undefined ? {} : { fingerprint }),
        },
        timeoutMs,
        over,
      );
      const { status, text, phrase } = await exchange(
        {
          createConnection: () => socket,
          signal: over,
          method,
          path: `/api2/json${path}`,
          headers: {
            host: new URL(url).host,
            authorization: `PVEAPIToken=${this.#config.token.id}=${this.#secrets.token}`,
            'user-agent': 'holdover',
            connection: 'close',
            ...(body === undefined
              ? {}
              : { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body) }),
          },
        },
        body,
      );
      const answer = parsed(text);
      if (status === 200 && answer !== undefined && 'data' in answer) return answer.data;
      throw this.#refusal(what, status, status === 200 ? 'the answer is not one of Proxmox' : said(answer, phrase));
    } catch (error) {
      if (error instanceof ProxmoxError) throw error;
      if (signal?.aborted) throw new ProxmoxError('timeout', `${what}: given up`);
      if (error instanceof TlsConnectError) throw this.#noTls(what, error);
      if (deadline.aborted) throw new ProxmoxError('timeout', `${what}: no answer in time`);
      const { code = 'unknown reason' } = error as NodeJS.ErrnoException;
      throw new ProxmoxError('unreachable', `${what}: the connection broke (${code})`);
    }
  }

  #noTls(what: string, { failure, message }: TlsConnectError): ProxmoxError {
    if (failure === 'certificate')
      return new ProxmoxError(
        'refused',
        `${what}: ${message}; give its authority as ca: or its SHA-256 as fingerprint:`,
      );
    return new ProxmoxError(failure === 'timeout' ? 'timeout' : 'unreachable', `${what}: ${message}`);
  }

  #refusal(what: string, status: number, words: string): ProxmoxError {
    const clean = words.replaceAll(this.#secrets.token, '***');
    const hint =
      status === 401
        ? '; check token.id and its secret'
        : status === 403
          ? '; the token lacks a privilege (Sys.PowerMgmt on the node, VM.Audit and VM.PowerMgmt on the guests)'
          : '';
    return new ProxmoxError('refused', `${what}: HTTP ${status}: ${clean}${hint}`);
  }
}

interface Answer {
  readonly status: number;
  readonly phrase: string;
  readonly text: string;
}

function exchange(options: http.RequestOptions, body: string | undefined): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request(options, (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > MAX_BODY_BYTES) response.destroy(Object.assign(new Error('too long'), { code: 'TOO_LONG' }));
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          phrase: response.statusMessage ?? '',
          text: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    request.on('error', reject);
    request.end(body);
  });
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The reason is in the status line, and in newer versions in the body too. */
function said(answer: Readonly<Record<string, unknown>> | undefined, phrase: string): string {
  const text = typeof answer?.message === 'string' ? answer.message : phrase;
  return text
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, WORDS);
}
