import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { ClusterWorld, Workload } from '../cluster/words.ts';
import type { World } from '../model.ts';
import { type Asked, answerList, answerObject, matcherOf } from './kubernetes-api/answers.ts';
import { discovery } from './kubernetes-api/discovery.ts';
import { Rights, type Wish, wishOf } from './kubernetes-api/rbac.ts';
import { parseTarget, type Target } from './kubernetes-api/resources.ts';
import { SelectorError } from './kubernetes-api/selectors.ts';
import {
  badRequest,
  failure,
  methodNotAllowed,
  noSuchPath,
  notFound,
  ok,
  type Reply,
} from './kubernetes-api/status.ts';
import { asTable } from './kubernetes-api/tables.ts';
import { WatchStream } from './kubernetes-api/watch.ts';
import type { PluggableHandle } from './plug.ts';
import { TcpServer } from './tcp-server.ts';

export interface KubernetesApiOptions {
  /** 127.0.0.1 when absent. */
  readonly host?: string;
  /** A free one when absent or 0. */
  readonly port?: number;
  /** PEM texts; plain HTTP when absent. */
  readonly tls?: { readonly key: string; readonly cert: string; readonly ca: string };
  /** Bearer token every request must carry, when set. */
  readonly token?: string;
  /** YAML texts with the roles of the account; it may do anything when absent. */
  readonly roles?: readonly string[];
  /** Answers some requests instead of the cluster: a broken webhook, a server under load. Undefined: nothing special. */
  readonly disturb?: (request: { readonly method: string; readonly path: string }) => Reply | undefined;
}

export interface KubernetesApi extends PluggableHandle {
  readonly port: number;
  /** Requests answered or left hanging so far. */
  readonly requestCount: number;
  /** Text of a kubeconfig for this server. */
  kubeconfig(): string;
}

