/** What the poller brings in besides packs and meters. Times are wall ms; absent means the source does not tell. */

export type PortState = 'disabled' | 'searching' | 'delivering' | 'fault' | 'test' | 'unknown';
export type PortPriority = 'critical' | 'high' | 'low';

export type Admission = 'static' | 'dynamic';

export interface PortSample {
  /** As the switch numbers it: `7`, or `2.7` (group.port) where there are several groups. */
  readonly port: string;
  /** Administratively switched on. Absent: the switch gave no legal answer. */
  readonly enabled?: boolean;
  readonly state: PortState;
  readonly powerW?: number;
  readonly voltageV?: number;
  readonly currentA?: number;
  /** 802.3 class 0..8; only while delivering. */
  readonly poeClass?: number;
  readonly priority?: PortPriority;
  /** Where the switch knows more steps than these three: its own order, 0 keeps its power longest. */
  readonly priorityRank?: number;
  /**
   * How its switch is set to feed it, in words of the driver's own, where "on" is not enough to bring that back after the
   * port was off: at most 64 characters. Only told of a port that is on.
   */
  readonly asSet?: string;
  /** Times this port was refused power for lack of budget, since the switch started. */
  readonly deniedCount?: number;
}

export interface SwitchSample {
  readonly kind: 'switch';
  readonly measuredAtMs: number;
  readonly budgetW?: number;
  readonly drawnW?: number;
  /** Power promised to classes, where the switch tells or it can be computed. */
  readonly reservedW?: number;
  /** Part of the budget the switch keeps for starts and errors of measurement. */
  readonly guardW?: number;
  /** Whether ports are let in by the classes that were promised (`static`) or by what is drawn (`dynamic`). */
  readonly admission?: Admission;
  /** Budget without its guard, minus what is drawn; below 0 ports are about to lose power. */
  readonly headroomW?: number;
  /** Budget without its guard, minus what is promised; below 0 the switch is oversubscribed. */
  readonly unreservedW?: number;
  /** Ports that deliver, in the order in which they would lose power when the budget is exceeded. */
  readonly dropOrder?: readonly string[];
  /** False when the total contradicts the ports (0 W while ports deliver). */
  readonly totalTrusted: boolean;
  readonly ports: readonly PortSample[];
}

/** Does the machine answer on the network? */
export interface HostSample {
  readonly kind: 'host';
  readonly measuredAtMs: number;
  readonly reachable: boolean;
}

export interface NodeSample {
  readonly name: string;
  /** The Ready condition; `unknown` when the control plane has lost the node. */
  readonly ready: 'true' | 'false' | 'unknown';
  readonly unschedulable: boolean;
  /** Run id in our own mark, when we (or an earlier run) cordoned it. */
  readonly cordonedBy?: string;
  readonly bootId?: string;
  /** Newest sign of life (Lease renewTime or condition heartbeat) by the API server's clock, ms. */
  readonly heartbeatAtMs?: number;
  /** Pods an eviction would touch (no DaemonSet, mirror or finished pods). */
  readonly evictablePods: number;
  readonly controlPlane: boolean;
}

export interface ClusterSample {
  readonly kind: 'cluster';
  readonly measuredAtMs: number;
  /** The API server's clock at this answer (`Date` header), ms. */
  readonly serverNowMs: number;
  readonly nodes: readonly NodeSample[];
  /** Rights our account lacks and needs, as last asked for: one line each with what fails without it. */
  readonly missingRights?: readonly string[];
}
