import type { Clock } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';
import type { Command } from '../../shutdown/state.ts';
import type { Desk, Snapshot } from '../../shutdown/view.ts';
import { type BankFacts, bankVariables } from './bank-variables.ts';
import { ForcedShutdown } from './forced-shutdown.ts';
import { Settings } from './settings.ts';
import { statusWords } from './status-words.ts';
import { type Audience, mustBeginInS } from './time-left.ts';
import { Tracking } from './tracking.ts';
import type { NutUser, Users } from './users.ts';

/** The bank as a UPS: what it says at this moment to whom, who is logged in, and who has been ordered down. */

/** A picture older than this is no picture, ms. */
const STALE_MS = 15_000;
/** upsmon on a secondary waits so long between OB LB and going down by itself, s (HOSTSYNC). */
const LOW_LEAD_S = 15;
const DESK_DEADLINE_MS = 5_000;
const LONGEST_HOLD_S = 86_400;
/** How many of the latest durations of a user are remembered. */
const MEASURED_KEPT = 8;

export interface BankUpsOptions {
  readonly names: readonly string[];
  readonly description: string;
  readonly users: Users;
  readonly facts: BankFacts;
  /** Charge at which LB is shown at first, percent. */
  readonly chargeLow: number;
  readonly siteName: string;
  /** What the metric catalogue has for NUT variables, in NUT's units. */
  readonly measured: (snapshot: Snapshot) => Readonly<Record<string, string>>;
  readonly desk: Pick<Desk, 'command'>;
  readonly log: Log;
  readonly clock: Clock;
}

/** `stale`: there are figures and they are too old. `absent`: there never were any. */
export type Health = 'fresh' | 'stale' | 'absent';

/** A client that has logged in; kept by the session. */
export interface Login {
  readonly user: NutUser;
  readonly address: string;
  /** Monotonic ms of the first answer that told it of FSD. */
  sawForcedMs?: number;
}

/** Those who are no user of ours: they see the order that is given to the last stage. */
const STRANGER: Audience = { needsS: 0 };
const STRANGER_KEY = '';

export class BankUps {
  readonly settings: Settings;
  readonly tracking = new Tracking();
  readonly #options: BankUpsOptions;
  readonly #forced = new ForcedShutdown();
  readonly #logins = new Set<Login>();
  readonly #measuredS = new Map<string, number[]>();
  #snapshot: Snapshot | undefined;
  #arrivedMs = 0;
  #beginsInS = new Map<string, number | undefined>();
  #variables: ReadonlyMap<string, string> | undefined;
  #status: ReturnType<typeof statusWords> | undefined;
  /** LIST VAR blocks of the present picture, by the name that was asked for and the status. */
  readonly #blocks = new Map<string, string>();

  constructor(options: BankUpsOptions) {
    this.#options = options;
    this.settings = new Settings({
      'battery.charge.low': String(options.chargeLow),
      'battery.runtime.low': '60',
      'ups.id': options.siteName,
    });
  }

  get name(): string {
    return this.#options.names[0] ?? 'ups';
  }

  get description(): string {
    return this.#options.description;
  }

  isCalled(name: string): boolean {
    return this.#options.names.some((each) => each.toLowerCase() === name.toLowerCase());
  }

