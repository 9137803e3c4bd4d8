import type { ClusterSample, PortSample, SwitchSample } from '../rack/samples.ts';

/** What the coordinator needs of the outside. Edges keep these promises; every call settles within its own deadline. */

export type OutcomeCode =
  | 'done'
  /** Nothing had to be changed. */
  | 'already'
  /** Somebody else's state is respected: a node cordoned by a person, a protected port. */
  | 'left-alone'
  | 'refused'
  | 'timeout'
  | 'unreachable'
  /** The device said yes and its state says no. */
  | 'disobeyed';

export interface Outcome {
  readonly code: OutcomeCode;
  readonly detail?: string;
}

export const succeeded = (outcome: Outcome): boolean => outcome.code === 'done' || outcome.code === 'already';

export interface DrainOptions {
  readonly runId: string;
  /** Give up at this many ms from now; what is left then is reported, not waited for. */
  readonly deadlineMs: number;
  /** How long a PodDisruptionBudget may say no before the pod is deleted, ms. */
  readonly pdbGraceMs: number;
  /** True when the rest of the cluster stays up, so that evicted pods have somewhere to go. */
  readonly partial: boolean;
  readonly signal: AbortSignal;
  /** Called once per node when nothing evictable is left on it. */
  readonly onDrained: (node: string) => void;
}

export interface DrainReport {
  readonly evicted: number;
  /** Pods deleted although their budget said no, `namespace/name`. */
  readonly overridden: readonly string[];
  /** Pods still there at the end, `namespace/name`. */
  readonly left: readonly string[];
  readonly errors: readonly string[];
  /** What a person should know although nothing went wrong: pods that nothing will start again, lost emptyDir data. */
  readonly notes?: readonly string[];
}

export interface ClusterControl {
  observe(): Promise<ClusterSample>;
  /** Cordons and leaves our mark in one request. `left-alone` when a person had cordoned it before. */
  cordon(node: string, runId: string): Promise<Outcome>;
  /** Takes our cordon and mark away; `left-alone` when the mark is not ours. */
  uncordon(node: string, runId: string): Promise<Outcome>;
  /** Evicts everything evictable on all nodes at once, on one watch. Never rejects. */
  drain(nodes: readonly string[], options: DrainOptions): Promise<DrainReport>;
  close(): Promise<void>;
}

export interface PortOutcome extends Outcome {
  readonly port: string;
}

export interface PoeSwitch {
  readonly id: string;
  read(signal?: AbortSignal): Promise<SwitchSample>;
  /**
   * Switches the ports and reads them back until their state agrees or the device's settling time is over. Never rejects.
   * @param asSet by port, what `PortSample.asSet` was before it was cut; a port that is powered gets exactly that back
   */
  setPorts(
    ports: readonly string[],
    enabled: boolean,
    signal?: AbortSignal,
    asSet?: ReadonlyMap<string, string>,
  ): Promise<readonly PortOutcome[]>;
  close(): Promise<void>;
}

/** A port as it was before we first touched it; what restore brings back. */
export type PortBefore = Pick<PortSample, 'port' | 'enabled' | 'priority' | 'poeClass' | 'asSet'>;

export interface HostControl {
  readonly id: string;
  /** Sends the halt command. `done` means it was accepted, not that the machine is off. Never rejects. */
  halt(signal?: AbortSignal): Promise<Outcome>;
  /** Wakes the machine where it can be woken over the network; `refused` where it cannot. Never rejects. */
  wake(signal?: AbortSignal): Promise<Outcome>;
  /** Does it answer on the network right now? Rejects when it cannot be asked, because the fault is on our side. */
  reachable(signal?: AbortSignal): Promise<boolean>;
}

/** A charger whose current can be set. */
export interface ChargerControl {
  /** Sets the current on the battery's side, A. `done`: it was accepted. Never rejects. */
  setCurrent(amps: number): Promise<Outcome>;
}

/** The output of a pack, and what else of its board can be switched. All switch and read back, and never reject. */
export interface OutputControl {
  setDischarge(on: boolean): Promise<Outcome>;
  setCharge?(on: boolean): Promise<Outcome>;
  setBalancing?(on: boolean): Promise<Outcome>;
}
