import type { PackSpec } from '#bms/model';
import type { EnergyPrice, HistoryConfig } from '../config/history.ts';
import type { Clock } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import { Zone } from '../runtime/zone.ts';
import type { EnergyTotals, JournalLine, Sink, SinkHealth, Snapshot, SnapshotFeed } from '../shutdown/view.ts';
import type { ArchiveState } from './archive.ts';
import { EnergyMeter, energyTotals } from './energy-meter.ts';
import { HealthWatch } from './health-watch.ts';
import { Keeper, type Saved } from './keeper.ts';
import { OutageWatch } from './outage-watch.ts';
import type { HealthPoint, HistoryEvent, Outage, RangeAnswer, RangeQuery, SampleFrame, Save, Sums } from './records.ts';
import { type SampledFamily, Sampler } from './sampler.ts';
import {
  type EnergyPeriod,
  energyBetween,
  energyDays,
  type PackHealth,
  PERIODS,
  packHealth,
  periodRange,
  withPending,
} from './summary.ts';

export interface HistoryOptions {
  readonly config: HistoryConfig;
  /** The file. */
  readonly path: string;
  readonly price?: EnergyPrice;
  readonly timeZone?: string;
  readonly packs: Readonly<Record<string, PackSpec>>;
  /** What the catalogue says of a snapshot. */
  readonly families: (snapshot: Snapshot) => readonly SampledFamily[];
  /** Newest lines of the journal, oldest first. */
  readonly journal: (limit: number) => readonly JournalLine[];
  readonly clock: Clock;
  /** Of the machine: for deadlines of the thread that writes. */
  readonly wire: Clock;
  readonly log: Log;
}

const SAVE_EVERY_MS = 60_000;
/** Something worth keeping at once is written at most so often. */
const SAVE_SOON_MS = 2000;
const OPEN_WITHIN_MS = 15_000;
const CLOSE_WITHIN_MS = 3000;
/** Frames that wait for a worker that is busy with a slow disk; two hours at one in 10 s. */
const MOST_FRAMES = 720;
const MOST_EVENTS = 2000;
const MOST_FINDINGS = 500;
const JOURNAL_LINES = 200;
const DAY_MS = 86_400_000;
/** Kinds of journal lines that say what happened; intents and outcomes are for the coordinator itself. */
const TOLD: ReadonlySet<string> = new Set(['phase', 'stage', 'host', 'hold', 'command', 'note']);

/** The history as the rest of the service sees it: a sink that can be asked. */
export class History implements Sink {
  readonly name = 'history';
  readonly zone: Zone;
  readonly #options: HistoryOptions;
  readonly #keeper: Keeper;
  readonly #meter: EnergyMeter;
  readonly #outages = new OutageWatch();
  readonly #health: HealthWatch;
  #sampler: Sampler | undefined;
  #unsubscribe: (() => void) | undefined;
  #stopped = false;

  #frames: SampleFrame[] = [];
  #framedMs = Number.NEGATIVE_INFINITY;
  #events: HistoryEvent[] = [];
  #lastEvent = { atMs: 0, seq: 0 };
  #findings: HealthPoint[] = [];
  #changed = new Map<string, Outage>();

