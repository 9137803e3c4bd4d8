import { z } from 'zod';
import { ApiError, type StatusCause } from './api-error.ts';

/** The part of the Kubernetes objects we act on. Unknown fields are ignored; a wrong type in a known one is refused. */

/** Our mark on a node we cordoned; its value is the run id. */
export const CORDON_MARK = 'holdover.dev/cordoned';

export interface KubeNode {
  readonly name: string;
  readonly resourceVersion: string;
  readonly unschedulable: boolean;
  /** Value of our mark. */
  readonly cordonedBy?: string;
  readonly ready: 'true' | 'false' | 'unknown';
  /** `lastHeartbeatTime` of the Ready condition, ms. */
  readonly heartbeatAtMs?: number;
  readonly bootId?: string;
  readonly controlPlane: boolean;
}

export interface Controller {
  readonly kind: string;
  readonly apiVersion: string;
  readonly name: string;
  readonly uid: string;
}

export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Absent: not placed on a node. */
  readonly node?: string;
  readonly phase: string;
  readonly priority: number;
  /** `terminationGracePeriodSeconds`, s. */
  readonly graceS: number;
  /** It was told to stop; its remaining grace as the API server set it, s. */
  readonly deletion?: { readonly graceS: number };
  readonly controller?: Controller;
  readonly annotations: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly emptyDir: boolean;
  readonly finalizers: readonly string[];
  /** There is at least one container status, and all of them say `terminated`. */
  readonly containersTerminated: boolean;
}

export interface Lease {
  readonly name: string;
  readonly renewedAtMs?: number;
}

/** A volume that a driver has attached to a node, or is about to. */
export interface VolumeAttachment {
  readonly node: string;
  readonly attached: boolean;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** Token of the next page; absent on the last one. */
  readonly next?: string;
}

export interface Status {
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly causes: readonly StatusCause[];
  readonly retryAfterS?: number;
}

/** `namespace/name`, how pods are named in reports. */
export const podName = (pod: Pick<Pod, 'namespace' | 'name'>): string => `${pod.namespace}/${pod.name}`;

export const texts = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {});
const list = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .nullish()
    .transform((value) => value ?? []);
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? undefined);
const timestamp = text.transform((value) => {
  const ms = Date.parse(value ?? '');
  return Number.isFinite(ms) ? ms : undefined;
});

const nodeSchema = z.object({
  metadata: z.object({ name: z.string().min(1), resourceVersion: z.string(), annotations: texts, labels: texts }),
  spec: z.object({ unschedulable: z.boolean().nullish() }).nullish(),
  status: z
    .object({
      conditions: list(z.object({ type: z.string(), status: z.string(), lastHeartbeatTime: timestamp })),
      nodeInfo: z.object({ bootID: text }).nullish(),
    })
    .nullish(),
});

const podSchema = z.object({
  metadata: z.object({
    name: z.string().min(1),
    namespace: z.string().min(1),
    uid: z.string().min(1),
    deletionTimestamp: text,
    deletionGracePeriodSeconds: z.number().nullish(),
    annotations: texts,
    labels: texts,
    finalizers: list(z.string()),
    ownerReferences: list(
      z.object({
        kind: z.string(),
        apiVersion: z.string(),
        name: z.string(),
        uid: z.string(),
        controller: z.boolean().nullish(),
      }),
    ),
  }),
  spec: z.object({
    nodeName: text,
    priority: z.number().nullish(),
    terminationGracePeriodSeconds: z.number().nonnegative().nullish(),
    volumes: list(z.object({ emptyDir: z.unknown().optional() })),
  }),
  status: z
    .object({
      phase: text,
      containerStatuses: list(z.object({ state: z.object({ terminated: z.unknown().optional() }).nullish() })),
    })
    .nullish(),
});

const leaseSchema = z.object({
  metadata: z.object({ name: z.string().min(1) }),
  spec: z.object({ renewTime: timestamp }).nullish(),
});

const volumeAttachmentSchema = z.object({
  spec: z.object({ nodeName: z.string() }),
  status: z.object({ attached: z.boolean() }).nullish(),
});

const statusSchema = z.object({
  kind: z.literal('Status'),
  message: text,
  reason: text,
  code: z.number().nullish(),
  details: z
    .object({
      causes: list(z.object({ reason: text, message: text })),
      retryAfterSeconds: z.number().nullish(),
    })
    .nullish(),
});

const pageSchema = z.object({
  metadata: z.object({ resourceVersion: z.string(), continue: text }),
  items: list(z.unknown()),
});

const eventSchema = z.object({ type: z.string(), object: z.unknown().optional() });

const DEFAULT_GRACE_S = 30;

