import type { BankView, Observed, Rack } from '../../../services/rack/rack.ts';
import type { PortSample } from '../../../services/rack/samples.ts';
import type { HostPolicy, Policy, StagePolicy } from '../../../services/shutdown/policy.ts';

/** A rack of six hosts as plain numbers: what the coordinator would see, set by hand, never by a device. */

export const WALL_0 = Date.UTC(2026, 0, 2, 3, 4, 5);
export const START_MS = 1_000_000;

export interface HostSketch {
  reachable?: boolean | undefined;
  powerW?: number | undefined;
  enabled?: boolean | undefined;
  portState: PortSample['state'];
  asSet?: string;
  ready: 'true' | 'false' | 'unknown';
  bootId?: string | undefined;
  heartbeatAtMs?: number | undefined;
  unschedulable?: boolean;
  cordonedBy?: string;
}

const awake = (): HostSketch => ({
  reachable: true,
  powerW: 7,
  enabled: true,
  portState: 'delivering',
  ready: 'true',
  bootId: 'boot-1',
});

export function hostPolicy(id: string, stage: string, more: Partial<HostPolicy> = {}): HostPolicy {
  return {
    id,
    cuttable: true,
    canHalt: true,
    canWake: false,
    protected: false,
    powerW: 10,
    haltTimeoutS: 60,
    bootTimeoutS: 120,
    offAfterSilenceS: 20,
    stage,
    ...more,
  };
}

const node = (id: string, stage: string, port: number, more: Partial<HostPolicy> = {}): HostPolicy =>
  hostPolicy(id, stage, { node: id, switchId: 'sw1', port: String(port), ...more });

export interface PolicyChange {
  readonly hosts?: Readonly<Record<string, Partial<HostPolicy>>>;
  readonly stages?: Readonly<Record<string, Partial<StagePolicy>>>;
  readonly restore?: Partial<Policy['restore']>;
}

/** batch: b1 b2, workers: w1 w2, control-plane: cp1 cp2; one port each on sw1. */
export function smallPolicy(change: PolicyChange = {}): Policy {
  const hosts = [
    node('b1', 'batch', 1),
    node('b2', 'batch', 2),
    node('w1', 'workers', 3),
    node('w2', 'workers', 4),
    node('cp1', 'control-plane', 5),
    node('cp2', 'control-plane', 6),
  ];
  const stages = ['batch', 'workers', 'control-plane'].map((name) => ({
    name,
    hosts: hosts.filter(({ stage }) => stage === name).map(({ id }) => id),
    drainTimeoutS: 90,
    pdbGraceS: 15,
    ...change.stages?.[name],
  }));
  return {
    hosts: Object.fromEntries(hosts.map((host) => [host.id, { ...host, ...change.hosts?.[host.id] }])),
    stages,
    hasCluster: true,
    reserveRatio: 0.1,
    margin: 1.5,
    expectS: { cordon: 2, drain: 10, halt: 10, cut: 2 },
    restore: {
      stableForS: 30,
      minSoc: 0.2,
      groupSize: 2,
      groupEveryS: 10,
      offTimeS: 5,
      uncordonShare: 0,
      uncordonPatienceS: 0,
      ...change.restore,
    },
    circuitLimitA: 16,
    circuitVolts: 110,
  };
}

/** Changed freely between two snapshots. */
export class RackSketch {
  nowMs = START_MS;
  /** Wall clock minus monotonic clock. */
  wallOffsetMs = WALL_0 - START_MS;
  verdict: Rack['mains']['verdict'] = 'present';
  verdictSinceMs = 0;
  leaning: Rack['mains']['leaning'] | undefined;
  bank: BankView = {
    complete: true,
    freshness: 'fresh',
    measuredAtMs: START_MS,
    powerW: -100,
    socRatio: 0.9,
    usableWh: 900,
    usableLowWh: 880,
    fullWh: 1000,
  };
  circuit: Rack['circuit'] = { limitA: 16, freshness: 'absent' };
  budgetW: number | undefined = 400;
  drawnW = 42;
  /** When the latest readings of switch and probes came in; undefined: with every snapshot. */
  readAtMs: number | undefined;
  /** When the latest probes came in, where they come at other times than the readings of the switch. */
  probedAtMs: number | undefined;
  switchFreshness: 'fresh' | 'stale' | 'absent' = 'fresh';
  probesFreshness: 'fresh' | 'stale' | 'absent' = 'fresh';
  clusterFreshness: 'fresh' | 'stale' | 'absent' = 'fresh';
  /** The API server's clock minus ours. */
  serverAheadMs = 0;
  readonly hosts: Record<string, HostSketch>;
  readonly #policy: Policy;

