import { z } from 'zod';
import { secret } from './values.ts';

/** The part of the configuration about MQTT. */

const root = z
  .string()
  .min(1)
  .regex(/^[^+#$\s][^+#\s]*$/, 'a topic such as holdover or home/rack, without wildcards and spaces')
  .default('holdover')
  .meta({ description: 'everything is published below this topic' });

/** An MQTT topic filter; `+` and `#` stand for whole levels only. */
const filter = z
  .string()
  .min(1)
  .max(200)
  .regex(/^([^+#/]*|\+)(\/([^+#/]*|\+))*(\/#)?$|^#$/, 'a topic filter: + for one level, # at the end for all below');

const both = {
  topic: root,
  commands: z
    .boolean()
    .optional()
    .meta({ description: 'take orders on <topic>/coordinator/main/set/…; off unless this is true' }),
  homeAssistant: z
    .union([
      z.boolean(),
      z.strictObject({
        prefix: z
          .string()
          .regex(/^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*$/, 'the discovery prefix, such as homeassistant')
          .default('homeassistant'),
      }),
    ])
    .optional()
    .meta({ description: 'announce everything to Home Assistant by MQTT discovery' }),
};

const certificate = z.string().min(1).meta({ description: 'PEM, or the path of a PEM file' });

const user = z.strictObject({
  user: z.string().min(1),
  password: secret,
  write: z.boolean().default(false).meta({
    description: 'may publish: outside <topic>, and orders on the topics that `orders` allows',
  }),
  orders: z.array(filter).optional().meta({
    description:
      'filters below <topic>/ of the orders this user may give, such as coordinator/main/set/hold; all when absent',
  }),
  read: z.array(filter).optional().meta({ description: 'filters of whole topics this user may read; all when absent' }),
});

export const mqttSchema = z.union([
  z.strictObject({
    embedded: z.strictObject({
      port: z.int().min(0).max(65535).default(1883),
      listen: z.string().default('127.0.0.1'),
      users: z.array(user).default([]),
      tls: z.strictObject({ cert: certificate, key: secret }).optional(),
    }),
    ...both,
  }),
  z.strictObject({
    url: z.string().regex(/^(mqtts?|wss?):\/\//, 'mqtt://host:1883, mqtts://, ws:// or wss://'),
    user: z.string().optional(),
    password: secret.optional(),
    tls: z
      .strictObject({ ca: certificate.optional(), cert: certificate.optional(), key: secret.optional() })
      .optional(),
    ...both,
  }),
]);
export type MqttConfig = z.infer<typeof mqttSchema>;

/** Where discovery messages go; absent when Home Assistant is not wanted. */
export function discoveryPrefix({ homeAssistant }: Pick<MqttConfig, 'homeAssistant'>): string | undefined {
  if (homeAssistant === undefined || homeAssistant === false) return undefined;
  return homeAssistant === true ? 'homeassistant' : homeAssistant.prefix;
}

/** What is worth a warning: orders that nobody can give, or that everybody on the way can read and repeat. */
export function mqttWarnings(mqtt: MqttConfig): { path: string; message: string; tryThis: string }[] {
  if (mqtt.commands !== true) return [];
  if ('url' in mqtt)
    return /^(mqtts|wss):/.test(mqtt.url) || /^\w+:\/\/(127\.|localhost\b|\[::1\])/.test(mqtt.url)
      ? []
      : [{ path: 'mqtt.url', message: 'orders and the password travel in the clear', tryThis: 'mqtts://…' }];
  if (!mqtt.embedded.users.some(({ write }) => write))
    return [
      { path: 'mqtt.commands', message: 'no user of the embedded broker may give orders', tryThis: 'write: true' },
    ];
  return [];
}
