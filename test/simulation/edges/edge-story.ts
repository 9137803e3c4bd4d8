import { clusterOver } from '../../../services/cluster/cluster.ts';
import type { Config } from '../../../services/config/schema.ts';
import { controlledSwitch } from '../../../services/poe/port-control.ts';
import { HOST_PROBE_S } from '../../../services/rack/store.ts';
import { type Policy, policyOf } from '../../../services/shutdown/policy.ts';
import type { ClusterControl } from '../../../services/shutdown/promises.ts';
import { type ClusterWorld, createClusterWorld } from '../../../services/twin/cluster.ts';
import { Handler } from '../../../services/twin/devices/kubernetes-api/handler.ts';
import { failure } from '../../../services/twin/devices/kubernetes-api/status.ts';
import { drillEdges } from '../../../services/twin/drill/drill-edges.ts';
import { VirtualClock } from '../../../services/twin/drill/virtual-clock.ts';
import { Coverage } from '../coverage.ts';
import { between, oneOf, type Random, random } from '../random.ts';
import { Watchman } from '../watchman.ts';
import { complaintsOf } from '../whole/complaints.ts';
import { FakeDisk } from '../whole/fake-disk.ts';
import { Life, type Remains, remainsOf } from '../whole/life.ts';
import { type MainsChange, mainsPlan } from '../whole/mains-plan.ts';
import type { TroubledRack } from '../whole/troubled-rack.ts';
import { Active } from '../whole/troubles.ts';
import { wholeConfig } from '../whole/whole-config.ts';
import { socNotes, WALL_MS, wholeRack } from '../whole/whole-rack.ts';
import { fakePorts } from './fake-ports.ts';
import { MemoryRest, type Way } from './memory-rest.ts';
import { SmallCluster } from './small-cluster.ts';

/** One life of a rack in which the edges of the cluster and of the switches are the real ones, and all faults are theirs. */

export const EDGE_FAULTS = [
  'kill',
  'api-slow',
  'api-loses',
  'api-gone',
  'budget-stuck',
  'webhook',
  'switch-disobeys',
  'switch-fails',
  'switch-restarts',
] as const;
type EdgeFault = (typeof EDGE_FAULTS)[number];

export interface EdgeStory {
  readonly seed: number;
  readonly wrong: readonly string[];
  readonly timeline: readonly string[];
  readonly kills: number;
  readonly orders: number;
  readonly evictions: number;
  /** Workloads that were scaled to nothing. */
  readonly scaled: number;
  readonly coverage: Coverage;
}

/** A rule broken on purpose. */
export type EdgeMutation = (cluster: ClusterControl, world: ClusterWorld) => ClusterControl;

const QUIET_S = 1500;
const TROUBLE_S = 120;
const PEACE_S = 30;

/** Runs one story to its end; the seed fixes everything. Every fourth is without faults. */
export async function runEdgeStory(seed: number, mutation: EdgeMutation = (cluster) => cluster): Promise<EdgeStory> {
  const story = new Telling(seed, mutation);
  await story.run();
  return story.told();
}

interface Trouble {
  readonly fault: EdgeFault;
  readonly atS: number;
  readonly forS: number;
}

class Telling {
  readonly #seed: number;
  readonly #mutation: EdgeMutation;
  readonly #rng: Random;
  readonly #config: Config;
  readonly #policy: Policy;
  readonly #coverage = new Coverage();
  readonly #active = new Active(this.#coverage);
  readonly #rack: TroubledRack;
  readonly #clock = new VirtualClock(WALL_MS);
  readonly #small: SmallCluster;
  readonly #handler: Handler;
  readonly #watchman: Watchman;
  readonly #remains: Remains;
  readonly #mains: readonly MainsChange[];
  readonly #troubles: readonly Trouble[];
  readonly #timeline: string[] = [];
  #cordoned: ReadonlySet<string> = new Set();
  #on: ReadonlySet<EdgeFault> = new Set();
  #life: Life | undefined;
  #cluster: ClusterControl | undefined;
  #looking = false;
  #bornAgainS = 0;
  /** When a person orders everything down. */
  readonly #orderedS: number | undefined;
  #kills = 0;
  /** What was wrong when it last could be said. */
  #last: readonly string[] = ['nobody was there'];

