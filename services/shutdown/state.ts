import type { Outcome, PortBefore } from './promises.ts';
import type { AgedState } from './shared-state.ts';

/**
 * Words of the coordinator: state, what is written to the journal, and effects. All are plain data.
 * State is the fold of the journal (`evolve`); what may be forgotten in a crash lives in `Watch`.
 */

export type Phase = 'mains' | 'on-battery' | 'shutting-down' | 'dark' | 'restoring';

export type HostPhase = 'up' | 'cordoned' | 'drained' | 'halting' | 'halted' | 'cut' | 'powering';

export interface HostState {
  readonly phase: HostPhase;
  /** Monotonic ms of the change to this phase (mapped from the journal's wall time after a restart). */
  readonly sinceMs: number;
  /** Our cordon is on the node. */
  readonly cordonedByUs: boolean;
  /** Somebody took our cordon away, and it was put on again: once, for twice is no mistake. */
  readonly recordoned?: boolean;
  /** Boot id before the shutdown, to know a fresh boot from a stale Ready. */
  readonly bootIdBefore?: string;
  /** Draw before the shutdown, W. */
  readonly drawBeforeW?: number;
  /** What the port was before we cut it; restore brings exactly this back. */
  readonly portBefore?: PortBefore;
  /** The machine took the halt command of its present phase. */
  readonly haltTaken?: boolean;
  /** The port was cut although the host was not seen to be off. */
  readonly forced: boolean;
  /** Power cycles because it did not come up, during this restore. */
  readonly powerCycles: number;
  /** A person has taken it out of this outage: it is neither drained, halted nor cut until mains is back. */
  readonly skipped?: boolean;
  /** Times it came up again by itself in this outage and was halted again. */
  readonly rehalts?: number;
  /** Why the host could not be brought to where it should be; a person has to look. */
  readonly trouble?: string;
  /** Monotonic ms since when it is really up again, and only its cordon keeps pods away. */
  readonly backSinceMs?: number;
}

export interface StageState {
  readonly name: string;
  /** Monotonic ms when it began going down; absent: not begun (or brought back since). */
  readonly beganMs?: number;
  /** What made it begin: a word of `StageTrigger`. */
  readonly trigger?: string;
}

/** A stage that is really taken down while mains is there, and brought back. */
export interface Rehearsal {
  readonly stage: string;
  /** `drain`: cordon and evict. `whole`: also halt and cut, and start again. */
  readonly depth: 'drain' | 'whole';
  readonly sinceMs: number;
}

export interface CoordinatorState {
  /** One per outage; marks our cordons. Absent while nothing is going on. */
  readonly runId?: string;
  readonly phase: Phase;
  readonly phaseSinceMs: number;
  /** Monotonic ms when mains went away in this outage. */
  readonly outageSinceMs?: number;
  readonly hosts: Readonly<Record<string, HostState>>;
  readonly stages: readonly StageState[];
  /** An operator holds the schedule until this monotonic ms: only the energy trigger may act. */
  readonly holdUntilMs?: number;
  /** What the bank feeds besides the hosts, as it was seen before mains went away, W. */
  readonly otherW?: number;
  readonly rehearsal?: Rehearsal;
  /**
   * A UPS, or without one a person, has ordered everything down while mains was there; overruled: a person wants it up
   * all the same.
   */
  readonly orderedDown?: { readonly ups?: string; readonly overruled?: true };
  /** What the charger was set to by us, or is about to be, A; absent while it charges as it likes. */
  readonly chargerA?: number;
  /** Packs whose output we have switched off, or are about to. */
  readonly outputsOff?: readonly string[];
  /** Monotonic ms of the latest losses of mains, oldest first; mains that flaps is trusted later. */
  readonly lossesMs?: readonly number[];
  /** What this node was to the other one when it last knew, where there are two. */
  readonly lease?: { readonly epoch: number; readonly acting: boolean };
}

/** Something the world must be made to do. `key` is unique among what is in flight. */
export type Effect =
  | {
      readonly kind: 'cordon';
      readonly key: string;
      readonly host: string;
      readonly node: string;
      readonly runId: string;
    }
  | {
      readonly kind: 'uncordon';
      readonly key: string;
      readonly host: string;
      readonly node: string;
      readonly runId: string;
    }
  | {
      readonly kind: 'drain';
      readonly key: string;
      readonly stage: string;
      readonly runId: string;
      readonly targets: readonly { readonly host: string; readonly node: string }[];
      readonly deadlineMs: number;
      readonly pdbGraceMs: number;
      readonly partial: boolean;
    }
  | { readonly kind: 'stop-drain'; readonly key: string; readonly drainKey: string }
  | { readonly kind: 'halt'; readonly key: string; readonly host: string }
  | {
      readonly kind: 'cut';
      readonly key: string;
      readonly switchId: string;
      readonly targets: readonly { readonly host: string; readonly port: string; readonly before: PortBefore }[];
    }
  | {
      readonly kind: 'power';
      readonly key: string;
      readonly switchId: string;
      readonly targets: readonly { readonly host: string; readonly port: string; readonly asSet?: string }[];
    }
  | { readonly kind: 'wake'; readonly key: string; readonly host: string }
  /** The charger's current, A. */
  | { readonly kind: 'charger'; readonly key: string; readonly amps: number }
  /** The output of a pack: the last act of a shutdown, and the first of a restore. */
  | {
      readonly kind: 'output';
      readonly key: string;
      readonly pack: string;
      readonly on: boolean;
      /** By a person's order, another switch of its board than the output. */
      readonly what?: 'charge' | 'balancing';
    };

