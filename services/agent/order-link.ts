import http from 'node:http';
import https from 'node:https';
import type { AgentSettings } from './settings.ts';

/** An order for this machine. */
export interface Order {
  readonly id: string;
  readonly kind: string;
}

/** The service did not answer, or not as expected. */
export class LinkError extends Error {
  /** True: trying again changes nothing before somebody changes a file. */
  readonly permanent: boolean;

  constructor(message: string, permanent = false) {
    super(message);
    this.name = 'LinkError';
    this.permanent = permanent;
  }
}

const CONNECT_MS = 5000;
const ANSWER_MS = 5000;
const MAX_BYTES = 64 * 1024;

/** What the service has for one host: a request that waits for an order, and reports. One connection, kept open. */
export class OrderLink {
  readonly #settings: AgentSettings;
  readonly #agent: http.Agent;

  constructor(settings: AgentSettings) {
    this.#settings = settings;
    const { service, ca } = settings;
    const pool = { keepAlive: true, maxSockets: 1 };
    this.#agent =
      service.protocol === 'https:'
        ? new https.Agent({ ...pool, ...(ca === undefined ? {} : { ca }) })
        : new http.Agent(pool);
  }

  /** The order that waits for this host, within `waitS`. @throws LinkError */
  async next(waitS: number, signal: AbortSignal): Promise<Order | undefined> {
    const { status, body } = await this.#request('GET', `?wait=${waitS}`, undefined, waitS * 1000 + ANSWER_MS, signal);
    if (status !== 200) throw this.#refusal(status);
    const { order } = body;
    if (order === null) return undefined;
    const { id, kind } = typeof order === 'object' ? (order as Readonly<Record<string, unknown>>) : {};
    if (typeof id !== 'string' || !/^[\w-]{1,64}$/.test(id) || typeof kind !== 'string')
      throw new LinkError('what answered is no holdover service');
    return { id, kind };
  }

  /** Whether the order still stands. @throws LinkError when nobody says so */
  async report(
    id: string,
    state: 'taken' | 'failed',
    detail: string | undefined,
    signal: AbortSignal,
  ): Promise<boolean> {
    const report = JSON.stringify({ id, state, ...(detail === undefined ? {} : { detail: detail.slice(0, 500) }) });
    const { status, body } = await this.#request('POST', '', report, ANSWER_MS, signal);
    if (status === 409) return false;
    if (status !== 200 || body.stands !== true) throw this.#refusal(status);
    return true;
  }

  close(): void {
    this.#agent.destroy();
  }

  #refusal(status: number): LinkError {
    if (status === 401) return new LinkError('the service does not know this token for this host', true);
    return new LinkError(`what answered is no holdover service with agents (HTTP ${status})`);
  }

  #request(
    method: string,
    query: string,
    body: string | undefined,
    timeoutMs: number,
    outer: AbortSignal,
  ): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }> {
    const { service, host, token } = this.#settings;
    const signal = AbortSignal.any([outer, AbortSignal.timeout(timeoutMs)]);
    return new Promise((resolve, reject) => {
      const fail = (error: NodeJS.ErrnoException): void =>
        reject(
          new LinkError(signal.aborted ? 'the service does not answer' : `no answer: ${error.code ?? error.name}`),
        );
      const request = (service.protocol === 'https:' ? https : http).request(
        new URL(`/api/v1/agents/${encodeURIComponent(host)}${query}`, service),
        {
          agent: this.#agent,
          method,
          signal,
          headers: {
            authorization: `Bearer ${token}`,
            'user-agent': 'holdover-agent',
            ...(body === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          let bytes = 0;
          response.on('data', (chunk: Buffer) => {
            bytes += chunk.length;
            if (bytes > MAX_BYTES) response.destroy(new Error('too long'));
            else chunks.push(chunk);
          });
          response.on('error', fail);
          response.on('close', () => reject(new LinkError('the answer broke off')));
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, body: objectOf(Buffer.concat(chunks).toString('utf8')) }),
          );
        },
      );
      request.on('socket', (socket) => {
        if (!socket.connecting) return;
        socket.setTimeout(CONNECT_MS, () => request.destroy());
        socket.once('connect', () => socket.setTimeout(0));
      });
      request.on('error', fail);
      request.end(body);
    });
  }
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