const MAX_BODY_BYTES = 1024 * 1024;
const DEFAULT_WATCH_S = 1_800;

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
  readonly #rights: Rights | undefined;
  #unsubscribe: (() => void) | undefined;
  #open = false;
  #plugged = true;

  constructor(world: World, cluster: ClusterWorld, options: KubernetesApiOptions) {
    this.#world = world;
    this.#cluster = cluster;
    this.#options = options;
    this.#host = options.host ?? '127.0.0.1';
    this.#rights = options.roles === undefined ? undefined : new Rights(options.roles);
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
    } catch (error) {
      if (error instanceof SelectorError || error instanceof SyntaxError) send(response, badRequest(error.message));
      else response.destroy();
    }
  }

  #authorized(request: IncomingMessage): boolean {
    const { token } = this.#options;
    return token === undefined || request.headers.authorization === `Bearer ${token}`;
  }

  #answer(request: IncomingMessage, text: string, response: ServerResponse): Reply | 'streaming' {
    const url = new URL(request.url ?? '/', 'http://twin');
    const path = url.pathname;
    if (['/readyz', '/livez', '/healthz'].includes(path)) return { status: 200, body: 'ok' };
    const document = discovery(path);
    if (document !== undefined) return ok(document);
    // `application/json`, or one of the JSON patches; protobuf is for other servers.
    const contentType = (request.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
    if (text !== '' && !/[/+]json$/.test(contentType)) {
      return failure(415, 'UnsupportedMediaType', `${contentType} is not understood here; send JSON`);
    }
    const asked: Asked = {
      method: request.method ?? 'GET',
      query: url.searchParams,
      body: text === '' ? undefined : JSON.parse(text),
      contentType,
      table: request.headers.accept?.includes('as=Table') ?? false,
      nowMs: this.#world.wallMs,
    };
    if (path === '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews' && asked.method === 'POST') {
      return { status: 201, body: { ...asObject(asked.body), status: { allowed: this.#mayAsk(asked.body) } } };
    }
    const watches = ['true', '1'].includes(asked.query.get('watch') ?? '');
    const refusal =
      this.#options.disturb?.({ method: asked.method, path }) ?? this.#refuse(asked.method, path, watches);
    if (refusal !== undefined) return refusal;
    const daemonSet = answerDaemonSets(this.#cluster.workloads, path);
    if (daemonSet !== undefined) return daemonSet;
    const target = parseTarget(path);
    if (target === undefined) return noSuchPath();
    if (target.name !== undefined) return answerObject(this.#cluster, target, asked);
    if (asked.method !== 'GET') return methodNotAllowed();
    if (!watches) return answerList(this.#cluster, target, asked);
    this.#startWatch(target, asked, response);
    return 'streaming';
  }

  #refuse(method: string, path: string, watches: boolean): Reply | undefined {
    const wish = wishOf(method, path, watches);
    return wish === undefined || this.#may(wish) ? undefined : forbidden(wish);
  }

  #may(wish: Wish): boolean {
    return this.#rights?.allows(wish) ?? true;
  }

  #mayAsk(review: unknown): boolean {
    const { spec } = asObject(review) as { readonly spec?: { readonly resourceAttributes?: Partial<Wish> } };
    const { verb = '', group = '', resource = '', subresource, namespace } = spec?.resourceAttributes ?? {};
    return this.#may({
      verb,
      group,
      resource,
      ...(subresource !== undefined && { subresource }),
      ...(namespace !== undefined && { namespace }),
    });
  }

  #startWatch({ type, ...target }: Target, asked: Asked, response: ServerResponse): void {
    const { plural, kind, apiVersion } = type;
    const { query } = asked;
    response.writeHead(200, { 'content-type': 'application/json' });
    const watch = new WatchStream(
      response,
      this.#cluster,
      {
        plural,
        kind,
        apiVersion,
        matches: matcherOf({ type, ...target }, query),
        render: (object) => (asked.table ? asTable(plural, [object], {}, this.#world.wallMs) : object),
        from: Number(query.get('resourceVersion') ?? 0) || 0,
        bookmarks: ['true', '1'].includes(query.get('allowWatchBookmarks') ?? ''),
        timeoutS: Number(query.get('timeoutSeconds') ?? 0) || DEFAULT_WATCH_S,
      },
      () => this.#silent,
    );
    this.#watches.add(watch);
    response.on('close', () => this.#watches.delete(watch));
    watch.start();
  }
}

/** kubectl looks a pod's DaemonSet up before it leaves the pod alone. */
function answerDaemonSets(workloads: readonly Workload[], path: string): Reply | undefined {
  const match = /^\/apis\/apps\/v1(?:\/namespaces\/([^/]+))?\/daemonsets(?:\/([^/]+))?$/.exec(path);
  if (match === null) return undefined;
  const [, namespace, name] = match;
  const items = workloads
    .filter(({ plan }) => plan.kind === 'DaemonSet' && (namespace === undefined || plan.namespace === namespace))
    .map(({ plan, uid }) => ({
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: plan.name, namespace: plan.namespace, uid },
      spec: { selector: { matchLabels: { app: plan.name } } },
    }));
  if (name === undefined) return ok({ kind: 'DaemonSetList', apiVersion: 'apps/v1', metadata: {}, items });
  const found = items.find(({ metadata }) => metadata.name === name);
  return found === undefined ? notFound('daemonsets.apps', name) : ok(found);
}

function forbidden({ verb, group, resource, subresource }: Wish): Reply {
  const what = `${resource}${subresource === undefined ? '' : `/${subresource}`}`;
  const message = `${what} is forbidden: the account cannot ${verb} resource "${what}" in API group "${group}"`;
  return failure(403, 'Forbidden', message);
}

const unauthorized = (): Reply => failure(401, 'Unauthorized', 'Unauthorized');

const asObject = (body: unknown): object => (typeof body === 'object' && body !== null ? body : {});

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
