import type { Plural } from '../../cluster/objects.ts';

/** The resources that are served from the simulated cluster. */
export interface ResourceType {
  readonly plural: Plural;
  readonly kind: string;
  readonly apiVersion: string;
  readonly namespaced: boolean;
}

const TYPES: readonly ResourceType[] = [
  { plural: 'nodes', kind: 'Node', apiVersion: 'v1', namespaced: false },
  { plural: 'pods', kind: 'Pod', apiVersion: 'v1', namespaced: true },
  { plural: 'poddisruptionbudgets', kind: 'PodDisruptionBudget', apiVersion: 'policy/v1', namespaced: true },
  { plural: 'leases', kind: 'Lease', apiVersion: 'coordination.k8s.io/v1', namespaced: true },
];

/** What a path names: a collection, one object of it, or a sub-resource of an object. */
export interface Target {
  readonly type: ResourceType;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

/** `/api/v1/namespaces/web/pods/a/eviction`; undefined when nothing of ours is there. */
export function parseTarget(path: string): Target | undefined {
  const match = /^\/(api\/v1|apis\/[^/]+\/v1)(?:\/namespaces\/([^/]+))?\/([a-z]+)(?:\/([^/]+))?(?:\/([a-z]+))?$/.exec(
    path,
  );
  if (match === null) return undefined;
  const [, root = '', namespace, plural, name, subresource] = match;
  const apiVersion = root.replace(/^apis?\//, '');
  const type = TYPES.find((each) => each.plural === plural && each.apiVersion === apiVersion);
  if (type === undefined || (namespace !== undefined && !type.namespaced)) return undefined;
  if (type.namespaced && name !== undefined && namespace === undefined) return undefined;
  return {
    type,
    ...(namespace !== undefined && { namespace: decodeURIComponent(namespace) }),
    ...(name !== undefined && { name: decodeURIComponent(name) }),
    ...(subresource !== undefined && { subresource }),
  };
}
