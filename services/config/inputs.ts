import { z } from 'zod';
import { type MappingDriver, mappingFor, mappingIds, nearMappings } from '#bms';
import type { Problem } from './inspect.ts';
import type { Config, PackConfig } from './schema.ts';
import { seconds, secret } from './values.ts';

/** The part of the configuration about devices that others publish: over MQTT, or as JSON over HTTP, by a mapping. */

const topic = z
  .string()
  .max(200)
  .regex(/^[^+#\s]+$/, 'a topic such as home/bms1, without wildcards and blanks');

const parameters = z
  .record(z.string(), z.union([z.string().regex(/^[^+#\s]{1,100}$/, 'text without + and # and blanks'), z.int()]))
  .optional()
  .meta({ description: 'what the mapping asks for besides, such as instance: 512' });

const words = z.array(z.union([z.string(), z.number(), z.boolean()])).min(1);

/** `via` of a device that is heard over MQTT. */
export const viaMqtt = z.strictObject({
  mqtt: z.strictObject({
    url: z
      .string()
      .regex(/^(mqtts?|wss?):\/\/[^\s@]+$/, 'mqtt://host:1883, mqtts://, ws:// or wss://, without a password'),
    user: z.string().min(1).optional(),
    password: secret.optional(),
    tls: z
      .strictObject({
        ca: z.string().min(1).optional().meta({ description: 'PEM, or the path of a PEM file' }),
        cert: z.string().min(1).optional(),
        key: secret.optional(),
      })
      .optional(),
    topic: topic.optional().meta({ description: 'what the topics of the mapping begin with' }),
    parameters,
    availability: z
      .strictObject({ topic, offline: words.default(['offline']), online: words.default(['online']) })
      .optional()
      .meta({
        description:
          'a topic where the publisher, or its last will, says that it is away, besides what the mapping knows',
      }),
    heartbeat: topic.optional().meta({
      description: 'a topic that shows that the publisher lives, where it withholds values that did not change',
    }),
  }),
});

/** `via` of a device that answers HTTP requests with JSON. */
export const viaHttp = z.strictObject({
  http: z.strictObject({
    url: z
      .string()
      .regex(/^https?:\/\/[^\s/@?#]+$/i, 'http://address or https://address[:port], without path or password'),
    headers: z
      .record(z.string().regex(/^[A-Za-z0-9-]{1,60}$/, 'the name of a header'), secret)
      .default({})
      .meta({ description: 'headers of every request, such as ApiKey: { env: DIYBMS_KEY }' }),
    user: z.string().min(1).optional(),
    password: secret.optional(),
    tls: z
      .strictObject({
        ca: z.string().min(1).optional().meta({ description: 'file with the certificate authority to trust (PEM)' }),
        fingerprint: z
          .string()
          .regex(
            /^([0-9a-f]{2}:?){31}[0-9a-f]{2}$/i,
            'the SHA-256 of the certificate (openssl x509 -fingerprint -sha256)',
          )
          .optional(),
      })
      .prefault({}),
    requestTimeout: seconds(5),
    parameters,
  }),
});

export type MqttInput = z.infer<typeof viaMqtt>['mqtt'];
export type HttpInput = z.infer<typeof viaHttp>['http'];

/** A device that is read out of what others publish. */
export interface InputDevice {
  readonly id: string;
  readonly driver: string;
  readonly via: { readonly mqtt: MqttInput } | { readonly http: HttpInput };
  readonly every: number;
  readonly staleAfter?: number | undefined;
  readonly cells?: number | undefined;
  readonly invertCurrent?: boolean | undefined;
}

/** Whether the way to a device leads through what others publish. */
export const isInput = <D extends object>(device: D): device is D & InputDevice =>
  'via' in device &&
  typeof device.via === 'object' &&
  device.via !== null &&
  ('mqtt' in device.via || 'http' in device.via);

/** Parameters of a mapping as the configuration gives them. */
export function parametersOf({ via }: InputDevice): Record<string, string> {
  const { parameters: given = {}, ...rest } = 'mqtt' in via ? via.mqtt : via.http;
  const base = 'topic' in rest && rest.topic !== undefined ? { topic: rest.topic.replace(/\/+$/, '') } : {};
  return { ...Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)])), ...base };
}

/** The least time after which a publisher counts as silent where neither mapping nor configuration say it, s. */
const STALE_AFTER_S = 60;

/** How long after its last word a device counts as silent, s. */
export const staleAfterOf = ({ staleAfter, every, via }: InputDevice, driver: MappingDriver | undefined): number =>
  staleAfter ?? ('http' in via ? Math.max(3, every * 3) : (driver?.mapping.staleAfter ?? STALE_AFTER_S));

/** The configuration with the limits of the mappings, where it does not give any of its own. */
export function withInputLimits(config: Config, own: readonly MappingDriver[]): Config {
  const settled = <D extends { readonly driver?: string }>(device: D): D =>
    isInput(device) ? { ...device, staleAfter: staleAfterOf(device, mappingFor(device.driver, own)) } : device;
  return {
    ...config,
    packs: config.packs.map(settled),
    meters: config.meters.map(settled),
    ups: config.ups.map(settled),
  };
}

const LISTS = { pack: 'packs', meter: 'meters', ups: 'ups' } as const;

/** Mappings that nobody knows, that measure something else, or that lack what they need. */
export function inputProblems(config: Config, own: readonly MappingDriver[]): Problem[] {
  const problems: Problem[] = [];
  for (const [kind, key] of Object.entries(LISTS) as ['pack' | 'meter' | 'ups', 'packs' | 'meters' | 'ups'][]) {
    config[key].forEach((device, index) => {
      if (!isInput(device)) return;
      const report = (severity: Problem['severity'], at: string, message: string, tryThis?: string): void => {
        const path = `${key}[${index}].${at}`;
        problems.push({ severity, path, message, ...(tryThis === undefined ? {} : { tryThis }) });
      };
      const driver = mappingFor(device.driver, own);
      if (driver === undefined) {
        const near = nearMappings(device.driver, own);
        report(
          'error',
          'driver',
          `no mapping is called ${device.driver}`,
          (near.length > 0 ? near : mappingIds(own)).join(', '),
        );
      } else if (driver.measures !== kind)
        report(
          'error',
          'driver',
          `${device.driver} tells of a ${driver.measures}`,
          `list it under ${LISTS[driver.measures]}:`,
        );
      else ways(device, driver, report);
      if (kind === 'pack') boardOptions(device as unknown as PackConfig, report);
      clearPasswords(device, report);
    });
  }
  return problems;
}

type Report = (severity: Problem['severity'], at: string, message: string, tryThis?: string) => void;

function ways(device: InputDevice, driver: MappingDriver, report: Report): void {
  const way = 'mqtt' in device.via ? 'mqtt' : 'http';
  try {
    const bound = driver.bind(parametersOf(device), device.cells);
    if (way === 'mqtt' && bound.topics.length === 0)
      report('error', 'via', `mapping ${driver.id} is not about MQTT`, 'via: { http: { url: … } }');
    if (way === 'http' && bound.requests.length === 0)
      report('error', 'via', `mapping ${driver.id} is not about HTTP`, 'via: { mqtt: { url: …, topic: … } }');
  } catch (error) {
    report(
      'error',
      `via.${way}`,
      error instanceof Error ? error.message : String(error),
      'topic:, or parameters: { … }',
    );
  }
  if (driver.mapping.withholds && device.staleAfter === undefined && driver.mapping.staleAfter === undefined)
    report(
      'error',
      'staleAfter',
      `${driver.id} does not repeat what did not change: say when it counts as silent`,
      '5m',
    );
  else if (driver.mapping.withholds && 'mqtt' in device.via && device.via.mqtt.heartbeat === undefined)
    report(
      'warning',
      'via.mqtt.heartbeat',
      `${driver.id} does not repeat what did not change: without a topic that shows that it lives, calm looks like silence`,
      'a topic of the same publisher that always moves',
    );
}

function boardOptions({ address, hex, readSettings, control, sensors }: PackConfig, report: Report): void {
  const allowed = (what: boolean | undefined): true | undefined => (what === true ? what : undefined);
  const told = {
    address,
    hex,
    readSettings: allowed(readSettings),
    'control.mosfets': allowed(control?.mosfets),
    'control.balancing': allowed(control?.balancing),
    sensors,
  };
  for (const [name, value] of Object.entries(told))
    if (value !== undefined) report('error', name, 'who only listens to others cannot use this', 'leave it out');
}

const LOOPBACK = /^\w+:\/\/(127\.|localhost\b|\[::1\])/;

function clearPasswords({ id, via }: InputDevice, report: Report): void {
  const [way, url, secrets] =
    'mqtt' in via
      ? ['mqtt', via.mqtt.url, via.mqtt.password !== undefined]
      : ['http', via.http.url, via.http.password !== undefined || Object.keys(via.http.headers).length > 0];
  if (secrets === true && /^(mqtt|ws|http):/.test(String(url)) && !LOOPBACK.test(String(url)))
    report('warning', `via.${way}.url`, `the password for ${id} travels in the clear`, `${way}s://…`);
}
