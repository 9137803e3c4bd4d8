import type { Kinds, NodeObject, Plural } from '../../cluster/objects.ts';
import type { ClusterWorld, RemovalAnswer, RemovalOptions } from '../../cluster/words.ts';
import { mergePatch } from './merge-patch.ts';
import type { ResourceType, Target } from './resources.ts';
import { fieldMatcher, labelMatcher, type Matcher } from './selectors.ts';
import { badRequest, conflict, failure, methodNotAllowed, notFound, ok, type Reply, success } from './status.ts';
import { asTable } from './tables.ts';

export interface Asked {
  readonly method: string;
  readonly query: URLSearchParams;
  /** Parsed body; undefined when there was none. */
  readonly body: unknown;
  readonly contentType: string;
  /** The client wants a `Table`. */
  readonly table: boolean;
  readonly nowMs: number;
}

const field = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null
        ? Object.entries(inner).find(([name]) => name === key)?.[1]
        : undefined,
    value,
  );

/** One object or sub-resource, whatever is done with it. */
export function answerObject(cluster: ClusterWorld, target: Target, asked: Asked): Reply {
  const { type, name = '', namespace } = target;
  const key = namespace === undefined ? name : `${namespace}/${name}`;
  if (target.subresource === 'eviction' && type.plural === 'pods' && asked.method === 'POST') {
    const dryRun = field(asked.body, 'deleteOptions', 'dryRun') ?? asked.query.get('dryRun');
    const options = removalOptions(field(asked.body, 'deleteOptions'), dryRun);
    return answerRemoval(cluster.evict(key, options), name, success(201));
  }
  if (target.subresource !== undefined) return methodNotAllowed();
  const object = cluster.get(type.plural, key);
  if (object === undefined) return notFound(type.plural, name);
  if (asked.method === 'GET') return ok(asked.table ? asTable(type.plural, [object], {}, asked.nowMs) : object);
  if (asked.method === 'PATCH' && object.kind === 'Node') return patchNode(cluster, object, asked);
  if (asked.method === 'DELETE' && object.kind === 'Pod') {
    const answer = cluster.deletePod(
      key,
      removalOptions(asked.body, field(asked.body, 'dryRun') ?? asked.query.get('dryRun')),
    );
    return answerRemoval(answer, name, ok(answer.kind === 'accepted' ? answer.pod : {}));
  }
  return methodNotAllowed();
}

function removalOptions(options: unknown, dryRun: unknown): RemovalOptions {
  const uid = field(options, 'preconditions', 'uid');
  const graceS = field(options, 'gracePeriodSeconds');
  return {
    dryRun: dryRun === 'All' || (Array.isArray(dryRun) && dryRun.includes('All')),
    ...(typeof uid === 'string' && { uid }),
    ...(typeof graceS === 'number' && graceS >= 0 && { graceS }),
  };
}

function answerRemoval(answer: RemovalAnswer, name: string, accepted: Reply): Reply {
  switch (answer.kind) {
    case 'accepted':
      return accepted;
    case 'not-found':
      return notFound('pods', name);
    case 'other-uid':
      return conflict('pods', name, `the UID in the precondition does not match the UID in record: ${answer.uid}`);
    case 'two-budgets':
      return failure(
        500,
        'InternalError',
        'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
      );
    case 'budget': {
      const { desiredHealthy, currentHealthy } = answer.budget.status;
      const message = `The disruption budget ${answer.budget.metadata.name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
      return failure(429, 'TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
        causes: [{ reason: 'DisruptionBudget', message }],
      });
    }
  }
}

const PATCH_TYPES = ['application/merge-patch+json', 'application/strategic-merge-patch+json'];

function patchNode(cluster: ClusterWorld, node: NodeObject, asked: Asked): Reply {
  const { name } = node.metadata;
  if (!PATCH_TYPES.includes(asked.contentType)) {
    return failure(
      415,
      'UnsupportedMediaType',
      `the body of the request was in an unknown format - accepted media types include: ${PATCH_TYPES.join(', ')}`,
    );
  }
  if (typeof asked.body !== 'object' || asked.body === null || Array.isArray(asked.body))
    return badRequest('error decoding patch');
  const wanted = field(asked.body, 'metadata', 'resourceVersion');
  if (wanted !== undefined && wanted !== node.metadata.resourceVersion) {
    return conflict(
      'nodes',
      name,
      'the object has been modified; please apply your changes to the latest version and try again',
    );
  }
  // What a merge of a Node with a patch can break are types a real server would refuse; ours only takes what it knows.
  const merged = mergePatch(node, asked.body) as NodeObject;
  const unschedulable = field(merged, 'spec', 'unschedulable');
  if (unschedulable !== undefined && typeof unschedulable !== 'boolean')
    return badRequest('spec.unschedulable must be a boolean');
  const metadata = { ...node.metadata, ...pickMaps(merged.metadata) };
  if (asked.query.get('dryRun') === 'All') return ok({ ...merged, metadata });
  return ok(cluster.writeNode({ ...node, metadata, spec: merged.spec }));
}

const pickMaps = ({ labels, annotations }: NodeObject['metadata']) => ({
  labels: labels ?? {},
  annotations: annotations ?? {},
});

/** What a collection request selects. Throws a SelectorError. */
export function matcherOf(target: Target, query: URLSearchParams): Matcher {
  const fields = fieldMatcher(query.get('fieldSelector') ?? '');
  const labels = labelMatcher(query.get('labelSelector') ?? '');
  const { namespace } = target;
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) && fields(object) && labels(object);
}

/** A list or one page of it; `continue` names the last object of the page before. */
export function answerList(cluster: ClusterWorld, target: Target, asked: Asked): Reply {
  const { plural } = target.type;
  const matching = cluster.list(plural).filter(matcherOf(target, asked.query));
  const after = decodeContinue(asked.query.get('continue'));
  if (after === null) return badRequest('continue key is not valid');
  const rest = after === '' ? matching : matching.filter((object) => listKey(object) > after);
  const limit = Number(asked.query.get('limit') ?? 0);
  const page = limit > 0 ? rest.slice(0, limit) : rest;
  const last = page.at(-1);
  const more = page.length < rest.length && last !== undefined;
  const metadata = {
    resourceVersion: String(cluster.resourceVersion),
    ...(more && { continue: encodeContinue(listKey(last)), remainingItemCount: rest.length - page.length }),
  };
  return ok(asked.table ? asTable(plural, page, metadata, asked.nowMs) : listOf(target.type, page, metadata));
}

const listOf = ({ kind, apiVersion }: ResourceType, items: readonly Kinds[Plural][], metadata: unknown): unknown => ({
  kind: `${kind}List`,
  apiVersion,
  metadata,
  // As on the wire: the items of a list do not repeat what the list says.
  items: items.map(({ kind: _kind, apiVersion: _apiVersion, ...item }) => item),
});

const listKey = ({ metadata }: Kinds[Plural]): string =>
  metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;

const encodeContinue = (key: string): string => Buffer.from(JSON.stringify({ start: key })).toString('base64url');

function decodeContinue(token: string | null): string | null {
  if (token === null || token === '') return '';
  try {
    const start = field(JSON.parse(Buffer.from(token, 'base64url').toString('utf8')), 'start');
    return typeof start === 'string' ? start : null;
  } catch {
    return null;
  }
}
