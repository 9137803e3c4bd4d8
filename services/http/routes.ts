import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { AgentDesk } from '../shutdown/agent-desk.ts';
import type { Desk } from '../shutdown/view.ts';
import type { Access } from './access.ts';
import type { DrillDesk } from './drill-desk.ts';
import type { EventHub } from './events.ts';
import type { HistoryDesk } from './history-desk.ts';
import type { LatestSnapshot } from './latest.ts';

/** Where the face writes what happened; a pino logger fits. */
export interface FaceLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What routes work with. */
export interface RouteContext {
  readonly latest: LatestSnapshot;
  readonly hub: EventHub;
  readonly desk: Desk;
  readonly access: Access;
  readonly metrics: () => string | Promise<string>;
  /** Why the journal cannot be written; absent when it can. */
  readonly journalTrouble: () => string | undefined;
  readonly commandDeadlineMs: number;
  readonly webRoot: string | undefined;
  /** Absent: nothing is kept. */
  readonly history: HistoryDesk | undefined;
  /** Absent: no host has an agent. */
  readonly agents: AgentDesk | undefined;
  /** Absent: no drill can be played. */
  readonly drill: DrillDesk | undefined;
  readonly drillDeadlineMs: number;
  /** Time of the rack, ms: the history is kept by it. */
  readonly wallMs: () => number;
  readonly log: FaceLog;
}

/** A fastify instance that takes its types from zod schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** Adds routes that belong together. */
export type Routes = (app: App, context: RouteContext) => void | Promise<void>;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answered without a token even where reading needs one. */
    open?: boolean;
  }
}
