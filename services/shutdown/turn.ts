import type { Rack } from '../rack/rack.ts';
import { type OtherLoad, otherLoad, type Reckoning, reckon } from './energy.ts';
import type { HostWatch } from './evidence.ts';
import { evolve } from './evolve.ts';
import { forecast, livesOffBattery } from './forecast.ts';
import type { Policy } from './policy.ts';
import type { CoordinatorState, Effect, HostChange, JournalEntry } from './state.ts';
import type { Schedule } from './view.ts';

/** What may be forgotten in a crash: effects under way, retries, counted readings. */
export interface Watch {
  readonly inFlight: Readonly<Record<string, { readonly effect: Effect; readonly sinceMs: number }>>;
  /** By `kind:host`: not again before this monotonic ms. */
  readonly retries: Readonly<Record<string, { readonly tries: number; readonly notBeforeMs: number }>>;
  readonly hosts: Readonly<Record<string, HostWatch>>;
  /** When the outputs of packs were seen open right after we had switched them, monotonic ms by pack. */
  readonly openedMs?: Readonly<Record<string, number>>;
  /** What the charger was last set to, and when that was done. */
  readonly charger?: { readonly amps: number; readonly atMs: number };
  /** When the latest group of ports was switched on. */
  readonly lastGroupMs?: number;
  /** When this life decided for the first time, monotonic ms. */
  readonly bornMs?: number;
  /** What a silent bank has given since it was last heard. */
  readonly reckoning?: Reckoning;
  readonly other?: OtherLoad;
}

/** A new life looks around this long before it acts on a deadline that ran out while nobody looked, ms. */
const LOOK_AROUND_MS = 10_000;

export const emptyWatch: Watch = { inFlight: {}, retries: {}, hosts: {} };

const RETRY_FIRST_MS = 2000;
const RETRY_MAX_MS = 15_000;

/** Hosts an effect is about. */
export function hostsOf(effect: Effect): readonly string[] {
  switch (effect.kind) {
    case 'drain':
    case 'cut':
    case 'power':
      return effect.targets.map(({ host }) => host);
    case 'stop-drain':
      return [];
    case 'output':
      return [effect.pack];
    case 'charger':
      return ['charger'];
    default:
      return [effect.host];
  }
}

/**
 * One turn of `decide`, being built. Mutable inside one call and thrown away after it; everything it hands out is
 * plain data. Entries are applied to the state as they are written, so that the state is always the fold of them.
 */
export class Turn {
  readonly rack: Rack;
  readonly policy: Policy;
  readonly nowMs: number;
  readonly entries: JournalEntry[] = [];
  readonly effects: Effect[] = [];
  state: CoordinatorState;
  watch: Watch;
  #planned:
    | {
        readonly state: CoordinatorState;
        readonly spentWh: number;
        readonly otherW: number;
        readonly schedule: Schedule;
      }
    | undefined;

  constructor(state: CoordinatorState, watch: Watch, rack: Rack, policy: Policy) {
    this.state = state;
    this.watch = watch.bornMs === undefined ? { ...watch, bornMs: rack.monoMs } : watch;
    this.rack = rack;
    this.policy = policy;
    this.nowMs = rack.monoMs;
  }

  /** Has a wait that began at `sinceMs` lasted longer than `limitS`, and was there time to look in this life? */
  overdue(sinceMs: number, limitS: number): boolean {
    return this.nowMs - sinceMs >= limitS * 1000 && (!this.bornAfter(sinceMs) || this.#livedMs >= LOOK_AROUND_MS);
  }

  /** This life has only just begun, and has not heard yet whether there is mains and what the bank holds. */
  get looksAround(): boolean {
    const heard = this.rack.mains.verdict === 'absent' && this.rack.bank.freshness === 'fresh';
    return !heard && this.#livedMs < LOOK_AROUND_MS;
  }

  /** Of two nodes this one has come to act in the middle of an outage: what was before it, it has from hearsay. */
  get tookOver(): boolean {
    const { lease, outageSinceMs } = this.state;
    return lease !== undefined && outageSinceMs !== undefined && this.bornAfter(outageSinceMs);
  }

  get #livedMs(): number {
    return this.nowMs - (this.watch.bornMs ?? this.nowMs);
  }

