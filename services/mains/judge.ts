import type { MainsVerdict, MainsView, MainsVote } from '../rack/rack.ts';

/**
 * Is mains there? Votes of all witnesses become one verdict, with time to confirm a loss and a return.
 *
 * The rule when witnesses contradict each other: the bank tells who really carries the rack, so packs that are seen
 * discharging together outvote a meter that shows voltage (a tripped inverter input looks like that), and packs that
 * are seen charging outvote a meter that shows none. Two meters that disagree are settled by a canary, if there is one: it
 * proves mains by answering; its silence is no vote of its own, and only tips the scale between others. Otherwise a
 * disagreement, and silence, change nothing: no verdict is ever reached because somebody stopped talking.
 */

export interface MainsWitness extends MainsVote {
  /**
   * `pack`: all that carries the rack when mains is away, as one witness. `canary`: something that answers only with
   * mains; that it is silent may have other reasons.
   */
  readonly kind: 'meter' | 'pack' | 'other' | 'canary';
}

export interface MainsState {
  readonly verdict: MainsVerdict;
  /** Monotonic ms since when the verdict holds. */
  readonly sinceMs: number;
  /** A different verdict waiting for its confirmation time. */
  readonly candidate?: { readonly verdict: 'present' | 'absent'; readonly sinceMs: number };
}

export interface MainsPolicy {
  readonly confirmLossMs: number;
  readonly confirmReturnMs: number;
}

export const unknownMains = (nowMs: number): MainsState => ({ verdict: 'unknown', sinceMs: nowMs });

/** What the witnesses say together, right now and without memory. */
export function weigh(all: readonly MainsWitness[]): { says: 'present' | 'absent' | 'silent'; disputed: boolean } {
  const canaries = all.filter(({ kind }) => kind === 'canary');
  const votes = all.filter(({ kind }) => kind !== 'canary');
  const sings = canaries.some((vote) => vote.says === 'present');
  const says = (kind: MainsWitness['kind'] | 'any', what: MainsVote['says']): boolean =>
    votes.some((vote) => (kind === 'any' || vote.kind === kind) && vote.says === what);
  const present = says('any', 'present');
  const absent = says('any', 'absent');
  if (!present && !absent) return { says: sings ? 'present' : 'silent', disputed: false };
  if (present !== absent) return { says: present ? 'present' : 'absent', disputed: absent && sings };
  if (says('pack', 'absent')) return { says: 'absent', disputed: true };
  if (says('pack', 'present')) return { says: 'present', disputed: true };
  if (sings) return { says: 'present', disputed: true };
  return { says: canaries.some((vote) => vote.says === 'absent') ? 'absent' : 'silent', disputed: true };
}

/** The next verdict. Pure; `nowMs` is monotonic. */
export function judgeMains(
  state: MainsState,
  votes: readonly MainsWitness[],
  policy: MainsPolicy,
  nowMs: number,
): { state: MainsState; view: MainsView } {
  const { says, disputed } = weigh(votes);
  const next = advance(state, says, policy, nowMs);
  return {
    state: next,
    view: {
      verdict: next.verdict,
      sinceMs: next.sinceMs,
      votes: votes.map(({ source, says: said, because }) => ({ source, says: said, because })),
      disputed,
      ...(next.candidate === undefined ? {} : { leaning: next.candidate.verdict }),
    },
  };
}

function advance(
  state: MainsState,
  says: 'present' | 'absent' | 'silent',
  policy: MainsPolicy,
  nowMs: number,
): MainsState {
  // Silence confirms nothing: a candidate that is no longer heard starts again from the beginning.
  if (says === 'silent' || says === state.verdict) return { verdict: state.verdict, sinceMs: state.sinceMs };
  // At the start there is nothing to be torn from: presence is believed at once, absence is confirmed as always.
  if (state.verdict === 'unknown' && says === 'present') return { verdict: 'present', sinceMs: nowMs };
  const sinceMs = state.candidate?.verdict === says ? state.candidate.sinceMs : nowMs;
  const neededMs = says === 'absent' ? policy.confirmLossMs : policy.confirmReturnMs;
  if (nowMs - sinceMs >= neededMs) return { verdict: says, sinceMs: nowMs };
  return { verdict: state.verdict, sinceMs: state.sinceMs, candidate: { verdict: says, sinceMs } };
}
