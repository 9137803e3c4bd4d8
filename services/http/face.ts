import type { HttpConfig } from '../config/schema.ts';
import { type Clock, systemClock } from '../runtime/clock.ts';
import type { AgentDesk } from '../shutdown/agent-desk.ts';
import type { Desk, SnapshotFeed } from '../shutdown/view.ts';
import { Access, type AccessToken } from './access.ts';
import { buildApp } from './app.ts';
import type { DrillDesk } from './drill-desk.ts';
import { EVENT_LIMITS, EventHub, type EventLimits } from './events.ts';
import type { HistoryDesk } from './history-desk.ts';
import { hostName, portOf } from './host-guard.ts';
import { LatestSnapshot } from './latest.ts';
import type { App, FaceLog, RouteContext } from './routes.ts';

export interface HttpFaceOptions {
  readonly config: HttpConfig;
  /** The secrets of `config.tokens`, already read. */
  readonly tokens: readonly AccessToken[];
  readonly feed: SnapshotFeed;
  readonly desk: Desk;
  /** Prometheus text exposition. */
  readonly metrics: () => string | Promise<string>;
  /** Folder with the built web page; without it `/` says how to build it. */
  readonly webRoot?: string;
  readonly log: FaceLog;
  /** The local history; without it its routes say so. */
  readonly history?: HistoryDesk;
  /** Orders for hosts that fetch them; without it nobody may. */
  readonly agents?: AgentDesk;
  /** Plays drills; without it none can be had. */
  readonly drill?: DrillDesk;
  /** Why the journal cannot be written; absent when it can. Decides readiness. */
  readonly journalTrouble?: () => string | undefined;
  /** Ages of snapshots are taken by this clock: the machine's own, also when the rack runs in fast motion. */
  readonly clock?: Clock;
  /** A snapshot older than this is stale, ms; 10 s when absent. */
  readonly staleAfterMs?: number;
  readonly commandDeadlineMs?: number;
  /** Ms of the machine's time that a drill may take; two minutes when absent. */
  readonly drillDeadlineMs?: number;
  readonly events?: Partial<EventLimits>;
}

/** The HTTP face of the service: API, event stream, metrics, health and the web page. */
export interface HttpFace {
  /** Begins to listen; rejects with what to try when the address cannot be had or a token is unusable. */
  start(): Promise<{ readonly address: string }>;
  /** Ends every stream and connection. */
  stop(): Promise<void>;
}

interface Parts {
  readonly app: App;
  readonly hub: EventHub;
  readonly latest: LatestSnapshot;
}

/** Builds everything behind the face without listening; used by the face itself and by tests through `app.inject`. */
export async function assemble(options: HttpFaceOptions): Promise<Parts> {
  const clock = options.clock ?? systemClock;
  const latest = new LatestSnapshot(options.feed, clock, options.staleAfterMs ?? 10_000);
  const hub = new EventHub(latest, options.desk, { ...EVENT_LIMITS, ...options.events }, () => clock.monoMs());
  const context: RouteContext = {
    latest,
    hub,
    desk: options.desk,
    access: new Access(options.tokens, options.config.readToken),
    metrics: options.metrics,
    journalTrouble: options.journalTrouble ?? (() => undefined),
    commandDeadlineMs: options.commandDeadlineMs ?? 10_000,
    webRoot: options.webRoot,
    history: options.history,
    drill: options.drill,
    drillDeadlineMs: options.drillDeadlineMs ?? 120_000,
    agents: options.agents,
    wallMs: () => options.feed.latest()?.rack.wallMs ?? clock.wallMs(),
    log: options.log,
  };
  const app = await buildApp(options.config.listen, context);
  latest.start();
  hub.start();
  return { app, hub, latest };
}

/** See `HttpFace`. The constructor part does nothing: fastify is loaded by `start`. */
export function httpFace(options: HttpFaceOptions): HttpFace {
  let running: Promise<Parts> | undefined;
  return {
    async start() {
      if (running) throw new Error('the HTTP face is started already');
      running = assemble(options);
      const { listen } = options.config;
      try {
        const { app } = await running;
        const address = await app.listen({ host: hostName(listen), port: portOf(listen) });
        options.log.info({ address }, 'HTTP is listening');
        return { address };
      } catch (error) {
        await this.stop();
        throw explained(error, listen);
      }
    },
    async stop() {
      const parts = running;
      running = undefined;
      await parts?.then(({ app }) => app.close()).catch(() => undefined);
    },
  };
}

function explained(error: unknown, listen: string): unknown {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  const why: Record<string, string> = {
    EADDRINUSE: 'another program listens there; choose another port in http.listen',
    EACCES: 'not allowed; choose a port above 1023 in http.listen',
    EADDRNOTAVAIL: 'this machine does not have that address; check http.listen',
    ENOTFOUND: 'that name is not known here; check http.listen',
  };
  const hint = typeof code === 'string' ? why[code] : undefined;
  return hint === undefined ? error : new Error(`HTTP cannot listen on ${listen}: ${hint}`, { cause: error });
}

/** The OpenAPI document, without listening. */
export async function openApiDocument(): Promise<object> {
  const silent = () => undefined;
  const { app } = await assemble({
    config: { listen: '127.0.0.1:0', tokens: [], readToken: false },
    tokens: [],
    feed: { latest: () => undefined, subscribe: () => silent },
    desk: { command: async () => ({ accepted: false, because: 'nobody is here' }), journal: () => [] },
    metrics: () => '',
    log: { info: silent, warn: silent, error: silent },
  });
  try {
    return app.swagger();
  } finally {
    await app.close();
  }
}
