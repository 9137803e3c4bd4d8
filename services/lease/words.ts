import type { LeaseOutput } from '../shutdown/leadership.ts';

/** Most of what a lease or probe is long, bytes; the rest is not looked at. */
const MOST_BYTES = 2000;
const MOST_NUMBER = 1e12;

/** A message of the lease topic; undefined for whatever else lies there. Unknown fields are left out. */
export function readLease(payload: Uint8Array): LeaseOutput | undefined {
  if (payload.byteLength > MOST_BYTES) return undefined;
  let said: unknown;
  try {
    said = JSON.parse(Buffer.from(payload).toString('utf8'));
  } catch {
    return undefined;
  }
  if (typeof said !== 'object' || said === null) return undefined;
  const { kind, holder, life, epoch, seq, acting } = said as Readonly<Record<string, unknown>>;
  if (!isName(life) || !isCount(seq)) return undefined;
  if (kind === 'probe') return { kind, life, seq };
  if (kind !== 'lease' || !isName(holder) || !isCount(epoch) || typeof acting !== 'boolean') return undefined;
  return { kind, holder, life, epoch, seq, acting };
}

const isName = (value: unknown): value is string => typeof value === 'string' && value.length > 0 && value.length < 100;

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST_NUMBER;
