import { z } from 'zod';
import { duration, hostPort, identifier, ratio, seconds, secret } from './values.ts';

/** Who is told of what, and how. */

export const NOTICE_KINDS = [
  'outage-begin',
  'outage-end',
  'restored',
  'stage-begin',
  'forced-cut',
  'host-trouble',
  'alarm-raised',
  'alarm-cleared',
  'sink-trouble',
  'low-battery',
  'prediction',
  'report',
] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];

const PLACES = ['site', 'event', 'severity', 'title', 'text', 'time', 'id', 'count'];

const template = z
  .string()
  .max(8000)
  .refine(
    (text) => [...text.matchAll(/\{\{\s*([^}]*?)\s*\}\}/g)].every(([, name]) => PLACES.includes(name ?? '')),
    `only ${PLACES.map((name) => `{{${name}}}`).join(' ')}`,
  );

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day such as 22:00');
const web = z.string().regex(/^https?:\/\/[^\s@]+$/i, 'http:// or https://, without a password in it');
const ca = z.string().min(1).optional().meta({ description: 'file with the certificate of the authority to trust' });

const rules = {
  id: identifier,
  events: z
    .array(z.enum(NOTICE_KINDS))
    .min(1)
    .default(NOTICE_KINDS.filter((kind) => kind !== 'prediction'))
    .meta({ description: 'what is told; everything but predictions when absent' }),
  minSeverity: z.enum(['info', 'warning', 'critical']).default('info'),
  quiet: z
    .strictObject({ from: timeOfDay, to: timeOfDay })
    .optional()
    .meta({ description: 'what is not critical waits for the end of these hours, in site.timeZone' }),
  groupFor: seconds(10).meta({ description: 'what happens within this time becomes one message' }),
  maxPerHour: z.int().min(1).max(1000).default(30).meta({ description: 'messages; what is more is put together' }),
  title: template.default('{{site}}: {{title}}'),
  text: template.default('{{text}}'),
};

const email = z.strictObject({
  ...rules,
  email: z.strictObject({
    server: hostPort.meta({ description: 'host:port of the SMTP server' }),
    tls: z
      .enum(['starttls', 'implicit', 'none'])
      .default('starttls')
      .meta({ description: 'starttls (587), implicit (465); none sends everything in the clear' }),
    ca,
    user: z.string().min(1).optional(),
    password: secret.optional(),
    from: z.email(),
    to: z.array(z.email()).min(1).max(20),
  }),
});

const ntfy = z.strictObject({
  ...rules,
  ntfy: z.strictObject({
    url: web.default('https://ntfy.sh'),
    topic: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'letters, digits, _ and -'),
    token: secret.optional(),
    ca,
  }),
});

const telegram = z.strictObject({
  ...rules,
  telegram: z.strictObject({
    token: secret,
    chat: z.string().regex(/^(-?\d+|@\w+)$/, 'the number of a chat, or @name'),
    url: web.default('https://api.telegram.org'),
    ca,
  }),
});

const hook = z.strictObject({
  webhook: secret.meta({ description: 'the whole address: whoever knows it may post' }),
  ca,
});
const slack = z.strictObject({ ...rules, slack: hook });
const discord = z.strictObject({ ...rules, discord: hook });

const webhook = z.strictObject({
  ...rules,
  webhook: z.strictObject({
    url: web,
    method: z.enum(['POST', 'PUT']).default('POST'),
    contentType: z.string().min(1).default('application/json'),
    headers: z
      .record(z.string().regex(/^[a-z0-9-]+$/i, 'a header name'), secret)
      .default({})
      .meta({ description: 'secrets that go into headers, such as Authorization' }),
    body: template
      .optional()
      .meta({ description: 'with {{title}}, {{text}} and so on; in JSON between quotes. All of them when absent' }),
    ca,
  }),
});

const channel = z.union([email, ntfy, telegram, slack, discord, webhook]);
export type ChannelConfig = z.infer<typeof channel>;

export const notifySchema = z.strictObject({
  channels: z.array(channel).max(32).default([]),
  alarmFor: seconds(60).meta({ description: 'an alarm must last, or be over, so long before it is told' }),
  lowSoc: ratio.default(0.3).meta({ description: 'on battery, below this charge, low-battery is told' }),
  predictEvery: seconds(1800).meta({ description: 'shortest time between two predictions' }),
  reports: z
    .strictObject({
      every: z.array(z.enum(['day', 'week', 'month'])).default([]),
      at: timeOfDay.default('07:00'),
    })
    .prefault({})
    .meta({ description: 'energy, cost, outages and battery health; a week ends on Sunday' }),
  giveUpAfter: duration.prefault(172_800).meta({ description: 'what could not be told for so long is dropped' }),
});
export type NotifyConfig = z.infer<typeof notifySchema>;
