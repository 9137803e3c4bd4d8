import type { EnergyPrice } from '../config/history.ts';
import type { Zone } from '../runtime/zone.ts';
import type { EnergyTotals, HostView, Snapshot } from '../shutdown/view.ts';
import type { HourSums, Sums } from './records.ts';
import { priceAt } from './tariff.ts';

/**
 * Energy from power, added up between measurements that follow each other closely enough. What lies between two that do
 * not is counted as time nobody measured and as no energy at all. Sums by name:
 *
 *     in out      Wh into and out of the bank           seen:bank gap:bank     s measured, s not measured
 *     mains       Wh from mains                         seen:mains gap:mains
 *     host:<id>   Wh by its own port                    stage:<name>   Wh of the hosts of a stage
 *     cost:<EUR>  money for `mains`
 */

/** Farther apart, two measurements say nothing of what was between them, whatever their source allows, ms. */
const LONGEST_GAP_MS = 120_000;

interface Reading {
  /** Monotonic ms of the measurement. */
  readonly atMs: number;
  readonly powerW: number;
}

interface Channel {
  last?: Reading;
  /** Up to here time was counted, measured or not, monotonic ms. */
  countedMs?: number;
  /** It was stale or absent since `last`. */
  broken: boolean;
}

export interface EnergyRules {
  readonly zone: Zone;
  readonly price?: EnergyPrice;
}

/** Keeps the sums since the process began and what of them is not written yet. Time between is monotonic. */
export class EnergyMeter {
  readonly #rules: EnergyRules;
  readonly #channels = new Map<string, Channel>();
  readonly #hours = new Map<number, Record<string, number>>();
  #taken: readonly HourSums[] = [];
  #live: Record<string, number> = {};

  constructor(rules: EnergyRules) {
    this.#rules = rules;
  }

