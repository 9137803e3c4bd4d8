import { type ApiError, asApiError } from './api-error.ts';
import type { Pod } from './objects.ts';
import { apiPath, type Rest } from './rest.ts';

/** What the API server's answer to an eviction or deletion means. */
export type EvictAnswer =
  /** Deletion has begun (or had begun before): wait until it is gone. */
  | { readonly kind: 'accepted' }
  /** Our pod is gone; another one may have its name. */
  | { readonly kind: 'gone' }
  /** A disruption budget says no. `settlingMs`: its figures are being worked out, ask again after this. */
  | { readonly kind: 'budget'; readonly budget: string; readonly settlingMs?: number }
  /** More than one budget covers the pod; it can never be evicted, only deleted. */
  | { readonly kind: 'never-evictable' }
  /** The server protects itself from too many requests. */
  | { readonly kind: 'busy'; readonly retryAfterMs: number }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'webhook'; readonly name: string; readonly message: string }
  /** The whole namespace is being deleted, and this pod with it. */
  | { readonly kind: 'namespace-ending' }
  /** 401 or 403: no request of this kind will succeed. */
  | { readonly kind: 'not-allowed'; readonly message: string }
  | { readonly kind: 'away'; readonly message: string }
  | { readonly kind: 'unclear'; readonly message: string };

export interface Removal {
  readonly pod: Pod;
  readonly how: 'evict' | 'delete';
  /** Shortens the pod's own grace period, s; at least 1, because 0 takes the object away under a running container. */
  readonly graceS?: number;
}

/** Asks for one pod to be stopped, provided it is still the same pod. Never rejects. */
export async function requestRemoval(rest: Rest, removal: Removal, signal: AbortSignal): Promise<EvictAnswer> {
  const { pod, how } = removal;
  const path = apiPath('api', 'v1', 'namespaces', pod.namespace, 'pods', pod.name);
  const options = {
    preconditions: { uid: pod.uid },
    ...(removal.graceS !== undefined && { gracePeriodSeconds: Math.max(1, Math.floor(removal.graceS)) }),
  };
  try {
    if (how === 'evict') {
      await rest.call({
        method: 'POST',
        path: `${path}/eviction`,
        body: {
          apiVersion: 'policy/v1',
          kind: 'Eviction',
          metadata: { name: pod.name, namespace: pod.namespace },
          deleteOptions: options,
        },
        signal,
      });
    } else {
      await rest.call({
        method: 'DELETE',
        path,
        body: { apiVersion: 'v1', kind: 'DeleteOptions', ...options },
        signal,
      });
    }
    return { kind: 'accepted' };
  } catch (error) {
    return readRefusal(asApiError(error), pod);
  }
}

/** The answers table: every refusal of an eviction or deletion, by what follows from it. */
export function readRefusal(error: ApiError, pod: Pick<Pod, 'namespace'>): EvictAnswer {
  const { message } = error;
  if (error.away || error.code === 'aborted') return { kind: 'away', message };
  switch (error.code) {
    case 'not-found':
      return { kind: 'gone' };
    case 'conflict':
      // Upper case, because the message also holds the pod's name, and a name can be `druid-0`.
      return /\bUID in (the )?precondition/.test(message) ? { kind: 'gone' } : { kind: 'conflict' };
    case 'too-many':
      return readTooMany(error, pod);
    case 'unauthorized':
      return { kind: 'not-allowed', message };
    case 'forbidden':
      return error.causes.some((cause) => cause.reason === 'NamespaceTerminating')
        ? { kind: 'namespace-ending' }
        : { kind: 'not-allowed', message };
    case 'server':
      return readServerError(message);
    default:
      return { kind: 'unclear', message };
  }
}

const BUSY_MS = 1_000;

function readTooMany(error: ApiError, pod: Pick<Pod, 'namespace'>): EvictAnswer {
  const cause = error.causes.find(({ reason }) => reason === 'DisruptionBudget');
  if (cause === undefined) return { kind: 'busy', retryAfterMs: error.retryAfterMs ?? BUSY_MS };
  // "The disruption budget web-pdb needs 3 healthy pods and has 3 currently"
  const name = /disruption budget (\S+)/i.exec(cause.message)?.[1] ?? '';
  const settling = error.retryAfterMs;
  return {
    kind: 'budget',
    budget: `${pod.namespace}/${name}`,
    ...(settling !== undefined && { settlingMs: settling }),
  };
}

function readServerError(message: string): EvictAnswer {
  if (/more than one PodDisruptionBudget/i.test(message)) return { kind: 'never-evictable' };
  const webhook = /failed calling webhook "([^"]+)"/i.exec(message);
  return webhook ? { kind: 'webhook', name: webhook[1] ?? '', message } : { kind: 'unclear', message };
}