  /** Was this moment in an earlier life, or in that of the other node? */
  bornAfter(sinceMs: number): boolean {
    return (this.watch.bornMs ?? sinceMs) > sinceMs;
  }

  write(entry: JournalEntry): void {
    this.entries.push(entry);
    this.state = evolve(this.state, entry, this.nowMs);
  }

  /** Everything that has not begun begins. */
  beginAll(trigger: string): void {
    for (const stage of this.state.stages) {
      if (stage.beganMs === undefined) this.write({ kind: 'stage', stage: stage.name, began: true, trigger });
    }
  }

  /** The schedule as things stand in this turn. */
  schedule(): Schedule {
    const { state, otherW } = this;
    const spentWh = this.watch.reckoning?.spentWh ?? 0;
    const known = this.#planned;
    if (known?.state === state && known.spentWh === spentWh && known.otherW === otherW) return known.schedule;
    const schedule = forecast(state, this.rack, this.policy, spentWh, otherW);
    this.#planned = { state, spentWh, otherW, schedule };
    return schedule;
  }

  /** What the bank feeds besides the hosts, as far as this life or the journal knows, W. */
  get otherW(): number {
    return this.watch.other?.watts ?? this.state.otherW ?? 0;
  }

  /** Counts on what a silent bank gives, and keeps in mind what else it feeds. */
  reckon(): void {
    const { reckoning: before, other: seen, ...watch } = this.watch;
    const onBattery = livesOffBattery(this.state);
    const other = otherLoad(seen, this.rack, this.policy, this.state, onBattery);
    const known = other === undefined ? watch : { ...watch, other };
    const reckoning = reckon(before, this.rack, this.policy, this.state, onBattery, other?.watts ?? this.state.otherW);
    this.watch = reckoning === undefined ? known : { ...known, reckoning };
  }

  /** Changes a host; with a new phase the tries of the old one are forgotten. */
  host(host: string, change: HostChange, because: string): void {
    if (change.phase !== undefined) {
      const retries = Object.entries(this.watch.retries).filter(([key]) => !key.endsWith(`:${host}`));
      this.watch = { ...this.watch, retries: Object.fromEntries(retries) };
    }
    // The journal is read by people: it says that trouble is over only where there was some.
    const { trouble, ...rest } = change;
    const says = trouble != null || (trouble === null && this.state.hosts[host]?.trouble !== undefined);
    this.write({ kind: 'host', host, change: says ? change : rest, because });
  }

  see(host: string, seen: HostWatch): void {
    this.watch = { ...this.watch, hosts: { ...this.watch.hosts, [host]: seen } };
  }

  /** Is an effect of this kind under way for the host? */
  busy(kind: Effect['kind'], host: string): boolean {
    return Object.values(this.watch.inFlight).some(
      ({ effect }) => effect.kind === kind && hostsOf(effect).includes(host),
    );
  }

  flying(key: string): boolean {
    return key in this.watch.inFlight;
  }

  /** Not under way and not waiting for its next try. */
  may(kind: Effect['kind'], host: string): boolean {
    const retry = this.watch.retries[`${kind}:${host}`];
    return !this.busy(kind, host) && (retry === undefined || this.nowMs >= retry.notBeforeMs);
  }

  tries(kind: Effect['kind'], host: string): number {
    return this.watch.retries[`${kind}:${host}`]?.tries ?? 0;
  }

  emit(effect: Effect): void {
    this.effects.push(effect);
    this.watch = {
      ...this.watch,
      inFlight: { ...this.watch.inFlight, [effect.key]: { effect, sinceMs: this.nowMs } },
    };
  }

  landed(key: string): void {
    const { [key]: _, ...inFlight } = this.watch.inFlight;
    this.watch = { ...this.watch, inFlight };
  }

  /** The try failed: the next one comes later each time. */
  retryLater(kind: Effect['kind'], host: string): void {
    const tries = this.tries(kind, host) + 1;
    const waitMs = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** (tries - 1));
    const retries = { ...this.watch.retries, [`${kind}:${host}`]: { tries, notBeforeMs: this.nowMs + waitMs } };
    this.watch = { ...this.watch, retries };
  }
}
