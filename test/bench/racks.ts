import { type Config, configSchema } from '../../services/config/schema.ts';
import type { NodeSample, PortSample } from '../../services/rack/samples.ts';
import { RackStore } from '../../services/rack/store.ts';
import type { Clock } from '../../services/runtime/clock.ts';
import { decide } from '../../services/shutdown/decide.ts';
import { initialState } from '../../services/shutdown/evolve.ts';
import { picture } from '../../services/shutdown/picture.ts';
import { type Policy, policyOf } from '../../services/shutdown/policy.ts';
import { emptyWatch } from '../../services/shutdown/turn.ts';
import type { Snapshot } from '../../services/shutdown/view.ts';
import { demoRack, type RackPlan } from '../../services/twin/demo-rack.ts';
import { rackConfig, snmpFace } from '../../services/twin/rack-config.ts';
import { createWorld } from '../../services/twin/world.ts';

/** A rack that stands still: real configuration, real store, samples that were put there by hand. */
export interface BenchRack {
  readonly config: Config;
  readonly policy: Policy;
  readonly store: RackStore;
  /** Everything a sink is given, with mains present. */
  readonly snapshot: Snapshot;
  /** Mains is away from here on. */
  outage(): void;
}

const WALL_MS = Date.parse('2025-03-01T12:00:00Z');

/** The demonstration's rack; with more nodes than its twenty, the others join its workers on a bigger switch. */
export function benchRack(nodes: number): BenchRack {
  const plan = nodes === 20 ? demoRack() : withNodes(demoRack(), nodes);
  const config = configOf(plan);
  const policy = policyOf(config);
  const clock = handClock();
  const store = new RackStore(config, clock);
  const measure = (mains: boolean): void => sampleAll(store, config, plan, mains);
  measure(true);
  const state = initialState(policy, clock.monoMs());
  store.snapshot();
  clock.pass(10_000);
  measure(true);
  const rack = store.snapshot();
  const { schedule } = decide({ state, watch: emptyWatch }, { kind: 'tick' }, rack, policy);
  const snapshot: Snapshot = {
    site: config.site.name,
    version: '0.1.0',
    rack,
    coordinator: picture(state, schedule, rack, policy),
    devices: store.health(),
    sinks: ['mqtt', 'influx'].map((sink) => ({ sink, up: true, sent: 1000, dropped: 0 })),
  };
  return {
    config,
    policy,
    store,
    snapshot,
    outage: () => {
      measure(false);
      store.snapshot();
      clock.pass(config.shutdown.confirmLoss * 1000 + 1000);
      measure(false);
    },
  };
}

export function withNodes(plan: RackPlan, nodes: number): RackPlan {
  const more = Array.from({ length: nodes - 20 }, (_, at) => at + 21);
  const [template] = plan.world.hosts;
  if (template === undefined) throw new Error('the demonstration has no hosts');
  const added = more.map((at) => ({
    ...template,
    id: `pi${at}`,
    node: `pi${at}`,
    port: String(at + 4),
    controlPlane: false,
  }));
  return {
    ...plan,
    world: {
      ...plan.world,
      switch: { ...plan.world.switch, ports: nodes + 4, budgetW: 20 * nodes },
      hosts: [...plan.world.hosts, ...added],
    },
    shutdown: {
      ...plan.shutdown,
      stages: (plan.shutdown.stages ?? []).map((stage) =>
        stage.name === 'workers' ? { ...stage, hosts: [...stage.hosts, ...added.map(({ id }) => id)] } : stage,
      ),
    },
  };
}

function configOf(plan: RackPlan): Config {
  const world = createWorld(plan.world);
  const ssh = { host: '127.0.0.1', port: 22, user: 'ops', keyFile: 'key', fingerprint: `SHA256:${'A'.repeat(43)}` };
  const faces = {
    bms: { tcp: '127.0.0.1:4001' },
    meter: { modbusTcp: '127.0.0.1:502', unit: 1 },
    switch: snmpFace('127.0.0.1', 161, 'community'),
    ssh: new Map(plan.world.hosts.map(({ id }) => [id, ssh])),
    wol: { address: '127.0.0.1', port: 9, macOf: () => '02:00:00:00:00:01' },
    kubeconfig: 'kubeconfig',
  };
  return configSchema.parse(rackConfig(plan, world, faces, 'state'));
}

