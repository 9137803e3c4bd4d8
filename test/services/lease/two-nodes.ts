import { packOf } from '#bms/model';
import { type Config, configSchema } from '../../../services/config/schema.ts';
import { Lease } from '../../../services/lease/index.ts';
import { RackStore } from '../../../services/rack/store.ts';
import type { Log } from '../../../services/runtime/log.ts';
import { Coordinator } from '../../../services/shutdown/coordinator.ts';
import type { JournalKeeper } from '../../../services/shutdown/journal.ts';
import { policyOf } from '../../../services/shutdown/policy.ts';
import type { Command, CoordinatorState, JournalEntry } from '../../../services/shutdown/state.ts';
import { drillEdges } from '../../../services/twin/drill/drill-edges.ts';
import { DrillRack } from '../../../services/twin/drill/drill-rack.ts';
import { MemoryJournal } from '../../../services/twin/drill/memory-journal.ts';
import { VirtualClock } from '../../../services/twin/drill/virtual-clock.ts';
import { MemoryBroker } from './memory-broker.ts';

/** Two real coordinators with real leases on one rack in numbers, in virtual time. */

const START_MS = Date.UTC(2026, 0, 2);
const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const halt = { ssh: { user: 'ops', key: { env: 'K' }, hostKey: `SHA256:${'A'.repeat(43)}` } };

const config: Config = configSchema.parse({
  packs: [
    { id: 'lfp1', driver: 'jbd', via: { serial: '/dev/null' }, chemistry: 'lifepo4', cells: 16, capacityAh: 100 },
  ],
  meters: [{ id: 'sdm1', driver: 'sdm230', via: { modbusTcp: '127.0.0.1:502' } }],
  switches: [{ id: 'sw1', driver: 'snmp', host: '127.0.0.1', budgetW: 300, community: { env: 'X' } }],
  hosts: [1, 2, 3, 4].map((n) => ({ id: `pi${n}`, node: `pi${n}`, poe: `sw1/${n}`, halt, powerW: 8 })),
  cluster: { kubeconfig: '/nowhere' },
  shutdown: {
    stages: [
      { name: 'workers', hosts: ['pi1', 'pi2'] },
      { name: 'control-plane', hosts: ['pi3', 'pi4'] },
    ],
    restore: { stableFor: '20s' },
  },
});

/** A journal that a killed process no longer writes to. */
class MortalJournal extends MemoryJournal {
  dead = false;

  override append(entries: readonly JournalEntry[]): boolean {
    return this.dead || super.append(entries);
  }
}

interface Life {
  readonly coordinator: Coordinator;
  readonly lease: Lease;
  readonly journal: MortalJournal;
}

export class TwoNodes {
  readonly clock = new VirtualClock(START_MS);
  readonly broker = new MemoryBroker();
  readonly rack: DrillRack;
  readonly states = new Map<string, CoordinatorState>();
  /** Effects by who began them and when, virtual s. */
  readonly intents: { readonly by: string; readonly atS: number; readonly key: string }[] = [];
  readonly #stores = new Map<string, RackStore>();
  readonly #lives = new Map<string, Life>();
  readonly #lines = new Map<string, MortalJournal>();

  constructor() {
    this.rack = new DrillRack({
      config,
      packs: config.packs.map((pack) => ({ id: pack.id, spec: packOf(pack), socRatio: 0.9, truthRatio: 1 })),
      hostW: Object.fromEntries(config.hosts.map(({ id, powerW }) => [id, powerW])),
      otherW: 20,
      haltS: Object.fromEntries(config.hosts.map(({ id }) => [id, 15])),
      bootS: 40,
      controlPlane: new Set(['pi3', 'pi4']),
      faults: { silent: new Set(), hang: new Set(), disobey: new Set(), stuck: new Set() },
      seed: 1,
      wallMs: START_MS,
    });
  }

