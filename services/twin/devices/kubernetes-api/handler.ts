import type { ClusterWorld } from '../../cluster/words.ts';
import type { World } from '../../model.ts';
import { type Asked, answerList, answerObject, matcherOf } from './answers.ts';
import { answerApps } from './apps.ts';
import { discovery } from './discovery.ts';
import { Rights, type Wish, wishOf } from './rbac.ts';
import { parseTarget, type Target } from './resources.ts';
import { SelectorError } from './selectors.ts';
import { badRequest, failure, methodNotAllowed, noSuchPath, ok, type Reply } from './status.ts';
import { asTable } from './tables.ts';
import type { WatchOrder } from './watch.ts';

export interface HandlerOptions {
  /** YAML texts with the roles of the account; it may do anything when absent. */
  readonly roles?: readonly string[];
  /** Answers some requests instead of the cluster: a broken webhook, a server under load. Undefined: nothing special. */
  readonly disturb?: (request: { readonly method: string; readonly path: string }) => Reply | undefined;
}

/** A request as it comes off any wire. */
export interface PlainRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly contentType: string;
  readonly accept: string;
  readonly body: string;
}

const DEFAULT_WATCH_S = 1_800;

/** Answers requests to the simulated cluster; knows no sockets and no time but the world's. */
export class Handler {
  readonly #world: Pick<World, 'wallMs'>;
  readonly #cluster: ClusterWorld;
  readonly #disturb: HandlerOptions['disturb'];
  readonly #rights: Rights | undefined;

  constructor(world: Pick<World, 'wallMs'>, cluster: ClusterWorld, { roles, disturb }: HandlerOptions = {}) {
    this.#world = world;
    this.#cluster = cluster;
    this.#disturb = disturb;
    this.#rights = roles === undefined ? undefined : new Rights(roles);
  }

  /** What to say, or what to watch and tell until the watch is over. */
  answer(request: PlainRequest): Reply | { readonly watch: WatchOrder } {
    try {
      return this.#answer(request);
    } catch (error) {
      if (error instanceof SelectorError || error instanceof SyntaxError) return badRequest(error.message);
      throw error;
    }
  }

  #answer(request: PlainRequest): Reply | { readonly watch: WatchOrder } {
    const { method, body } = request;
    const url = new URL(request.target, 'http://twin');
    const path = url.pathname;
    if (['/readyz', '/livez', '/healthz'].includes(path)) return { status: 200, body: 'ok' };
    const document = discovery(path);
    if (document !== undefined) return ok(document);
    // `application/json`, or one of the JSON patches; protobuf is for other servers.
    const contentType = request.contentType.split(';')[0]?.trim() ?? '';
    if (body !== '' && !/[/+]json$/.test(contentType)) {
      return failure(415, 'UnsupportedMediaType', `${contentType} is not understood here; send JSON`);
    }
    const asked: Asked = {
      method,
      query: url.searchParams,
      body: body === '' ? undefined : JSON.parse(body),
      contentType,
      table: request.accept.includes('as=Table'),
      nowMs: this.#world.wallMs,
    };
    if (path === '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews' && method === 'POST') {
      return { status: 201, body: { ...asObject(asked.body), status: { allowed: this.#mayAsk(asked.body) } } };
    }
    const watches = ['true', '1'].includes(asked.query.get('watch') ?? '');
    const refusal = this.#disturb?.({ method, path }) ?? this.#refuse(method, path, watches);
    if (refusal !== undefined) return refusal;
    const app = answerApps(this.#cluster, path, asked);
    if (app !== undefined) return app;
    const target = parseTarget(path);
    if (target === undefined) return noSuchPath();
    if (target.name !== undefined) return answerObject(this.#cluster, target, asked);
    if (method !== 'GET') return methodNotAllowed();
    if (!watches) return answerList(this.#cluster, target, asked);
    return { watch: this.#watchOf(target, asked) };
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

  #watchOf(target: Target, { query, table }: Asked): WatchOrder {
    const { plural, kind, apiVersion } = target.type;
    return {
      plural,
      kind,
      apiVersion,
      matches: matcherOf(target, query),
      render: (object) => (table ? asTable(plural, [object], {}, this.#world.wallMs) : object),
      from: Number(query.get('resourceVersion') ?? 0) || 0,
      bookmarks: ['true', '1'].includes(query.get('allowWatchBookmarks') ?? ''),
      timeoutS: Number(query.get('timeoutSeconds') ?? 0) || DEFAULT_WATCH_S,
    };
  }
}

function forbidden({ verb, group, resource, subresource }: Wish): Reply {
  const what = `${resource}${subresource === undefined ? '' : `/${subresource}`}`;
  const message = `${what} is forbidden: the account cannot ${verb} resource "${what}" in API group "${group}"`;
  return failure(403, 'Forbidden', message);
}

const asObject = (body: unknown): object => (typeof body === 'object' && body !== null ? body : {});
