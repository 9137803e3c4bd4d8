import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ClusterAccess } from '../../services/cluster/kubeconfig.ts';

/** Counts what passes on its way to the real server; whoever brings no token of his own goes as the administrator. */
export class CountingProxy {
  requests = 0;
  evictions = 0;
  readonly #access: ClusterAccess;
  readonly #agent: https.Agent;
  readonly #server: http.Server;

  constructor(access: ClusterAccess) {
    this.#access = access;
    const { ca, cert, key, skipTlsVerify } = access;
    this.#agent = new https.Agent({
      keepAlive: true,
      rejectUnauthorized: !skipTlsVerify,
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
    });
    this.#server = http.createServer((request, response) => this.#pass(request, response));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  start(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(0, '127.0.0.1', () => resolve()));
  }

  reset(): void {
    this.requests = 0;
    this.evictions = 0;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    this.#agent.destroy();
  }

  #pass(request: http.IncomingMessage, response: http.ServerResponse): void {
    this.requests += 1;
    if (request.method === 'POST' && request.url?.endsWith('/eviction') === true) this.evictions += 1;
    const { server, token } = this.#access;
    const headers = { ...request.headers };
    delete headers.host;
    if (headers.authorization === undefined && token !== undefined) {
      const value = 'value' in token ? token.value : readFileSync(token.file, 'utf8').trim();
      headers.authorization = `Bearer ${value}`;
    }
    const options = { method: request.method, headers, agent: this.#agent };
    const onward = https.request(new URL(request.url ?? '/', server), options, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  }
}