interface HandClock extends Clock {
  pass(ms: number): void;
}

function handClock(): HandClock {
  let passedMs = 0;
  return {
    wallMs: () => WALL_MS + passedMs,
    monoMs: () => 3_600_000 + passedMs,
    sleep: () => Promise.resolve(),
    pass: (ms) => {
      passedMs += ms;
    },
  };
}

/** Everything says something plausible. */
function sampleAll(store: RackStore, config: Config, plan: RackPlan, mains: boolean): void {
  const measuredAtMs = WALL_MS;
  for (const { id, cells } of config.packs) {
    const currentA = mains ? 1.2 : -5.4;
    const cellV = mains ? 3.36 : 3.27;
    const refused = store.sampled('pack', id, {
      kind: 'pack',
      measuredAtMs,
      voltageV: cells * cellV,
      currentA,
      powerW: cells * cellV * currentA,
      socRatio: 0.63,
      remainingAh: 1.57,
      fullAh: 2.5,
      ratedAh: 2.5,
      cycles: 37,
      cellsV: Array.from({ length: cells }, (_, cell) => cellV + (cell % 5) * 0.001),
      temperaturesC: [24.1, 24.6, 25],
      balancingCells: [],
      chargeFetClosed: true,
      dischargeFetClosed: true,
      alarms: [],
      model: 'JBD-SP16S020',
    });
    if (refused !== undefined) throw new Error(`the fixture is refused: ${refused.message}`);
  }
  for (const { id } of config.meters) {
    const powerW = mains ? 412.5 : 0;
    store.sampled('meter', id, {
      kind: 'meter',
      measuredAtMs,
      voltageV: mains ? 109.8 : 0,
      currentA: powerW / 104,
      powerW,
      apparentVa: powerW / 0.95,
      powerFactor: 0.95,
      frequencyHz: mains ? 59.98 : 0,
      importWh: 12_345.6,
      exportWh: 0,
    });
  }
  const ports = Array.from({ length: plan.world.switch.ports ?? 24 }, (_, at) => portSample(config, String(at + 1)));
  for (const { id, budgetW } of config.switches) {
    store.sampled('switch', id, {
      kind: 'switch',
      measuredAtMs,
      ...(budgetW === undefined ? {} : { budgetW }),
      drawnW: ports.reduce((sum, { powerW = 0 }) => sum + powerW, 0),
      reservedW: 15.4 * config.hosts.length,
      totalTrusted: true,
      ports,
    });
  }
  for (const { id } of config.hosts) store.sampled('host', id, { kind: 'host', measuredAtMs, reachable: true });
  const nodes = plan.world.hosts.flatMap(({ node, controlPlane = false }): NodeSample[] =>
    node === undefined
      ? []
      : [
          {
            name: node,
            ready: 'true',
            unschedulable: false,
            bootId: `boot-${node}`,
            heartbeatAtMs: measuredAtMs,
            evictablePods: 6,
            controlPlane,
          },
        ],
  );
  store.sampled('cluster', 'cluster', { kind: 'cluster', measuredAtMs, serverNowMs: measuredAtMs, nodes });
}

function portSample(config: Config, port: string): PortSample {
  const host = config.hosts.find(({ poe }) => poe?.split('/')[1] === port);
  if (host === undefined) return { port, enabled: true, state: 'searching', priority: 'low', deniedCount: 0 };
  const { powerW } = host;
  return {
    port,
    enabled: true,
    state: 'delivering',
    powerW,
    voltageV: 53,
    currentA: powerW / 53,
    poeClass: 3,
    priority: 'low',
    deniedCount: 0,
  };
}