  #flying: { readonly save: Save; readonly frames: number } | undefined;
  #saveNumber = 0;
  #savedMs: number | undefined;
  #opening: Promise<void> | undefined;
  #totals: Sums | undefined;
  #up = false;
  #sent = 0;
  #dropped = 0;
  #droppedThere = 0;
  #trouble: string | undefined;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.zone = new Zone(options.timeZone);
    this.#meter = new EnergyMeter({
      zone: this.zone,
      ...(options.price === undefined ? {} : { price: options.price }),
    });
    this.#health = new HealthWatch(options.packs, this.zone);
    this.#keeper = new Keeper(options.wire, {
      saved: (result) => this.#onSaved(result),
      died: (message) => this.#onDied(message),
    });
  }

  /** Whether samples and outages are kept; energy is counted in any case. */
  get enabled(): boolean {
    return this.#options.config.enabled;
  }

  async start(feed: SnapshotFeed): Promise<void> {
    if (this.enabled) await this.#open();
    this.#unsubscribe = feed.subscribe((snapshot) => this.#take(snapshot));
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#unsubscribe?.();
    if (this.#keeper.alive && this.#flying === undefined) this.#save();
    this.#stopped = true;
    await this.#keeper.close(CLOSE_WITHIN_MS);
    this.#up = false;
  }

  health(): SinkHealth {
    return {
      sink: this.name,
      up: this.#up || !this.enabled,
      sent: this.#sent,
      dropped: this.#dropped + this.#droppedThere + (this.#sampler?.refused ?? 0),
      waiting: this.#frames.length,
      ...(this.#trouble === undefined ? {} : { trouble: this.#trouble }),
    };
  }

  /**
   * Counters of energy. They are what is safely on the disk, so that they never go back, and are absent until it was
   * read. With the history switched off they count since the process began.
   */
  energy(): EnergyTotals | undefined {
    if (!this.enabled) return energyTotals(this.#meter.live);
    return this.#totals === undefined ? undefined : energyTotals(this.#totals);
  }

  /** @throws when the history is off or cannot be read */
  range(query: RangeQuery): Promise<RangeAnswer> {
    return this.#keeper.ask('range', query);
  }

  /** Newest first. @throws as `range` */
  async outages(fromMs: number, toMs: number, limit: number): Promise<readonly Outage[]> {
    const kept = await this.#keeper.ask('outages', { fromMs, toMs, limit });
    const { open } = this.#outages;
    if (open === undefined || open.beginMs < fromMs || open.beginMs > toMs) return kept;
    return [open, ...kept.filter(({ id }) => id !== open.id)].slice(0, limit);
  }

  /** Oldest first. @throws as `range` */
  events(fromMs: number, toMs: number, limit: number): Promise<readonly HistoryEvent[]> {
    return this.#keeper.ask('events', { fromMs, toMs, limit });
  }

  /** Energy of a range of whole hours. @throws as `range` */
  async energyBetween(fromMs: number, toMs: number): Promise<EnergyTotals> {
    const hours = withPending(await this.#keeper.ask('hours', { fromMs, toMs }), this.#meter.pending());
    return energyBetween(hours, fromMs, toMs);
  }

  /** Today, this week, this month, and each of the last days. @throws as `range` */
  async energySummary(
    days: number,
  ): Promise<{ readonly periods: readonly EnergyPeriod[]; readonly days: readonly EnergyPeriod[] }> {
    const nowMs = this.#options.clock.wallMs();
    const ranges = PERIODS.map((name) => ({ name, ...periodRange(name, this.zone, nowMs) }));
    const fromMs = Math.min(this.zone.dayStart(nowMs, days - 1), ...ranges.map((range) => range.fromMs));
    const hours = withPending(await this.#keeper.ask('hours', { fromMs, toMs: nowMs + 1 }), this.#meter.pending());
    return {
      periods: ranges.map((range) => ({
        ...range,
        ...energyBetween(hours, range.fromMs, Math.max(range.toMs, range.fromMs + 1)),
      })),
      days: energyDays(hours, this.zone, nowMs, days),
    };
  }

  /** @throws as `range` */
  async batteryHealth(): Promise<readonly PackHealth[]> {
    const points = await this.#keeper.ask('health', { fromMs: 0 });
    return packHealth(this.#options.packs, points, this.#options.clock.wallMs());
  }

  #take(snapshot: Snapshot): void {
    this.#meter.take(snapshot);
    if (!this.enabled) return;
    const { rack } = snapshot;
    const { live } = this.#meter;
    this.#outages.take(snapshot, {
      outWh: live.out ?? 0,
      unmeasuredS: live['gap:bank'] ?? 0,
      measuredS: live['seen:bank'] ?? 0,
    });
    this.#health.take(snapshot);
    this.#read(this.#options.journal(JOURNAL_LINES));
    const changed = this.#outages.changed();
    if (changed !== undefined) this.#changed.set(changed.id, changed);
    if (rack.monoMs - this.#framedMs >= this.#options.config.every * 1000 - SLACK_MS) this.#frame(snapshot);
    this.#savedMs ??= rack.monoMs;
    const waitedMs = rack.monoMs - this.#savedMs;
    if (waitedMs >= SAVE_EVERY_MS || (this.#changed.size > 0 && waitedMs >= SAVE_SOON_MS)) this.#due(rack.monoMs);
  }

  #frame(snapshot: Snapshot): void {
    if (this.#sampler === undefined) return;
    this.#framedMs = snapshot.rack.monoMs;
    const everyMs = this.#options.config.every * 1000;
    const atMs = Math.floor(snapshot.rack.wallMs / everyMs) * everyMs;
    this.#frames.push(this.#sampler.frame(atMs, this.#options.families(snapshot)));
    if (this.#frames.length <= MOST_FRAMES) return;
    const [lost, next] = this.#frames;
    // The series that the lost frame brought are still the numbers of those after it.
    if (lost !== undefined && next !== undefined) this.#frames[1] = { ...next, added: [...lost.added, ...next.added] };
    this.#frames.shift();
    this.#dropped += 1;
  }

  #read(lines: readonly JournalLine[]): void {
    for (const line of lines) {
      const { seq, wallMs, entry } = line;
      const known = this.#lastEvent;
      // A journal that was begun anew counts from 1 again.
      if (seq <= known.seq && wallMs <= known.atMs) continue;
      this.#lastEvent = { seq, atMs: Math.max(wallMs, known.atMs) };
      this.#outages.line(line);
      if (TOLD.has(entry.kind)) this.#events.push({ atMs: wallMs, seq, entry });
    }
    if (this.#events.length > MOST_EVENTS) this.#events = this.#events.slice(-MOST_EVENTS);
  }

  #due(monoMs: number): void {
    if (this.#flying !== undefined) {
      if (monoMs - (this.#savedMs ?? monoMs) > SLOW_MS)
        this.#fails('the disk has been busy with the last write for too long');
      return;
    }
    this.#savedMs = monoMs;
    if (this.#keeper.alive) this.#save();
    else void this.#open();
  }

  #save(): void {
    const open = this.#outages.open;
    if (open !== undefined) this.#changed.set(open.id, open);
    this.#findings = [...this.#findings, ...this.#health.found()].slice(-MOST_FINDINGS);
    const frames = this.#frames;
    this.#frames = [];
    this.#saveNumber += 1;
    const save: Save = {
      number: this.#saveNumber,
      wallMs: Math.round(this.#options.clock.wallMs()),
      hours: this.#meter.unwritten(),
      outages: [...this.#changed.values()],
      health: this.#findings,
      events: this.#events,
    };
    this.#flying = { save, frames: frames.length };
    this.#keeper.frames(frames);
    this.#keeper.save(save);
  }

  #onSaved({ number, failure, totals, dropped, notes }: Saved): void {
    this.#droppedThere = dropped;
    for (const note of notes) this.#options.log.warn({ file: this.#options.path }, note);
    const flying = this.#flying;
    this.#flying = undefined;
    if (flying === undefined || flying.save.number !== number) return;
    if (failure !== undefined) {
      this.#fails(failure);
      return;
    }
    this.#confirm(flying.save, totals ?? {});
    this.#sent += flying.frames;
  }

  #confirm(save: Save, totals: Sums): void {
    this.#meter.written();
    this.#totals = totals;
    for (const outage of save.outages) if (this.#changed.get(outage.id) === outage) this.#changed.delete(outage.id);
    const [events, findings] = [new Set(save.events), new Set(save.health)];
    this.#events = this.#events.filter((each) => !events.has(each));
    this.#findings = this.#findings.filter((each) => !findings.has(each));
    if (!this.#up) this.#options.log.info({ file: this.#options.path }, 'history is written');
    this.#up = true;
    this.#trouble = undefined;
  }

  #fails(message: string): void {
    if (this.#trouble !== message)
      this.#options.log.error(
        { file: this.#options.path, error: message },
        'history cannot be written: check room and rights of its folder',
      );
    this.#trouble = message;
    this.#up = false;
  }

  #onDied(message: string): void {
    if (this.#stopped) return;
    // What it had not written is gone with it; a save that is confirmed by the next opening is not.
    this.#dropped += this.#flying?.frames ?? 0;
    this.#fails(message);
  }

  #open(): Promise<void> {
    this.#opening ??= this.#tryOpen().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #tryOpen(): Promise<void> {
    const { config, path, clock, log } = this.#options;
    const { samples, minutes, quarters } = config.keepDays;
    try {
      const state = await this.#keeper.open(
        {
          path,
          maxBytes: config.maxMb * 1_000_000,
          keepMs: { samples: samples * DAY_MS, minutes: minutes * DAY_MS, quarters: quarters * DAY_MS },
        },
        clock.wallMs(),
        OPEN_WITHIN_MS,
      );
      for (const note of state.notes) log.warn({ file: path }, note);
      this.#resume(state);
    } catch (error) {
      this.#fails(messageOf(error));
      await this.#keeper.close(CLOSE_WITHIN_MS);
    }
  }

  #resume(state: ArchiveState): void {
    const flying = this.#flying;
    this.#flying = undefined;
    if (flying !== undefined && state.save >= flying.save.number) this.#confirm(flying.save, state.totals);
    const first = this.#sampler === undefined;
    // Numbers of series belong to a file: frames made for another one would say something else now.
    this.#dropped += this.#frames.length;
    this.#frames = [];
    this.#sampler = new Sampler(state.series);
    this.#saveNumber = Math.max(this.#saveNumber, state.save);
    this.#totals = state.totals;
    this.#up = true;
    this.#trouble = undefined;
    if (!first) return;
    this.#outages.resume(state.outage);
    if (state.lastEvent !== undefined) this.#lastEvent = state.lastEvent;
  }
}

/** Snapshots come when they come: a frame may be a little early. */
const SLACK_MS = 500;
const SLOW_MS = 150_000;