/** The journal: what was decided, meant and found. Every record carries sequence and wall time when written. */
export type JournalEntry =
  | {
      readonly kind: 'phase';
      readonly phase: Phase;
      readonly because: string;
      readonly runId?: string;
      /** With the loss of mains: what the bank feeds besides the hosts, W. */
      readonly otherW?: number;
    }
  | { readonly kind: 'stage'; readonly stage: string; readonly began: boolean; readonly trigger?: string }
  | { readonly kind: 'host'; readonly host: string; readonly change: HostChange; readonly because: string }
  | { readonly kind: 'hold'; readonly forS: number }
  | {
      readonly kind: 'rehearsal';
      readonly stage: string;
      readonly depth: Rehearsal['depth'];
      readonly began: boolean;
      readonly because: string;
      readonly runId?: string;
    }
  | {
      readonly kind: 'ordered-down';
      /** Absent: a person did. */
      readonly ups?: string;
      readonly began: boolean;
      readonly overruled?: true;
      readonly because: string;
      readonly runId?: string;
    }
  | { readonly kind: 'output'; readonly pack: string; readonly on: boolean; readonly because: string }
  /** Without `amps`: the charger is left to itself again. */
  | { readonly kind: 'charger'; readonly amps?: number; readonly because: string }
  | { readonly kind: 'intent'; readonly effect: Effect }
  | {
      readonly kind: 'outcome';
      readonly key: string;
      readonly effectKind: Effect['kind'];
      readonly results: readonly EffectResult[];
    }
  | { readonly kind: 'command'; readonly command: Command; readonly author: string }
  /** Of two nodes this one begins to act, or leaves it to the other. */
  | { readonly kind: 'lease'; readonly epoch: number; readonly acting: boolean; readonly holder?: string }
  /** The state of who acted before; it takes the place of our own. */
  | { readonly kind: 'adopted'; readonly from: string; readonly epoch: number; readonly state: AgedState }
  | { readonly kind: 'note'; readonly text: string };

/** What changes in a host's state; `phase` resets its clock. */
export type HostChange = Partial<Omit<HostState, 'sinceMs' | 'trouble' | 'backSinceMs'>> & {
  readonly trouble?: string | null;
  /** It is really up again. */
  readonly back?: true;
};

export interface EffectResult extends Outcome {
  /** Host the result is about; the pack, where it is about one. */
  readonly host: string;
}

/** What a person may order. Every one is answered, and in the journal with its author. */
export type Command =
  /** Everything goes down now; with `onMains` also while mains is there, and stays down until an `abort`. */
  | { readonly kind: 'begin'; readonly onMains?: boolean | undefined }
  /** Only empty batteries may begin a stage for so long. */
  | { readonly kind: 'hold'; readonly forS: number }
  /**
   * Turn round: what was not halted stays. Ends a rehearsal and a shutdown by hand on mains, and overrules a UPS that
   * orders one.
   */
  | { readonly kind: 'abort' }
  /** Leave one host alone until mains is back, or (`unskip`) no longer. */
  | { readonly kind: 'skip' | 'unskip'; readonly host: string }
  /** A person has seen to a host and says how it is; what was troubling it is forgotten. */
  | { readonly kind: 'take-over'; readonly host: string; readonly as: 'up' | 'off' }
  /** Switch a hung host's port off and on; `force` also when it answers. */
  | { readonly kind: 'power-cycle'; readonly host: string; readonly force?: boolean | undefined }
  /** Of two management nodes: act from now on, or let the other one act. Not decided here but by the lease. */
  | { readonly kind: 'lease'; readonly do: 'take' | 'give'; readonly force?: boolean | undefined }
  /** Switch something of a pack's board once; `force` also takes the output from what may live from it. */
  | {
      readonly kind: 'switch-board';
      readonly pack: string;
      readonly what: 'charge' | 'discharge' | 'balancing';
      readonly on: boolean;
      readonly force?: boolean | undefined;
    }
  /** Really take one stage down on mains, and bring it back. */
  | { readonly kind: 'rehearse'; readonly stage: string; readonly depth: Rehearsal['depth'] };

/** What comes into `decide` besides the rack. */
export type Input =
  | { readonly kind: 'tick' }
  | {
      readonly kind: 'result';
      readonly key: string;
      readonly effectKind: Effect['kind'];
      readonly results: readonly EffectResult[];
      readonly final: boolean;
      /** For the journal: what a person should know of it. */
      readonly notes?: readonly string[];
    }
  | { readonly kind: 'command'; readonly command: Command; readonly author: string };
