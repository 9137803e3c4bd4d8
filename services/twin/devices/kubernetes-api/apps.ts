import type { ClusterWorld, Workload } from '../../cluster/words.ts';
import type { Asked } from './answers.ts';
import { mergePatch } from './merge-patch.ts';
import { labelMatcher } from './selectors.ts';
import { conflict, methodNotAllowed, notFound, ok, type Reply } from './status.ts';

const KINDS = { daemonsets: 'DaemonSet', deployments: 'Deployment', statefulsets: 'StatefulSet' } as const;
type Plural = keyof typeof KINDS;

interface AppObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly object[];
  };
  readonly spec: object;
}

/** Workloads, read and scaled, and the ReplicaSets of Deployments; undefined where the path names none. Throws a SelectorError. */
export function answerApps(cluster: ClusterWorld, path: string, asked: Asked): Reply | undefined {
  const match = /^\/apis\/apps\/v1(?:\/namespaces\/([^/]+))?\/([a-z]+)(?:\/([^/]+))?$/.exec(path);
  const [, namespace, plural = '', name] = match ?? [];
  if (plural !== 'replicasets' && !isPlural(plural)) return undefined;
  const kind = plural === 'replicasets' ? 'Deployment' : KINDS[plural];
  const workloads = cluster.workloads.filter(({ plan }) => plan.kind === kind);
  const show = plural === 'replicasets' ? replicaSet : appObject;
  const here = workloads.filter(({ plan }) => namespace === undefined || plan.namespace === namespace);
  if (name === undefined) {
    if (asked.method !== 'GET') return methodNotAllowed();
    const matches = labelMatcher(asked.query.get('labelSelector') ?? '');
    const items = here.map(show).filter((object) => matches(object));
    const metadata = { resourceVersion: String(cluster.resourceVersion) };
    return ok({
      kind: `${plural === 'replicasets' ? 'ReplicaSet' : kind}List`,
      apiVersion: 'apps/v1',
      metadata,
      items,
    });
  }
  const found = here.find((workload) => show(workload).metadata.name === name);
  if (found === undefined) return notFound(`${plural}.apps`, name);
  const object = { kind, apiVersion: 'apps/v1', ...show(found) };
  if (asked.method === 'GET') return ok(object);
  if (asked.method !== 'PATCH' || !isPlural(plural) || plural === 'daemonsets') return methodNotAllowed();
  return scale(cluster, found, object, asked.body);
}

const isPlural = (word: string): word is Plural => Object.hasOwn(KINDS, word);

function scale(cluster: ClusterWorld, { uid, plan }: Workload, object: AppObject, patch: unknown): Reply {
  const merged = mergePatch(object, patch) as AppObject & { readonly spec: { readonly replicas?: unknown } };
  const { metadata, spec } = merged;
  if (metadata.resourceVersion !== object.metadata.resourceVersion)
    return conflict('deployments.apps', plan.name, 'the object has been modified');
  const { labels = {}, annotations = {} } = metadata;
  cluster.writeWorkload(uid, { labels, annotations, replicas: Number(spec.replicas ?? 1) });
  const written = cluster.workloads.find((each) => each.uid === uid);
  return ok(written === undefined ? merged : appObject(written));
}

const appObject = ({ plan, uid, written }: Workload): AppObject => ({
  metadata: {
    name: plan.name,
    namespace: plan.namespace,
    uid,
    resourceVersion: String(written.resourceVersion),
    labels: written.labels,
    annotations: written.annotations,
  },
  spec: {
    selector: { matchLabels: { app: plan.name } },
    ...(plan.kind !== 'DaemonSet' && { replicas: written.replicas }),
  },
});

/** The twin's pods name their Deployment's uid as that of its ReplicaSet. */
const replicaSet = ({ plan, uid }: Workload): AppObject => ({
  metadata: {
    name: plan.name,
    namespace: plan.namespace,
    uid,
    resourceVersion: '1',
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: plan.name, uid, controller: true }],
  },
  spec: {},
});
