/** What a client reads to learn which resources there are. */

interface Resource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly singularName: string;
  readonly shortNames?: readonly string[];
  /** Group and version of the kind, where they are not the path's own. */
  readonly group?: string;
  readonly version?: string;
}

const READ = ['get', 'list', 'watch'];

const GROUPS: Readonly<Record<string, readonly Resource[]>> = {
  v1: [
    {
      name: 'nodes',
      kind: 'Node',
      namespaced: false,
      singularName: 'node',
      shortNames: ['no'],
      verbs: [...READ, 'patch'],
    },
    {
      name: 'pods',
      kind: 'Pod',
      namespaced: true,
      singularName: 'pod',
      shortNames: ['po'],
      verbs: [...READ, 'delete'],
    },
    {
      name: 'pods/eviction',
      kind: 'Eviction',
      namespaced: true,
      singularName: '',
      group: 'policy',
      version: 'v1',
      verbs: ['create'],
    },
  ],
  'apps/v1': [
    {
      name: 'daemonsets',
      kind: 'DaemonSet',
      namespaced: true,
      singularName: 'daemonset',
      shortNames: ['ds'],
      verbs: ['get', 'list'],
    },
  ],
  'policy/v1': [
    {
      name: 'poddisruptionbudgets',
      kind: 'PodDisruptionBudget',
      namespaced: true,
      singularName: 'poddisruptionbudget',
      shortNames: ['pdb'],
      verbs: READ,
    },
  ],
  'coordination.k8s.io/v1': [
    { name: 'leases', kind: 'Lease', namespaced: true, singularName: 'lease', verbs: ['get', 'list'] },
  ],
  'authorization.k8s.io/v1': [
    {
      name: 'selfsubjectaccessreviews',
      kind: 'SelfSubjectAccessReview',
      namespaced: false,
      singularName: '',
      verbs: ['create'],
    },
  ],
};

const VERSION = {
  major: '1',
  minor: '32',
  gitVersion: 'v1.32.13+k3s1',
  gitCommit: '0000000000000000000000000000000000000000',
  gitTreeState: 'clean',
  buildDate: '2026-01-01T00:00:00Z',
  goVersion: 'go1.23.6',
  compiler: 'gc',
  platform: 'linux/arm64',
};

/** The discovery document at this path; undefined when there is none. */
export function discovery(path: string): unknown {
  if (path === '/version') return VERSION;
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
  if (path === '/apis') {
    return {
      kind: 'APIGroupList',
      apiVersion: 'v1',
      groups: Object.keys(GROUPS)
        .filter((groupVersion) => groupVersion.includes('/'))
        .map((groupVersion) => {
          const [name, version] = groupVersion.split('/');
          return { name, versions: [{ groupVersion, version }], preferredVersion: { groupVersion, version } };
        }),
    };
  }
  const groupVersion = path.replace(/^\/apis?\//, '');
  const resources = GROUPS[groupVersion];
  return resources === undefined ? undefined : { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources };
}
