import { z } from 'zod';
import type { Clock } from '../runtime/clock.ts';
import { type Outcome, succeeded } from '../shutdown/promises.ts';
import { asApiError } from './api-error.ts';
import { type Change, changeObject } from './change.ts';
import { listAll, unlessRefused } from './lists.ts';
import { check, type Pod, texts } from './objects.ts';
import { apiPath, type Rest } from './rest.ts';

/** Deployments and StatefulSets that are scaled to nothing for a shutdown, and back to what they were. */

/** Label on a workload we scaled down; its value is the run id. */
export const SCALED_MARK = 'holdover.dev/scaled-by';
/** Annotation beside it: the size before. */
export const SIZE_ANNOTATION = 'holdover.dev/replicas';

export interface ScalableWorkload {
  readonly plural: 'deployments' | 'statefulsets';
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly replicas: number;
  /** Value of our mark. */
  readonly scaledBy?: string;
  /** Size before we scaled it; absent when there is no mark or it is not a number. */
  readonly sizeBefore?: number;
}

const workloadSchema = z.object({
  metadata: z.object({
    name: z.string().min(1),
    namespace: z.string().min(1),
    uid: z.string().min(1),
    resourceVersion: z.string(),
    labels: texts,
    annotations: texts,
  }),
  spec: z.object({ replicas: z.number().int().nonnegative().nullish() }),
});

const replicaSetSchema = z.object({
  metadata: z.object({
    uid: z.string().min(1),
    ownerReferences: z.array(z.object({ uid: z.string(), controller: z.boolean().nullish() })).nullish(),
  }),
});

export const parseWorkload =
  (plural: ScalableWorkload['plural']) =>
  (value: unknown): ScalableWorkload => {
    const { metadata, spec } = check(workloadSchema, value, plural);
    const scaledBy = metadata.labels[SCALED_MARK];
    const size = metadata.annotations[SIZE_ANNOTATION];
    return {
      plural,
      namespace: metadata.namespace,
      name: metadata.name,
      uid: metadata.uid,
      resourceVersion: metadata.resourceVersion,
      replicas: spec.replicas ?? 1,
      ...(scaledBy !== undefined && { scaledBy }),
      ...(size !== undefined && /^\d{1,6}$/.test(size) && { sizeBefore: Number(size) }),
    };
  };

const KINDS = ['deployments', 'statefulsets'] as const;

async function listWorkloads(rest: Rest, labelSelector?: string): Promise<readonly ScalableWorkload[]> {
  const lists = KINDS.map((plural) =>
    listAll(rest, `/apis/apps/v1/${plural}`, { labelSelector }, parseWorkload(plural)),
  );
  return (await Promise.all(lists)).flatMap(({ items }) => items);
}

/** Remembers the size in the object itself, in the one write that changes it. */
export function decideScaleDown(found: ScalableWorkload, runId: string): Change {
  const ours = found.scaledBy !== undefined && found.sizeBefore !== undefined;
  if (found.replicas === 0) {
    if (!ours) return { outcome: { code: 'left-alone', detail: 'it had no pods before' } };
    if (found.scaledBy === runId) return { outcome: { code: 'already' } };
  }
  const size = found.replicas === 0 ? found.sizeBefore : found.replicas;
  return {
    outcome: { code: 'done', detail: `from ${size}` },
    patch: {
      metadata: {
        resourceVersion: found.resourceVersion,
        labels: { [SCALED_MARK]: runId },
        annotations: { [SIZE_ANNOTATION]: String(size) },
      },
      spec: { replicas: 0 },
    },
  };
}

