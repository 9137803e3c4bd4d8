import { type Pod, podName } from './objects.ts';
import { type PodSelector, selects } from './pod-selector.ts';

/** Put on a pod the shutdown itself needs (this program, its MQTT broker): it is never evicted. */
export const KEEP_ANNOTATION = 'holdover.dev/keep';

const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
/** `system-cluster-critical`; DNS and metrics, which others need while they stop. */
export const SYSTEM_PRIORITY = 2_000_000_000;

/** What a configuration adds to the rules below. */
export interface PodRules {
  /** Groups that stop after all other applications, first to last. */
  readonly order: readonly { readonly name: string; readonly pods: readonly PodSelector[] }[];
  readonly storage: readonly PodSelector[];
  readonly keep: readonly PodSelector[];
  /** `namespace/name` of the pod this process runs in. */
  readonly ownPod?: string;
  /** Pods behind admission webhooks without which nothing is evicted. */
  readonly webhooks?: readonly PodSelector[];
}

export const PLAIN_RULES: PodRules = { order: [], storage: [], keep: [] };

export type SkipReason = 'finished' | 'mirror' | 'daemonset' | 'unplaced' | 'kept' | 'left-to-host';

/** What a pod is to the others, in the order in which these kinds stop. */
export type PodClass = 'application' | 'raised' | 'grouped' | 'storage' | 'system' | 'webhook';

export type PodVerdict =
  | { readonly action: 'evict'; readonly as: PodClass }
  /** It is stopping already. */
  | { readonly action: 'wait' }
  | { readonly action: 'skip'; readonly reason: SkipReason };

/** What an eviction should do with this pod (kubernetes-shutdown.md §4). */
export function judgePod(pod: Pod, rules: PodRules = PLAIN_RULES): PodVerdict {
  if (pod.node === undefined) return { action: 'skip', reason: 'unplaced' };
  if (pod.phase === 'Succeeded' || pod.phase === 'Failed') return { action: 'skip', reason: 'finished' };
  if (MIRROR_ANNOTATION in pod.annotations) return { action: 'skip', reason: 'mirror' };
  if (pod.controller?.kind === 'DaemonSet' && pod.controller.apiVersion.startsWith('apps/')) {
    return { action: 'skip', reason: 'daemonset' };
  }
  if (isKept(pod, rules)) return { action: 'skip', reason: 'kept' };
  if (stoppedInPlace(pod)) return { action: 'skip', reason: 'finished' };
  if (leftToHost(pod)) return { action: 'skip', reason: 'left-to-host' };
  if (pod.deletion !== undefined) return { action: 'wait' };
  return { action: 'evict', as: classOf(pod, rules) };
}

/** A pod that keeps its node from being empty. */
export const occupies = (pod: Pod, rules?: PodRules): boolean => judgePod(pod, rules).action !== 'skip';

/** All containers ended; a finalizer alone keeps the object, and nobody may be left who removes it. */
export const stoppedInPlace = (pod: Pod): boolean =>
  pod.deletion?.graceS === 0 && pod.finalizers.length > 0 && pod.containersTerminated;

export const isKept = (pod: Pod, rules: PodRules): boolean =>
  pod.annotations[KEEP_ANNOTATION] === 'true' ||
  podName(pod) === rules.ownPod ||
  rules.keep.some((selector) => selects(selector, pod));

/** Its budget never says yes while the node has a replica; it holds nothing that its host's shutdown would harm. */
const leftToHost = (pod: Pod): boolean => pod.labels['longhorn.io/component'] === 'instance-manager';

export function classOf(pod: Pod, rules: PodRules): PodClass {
  if (rules.webhooks?.some((selector) => selects(selector, pod))) return 'webhook';
  if (pod.priority >= SYSTEM_PRIORITY) return 'system';
  if (servesVolumes(pod) || rules.storage.some((selector) => selects(selector, pod))) return 'storage';
  if (groupOf(pod, rules) >= 0) return 'grouped';
  return pod.priority > 0 ? 'raised' : 'application';
}

/** Place of the pod's group in the configured order; -1 when it is in none. */
export const groupOf = (pod: Pod, rules: PodRules): number =>
  rules.order.findIndex(({ pods }) => pods.some((selector) => selects(selector, pod)));

const STORAGE_APPS: ReadonlySet<string> = new Set([
  'rook-ceph-osd',
  'rook-ceph-mon',
  'minio',
  'nfs-server',
  'nfs-server-provisioner',
  'nfs-ganesha',
]);

/** Known storage daemons: they stay until the pods that use them are gone. */
const servesVolumes = ({ labels }: Pod): boolean =>
  STORAGE_APPS.has(labels.app ?? '') || STORAGE_APPS.has(labels['app.kubernetes.io/name'] ?? '');

/** What a person should know about the pods of a drain, as sentences. */
export function drainNotes(pods: readonly Pod[], rules: PodRules = PLAIN_RULES): readonly string[] {
  const verdicts = pods.map((pod) => ({ pod, verdict: judgePod(pod, rules) }));
  const evicted = verdicts.filter(({ verdict }) => verdict.action === 'evict').map(({ pod }) => pod);
  const skipped = (reason: SkipReason): readonly Pod[] =>
    verdicts.filter(({ verdict }) => verdict.action === 'skip' && verdict.reason === reason).map(({ pod }) => pod);
  return [
    ...sentence(
      'no controller, nothing will start them again',
      evicted.filter((pod) => pod.controller === undefined),
    ),
    ...sentence(
      'emptyDir data is lost',
      evicted.filter((pod) => pod.emptyDir),
    ),
    ...sentence(
      'last, for an admission webhook needs them',
      evicted.filter((pod) => classOf(pod, rules) === 'webhook'),
    ),
    ...sentence('stopped, held back by a finalizer', pods.filter(stoppedInPlace)),
    ...sentence('kept, they end with their host', skipped('kept')),
    ...sentence('storage engines, they end with their host', skipped('left-to-host')),
  ];
}

const NAMED = 20;

/** `what: a, b and 3 more`; nothing for no pods. */
export function sentence(what: string, pods: readonly Pick<Pod, 'namespace' | 'name'>[]): readonly string[] {
  if (pods.length === 0) return [];
  const names = pods.slice(0, NAMED).map(podName).join(', ');
  return [`${what}: ${names}${pods.length > NAMED ? ` and ${pods.length - NAMED} more` : ''}`];
}
