import { z } from 'zod';
import { argv } from './hosts.ts';
import { duration, identifier, interval, ratio, seconds } from './values.ts';

/** The Kubernetes cluster: how to reach it, and in which order its pods stop. */

const podSelector = z
  .strictObject({
    namespace: z.string().min(1).optional(),
    /** Name of the pod; `*` stands for anything. */
    name: z.string().min(1).optional(),
    labels: z.record(z.string(), z.string()).optional(),
  })
  .refine((selector) => Object.keys(selector).length > 0, 'name at least one of namespace, name, labels')
  .meta({ description: 'pods by namespace, name (with *) and labels; all that is given must fit' });

const serverAddress = z
  .string()
  .regex(/^https?:\/\/[^\s/]+(\/\S*)?$/, 'an address such as https://10.0.0.11:6443')
  .refine((text) => URL.canParse(text) && new URL(text).username === '', 'an address without credentials');

const hooks = z
  .array(z.strictObject({ argv, timeout: seconds(15).meta({ description: 'deadline; it is killed then' }) }))
  .max(16)
  .default([]);

export const clusterSchema = z.strictObject({
  kubeconfig: z.string().min(1),
  context: z.string().optional(),
  every: interval(5),
  staleAfter: duration.optional(),
  requestTimeout: seconds(5),
  /** More addresses of the same API, tried in turn when the kubeconfig's does not answer. */
  servers: z.array(serverAddress).max(16).default([]),
  /** How pods are stopped when the whole cluster goes down: evicted, or their Deployments and StatefulSets scaled to 0. */
  stop: z.enum(['evict', 'scale']).default('evict'),
  /** Groups of pods that stop after all others, first to last. */
  order: z.array(z.strictObject({ name: identifier, pods: z.array(podSelector).min(1) })).default([]),
  /** Pods that serve volumes, besides those that are known: they stop when the pods that use them are gone. */
  storage: z.array(podSelector).default([]),
  /** Pods that are never stopped; they end with their host. */
  keep: z.array(podSelector).default([]),
  /** Commands around an outage: one after the other, what fails is journalled and holds nothing up. */
  hooks: z
    .strictObject({
      beforeDrain: hooks.meta({ description: 'before the first pod is stopped when the whole cluster goes down' }),
      afterRestore: hooks.meta({ description: 'when every node that we cordoned takes pods again' }),
    })
    .prefault({}),
  /** Share of the worker nodes that must be Ready again before the first one takes pods. */
  uncordonShare: ratio.default(0.6),
  /** How long the first nodes wait for that share. */
  uncordonPatience: seconds(300),
});
export type ClusterConfig = z.infer<typeof clusterSchema>;
