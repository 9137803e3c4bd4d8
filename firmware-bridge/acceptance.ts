/**
 * What a driver's framing says of the bytes that have arrived since its request went out.
 *
 * - `more`: nothing decidable yet, wait for more bytes.
 * - `take`: the first `length` bytes hold the answer.
 * - `skip`: the first `length` bytes are not ours (noise, an echo, a late answer to somebody else): drop them, look again.
 * - `refuse`: this is the answer, and it is bad; the try fails with `code`. `retryable` false when asking again cannot help.
 */
export type Acceptance<T> =
  | { readonly kind: 'more' }
  | { readonly kind: 'take'; readonly value: T; readonly length: number }
  | { readonly kind: 'skip'; readonly length: number; readonly reason: string }
  | { readonly kind: 'refuse'; readonly code: string; readonly message: string; readonly retryable?: boolean };

export const more: Acceptance<never> = { kind: 'more' };
