import { readFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { ApiError, type ApiErrorCode } from './api-error.ts';
import type { ClusterAccess } from './kubeconfig.ts';
import { parseStatus } from './objects.ts';

/** Requests in flight on one server. More does not make a small control plane faster. */
export const MAX_IN_FLIGHT = 32;

const MAX_BODY_BYTES = 32 * 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;
/** Mounted tokens rotate about hourly; a 401 makes us look at once. */
const TOKEN_TTL_MS = 60_000;
/** Idle connections in a row that may turn out to be closed before a call counts as failed. */
const MAX_STALE = 3;

export interface RestRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Absolute path with encoded segments; see `apiPath`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  /** `application/json` when absent. */
  readonly contentType?: string;
  readonly signal?: AbortSignal;
}

export interface RestAnswer {
  readonly body: unknown;
  /** The server's clock (`Date` header), ms since the epoch; whole seconds. */
  readonly serverNowMs?: number;
}

/** Joins path segments, each encoded: names from outside cannot leave their place. */
export const apiPath = (...segments: readonly string[]): string => `/${segments.map(encodeURIComponent).join('/')}`;

type Connection = {
  readonly server: URL;
  readonly agent: http.Agent;
  readonly watchAgent: http.Agent;
  readonly module: typeof http | typeof https;
};

/** What a client can do when its server or its credentials fail. */
export interface RestSpares {
  /** More addresses of the same API, with the same credentials. */
  readonly servers?: readonly URL[];
  /** Reads the credentials again; undefined when they are what they were. */
  readonly renew?: () => Promise<ClusterAccess | undefined>;
}

/** The way to an API server, as the cluster's edge needs it. */
export interface Rest {
  /** Host and port of the server in use, for messages. */
  readonly server: string;
  /** What bounds one call, ms. */
  readonly timeoutMs: number;
  /** Rejects with an ApiError. */
  call(request: RestRequest): Promise<RestAnswer>;
  /** An endless answer (watch): resolves with its bytes once the server said 200. Rejects with an ApiError. */
  stream(request: RestRequest & { readonly signal: AbortSignal }): Promise<AsyncIterable<Buffer>>;
  /** A deadline in the time of this way. */
  within(ms: number): Timeout;
  close(): void;
}

/** Aborts its signal when its time is over, unless it is disarmed before. */
export interface Timeout {
  readonly signal: AbortSignal;
  disarm(): void;
}

/** The dozen REST calls we need, over keep-alive connections; every call has its own deadline and rejects with an ApiError. */
export class RestClient implements Rest {
  readonly #timeoutMs: number;
  readonly #spares: RestSpares;
  readonly #closed = new AbortController();
  #access: ClusterAccess;
  /** Which of the servers is used; 0 is the kubeconfig's. */
  #at = 0;
  #connection: Connection | undefined;
  #token: { readonly value: string; readonly readAtMs: number } | undefined;
  #renewing: Promise<boolean> | undefined;

  /** `timeoutMs` bounds one call from connecting to the last byte, and a stream up to its headers. */
  constructor(access: ClusterAccess, timeoutMs: number, spares: RestSpares = {}) {
    this.#access = access;
    this.#timeoutMs = timeoutMs;
    this.#spares = spares;
  }

  /** Host and port of the server in use, for messages. */
  get server(): string {
    return this.#url.host;
  }

