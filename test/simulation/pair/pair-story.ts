import type { Config } from '../../../services/config/schema.ts';
import type { Clock } from '../../../services/runtime/clock.ts';
import type { Edges } from '../../../services/shutdown/executor.ts';
import type { Lead } from '../../../services/shutdown/lead.ts';
import type { PeerSays } from '../../../services/shutdown/leadership.ts';
import { type Policy, policyOf } from '../../../services/shutdown/policy.ts';
import type { Command, JournalEntry, Phase } from '../../../services/shutdown/state.ts';
import { drillEdges } from '../../../services/twin/drill/drill-edges.ts';
import { VirtualClock } from '../../../services/twin/drill/virtual-clock.ts';
import type { Check } from '../checks.ts';
import { Coverage } from '../coverage.ts';
import { someOrder } from '../orders.ts';
import { between, oneOf, type Random, random } from '../random.ts';
import { Watchman } from '../watchman.ts';
import { complaintsOf } from '../whole/complaints.ts';
import { FakeDisk } from '../whole/fake-disk.ts';
import { Life, remainsOf } from '../whole/life.ts';
import { type MainsChange, mainsPlan } from '../whole/mains-plan.ts';
import { packOutputs } from '../whole/pack-output.ts';
import { poll } from '../whole/polls.ts';
import { troubledEdges } from '../whole/troubled-edges.ts';
import type { TroubledRack } from '../whole/troubled-rack.ts';
import { Active } from '../whole/troubles.ts';
import { wholeConfig } from '../whole/whole-config.ts';
import { socNotes, WALL_MS, wholeRack } from '../whole/whole-rack.ts';
import { LeaseMedium } from './lease-medium.ts';
import { PairNode } from './pair-node.ts';
import { type PairFault, pairTroubles, troublesElsewhere } from './pair-troubles.ts';
import { Umpire } from './umpire.ts';

/** Two real services on one rack with a lease between them, each with a journal of its own, in virtual time. */

export interface PairStory {
  readonly seed: number;
  readonly violations: readonly string[];
  /** What is wrong at the end, when mains has been back for long. */
  readonly complaints: readonly string[];
  readonly timeline: readonly string[];
  readonly kills: number;
  readonly orders: number;
  /** Times the role went from one node to the other. */
  readonly handovers: number;
  /** Both acted, which a lease on a network cannot exclude; then only their roles have to be in order at the end. */
  readonly split: boolean;
  readonly coverage: Coverage;
}

/** A rule broken on purpose. */
export interface PairMutation {
  readonly name: string;
  /** The check that must notice. */
  readonly breaks: Check;
  /** What the coordinators are told of the lease. */
  readonly lead?: (lead: Lead) => Lead;
  /** A lease does not notice that its machine stood still. */
  readonly dozes?: boolean;
}

const QUIET_S = 1800;
const TROUBLE_S = 60;
const PEACE_S = 30;
const DOWN_S = [2, 60] as const;
const TIMES = { callS: 0.3, portS: 1.5, drainS: 3 };

/** Runs one story to its end; the seed fixes everything. */
export async function runPairStory(seed: number, mutation: Partial<PairMutation> = {}): Promise<PairStory> {
  const story = new PairTelling(seed, mutation);
  await story.run();
  return story.told();
}

