import type { Clock } from '../runtime/clock.ts';
import type { Snapshot, SnapshotFeed } from '../shutdown/view.ts';
import { finite, type Plain } from './finite.ts';
import { HttpProblem } from './problem.ts';
import type { SnapshotEvent } from './schemas/answers.ts';

/** The newest snapshot as JSON, with its age by our own clock: a service that stopped ticking must not look alive. */
export class LatestSnapshot {
  readonly #feed: SnapshotFeed;
  readonly #clock: Clock;
  readonly #staleAfterMs: number;
  readonly #listeners = new Set<() => void>();
  #snapshot: Snapshot | undefined;
  /** The newest snapshot as JSON carries it; made when somebody asks. */
  #plain: Plain<Snapshot> | undefined;
  #arrivedMs = 0;
  #unsubscribe: (() => void) | undefined;

  constructor(feed: SnapshotFeed, clock: Clock, staleAfterMs: number) {
    this.#feed = feed;
    this.#clock = clock;
    this.#staleAfterMs = staleAfterMs;
  }

  start(): void {
    if (this.#unsubscribe) return;
    const snapshot = this.#feed.latest();
    if (snapshot) this.#take(snapshot);
    this.#unsubscribe = this.#feed.subscribe((next) => {
      this.#take(next);
      for (const listener of this.#listeners) listener();
    });
  }

  stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  /** Called after each new snapshot; must not block. Returns the way out. */
  onNew(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Ms since the newest snapshot arrived; absent when there was none. */
  ageMs(): number | undefined {
    return this.#snapshot ? Math.max(0, this.#clock.monoMs() - this.#arrivedMs) : undefined;
  }

  /** Why there is no fresh snapshot; absent when there is one. */
  trouble(): string | undefined {
    const ageMs = this.ageMs();
    if (ageMs === undefined) return 'no snapshot of the rack has been made yet';
    if (ageMs <= this.#staleAfterMs) return undefined;
    return `the newest snapshot of the rack is ${Math.round(ageMs / 1000)} s old`;
  }

  /** The newest snapshot and its age; absent when there was none. */
  event(): SnapshotEvent | undefined {
    const snapshot = this.#snapshot;
    const ageMs = this.ageMs();
    if (!snapshot || ageMs === undefined) return undefined;
    this.#plain ??= finite(snapshot);
    const plain = this.#plain;
    const rounded = Math.round(ageMs);
    const stale = ageMs > this.#staleAfterMs;
    return {
      wallMs: plain.rack.wallMs,
      ageMs: rounded,
      freshness: stale ? 'stale' : 'fresh',
      site: plain.site,
      version: plain.version,
      devices: plain.devices,
      sinks: plain.sinks,
      rack: aged(plain.rack, rounded, stale),
      coordinator: plain.coordinator,
    };
  }

  /** Like `event`, for a route: without a snapshot it throws a 503. */
  answer(): SnapshotEvent {
    const event = this.event();
    if (event) return event;
    throw new HttpProblem(503, 'No snapshot of the rack has been made yet; the service is starting.', {
      headers: { 'retry-after': '1' },
    });
  }

  #take(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    this.#plain = undefined;
    this.#arrivedMs = this.#clock.monoMs();
  }
}

type PlainRack = Plain<Snapshot['rack']>;

/** The rack some time after it was put together: samples are that much older, and with a stale snapshot none is fresh. */
function aged(rack: PlainRack, byMs: number, stale: boolean): PlainRack {
  const one = <S extends { ageMs?: number; freshness: 'fresh' | 'stale' | 'absent' }>(observed: S): S => ({
    ...older(observed),
    ...(observed.ageMs === undefined ? {} : { ageMs: observed.ageMs + byMs }),
  });
  const older = <S extends { freshness: 'fresh' | 'stale' | 'absent' }>(seen: S): S =>
    stale && seen.freshness === 'fresh' ? { ...seen, freshness: 'stale' } : seen;
  const each = <S extends { ageMs?: number; freshness: 'fresh' | 'stale' | 'absent' }>(all: Record<string, S>) =>
    Object.fromEntries(Object.entries(all).map(([id, observed]) => [id, one(observed)]));
  return {
    ...rack,
    packs: each(rack.packs),
    meters: each(rack.meters),
    ...(rack.ups ? { ups: each(rack.ups) } : {}),
    switches: each(rack.switches),
    hosts: each(rack.hosts),
    ...(rack.cluster ? { cluster: one(rack.cluster) } : {}),
    bank: older(rack.bank),
    circuit: older(rack.circuit),
  };
}
