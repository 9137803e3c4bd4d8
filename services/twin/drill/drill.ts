import { packOf, socStart } from '#bms/model';
import type { Config } from '../../config/schema.ts';
import { circuitMeters } from '../../rack/circuit.ts';
import { HOST_PROBE_S, RackStore, type SocNote } from '../../rack/store.ts';
import { UserError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import { Coordinator } from '../../shutdown/coordinator.ts';
import { type Learned, nothingLearned, takenBy } from '../../shutdown/learned.ts';
import { policyOf } from '../../shutdown/policy.ts';
import type { CoordinatorState } from '../../shutdown/state.ts';
import type { JournalLine, Schedule } from '../../shutdown/view.ts';
import { drillEdges } from './drill-edges.ts';
import { type DrillFaults, DrillRack } from './drill-rack.ts';
import { MemoryJournal } from './memory-journal.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface DrillOptions {
  readonly config: Config;
  /** How long mains stays away, s; with no end the rack stays dark. */
  readonly outageS: number;
  /** State of charge at the beginning, 0..1, by pack; 1 where it is not named. */
  readonly socRatio?: Readonly<Record<string, number>>;
  /** How well a service that has run for long knows the charge (standard deviation); 0.05 when absent. */
  readonly socSigma?: number;
  /** Draw of hosts as measured, W; `powerW` of the configuration where it is not named. */
  readonly hostW?: Readonly<Record<string, number>>;
  /** What the bank feeds in all, W; the hosts and the losses on the way when absent. */
  readonly loadW?: number;
  /** What the packs really hold, as a share of what the configuration says; 1 when absent. */
  readonly truthRatio?: number;
  readonly learned?: Learned;
  readonly faults?: Partial<DrillFaults>;
  readonly seed?: number;
  /** Wall clock at the moment mains goes away, ms. */
  readonly wallMs: number;
  readonly onProgress?: (atS: number) => void;
  /** Ends the drill before its time. */
  readonly signal?: AbortSignal;
}

/** The rack at one moment of a drill; `atS` counts from the loss of mains. */
export interface DrillPoint {
  readonly atS: number;
  readonly socRatio: number;
  readonly loadW: number;
  readonly up: number;
}

export interface DrillStory {
  /** What was decided and found, `atS` from the loss of mains. */
  readonly events: readonly { readonly atS: number; readonly entry: JournalLine['entry'] }[];
  readonly points: readonly DrillPoint[];
  /** Hosts that lost power while they were running. */
  readonly casualties: DrillRack['casualties'];
  /** The schedule at the moment mains was lost. */
  readonly plan: Schedule | undefined;
  readonly state: CoordinatorState;
  readonly reserveRatio: number;
  /** Charge when the last host was off, 0..1; absent when it did not come to that. */
  readonly darkSocRatio?: number;
  /** Seconds after the loss until everything was as before; absent when that did not happen. */
  readonly backAfterS?: number;
  readonly endS: number;
}

const SETTLE_S = 90;
const LONGEST_RESTORE_S = 4 * 3600;
const POINT_EVERY_S = 30;
/** Mains must have been noticed to be back before peace means anything, s. */
const GRACE_S = 30;
/** Whatever still sleeps when the story is over wakes within this, ms. */
const WIND_UP_MS = 600_000;
const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/**
 * Plays an outage with somebody's own configuration: the real judge, count of charge, coordinator and executor, in
 * virtual time, on a rack in numbers.
 * @throws UserError when the configuration holds nothing to drill, and the reason of `signal` when that ends it
 */
