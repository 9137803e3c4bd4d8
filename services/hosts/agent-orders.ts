import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../runtime/clock.ts';
import type { AgentDesk, AgentOrder, AgentReport } from '../shutdown/agent-desk.ts';
import type { Outcome } from '../shutdown/promises.ts';
import type { SnapshotFeed } from '../shutdown/view.ts';

interface Waiting {
  readonly order: AgentOrder;
  fetched: boolean;
  /** From here on its time is not counted. */
  readonly stopTimer: () => void;
  readonly settle: (outcome: Outcome) => void;
}

interface Agent {
  readonly hash: Buffer;
  /** Requests that wait for an order. */
  readonly wake: Set<() => void>;
  polls: number;
  /** Until then it counts as there although it asks nothing, monotonic ms; absent: never heard. */
  thereUntilMs?: number | undefined;
  flying?: Promise<Outcome> | undefined;
  waiting?: Waiting | undefined;
  /** The order it took last. An answer may be lost, so it may say so twice. */
  taken?: { readonly id: string; readonly settle: (outcome: Outcome) => void } | undefined;
}

/** An agent that could not halt its machine mostly knows at once, ms. */
const COMPLAINT_MS = 1000;
/** Between two requests of an agent there is less than this, ms; also the time a new life of ours waits for it. */
const GAP_MS = 25_000;
/** One that hung up is gone, or asks again at once, ms. */
const HUNG_UP_MS = 5000;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * Orders for hosts that fetch them. An order waits for its agent for a limited time, is withdrawn when mains is back
 * before it was taken, and counts as accepted only when the agent says that it takes it. Nothing of this survives a
 * restart: the coordinator sends again what was not done.
 */
export class AgentOrders implements AgentDesk {
  readonly #agents: ReadonlyMap<string, Agent>;
  readonly #clock: Clock;
  readonly #bornMs: number;
  /** Why nothing is ordered now. */
  #closed: string | undefined;
  #unsubscribe: () => void = () => undefined;