  constructor(seed: number, mutation: EdgeMutation) {
    const rng = random(seed * 6151 + 7);
    this.#seed = seed;
    this.#mutation = mutation;
    this.#rng = rng;
    this.#config = edgeConfig(rng);
    this.#policy = policyOf(this.#config);
    this.#mains = mainsPlan(rng, true);
    const lastS = (this.#mains.at(-1)?.atS ?? 0) + TROUBLE_S;
    this.#troubles = seed % 4 === 0 ? [] : someTroubles(seed, rng, this.#mains, lastS);
    const all = this.#config.hosts.flatMap(({ node }) => (node === undefined ? [] : [node]));
    const share = rng() < 0.15 ? 1 : 0.05;
    this.#orderedS = rng() < 0.6 ? (this.#mains[0]?.atS ?? 0) + between(rng, 15, 60) : undefined;
    this.#cordoned = new Set(all.filter(() => rng() < share));
    this.#rack = wholeRack({
      config: this.#config,
      rng,
      seed,
      active: this.#active,
      hang: new Set(),
      stuck: new Set(),
      cordoned: new Set(),
      truthRatio: 1,
    });
    this.#rack.forced = (host) => this.#life?.state.hosts[host]?.forced ?? false;
    this.#watchman = new Watchman(this.#policy);
    const stuck = new Set(['web/shop', 'apps/db']);
    const none = new Set<string>();
    const rack = this.#rack;
    const world = {
      hosts: hostsOf(rack),
      get wallMs() {
        return WALL_MS + rack.timeS * 1000;
      },
      faults: { stuckBudgets: none as ReadonlySet<string> },
    };
    const isStuck = (): boolean => this.#on.has('budget-stuck') && this.#bit('budget-stuck');
    Object.defineProperty(world.faults, 'stuckBudgets', { get: () => (isStuck() ? stuck : none) });
    this.#small = new SmallCluster((plans) => createClusterWorld(world, { ...plans, seed }), this.#cordoned);
    this.#handler = new Handler(world, this.#small.cluster, {
      disturb: ({ method, path }) =>
        method === 'POST' && path.endsWith('/eviction') && this.#on.has('webhook') && this.#bit('webhook')
          ? failure(500, 'InternalError', 'Internal error occurred: failed calling webhook "guard.example": timeout')
          : undefined,
    });
    this.#remains = remainsOf(new FakeDisk(), socNotes(this.#config, this.#rack));
  }

  async run(): Promise<void> {
    const lastS = this.#mains.at(-1)?.atS ?? 0;
    let peaceS = 0;
    let present = true;
    for (let atS = 0; atS < lastS + QUIET_S && peaceS < PEACE_S; atS += 1) {
      for (const change of this.#mains) if (change.atS === atS) present = change.present;
      this.#rack.setMainsIfOther(present);
      this.#rack.step(1);
      this.#small.cluster.step(1);
      this.#enter(atS);
      this.#beset(atS);
      await this.#live(atS);
      const settled = atS > lastS + TROUBLE_S && this.#life !== undefined && this.#complaints().length === 0;
      peaceS = settled ? peaceS + 1 : 0;
    }
    this.#die();
    await this.#clock.advance(60_000);
  }

  told(): EdgeStory {
    return {
      seed: this.#seed,
      wrong: [...this.#rack.violations, ...this.#watchman.violations, ...this.#last],
      timeline: this.#timeline,
      kills: this.#kills,
      orders: this.#orderedS === undefined ? 0 : 1,
      evictions: this.#small.evictions,
      scaled: this.#small.scaled,
      coverage: this.#coverage,
    };
  }

  #enter(atS: number): void {
    const { state } = this.#life ?? {};
    this.#active.move(atS, state?.phase ?? this.#active.phase);
    if (state !== undefined) this.#watchman.looks(state, this.#rack);
    this.#small.looks();
  }

  #beset(atS: number): void {
    if (atS === this.#orderedS) this.#life?.order({ kind: 'begin' });
    this.#on = new Set(
      this.#troubles.filter((each) => atS >= each.atS && atS < each.atS + each.forS).map(({ fault }) => fault),
    );
    for (const { fault, atS: beginS, forS } of this.#troubles) {
      if (beginS !== atS) continue;
      this.#say(`${fault} for ${forS} s`);
      if (fault === 'switch-disobeys') this.#active.begin('switch-disobeys', forS);
      if (fault === 'kill' && this.#life !== undefined) {
        this.#bit('kill');
        this.#kills += 1;
        this.#die();
        this.#bornAgainS = atS + between(this.#rng, 1, 25);
      }
      if (fault === 'switch-restarts') {
        this.#bit('switch-restarts');
        this.#rack.restartSwitch(oneOf(this.#rng, ['sw1', 'sw2']));
        this.#watchman.forgive();
      }
    }
  }

  #die(): void {
    this.#last = this.#complaints();
    if (this.#life === undefined) return;
    this.#life.alive = false;
    void this.#cluster?.close();
    this.#life = undefined;
    this.#remains.disk.crash(this.#rng);
    this.#say('the process dies');
  }

  async #live(atS: number): Promise<void> {
    if (this.#life === undefined && atS >= this.#bornAgainS) this.#beBorn();
    if (this.#life !== undefined) this.#poll(atS, this.#life);
    if (atS % 3 === 0) this.#look();
    await this.#clock.advance(1000);
  }

  #poll(atS: number, { store, state }: Life): void {
    const rack = this.#rack;
    for (const { id } of this.#config.packs) store.sampled('pack', id, rack.packSample(id));
    for (const { id } of this.#config.meters) store.sampled('meter', id, rack.meterSample());
    const dead = rack.bank.open && !rack.mains;
    for (const { id, budgetW } of atS % 2 === 0 && !dead ? this.#config.switches : [])
      if (!rack.restarting(id)) store.sampled('switch', id, rack.switchSample(id, budgetW));
    const probeS = state.phase === 'mains' ? HOST_PROBE_S : 1;
    for (const { id } of atS % probeS === 0 ? this.#config.hosts : []) store.sampled('host', id, rack.hostSample(id));
  }

  #look(): void {
    const [life, cluster] = [this.#life, this.#cluster];
    if (this.#looking || life === undefined || cluster === undefined) return;
    this.#looking = true;
    const over = (): void => {
      if (this.#life === life) this.#looking = false;
    };
    void cluster.observe().then((sample) => {
      if (life.alive) life.store.sampled('cluster', 'cluster', sample);
      over();
    }, over);
  }

  #beBorn(): void {
    this.#looking = false;
    this.#life = new Life({
      config: this.#config,
      policy: this.#policy,
      clock: this.#clock,
      offsetMs: between(this.#rng, 0, 1e7),
      remains: this.#remains,
      edges: (life) => {
        const drill = drillEdges(this.#config, this.#rack, life.clock, { callS: 0.3, portS: 0, drainS: 0 });
        const switches = this.#config.switches.map((config) => {
          const fails = (): boolean => this.#on.has('switch-fails') && this.#rng() < 0.6 && this.#bit('switch-fails');
          const ports = fakePorts(config.id, this.#rack, life.clock, fails);
          const clocks = { clock: life.clock, wire: life.clock };
          return [config.id, controlledSwitch({ ...config, settle: 5 }, ports, clocks)] as const;
        });
        const rest = new MemoryRest({
          handler: this.#handler,
          cluster: this.#small.cluster,
          clock: life.clock,
          wallMs: () => this.#clock.wallMs(),
          way: () => this.#way(),
        });
        this.#cluster = this.#mutation(clusterOver(rest, this.#config.cluster ?? {}, life.clock), this.#small.cluster);
        return { hosts: drill.hosts, switches: Object.fromEntries(switches), cluster: this.#cluster };
      },
      saw: (life, entries) => {
        this.#watchman.saw(life.state, entries, this.#rack);
        for (const entry of entries) this.#say(JSON.stringify(entry));
      },
      ordered: () => {},
      writes: (entries) => entries,
    });
    this.#say('a process begins');
    this.#life.start();
  }

  #way(): Way {
    const gone = this.#on.has('api-gone') && this.#bit('api-gone');
    const lost = this.#on.has('api-loses') && this.#rng() < 0.3 && this.#bit('api-loses');
    const slow = this.#on.has('api-slow') && this.#bit('api-slow');
    return {
      gone: gone || !this.#small.cluster.apiAvailable,
      loses: lost ? oneOf(this.#rng, ['request', 'answer']) : undefined,
      delayMs: slow ? 1000 + this.#rng() * 5000 : 20,
    };
  }

  #bit(fault: EdgeFault): true {
    this.#coverage.saw(this.#active.phase, fault);
    return true;
  }

  #say(what: string): void {
    this.#timeline.push(`${String(Math.round(this.#rack.timeS)).padStart(5)} ${this.#active.phase}: ${what}`);
  }

  #complaints(): string[] {
    const { state } = this.#life ?? {};
    if (state === undefined) return ['nobody is there'];
    return [
      ...complaintsOf(this.#rack, state, new Set()),
      // An answer that was lost is asked for again: only then may a pod be evicted twice.
      ...this.#small.complaints(this.#troubles.length === 0),
    ];
  }
}

/** As in the whole simulation, with sizes that are mostly scaled. */
function edgeConfig(rng: Random): Config {
  const config = wholeConfig(rng, true);
  const { cluster, shutdown } = config;
  return {
    ...config,
    ...(cluster === undefined ? {} : { cluster: { ...cluster, stop: rng() < 0.8 ? 'scale' : 'evict' } }),
    shutdown: { ...shutdown, lastAct: undefined },
  };
}

/** Most of them begin when edges have something to do: after mains went or came back. */
function someTroubles(seed: number, rng: Random, mains: readonly MainsChange[], lastS: number): Trouble[] {
  const first = EDGE_FAULTS[seed % EDGE_FAULTS.length] ?? 'kill';
  const faults = [first, ...Array.from({ length: between(rng, 1, 4) }, () => oneOf(rng, EDGE_FAULTS))];
  return faults.map((fault) => {
    const atS = rng() < 0.3 ? between(rng, 5, lastS - 10) : oneOf(rng, mains).atS + between(rng, 5, 100);
    return { fault, atS, forS: Math.min(between(rng, 10, 120), lastS - atS) };
  });
}

function hostsOf(rack: TroubledRack) {
  const hosts = [...rack.machines.values()].map((machine) => ({
    id: machine.id,
    controlPlane: machine.id.startsWith('cp'),
    ...(machine.node === undefined ? {} : { node: machine.node }),
    get state() {
      return machine.state;
    },
    get bootId() {
      return machine.bootId;
    },
    get powerW() {
      return machine.powerW;
    },
    halt: () => machine.halt(),
    wake: () => machine.wake(),
  }));
  return new Map(hosts.map((host) => [host.id, host]));
}
