import { z } from 'zod';
import type { Problem } from './inspect.ts';
import type { Config } from './schema.ts';
import { duration, identifier, secret } from './values.ts';

/** The part of the configuration about two management nodes on one rack. */

const certificate = z.string().min(1).meta({ description: 'PEM, or the path of a PEM file' });

export const leaseSchema = z
  .strictObject({
    holder: identifier.meta({ description: 'name of this node; each node has its own' }),
    ttl: duration
      .refine((ttlS) => ttlS >= 2 && ttlS <= 600, 'between 2s and 10m')
      .prefault(15)
      .meta({
        description: 'the same on both nodes; the watcher takes over within 3 of these after the holder fell silent',
      }),
    peer: z
      .string()
      .regex(/^https?:\/\/[^/\s?#]+\/?$/, 'the address of the other service, such as http://node-b:8470')
      .optional()
      .meta({ description: 'the other service: while it answers and acts, nobody takes over' }),
    mqtt: z.strictObject({
      url: z.string().regex(/^(mqtts?|wss?):\/\/[^/]/, 'mqtt://host:1883, mqtts://, ws:// or wss://'),
      user: z.string().optional(),
      password: secret.optional(),
      tls: z
        .strictObject({ ca: certificate.optional(), cert: certificate.optional(), key: secret.optional() })
        .optional(),
      topic: z
        .string()
        .regex(/^[^+#$\s/][^+#\s]*[^+#\s/]$/, 'a topic such as holdover/lease, without wildcards and spaces')
        .default('holdover/lease')
        .meta({ description: 'the same on both nodes; nobody else may write here and below' }),
    }),
  })
  .meta({ description: 'two management nodes on one rack: one acts, the other watches' });

export type LeaseConfig = z.infer<typeof leaseSchema>;

const LOOPBACK = /^(127\.|localhost$|\[?::1\]?$|0\.0\.0\.0$)/;

/** What only the whole configuration tells of the lease. Pure. */
export function leaseProblems({ lease, mqtt, shutdown }: Config): Problem[] {
  if (lease === undefined) return [];
  const problems: Problem[] = [];
  const warn = (path: string, message: string, tryThis: string): void => {
    problems.push({ severity: 'warning', path, message, tryThis });
  };
  const broker = hostOf(lease.mqtt.url);
  const peer = lease.peer === undefined ? undefined : hostOf(lease.peer);
  const outside = 'a broker that neither node takes with it when it dies';
  if (LOOPBACK.test(broker))
    warn('lease.mqtt.url', 'this broker dies with this node, and then the other one cannot take over', outside);
  else if (broker === peer)
    warn('lease.mqtt.url', 'this broker dies with the other node, and then this one cannot take over', outside);
  if (peer !== undefined && LOOPBACK.test(peer))
    warn('lease.peer', 'that is this machine, not the other one', 'the address of the other node');
  const clear = /^(mqtt|ws):/.test(lease.mqtt.url) && !LOOPBACK.test(broker);
  if (clear && lease.mqtt.password !== undefined)
    warn('lease.mqtt.url', 'the password of who may decide which node acts travels in the clear', 'mqtts://…');
  if (!LOOPBACK.test(broker) && lease.mqtt.user === undefined && lease.mqtt.tls?.cert === undefined)
    warn('lease.mqtt', 'whoever may write to this broker decides which node acts', 'user: and password:, and an ACL');
  if ((lease.mqtt.user === undefined) !== (lease.mqtt.password === undefined))
    problems.push({ severity: 'error', path: 'lease.mqtt', message: 'needs user: and password:, or neither' });
  if (mqtt !== undefined && 'url' in mqtt && mqtt.url === lease.mqtt.url && mqtt.topic === lease.mqtt.topic)
    warn('lease.mqtt.topic', 'measurements are published below the same topic', 'another topic for the lease');
  if (shutdown.stages.length === 0)
    warn('lease', 'no stages are configured: there is nothing to decide', 'the same stages: on both nodes');
  return problems;
}

const hostOf = (url: string): string => /^\w+:\/\/(?:[^@/]*@)?(\[[^\]]*\]|[^:/]+)/.exec(url)?.[1] ?? '';
