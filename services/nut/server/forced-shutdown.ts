/**
 * The flag FSD, for each audience by itself. It is raised when the schedule (or whoever commands the UPS upstream) wants
 * the machines of that audience down, or for everybody by a client that may. It does not flicker, it can be taken back
 * while nobody has acted on it, and it never outlives the outage: upsmon has no way back from FSD, and one that comes
 * back after an outage would go down again.
 */

/** The schedule must have moved away by this much before an order is taken back, s. */
const TAKE_BACK_S = 30;
/** An order given while mains is there stands this long for everybody to see it (upsmon looks every 5 s), ms. */
const SEEN_BY_ALL_MS = 30_000;
/** And no longer than this, ms. */
const LONGEST_ON_MAINS_MS = 300_000;

interface Order {
  readonly sinceMs: number;
  /** Somebody who was logged in and had seen it is gone. */
  acted: boolean;
}

export interface Outlook {
  /** Mains is away. */
  readonly live: boolean;
  /** Seconds until each audience must begin, by its key. */
  readonly mustBeginInS: ReadonlyMap<string, number | undefined>;
  /** Clients that are logged in. */
  readonly logins: number;
}

export class ForcedShutdown {
  readonly #scheduled = new Map<string, Order>();
  #ordered: (Order & { onMains: boolean }) | undefined;

  /** Looks at the newest prediction. */
  update(nowMs: number, { live, mustBeginInS, logins }: Outlook): void {
    for (const [key, inS] of mustBeginInS) {
      const order = this.#scheduled.get(key);
      if (order === undefined) {
        if (inS !== undefined && inS <= 0) this.#scheduled.set(key, { sinceMs: nowMs, acted: false });
      } else if (inS === undefined ? !live || !order.acted : inS > TAKE_BACK_S && !order.acted) {
        this.#scheduled.delete(key);
      }
    }
    const order = this.#ordered;
    if (order === undefined) return;
    if (live) order.onMains = false;
    else if (!order.onMains || over(order, nowMs, logins)) this.#ordered = undefined;
  }

  /** A client orders everybody down. */
  order(nowMs: number, live: boolean): void {
    this.#ordered ??= { sinceMs: nowMs, acted: false, onMains: !live };
  }

  /** Monotonic ms since when this audience is ordered down; absent when it is not. */
  since(key: string): number | undefined {
    const since = [this.#scheduled.get(key)?.sinceMs, this.#ordered?.sinceMs].filter((each) => each !== undefined);
    return since.length === 0 ? undefined : Math.min(...since);
  }

  /** One of this audience who had seen the order is gone. */
  acted(key: string): void {
    const scheduled = this.#scheduled.get(key);
    if (scheduled !== undefined) scheduled.acted = true;
    if (this.#ordered !== undefined) this.#ordered.acted = true;
  }

  /** Takes a client's order back. False when there is none, or somebody has acted on it. */
  takeBack(): boolean {
    if (this.#ordered === undefined || this.#ordered.acted) return false;
    this.#ordered = undefined;
    return true;
  }
}

function over({ sinceMs }: Order, nowMs: number, logins: number): boolean {
  const ageMs = nowMs - sinceMs;
  return ageMs >= LONGEST_ON_MAINS_MS || (ageMs >= SEEN_BY_ALL_MS && logins === 0);
}