export async function runDrill(options: DrillOptions): Promise<DrillStory> {
  const { config, outageS } = options;
  demand(config);
  const policy = policyOf(config);
  const startMs = options.wallMs - SETTLE_S * 1000;
  const clock = new VirtualClock(startMs);
  const rack = rackFor(options, startMs);
  const store = new RackStore(config, clock, countedBefore(options, rack, startMs));
  const journal = new MemoryJournal(() => clock.wallMs());
  let seen: { state: CoordinatorState; schedule: Schedule } | undefined;
  const times = { callS: 0.3, portS: 1.5, drainS: drainS(options) };
  const coordinator = new Coordinator({
    policy,
    ...(options.learned === undefined
      ? {}
      : { memory: { read: () => options.learned ?? nothingLearned, write: () => {} } }),
    edges: drillEdges(config, rack, clock, times),
    journal,
    rack: () => store.snapshot(),
    clock,
    log: silentLog,
    onDecision: (_rack, state, schedule) => {
      seen = { state, schedule };
    },
  });
  coordinator.start();
  const story = new Story(options, rack);
  for (let atS = -SETTLE_S; atS < outageS + LONGEST_RESTORE_S; atS += 1) {
    if (atS === 0) story.lost(seen?.schedule);
    if (atS >= outageS && !rack.mains) rack.setMains(true);
    rack.step(1);
    measure(config, rack, store, Math.round(rack.timeS), seen?.state.phase ?? 'mains');
    await clock.advance(1000);
    if (options.signal?.aborted || (seen !== undefined && story.isOver(atS, seen.state))) break;
  }
  await Promise.all([coordinator.stop(), clock.advance(WIND_UP_MS)]);
  options.signal?.throwIfAborted();
  return story.told(journal.lines, seen?.state ?? fail(), policy.reserveRatio);
}

/** What is kept of a drill while it runs. */
class Story {
  readonly #options: DrillOptions;
  readonly #rack: DrillRack;
  readonly #points: DrillPoint[] = [];
  #plan: Schedule | undefined;
  #darkSocRatio: number | undefined;
  #backAfterS: number | undefined;
  #endS = 0;

  constructor(options: DrillOptions, rack: DrillRack) {
    this.#options = options;
    this.#rack = rack;
  }

  lost(plan: Schedule | undefined): void {
    this.#plan = plan;
    this.#rack.setMains(false);
  }

  isOver(atS: number, state: CoordinatorState): boolean {
    this.#endS = atS;
    if (atS >= 0 && atS % POINT_EVERY_S === 0) this.#points.push(pointOf(atS, this.#rack));
    if (state.phase === 'dark' && this.#darkSocRatio === undefined) {
      this.#darkSocRatio = this.#rack.bank.socRatio;
      this.#points.push(pointOf(atS, this.#rack));
    }
    if (atS % 60 === 0) this.#options.onProgress?.(atS);
    const over = atS > this.#options.outageS + GRACE_S && state.phase === 'mains';
    if (over && state.runId === undefined) this.#backAfterS = atS;
    return over;
  }

