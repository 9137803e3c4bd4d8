import {
  type Alarm,
  type BankMember,
  healthyAh,
  type MeterSample,
  modelAlarms,
  moduleAlarms,
  type PackSample,
  type PackSpec,
  packOf,
  partOf,
  plausible,
  presentShare,
  reckonedOn,
  remembered,
  type SocState,
  type StringMemory,
  socStart,
  socStep,
  type UpsSample,
  worn,
} from '#bms/model';
import { evidenceUpses } from '../config/nut.ts';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../runtime/clock.ts';
import type { PollFailure } from '../runtime/poller.ts';
import { rackAlarms } from './alarms.ts';
import { BankReckoner } from './bank-figure.ts';
import { viewCircuit } from './circuit.ts';
import { Ledger } from './ledger.ts';
import { MainsWatch } from './mains-watch.ts';
import { NOTHING_OFF, type OwnDoing } from './own-doing.ts';
import type { BankView, Failure, Observed, Rack } from './rack.ts';
import type { ClusterSample, HostSample, SwitchSample } from './samples.ts';
import { stageAlarms } from './stage-alarms.ts';
import { upsBank } from './ups-bank.ts';
import { followOrders, type Orders } from './ups-orders.ts';
import { feeding } from './ups-view.ts';

type AnySample = PackSample | MeterSample | UpsSample | SwitchSample | HostSample | ClusterSample;

/** What our own count of a pack's charge is, with the wall time it belongs to, ms. Survives restarts. */
export interface SocNote {
  readonly soc: SocState;
  readonly wallMs: number;
  /** Of a string of parallel modules. */
  readonly string?: StringMemory;
}

interface Pack {
  readonly spec: PackSpec;
  /** `spec` without what of it does not answer; the same object while that is the same. */
  present: PackSpec;
  string?: StringMemory;
  soc?: SocState;
  /** Monotonic ms of the sample the count is up to. */
  countedMs?: number;
  note?: SocNote;
  /** While it is silent: the charge of the others when that was first seen, 0..1. */
  othersSoc?: number;
}

const KINDS = ['pack', 'meter', 'ups', 'switch', 'host', 'cluster'] as const;
type Kind = (typeof KINDS)[number];

/**
 * Everything the poller brought in, and the one picture made of it. It keeps what needs memory (the count of charge,
 * the verdict on mains); all judgement is in pure functions.
 */
export class RackStore {
  readonly #config: Config;
  readonly #clock: Clock;
  readonly #ledgers: Readonly<Record<Kind, Ledger<AnySample>>>;
  readonly #packs = new Map<string, Pack>();
  readonly #mains: MainsWatch;
  #ownDoing: OwnDoing = NOTHING_OFF;
  #orders: Orders = {};
  readonly #reckoner = new BankReckoner();
  #bank: BankView = { complete: false, freshness: 'absent' };

