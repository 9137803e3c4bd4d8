import type { DeviceHealth, Rack } from '../rack/rack.ts';
import type { LeaseView } from './leadership.ts';
import type { Command, HostPhase, JournalEntry, Phase } from './state.ts';

/** What the outside may see of the service: one immutable picture per tick, made once and given to every sink. */

export interface StageSchedule {
  readonly name: string;
  readonly hosts: readonly string[];
  readonly state: 'waiting' | 'going-down' | 'down' | 'coming-back';
  /** Seconds until it must begin, by today's load; 0 when due. Absent when no battery figure allows a prediction. */
  readonly beginsInS?: number;
  /** What decides that moment. */
  readonly decidedBy?: 'energy' | 'after' | 'soc' | 'runtime' | 'rate' | 'window';
  /** It must begin when usable energy falls below this, Wh. */
  readonly mustBeginBelowWh: number;
  /** Planned time from begin to last port cut, with margin, s. */
  readonly durationS: number;
  /** Load that remains when it is down, W. */
  readonly loadAfterW: number;
}

export interface Schedule {
  /** `live`: mains is away and this is counting. `if-mains-failed`: what would happen from now. */
  readonly basis: 'live' | 'if-mains-failed';
  readonly usableWh?: number;
  readonly reserveWh: number;
  readonly loadW: number;
  readonly stages: readonly StageSchedule[];
  /** Seconds until the last host is off; absent without a battery figure. */
  readonly allOffInS?: number;
  /** False: even beginning now, the reserve would be touched. */
  readonly feasible: boolean;
}

export interface HostView {
  readonly id: string;
  readonly phase: HostPhase;
  /** Wall ms of the last phase change. */
  readonly sinceWallMs: number;
  readonly stage?: string;
  readonly node?: string;
  readonly switchId?: string;
  readonly port?: string;
  readonly protected: boolean;
  readonly reachable?: boolean;
  readonly powerW?: number;
  readonly forced: boolean;
  readonly trouble?: string;
  /** A person has taken it out of this outage. */
  readonly skipped?: boolean;
}

export interface CoordinatorView {
  readonly phase: Phase;
  readonly sinceWallMs: number;
  readonly runId?: string;
  /** Seconds on battery in this outage. */
  readonly onBatteryS?: number;
  readonly schedule: Schedule;
  readonly hosts: readonly HostView[];
  /** Why machines that are off are not started yet; absent when nothing waits. */
  readonly waitingFor?: string;
  /** Set triggers are held by a person for this many seconds more. */
  readonly heldForS?: number;
  readonly rehearsal?: { readonly stage: string; readonly depth: 'drain' | 'whole' };
  /** The UPS that has ordered everything down while mains was there. */
  readonly orderedDown?: string;
  /** Which of two management nodes acts; absent where there is one. */
  readonly lease?: LeaseView;
}

export type { DeviceHealth };

export interface SinkHealth {
  readonly sink: string;
  readonly up: boolean;
  readonly sent: number;
  readonly dropped: number;
  /** What waits to be delivered later; absent where nothing is kept. */
  readonly waiting?: number;
  /** Why it does not work at present, in words without secrets. */
  readonly trouble?: string;
}

/** Energy counted since counting began. Only grows, also over restarts; see docs/history.md. */
export interface EnergyTotals {
  /** Into and out of the bank, Wh. */
  readonly inWh: number;
  readonly outWh: number;
  /** From mains by the meter, Wh; absent without one. */
  readonly mainsWh?: number;
  /** By the ports that feed them, Wh. */
  readonly hostsWh: Readonly<Record<string, number>>;
  readonly stagesWh: Readonly<Record<string, number>>;
  /** Money for `mainsWh`, by currency. */
  readonly cost: Readonly<Record<string, number>>;
  /** Seconds in which `bank` and `mains` were measured, and in which nothing was counted because they were not. */
  readonly measuredS: Readonly<Record<string, number>>;
  readonly unmeasuredS: Readonly<Record<string, number>>;
}

export interface Snapshot {
  readonly site: string;
  readonly version: string;
  readonly rack: Rack;
  readonly coordinator: CoordinatorView;
  readonly devices: readonly DeviceHealth[];
  readonly sinks: readonly SinkHealth[];
  /** Absent until the counters of earlier lives are read. */
  readonly energy?: EnergyTotals;
}

/** How sinks and the HTTP face get snapshots. Listeners must not block: they copy what they need and return. */
export interface SnapshotFeed {
  latest(): Snapshot | undefined;
  subscribe(listener: (snapshot: Snapshot) => void): () => void;
}

/** One line of the journal as it is on disk. */
export interface JournalLine {
  readonly seq: number;
  readonly wallMs: number;
  readonly entry: JournalEntry;
}

/** What the outside may ask of the coordinator; `author` ends up in the journal. */
export interface Desk {
  command(command: Command, author: string): Promise<{ readonly accepted: boolean; readonly because: string }>;
  /** The newest `limit` journal lines, oldest first. */
  journal(limit: number): readonly JournalLine[];
}

/** A sink: started once, stopped once, never blocks the feed, counts what it loses. */
export interface Sink {
  readonly name: string;
  start(feed: SnapshotFeed): Promise<void>;
  stop(): Promise<void>;
  health(): SinkHealth;
}
