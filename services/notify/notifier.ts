import { createHash } from 'node:crypto';
import type { ChannelConfig, NotifyConfig } from '../config/notify.ts';
import type { Clock } from '../runtime/clock.ts';
import { messageOf as errorText } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import type { Zone } from '../runtime/zone.ts';
import type { Sink, SinkHealth, Snapshot, SnapshotFeed } from '../shutdown/view.ts';
import type { Carrier, Sent } from './carrier.ts';
import { messageOf, type Notice, RANK } from './notice.ts';
import { type Line, Outbox } from './outbox.ts';
import { lastPeriod, type ReportSource, report } from './report.ts';
import { watch } from './watch.ts';

export interface NotifierOptions {
  readonly config: NotifyConfig;
  readonly site: string;
  readonly carriers: readonly Carrier[];
  /** The file in which notices wait. */
  readonly path: string;
  readonly zone: Zone;
  /** Where reports come from; absent: there are none. */
  readonly source?: ReportSource;
  readonly clock: Clock;
  readonly log: Log;
}

const LOOK_EVERY_MS = 1000;
const BACKOFF_MS = { first: 5000, most: 900_000 } as const;
/** Notices in one message. */
const MOST_TOGETHER = 50;
const HOUR_MS = 3_600_000;
const REPORT_LOOK_MS = 60_000;

/**
 * Tells people. What is to be told is on the disk before it is sent, and taken away when it was; so nothing is lost by
 * a restart, and what was on its way in that moment goes out once more, with the same id.
 */
export class Notifier implements Sink {
  readonly name = 'notify';
  readonly #options: NotifierOptions;
  readonly #outbox: Outbox;
  readonly #stop = new AbortController();
  readonly #posts: readonly Post[];
  #loops: Promise<unknown> = Promise.resolve();
  #unsubscribe: (() => void) | undefined;
  #reportsMs = Number.NEGATIVE_INFINITY;
  #reporting = false;

  constructor(options: NotifierOptions) {
    this.#options = options;
    const { channels } = options.config;
    this.#outbox = new Outbox(
      options.path,
      channels.map(({ id }) => id),
    );
    this.#posts = channels.flatMap((channel) => {
      const carrier = options.carriers.find(({ id }) => id === channel.id);
      return carrier === undefined ? [] : [new Post(channel, carrier, this.#outbox, options)];
    });
  }

  async start(feed: SnapshotFeed): Promise<void> {
    const trouble = await this.#outbox.load();
    if (trouble !== undefined) this.#options.log.error({ file: this.#options.path }, `the file of notices ${trouble}`);
    this.#unsubscribe = feed.subscribe((snapshot) => this.#take(snapshot));
    this.#loops = Promise.all(this.#posts.map((post) => post.run(this.#stop.signal)));
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#stop.abort();
    await this.#outbox.flush();
    await this.#loops;
    await this.#outbox.flush();
  }

  health(): SinkHealth {
    const failing = this.#posts.flatMap(({ trouble }) => (trouble === undefined ? [] : [trouble]));
    const trouble =
      this.#outbox.failure === undefined ? failing : [`notices cannot be kept: ${this.#outbox.failure}`, ...failing];
    return {
      sink: this.name,
      up: trouble.length === 0,
      sent: this.#posts.reduce((sum, post) => sum + post.sent, 0),
      dropped: this.#outbox.dropped,
      waiting: this.#outbox.waiting,
      ...(trouble.length === 0 ? {} : { trouble: trouble.join('; ') }),
    };
  }

  #take(snapshot: Snapshot): void {
    const { memory, notices } = watch(this.#outbox.memory, snapshot, this.#options.config);
    this.#outbox.remember(memory);
    for (const notice of notices) this.#tell(notice);
    void this.#outbox.flush();
    if (snapshot.rack.monoMs - this.#reportsMs < REPORT_LOOK_MS) return;
    this.#reportsMs = snapshot.rack.monoMs;
    void this.#report(snapshot.rack.wallMs);
  }

  #tell(notice: Notice): void {
    if (!this.#outbox.isNew(notice)) return;
    for (const post of this.#posts) if (post.wants(notice)) this.#outbox.add(post.id, notice);
  }

  /** Never rejects. A report that cannot be made now is tried again in a minute. */
  async #report(wallMs: number): Promise<void> {
    const { config, zone, source, log } = this.#options;
    if (source === undefined || this.#reporting) return;
    this.#reporting = true;
    try {
      for (const every of config.reports.every) {
        const { name } = lastPeriod(every, zone, wallMs);
        const told = this.#outbox.reported(every);
        if (told === name) continue;
        // The first period of a new installation is not whole.
        if (told !== undefined) {
          if (zone.minuteOfDay(wallMs) < minuteOf(config.reports.at)) continue;
          this.#tell(await report(every, source, zone, wallMs));
        }
        this.#outbox.setReported(every, name);
      }
      await this.#outbox.flush();
    } catch (error) {
      log.warn({ error: errorText(error) }, 'a report could not be made; it is tried again');
    } finally {
      this.#reporting = false;
    }
  }
}

const minuteOf = (clock: string): number => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));