export function parseNode(value: unknown): KubeNode {
  const { metadata, spec, status } = check(nodeSchema, value, 'Node');
  const ready = status?.conditions.find((condition) => condition.type === 'Ready');
  const mark = metadata.annotations[CORDON_MARK];
  const bootId = status?.nodeInfo?.bootID;
  return {
    name: metadata.name,
    resourceVersion: metadata.resourceVersion,
    unschedulable: spec?.unschedulable ?? false,
    ready: ready?.status === 'True' ? 'true' : ready?.status === 'False' ? 'false' : 'unknown',
    controlPlane:
      'node-role.kubernetes.io/control-plane' in metadata.labels || 'node-role.kubernetes.io/master' in metadata.labels,
    ...(mark !== undefined && { cordonedBy: mark }),
    ...(ready?.lastHeartbeatTime !== undefined && { heartbeatAtMs: ready.lastHeartbeatTime }),
    ...(bootId !== undefined && bootId !== '' && { bootId }),
  };
}

export function parsePod(value: unknown): Pod {
  const { metadata, spec, status } = check(podSchema, value, 'Pod');
  const owner = metadata.ownerReferences.find((reference) => reference.controller === true);
  const graceS = spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_S;
  const containers = status?.containerStatuses ?? [];
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    uid: metadata.uid,
    phase: status?.phase ?? 'Unknown',
    priority: spec.priority ?? 0,
    graceS,
    annotations: metadata.annotations,
    labels: metadata.labels,
    emptyDir: spec.volumes.some((volume) => volume.emptyDir !== undefined && volume.emptyDir !== null),
    finalizers: metadata.finalizers,
    containersTerminated: containers.length > 0 && containers.every((container) => container.state?.terminated != null),
    ...(spec.nodeName !== undefined && spec.nodeName !== '' && { node: spec.nodeName }),
    ...(metadata.deletionTimestamp !== undefined && {
      deletion: { graceS: metadata.deletionGracePeriodSeconds ?? graceS },
    }),
    ...(owner !== undefined && {
      controller: { kind: owner.kind, apiVersion: owner.apiVersion, name: owner.name, uid: owner.uid },
    }),
  };
}

export function parseLease(value: unknown): Lease {
  const { metadata, spec } = check(leaseSchema, value, 'Lease');
  return { name: metadata.name, ...(spec?.renewTime !== undefined && { renewedAtMs: spec.renewTime }) };
}

export function parseVolumeAttachment(value: unknown): VolumeAttachment {
  const { spec, status } = check(volumeAttachmentSchema, value, 'VolumeAttachment');
  return { node: spec.nodeName, attached: status?.attached ?? false };
}

/** One page of a list. One bad item refuses the page: half a list would look like an empty node. */
export function parsePage<T>(value: unknown, parseItem: (item: unknown) => T): Page<T> {
  const page = check(pageSchema, value, 'List');
  const next = page.metadata.continue;
  return {
    items: page.items.map(parseItem),
    resourceVersion: page.metadata.resourceVersion,
    ...(next !== undefined && next !== '' && { next }),
  };
}

/** A Status object out of an error body; undefined when the body is something else (a proxy's page, plain text). */
export function parseStatus(source: string | unknown): Status | undefined {
  const result = statusSchema.safeParse(typeof source === 'string' ? parseLoose(source) : source);
  if (!result.success) return undefined;
  const { message, reason, code, details } = result.data;
  return {
    causes: (details?.causes ?? []).map((cause) => ({
      reason: cause.reason ?? '',
      message: bounded(cause.message ?? ''),
    })),
    ...(message !== undefined && { message: bounded(message) }),
    ...(reason !== undefined && { reason }),
    ...(code != null && { code }),
    ...(details?.retryAfterSeconds != null && { retryAfterS: details.retryAfterSeconds }),
  };
}

/** One line of a watch. */
export function parseWatchEvent(value: unknown): { readonly type: string; readonly object?: unknown } {
  return check(eventSchema, value, 'watch event');
}

const resourceVersionSchema = z.object({ metadata: z.object({ resourceVersion: z.string().min(1) }) });

/** Where an object stands in the history of its collection. */
export const resourceVersionOf = (value: unknown): string =>
  check(resourceVersionSchema, value, 'object').metadata.resourceVersion;

/** Throws a `bad-answer` that names the first field that does not fit. */
export function check<T extends z.ZodType>(schema: T, value: unknown, what: string): z.infer<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = (issue?.path ?? []).map(String).join('.');
  throw new ApiError('bad-answer', `the API server sent no usable ${what}: ${where} ${issue?.message ?? ''}`.trim());
}

function parseLoose(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    return undefined;
  }
}

const bounded = (message: string): string => message.slice(0, 500);
