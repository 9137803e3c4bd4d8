/**
 * What the page reads of the API (`/openapi.json`): only the fields it shows. The page is a client like any other and
 * imports nothing of the service; a test holds these types against the service's own schemas.
 */

export type Freshness = 'fresh' | 'stale' | 'absent';
type Phase = 'mains' | 'on-battery' | 'shutting-down' | 'dark' | 'restoring';
export type HostPhase = 'up' | 'cordoned' | 'drained' | 'halting' | 'halted' | 'cut' | 'powering';

export interface Seen<Sample> {
  readonly sample?: Sample | undefined;
  readonly ageMs?: number | undefined;
  readonly freshness: Freshness;
  readonly failure?: { readonly code: string; readonly message: string } | undefined;
}

export interface Pack {
  readonly voltageV?: number | undefined;
  readonly currentA?: number | undefined;
  readonly socRatio?: number | undefined;
  readonly cellsV?: readonly number[] | undefined;
  readonly temperaturesC?: readonly number[] | undefined;
  readonly balancingCells?: readonly number[] | undefined;
  readonly alarms?:
    | readonly { readonly code: string; readonly level: string; readonly detail?: string | undefined }[]
    | undefined;
  readonly model?: string | undefined;
}

export interface Meter {
  readonly voltageV?: number | undefined;
  readonly currentA?: number | undefined;
  readonly powerW?: number | undefined;
  readonly frequencyHz?: number | undefined;
}

export interface Port {
  readonly port: string;
  readonly enabled?: boolean | undefined;
  readonly state: 'disabled' | 'searching' | 'delivering' | 'fault' | 'test' | 'unknown';
  readonly powerW?: number | undefined;
}

export interface Switch {
  readonly budgetW?: number | undefined;
  readonly drawnW?: number | undefined;
  readonly reservedW?: number | undefined;
  readonly headroomW?: number | undefined;
  readonly dropOrder?: readonly string[] | undefined;
  readonly totalTrusted: boolean;
  readonly ports: readonly Port[];
}

export interface Bank {
  readonly complete: boolean;
  /** Silent packs whose charge goes the way of the others. */
  readonly reckoned?: readonly string[] | undefined;
  readonly freshness: Freshness;
  readonly voltageV?: number | undefined;
  readonly currentA?: number | undefined;
  readonly powerW?: number | undefined;
  readonly socRatio?: number | undefined;
  readonly socSigma?: number | undefined;
  readonly packs?: Readonly<Record<string, { readonly socRatio: number; readonly socSigma: number }>> | undefined;
  readonly usableWh?: number | undefined;
  readonly usableLowWh?: number | undefined;
  readonly fullWh?: number | undefined;
  readonly runtimeS?: number | undefined;
  readonly measuredAtMs?: number | undefined;
}

export interface Mains {
  readonly verdict: 'present' | 'absent' | 'unknown';
  readonly sinceMs: number;
  readonly votes: readonly {
    readonly source: string;
    readonly says: 'present' | 'absent' | 'silent';
    readonly because: string;
  }[];
  readonly disputed: boolean;
}

interface Circuit {
  readonly meters?: readonly string[] | undefined;
  readonly powerW?: number | undefined;
  readonly currentA?: number | undefined;
  readonly limitA: number;
  readonly freshness: Freshness;
}

export interface Alarm {
  readonly code: string;
  readonly subject: string;
  readonly severity: 'info' | 'warning' | 'critical';
  readonly message: string;
}

export interface Stage {
  readonly name: string;
  readonly hosts: readonly string[];
  readonly state: 'waiting' | 'going-down' | 'down' | 'coming-back';
  readonly beginsInS?: number | undefined;
  readonly decidedBy?: 'energy' | 'after' | 'soc' | 'runtime' | 'rate' | 'window' | undefined;
  readonly mustBeginBelowWh: number;
  readonly durationS: number;
  readonly loadAfterW: number;
}

export interface Schedule {
  readonly basis: 'live' | 'if-mains-failed';
  readonly usableWh?: number | undefined;
  readonly reserveWh: number;
  readonly loadW: number;
  readonly stages: readonly Stage[];
  readonly allOffInS?: number | undefined;
  readonly feasible: boolean;
}