/** Only what this run scaled down and nobody has touched since is scaled back; the mark goes in any case. */
export function decideScaleBack(found: ScalableWorkload, runId: string): Change {
  if (found.scaledBy !== runId) return { outcome: { code: 'left-alone', detail: 'it carries no mark of this run' } };
  const metadata = {
    resourceVersion: found.resourceVersion,
    labels: { [SCALED_MARK]: null },
    annotations: { [SIZE_ANNOTATION]: null },
  };
  if (found.replicas !== 0)
    return { outcome: { code: 'already', detail: 'somebody else scaled it' }, patch: { metadata } };
  // A mark whose size was damaged by hand: one replica brings it back to life, and a person may add to it.
  const size = found.sizeBefore ?? 1;
  return { outcome: { code: 'done', detail: `to ${size}` }, patch: { metadata, spec: { replicas: size } } };
}

const pathOf = ({ plural, namespace, name }: ScalableWorkload): string =>
  apiPath('apis', 'apps', 'v1', 'namespaces', namespace, plural, name);

/** Scales workloads down as their pods come up for stopping, each once. */
export class Scaler {
  readonly #rest: Rest;
  readonly #clock: Clock;
  readonly #runId: string;
  readonly #byOwner: ReadonlyMap<string, ScalableWorkload>;
  readonly #asked = new Map<string, Promise<Outcome>>();

  private constructor(rest: Rest, clock: Clock, runId: string, byOwner: ReadonlyMap<string, ScalableWorkload>) {
    this.#rest = rest;
    this.#clock = clock;
    this.#runId = runId;
    this.#byOwner = byOwner;
  }

  /** Looks at what there is. Rejects with an ApiError when the account may not. */
  static async look(rest: Rest, clock: Clock, runId: string): Promise<Scaler> {
    const [workloads, replicaSets] = await Promise.all([
      listWorkloads(rest),
      listAll(rest, '/apis/apps/v1/replicasets', {}, (value) => check(replicaSetSchema, value, 'ReplicaSet').metadata),
    ]);
    const byUid = new Map(workloads.map((workload) => [workload.uid, workload]));
    const byOwner = new Map(byUid);
    for (const { uid, ownerReferences } of replicaSets.items) {
      const deployment = byUid.get((ownerReferences ?? []).find(({ controller }) => controller === true)?.uid ?? '');
      if (deployment !== undefined) byOwner.set(uid, deployment);
    }
    return new Scaler(rest, clock, runId, byOwner);
  }

  /** The workload whose size decides about this pod; undefined when nothing that can be scaled owns it. */
  ownerOf(pod: Pod): ScalableWorkload | undefined {
    return this.#byOwner.get(pod.controller?.uid ?? '');
  }

  /** Scales it to nothing, once however many of its pods ask. Never rejects. */
  stop(workload: ScalableWorkload): Promise<Outcome> {
    const before = this.#asked.get(workload.uid);
    if (before !== undefined) return before;
    const asked = changeObject(this.#rest, this.#clock, pathOf(workload), parseWorkload(workload.plural), (found) =>
      decideScaleDown(found, this.#runId),
    );
    this.#asked.set(workload.uid, asked);
    return asked;
  }
}

/** Scales back whatever carries this run's mark. `done` with what came back; else why something did not. Never rejects. */
export async function scaleBack(rest: Rest, clock: Clock, runId: string, required: boolean): Promise<Outcome> {
  let marked: readonly ScalableWorkload[];
  try {
    const listed = listWorkloads(rest, `${SCALED_MARK}=${runId}`);
    marked = await (required ? listed : unlessRefused(listed, []));
  } catch (error) {
    return { code: 'unreachable', detail: `workloads cannot be scaled back: ${asApiError(error).message}` };
  }
  const outcomes = await Promise.all(
    marked.map(async (workload) => {
      const outcome = await changeObject(rest, clock, pathOf(workload), parseWorkload(workload.plural), (found) =>
        decideScaleBack(found, runId),
      );
      return { workload, outcome };
    }),
  );
  const failed = outcomes.find(({ outcome }) => !succeeded(outcome) && outcome.code !== 'left-alone');
  if (failed !== undefined) {
    const { workload, outcome } = failed;
    return { ...outcome, detail: `${workload.namespace}/${workload.name} is not scaled back: ${outcome.detail ?? ''}` };
  }
  return { code: marked.length === 0 ? 'already' : 'done' };
}
