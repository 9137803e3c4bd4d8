import type { ClusterSample } from '../rack/samples.ts';
import type { Clock } from '../runtime/clock.ts';
import { asApiError } from './api-error.ts';
import { type Listed, listAll, listNodeLeases } from './lists.ts';
import { type PlacedPod, sampleNodes } from './nodes.ts';
import { parseNode, parsePod } from './objects.ts';
import type { Rest } from './rest.ts';
import { followStream, Place } from './watch-stream.ts';
import { occupies, type PodRules } from './which-pods.ts';

/**
 * All nodes and pods, kept up to date by two watches, so that a look at the cluster costs one small request. Without
 * the right to watch, or while a watch is broken, a look lists them again.
 */
export class Inventory {
  readonly #rest: Rest;
  readonly #clock: Clock;
  readonly #nodes;
  readonly #pods;
  #mayLease = true;

  constructor(rest: Rest, clock: Clock, rules: PodRules) {
    this.#rest = rest;
    this.#clock = clock;
    this.#nodes = new Followed(rest, '/api/v1/nodes', {}, (value) => {
      const node = parseNode(value);
      return { key: node.name, item: node };
    });
    // The API server leaves out finished pods, and says that they are gone when they finish.
    const unfinished = { fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed' };
    this.#pods = new Followed(rest, '/api/v1/pods', unfinished, (value) => {
      const pod = parsePod(value);
      const item: PlacedPod = {
        occupies: occupies(pod, rules),
        ...(pod.node !== undefined && { node: pod.node }),
      };
      return { key: pod.uid, item };
    });
  }

  /** The cluster as of now. Rejects with an ApiError. */
  async look(): Promise<ClusterSample> {
    const pulse = this.#pulse().catch((error: unknown) => {
      // A server that does not answer may have lost power: its streams look alive for long, and say nothing.
      this.#nodes.doubt();
      this.#pods.doubt();
      throw error;
    });
    const [{ leases, serverNowMs }, nodes, pods] = await Promise.all([pulse, this.#nodes.items(), this.#pods.items()]);
    const measuredAtMs = this.#clock.wallMs();
    return {
      kind: 'cluster',
      measuredAtMs,
      serverNowMs: serverNowMs ?? measuredAtMs,
      nodes: sampleNodes(nodes, leases, pods),
    };
  }

  close(): void {
    this.#nodes.close();
    this.#pods.close();
  }

  /** Tells whether the server answers at all, what time it has there, and the kubelets' signs of life. */
  async #pulse(): Promise<Pick<Listed<unknown>, 'serverNowMs'> & { leases: Listed<Lease>['items'] }> {
    if (this.#mayLease) {
      try {
        const { items, ...rest } = await listNodeLeases(this.#rest);
        return { ...rest, leases: items };
      } catch (error) {
        const { code } = asApiError(error);
        if (code !== 'forbidden' && code !== 'not-found') throw error;
        // An optional right; without it the slower heartbeat of the Ready condition has to do.
        this.#mayLease = false;
      }
    }
    const { serverNowMs } = await this.#rest.call({ method: 'GET', path: '/version' });
    return { leases: [], ...(serverNowMs !== undefined && { serverNowMs }) };
  }
}

type Lease = Awaited<ReturnType<typeof listNodeLeases>>['items'][number];

/** One collection: listed once, then followed. */
class Followed<T> {
  readonly #rest: Rest;
  readonly #path: string;
  readonly #query: Readonly<Record<string, string>>;
  readonly #parse: (value: unknown) => { readonly key: string; readonly item: T };
  readonly #closed = new AbortController();
  #items = new Map<string, T>();
  /** Ends the stream that keeps the items up to date; undefined while there is none. */
  #stream: AbortController | undefined;
  #mayWatch = true;

  constructor(
    rest: Rest,
    path: string,
    query: Readonly<Record<string, string>>,
    parse: (value: unknown) => { readonly key: string; readonly item: T },
  ) {
    this.#rest = rest;
    this.#path = path;
    this.#query = query;
    this.#parse = parse;
  }

  async items(): Promise<readonly T[]> {
    if (this.#stream !== undefined) return [...this.#items.values()];
    // Version 0: out of the API server's memory, which may be a moment old; the watch brings the rest.
    const query = { ...this.#query, resourceVersion: '0' };
    const listed = await listAll(this.#rest, this.#path, query, this.#parse);
    // Somebody else's list was there first, and is followed already: this one may be older.
    if (this.#stream !== undefined) return [...this.#items.values()];
    this.#items = new Map(listed.items.map(({ key, item }) => [key, item]));
    if (this.#mayWatch && this.#stream === undefined && !this.#closed.signal.aborted) {
      this.#stream = new AbortController();
      void this.#follow(listed.resourceVersion, this.#stream);
    }
    return [...this.#items.values()];
  }

  /** Follows no longer: the next look lists again. */
  doubt(): void {
    this.#stream?.abort();
    this.#stream = undefined;
  }

  close(): void {
    this.#closed.abort();
  }

  /** Until the first trouble; the next look begins anew. */
  async #follow(from: string, stream: AbortController): Promise<void> {
    const place = new Place(from);
    const signal = AbortSignal.any([this.#closed.signal, stream.signal]);
    try {
      while (!signal.aborted) {
        await followStream(this.#rest, place, {
          path: this.#path,
          query: this.#query,
          signal,
          onObject: (object, gone) => {
            if (signal.aborted) return;
            const { key, item } = this.#parse(object);
            if (gone) this.#items.delete(key);
            else this.#items.set(key, item);
          },
        });
      }
    } catch (error) {
      if (asApiError(error).code === 'forbidden') this.#mayWatch = false;
    } finally {
      if (this.#stream === stream) this.#stream = undefined;
    }
  }
}
