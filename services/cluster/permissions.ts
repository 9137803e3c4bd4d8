import { z } from 'zod';
import { ApiError } from './api-error.ts';
import type { Rest } from './rest.ts';

interface Right {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  /** What fails without it. */
  readonly without: string;
}

const LEAST: readonly Right[] = [
  { verb: 'list', group: '', resource: 'nodes', without: 'the cluster cannot be seen' },
  { verb: 'get', group: '', resource: 'nodes', without: 'nodes cannot be cordoned' },
  { verb: 'patch', group: '', resource: 'nodes', without: 'nodes cannot be cordoned' },
  { verb: 'watch', group: '', resource: 'nodes', without: 'every look at the cluster lists all nodes again' },
  { verb: 'list', group: '', resource: 'pods', without: 'pods cannot be evicted' },
  { verb: 'watch', group: '', resource: 'pods', without: 'a drain cannot see pods stop' },
  { verb: 'create', group: '', resource: 'pods', subresource: 'eviction', without: 'pods cannot be evicted' },
];

const OPTIONAL: readonly Right[] = [
  {
    verb: 'delete',
    group: '',
    resource: 'pods',
    without: 'optional: a disruption budget that says no is not overruled',
  },
  {
    verb: 'list',
    group: 'coordination.k8s.io',
    resource: 'leases',
    namespace: 'kube-node-lease',
    without: 'optional: a returning node is recognised up to five minutes later',
  },
  {
    verb: 'list',
    group: 'storage.k8s.io',
    resource: 'volumeattachments',
    without: 'optional: nobody waits until volumes are given back',
  },
  ...['validatingwebhookconfigurations', 'mutatingwebhookconfigurations'].map((resource) => ({
    verb: 'list',
    group: 'admissionregistration.k8s.io',
    resource,
    without: 'optional: pods behind an admission webhook are not kept to the end',
  })),
  {
    verb: 'get',
    group: '',
    resource: 'services',
    without: 'optional: pods behind an admission webhook are not kept to the end',
  },
];

const SCALE_VERBS = {
  deployments: ['list', 'get', 'patch'],
  statefulsets: ['list', 'get', 'patch'],
  replicasets: ['list'],
};

/** What `stop: scale` needs besides. */
const SCALING: readonly Right[] = Object.entries(SCALE_VERBS).flatMap(([resource, verbs]) =>
  verbs.map((verb) => ({
    verb,
    group: 'apps',
    resource,
    without: 'workloads cannot be scaled; their pods are evicted',
  })),
);

const reviewSchema = z.object({ status: z.object({ allowed: z.boolean() }) });

/**
 * Asks the API server about every right the client uses; `scales` adds those of scaling workloads. Returns one line per missing right, such as
 * `patch nodes (nodes cannot be cordoned)`; empty when all is well. Rejects with an ApiError when the server cannot be asked.
 */
export async function findMissingRights(rest: Rest, scales = false): Promise<string[]> {
  const rights = [...LEAST, ...OPTIONAL, ...(scales ? SCALING : [])];
  const allowed = await Promise.all(rights.map((right) => isAllowed(rest, right)));
  return rights
    .filter((_, index) => allowed[index] === false)
    .map(
      ({ verb, resource, subresource, namespace, without }) =>
        `${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}${namespace === undefined ? '' : ` in ${namespace}`} (${without})`,
    );
}

async function isAllowed(rest: Rest, right: Right): Promise<boolean> {
  const { without: _, ...resourceAttributes } = right;
  const { body } = await rest.call({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes } },
  });
  const review = reviewSchema.safeParse(body);
  if (!review.success) throw new ApiError('bad-answer', 'the API server sent no usable SelfSubjectAccessReview');
  return review.data.status.allowed;
}
