import { Lease } from '../../../services/lease/index.ts';
import type { Clock } from '../../../services/runtime/clock.ts';
import { evolve, initialState } from '../../../services/shutdown/evolve.ts';
import { readJournal } from '../../../services/shutdown/journal.ts';
import type { Lead } from '../../../services/shutdown/lead.ts';
import type { PeerSays, Role } from '../../../services/shutdown/leadership.ts';
import type { Policy } from '../../../services/shutdown/policy.ts';
import type { CoordinatorState, JournalEntry } from '../../../services/shutdown/state.ts';
import { Ledger } from '../whole/ledger.ts';
import type { Life, Remains } from '../whole/life.ts';
import type { LeaseMedium } from './lease-medium.ts';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** One of two management nodes: a machine that can freeze, with a disk, and a process on it that can die. */
export class PairNode {
  readonly name: string;
  readonly remains: Remains;
  readonly ledger = new Ledger();
  readonly #world: Clock;
  readonly #medium: LeaseMedium;
  life: Life | undefined;
  lease: Lease | undefined;
  bornAgainS = 0;
  wallStepMs = 0;
  /** Fold of everything this node has decided, dead or alive. */
  state: CoordinatorState;
  #frozenSinceMs: number | undefined;
  #frozenUntilMs = 0;
  #waiting: (() => void)[] = [];
  /** How long it has stood still altogether, ms. */
  frozenMs = 0;
  #role: Role = 'unknown';

  constructor(name: string, remains: Remains, policy: Policy, world: Clock, medium: LeaseMedium) {
    this.name = name;
    this.remains = remains;
    this.#world = world;
    this.#medium = medium;
    this.state = initialState(policy, 0);
  }

  /** The clock of the machine: it goes on while nothing runs on it. */
  get clock(): Clock {
    return {
      monoMs: () => this.#world.monoMs(),
      wallMs: () => this.#world.wallMs() + this.wallStepMs,
      sleep: async (ms, signal) => {
        await this.#world.sleep(ms, signal);
        await this.awake();
      },
    };
  }

  get frozen(): boolean {
    return this.#frozenSinceMs !== undefined;
  }

  get runs(): boolean {
    return this.life !== undefined && !this.frozen;
  }

  /** What it takes itself for. Who is frozen does not think. */
  get role(): Role {
    if (this.life === undefined) return 'unknown';
    if (!this.frozen) this.#role = this.lease?.view().role ?? 'unknown';
    return this.#role;
  }

  freeze(forS: number): void {
    if (this.#frozenSinceMs === undefined) this.#frozenSinceMs = this.#world.monoMs();
    this.#frozenUntilMs = this.#world.monoMs() + forS * 1000;
    void this.#world.sleep(forS * 1000).then(() => {
      if (this.#world.monoMs() >= this.#frozenUntilMs) this.thaw();
    });
  }

  /** Everything that waited goes on, in the order in which it came. */
  thaw(): void {
    if (this.#frozenSinceMs === undefined) return;
    this.frozenMs += this.#world.monoMs() - this.#frozenSinceMs;
    this.#frozenSinceMs = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }

  async awake(): Promise<void> {
    while (this.frozen) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The lease of a new process. `ask`: what it hears when it asks the other service; absent: it cannot ask. */
  leaseOf(clock: Clock, ttlS: number, ask?: () => Promise<PeerSays>): Lead {
    const lease = new Lease(
      {
        holder: this.name,
        ttl: ttlS,
        ...(ask === undefined ? {} : { peer: 'http://other:8470' }),
        mqtt: { url: 'mqtt://nowhere', topic: 'holdover/lease' },
      },
      {},
      {
        clock,
        log: silent,
        connect: this.#medium.connectOf(this.name, () => this.awake()),
        ...(ask === undefined ? {} : { ask }),
      },
    );
    this.lease = lease;
    this.#role = 'unknown';
    return lease;
  }

  /** A new process: it knows what is on the disk. */
  begins(life: Life, policy: Policy, timeS: number): void {
    this.life = life;
    const nowMs = this.#world.monoMs();
    this.state = initialState(policy, nowMs);
    const { lines } = readJournal('/state/journal.jsonl', this.remains.disk);
    for (const { entry } of lines) this.state = evolve(this.state, entry, nowMs);
    this.ledger.begins(this.remains.disk, timeS);
  }

  saw(entry: JournalEntry): void {
    this.state = evolve(this.state, entry, this.#world.monoMs());
  }

  dies(): void {
    if (this.life !== undefined) this.life.alive = false;
    this.life = undefined;
    this.lease = undefined;
    this.#medium.drop(this.name);
  }
}