  /** Adds what was measured since the snapshot before. */
  take(snapshot: Snapshot): void {
    const { rack } = snapshot;
    const bank = rack.bank.freshness === 'fresh' ? reading(rack.bank.powerW, rack.bank.measuredAtMs) : undefined;
    this.#advance('bank', bank, snapshot, (from, to, hours) => {
      this.#add('in', ((Math.max(0, from) + Math.max(0, to)) / 2) * hours, rack.wallMs);
      this.#add('out', ((Math.max(0, -from) + Math.max(0, -to)) / 2) * hours, rack.wallMs);
    });
    const meters = Object.values(rack.meters);
    if (meters.length > 0)
      this.#advance('mains', mainsReading(snapshot), snapshot, (from, to, hours) =>
        this.#fromMains(from, to, hours, rack.wallMs),
      );
    for (const host of snapshot.coordinator.hosts) {
      const powerW = hostReading(host, snapshot);
      this.#advance(`host:${host.id}`, powerW, snapshot, (from, to, hours) => {
        const wh = ((from + to) / 2) * hours;
        this.#add(`host:${host.id}`, wh, rack.wallMs);
        if (host.stage !== undefined) this.#add(`stage:${host.stage}`, wh, rack.wallMs);
      });
    }
  }

  /** Everything counted in this process. */
  get live(): Sums {
    return this.#live;
  }

  /**
   * What is not known to be written. What was handed out before and not confirmed by `written` is in it again, so that a
   * save that failed is made good by the next one.
   */
  unwritten(): readonly HourSums[] {
    this.#taken = [...this.#hours].map(([atMs, sums]) => ({ atMs, sums: { ...sums } }));
    return this.#taken;
  }

  /** The same to look at. */
  pending(): readonly HourSums[] {
    return [...this.#hours].map(([atMs, sums]) => ({ atMs, sums: { ...sums } }));
  }

  /** What `unwritten` gave last is on the disk. */
  written(): void {
    for (const { atMs, sums } of this.#taken) {
      const hour = this.#hours.get(atMs);
      if (hour === undefined) continue;
      for (const [key, value] of Object.entries(sums)) {
        const left = (hour[key] ?? 0) - value;
        if (left > 0) hour[key] = left;
        else delete hour[key];
      }
      if (Object.keys(hour).length === 0) this.#hours.delete(atMs);
    }
    this.#taken = [];
  }

  #fromMains(from: number, to: number, hours: number, wallMs: number): void {
    const wh = ((Math.max(0, from) + Math.max(0, to)) / 2) * hours;
    this.#add('mains', wh, wallMs);
    const { price, zone } = this.#rules;
    if (price !== undefined) this.#add(`cost:${price.currency}`, (wh / 1000) * priceAt(price, zone, wallMs), wallMs);
  }

  #advance(
    name: string,
    now: Reading | undefined,
    { rack }: Snapshot,
    count: (fromW: number, toW: number, hours: number) => void,
  ): void {
    let channel = this.#channels.get(name);
    if (channel === undefined) {
      channel = { broken: false, countedMs: rack.monoMs };
      this.#channels.set(name, channel);
    }
    if (now === undefined) {
      channel.broken = true;
      this.#silence(name, channel, rack.monoMs, rack.wallMs);
      return;
    }
    const { last } = channel;
    if (last !== undefined && now.atMs <= last.atMs) return;
    const elapsedMs = last === undefined ? 0 : now.atMs - last.atMs;
    if (last !== undefined && !channel.broken && elapsedMs <= LONGEST_GAP_MS) {
      count(last.powerW, now.powerW, elapsedMs / 3_600_000);
      this.#time('seen', name, elapsedMs, rack.wallMs);
      channel.countedMs = now.atMs;
    } else this.#silence(name, channel, now.atMs, rack.wallMs);
    channel.last = now;
    channel.broken = false;
  }

  /** Time in which nothing was measured. Its beginning is the last measurement, not the moment it became stale. */
  #silence(name: string, channel: Channel, untilMs: number, wallMs: number): void {
    const elapsedMs = untilMs - (channel.countedMs ?? untilMs);
    if (elapsedMs <= 0) return;
    this.#time('gap', name, elapsedMs, wallMs);
    channel.countedMs = untilMs;
  }

  #time(kind: 'seen' | 'gap', name: string, elapsedMs: number, wallMs: number): void {
    if (name === 'bank' || name === 'mains') this.#add(`${kind}:${name}`, elapsedMs / 1000, wallMs);
  }

  #add(key: string, value: number, wallMs: number): void {
    if (!(value > 0)) return;
    const at = this.#rules.zone.hourStart(wallMs);
    let hour = this.#hours.get(at);
    if (hour === undefined) {
      hour = {};
      this.#hours.set(at, hour);
      this.#forget();
    }
    hour[key] = (hour[key] ?? 0) + value;
    this.#live[key] = (this.#live[key] ?? 0) + value;
  }

  /** While the disk refuses, hours gather; very old ones are put together, so that totals stay right. */
  #forget(): void {
    if (this.#hours.size <= MOST_HOURS) return;
    const [first, second] = this.#hours.keys();
    const [oldest, next] = [this.#hours.get(first ?? 0), this.#hours.get(second ?? 0)];
    if (first === undefined || oldest === undefined || next === undefined) return;
    for (const [key, value] of Object.entries(oldest)) next[key] = (next[key] ?? 0) + value;
    this.#hours.delete(first);
  }
}

const MOST_HOURS = 24 * 14;

const reading = (powerW: number | undefined, atMs: number | undefined): Reading | undefined =>
  powerW === undefined || atMs === undefined || !Number.isFinite(powerW) ? undefined : { powerW, atMs };

/** By the meters of the circuit, as the circuit itself. */
function mainsReading({ rack }: Snapshot): Reading | undefined {
  const { meters = [], freshness, powerW } = rack.circuit;
  const atMs = Math.max(...meters.map((id) => rack.meters[id]?.receivedAtMs ?? 0));
  return freshness === 'fresh' && meters.length > 0 ? reading(powerW, atMs) : undefined;
}

function hostReading(host: HostView, { rack }: Snapshot): Reading | undefined {
  if (host.switchId === undefined) return undefined;
  const observed = rack.switches[host.switchId];
  if (observed?.freshness !== 'fresh') return undefined;
  const powerW = observed.sample?.ports.find(({ port }) => port === host.port)?.powerW;
  return reading(powerW, observed.receivedAtMs);
}

/** Sums in the form everybody else reads them. Hosts and stages that never drew anything are not in it. */
export function energyTotals(sums: Sums): EnergyTotals {
  const named = (prefix: string): Record<string, number> =>
    Object.fromEntries(
      Object.entries(sums).flatMap(([key, value]) =>
        key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : [],
      ),
    );
  return {
    inWh: sums.in ?? 0,
    outWh: sums.out ?? 0,
    ...(sums.mains === undefined ? {} : { mainsWh: sums.mains }),
    hostsWh: named('host:'),
    stagesWh: named('stage:'),
    cost: named('cost:'),
    measuredS: named('seen:'),
    unmeasuredS: named('gap:'),
  };
}
