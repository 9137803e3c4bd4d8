import { z } from 'zod';

/** The kinds of values the configuration is made of. */

const UNIT_S: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86400 };

/** `1s`, `250ms`, `5m`, `2h` or a number of seconds; becomes seconds. */
export const duration = z
  .union([z.number().nonnegative(), z.string().regex(/^\d+(\.\d+)?(ms|s|m|h|d)$/, 'a duration such as 30s, 5m or 2h')])
  .transform((value) => {
    if (typeof value === 'number') return value;
    const match = /^([\d.]+)(ms|s|m|h|d)$/.exec(value);
    return Number(match?.[1]) * (UNIT_S[match?.[2] ?? 's'] ?? 1);
  })
  .meta({ description: 'duration: seconds, or text such as 250ms, 30s, 5m, 2h', unit: 's' });

/** How often something is asked, s: not without a pause. */
export const interval = (fallback: number) =>
  duration.refine((everyS) => everyS >= 0.1, 'at least 100ms').prefault(fallback);

/** A duration with a default, s. */
export const seconds = (fallback: number) => duration.prefault(fallback);

/** Kebab-case name that appears in topics, metric labels and addresses. */
export const identifier = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/i, 'letters, digits and dashes, at most 63');

/** `07` is the port that its switch calls `7`. */
export const plainPort = (port: string): string => (/^\d+$/.test(port) ? String(Number(port)) : port);

/** A share, 0 to 1. */
export const ratio = z.number().min(0).max(1);

/** `{ env: NAME }` or `{ file: PATH }`; a bare string is refused so that no secret lands in a configuration file. */
export const secret = z
  .union([z.strictObject({ env: z.string().min(1) }), z.strictObject({ file: z.string().min(1) })])
  .meta({ description: 'where the secret is: { env: NAME } or { file: PATH }' });
export type Secret = z.infer<typeof secret>;

/** `host:port`; IPv6 in brackets. */
export const hostPort = z
  .string()
  .regex(/^(\[[0-9a-f:]+\]|[^\s:/]+):\d{1,5}$/i, { error: 'host:port', abort: true })
  .refine((text) => Number(text.slice(text.lastIndexOf(':') + 1)) <= 65_535, 'host:port with a port up to 65535');

/** A zone that this machine's calendar knows. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}
