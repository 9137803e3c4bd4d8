import { type Acceptance, more } from '../acceptance.ts';

/** How a frame that tells its own length looks. All functions are pure. */
export interface LengthPrefixedShape {
  /** Bytes that `measure` needs to see, 1 or more. */
  readonly headerLength: number;
  /** Could a frame of ours begin with this first byte? Lets noise go without waiting for a whole header. */
  startsWith(firstByte: number): boolean;
  /** Whole length of the frame whose header (at least `headerLength` bytes) this is; `undefined`: no frame of ours begins here. */
  measure(header: Uint8Array): number | undefined;
  /** What is wrong with a whole frame (`checksum`, …), `undefined` when it is good. */
  check(frame: Uint8Array): string | undefined;
}

/**
 * Looks for the first good frame, whatever surrounds it. Noise can look like a header and promise a length that swallows the
 * real frame behind it, therefore every possible start is tried and a bad frame costs one byte, not its length.
 * A whole frame that is bad, with nothing behind it that could still become a good one, is refused with its fault, so that
 * the next try need not wait for the time-out.
 */
export function acceptLengthPrefixed(received: Uint8Array, shape: LengthPrefixedShape): Acceptance<Uint8Array> {
  let fault: string | undefined;
  let unfinishedAt: number | undefined;
  for (let at = 0; at < received.length; at += 1) {
    const rest = received.subarray(at);
    const length = lengthHere(rest, shape);
    if (length === undefined) continue;
    if (length > rest.length) {
      unfinishedAt ??= at;
      continue;
    }
    const frame = rest.subarray(0, length);
    const wrong = shape.check(frame);
    if (wrong === undefined && at === 0) return { kind: 'take', value: frame, length };
    if (wrong === undefined) return { kind: 'skip', length: at, reason: fault ?? 'noise' };
    fault ??= wrong;
  }
  if (received.length === 0 || unfinishedAt === 0) return more;
  if (unfinishedAt === undefined && fault !== undefined) {
    return { kind: 'refuse', code: fault, message: `the answer is damaged (${fault})` };
  }
  return { kind: 'skip', length: unfinishedAt ?? received.length, reason: fault ?? 'noise' };
}

/** Length of the frame that may begin at the first byte; infinite while its header is incomplete. */
function lengthHere(rest: Uint8Array, shape: LengthPrefixedShape): number | undefined {
  if (!shape.startsWith(rest[0] ?? -1)) return undefined;
  return rest.length < shape.headerLength ? Number.POSITIVE_INFINITY : shape.measure(rest);
}