  get #url(): URL {
    return (this.#at === 0 ? undefined : this.#spares.servers?.[this.#at - 1]) ?? this.#access.server;
  }

  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  /** Asks the next server when one does not answer, and once more with new credentials when the old ones are refused. */
  async call(request: RestRequest): Promise<RestAnswer> {
    let moves = this.#spares.servers?.length ?? 0;
    for (let renewed = false; ; ) {
      const at = this.#at;
      try {
        return await this.#callOnce(request);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        const mayRenew = !renewed && (error.code === 'unauthorized' || isCertificateProblem(error));
        if (mayRenew && (await this.#renew())) renewed = true;
        else if (moves > 0 && error.away) {
          moves -= 1;
          this.#moveOnFrom(at);
        } else throw error;
      }
    }
  }

  /** Others may have found the server dead at the same time: only the first moves on. */
  #moveOnFrom(at: number): void {
    if (this.#at !== at) return;
    this.#at = (at + 1) % (1 + (this.#spares.servers?.length ?? 0));
    this.#forgetConnection();
  }

  /** Calls that are under way keep their sockets until they end. */
  #forgetConnection(): void {
    this.#dropIdle();
    this.#connection = undefined;
  }

  /** True when there is something new to try. Many calls may be refused at once; the files are read once for all. */
  #renew(): Promise<boolean> {
    this.#renewing ??= this.#readAgain().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #readAgain(): Promise<boolean> {
    const { token } = this.#access;
    const hadToken = this.#token !== undefined && token !== undefined && 'file' in token;
    this.#token = undefined;
    const access = await this.#spares.renew?.().catch(() => undefined);
    if (access === undefined) return hadToken;
    this.#access = access;
    this.#forgetConnection();
    return true;
  }

  /** An endless answer (watch): resolves with its bytes once the server said 200. Ends when `signal` aborts. */
  async stream(request: RestRequest & { readonly signal: AbortSignal }): Promise<AsyncIterable<Buffer>> {
    const at = this.#at;
    const token = await this.#currentToken();
    const deadline = new Deadline(this.#timeoutMs, [request.signal, this.#closed.signal]);
    try {
      const response = await this.#send(request, token, deadline.signal, 'watchAgent');
      if (response.statusCode === 200) {
        deadline.disarm();
        return this.#chunks(response, request, deadline);
      }
      throw errorFromAnswer(request, response, await readBody(response, MAX_ERROR_BYTES));
    } catch (error) {
      const problem = this.#explain(request, error, deadline);
      if (problem.away) this.#moveOnFrom(at);
      if (problem.code === 'unauthorized') await this.#renew();
      throw problem;
    }
  }

  within(ms: number): Timeout {
    return new Deadline(ms, []);
  }

  close(): void {
    this.#closed.abort();
    this.#connection?.agent.destroy();
    this.#connection?.watchAgent.destroy();
  }

  async #callOnce(request: RestRequest): Promise<RestAnswer> {
    const token = await this.#currentToken();
    const outer = request.signal === undefined ? [this.#closed.signal] : [request.signal, this.#closed.signal];
    const deadline = new Deadline(this.#timeoutMs, outer);
    try {
      const response = await this.#send(request, token, deadline.signal, 'agent');
      const status = response.statusCode ?? 0;
      if (status < 200 || status > 299) {
        throw errorFromAnswer(request, response, await readBody(response, MAX_ERROR_BYTES));
      }
      const text = await readBody(response, MAX_BODY_BYTES);
      const serverNowMs = Date.parse(response.headers.date ?? '');
      return { body: parseJson(text, request), ...(Number.isFinite(serverNowMs) && { serverNowMs }) };
    } catch (error) {
      throw this.#explain(request, error, deadline);
    } finally {
      deadline.disarm();
    }
  }

  async *#chunks(response: http.IncomingMessage, request: RestRequest, deadline: Deadline): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of response) yield chunk as Buffer;
    } catch (error) {
      throw this.#explain(request, error, deadline);
    } finally {
      response.destroy();
    }
  }

