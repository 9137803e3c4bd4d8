/** Wall time as people on site read it. All times are ms since the epoch. */

const QUARTER_MS = 900_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/**
 * A time zone by its IANA name; the machine's own when absent. Offsets change on quarters of an hour only.
 * The machine's own needs no more than `Date`: the tables behind `Intl` would stay in memory for as long as we run (8 MiB).
 */
export class Zone {
  readonly #name: string | undefined;
  readonly #known = new Map<number, number>();
  #made: Intl.DateTimeFormat | undefined;

  /** @throws RangeError when the machine's calendar knows no zone of this name */
  constructor(name?: string) {
    this.#name = name;
    if (name !== undefined) this.#made = formatOf(name);
  }

  /** IANA name, as the machine's calendar has it. */
  get name(): string {
    return this.#format().resolvedOptions().timeZone;
  }

  /** What to add to a time so that reading it as UTC gives the clock on the wall, ms. */
  offsetMs(atMs: number): number {
    const quarter = Math.floor(atMs / QUARTER_MS);
    const known = this.#known.get(quarter);
    if (known !== undefined) return known;
    const offset = this.#offsetAt(quarter * QUARTER_MS);
    if (this.#known.size > 4000) this.#known.clear();
    this.#known.set(quarter, offset);
    return offset;
  }

  #offsetAt(atMs: number): number {
    if (this.#name === undefined) return -new Date(atMs).getTimezoneOffset() * 60_000;
    const parts: Record<string, number> = {};
    for (const { type, value } of this.#format().formatToParts(atMs)) parts[type] = Number(value);
    const { year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) - atMs;
  }

  #format(): Intl.DateTimeFormat {
    this.#made ??= formatOf(this.#name);
    return this.#made;
  }

  /** Beginning of the hour on the wall that this moment is in. */
  hourStart(atMs: number): number {
    const offset = this.offsetMs(atMs);
    return Math.floor((atMs + offset) / HOUR_MS) * HOUR_MS - offset;
  }

  /** Midnight before this moment; `daysBack` days earlier when given. */
  dayStart(atMs: number, daysBack = 0): number {
    const day = Math.floor((atMs + this.offsetMs(atMs)) / DAY_MS) - daysBack;
    return this.#fromLocal(day * DAY_MS);
  }

  /** Monday's midnight of the week this moment is in. */
  weekStart(atMs: number): number {
    return this.dayStart(atMs, (this.weekday(atMs) + 6) % 7);
  }

  /** Midnight of the first of the month this moment is in, `monthsBack` months earlier. */
  monthStart(atMs: number, monthsBack = 0): number {
    const local = new Date(atMs + this.offsetMs(atMs));
    return this.#fromLocal(Date.UTC(local.getUTCFullYear(), local.getUTCMonth() - monthsBack, 1));
  }

  /** 0 is Sunday. */
  weekday(atMs: number): number {
    return new Date(atMs + this.offsetMs(atMs)).getUTCDay();
  }

  /** Minutes since midnight on the clock. */
  minuteOfDay(atMs: number): number {
    const local = atMs + this.offsetMs(atMs);
    return Math.floor((local - Math.floor(local / DAY_MS) * DAY_MS) / 60_000);
  }

  /** `2026-03-01` */
  date(atMs: number): string {
    return new Date(atMs + this.offsetMs(atMs)).toISOString().slice(0, 10);
  }

  /** `2026-03-01 14:05` */
  stamp(atMs: number): string {
    return new Date(atMs + this.offsetMs(atMs)).toISOString().slice(0, 16).replace('T', ' ');
  }

  /** The moment when clocks show this; where the clocks skip it, the moment after. */
  #fromLocal(localMs: number): number {
    const first = localMs - this.offsetMs(localMs);
    return localMs - this.offsetMs(first);
  }
}

function formatOf(name: string | undefined): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-US', {
    ...(name === undefined ? {} : { timeZone: name }),
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
}
