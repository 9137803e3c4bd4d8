import type { Config } from '../../../services/config/schema.ts';
import type { Rack } from '../../../services/rack/rack.ts';
import { RackStore, type SocNote } from '../../../services/rack/store.ts';
import type { Clock } from '../../../services/runtime/clock.ts';
import type { Log } from '../../../services/runtime/log.ts';
import { Coordinator } from '../../../services/shutdown/coordinator.ts';
import { initialState } from '../../../services/shutdown/evolve.ts';
import type { Edges } from '../../../services/shutdown/executor.ts';
import { Journal, type JournalKeeper } from '../../../services/shutdown/journal.ts';
import type { Lead } from '../../../services/shutdown/lead.ts';
import { type Learned, nothingLearned } from '../../../services/shutdown/learned.ts';
import { picture } from '../../../services/shutdown/picture.ts';
import type { Policy } from '../../../services/shutdown/policy.ts';
import type { Command, CoordinatorState, JournalEntry } from '../../../services/shutdown/state.ts';
import type { Snapshot } from '../../../services/shutdown/view.ts';
import type { FakeDisk } from './fake-disk.ts';

/** What outlives a process: its disk, and what it wrote beside the journal. */
export interface Remains {
  readonly disk: FakeDisk;
  learned: Learned;
  soc: Readonly<Record<string, SocNote>>;
}

export const remainsOf = (disk: FakeDisk, soc: Readonly<Record<string, SocNote>>): Remains => ({
  disk,
  learned: nothingLearned,
  soc,
});

export interface LifeOptions {
  readonly config: Config;
  readonly policy: Policy;
  /** The machine's: it goes on when the process dies. */
  readonly clock: Clock;
  /** Monotonic time begins anywhere. */
  readonly offsetMs: number;
  readonly remains: Remains;
  edges(life: Life): Edges;
  /** Where two nodes share the rack. */
  lead?(life: Life): Lead;
  /** Before the entries are written. */
  saw(life: Life, entries: readonly JournalEntry[]): void;
  /** After every decision. */
  told?(snapshot: Snapshot): void;
  /** What the coordinator is made to see. */
  sees?(rack: Rack): Rack;
  /** A person's order was accepted. */
  ordered(life: Life, command: Command, author: string): void;
  /** What of them is written. */
  writes(entries: readonly JournalEntry[]): readonly JournalEntry[];
}

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** One process of the service: everything real but its wires, its disk and its time. Dies without a goodbye. */
export class Life {
  alive = true;
  state: CoordinatorState;
  readonly store: RackStore;
  readonly clock: Clock;
  readonly #coordinator: Coordinator;
  readonly #ordered: LifeOptions['ordered'];

  constructor(options: LifeOptions) {
    const { config, policy, remains } = options;
    this.#ordered = options.ordered;
    this.clock = this.#clockOf(options);
    this.store = new RackStore(config, this.clock, remains.soc);
    this.state = initialState(policy, this.clock.monoMs());
    const lead = options.lead?.(this);
    this.#coordinator = new Coordinator({
      ...(lead === undefined ? {} : { lead }),
      policy,
      memory: {
        read: () => remains.learned,
        write: (learned) => {
          if (this.alive) remains.learned = learned;
        },
      },
      edges: options.edges(this),
      journal: this.#journalOf(options),
      rack: () => options.sees?.(this.store.snapshot()) ?? this.store.snapshot(),
      clock: this.clock,
      log: silent,
      onDecision: (rack, state, schedule, learned) => {
        this.state = state;
        if (!this.alive || options.told === undefined) return;
        const coordinator = picture(state, schedule, rack, learned);
        options.told({ site: '', version: '', rack, coordinator, devices: [], sinks: [] });
      },
    });
  }

  start(): void {
    this.#coordinator.start();
  }

  order(command: Command): void {
    const author = 'a person';
    void this.#coordinator.command(command, author).then(({ accepted }) => {
      if (accepted && this.alive) this.#ordered(this, command, author);
    });
  }

  #clockOf({ clock, offsetMs }: LifeOptions): Clock {
    return {
      wallMs: () => clock.wallMs(),
      monoMs: () => clock.monoMs() + offsetMs,
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          clock.sleep(ms, signal).then(
            () => {
              if (this.alive) resolve();
            },
            (error: unknown) => {
              if (this.alive) reject(error);
            },
          );
        }),
    };
  }

  /** The real journal; what is written after the death goes nowhere. */
  #journalOf({ remains, saw, writes }: LifeOptions): JournalKeeper {
    const journal = new Journal('/state', () => this.clock.wallMs(), remains.disk);
    return {
      path: journal.path,
      get failure() {
        return journal.failure;
      },
      open: () => journal.open(),
      append: (entries) => {
        if (!this.alive) return true;
        saw(this, entries);
        return journal.append(writes(entries));
      },
      tail: (limit) => journal.tail(limit),
      rotate: () => journal.rotate(),
      close: () => journal.close(),
    };
  }
}
