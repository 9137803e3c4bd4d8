import type { Clock } from '../../../services/runtime/clock.ts';
import type { Edges } from '../../../services/shutdown/executor.ts';
import type { ClusterControl, HostControl, Outcome, PoeSwitch } from '../../../services/shutdown/promises.ts';
import type { Effect } from '../../../services/shutdown/state.ts';
import type { Random } from '../random.ts';
import type { TroubledRack } from './troubled-rack.ts';
import type { Active } from './troubles.ts';

/** How long an edge waits for an answer that does not come, ms. */
const DEADLINE_MS = 15_000;

/** What surrounds every call. */
export interface Surroundings {
  readonly clock: Clock;
  readonly rng: Random;
  readonly active: Active;
  readonly rack: TroubledRack;
  /** Before a call reaches the outside: has its intent to be in the journal, and may the process die here? */
  before(kind: Effect['kind'], subjects: readonly string[]): void;
  /** After it has reached the outside and before anybody was told. */
  after(): void;
  alive(): boolean;
}

const timeout: Outcome = { code: 'timeout', detail: 'no answer' };

/** The edges of a drill, with calls that fail, hang and are cut short by the end of their process. */
export function troubledEdges(edges: Edges, around: Surroundings): Edges {
  const { cluster } = edges;
  return {
    hosts: map(edges.hosts, (host) => troubledHost(host, around)),
    switches: map(edges.switches, (poe) => troubledSwitch(poe, around)),
    ...(cluster === undefined ? {} : { cluster: troubledCluster(cluster, around) }),
    ...(edges.packs === undefined ? {} : { packs: edges.packs }),
  };
}

/** A process that has died hears nothing any more. */
function asLongAsAlive<T>(around: Surroundings, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    answer.then(
      (value) => {
        if (around.alive()) resolve(value);
      },
      (error: unknown) => {
        if (around.alive()) reject(error);
      },
    );
  });
}

interface Way {
  /** It does not get there, or only half the time. */
  readonly fails: boolean;
  readonly hangs: boolean;
  readonly slow: boolean;
}

async function call<T>(
  around: Surroundings,
  kind: Effect['kind'],
  subjects: readonly string[],
  way: Way,
  act: () => Promise<T>,
  failed: T,
): Promise<T> {
  const { clock, rng } = around;
  around.before(kind, subjects);
  if (!around.alive()) return new Promise(() => {});
  const acted = async (): Promise<T> => {
    if (way.hangs) {
      await clock.sleep(DEADLINE_MS);
      return failed;
    }
    if (way.slow) await clock.sleep(1000 + rng() * 9000);
    if (!way.fails) {
      const answer = await act();
      around.after();
      return answer;
    }
    // A call that failed for us may still have worked over there.
    if (rng() < 0.5) void act();
    await clock.sleep(3000);
    return failed;
  };
  return asLongAsAlive(around, acted());
}

const SOUND: Way = { fails: false, hangs: false, slow: false };

function troubledHost(host: HostControl, around: Surroundings): HostControl {
  const { active, rng, rack } = around;
  return {
    id: host.id,
    halt: () => {
      if (active.on('deaf-host') && rack.runs(host.id)) active.bit('deaf-host');
      const way = { ...SOUND, hangs: active.bites('ssh-hangs'), fails: rng() < 0.9 && active.bites('ssh-fails') };
      return call(around, 'halt', [host.id], way, () => host.halt(), timeout);
    },
    wake: () => call(around, 'wake', [host.id], SOUND, () => host.wake(), timeout),
    reachable: (signal) => host.reachable(signal),
  };
}

function troubledSwitch(poe: PoeSwitch, around: Surroundings): PoeSwitch {
  const { active, rack, rng } = around;
  return {
    id: poe.id,
    read: (signal) => poe.read(signal),
    setPorts: (ports, enabled, signal, asSet) => {
      const failed = ports.map((port) => ({ port, ...timeout }));
      const hosts = ports.map((port) => rack.at(`${poe.id}/${port}`)?.id ?? port);
      const fails = (rng() < 0.6 && active.bites('switch-fails')) || rack.restarting(poe.id);
      const way = { ...SOUND, fails };
      return call(
        around,
        enabled ? 'power' : 'cut',
        hosts,
        way,
        () => poe.setPorts(ports, enabled, signal, asSet),
        failed,
      );
    },
    close: () => poe.close(),
  };
}

function troubledCluster(cluster: ClusterControl, around: Surroundings): ClusterControl {
  const { active, rng } = around;
  const way = (): Way => {
    if (active.on('api-gone')) active.bit('api-gone');
    return { hangs: false, fails: rng() < 0.5 && active.bites('api-fails'), slow: active.bites('api-slow') };
  };
  return {
    observe: () => cluster.observe(),
    cordon: (node, runId) => call(around, 'cordon', [node], way(), () => cluster.cordon(node, runId), timeout),
    uncordon: (node, runId) => call(around, 'uncordon', [node], way(), () => cluster.uncordon(node, runId), timeout),
    drain: (nodes, options) => {
      const nothing = { evicted: 0, overridden: [], left: [], errors: ['no answer'] };
      if (active.on('pdb-never-opens')) active.bit('pdb-never-opens');
      return call(around, 'drain', nodes, way(), () => cluster.drain(nodes, options), nothing);
    },
    close: () => cluster.close(),
  };
}

const map = <A, B>(all: Readonly<Record<string, A>>, change: (each: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(all).map(([id, each]) => [id, change(each)]));
