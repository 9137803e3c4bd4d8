import type { Config } from '../config/schema.ts';
import { type ClockWindow, clockWindow } from './clock-window.ts';
import { haltedBelowW, type Learned } from './learned.ts';

/** The part of the configuration the coordinator decides by, with everything looked up and in seconds. */

export interface HostPolicy {
  readonly id: string;
  readonly node?: string;
  readonly switchId?: string;
  readonly port?: string;
  /** The port may be cut. */
  readonly cuttable: boolean;
  readonly canHalt: boolean;
  readonly canWake: boolean;
  readonly protected: boolean;
  /** Draw to assume where nothing measures it, W. */
  readonly powerW: number;
  readonly haltedBelowW?: number;
  /** The same as it was learned; it only ever makes the judgement stricter. */
  readonly learnedHaltedBelowW?: number;
  readonly haltTimeoutS: number;
  readonly bootTimeoutS: number;
  /** Silence on the network after which it counts as off where no watts tell, s. */
  readonly offAfterSilenceS: number;
  readonly stage?: string;
}

export interface StagePolicy {
  readonly name: string;
  readonly hosts: readonly string[];
  readonly afterS?: number;
  readonly belowSoc?: number;
  readonly belowRuntimeS?: number;
  readonly fasterThanPerH?: number;
  /** Times of day in which the stage goes down as soon as mains is away. */
  readonly windows?: readonly ClockWindow[];
  readonly drainTimeoutS: number;
  readonly pdbGraceS: number;
}

/** A charger whose current can be set, A on the battery's side. */
export interface ChargerPolicy {
  readonly normalA: number;
  readonly lowestA: number;
}

export interface Policy {
  readonly hosts: Readonly<Record<string, HostPolicy>>;
  readonly stages: readonly StagePolicy[];
  readonly hasCluster: boolean;
  readonly reserveRatio: number;
  readonly margin: number;
  /** What earlier outages and rehearsals have shown. */
  readonly learned?: Learned;
  readonly expectS: { readonly cordon: number; readonly drain: number; readonly halt: number; readonly cut: number };
  readonly restore: {
    readonly stableForS: number;
    readonly minSoc: number;
    readonly groupSize: number;
    readonly groupEveryS: number;
    readonly offTimeS: number;
    /** Share of the cluster's nodes that must be back before the first one takes pods, and how long it waits for them. */
    readonly uncordonShare: number;
    readonly uncordonPatienceS: number;
  };
  /** Switching the packs' outputs off when everything else is; absent: never. */
  readonly lastAct?: { readonly packs: readonly string[]; readonly afterDarkS: number };
  /** What may be switched in packs' boards; the others are only read. */
  readonly boards?: Readonly<Record<string, { readonly mosfets: boolean; readonly balancing: boolean }>>;
  /** IANA name of the zone the windows are in; the machine's own when absent. */
  readonly timeZone?: string;
  readonly circuitLimitA: number;
  readonly circuitVolts: number;
  readonly charger?: ChargerPolicy;
}

/** Reads the policy off a validated configuration. */
export function policyOf(config: Config): Policy {
  const hosts = hostPolicies(config);
  const { shutdown, site } = config;
  return {
    hosts,
    stages: shutdown.stages.map((stage, index) => {
      // Stages go down in order, so a trigger of a later stage is one of all before it.
      const onwards = shutdown.stages.slice(index);
      const afterS = Math.min(...onwards.map((each) => each.after ?? Number.POSITIVE_INFINITY));
      const belowSoc = Math.max(...onwards.map((each) => each.belowSoc ?? 0));
      const belowRuntimeS = Math.max(...onwards.map((each) => each.belowRuntime ?? 0));
      const fasterThanPerH = Math.min(...onwards.map((each) => each.fasterThan ?? Number.POSITIVE_INFINITY));
      const windows = onwards.flatMap(({ between }) => (between === undefined ? [] : [clockWindow(between)]));
      return {
        name: stage.name,
        hosts: stage.hosts,
        ...(Number.isFinite(afterS) ? { afterS } : {}),
        ...(belowSoc > 0 ? { belowSoc } : {}),
        ...(belowRuntimeS > 0 ? { belowRuntimeS } : {}),
        ...(Number.isFinite(fasterThanPerH) ? { fasterThanPerH } : {}),
        ...(windows.length > 0 ? { windows } : {}),
        drainTimeoutS: stage.drainTimeout,
        pdbGraceS: stage.pdbGrace,
      };
    }),
    hasCluster: config.cluster !== undefined,
    reserveRatio: shutdown.reserveRatio,
    margin: shutdown.margin,
    expectS: shutdown.expect,
    restore: {
      stableForS: shutdown.restore.stableFor,
      minSoc: shutdown.restore.minSoc,
      groupSize: shutdown.restore.groupSize,
      groupEveryS: shutdown.restore.groupEvery,
      offTimeS: shutdown.restore.offTime,
      uncordonShare: config.cluster?.uncordonShare ?? 0,
      uncordonPatienceS: config.cluster?.uncordonPatience ?? 0,
    },
    ...(shutdown.lastAct === undefined
      ? {}
      : { lastAct: { packs: shutdown.lastAct.packs, afterDarkS: shutdown.lastAct.afterDark } }),
    boards: Object.fromEntries(
      config.packs.flatMap(({ id, control }) => (control === undefined ? [] : [[id, control]])),
    ),
    ...(site.timeZone === undefined ? {} : { timeZone: site.timeZone }),
    circuitLimitA: site.circuit.breakerAmps * site.circuit.continuousRatio,
    circuitVolts: site.circuit.volts,
    ...(config.charger === undefined
      ? {}
      : { charger: { normalA: config.charger.normalA, lowestA: config.charger.lowestA } }),
  };
}

function hostPolicies(config: Config): Policy['hosts'] {
  const stageOf = new Map<string, string>();
  for (const stage of config.shutdown.stages) for (const id of stage.hosts) stageOf.set(id, stage.name);
  const protectedPorts = new Set(config.switches.flatMap((each) => each.protect.map((port) => `${each.id}/${port}`)));
  const hosts: Record<string, HostPolicy> = {};
  for (const host of config.hosts) {
    const [switchId, port] = host.poe?.split('/') ?? [];
    const stage = stageOf.get(host.id);
    hosts[host.id] = {
      id: host.id,
      ...(host.node === undefined || config.cluster === undefined ? {} : { node: host.node }),
      ...(switchId === undefined || port === undefined ? {} : { switchId, port }),
      cuttable: host.poe !== undefined && !host.protected && !protectedPorts.has(host.poe),
      canHalt: host.halt !== undefined,
      canWake: host.wake !== undefined,
      protected: host.protected,
      powerW: host.powerW,
      ...(host.haltedBelowW === undefined ? {} : { haltedBelowW: host.haltedBelowW }),
      haltTimeoutS: host.halt === undefined ? 0 : host.haltTimeout,
      bootTimeoutS: host.bootTimeout,
      offAfterSilenceS: host.offAfterSilence,
      ...(stage === undefined ? {} : { stage }),
    };
  }
  return hosts;
}

/** The policy with what was learned meanwhile. */
export function withLearned(policy: Policy, learned: Learned): Policy {
  const hosts = Object.fromEntries(
    Object.entries(policy.hosts).map(([id, { learnedHaltedBelowW: _, ...host }]) => {
      const belowW = haltedBelowW(learned, id);
      return [id, belowW === undefined ? host : { ...host, learnedHaltedBelowW: belowW }];
    }),
  );
  return { ...policy, hosts, learned };
}
