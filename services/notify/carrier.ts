/** What brings a message to people, and what became of it. */

import type { Message } from './notice.ts';

export type Sent =
  | { readonly kind: 'sent'; readonly said: string }
  /** It may work later. `afterMs`: not before, as the other side asked. */
  | { readonly kind: 'later'; readonly because: string; readonly afterMs?: number }
  /** This message will never be taken. */
  | { readonly kind: 'refused'; readonly because: string };

export interface Carrier {
  readonly id: string;
  /** Never rejects, and is done within its deadline. Nothing it says holds a secret. */
  send(message: Message): Promise<Sent>;
}

/** One attempt may take this long, ms. */
export const SEND_WITHIN_MS = 15_000;
const LONGEST_WAIT_MS = 3_600_000;

/** `Retry-After` in seconds or as a date; bounded. */
export function retryAfterMs(header: string | undefined, wallMs: number): number | undefined {
  if (header === undefined) return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - wallMs;
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, LONGEST_WAIT_MS) : undefined;
}

/** A text without the secrets in it. */
export const withoutSecrets = (text: string, secrets: readonly string[]): string =>
  secrets.filter((each) => each.length > 3).reduce((clean, each) => clean.replaceAll(each, '***'), text);