  start(name: string): void {
    const { clock } = this;
    const store = new RackStore(config, clock, {});
    const journal = new MortalJournal(() => clock.wallMs());
    journal.lines.push(...(this.#lines.get(name)?.lines ?? []));
    const lease = new Lease(
      { holder: name, ttl: 15, mqtt: { url: 'mqtt://nowhere', topic: 'holdover/lease' } },
      {},
      { clock, log: silentLog, connect: this.broker.connect },
    );
    const heard: JournalKeeper = journal;
    const append = heard.append.bind(heard);
    heard.append = (entries) => {
      for (const entry of entries)
        if (entry.kind === 'intent' && !journal.dead)
          this.intents.push({ by: name, atS: clock.monoMs() / 1000, key: entry.effect.key });
      return append(entries);
    };
    const coordinator = new Coordinator({
      policy: policyOf(config),
      edges: drillEdges(config, this.rack, clock, { callS: 0.3, portS: 1.5, drainS: 20 }),
      journal,
      lead: lease,
      rack: () => store.snapshot(),
      clock,
      log: silentLog,
      onDecision: (_rack, state) => {
        if (!journal.dead) this.states.set(name, state);
      },
    });
    coordinator.start();
    this.#stores.set(name, store);
    this.#lives.set(name, { coordinator, lease, journal });
    this.#lines.set(name, journal);
  }

  /** Without a goodbye: nothing is written and nothing is said any more. What was sent is on its way. */
  kill(name: string): void {
    const life = this.#lives.get(name);
    if (life === undefined) return;
    life.journal.dead = true;
    void life.lease.stop();
    void life.coordinator.stop();
    this.#lives.delete(name);
    this.#stores.delete(name);
    this.states.delete(name);
  }

  async close(): Promise<void> {
    for (const name of [...this.#lives.keys()]) this.kill(name);
    await this.clock.advance(600_000);
  }

  role(name: string): string | undefined {
    return this.#lives.get(name)?.lease.view().role;
  }

  acting(): string[] {
    return [...this.#lives.keys()].filter((name) => this.role(name) === 'acting');
  }

  journal(name: string): readonly JournalEntry[] {
    return this.#lines.get(name)?.lines.map(({ entry }) => entry) ?? [];
  }

  async order(name: string, command: Command = { kind: 'begin' }): Promise<{ accepted: boolean; because: string }> {
    const life = this.#lives.get(name);
    if (life === undefined) throw new Error(`${name} is dead`);
    return await life.coordinator.command(command, 'test');
  }

  /** Second by second until `reached`; fails when that takes longer than `withinS`. */
  async until(what: string, reached: () => boolean, withinS = 900): Promise<void> {
    for (let second = 0; second < withinS; second += 1) {
      if (reached()) return;
      await this.second();
    }
    throw new Error(`did not come true: ${what}; ${JSON.stringify([...this.states])}`);
  }

  async pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) await this.second();
  }

  async second(): Promise<void> {
    this.rack.step(1);
    for (const store of this.#stores.values()) {
      store.sampled('pack', 'lfp1', this.rack.packSample('lfp1'));
      store.sampled('meter', 'sdm1', this.rack.meterSample());
      store.sampled('switch', 'sw1', this.rack.switchSample('sw1', 300));
      for (const { id } of config.hosts) store.sampled('host', id, this.rack.hostSample(id));
      if (this.rack.apiAvailable) store.sampled('cluster', 'cluster', this.rack.clusterSample());
    }
    await this.clock.advance(1000);
  }

  /** Every machine runs, every port is on, nothing is cordoned. */
  whole(): boolean {
    const ports = this.rack.switchSample('sw1', 300).ports.every(({ enabled }) => enabled === true);
    const machines = [...this.rack.machines.values()].every(({ state }) => state === 'running');
    const nodes = config.hosts.every(({ id }) => this.rack.node(id)?.unschedulable === false);
    return ports && machines && nodes;
  }
}