  /** @param tokens by host id @param clock of the wire */
  constructor(tokens: ReadonlyMap<string, string>, clock: Clock) {
    this.#agents = new Map(
      [...tokens].map(([host, token]) => [host, { hash: digest(token), wake: new Set(), polls: 0 }]),
    );
    this.#clock = clock;
    this.#bornMs = clock.monoMs();
  }

  readonly name = 'agents';

  /** From here on orders follow the phase: what was not taken is withdrawn when machines are to come up again. */
  start(feed: SnapshotFeed): void {
    this.#unsubscribe = feed.subscribe(({ coordinator }) => {
      this.#closed = coordinator.phase === 'restoring' ? 'mains is back' : undefined;
      if (this.#closed !== undefined) this.#withdrawAll(this.#closed);
    });
  }

  stop(): void {
    this.#unsubscribe();
    this.#closed = 'the service stops';
    this.#withdrawAll(this.#closed);
    for (const agent of this.#agents.values()) for (const wake of agent.wake) wake();
  }

  /** Settles when the agent took the order, or at `timeoutMs`. Asked twice it is one order. Never rejects. */
  halt(host: string, timeoutMs: number, signal?: AbortSignal): Promise<Outcome> {
    const agent = this.#agents.get(host);
    if (agent === undefined) return settled({ code: 'refused', detail: `host ${host}: no agent is configured` });
    if (this.#closed !== undefined)
      return settled({ code: 'refused', detail: `host ${host}: nothing is ordered, for ${this.#closed}` });
    agent.flying ??= this.#order(host, agent, timeoutMs, signal).finally(() => {
      agent.flying = undefined;
    });
    return agent.flying;
  }

  async #order(host: string, agent: Agent, timeoutMs: number, signal?: AbortSignal): Promise<Outcome> {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const timer = new AbortController();
    const waiting: Waiting = {
      order: { id: randomUUID(), kind: 'halt', issuedWallMs: this.#clock.wallMs() },
      fetched: false,
      stopTimer: () => timer.abort(),
      settle: resolve,
    };
    agent.waiting = waiting;
    agent.taken = undefined;
    for (const wake of agent.wake) wake();
    void this.#clock
      .sleep(timeoutMs, signal === undefined ? timer.signal : AbortSignal.any([timer.signal, signal]))
      .then(
        () => resolve(late(host, agent, waiting)),
        () => {
          if (!timer.signal.aborted) resolve({ code: 'timeout', detail: `host ${host}: given up` });
        },
      );
    const outcome = await promise;
    timer.abort();
    if (agent.waiting === waiting) agent.waiting = undefined;
    return outcome;
  }

  /** Its agent has a request open, or had one a moment ago. Rejects in the first seconds of our own life. */
  reachable(host: string): Promise<boolean> {
    const agent = this.#agents.get(host);
    const nowMs = this.#clock.monoMs();
    if (agent === undefined) return Promise.resolve(false);
    if (agent.polls > 0) return Promise.resolve(true);
    if (agent.thereUntilMs === undefined && nowMs - this.#bornMs < GAP_MS)
      return Promise.reject(new Error(`the agent of ${host} had no time to come back yet`));
    return Promise.resolve(agent.thereUntilMs !== undefined && nowMs < agent.thereUntilMs);
  }

  knows(host: string, token: string): boolean {
    const agent = this.#agents.get(host);
    // A host nobody knows takes as long as one with another token.
    const right = timingSafeEqual(agent?.hash ?? NOBODY, digest(token));
    return right && agent !== undefined;
  }

  async next(host: string, waitMs: number, gone: AbortSignal): Promise<AgentOrder | undefined> {
    const agent = this.#agents.get(host);
    if (agent === undefined) return undefined;
    agent.polls += 1;
    try {
      if (agent.waiting === undefined && waitMs > 0 && !gone.aborted) await this.#news(agent, waitMs, gone);
      if (gone.aborted || agent.waiting === undefined) return undefined;
      agent.waiting.fetched = true;
      return agent.waiting.order;
    } finally {
      agent.polls -= 1;
      agent.thereUntilMs = this.#clock.monoMs() + (gone.aborted ? HUNG_UP_MS : GAP_MS);
    }
  }

  report(host: string, { id, state, detail }: AgentReport): boolean {
    const agent = this.#agents.get(host);
    if (agent === undefined) return false;
    agent.thereUntilMs = this.#clock.monoMs() + GAP_MS;
    const { waiting } = agent;
    if (state === 'failed') {
      if (agent.taken?.id !== id) return false;
      const why = printable(detail ?? '') || 'it gave no reason';
      agent.taken.settle({ code: 'refused', detail: `host ${host}: its agent could not halt it: ${why}` });
      return true;
    }
    if (agent.taken?.id === id) return true;
    if (waiting?.order.id !== id) return false;
    agent.waiting = undefined;
    agent.taken = { id, settle: waiting.settle };
    waiting.stopTimer();
    void this.#clock.sleep(COMPLAINT_MS).then(() => waiting.settle({ code: 'done' }));
    return true;
  }

  #withdrawAll(because: string): void {
    for (const [host, agent] of this.#agents) {
      agent.waiting?.settle({ code: 'refused', detail: `host ${host}: ${because}: the order was withdrawn untaken` });
      agent.waiting = undefined;
      agent.taken = undefined;
    }
  }

  /** Resolves at an order, at the end of the time, or when the agent has gone. */
  async #news(agent: Agent, waitMs: number, gone: AbortSignal): Promise<void> {
    const over = new AbortController();
    const wake = (): void => over.abort();
    agent.wake.add(wake);
    await this.#clock.sleep(waitMs, AbortSignal.any([over.signal, gone])).catch(() => undefined);
    agent.wake.delete(wake);
  }
}

const NOBODY = digest(randomUUID());

const settled = (outcome: Outcome): Promise<Outcome> => Promise.resolve(outcome);

/** Somebody else wrote it, and it ends in a journal and on terminals. */
const printable = (text: string): string =>
  text
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, 200);

function late(host: string, { thereUntilMs, polls }: Agent, { fetched }: Waiting): Outcome {
  if (fetched)
    return { code: 'timeout', detail: `host ${host}: its agent has seen the order and did not take it; withdrawn` };
  return thereUntilMs === undefined && polls === 0
    ? { code: 'unreachable', detail: `host ${host}: its agent was never heard; does holdover agent run there?` }
    : { code: 'unreachable', detail: `host ${host}: its agent did not ask in time; the order is withdrawn` };
}
