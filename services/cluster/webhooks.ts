import { z } from 'zod';
import { ApiError } from './api-error.ts';
import { listAll } from './lists.ts';
import type { PodSelector } from './pod-selector.ts';
import type { Rest } from './rest.ts';

/**
 * Pods that answer admission webhooks without which nothing goes on (kubernetes-shutdown.md §4): when they are gone, evictions,
 * deletions and cordons of everything else are refused. So they stop after all others.
 */

const texts = z.array(z.string()).nullish();

const webhookSchema = z.object({
  failurePolicy: z.string().nullish(),
  clientConfig: z.object({
    service: z.object({ namespace: z.string().min(1), name: z.string().min(1) }).nullish(),
  }),
  rules: z.array(z.object({ apiGroups: texts, resources: texts })).nullish(),
});

const configurationSchema = z.object({ webhooks: z.array(webhookSchema).nullish() });
const serviceSchema = z.object({ spec: z.object({ selector: z.record(z.string(), z.string()).nullish() }) });

type Webhook = z.infer<typeof webhookSchema>;

export interface ServiceName {
  readonly namespace: string;
  readonly name: string;
}

/** Of one configuration object: services whose silence refuses what we ask for. A configuration nobody understands has none. */
export function neededServices(configuration: unknown): readonly ServiceName[] {
  const parsed = configurationSchema.safeParse(configuration);
  return (parsed.data?.webhooks ?? []).flatMap((webhook) => {
    const { service } = webhook.clientConfig;
    return service != null && refusesOnSilence(webhook) && concernsUs(webhook) ? [service] : [];
  });
}

/** `Fail` is what the API server takes where nothing is said. */
const refusesOnSilence = ({ failurePolicy }: Webhook): boolean => failurePolicy !== 'Ignore';

const OURS: ReadonlySet<string> = new Set(['*', '*/*', 'pods', 'pods/*', 'pods/eviction', '*/eviction', 'nodes']);

/** It looks at evictions, deletions of pods or cordons. */
const concernsUs = ({ rules }: Webhook): boolean =>
  (rules ?? []).some(
    ({ apiGroups, resources }) =>
      (apiGroups ?? []).some((group) => group === '' || group === '*') &&
      (resources ?? []).some((resource) => OURS.has(resource)),
  );

const KINDS = ['validatingwebhookconfigurations', 'mutatingwebhookconfigurations'] as const;

/** The pods behind such webhooks; none where they cannot be listed, for then they stop with the others as they always did. */
export async function findWebhookBackends(rest: Rest, signal: AbortSignal): Promise<readonly PodSelector[]> {
  try {
    const lists = await Promise.all(
      KINDS.map((kind) => listAll(rest, `/apis/admissionregistration.k8s.io/v1/${kind}`, {}, neededServices, signal)),
    );
    const services = lists.flatMap(({ items }) => items.flat());
    const byName = new Map(services.map((service) => [`${service.namespace}/${service.name}`, service]));
    const found = await Promise.all([...byName.values()].map((service) => backendOf(rest, service, signal)));
    return found.flat();
  } catch (error) {
    if (error instanceof ApiError && !error.away && error.code !== 'aborted') return [];
    throw error;
  }
}

/** A service without a selector has no pods of its own. */
async function backendOf(
  rest: Rest,
  { namespace, name }: ServiceName,
  signal: AbortSignal,
): Promise<readonly PodSelector[]> {
  try {
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/services/${encodeURIComponent(name)}`;
    const { body } = await rest.call({ method: 'GET', path, signal });
    const labels = serviceSchema.safeParse(body).data?.spec.selector ?? {};
    return Object.keys(labels).length === 0 ? [] : [{ namespace, labels }];
  } catch (error) {
    if (error instanceof ApiError && !error.away && error.code !== 'aborted') return [];
    throw error;
  }
}
