import type { WorldMeter } from '../model.ts';
import { hash32, signedUnit } from './random.ts';

export interface FeedOptions {
  /** Nominal, V; 110 when absent. */
  readonly voltageV?: number;
  readonly frequencyHz?: number;
  /** Of everything on the feed together; 0.95 when absent. */
  readonly powerFactor?: number;
}

/** The meter on the rack's feed from mains. While mains is absent it sees no voltage and no current. */
export class MainsMeter implements WorldMeter {
  voltageV = 0;
  frequencyHz = 0;
  powerW = 0;
  powerFactor: number;
  /** Since it was made, Wh. */
  importWh: number;
  readonly #feed: Required<FeedOptions>;
  readonly #salt: number;

  constructor(feed: FeedOptions, seed: number, importWh = 0) {
    this.#feed = { voltageV: 110, frequencyHz: 60, powerFactor: 0.95, ...feed };
    this.powerFactor = this.#feed.powerFactor;
    this.importWh = importWh;
    this.#salt = hash32(seed, 0x3e7e);
  }

  get apparentVa(): number {
    return this.powerW / this.powerFactor;
  }

  get currentA(): number {
    return this.voltageV > 0 ? this.apparentVa / this.voltageV : 0;
  }

  /** What is on the wire now. */
  see(present: boolean, powerW: number, timeS: number): void {
    const bucket = Math.floor(timeS / 2);
    this.voltageV = present ? this.#feed.voltageV * (1 + 0.004 * signedUnit(this.#salt, bucket, 1)) : 0;
    this.frequencyHz = present ? this.#feed.frequencyHz + 0.02 * signedUnit(this.#salt, bucket, 2) : 0;
    this.powerW = present ? powerW : 0;
    // an idle feed has no power factor to speak of; real meters show 1
    this.powerFactor = present && powerW > 0 ? this.#feed.powerFactor : 1;
  }

  count(powerW: number, dtS: number): void {
    this.importWh += (powerW * dtS) / 3600;
  }
}
