import type { Picture } from './wire.ts';

/** What the chart shows: one point per snapshot since the page was opened, thinned when it grows long. */

const MOST = 3_600;

/** Columns of equal length: seconds since the epoch, percent, watts. A value that was not current is `null`: a gap. */
export type Columns = readonly [number[], (number | null)[], (number | null)[]];

export class History {
  #times: number[] = [];
  #soc: (number | null)[] = [];
  #power: (number | null)[] = [];

  /** Adds a snapshot unless it is the one added last or older. */
  add(picture: Picture): boolean {
    const at = picture.rack.wallMs / 1000;
    const last = this.#times.at(-1);
    if (last !== undefined && at <= last) {
      // The service's clock was set back: what was drawn has no place on the axis any more.
      if (last - at < 5) return false;
      this.#keep(() => false);
    }
    const { bank } = picture.rack;
    const current = bank.freshness === 'fresh' && picture.freshness === 'fresh';
    this.#times.push(at);
    this.#soc.push(current && bank.socRatio !== undefined ? bank.socRatio * 100 : null);
    this.#power.push(current ? (bank.powerW ?? null) : null);
    // Gaps survive thinning, or an interruption would look like a straight line.
    if (this.#times.length > MOST) this.#keep((index) => index % 2 === 0 || this.#soc[index] === null);
    if (this.#times.length > MOST) this.#keep((index) => index >= MOST / 2);
    return true;
  }

  get columns(): Columns {
    return [this.#times, this.#soc, this.#power];
  }

  #keep(wanted: (index: number) => boolean): void {
    const only = <T>(values: readonly T[]): T[] => values.filter((_, index) => wanted(index));
    const kept = [only(this.#times), only(this.#soc), only(this.#power)] as const;
    [this.#times, this.#soc, this.#power] = kept;
  }
}
