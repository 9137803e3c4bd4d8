import { z } from 'zod';
import { interval, secret } from './values.ts';

/** The part of the configuration about InfluxDB and VictoriaMetrics. */

const form = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  bucket: z.string().min(1).optional().meta({ description: 'InfluxDB 2 and VictoriaMetrics: /api/v2/write' }),
  org: z.string().default('holdover'),
  token: secret.optional().meta({ description: 'goes with bucket' }),
  database: z.string().min(1).optional().meta({ description: 'InfluxDB 1: /write; instead of bucket' }),
  retentionPolicy: z.string().min(1).optional().meta({ description: 'of the database; its own default when absent' }),
  user: z.string().min(1).optional().meta({ description: 'goes with database' }),
  password: secret.optional().meta({ description: 'goes with database' }),
  every: interval(10),
  spoolMiB: z
    .int()
    .min(0)
    .max(100_000)
    .default(256)
    .meta({ description: 'disk space for what waits while the database is away, MiB, compressed; 0: none' }),
});

export const influxSchema = form.superRefine((influx, context) => {
  const fault = (key: string, message: string): void => {
    context.addIssue({ code: 'custom', path: [key], message });
  };
  const { bucket, database, token, user, password } = influx;
  if (bucket === undefined && database === undefined)
    fault('bucket', 'give bucket (InfluxDB 2, VictoriaMetrics) or database (InfluxDB 1)');
  if (bucket !== undefined && database !== undefined) fault('database', 'either bucket or database, not both');
  if (bucket !== undefined && (user ?? password) !== undefined)
    fault('user', 'goes with database; a bucket has a token');
  if (database !== undefined && token !== undefined)
    fault('database', 'goes with user and password; a token goes with bucket');
  if ((user === undefined) !== (password === undefined)) fault('user', 'user and password go together');
});
export type InfluxConfig = z.infer<typeof influxSchema>;