  take(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    this.#arrivedMs = this.#options.clock.monoMs();
    this.#changed();
    this.#beginsInS = new Map(
      [[STRANGER_KEY, STRANGER] as const, ...this.#audiences()].map(([key, audience]) => [
        key,
        mustBeginInS(snapshot, audience),
      ]),
    );
    this.#forced.update(this.#arrivedMs, {
      live: this.#live(),
      mustBeginInS: this.#beginsInS,
      logins: this.#logins.size,
    });
  }

  health(): Health {
    const snapshot = this.#snapshot;
    if (snapshot === undefined) return 'absent';
    if (this.#options.clock.monoMs() - this.#arrivedMs > STALE_MS) return 'stale';
    return snapshot.rack.bank.freshness;
  }

  /** Is this one ordered down? That is told even when the bank's figures are too old to tell. */
  isForced(user: NutUser | undefined): boolean {
    return this.#forcedSince(user) !== undefined;
  }

  /** The value of ups.status for whoever asks. */
  status(user: NutUser | undefined): string {
    const { words = ['WAIT'] } = this.#statusWords();
    const forced = this.isForced(user) ? ['FSD'] : [];
    const [first = '', ...rest] = words;
    const low = this.#isLow(user) ? ['LB'] : [];
    return first === 'ALARM'
      ? [...forced, first, ...rest.slice(0, 1), ...low, ...rest.slice(1)].join(' ')
      : [...forced, first, ...low, ...rest].join(' ');
  }

  /** Everything but ups.status, sorted by name. */
  variables(): ReadonlyMap<string, string> {
    const { measured, facts } = this.#options;
    if (this.#snapshot === undefined) return new Map();
    if (this.#variables === undefined) {
      const { alarm } = this.#statusWords();
      const own = this.settings.entries();
      const extra = alarm === undefined ? own : [...own, ['ups.alarm', alarm] as const];
      this.#variables = bankVariables(this.#snapshot, facts, measured(this.#snapshot), extra);
    }
    return this.#variables;
  }

  /** One variable for whoever asks. */
  variable(name: string, user: NutUser | undefined): string | undefined {
    return name === 'ups.status' ? this.status(user) : this.variables().get(name);
  }

  /** The lines of LIST VAR, made once for each picture, name and status. */
  block(name: string, user: NutUser | undefined): string {
    const status = this.status(user);
    const key = `${name} ${status}`;
    const known = this.#blocks.get(key);
    if (known !== undefined) return known;
    const all = [...this.variables(), ['ups.status', status] as const].sort(([a], [b]) => (a < b ? -1 : 1));
    const block = all.map(([variable, value]) => `VAR ${name} ${variable} "${value}"\n`).join('');
    if (this.#blocks.size < 64) this.#blocks.set(key, block);
    return block;
  }

  /** Takes a new value; the word of the error when it is refused. */
  set(name: string, value: string, by: string): ReturnType<Settings['set']> {
    const error = this.settings.set(name, value);
    if (error === undefined) {
      this.#changed();
      this.#options.log.info({ user: by, variable: name, value }, 'NUT variable set');
    }
    return error;
  }

  logins(): readonly Login[] {
    return [...this.#logins];
  }

  logIn(login: Login): void {
    this.#logins.add(login);
    this.#options.log.info({ user: login.user.user, client: login.address }, 'NUT client logs in');
  }

  logOut(login: Login, becauseWeStop: boolean): void {
    if (!this.#logins.delete(login) || becauseWeStop) return;
    const { user, address, sawForcedMs } = login;
    const since = this.#forcedSince(user);
    if (sawForcedMs === undefined || since === undefined) {
      this.#options.log.info({ user: user.user, client: address }, 'NUT client logs out');
      return;
    }
    const tookS = Math.round((this.#options.clock.monoMs() - Math.min(since, sawForcedMs)) / 1000);
    const measured = [...(this.#measuredS.get(user.user) ?? []), tookS].slice(-MEASURED_KEPT);
    this.#measuredS.set(user.user, measured);
    this.#forced.acted(keyOf(user));
    this.#options.log.info({ user: user.user, client: address, tookS }, 'NUT client goes down as ordered');
  }

  /** Notes that this client was told of FSD. */
  told(login: Login): void {
    if (login.sawForcedMs === undefined && this.isForced(login.user)) login.sawForcedMs = this.#options.clock.monoMs();
  }

  /** FSD by a client: everybody who is logged in is ordered down. */
  orderDown(by: string): void {
    this.#forced.order(this.#options.clock.monoMs(), this.#live());
    this.#blocks.clear();
    this.#options.log.warn({ user: by }, 'a NUT client orders a forced shutdown of all NUT clients');
  }

  /** Runs an instant command that is known. Never throws. */
  async run(command: string, parameter: string | undefined, by: string): Promise<'done' | 'failed' | 'invalid'> {
    if (command === 'experimental.shutdown.hold') {
      const forS = Number(parameter ?? 600);
      if (!(forS > 0 && forS <= LONGEST_HOLD_S)) return 'invalid';
      return await this.#ask({ kind: 'hold', forS }, by);
    }
    if (command !== 'shutdown.stop') return await this.#ask({ kind: 'begin' }, by);
    const takenBack = this.#forced.takeBack();
    if (takenBack) this.#blocks.clear();
    const answer = await this.#ask({ kind: 'abort' }, by);
    return takenBack ? 'done' : answer;
  }

  async #ask(command: Command, by: string): Promise<'done' | 'failed'> {
    const { desk, log, clock } = this.#options;
    const deadline = new AbortController();
    const late = clock.sleep(DESK_DEADLINE_MS, deadline.signal).then(
      () => ({ accepted: false, because: 'no answer in time' }),
      () => ({ accepted: false, because: '' }),
    );
    const asked = desk.command(command, `nut:${by}`).catch((error: unknown) => ({
      accepted: false,
      because: String(error),
    }));
    const { accepted, because } = await Promise.race([asked, late]);
    deadline.abort();
    log.info({ command: command.kind, user: by, accepted, because }, 'command over NUT');
    return accepted ? 'done' : 'failed';
  }

  #audiences(): (readonly [string, Audience])[] {
    return this.#options.users.all().map((user) => [keyOf(user), { needsS: this.#needsS(user), stage: user.stage }]);
  }

  /** As configured, or as long as it was seen to take. */
  #needsS(user: NutUser): number {
    return Math.max(user.needsS, ...(this.#measuredS.get(user.user) ?? []));
  }

  #forcedSince(user: NutUser | undefined): number | undefined {
    return this.#forced.since(user === undefined ? STRANGER_KEY : keyOf(user));
  }

  /** On battery and near the moment at which this one must go; or below what a client has set. */
  #isLow(user: NutUser | undefined): boolean {
    const { bank, mains } = this.#snapshot?.rack ?? {};
    if (bank === undefined || mains?.verdict !== 'absent') return false;
    if (this.isForced(user)) return true;
    // A primary orders everybody down as soon as it sees OB LB, so it sees LB last.
    const leadS = user?.upsmon === 'primary' ? 0 : LOW_LEAD_S;
    const inS = this.#beginsInS.get(user === undefined ? STRANGER_KEY : keyOf(user));
    if (inS !== undefined && inS <= leadS) return true;
    if ((bank.socRatio ?? 1) * 100 < this.settings.number('battery.charge.low')) return true;
    return (bank.runtimeS ?? Number.POSITIVE_INFINITY) < this.settings.number('battery.runtime.low');
  }

  #live(): boolean {
    return this.#snapshot?.coordinator.schedule.basis === 'live';
  }

  #statusWords(): ReturnType<typeof statusWords> {
    if (this.#snapshot === undefined) return { words: ['WAIT'] };
    this.#status ??= statusWords(this.#snapshot.rack);
    return this.#status;
  }

  #changed(): void {
    this.#variables = undefined;
    this.#status = undefined;
    this.#blocks.clear();
  }
}

const keyOf = ({ user }: NutUser): string => `user ${user}`;