export interface Host {
  readonly id: string;
  readonly phase: HostPhase;
  readonly sinceWallMs: number;
  readonly stage?: string | undefined;
  readonly node?: string | undefined;
  readonly switchId?: string | undefined;
  readonly port?: string | undefined;
  readonly protected: boolean;
  readonly reachable?: boolean | undefined;
  readonly powerW?: number | undefined;
  readonly forced: boolean;
  readonly trouble?: string | undefined;
  /** A person has taken it out of this outage. */
  readonly skipped?: boolean | undefined;
}

/** A UPS or an inverter that is read. */
export interface Ups {
  readonly inputVoltageV?: number | undefined;
  readonly loadPowerW?: number | undefined;
  readonly socRatio?: number | undefined;
  readonly runtimeS?: number | undefined;
}

/** Data of the event `snapshot`. */
export interface Picture {
  readonly wallMs: number;
  readonly ageMs: number;
  readonly freshness: 'fresh' | 'stale';
  readonly site: string;
  readonly version: string;
  readonly devices: readonly { readonly device: string; readonly kind: string; readonly up: boolean }[];
  readonly sinks: readonly {
    readonly sink: string;
    readonly up: boolean;
    readonly dropped: number;
    readonly waiting?: number | undefined;
    readonly trouble?: string | undefined;
  }[];
  readonly rack: {
    readonly wallMs: number;
    readonly monoMs: number;
    readonly packs: Readonly<Record<string, Seen<Pack>>>;
    readonly bank: Bank;
    readonly meters: Readonly<Record<string, Seen<Meter>>>;
    readonly ups?: Readonly<Record<string, Seen<Ups>>> | undefined;
    readonly switches: Readonly<Record<string, Seen<Switch>>>;
    readonly mains: Mains;
    readonly circuit: Circuit;
    /** Whoever commands a UPS wants everything down. */
    readonly forcedShutdown?: { readonly ups: string; readonly because: string } | undefined;
    readonly alarms: readonly Alarm[];
  };
  readonly coordinator: {
    readonly phase: Phase;
    readonly sinceWallMs: number;
    readonly onBatteryS?: number | undefined;
    readonly schedule: Schedule;
    readonly hosts: readonly Host[];
    /** Why machines that are off are not started yet. */
    readonly waitingFor?: string | undefined;
    readonly heldForS?: number | undefined;
    readonly rehearsal?: { readonly stage: string; readonly depth: 'drain' | 'whole' } | undefined;
    /** The UPS that has ordered everything down on mains. */
    readonly orderedDown?: string | undefined;
    readonly lease?: Lease | undefined;
  };
}

/** Which of two management nodes acts. */
export interface Lease {
  readonly self: string;
  readonly role: 'unknown' | 'watching' | 'acting';
  readonly holder?: string | undefined;
  readonly epoch: number;
  readonly medium: 'alive' | 'doubtful' | 'gone';
  readonly namesake?: true | undefined;
}

/** One line of the journal. Entries of a kind the page does not know are shown by their kind. */
export interface JournalLine {
  readonly seq: number;
  readonly wallMs: number;
  readonly entry: { readonly kind: string; readonly [key: string]: unknown };
}

/** The error answer of the API (RFC 9457). */
export interface Problem {
  readonly title?: string;
  readonly detail?: string;
  readonly reasons?: readonly string[];
}

/** Answer of `POST /api/v1/drill`. Times count from the loss of mains, s. */
export interface DrillAnswer {
  readonly verdict: 'safe' | 'attention' | 'unsafe';
  readonly findings: readonly {
    readonly severity: 'info' | 'attention' | 'unsafe';
    readonly text: string;
    readonly tryThis?: string | undefined;
  }[];
  readonly basis: {
    readonly wallMs: number;
    readonly outageS: number;
    readonly socRatio: number;
    readonly loadW: number;
    readonly faults: readonly string[];
  };
  readonly timeline: readonly { readonly atS: number; readonly text: string; readonly socRatio?: number | undefined }[];
  readonly points: readonly { readonly atS: number; readonly socRatio: number; readonly up: number }[];
  readonly reserveRatio: number;
  readonly darkSocRatio?: number | undefined;
  readonly backAfterS?: number | undefined;
  readonly endS: number;
}
