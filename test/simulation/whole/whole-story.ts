import type { Config } from '../../../services/config/schema.ts';
import type { Rack } from '../../../services/rack/rack.ts';
import type { Edges } from '../../../services/shutdown/executor.ts';
import { type Policy, policyOf } from '../../../services/shutdown/policy.ts';
import type { CoordinatorState, Effect, JournalEntry, Phase } from '../../../services/shutdown/state.ts';
import { drillEdges } from '../../../services/twin/drill/drill-edges.ts';
import { VirtualClock } from '../../../services/twin/drill/virtual-clock.ts';
import type { Check } from '../checks.ts';
import { Coverage } from '../coverage.ts';
import { someOrder } from '../orders.ts';
import { between, oneOf, type Random, random } from '../random.ts';
import { Watchman } from '../watchman.ts';
import { complaintsOf } from './complaints.ts';
import { FakeDisk } from './fake-disk.ts';
import { Ledger } from './ledger.ts';
import { LeftRunning } from './left-running.ts';
import { Life, type Remains, remainsOf } from './life.ts';
import { type MainsChange, mainsPlan } from './mains-plan.ts';
import { Onlooker } from './onlooker.ts';
import { packOutputs } from './pack-output.ts';
import { poll } from './polls.ts';
import { type Now, type Scene, sceneFor } from './scenes.ts';
import { troubledEdges } from './troubled-edges.ts';
import type { TroubledRack } from './troubled-rack.ts';
import { Active, CALLS, someTroubles, type Trouble } from './troubles.ts';
import { wholeConfig } from './whole-config.ts';
import { socNotes, WALL_MS, wholeRack } from './whole-rack.ts';
import { Workloads } from './workloads.ts';

/** One life of a rack in which everything that is real runs: judge, count of charge, coordinator, executor, journal. */

export interface WholeStory {
  readonly seed: number;
  readonly violations: readonly string[];
  /** What is wrong at the end, when mains has been back for long. */
  readonly complaints: readonly string[];
  readonly timeline: readonly string[];
  readonly kills: number;
  readonly orders: number;
  readonly simulatedS: number;
  readonly coverage: Coverage;
  /** Charge at each moment when everything was off, and whether the world had allowed to keep the reserve. */
  readonly dark: readonly { readonly socRatio: number; readonly fair: boolean }[];
}

/** A rule broken on purpose at the seams of the harness. */
export interface WholeMutation {
  readonly name: string;
  /** The check that must notice. */
  readonly breaks: Check;
  /** What is written of the entries of a turn. */
  readonly journal?: (entries: readonly JournalEntry[]) => readonly JournalEntry[];
  /** Nothing is flushed to the disk. */
  readonly lazyDisk?: boolean;
  readonly policy?: (policy: Policy) => Policy;
  /** What the coordinator is made to see. */
  readonly rack?: (rack: Rack) => Rack;
  /** Nothing goes on before somebody slow has taken its copy. */
  readonly waitsForSinks?: boolean;
  readonly neverScalesBack?: boolean;
  /** What the executor acts through. */
  readonly edges?: (edges: Edges) => Edges;
}

const QUIET_S = 1500;
const TROUBLE_S = 120;
const PEACE_S = 30;
const SOC_NOTE_S = 30;
const SLOW_SINK_MS = 20_000;
const DOWN_S = [1, 25] as const;

/** Runs one story to its end; the seed fixes everything. */
export async function runWholeStory(seed: number, mutation: Partial<WholeMutation> = {}): Promise<WholeStory> {
  const story = new Telling(seed, mutation);
  await story.run();
  return story.told();
}

type Doom = 'before' | 'after' | 'flush';

