/** What passes between a service and the agents on its hosts. The edge of hosts keeps it, the HTTP face offers it. */

/** An order as its agent sees it. */
export interface AgentOrder {
  readonly id: string;
  readonly kind: 'halt';
  readonly issuedWallMs: number;
}

/** What an agent reports: it is about to obey, or it could not. */
export interface AgentReport {
  readonly id: string;
  readonly state: 'taken' | 'failed';
  readonly detail?: string | undefined;
}

export interface AgentDesk {
  /** Whether this is the token of that host's agent. False also for hosts nobody knows. */
  knows(host: string, token: string): boolean;
  /** The order that waits, at once or within `waitMs`; undefined when there is none. Never rejects. */
  next(host: string, waitMs: number, gone: AbortSignal): Promise<AgentOrder | undefined>;
  /** False: the order does not stand any more, and must not be obeyed. */
  report(host: string, report: AgentReport): boolean;
}
