import { ApiError } from './api-error.ts';
import {
  type KubeNode,
  type Lease,
  type Pod,
  parseLease,
  parseNode,
  parsePage,
  parsePod,
  parseVolumeAttachment,
} from './objects.ts';
import type { Rest, RestAnswer, RestRequest } from './rest.ts';

/** Objects per page; an answer stays far below the client's size limit. */
const PAGE_SIZE = 500;
/** A list that never ends is a broken server, not a big cluster: 50 000 objects. */
const MAX_PAGES = 100;

export interface Listed<T> {
  readonly items: readonly T[];
  /** Where a watch takes over. */
  readonly resourceVersion: string;
  readonly serverNowMs?: number;
}

type Query = NonNullable<RestRequest['query']>;

export const listNodes = (rest: Rest, signal?: AbortSignal): Promise<Listed<KubeNode>> =>
  listAll(rest, '/api/v1/nodes', {}, parseNode, signal);

/** All pods of the cluster as of now. */
export const listPods = (rest: Rest, signal?: AbortSignal): Promise<Listed<Pod>> =>
  listAll(rest, '/api/v1/pods', {}, parsePod, signal);

/** The kubelets' signs of life. */
export const listNodeLeases = (rest: Rest): Promise<Listed<Lease>> =>
  listAll(rest, '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases', {}, parseLease);

/** Names of the nodes that have volumes attached; none where they cannot be listed, for nothing hangs on them alone. */
export async function listAttachedNodes(rest: Rest, signal?: AbortSignal): Promise<ReadonlySet<string>> {
  try {
    const path = '/apis/storage.k8s.io/v1/volumeattachments';
    const { items } = await listAll(rest, path, {}, parseVolumeAttachment, signal);
    return new Set(items.filter(({ attached }) => attached).map(({ node }) => node));
  } catch (error) {
    if (error instanceof ApiError && !error.away && error.code !== 'aborted') return new Set();
    throw error;
  }
}

/** `fallback` where the account may not ask or the cluster does not have what is asked for. */
export const unlessRefused = <T>(asked: Promise<T>, fallback: T): Promise<T> =>
  asked.catch((error: unknown) => {
    if (error instanceof ApiError && (error.code === 'forbidden' || error.code === 'not-found')) return fallback;
    throw error;
  });

/** All pages of a collection. Rejects with an ApiError. */
export async function listAll<T>(
  rest: Rest,
  path: string,
  query: Query,
  parseItem: (item: unknown) => T,
  signal?: AbortSignal,
): Promise<Listed<T>> {
  const items: T[] = [];
  let resourceVersion = '';
  let next: string | undefined;
  let answer: RestAnswer | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    // A continued list goes on at the version it began with and refuses to be told one.
    const paging: Query = next === undefined ? query : { ...query, resourceVersion: undefined, continue: next };
    answer = await rest.call({
      method: 'GET',
      path,
      query: { ...paging, limit: PAGE_SIZE },
      ...(signal !== undefined && { signal }),
    });
    const parsed = parsePage(answer.body, parseItem);
    items.push(...parsed.items);
    resourceVersion = parsed.resourceVersion;
    next = parsed.next;
    if (next === undefined) break;
  }
  return { items, resourceVersion, ...(answer?.serverNowMs !== undefined && { serverNowMs: answer.serverNowMs }) };
}
