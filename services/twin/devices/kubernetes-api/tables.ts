import { isReady, type Kinds, type Plural } from '../../cluster/objects.ts';

/** The form in which kubectl wants its lists: columns and cells made by the server. */

interface Column {
  readonly name: string;
  /** Only shown with `-o wide`. */
  readonly wide?: boolean;
  readonly cell: (object: Kinds[Plural], nowMs: number) => string | number;
}

const text = <P extends Plural>(read: (object: Kinds[P], nowMs: number) => string | number) =>
  read as (object: Kinds[Plural], nowMs: number) => string | number;

const NAME: Column = { name: 'Name', cell: (object) => object.metadata.name };
const AGE: Column = {
  name: 'Age',
  cell: (object, nowMs) => age(nowMs - Date.parse(object.metadata.creationTimestamp)),
};
const NONE = '<none>';

const COLUMNS: { readonly [P in Plural]: readonly Column[] } = {
  nodes: [
    NAME,
    {
      name: 'Status',
      cell: text<'nodes'>(
        (node) =>
          `${isReady(node) ? 'Ready' : 'NotReady'}${node.spec.unschedulable === true ? ',SchedulingDisabled' : ''}`,
      ),
    },
    {
      name: 'Roles',
      cell: text<'nodes'>((node) =>
        node.metadata.labels?.['node-role.kubernetes.io/control-plane'] === undefined ? NONE : 'control-plane',
      ),
    },
    AGE,
    { name: 'Version', cell: text<'nodes'>((node) => node.status.nodeInfo.kubeletVersion ?? '') },
    {
      name: 'Internal-IP',
      wide: true,
      cell: text<'nodes'>((node) => node.status.addresses.find(({ type }) => type === 'InternalIP')?.address ?? NONE),
    },
    { name: 'External-IP', wide: true, cell: () => NONE },
    { name: 'OS-Image', wide: true, cell: text<'nodes'>((node) => node.status.nodeInfo.osImage ?? '') },
    { name: 'Kernel-Version', wide: true, cell: text<'nodes'>((node) => node.status.nodeInfo.kernelVersion ?? '') },
    {
      name: 'Container-Runtime',
      wide: true,
      cell: text<'nodes'>((node) => node.status.nodeInfo.containerRuntimeVersion ?? ''),
    },
  ],
  pods: [
    NAME,
    {
      name: 'Ready',
      cell: text<'pods'>((pod) => {
        const statuses = pod.status.containerStatuses ?? [];
        return `${statuses.filter(({ ready }) => ready).length}/${pod.spec.containers.length}`;
      }),
    },
    {
      name: 'Status',
      cell: text<'pods'>((pod) => {
        if (pod.metadata.deletionTimestamp !== undefined) return 'Terminating';
        return pod.status.phase === 'Succeeded' ? 'Completed' : pod.status.phase;
      }),
    },
    {
      name: 'Restarts',
      cell: text<'pods'>((pod) =>
        (pod.status.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0),
      ),
    },
    AGE,
    { name: 'IP', wide: true, cell: text<'pods'>((pod) => pod.status.podIP ?? NONE) },
    { name: 'Node', wide: true, cell: text<'pods'>((pod) => pod.spec.nodeName ?? NONE) },
  ],
  poddisruptionbudgets: [
    NAME,
    { name: 'Min Available', cell: text<'poddisruptionbudgets'>(({ spec }) => spec.minAvailable ?? 'N/A') },
    { name: 'Max Unavailable', cell: text<'poddisruptionbudgets'>(({ spec }) => spec.maxUnavailable ?? 'N/A') },
    { name: 'Allowed Disruptions', cell: text<'poddisruptionbudgets'>(({ status }) => status.disruptionsAllowed) },
    AGE,
  ],
  leases: [NAME, { name: 'Holder', cell: text<'leases'>(({ spec }) => spec.holderIdentity) }, AGE],
};

/** The objects as a `Table`; `nowMs` is the world's wall clock. */
export function asTable<P extends Plural>(
  plural: P,
  objects: readonly Kinds[P][],
  metadata: Readonly<Record<string, unknown>>,
  nowMs: number,
): unknown {
  const columns = COLUMNS[plural];
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: columns.map(({ name, wide }) => ({
      name,
      type: 'string',
      format: name === 'Name' ? 'name' : '',
      description: '',
      priority: wide === true ? 1 : 0,
    })),
    rows: objects.map((object) => ({
      cells: columns.map(({ cell }) => cell(object, nowMs)),
      object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
    })),
  };
}

/** `45s`, `12m`, `5h`, `3d`: the largest unit alone is near enough. */
function age(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 120) return `${s}s`;
  if (s < 7_200) return `${Math.floor(s / 60)}m`;
  return s < 172_800 ? `${Math.floor(s / 3_600)}h` : `${Math.floor(s / 86_400)}d`;
}