class PairTelling {
  readonly #seed: number;
  readonly #mutation: Partial<PairMutation>;
  readonly #rng: Random;
  readonly #config: Config;
  readonly #policy: Policy;
  readonly #coverage = new Coverage();
  readonly #active = new Active(new Coverage());
  readonly #clock = new VirtualClock(WALL_MS);
  readonly #rack: TroubledRack;
  readonly #medium: LeaseMedium;
  readonly #nodes: readonly [PairNode, PairNode];
  readonly #umpire: Umpire;
  readonly #watchman: Watchman;
  readonly #mains: readonly MainsChange[];
  readonly #troubles: {
    readonly fault: PairFault;
    readonly phase: Phase;
    afterS: number;
    forS: number;
    done: boolean;
  }[];
  readonly #elsewhere: { readonly trouble: ReturnType<typeof troublesElsewhere>[number]; done: boolean }[];
  readonly #cordoned = new Set<string>();
  readonly #hang = new Set<string>();
  readonly #timeline: (() => string)[] = [];
  /** What ends by itself, and when. */
  #endings: { readonly atS: number; readonly end: () => void }[] = [];
  readonly #ttlS: number;
  readonly #asks: boolean;
  #atS = 0;
  #phase: Phase = 'mains';
  #phaseSinceS = 0;
  #holder: PairNode | undefined;
  #handovers = 0;
  #kills = 0;
  #orders = 0;

  constructor(seed: number, mutation: Partial<PairMutation>) {
    this.#seed = seed;
    this.#mutation = mutation;
    const rng = random(seed * 6007 + 29);
    this.#rng = rng;
    const troubles = pairTroubles(seed, rng);
    const first = troubles[0]?.phase ?? 'mains';
    const deep = first !== 'mains' && first !== 'on-battery';
    this.#config = wholeConfig(rng, deep);
    this.#policy = policyOf(this.#config);
    this.#mains = mainsPlan(rng, deep);
    this.#troubles = troubles.map((trouble) => ({ ...trouble, done: false }));
    this.#elsewhere = troublesElsewhere(rng).map((trouble) => ({ trouble, done: false }));
    this.#ttlS = between(rng, 5, 15);
    this.#asks = rng() < 0.5;
    for (const { id } of this.#config.hosts) if (rng() < 0.04) this.#cordoned.add(id);
    this.#rack = wholeRack({
      config: this.#config,
      rng,
      seed,
      active: this.#active,
      hang: this.#hang,
      stuck: new Set(),
      cordoned: this.#cordoned,
      truthRatio: 1,
    });
    this.#medium = new LeaseMedium(this.#clock, rng);
    const nodeOf = (name: string): PairNode => {
      const remains = remainsOf(new FakeDisk(), socNotes(this.#config, this.#rack));
      return new PairNode(name, remains, this.#policy, this.#clock, this.#medium);
    };
    this.#nodes = [nodeOf('node-a'), nodeOf('node-b')];
    this.#umpire = new Umpire(this.#nodes, this.#medium, this.#ttlS, this.#asks);
    this.#watchman = new Watchman(this.#policy);
    this.#rack.forced = (host) => this.#nodes.some(({ state }) => state.hosts[host]?.forced === true);
    this.#rack.outputIsOff = () => this.#nodes.some(({ state }) => (state.outputsOff ?? []).length > 0);
  }

  async run(): Promise<void> {
    const lastS = this.#mains.at(-1)?.atS ?? 0;
    let peaceS = 0;
    for (; this.#atS < lastS + QUIET_S && peaceS < PEACE_S; this.#atS += 1) {
      const inTrouble = this.#atS < lastS + TROUBLE_S;
      for (const { atS, present } of this.#mains) if (atS === this.#atS) this.#rack.setMainsIfOther(present);
      if (!inTrouble) this.#calmDown();
      this.#rack.step(1);
      this.#follow();
      if (inTrouble) this.#begin();
      this.#finish();
      for (const node of this.#nodes) this.#live(node);
      await this.#clock.advance(1000);
      this.#umpire.looks(this.#atS, this.#rack.mains);
      peaceS = !inTrouble && this.#complaints().length === 0 ? peaceS + 1 : 0;
    }
  }

  told(): PairStory {
    const books = this.#nodes.flatMap(({ name, ledger }) => ledger.violations.map((each) => `${name} ${each}`));
    return {
      seed: this.#seed,
      violations: [...this.#umpire.violations, ...this.#rack.violations, ...this.#watchman.violations, ...books],
      complaints: this.#complaints(),
      timeline: this.#timeline.map((line) => line()),
      kills: this.#kills,
      orders: this.#orders,
      handovers: this.#handovers,
      split: this.#umpire.split,
      coverage: this.#coverage,
    };
  }

  /** Who acts now, and how far the outage is. */
  #follow(): void {
    const acting = this.#nodes.filter((node) => node.runs && node.role === 'acting');
    const holder = acting.length === 1 ? acting[0] : this.#holder;
    if (holder !== this.#holder) {
      if (this.#holder !== undefined) this.#handovers += 1;
      this.#say(`${holder?.name} holds`);
      this.#holder = holder;
      this.#watchman.forgive();
    }
    if (holder === undefined) return;
    const { phase } = holder.state;
    if (phase !== this.#phase) [this.#phase, this.#phaseSinceS] = [phase, this.#atS];
    this.#active.move(this.#atS, phase);
    if (acting.length === 1) this.#watchman.looks(holder.state, this.#rack);
    else this.#watchman.forgive();
    const skipped = this.#nodes.flatMap(({ state }) =>
      Object.entries(state.hosts).flatMap(([id, host]) => (host.skipped ? [id] : [])),
    );
    this.#rack.excused = new Set([...(phase === 'mains' ? [] : this.#rack.excused), ...skipped]);
  }

  #begin(): void {
    const due = (phase: Phase, afterS: number): boolean =>
      phase === this.#phase && this.#atS - this.#phaseSinceS >= afterS && this.#atS >= 40;
    for (const each of this.#troubles) {
      if (each.done || !due(each.phase, each.afterS)) continue;
      each.done = this.#strike(each.fault, each.forS);
    }
    for (const each of this.#elsewhere) {
      if (each.done || !due(each.trouble.phase, each.trouble.afterS)) continue;
      each.done = true;
      this.#say(`${each.trouble.fault} for ${each.trouble.forS} s`);
      this.#active.begin(each.trouble.fault, each.trouble.forS);
    }
    this.#hang.clear();
    if (this.#active.on('deaf-host')) this.#hang.add('pi1');
  }

  /** False: it cannot happen at this moment, because there is nobody it could happen to. */
  #strike(fault: PairFault, forS: number): boolean {
    const holder = this.#nodes.find((node) => node.runs && node.role === 'acting');
    const watcher = this.#nodes.find((node) => node.runs && node !== holder);
    const victim = fault.startsWith('watcher') ? watcher : holder;
    if (victim === undefined || (fault.startsWith('watcher') && victim.role !== 'watching')) return false;
    this.#say(`${fault} (${victim.name}) for ${forS} s`);
    this.#coverage.saw(this.#phase, fault);
    this.#umpire.disturbed(this.#atS);
    switch (fault) {
      case 'medium-gone':
        this.#medium.down(this.#rng() < 0.3);
        this.#until(forS, () => this.#medium.up());
        break;
      case 'holder-cut-off':
      case 'watcher-cut-off':
        this.#medium.cutOff(victim.name);
        this.#until(forS, () => this.#medium.rejoin(victim.name));
        break;
      case 'holder-frozen':
      case 'watcher-frozen':
        victim.freeze(forS);
        this.#until(forS, () => {});
        break;
      case 'holder-killed':
      case 'watcher-killed':
        this.#kill(victim);
        break;
      case 'clock-step':
        victim.wallStepMs += oneOf(this.#rng, [-3_600_000, -90_000, 45_000, 600_000]);
        break;
      case 'order':
        this.#order(this.#rng() < 0.7 ? victim : (watcher ?? victim));
        break;
    }
    return true;
  }

  #until(forS: number, end: () => void): void {
    this.#endings.push({ atS: this.#atS + forS, end });
  }

  #finish(): void {
    const over = this.#endings.filter(({ atS }) => atS <= this.#atS);
    this.#endings = this.#endings.filter(({ atS }) => atS > this.#atS);
    for (const { end } of over) {
      end();
      this.#umpire.disturbed(this.#atS);
      this.#say('it is over');
    }
  }

  #calmDown(): void {
    this.#active.end();
    this.#hang.clear();
    for (const { end } of this.#endings) end();
    if (this.#endings.length > 0) this.#umpire.disturbed(this.#atS);
    this.#endings = [];
    for (const node of this.#nodes) node.thaw();
  }

  #kill(node: PairNode): void {
    node.dies();
    node.remains.disk.crash(this.#rng);
    node.bornAgainS = this.#atS + between(this.#rng, ...DOWN_S);
    this.#kills += 1;
  }

  #order(node: PairNode): void {
    const names = this.#policy.stages.map(({ name }) => name);
    const command = someOrder(this.#rng, node.state, names, this.#rack.visible());
    this.#orders += 1;
    this.#say(`to ${node.name}: ${JSON.stringify(command)}`);
    node.life?.order(command);
  }

  #live(node: PairNode): void {
    if (node.life === undefined && this.#atS >= node.bornAgainS) this.#beBorn(node);
    const { life } = node;
    if (life === undefined || node.frozen) return;
    poll({
      config: this.#config,
      rack: this.#rack,
      active: this.#active,
      store: life.store,
      atS: this.#atS,
      phase: life.state.phase,
      wallMs: life.clock.wallMs(),
    });
    if (this.#atS % 30 === 0) node.remains.soc = life.store.socNotes();
  }

  #beBorn(node: PairNode): void {
    const life = new Life({
      config: this.#config,
      policy: this.#policy,
      clock: node.clock,
      offsetMs: between(this.#rng, 0, 1e7),
      remains: node.remains,
      edges: (self) => this.#edgesOf(node, self),
      lead: (self) => this.#leadOf(node, self.clock),
      saw: (_life, entries) => this.#saw(node, entries),
      ordered: (_life, command, author) => this.#ordered(node, command, author),
      writes: (entries) => entries,
    });
    node.begins(life, this.#policy, this.#rack.timeS);
    this.#umpire.disturbed(this.#atS);
    this.#say(`${node.name} begins`);
    life.start();
  }

  #edgesOf(node: PairNode, life: Life): Edges {
    const called = (kind: Parameters<typeof node.ledger.called>[1], subjects: readonly string[]): void =>
      node.ledger.called(node.remains.disk, kind, subjects, this.#rack.timeS);
    const packs = packOutputs(this.#config, this.#rack, life, (pack) => called('output', [pack]));
    return troubledEdges(
      { ...drillEdges(this.#config, this.#rack, life.clock, TIMES), packs },
      {
        clock: life.clock,
        rng: this.#rng,
        active: this.#active,
        rack: this.#rack,
        before: (kind, subjects) => {
          if (life.alive) called(kind, subjects);
        },
        after: () => {},
        alive: () => life.alive,
      },
    );
  }

  #leadOf(node: PairNode, clock: Clock): Lead {
    const [first, second] = this.#nodes;
    const other = node === first ? second : first;
    const ask = async (): Promise<PeerSays> => {
      await clock.sleep(40);
      if (!other.runs) return 'silent';
      return other.role === 'acting' ? 'acting' : 'idle';
    };
    const dozing: Clock = { ...clock, monoMs: () => clock.monoMs() - node.frozenMs };
    const watch = this.#mutation.dozes === true ? dozing : clock;
    const lead = node.leaseOf(watch, this.#ttlS, this.#asks ? ask : undefined);
    return this.#mutation.lead?.(lead) ?? lead;
  }

  #saw(node: PairNode, entries: readonly JournalEntry[]): void {
    this.#watchman.saw(node.state, entries, this.#rack);
    for (const entry of entries) {
      node.saw(entry);
      if (entry.kind === 'intent') this.#umpire.acted(node, this.#atS);
      if (entry.kind !== 'outcome') this.#say(`${node.name} ${JSON.stringify(entry)}`);
    }
  }

  #ordered(node: PairNode, command: Command, author: string): void {
    node.ledger.ordered(node.remains.disk, command, author, this.#rack.timeS);
  }

  #say(what: string): void {
    const { mains, timeS, bank } = this.#rack;
    const { socRatio } = bank;
    const phase = this.#phase;
    this.#timeline.push(() => {
      const at = String(Math.round(timeS)).padStart(5);
      return `${at} ${mains ? 'mains' : 'battery'} ${(socRatio * 100).toFixed(0)} % ${phase}: ${what}`;
    });
  }

  #complaints(): string[] {
    const acting = this.#nodes.filter((node) => node.runs && node.role === 'acting');
    const [holder] = acting;
    if (holder === undefined || acting.length > 1) return [`${acting.length} act`];
    const other = this.#nodes.find((node) => node !== holder);
    return [
      ...(this.#umpire.split ? [] : complaintsOf(this.#rack, holder.state, this.#cordoned)),
      ...(other?.role === 'watching' ? [] : [`${other?.name} does not watch`]),
    ];
  }
}