  told(lines: readonly JournalLine[], state: CoordinatorState, reserveRatio: number): DrillStory {
    const { wallMs } = this.#options;
    return {
      events: lines.map((line) => ({ atS: Math.round((line.wallMs - wallMs) / 1000), entry: line.entry })),
      points: this.#points,
      casualties: this.#rack.casualties,
      plan: this.#plan,
      state,
      reserveRatio,
      ...(this.#darkSocRatio === undefined ? {} : { darkSocRatio: this.#darkSocRatio }),
      ...(this.#backAfterS === undefined ? {} : { backAfterS: this.#backAfterS }),
      endS: this.#endS,
    };
  }
}

/** A pack that was seen full some weeks ago. */
const SOC_SIGMA = 0.05;

/** What a service would remember of the packs; one that starts from nothing trusts no percentage and begins early. */
function countedBefore(options: DrillOptions, rack: DrillRack, wallMs: number): Record<string, SocNote> {
  const sigma = options.socSigma ?? SOC_SIGMA;
  const notes = options.config.packs.map((pack) => {
    const start = socStart(rack.packSample(pack.id), packOf(pack));
    return [pack.id, { soc: { ...start, sigma, countedSigma: sigma, anchor: 'full' as const }, wallMs }] as const;
  });
  return Object.fromEntries(notes);
}

function demand(config: Config): void {
  if (config.packs.length === 0)
    throw new UserError('there is no pack in this configuration to run down', 'describe it under packs:');
  if (config.shutdown.stages.length === 0)
    throw new UserError('there are no stages in this configuration', 'list your hosts under shutdown.stages');
}

const fail = (): never => {
  throw new Error('the coordinator never decided');
};

/** What a weak cell holds of the charge of the others. */
const WEAK_CELL = 0.6;

function rackFor(options: DrillOptions, wallMs: number): DrillRack {
  const { config, faults = {}, learned = nothingLearned } = options;
  const hostW = Object.fromEntries(config.hosts.map(({ id, powerW }) => [id, options.hostW?.[id] ?? powerW]));
  const hostsW = Object.values(hostW).reduce((sum, watts) => sum + watts, 0) / 0.8;
  const stages = config.shutdown.stages;
  const lastNodes = stages.toReversed().map(({ hosts }) => hosts.filter((id) => nodeOf(config, id) !== undefined));
  return new DrillRack({
    config,
    packs: config.packs.map((pack) => ({
      id: pack.id,
      spec: packOf(pack),
      socRatio: options.socRatio?.[pack.id] ?? 1,
      truthRatio: options.truthRatio ?? 1,
      ...(faults.weak?.has(pack.id) ? { weakCellRatio: WEAK_CELL } : {}),
    })),
    hostW,
    otherW: options.loadW === undefined ? 0 : Math.max(0, options.loadW - hostsW),
    haltS: Object.fromEntries(
      stages.flatMap((stage) => {
        const usualS = takenBy(learned, 'halt', stage)?.medianS;
        return stage.hosts.map((id) => [id, usualS ?? config.shutdown.expect.halt * 0.6]);
      }),
    ),
    bootS: 45,
    // The control plane belongs into the last stage that holds nodes.
    controlPlane: new Set(lastNodes.find((ids) => ids.length > 0) ?? []),
    faults: {
      silent: faults.silent ?? new Set(),
      hang: faults.hang ?? new Set(),
      disobey: faults.disobey ?? new Set(),
      stuck: faults.stuck ?? new Set(),
    },
    seed: options.seed ?? 1,
    wallMs,
  });
}

const nodeOf = (config: Config, id: string): string | undefined => config.hosts.find((host) => host.id === id)?.node;

function drainS({ config, learned = nothingLearned }: DrillOptions): number {
  const usual = config.shutdown.stages.map((stage) => takenBy(learned, 'drain', stage)?.medianS);
  return Math.max(...usual.map((seconds) => seconds ?? config.shutdown.expect.drain));
}

/** How many meters measure the circuit together with this one. */
function sharing(config: Config, meter: string): number {
  const together = circuitMeters(config);
  return together.includes(meter) ? together.length : 1;
}

/** Everything that a poll would have brought in this second. */
function measure(config: Config, rack: DrillRack, store: RackStore, atS: number, phase: string): void {
  const due = (everyS: number): boolean => atS % Math.max(1, Math.round(everyS)) === 0;
  for (const { id, every } of config.packs)
    if (due(every) && !rack.silent(id)) store.sampled('pack', id, rack.packSample(id));
  for (const { id, every } of config.meters)
    if (due(every) && !rack.silent(id)) store.sampled('meter', id, rack.meterSample(sharing(config, id)));
  for (const { id, every, budgetW } of config.switches)
    if (due(every) && !rack.silent(id) && !rack.bank.open) store.sampled('switch', id, rack.switchSample(id, budgetW));
  const probeS = phase === 'mains' ? HOST_PROBE_S : 1;
  for (const { id } of config.hosts) if (due(probeS)) store.sampled('host', id, rack.hostSample(id));
  if (config.cluster !== undefined && due(config.cluster.every) && rack.apiAvailable)
    store.sampled('cluster', 'cluster', rack.clusterSample());
}

function pointOf(atS: number, rack: DrillRack): DrillPoint {
  const up = [...rack.machines.values()].filter(({ state }) => state === 'running').length;
  return { atS, socRatio: rack.bank.socRatio, loadW: rack.loadW, up };
}
