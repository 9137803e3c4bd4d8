import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { ClusterWorld } from '../cluster/words.ts';
import type { World } from '../model.ts';
import { Handler, type HandlerOptions } from './kubernetes-api/handler.ts';
import { failure, type Reply } from './kubernetes-api/status.ts';
import { WatchStream } from './kubernetes-api/watch.ts';
import type { PluggableHandle } from './plug.ts';
import { TcpServer } from './tcp-server.ts';

export interface KubernetesApiOptions extends HandlerOptions {
  /** 127.0.0.1 when absent. */
  readonly host?: string;
  /** A free one when absent or 0. */
  readonly port?: number;
  /** PEM texts; plain HTTP when absent. */
  readonly tls?: { readonly key: string; readonly cert: string; readonly ca: string };
  /** Bearer token every request must carry, when set. */
  readonly token?: string;
}

export interface KubernetesApi extends PluggableHandle {
  readonly port: number;
  /** Requests answered or left hanging so far. */
  readonly requestCount: number;
  /** Text of a kubeconfig for this server. */
  kubeconfig(): string;
}

const MAX_BODY_BYTES = 1024 * 1024;

/**
 * Serves the simulated cluster as a Kubernetes API, good enough for kubectl. Without a quorum of control plane hosts the
 * port is closed; with the fault `api` it accepts connections and says nothing.
 */
export async function serveKubernetesApi(
  world: World,
  cluster: ClusterWorld,
  options: KubernetesApiOptions = {},
): Promise<KubernetesApi> {
  const api = new ApiServer(world, cluster, options);
  await api.open();
  return api;
}

class ApiServer implements KubernetesApi {
  readonly name = 'kubernetes-api';
  requestCount = 0;
  readonly #world: World;
  readonly #cluster: ClusterWorld;
  readonly #options: KubernetesApiOptions;
  readonly #host: string;
  readonly #http: Server;
  readonly #tcp: TcpServer;
  readonly #watches = new Set<WatchStream>();
  readonly #handler: Handler;
  #unsubscribe: (() => void) | undefined;
  #open = false;
  #plugged = true;

  constructor(world: World, cluster: ClusterWorld, options: KubernetesApiOptions) {
    this.#world = world;
    this.#cluster = cluster;
    this.#options = options;
    this.#host = options.host ?? '127.0.0.1';
    this.#handler = new Handler(world, cluster, options);
    const serve = (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response);
    this.#http = options.tls === undefined ? createServer(serve) : createTlsServer(options.tls, serve);
    this.#tcp = new TcpServer(this.#host, options.port ?? 0, (socket) => this.#http.emit('connection', socket));
  }

  get port(): number {
    return this.#tcp.port;
  }

  get address(): string {
    return `${this.#host}:${this.port}`;
  }

  async open(): Promise<void> {
    // Even a server that is down from the beginning has its port, so that its address is known.
    await this.#tcp.listen();
    this.#open = true;
    this.#unsubscribe = this.#world.onChange(() => void this.#follow());
    await this.#follow();
  }

  unplug(): Promise<void> {
    this.#plugged = false;
    return this.#follow();
  }

  replug(): Promise<void> {
    this.#plugged = true;
    return this.#follow();
  }

  async close(): Promise<void> {
    this.#unsubscribe?.();
    this.#plugged = false;
    this.#open = false;
    await this.#tcp.close();
    this.#http.close();
  }

  kubeconfig(): string {
    const { tls, token } = this.#options;
    const server = `${tls === undefined ? 'http' : 'https'}://${this.address}`;
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'twin',
          cluster: {
            server,
            ...(tls !== undefined && { 'certificate-authority-data': Buffer.from(tls.ca).toString('base64') }),
          },
        },
      ],
      users: [{ name: 'twin', user: token === undefined ? {} : { token } }],
      contexts: [{ name: 'twin', context: { cluster: 'twin', user: 'twin' } }],
      'current-context': 'twin',
    };
    // JSON is YAML.
    return `${JSON.stringify(config, undefined, 2)}\n`;
  }

  /** Opens or closes the port as cable and cluster have it, and ends a silence. */
  async #follow(): Promise<void> {
    if (!this.#silent) for (const watch of this.#watches) watch.resume();
    const wanted = this.#plugged && this.#cluster.apiAvailable;
    if (wanted === this.#open) return;
    this.#open = wanted;
    try {
      await (wanted ? this.#tcp.listen() : this.#tcp.close());
    } catch {
      // Somebody took the port meanwhile: the next change tries again.
      this.#open = !wanted;
    }
  }

  get #silent(): boolean {
    return this.#world.faults.silent.has('api');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requestCount += 1;
    response.on('error', () => response.destroy());
    try {
      const body = await readBody(request);
      // Neither an answer nor an end: the client has to notice by itself.
      if (this.#silent) return;
      response.setHeader('Date', new Date(this.#world.wallMs).toUTCString());
      const reply = this.#authorized(request) ? this.#answer(request, body, response) : unauthorized();
      if (reply !== 'streaming') send(response, reply);
    } catch {
      response.destroy();
    }
  }

  #authorized(request: IncomingMessage): boolean {
    const { token } = this.#options;
    return token === undefined || request.headers.authorization === `Bearer ${token}`;
  }

  #answer(request: IncomingMessage, body: string, response: ServerResponse): Reply | 'streaming' {
    const answer = this.#handler.answer({
      method: request.method ?? 'GET',
      target: request.url ?? '/',
      contentType: request.headers['content-type'] ?? '',
      accept: request.headers.accept ?? '',
      body,
    });
    if (!('watch' in answer)) return answer;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    const watch = new WatchStream(response, this.#cluster, answer.watch, () => this.#silent);
    this.#watches.add(watch);
    response.on('close', () => this.#watches.delete(watch));
    watch.start();
    return 'streaming';
  }
}

const unauthorized = (): Reply => failure(401, 'Unauthorized', 'Unauthorized');

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > MAX_BODY_BYTES) throw new Error('request body too large');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, { status, body }: Reply): void {
  const plain = typeof body === 'string';
  response.writeHead(status, { 'content-type': plain ? 'text/plain' : 'application/json' });
  response.end(plain ? body : JSON.stringify(body));
}