class Telling {
  readonly #seed: number;
  readonly #mutation: Partial<WholeMutation>;
  readonly #rng: Random;
  readonly #config: Config;
  readonly #policy: Policy;
  readonly #coverage = new Coverage();
  readonly #active: Active;
  readonly #rack: TroubledRack;
  readonly #clock: VirtualClock;
  readonly #watchman: Watchman;
  readonly #remains: Remains;
  readonly #mains: readonly MainsChange[];
  readonly #scene: Scene;
  readonly #troubles: { readonly trouble: Trouble; begunS?: number; done: boolean }[];
  readonly #hang = new Set<string>();
  readonly #stuck = new Set<string>();
  readonly #personCordoned = new Set<string>();
  readonly #ledger = new Ledger();
  readonly #leftRunning = new LeftRunning();
  readonly #workloads = new Workloads();
  readonly #onlooker: Onlooker;
  readonly #timeline: (() => string)[] = [];
  readonly #dark: { socRatio: number; fair: boolean }[] = [];
  readonly #fair: boolean;
  #life: Life | undefined;
  #bornAgainS = 0;
  #doom: { readonly how: Doom; readonly byS: number } | undefined;
  #wallStepMs = 0;
  #flapUntilS = 0;
  #wanted = true;
  /** Mains by the scene's will, and until when. */
  #willed = { present: true, untilS: 0 };
  #bootDue = false;
  #phaseSinceS = 0;
  #kills = 0;
  #orders = 0;
  #unfair = false;

