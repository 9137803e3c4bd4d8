import type { WarningCode, WarningLevel } from '../model/warnings.ts';

/** What every answer carries beside its figures. */

/** A warning of the model with where it holds and what to do. */
export interface Finding {
  readonly code: WarningCode;
  readonly level: WarningLevel;
  readonly text: string;
  /** What to do about it. */
  readonly advice: string;
  /** Which load, switch or case; absent: the whole. */
  readonly where?: string;
}

/** A figure the answer rests on that the scenario did not say, or that comes from a catalogue. */
export interface Assumption {
  readonly what: string;
  /** With its unit. */
  readonly value: string;
  readonly source: string;
  /** False: no source that could be checked. */
  readonly verified: boolean;
}

export interface Answer {
  readonly name: string;
  readonly findings: readonly Finding[];
  readonly assumptions: readonly Assumption[];
  /** What no program can see: to be asked of an electrician and of whoever builds the pack. */
  readonly checklist: readonly string[];
}