/** One channel: when its notices go out, and again when they could not. */
class Post {
  readonly #channel: ChannelConfig;
  readonly #carrier: Carrier;
  readonly #outbox: Outbox;
  readonly #options: NotifierOptions;
  #sent = 0;
  #trouble: string | undefined;
  #backoffMs = 0;
  #notBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(channel: ChannelConfig, carrier: Carrier, outbox: Outbox, options: NotifierOptions) {
    this.#channel = channel;
    this.#carrier = carrier;
    this.#outbox = outbox;
    this.#options = options;
  }

  get id(): string {
    return this.#channel.id;
  }

  /** Notices delivered. */
  get sent(): number {
    return this.#sent;
  }

  get trouble(): string | undefined {
    return this.#trouble;
  }

  wants({ kind, severity }: Notice): boolean {
    if (kind === 'test') return true;
    return this.#channel.events.includes(kind) && RANK[severity] >= RANK[this.#channel.minSeverity];
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#look(signal);
      } catch (error) {
        log.error({ channel: this.id, error: errorText(error) }, 'a notice could not be handled');
      }
      await clock.sleep(LOOK_EVERY_MS, signal).catch(() => {});
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const nowMs = clock.wallMs();
    this.#giveUp(nowMs);
    if (clock.monoMs() < this.#notBeforeMs) return;
    const notices = this.#together(nowMs);
    if (notices.length === 0) return;
    const keys = notices.map(({ key }) => key);
    const id = this.#outbox.line(this.id).batch?.id ?? idOf(this.#options.site, this.id, keys);
    this.#outbox.setBatch(this.id, { id, keys });
    await this.#outbox.flush();
    if (signal.aborted) return;
    const { zone } = this.#options;
    const result = await this.#carrier.send(messageOf(id, notices, (atMs) => zone.stamp(atMs)));
    this.#settle(result, keys);
    await this.#outbox.flush();
  }

  /** What goes into the next message; nothing while it is not its time. */
  #together(nowMs: number): readonly Notice[] {
    const line = this.#outbox.line(this.id);
    const begun = line.waiting.filter(({ key }) => line.batch?.keys.includes(key));
    if (begun.length > 0) return begun;
    delete line.batch;
    const ready = line.waiting.filter((notice) => notice.severity === 'critical' || !this.#isQuiet(nowMs));
    const [first] = ready;
    if (first === undefined) return [];
    const ageMs = nowMs - first.atMs;
    // A negative age: the clock was set back.
    if (ageMs >= 0 && ageMs < this.#channel.groupFor * 1000) return [];
    return this.#mayGo(line, nowMs) ? ready.slice(0, MOST_TOGETHER) : [];
  }

  #mayGo(line: Line, nowMs: number): boolean {
    line.sentMs = line.sentMs.filter((atMs) => atMs <= nowMs && nowMs - atMs < HOUR_MS);
    return line.sentMs.length < this.#channel.maxPerHour;
  }

  #isQuiet(nowMs: number): boolean {
    const { quiet } = this.#channel;
    if (quiet === undefined) return false;
    const minute = this.#options.zone.minuteOfDay(nowMs);
    const [from, to] = [minuteOf(quiet.from), minuteOf(quiet.to)];
    return from <= to ? minute >= from && minute < to : minute >= from || minute < to;
  }

  #giveUp(nowMs: number): void {
    const { waiting } = this.#outbox.line(this.id);
    const old = waiting.filter(({ atMs }) => nowMs - atMs > this.#options.config.giveUpAfter * 1000);
    if (old.length === 0) return;
    this.#outbox.done(
      this.id,
      old.map(({ key }) => key),
      true,
    );
    this.#options.log.error(
      { channel: this.id, notices: old.length },
      'notices were given up: they could not be told for too long',
    );
  }

  #settle(result: Sent, keys: readonly string[]): void {
    const { clock, log } = this.#options;
    switch (result.kind) {
      case 'sent':
        if (this.#trouble !== undefined) log.info({ channel: this.id }, 'notices go out again');
        this.#outbox.line(this.id).sentMs.push(Math.round(clock.wallMs()));
        this.#outbox.done(this.id, keys, false);
        this.#sent += keys.length;
        this.#trouble = undefined;
        this.#backoffMs = 0;
        return;
      case 'refused':
        log.error({ channel: this.id, because: result.because }, 'a notice is refused and dropped');
        this.#outbox.done(this.id, keys, true);
        this.#trouble = `${this.id}: ${result.because}`;
        return;
      case 'later': {
        this.#backoffMs = Math.min(BACKOFF_MS.most, Math.max(BACKOFF_MS.first, this.#backoffMs * 2));
        this.#notBeforeMs = clock.monoMs() + Math.max(this.#backoffMs, result.afterMs ?? 0);
        const trouble = `${this.id}: ${result.because}`;
        if (trouble !== this.#trouble)
          log.warn({ channel: this.id, because: result.because }, 'notices wait: they cannot be sent now');
        this.#trouble = trouble;
      }
    }
  }
}

const idOf = (site: string, channel: string, keys: readonly string[]): string =>
  createHash('sha256')
    .update([site, channel, ...keys].join('\n'))
    .digest('hex')
    .slice(0, 24);