  constructor(seed: number, mutation: Partial<WholeMutation>) {
    this.#seed = seed;
    this.#mutation = mutation;
    const rng = random(seed * 7919 + 13);
    this.#rng = rng;
    const troubles = someTroubles(seed, rng);
    const { fault, phase } = troubles[0] ?? { fault: 'kill', phase: 'mains' };
    this.#scene = sceneFor(fault, phase);
    // A scene on battery is about what an outage has left to do.
    const deep = DEEP.has(phase) || (phase === 'on-battery' && this.#scene.direct !== undefined);
    this.#config = wholeConfig(rng, deep);
    const truth = policyOf(this.#config);
    this.#policy = mutation.policy?.(truth) ?? truth;
    this.#active = new Active(this.#coverage);
    this.#troubles = troubles.map((trouble) => ({ trouble, done: false }));
    this.#mains = mainsPlan(rng, deep);
    for (const { id } of this.#config.hosts) if (rng() < 0.04) this.#personCordoned.add(id);
    const truthRatio = rng() < 0.25 ? 0.75 + rng() * 0.25 : 1;
    this.#fair = truthRatio > 0.97;
    this.#clock = new VirtualClock(WALL_MS);
    this.#rack = wholeRack({
      config: this.#config,
      rng,
      seed,
      active: this.#active,
      hang: this.#hang,
      stuck: this.#stuck,
      cordoned: this.#personCordoned,
      truthRatio,
    });
    this.#rack.forced = (host) => this.#life?.state.hosts[host]?.forced ?? false;
    // What ran when it was switched off is another matter: see `#outputs`.
    this.#rack.outputIsOff = () => (this.#life?.state.outputsOff ?? []).length > 0;
    this.#watchman = new Watchman(this.#policy);
    this.#onlooker = new Onlooker(this.#config);
    const disk = new FakeDisk();
    disk.diesInFlush = () => this.#diesInFlush();
    disk.lazy = mutation.lazyDisk ?? false;
    disk.refused = () => this.#active.bit('disk-full');
    this.#remains = remainsOf(disk, socNotes(this.#config, this.#rack));
  }

  async run(): Promise<void> {
    const lastS = this.#mains.at(-1)?.atS ?? 0;
    let peaceS = 0;
    for (let atS = 0; atS < lastS + QUIET_S && peaceS < PEACE_S; atS += 1) {
      const inTrouble = atS < lastS + TROUBLE_S;
      for (const change of this.#mains) if (change.atS === atS) this.#wanted = change.present;
      if (!inTrouble) this.#calmDown();
      const wanted = atS < this.#willed.untilS ? this.#willed.present : this.#wanted;
      this.#rack.setMainsIfOther(wanted !== atS < this.#flapUntilS);
      this.#rack.step(1);
      const { state } = this.#life ?? {};
      this.#enter(atS, state);
      if (inTrouble) this.#direct(atS);
      if (inTrouble) for (const each of this.#troubles) this.#trouble(each, atS);
      this.#beset(atS);
      await this.#live(atS);
      const settled = !inTrouble && this.#life !== undefined && this.#complaints().length === 0;
      peaceS = settled ? peaceS + 1 : 0;
    }
  }

  told(): WholeStory {
    return {
      seed: this.#seed,
      violations: [this.#rack, this.#watchman, this.#ledger, this.#leftRunning, this.#onlooker].flatMap(
        (each) => each.violations,
      ),
      complaints: this.#complaints(),
      timeline: this.#timeline.map((line) => line()),
      kills: this.#kills,
      orders: this.#orders,
      simulatedS: Math.round(this.#rack.timeS),
      coverage: this.#coverage,
      dark: this.#dark,
    };
  }

  #enter(atS: number, state: CoordinatorState | undefined): void {
    const phase = state?.phase ?? this.#active.phase;
    if (phase !== this.#active.phase) {
      this.#phaseSinceS = atS;
      if (phase === 'dark') {
        const { socRatio } = this.#rack.bank;
        this.#dark.push({ socRatio, fair: this.#fair && !this.#unfair });
      }
    }
    this.#active.move(atS, phase);
    if (state !== undefined && this.#life !== undefined) {
      this.#watchman.looks(state, this.#rack);
      this.#leftRunning.looks(atS, state, this.#rack);
      this.#excuse(state);
    }
  }

  #excuse(state: CoordinatorState): void {
    const skipped = Object.entries(state.hosts).flatMap(([id, host]) => (host.skipped ? [id] : []));
    const before = state.phase === 'mains' ? [] : this.#rack.excused;
    this.#rack.excused = new Set([...before, ...skipped]);
  }

  #calmDown(): void {
    this.#active.end();
    this.#flapUntilS = 0;
    this.#willed = { present: true, untilS: 0 };
    this.#doom = undefined;
    this.#remains.disk.full = false;
    this.#rack.stepW = 0;
  }

  /** Begins what is due in this phase. */
  #trouble(each: { readonly trouble: Trouble; done: boolean }, atS: number): void {
    const { trouble } = each;
    if (each.done || this.#active.phase !== trouble.phase || atS - this.#phaseSinceS < trouble.afterS) return;
    // A rack in peace begins later: there has to be something to disturb.
    if (trouble.phase === 'mains' && atS < 30) return;
    const now = this.#now(atS);
    if (each === this.#troubles[0] && this.#scene.ready !== undefined && (now === undefined || !this.#scene.ready(now)))
      return;
    each.done = true;
    this.#say(`${trouble.fault} for ${trouble.forS} s`);
    this.#active.begin(trouble.fault, trouble.forS);
    // On mains nothing is asked of anybody, unless a stage is rehearsed.
    if (trouble.phase === 'mains' && CALLS.has(trouble.fault))
      this.#life?.order({ kind: 'rehearse', stage: oneOf(this.#rng, ['batch', 'workers']), depth: 'whole' });
    this.#strike(trouble, atS);
    // In the dark nothing is written, unless somebody says something.
    if (trouble.phase === 'dark' && trouble.fault === 'disk-full') this.#life?.order({ kind: 'unskip', host: 'pi1' });
  }

  #now(atS: number): Now | undefined {
    const { state } = this.#life ?? {};
    if (state === undefined) return undefined;
    return { phase: this.#active.phase, phaseS: atS - this.#phaseSinceS, state, rack: this.#rack };
  }

  #direct(atS: number): void {
    const now = this.#now(atS);
    if (now === undefined) return;
    this.#scene.direct?.(now, {
      order: (command) => {
        this.#unfair = true;
        this.#say(JSON.stringify(command));
        this.#life?.order(command);
      },
      mains: (present, forS) => {
        this.#unfair = true;
        this.#willed = { present, untilS: atS + forS };
      },
      begin: (fault, forS) => {
        this.#active.begin(fault, forS);
        this.#strike({ fault, forS }, atS);
      },
      restartSwitch: () => this.#strike({ fault: 'switch-restarts', forS: 0 }, atS),
    });
  }

  #strike({ fault, forS }: Pick<Trouble, 'fault' | 'forS'>, atS: number): void {
    const { disk } = this.#remains;
    switch (fault) {
      case 'flap':
        this.#flapUntilS = atS + Math.min(forS, 25);
        this.#unfair = true;
        this.#active.bit('flap');
        return;
      case 'load-step':
        this.#rack.stepW = between(this.#rng, 10, 60);
        this.#unfair = true;
        this.#active.bit('load-step');
        return;
      case 'switch-restarts':
        this.#rack.restartSwitch(oneOf(this.#rng, ['sw1', 'sw2']));
        this.#watchman.forgive();
        this.#active.bit('switch-restarts');
        return;
      case 'host-boots-itself':
        this.#bootDue = true;
        return;
      case 'clock-step':
        this.#wallStepMs += oneOf(this.#rng, [-86_400_000, -3_600_000, -90_000, 45_000, 600_000, 86_400_000]);
        this.#active.bit('clock-step');
        return;
      case 'disk-full':
        disk.full = true;
        return;
      case 'kill':
        this.#doom = { how: this.#rng() < 0.5 ? 'before' : 'after', byS: atS + Math.min(forS, 30) };
        return;
      case 'torn-write':
        this.#doom = { how: 'flush', byS: atS + Math.min(forS, 30) };
        return;
      case 'order':
        this.#order();
        return;
      default:
        this.#unfair = true;
        return;
    }
  }

  #order(): void {
    const { state } = this.#life ?? {};
    if (state === undefined) return;
    const names = this.#policy.stages.map(({ name }) => name);
    const command = someOrder(this.#rng, state, names, this.#rack.visible(), true);
    this.#orders += 1;
    this.#unfair = true;
    this.#active.bit('order');
    this.#say(JSON.stringify(command));
    this.#life?.order(command);
  }

  /** What lasts is put on and taken off. */
  #beset(atS: number): void {
    this.#hang.clear();
    if (this.#active.on('deaf-host')) for (const id of ['pi1', 'cp2', 'nuc']) this.#hang.add(id);
    this.#stuck.clear();
    if (this.#active.on('pdb-never-opens')) for (const id of ['pi1', 'pi3', 'cp1']) this.#stuck.add(id);
    if (!this.#active.on('disk-full')) this.#remains.disk.full = false;
    // Who has shut down by hand brings it back by hand.
    if (this.#life?.state.orderedDown !== undefined && !this.#active.on('order') && atS % 30 === 0)
      this.#life.order({ kind: 'abort' });
    if (!this.#active.on('load-step')) this.#rack.stepW = 0;
    if (this.#active.on('order') && atS % 9 === 0) this.#order();
    if (this.#doom !== undefined && atS >= this.#doom.byS)
      this.#die(this.#doom.how === 'flush' ? 'torn-write' : 'kill');
    if (this.#active.on('brown-out')) this.#active.bit('brown-out');
    if (this.#bootDue && this.#active.on('host-boots-itself')) this.#bootDue = !this.#rack.bootByItself();
  }

  async #live(atS: number): Promise<void> {
    if (this.#life === undefined && atS >= this.#bornAgainS) this.#beBorn();
    const life = this.#life;
    this.#onlooker.looks(atS, life !== undefined);
    if (life !== undefined) {
      poll({
        config: this.#config,
        rack: this.#rack,
        active: this.#active,
        store: life.store,
        atS,
        phase: life.state.phase,
        wallMs: life.clock.wallMs(),
        heard: (kind, id) => this.#onlooker.heard(kind, id),
      });
      if (atS % SOC_NOTE_S === 0) this.#remains.soc = life.store.socNotes();
    }
    await this.#clock.advance(1000);
  }

  #beBorn(): void {
    const offsetMs = between(this.#rng, 0, 1e7);
    const clock = {
      monoMs: () => this.#clock.monoMs(),
      wallMs: () => this.#clock.wallMs() + this.#wallStepMs,
      sleep: async (ms: number, signal?: AbortSignal) => {
        await this.#clock.sleep(ms, signal);
        if (this.#mutation.waitsForSinks === true) await this.#clock.sleep(SLOW_SINK_MS);
      },
    };
    const times = { callS: 0.3, portS: 1.5, drainS: 3 };
    const life = new Life({
      config: this.#config,
      policy: this.#policy,
      clock,
      offsetMs,
      remains: this.#remains,
      edges: (self) => {
        const drill = drillEdges(this.#config, this.#rack, self.clock, times);
        const scalesBack = this.#mutation.neverScalesBack !== true;
        const cluster = drill.cluster && this.#workloads.around(drill.cluster, this.#rack, self.clock, scalesBack);
        const edges = troubledEdges(
          { ...drill, ...(cluster === undefined ? {} : { cluster }), packs: this.#outputs(self) },
          {
            clock: self.clock,
            rng: this.#rng,
            active: this.#active,
            rack: this.#rack,
            before: (kind, subjects) => this.#beforeCall(self, kind, subjects),
            after: () => {
              if (this.#doom?.how === 'after' && self.alive) this.#die('kill');
            },
            alive: () => self.alive,
          },
        );
        return this.#mutation.edges?.(edges) ?? edges;
      },
      saw: (self, entries) => this.#saw(self, entries),
      told: (snapshot) => this.#onlooker.feed.publish(snapshot),
      sees: this.#mutation.rack ?? ((rack) => rack),
      ordered: (_life, command, author) => this.#ledger.ordered(this.#remains.disk, command, author, this.#rack.timeS),
      writes: this.#mutation.journal ?? ((entries) => entries),
    });
    this.#life = life;
    this.#ledger.begins(this.#remains.disk, this.#rack.timeS);
    this.#say('a process begins');
    life.start();
  }

  #outputs(life: Life): NonNullable<Edges['packs']> {
    return packOutputs(this.#config, this.#rack, life, (pack) =>
      this.#ledger.called(this.#remains.disk, 'output', [pack], this.#rack.timeS),
    );
  }

  #saw(life: Life, entries: readonly JournalEntry[]): void {
    this.#watchman.saw(life.state, entries, this.#rack);
    for (const entry of entries) if (entry.kind !== 'outcome') this.#say(entry);
  }

  #beforeCall(life: Life, kind: Effect['kind'], subjects: readonly string[]): void {
    if (!life.alive) return;
    if (this.#doom?.how === 'before') {
      this.#die('kill');
      return;
    }
    this.#ledger.called(this.#remains.disk, kind, subjects, this.#rack.timeS);
  }

  #diesInFlush(): boolean {
    if (this.#doom?.how !== 'flush' || this.#life === undefined) return false;
    this.#die('torn-write');
    return true;
  }

  #die(fault: 'kill' | 'torn-write'): void {
    this.#doom = undefined;
    if (this.#life === undefined) return;
    this.#life.alive = false;
    this.#life = undefined;
    this.#kills += 1;
    this.#active.bit(fault);
    this.#say('the process dies');
    this.#remains.disk.crash(this.#rng);
    this.#bornAgainS = Math.round(this.#rack.timeS) + between(this.#rng, ...DOWN_S);
  }

  #say(what: string | JournalEntry): void {
    const { mains, timeS, bank } = this.#rack;
    const { socRatio } = bank;
    const { phase } = this.#active;
    this.#timeline.push(() => {
      const soc = (socRatio * 100).toFixed(0);
      const text = typeof what === 'string' ? what : JSON.stringify(what);
      return `${String(Math.round(timeS)).padStart(5)} ${mains ? 'mains' : 'battery'} ${soc} % ${phase}: ${text}`;
    });
  }

  #complaints(): string[] {
    const { state } = this.#life ?? {};
    if (state === undefined) return ['nobody is there'];
    return [...complaintsOf(this.#rack, state, this.#personCordoned), ...this.#workloads.complaints()];
  }
}

/** Phases that an outage reaches only when it lasts. */
const DEEP: ReadonlySet<Phase> = new Set<Phase>(['shutting-down', 'dark', 'restoring']);
