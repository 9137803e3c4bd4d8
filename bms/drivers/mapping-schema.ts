import { z } from 'zod';
import { ALARM_CODES } from './alarm-codes.ts';
import { UNIT_NAMES } from './told-number.ts';

/**
 * The form of a mapping: what somebody else publishes about one device, over MQTT or as JSON over HTTP, without code.
 * The names of values are those of a Modbus profile: `voltageV`, `currentA` (positive charges), `socRatio`, `cellsV`,
 * `tempsC` …; any other name is decoded and shown, but is not part of a sample.
 *
 * In topics, paths and addresses `{name}` stands for a parameter, `{n}` for the number of an element of a list.
 */

const name = z.string().regex(/^[a-z][A-Za-z0-9]{0,40}$/, 'a name in camel case, unit at the end (voltageV)');
const kebab = z.string().regex(/^[a-z0-9][a-z0-9-]{0,40}$/, 'kebab-case');
const scalar = z.union([z.string().max(100), z.number(), z.boolean()]);

/** A topic without wildcards; every topic a mapping listens to is known by name. */
const topic = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^+#\s]+$/, 'a topic without + and # and blanks; {name} stands for a parameter, {n} for a number');

/** Steps with dots between them, `StatusSNS.ENERGY.Power`. */
const path = z.string().min(1).max(200);

/** Where a value stands: in a named message, or in a topic of its own. Without a path the whole text is the value. */
const place = { in: name.optional(), topic: topic.optional(), path: path.optional() };

const list = z.strictObject({
  /** Number of the first element. */
  from: z.int().min(0).max(1).default(1),
  /** How many there are; `cells`: as many as the configured pack has. */
  count: z.union([z.int().min(1).max(64), z.literal('cells')]),
  /** The list is told although some of it is missing; never for cells, whose place in the list is their number. */
  gaps: z.boolean().default(false),
});

const value = z.strictObject({
  ...place,
  /** Unit of a bare number. A text may bring another one of the same kind with it. */
  unit: z.enum(UNIT_NAMES).optional(),
  /** After the unit: -1 turns a sign round. */
  scale: z.number().optional(),
  offset: z.number().optional(),
  /** Values that mean "not available". */
  na: z.array(scalar).optional(),
  /** Plausible range of the result; outside it is not available. */
  min: z.number().optional(),
  max: z.number().optional(),
  /** It is words: true, or the words for what they shall be called. */
  words: z.union([z.literal(true), z.record(z.string(), z.string().max(100))]).optional(),
  /** It is yes or no: true for the usual words, or the words for each. */
  flag: z.union([z.literal(true), z.strictObject({ on: z.array(scalar), off: z.array(scalar) })]).optional(),
  list: list.optional(),
  /** Not believed when it was not told again for so long, s; the device's own limit when absent. */
  expires: z.number().positive().max(86_400).optional(),
  /** What does not change (a model, a capacity): believed from a retained message too, and does not expire. */
  lasting: z.boolean().default(false),
});
export type MappingValue = z.infer<typeof value>;

const alarm = z.strictObject({
  ...place,
  /** What must stand there for the alarm to be on. */
  equals: z.array(scalar).min(1),
  level: z.enum(['warning', 'protection']),
  code: z.enum([...ALARM_CODES, 'vendor'] as const),
  /** The publisher's own name for it; wanted where `code` is `vendor`. */
  detail: z.string().min(1).max(100).optional(),
});

const message = z.strictObject({
  topic: topic.optional(),
  /** Path and query of a GET, from the root of the device's address. */
  request: z
    .string()
    .regex(/^\/[\x21-\x7e]*$/, 'a path such as /status')
    .max(300)
    .optional(),
  /** The time of the measurement in the payload: seconds or milliseconds since 1970, or ISO 8601 with its zone. */
  timestamp: z.strictObject({ path, form: z.enum(['s', 'ms', 'iso']) }).optional(),
});

/** One mapping file. Unknown keys are errors. */
export const mappingSchema = z.strictObject({
  mapping: kebab,
  aliases: z.array(kebab).default([]),
  title: z.string().min(1),
  note: z.string().min(1),
  /** What it was written from: the notes of this project, or documents of others that nobody has compared with a device. */
  source: z.enum(['notes', 'documents', 'own']).default('own'),
  measures: z.enum(['pack', 'meter', 'ups']),
  /** What `via.parameters` may say; one without a default must be said. `topic` comes from `via.mqtt.topic`. */
  parameters: z
    .record(name, z.strictObject({ about: z.string().min(1), default: z.string().min(1).max(100).optional() }))
    .default({}),
  messages: z.record(name, message).default({}),
  values: z.record(name, value),
  alarms: z.array(alarm).default([]),
  /** Where the publisher says, or its last will, that it is away. */
  availability: z
    .array(z.strictObject({ ...place, online: z.array(scalar).optional(), offline: z.array(scalar).min(1) }))
    .default([]),
  /** Values without which there is no sample. */
  requires: z.array(name).default([]),
  /** How long after its last word the device counts as silent, s. */
  staleAfter: z.number().positive().max(86_400).optional(),
  /** Values that did not change are not told again: they hold for as long as the publisher is heard at all. */
  withholds: z.boolean().default(false),
  /** What has to be published now and then so that the publisher goes on, s. */
  keepAlive: z.strictObject({ topic, payload: z.string().max(200), every: z.number().min(5).max(600) }).optional(),
});
export type Mapping = z.infer<typeof mappingSchema>;