  async #send(
    request: RestRequest,
    token: string | undefined,
    signal: AbortSignal,
    agent: 'agent' | 'watchAgent',
  ): Promise<http.IncomingMessage> {
    for (let stale = 0; ; stale += 1) {
      try {
        return await this.#sendOnce(request, token, signal, agent);
      } catch (error) {
        // The server closed an idle connection in the moment we used it: no answer was lost, and every call here may be repeated.
        if (!(error instanceof StaleConnection) || stale === MAX_STALE) throw error;
        this.#dropIdle();
      }
    }
  }

  #sendOnce(
    request: RestRequest,
    token: string | undefined,
    signal: AbortSignal,
    agent: 'agent' | 'watchAgent',
  ): Promise<http.IncomingMessage> {
    const connection = this.#connect();
    const { server } = connection;
    const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
    const headers: http.OutgoingHttpHeaders = { accept: 'application/json', 'user-agent': 'holdover' };
    if (token !== undefined) headers.authorization = `Bearer ${token}`;
    if (body !== undefined) {
      headers['content-type'] = request.contentType ?? 'application/json';
      headers['content-length'] = body.length;
    }
    return new Promise((resolve, reject) => {
      const outgoing = connection.module.request({
        agent: connection[agent],
        signal,
        headers,
        method: request.method,
        hostname: server.hostname.replace(/^\[|\]$/g, ''),
        port: server.port === '' ? undefined : Number(server.port),
        path: `${server.pathname.replace(/\/$/, '')}${request.path}${queryText(request.query)}`,
      });
      outgoing.once('response', resolve);
      outgoing.on('error', (error) => {
        const stale = outgoing.reusedSocket && !signal.aborted && isReset(error);
        reject(stale ? new StaleConnection() : error);
      });
      outgoing.end(body);
    });
  }

  #connect(): Connection {
    if (this.#connection !== undefined) return this.#connection;
    const { ca, cert, key, tlsServerName, skipTlsVerify } = this.#access;
    const server = this.#url;
    const pool = { keepAlive: true, maxSockets: MAX_IN_FLIGHT };
    if (server.protocol === 'http:') {
      this.#connection = { server, agent: new http.Agent(pool), watchAgent: new http.Agent(), module: http };
      return this.#connection;
    }
    const tls = {
      rejectUnauthorized: !skipTlsVerify,
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(tlsServerName !== undefined && { servername: tlsServerName }),
    };
    const agent = new https.Agent({ ...pool, ...tls });
    this.#connection = { server, agent, watchAgent: new https.Agent(tls), module: https };
    return this.#connection;
  }

  /** A server that lost power leaves connections behind that look alive; each would cost the next call its deadline. */
  #dropIdle(): void {
    for (const sockets of Object.values(this.#connection?.agent.freeSockets ?? {})) {
      for (const socket of sockets ?? []) socket.destroy();
    }
  }

  async #currentToken(): Promise<string | undefined> {
    const { token } = this.#access;
    if (token === undefined) return undefined;
    if ('value' in token) return token.value;
    const nowMs = performance.now();
    if (this.#token === undefined || nowMs - this.#token.readAtMs > TOKEN_TTL_MS) {
      try {
        this.#token = { value: (await readFile(token.file, 'utf8')).trim(), readAtMs: nowMs };
      } catch (error) {
        throw new ApiError('unauthorized', `${this.server}: cannot read the token file ${token.file}`, {
          cause: error,
        });
      }
    }
    return this.#token.value;
  }

  #explain(request: RestRequest, error: unknown, deadline: Deadline): ApiError {
    if (error instanceof ApiError) return error;
    if (!deadline.signal.aborted || deadline.expired) this.#dropIdle();
    const what = `${this.server}: ${request.method} ${request.path}`;
    if (deadline.expired) {
      return new ApiError('timeout', `${what}: no answer within ${this.#timeoutMs} ms`, { cause: error });
    }
    if (deadline.signal.aborted) return new ApiError('aborted', `${what}: given up`, { cause: error });
    return new ApiError('unreachable', `${what}: ${connectionProblem(error)}`, { cause: error });
  }
}

/** A keep-alive connection that was already closed on the other side. */
class StaleConnection extends Error {
  readonly code = 'ECONNRESET';
}

