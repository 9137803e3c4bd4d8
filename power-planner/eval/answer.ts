import type { Facts } from '../model/facts.ts';

/** What a kind says: the result in the names of the case format, and what it found out for the warnings. */
export interface Answer {
  readonly result: Readonly<Record<string, unknown>>;
  readonly facts?: Facts;
}