  constructor(config: Config, clock: Clock, notes: Readonly<Record<string, SocNote>> = {}) {
    this.#config = config;
    this.#clock = clock;
    this.#mains = new MainsWatch(config, clock.monoMs());
    this.#ledgers = {
      pack: new Ledger(config.packs),
      meter: new Ledger(config.meters),
      ups: new Ledger([...config.ups, ...evidenceUpses(config.mains.evidence)]),
      switch: new Ledger(config.switches),
      host: new Ledger(config.hosts.map(({ id }) => ({ id, every: HOST_PROBE_S }))),
      cluster: new Ledger(config.cluster === undefined ? [] : [{ id: 'cluster', ...config.cluster }]),
    };
    for (const pack of config.packs) {
      const note = notes[pack.id];
      const spec = packOf(pack);
      const string = note?.string === undefined ? {} : { string: note.string };
      this.#packs.set(pack.id, { spec, present: spec, ...string, ...(note === undefined ? {} : { note }) });
    }
  }

  /** Takes a sample in. A pack's is refused when such a pack cannot have said it; it then counts as a failed poll. */
  sampled(kind: Kind, id: string, sample: AnySample): Failure | undefined {
    const nowMs = this.#clock.monoMs();
    const pack = kind === 'pack' ? this.#packs.get(id) : undefined;
    if (pack !== undefined && sample.kind === 'pack') {
      const verdict = plausible(sample, pack.spec);
      if (!verdict.ok) {
        const failure = { code: 'implausible', message: verdict.reason };
        this.#ledgers[kind].failed(id, failure);
        return failure;
      }
      this.#count(pack, sample, nowMs);
    }
    this.#ledgers[kind].sampled(id, sample, nowMs);
    return undefined;
  }

  /** What we have switched off ourselves, from now on. */
  switchedOff(own: OwnDoing): void {
    this.#ownDoing = own;
  }

  failed(kind: Kind, id: string, failure: PollFailure): void {
    this.#ledgers[kind].failed(id, failure);
  }

  /** Our count per pack, to be kept over a restart. */
  socNotes(): Record<string, SocNote> {
    const wallMs = this.#clock.wallMs();
    const notes: Record<string, SocNote> = {};
    for (const [id, { soc, string }] of this.#packs) {
      if (soc !== undefined) notes[id] = { soc, wallMs, ...(string === undefined ? {} : { string }) };
    }
    return notes;
  }

  readonly #hostOn = (switchId: string, port: string): string | undefined =>
    this.#config.hosts.find(({ poe }) => poe === `${switchId}/${port}`)?.id;

  snapshot(): Rack {
    const monoMs = this.#clock.monoMs();
    const observe = <S extends AnySample>(kind: Kind): Record<string, Observed<S>> =>
      this.#ledgers[kind].observed(monoMs) as Record<string, Observed<S>>;
    const packs = observe<PackSample>('pack');
    const meters = observe<MeterSample>('meter');
    const ups = observe<UpsSample>('ups');
    const switches = observe<SwitchSample>('switch');
    const hosts = observe<HostSample>('host');
    const { cluster } = observe<ClusterSample>('cluster');
    const mains = this.#mains.judge({ packs, meters, ups, hosts }, monoMs);
    this.#bank = this.#viewBank(packs, ups);
    const circuit = viewCircuit(this.#config, meters);
    const base = { wallMs: this.#clock.wallMs(), monoMs, packs, bank: this.#bank, meters, switches, hosts, circuit };
    const { orders, forced } = followOrders(this.#orders, feeding(this.#config, ups), monoMs);
    this.#orders = orders;
    const rack = {
      ...base,
      ...(Object.keys(ups).length === 0 ? {} : { ups }),
      ...(cluster === undefined ? {} : { cluster }),
      mains,
      ...(forced === undefined ? {} : { forcedShutdown: forced }),
    };
    return {
      ...rack,
      alarms: [
        ...rackAlarms(rack, this.#modelAlarms(packs), this.#hostOn, this.#ownDoing),
        ...stageAlarms(rack, this.#config),
      ],
    };
  }

  health(): ReturnType<Ledger<AnySample>['health']> {
    return KINDS.flatMap((kind) => this.#ledgers[kind].health(kind, this.#clock));
  }

  #count(pack: Pack, sample: PackSample, nowMs: number): void {
    const string = remembered(pack.string, sample, pack.spec);
    if (string === undefined) delete pack.string;
    else pack.string = string;
    const present = worn(partOf(pack.spec, presentShare(string, sample)), sample.sohRatio);
    if (healthyAh(present) !== healthyAh(pack.present)) pack.present = present;
    if (pack.soc === undefined || pack.countedMs === undefined) {
      const { note } = pack;
      const gapS = note === undefined ? 0 : (this.#clock.wallMs() - note.wallMs) / 1000;
      pack.soc = note === undefined ? socStart(sample, present) : socStep(note.soc, sample, gapS, present);
    } else {
      pack.soc = socStep(pack.soc, sample, (nowMs - pack.countedMs) / 1000, present);
    }
    pack.countedMs = nowMs;
  }

  #viewBank(
    packs: Readonly<Record<string, Observed<PackSample>>>,
    ups: Readonly<Record<string, Observed<UpsSample>>>,
  ): BankView {
    if (this.#packs.size === 0) {
      const figure = upsBank(this.#config.ups.map(({ id, capacityWh }) => ({ capacityWh, observed: ups[id] })));
      return figure === undefined ? this.#silentBank() : { ...figure, freshness: 'fresh' };
    }
    const { members, reckoned, measuredAtMs } = this.#bankMembers(packs);
    if (measuredAtMs === undefined) return this.#silentBank();
    const { complete, ...figure } = this.#reckoner.figure(members);
    const silent = reckoned.length === 0 ? {} : { reckoned };
    return { ...figure, complete, ...silent, packs: this.#counted(packs), measuredAtMs, freshness: 'fresh' };
  }

  #counted(packs: Readonly<Record<string, Observed<PackSample>>>): NonNullable<BankView['packs']> {
    const counted: Record<string, { socRatio: number; socSigma: number; capacityAh: number }> = {};
    for (const [id, { soc, present }] of this.#packs) {
      if (packs[id]?.freshness === 'fresh' && soc !== undefined)
        counted[id] = { socRatio: soc.socRatio, socSigma: soc.sigma, capacityAh: healthyAh(present) };
    }
    return counted;
  }

  /** Packs that are heard, and those that are reckoned on: a cable that comes loose empties no cells. */
  #bankMembers(packs: Readonly<Record<string, Observed<PackSample>>>): {
    members: BankMember[];
    reckoned: string[];
    measuredAtMs?: number;
  } {
    const heard = [...this.#packs].filter(([id, { soc }]) => packs[id]?.freshness === 'fresh' && soc !== undefined);
    const measuredAtMs = Math.max(...heard.map(([id]) => packs[id]?.receivedAtMs ?? 0));
    const capacityAh = heard.reduce((sum, [, { spec }]) => sum + spec.capacityAh, 0);
    const othersSoc =
      heard.reduce((sum, [, { spec, soc }]) => sum + (soc?.socRatio ?? 0) * spec.capacityAh, 0) / capacityAh;
    const reckoned: string[] = [];
    const members = [...this.#packs].map(([id, pack]): BankMember => {
      const { spec: configured, present: spec, soc } = pack;
      const observed = packs[id];
      if (observed?.freshness === 'fresh') delete pack.othersSoc;
      if (observed?.sample === undefined || soc === undefined) return { spec: configured };
      if (observed.freshness === 'fresh') return { spec, configured, sample: observed.sample, soc };
      if (heard.length === 0 || (observed.ageMs ?? 0) > RECKONED_AT_MOST_MS) return { spec: configured };
      pack.othersSoc ??= othersSoc;
      reckoned.push(id);
      const going = reckonedOn(soc, pack.othersSoc - othersSoc);
      return { spec, configured, sample: observed.sample, soc: going, reckoned: true };
    });
    return { members, reckoned, ...(heard.length === 0 ? {} : { measuredAtMs }) };
  }

  /** The last known energy is what dead reckoning starts from; what flows right now nobody knows. */
  #silentBank(): BankView {
    const { currentA: _a, powerW: _w, voltageV: _v, runtimeS: _r, packs: _p, ...last } = this.#bank;
    return { ...last, complete: false, freshness: last.freshness === 'absent' ? 'absent' : 'stale' };
  }

  #modelAlarms(packs: Readonly<Record<string, Observed<PackSample>>>): Record<string, readonly Alarm[]> {
    const alarms: Record<string, readonly Alarm[]> = {};
    for (const [id, { spec, soc, string }] of this.#packs) {
      const observed = packs[id];
      if (observed?.freshness === 'fresh' && observed.sample !== undefined)
        alarms[id] = [...modelAlarms(observed.sample, spec, soc), ...moduleAlarms(string, observed.sample)];
    }
    return alarms;
  }
}

/** A pack that was silent for longer than this counts as gone, ms. */
const RECKONED_AT_MOST_MS = 2 * 3_600_000;
/** How often a host is probed while all is well, s; its staleness follows from it. */
export const HOST_PROBE_S = 5;