/** One abort signal from a deadline and the signals of whoever may give up earlier. */
class Deadline implements Timeout {
  readonly signal: AbortSignal;
  readonly #timer: AbortController = new AbortController();
  readonly #handle: NodeJS.Timeout;

  constructor(timeoutMs: number, outer: readonly AbortSignal[]) {
    this.signal = AbortSignal.any([this.#timer.signal, ...outer]);
    this.#handle = setTimeout(() => this.#timer.abort(), timeoutMs);
  }

  get expired(): boolean {
    return this.#timer.signal.aborted;
  }

  disarm(): void {
    clearTimeout(this.#handle);
  }
}

function queryText(query: RestRequest['query']): string {
  const pairs = Object.entries(query ?? {}).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, String(value)]],
  );
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`;
}

async function readBody(response: http.IncomingMessage, limitBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += (chunk as Buffer).length;
    if (size > limitBytes) {
      response.destroy();
      throw new ApiError('bad-answer', `the answer is larger than ${limitBytes} bytes`, {
        status: response.statusCode ?? 0,
      });
    }
    chunks.push(chunk as Buffer);
  }
  if (!response.complete) throw new ApiError('unreachable', 'the connection broke in the middle of an answer');
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string, request: RestRequest): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ApiError('bad-answer', `${request.method} ${request.path}: the answer is not JSON`, { cause: error });
  }
}

const CODE_OF_STATUS: Readonly<Record<number, ApiErrorCode>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  409: 'conflict',
  410: 'gone',
  429: 'too-many',
};

/** What an answer other than 2xx means. */
export function errorFromAnswer(
  request: Pick<RestRequest, 'method' | 'path'>,
  response: Pick<http.IncomingMessage, 'statusCode' | 'headers'>,
  text: string,
): ApiError {
  const httpStatus = response.statusCode ?? 0;
  const code =
    CODE_OF_STATUS[httpStatus] ?? (httpStatus >= 500 ? 'server' : httpStatus >= 400 ? 'refused' : 'bad-answer');
  const status = parseStatus(text);
  const retryAfterS = Number(response.headers['retry-after'] ?? status?.retryAfterS ?? Number.NaN);
  const said = status?.message ?? printable(text);
  return new ApiError(code, `${request.method} ${request.path}: ${httpStatus} ${said}`.trim(), {
    status: httpStatus,
    ...(status?.reason !== undefined && { reason: status.reason }),
    causes: status?.causes ?? [],
    ...(Number.isFinite(retryAfterS) && retryAfterS >= 0 && { retryAfterMs: retryAfterS * 1000 }),
  });
}

const printable = (text: string): string => text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 200);

const errorCode = (error: unknown): string =>
  error instanceof Error && 'code' in error
    ? String(error.code)
    : error instanceof Error
      ? error.message
      : String(error);

const isReset = (error: unknown): boolean => ['ECONNRESET', 'EPIPE'].includes(errorCode(error));

const CONNECTION_PROBLEMS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused; is the API server running?',
  ENOTFOUND: 'the host name is not known; use an address that works without DNS',
  EAI_AGAIN: 'the host name cannot be looked up now; use an address that works without DNS',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not trusted; check certificate-authority in the kubeconfig',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted; check certificate-authority in the kubeconfig',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted; check certificate-authority in the kubeconfig',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name; use that name or tls-server-name',
  CERT_HAS_EXPIRED: 'its certificate has expired; is the clock right?',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; is the clock right?',
};

/** The server's certificate or ours is not what it was; new files may help. */
const isCertificateProblem = (error: ApiError): boolean =>
  error.code === 'unreachable' && /CERT|SIGNED|SIGNATURE|SSL|TLS/.test(errorCode(error.cause));

const connectionProblem = (error: unknown): string => {
  const code = errorCode(error);
  return CONNECTION_PROBLEMS[code] ?? `connection failed (${code})`;
};