  constructor(policy: Policy) {
    this.#policy = policy;
    this.hosts = Object.fromEntries(Object.keys(policy.hosts).map((id) => [id, awake()]));
  }

  host(id: string): HostSketch {
    const host = this.hosts[id];
    if (host === undefined) throw new Error(`no host ${id}`);
    return host;
  }

  setMains(verdict: Rack['mains']['verdict']): void {
    this.verdict = verdict;
    this.verdictSinceMs = this.nowMs;
  }

  /** Its port measures nearly nothing and it does not answer. */
  asleep(id: string): void {
    Object.assign(this.host(id), { powerW: 1.1, reachable: false });
  }

  /** It runs: draws, answers, and is Ready with another boot id. */
  booted(id: string, bootId: string): void {
    Object.assign(this.host(id), { ...awake(), bootId });
  }

  snapshot(): Rack {
    const wallMs = this.nowMs + this.wallOffsetMs;
    const receivedAtMs = this.readAtMs ?? this.nowMs;
    const seen = <S>(freshness: 'fresh' | 'stale' | 'absent', sample: S, atMs = receivedAtMs): Observed<S> =>
      freshness === 'absent' ? { freshness } : { freshness, sample, receivedAtMs: atMs, ageMs: this.nowMs - atMs };
    const policies = Object.values(this.#policy.hosts);
    const ports = policies.flatMap(({ id, port }): PortSample[] => {
      const { powerW, enabled, portState, asSet } = this.host(id);
      if (port === undefined) return [];
      return [
        {
          port,
          state: portState,
          ...(powerW === undefined ? {} : { powerW }),
          ...(enabled === undefined ? {} : { enabled }),
          ...(asSet === undefined ? {} : { asSet }),
        },
      ];
    });
    const probed = policies.filter(({ id }) => this.host(id).reachable !== undefined);
    return {
      wallMs,
      monoMs: this.nowMs,
      packs: {},
      bank: this.bank,
      meters: {},
      switches: {
        sw1: seen(this.switchFreshness, {
          kind: 'switch',
          measuredAtMs: wallMs,
          ...(this.budgetW === undefined ? {} : { budgetW: this.budgetW }),
          drawnW: this.drawnW,
          totalTrusted: true,
          ports,
        }),
      },
      hosts: Object.fromEntries(
        probed.map(({ id }) => [
          id,
          seen(
            this.probesFreshness,
            { kind: 'host' as const, measuredAtMs: wallMs, reachable: this.host(id).reachable === true },
            this.probedAtMs,
          ),
        ]),
      ),
      cluster: seen(this.clusterFreshness, {
        kind: 'cluster',
        measuredAtMs: wallMs,
        serverNowMs: wallMs + this.serverAheadMs,
        nodes: policies.flatMap(({ id, node }) => {
          if (node === undefined) return [];
          const { ready, bootId, heartbeatAtMs, unschedulable = false, cordonedBy } = this.host(id);
          return [
            {
              name: node,
              ready,
              unschedulable,
              ...(cordonedBy === undefined ? {} : { cordonedBy }),
              evictablePods: 3,
              controlPlane: id.startsWith('cp'),
              ...(bootId === undefined ? {} : { bootId }),
              ...(heartbeatAtMs === undefined ? {} : { heartbeatAtMs }),
            },
          ];
        }),
      }),
      mains: {
        verdict: this.verdict,
        sinceMs: this.verdictSinceMs,
        votes: [],
        disputed: false,
        ...(this.leaning === undefined ? {} : { leaning: this.leaning }),
      },
      circuit: this.circuit,
      alarms: [],
    };
  }
}
