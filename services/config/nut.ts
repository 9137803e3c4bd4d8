import { z } from 'zod';
import { duration, hostPort, identifier, interval, seconds, secret } from './values.ts';

/** The part of the configuration about UPSes: those that are read, and the one this service is to NUT clients. */

const upsName = z.string().regex(/^[a-z0-9][a-z0-9_.-]{0,62}$/i, 'a UPS name: letters, digits, dots, dashes');

const address = {
  host: z.string().min(1),
  port: z.int().min(1).max(65_535).default(3493),
  ups: upsName,
};

const nutSource = {
  ...address,
  user: z.string().min(1).optional(),
  password: secret.optional(),
  tls: z
    .strictObject({
      /** PEM file of the authority that signed the server's certificate; the system's own when absent. */
      ca: z.string().min(1).optional(),
      /** Takes any certificate: protects against listeners, not against somebody in between. */
      insecure: z.boolean().default(false),
    })
    .optional()
    .meta({ description: 'STARTTLS is demanded; without this the conversation is in the clear' }),
  login: z.boolean().default(false).meta({
    description: 'log in, so that the server counts this machine among those it feeds; needs user: and password:',
  }),
};

const energy = {
  capacityWh: z
    .number()
    .positive()
    .max(1_000_000)
    .optional()
    .meta({ unit: 'Wh', description: 'what its battery holds when full; without it the UPS’s own runtime is used' }),
};

/** A UPS or an inverter that is read: through another program that speaks NUT, or by a driver of ours. */
export const upsWith = <Via extends z.ZodType>(via: Via) =>
  z.union([
    z.strictObject({
      id: identifier,
      driver: z.literal('nut'),
      ...nutSource,
      every: interval(2),
      staleAfter: duration.optional(),
      ...energy,
    }),
    z.strictObject({
      id: identifier,
      driver: z
        .string()
        .min(1)
        .refine((driver) => driver !== 'nut', 'nut wants host: and ups: instead of via:'),
      via,
      every: interval(2),
      staleAfter: duration.optional(),
      ...energy,
    }),
  ]);

/** Evidence about mains by a UPS of `ups:`, or by one that is named here and used for nothing else. */
export const upsEvidence = [
  z.strictObject({ ups: identifier }),
  z.strictObject({ nut: z.strictObject({ ...nutSource, every: interval(2) }) }),
] as const;

const user = z.strictObject({
  user: z.string().regex(/^[\x21-\x7e]{1,64}$/, 'printable ASCII without blanks, at most 64'),
  password: secret,
  /** Role: `secondary` may log in, `primary` may also order a forced shutdown. */
  upsmon: z.enum(['primary', 'secondary']).optional(),
  actions: z.array(z.enum(['set', 'fsd'])).default([]),
  instcmds: z.array(z.string().min(1)).default([]).meta({ description: 'instant commands, or all' }),
  needs: seconds(60).meta({ description: 'how long the machines of this user take from the order to off' }),
  stage: identifier.optional().meta({ description: 'they go down with this stage; with the last one when absent' }),
});

/** The NUT server. */
export const nutSchema = z.strictObject({
  listen: hostPort.default('127.0.0.1:3493'),
  ups: z
    .union([upsName, z.array(upsName).min(1).max(8)])
    .default('ups')
    .transform((names) => (typeof names === 'string' ? [names] : names))
    .meta({ description: 'its name; of several the first is listed and the others are understood' }),
  description: z
    .string()
    .regex(/^[\x20-\x7e]{0,100}$/, 'printable ASCII, at most 100')
    .regex(/^[^"\\]*$/, 'no quotes and backslashes')
    .default('holdover battery bank'),
  /** Largest load, W; `ups.load` is a share of it. The circuit's continuous limit when absent. */
  nominalPowerW: z.number().positive().optional().meta({ unit: 'W' }),
  users: z.array(user).default([]),
  allowRead: z
    .enum(['anyone', 'users'])
    .default('anyone')
    .meta({ description: 'who may read; most clients cannot read with a password' }),
  tls: z
    .strictObject({
      cert: z.string().min(1).meta({ description: 'PEM file of the certificate, with its chain' }),
      key: secret,
      required: z.boolean().default(false).meta({ description: 'refuse names and passwords in the clear' }),
    })
    .optional(),
  maxClients: z.int().min(1).max(4096).default(256),
  idleTimeout: seconds(300).refine((timeoutS) => timeoutS >= 60, 'at least 60s: clients poll once a minute'),
});
export type NutConfig = z.infer<typeof nutSchema>;

/** Where a UPS stands that is read over NUT. */
export interface NutSourceConfig {
  readonly id: string;
  readonly driver: 'nut';
  readonly host: string;
  readonly port: number;
  readonly ups: string;
  readonly user?: string | undefined;
  readonly password?: z.infer<typeof secret> | undefined;
  readonly tls?: { readonly ca?: string | undefined; readonly insecure: boolean } | undefined;
  readonly login: boolean;
  readonly every: number;
  readonly staleAfter?: number | undefined;
}

type Evidence = { readonly nut: Omit<NutSourceConfig, 'id' | 'driver'> };

/** The id of a UPS that only a line of evidence names: `apc-10-0-0-5`. */
export const evidenceId = ({ nut: { host, port, ups } }: Evidence): string =>
  `${ups}-${host}${port === 3493 ? '' : `-${port}`}`.replace(/[^a-z0-9]+/gi, '-').slice(0, 63);

/** UPSes that only a line of evidence names, each once. */
export function evidenceUpses(evidence: readonly object[]): readonly NutSourceConfig[] {
  const found = new Map<string, NutSourceConfig>();
  for (const each of evidence) {
    if (!('nut' in each)) continue;
    const line = each as Evidence;
    const id = evidenceId(line);
    if (!found.has(id)) found.set(id, { id, driver: 'nut', ...line.nut });
  }
  return [...found.values()];
}
