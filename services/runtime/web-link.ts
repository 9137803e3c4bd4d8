import http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import type { WebConfig } from '../config/switches.ts';
import { WebError } from './web-error.ts';

const MAX_BODY_BYTES = 4 * 1024 * 1024;

export interface WebRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute, with encoded segments. Part of messages, so never with a token in it. */
  readonly path: string;
  /** Appended to the path and kept out of messages. */
  readonly secretQuery?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface WebAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

/** One device over HTTP: one request at a time, each with its own deadline, redirects never followed. */
export class WebLink {
  /** For messages: `mikrotik:10.0.0.2`. */
  readonly name: string;
  readonly #url: URL;
  readonly #timeoutMs: number;
  readonly #closed = new AbortController();
  readonly #agent: http.Agent;
  #last: Promise<unknown> = Promise.resolve();

  /** @param ca content of the authority's file */
  constructor(driver: string, { url, tls: { fingerprint }, requestTimeout }: WebConfig, ca?: string) {
    this.#url = new URL(url);
    this.name = `${driver}:${this.#url.host}`;
    this.#timeoutMs = requestTimeout * 1000;
    const pool = { keepAlive: true, maxSockets: 1 };
    if (this.#url.protocol === 'http:') this.#agent = new http.Agent(pool);
    else if (fingerprint !== undefined) this.#agent = new PinnedAgent(fingerprint, pool);
    else this.#agent = new https.Agent({ ...pool, ...(ca === undefined ? {} : { ca }) });
  }

  get origin(): string {
    return this.#url.origin;
  }

  /** Any status is an answer. @throws WebError when there is none */
  request(request: WebRequest, signal?: AbortSignal): Promise<WebAnswer> {
    const mine = this.#last.then(() => this.#bounded(request, signal));
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  close(): Promise<void> {
    this.#closed.abort();
    this.#agent.destroy();
    return Promise.resolve();
  }

  async #bounded(request: WebRequest, signal?: AbortSignal): Promise<WebAnswer> {
    const what = `${request.method} ${request.path}`;
    const deadline = AbortSignal.timeout(this.#timeoutMs);
    const any = AbortSignal.any([deadline, this.#closed.signal, ...(signal === undefined ? [] : [signal])]);
    try {
      any.throwIfAborted();
      return await this.#send(request, any).catch((error: unknown) => {
        // The device closed an idle connection in the moment it was used: the request never arrived.
        if (!(error instanceof StaleConnection) || any.aborted) throw error;
        return this.#send(request, any);
      });
    } catch (error) {
      if (error instanceof WebError) throw error;
      if (this.#closed.signal.aborted) throw new WebError('closed', this.name, `${what}: closed`);
      if (signal?.aborted) throw new WebError('aborted', this.name, `${what}: given up`);
      if (deadline.aborted) throw new WebError('no_answer', this.name, `no answer to ${what}`);
      throw connectionError(error, this.name, what);
    }
  }

  #send({ method, path, secretQuery, headers, body }: WebRequest, signal: AbortSignal): Promise<WebAnswer> {
    const bytes = body === undefined ? undefined : Buffer.from(body);
    return new Promise((resolve, reject) => {
      const outgoing = (this.#url.protocol === 'http:' ? http : https).request({
        agent: this.#agent,
        signal,
        method,
        hostname: this.#url.hostname.replace(/^\[|\]$/g, ''),
        port: this.#url.port === '' ? undefined : Number(this.#url.port),
        path: secretQuery === undefined ? path : `${path}?${secretQuery}`,
        headers: {
          'user-agent': 'holdover',
          ...headers,
          ...(bytes === undefined ? {} : { 'content-length': bytes.length }),
        },
      });
      outgoing.once('response', (response) => {
        collect(response).then(
          (text) => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
          reject,
        );
      });
      outgoing.on('error', (error: NodeJS.ErrnoException) =>
        reject(outgoing.reusedSocket && error.code === 'ECONNRESET' ? new StaleConnection() : error),
      );
      outgoing.end(bytes);
    });
  }
}

class StaleConnection extends Error {
  readonly code = 'ECONNRESET';
}

class TooLong extends Error {
  readonly code = 'TOO_LONG';
}

async function collect(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    length += (chunk as Buffer).length;
    if (length > MAX_BODY_BYTES) throw new TooLong();
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Accepts exactly one certificate, whoever signed it. Nothing is sent before it has been seen. */
class PinnedAgent extends https.Agent {
  readonly #fingerprint: string;

  constructor(fingerprint: string, options: https.AgentOptions) {
    super(options);
    this.#fingerprint = bare(fingerprint);
  }

  override createConnection(
    options: tls.ConnectionOptions,
    callback?: (error: Error | null, socket: tls.TLSSocket) => void,
  ): undefined {
    const socket = tls.connect({ ...options, rejectUnauthorized: false });
    const fail = (error: Error): void => callback?.(error, socket);
    socket.once('error', fail);
    socket.once('secureConnect', () => {
      socket.off('error', fail);
      if (bare(socket.getPeerCertificate().fingerprint256 ?? '') === this.#fingerprint) callback?.(null, socket);
      else {
        socket.destroy();
        fail(new WrongCertificate());
      }
    });
  }
}

class WrongCertificate extends Error {
  readonly code = 'ERR_TLS_FINGERPRINT';
}

const bare = (fingerprint: string): string => fingerprint.replaceAll(':', '').toLowerCase();

function connectionError(error: unknown, device: string, what: string): WebError {
  const code = String((error as NodeJS.ErrnoException | undefined)?.code ?? '');
  if (code === 'TOO_LONG') return new WebError('bad_answer', device, `the answer to ${what} does not end`);
  if (code.startsWith('HPE_') || code.startsWith('ERR_STREAM'))
    return new WebError('bad_answer', device, `the answer to ${what} is not HTTP`);
  // The connection was there and broke: what was sent may have arrived.
  if (code === 'ECONNRESET') return new WebError('bad_answer', device, `${what}: the connection broke`);
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|TLS_FINGERPRINT/.test(code))
    return new WebError('certificate', device, `${what}: its certificate is not trusted (${code})`);
  return new WebError('unreachable', device, `${what} could not be sent: ${code || 'unknown reason'}`);
}

/** JSON of an answer. @throws WebError when it is none */
export function jsonOf({ text }: WebAnswer, device: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new WebError('bad_answer', device, `the answer to ${what} is not JSON`);
  }
}

/** The plain object in `value`, or an empty one. */
export const objectOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
