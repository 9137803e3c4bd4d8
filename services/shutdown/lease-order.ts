import { isProven, type LeaseOptions, type LeaseOrder, type LeaseState } from './leadership.ts';

/** Why an order cannot be obeyed now; undefined when it can. Pure; `nowMs` is monotonic. */
export function whyNotOrdered(
  state: LeaseState,
  { do: what, force }: LeaseOrder,
  nowMs: number,
  { ttlMs }: LeaseOptions,
): string | undefined {
  const proven = isProven(state, nowMs, ttlMs);
  if (what === 'take') {
    if (state.role === 'acting') return 'this node acts already';
    if (state.claim !== undefined) return 'this node is taking over already';
    if (proven || force) return undefined;
    return 'the broker of the lease does not answer, so the other node would not hear of it; if that one is certainly down, say force';
  }
  if (state.role !== 'acting') return 'this node does not act';
  if (!proven) return 'the broker of the lease does not answer: nobody could take over';
  const heard = state.otherMs !== undefined && nowMs - state.otherMs < ttlMs;
  return heard ? undefined : 'no other node is heard that could take over';
}
