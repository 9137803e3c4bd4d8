import { type Pod, podName } from './objects.ts';

/** Put on a pod the shutdown itself needs (this program, its MQTT broker): it is never evicted. */
export const KEEP_ANNOTATION = 'holdover.dev/keep';

const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
/** `system-cluster-critical`; DNS and metrics, which others need while they stop. */
const SYSTEM_PRIORITY = 2_000_000_000;

export type SkipReason = 'finished' | 'mirror' | 'daemonset' | 'unplaced' | 'kept';

/** Second wave: what the first one needs until it has stopped. */
export type Wave = 'first' | 'last';

export type PodVerdict =
  | { readonly action: 'evict'; readonly wave: Wave }
  /** It is stopping already, or has stopped and only its object lingers. */
  | { readonly action: 'wait' }
  | { readonly action: 'skip'; readonly reason: SkipReason };

/** What an eviction should do with this pod. */
export function judgePod(pod: Pod): PodVerdict {
  if (pod.node === undefined) return { action: 'skip', reason: 'unplaced' };
  if (pod.phase === 'Succeeded' || pod.phase === 'Failed') return { action: 'skip', reason: 'finished' };
  if (MIRROR_ANNOTATION in pod.annotations) return { action: 'skip', reason: 'mirror' };
  if (pod.controller?.kind === 'DaemonSet' && pod.controller.apiVersion.startsWith('apps/')) {
    return { action: 'skip', reason: 'daemonset' };
  }
  if (pod.annotations[KEEP_ANNOTATION] === 'true') return { action: 'skip', reason: 'kept' };
  if (stoppedInPlace(pod)) return { action: 'skip', reason: 'finished' };
  if (pod.deletion !== undefined) return { action: 'wait' };
  return { action: 'evict', wave: pod.priority >= SYSTEM_PRIORITY || servesVolumes(pod) ? 'last' : 'first' };
}

/** A pod that keeps its node from being empty. */
export const occupies = (pod: Pod): boolean => judgePod(pod).action !== 'skip';

/** All containers ended; a finalizer alone keeps the object, and nobody may be left who removes it. */
export const stoppedInPlace = (pod: Pod): boolean =>
  pod.deletion?.graceS === 0 && pod.finalizers.length > 0 && pod.containersTerminated;

/** Storage daemons stay until the pods that use their volumes are gone. */
const servesVolumes = (pod: Pod): boolean =>
  pod.labels['longhorn.io/component'] === 'instance-manager' ||
  pod.labels.app === 'rook-ceph-osd' ||
  pod.labels.app === 'rook-ceph-mon';

/** First wave before last, low priority before high, then by name, so that two runs ask in the same order. */
export function evictionOrder(pods: readonly Pod[]): readonly Pod[] {
  const rank = (pod: Pod): number => {
    const verdict = judgePod(pod);
    return verdict.action === 'evict' && verdict.wave === 'last' ? 1 : 0;
  };
  return [...pods].sort(
    (a, b) =>
      rank(a) - rank(b) || a.priority - b.priority || (podName(a) < podName(b) ? -1 : podName(a) > podName(b) ? 1 : 0),
  );
}

/** What a person should know about the pods of a drain, as sentences. */
export function drainNotes(pods: readonly Pod[]): readonly string[] {
  const evicted = pods.filter((pod) => judgePod(pod).action === 'evict');
  return [
    ...sentence(
      'no controller, nothing will start them again',
      evicted.filter((pod) => pod.controller === undefined),
    ),
    ...sentence(
      'emptyDir data is lost',
      evicted.filter((pod) => pod.emptyDir),
    ),
    ...sentence('stopped, held back by a finalizer', pods.filter(stoppedInPlace)),
  ];
}

const NAMED = 20;

function sentence(what: string, pods: readonly Pod[]): readonly string[] {
  if (pods.length === 0) return [];
  const names = pods.slice(0, NAMED).map(podName).join(', ');
  return [`${what}: ${names}${pods.length > NAMED ? ` and ${pods.length - NAMED} more` : ''}`];
}
