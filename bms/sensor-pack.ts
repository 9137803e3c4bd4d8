import { BridgeError, type I2cExchange, type I2cPlace } from '#bridge';
import type { Device } from './device.ts';
import type { Fields } from './drivers/driver.ts';
import { type Gift, packOfGifts, type Sensor, type SensorPlan, sensorPlan } from './drivers/i2c/sensors.ts';
import { readChip } from './i2c-reading.ts';
import type { PackSample } from './model/sample.ts';
import { implausible } from './plausible.ts';

/** A sensor and the bus it hangs on. */
export interface PlacedSensor {
  readonly sensor: Sensor;
  readonly bus: I2cExchange;
  readonly place: I2cPlace;
}

export interface SensorPackParts {
  readonly id: string;
  /** Cells in series. */
  readonly cells: number;
  readonly sensors: readonly PlacedSensor[];
  /** Wall time, ms. */
  readonly now: () => number;
  /** Monotonic time of the wire, ms. */
  readonly mono: () => number;
}

/** A sensor that failed is asked again after this long, ms: one that holds up the bus must not cost every poll. */
const REST_MS = 5_000;

interface Watch extends PlacedSensor {
  readonly plan: SensorPlan;
  restUntilMs: number;
  failure?: BridgeError;
}

/**
 * A pack without a BMS, watched by several chips. Each poll asks them all, one after the other, and makes one sample of
 * what they gave: what a silent one would have given is absent and reported as `sensor-fault`, never remembered. The
 * poll fails when the one that gives the current is silent (the pack is then as unknown as one whose BMS is silent), or
 * when none of them gave anything.
 */
export class SensorPack implements Device<PackSample> {
  readonly id: string;
  readonly driver = 'i2c-sensors';
  readonly #parts: SensorPackParts;
  readonly #watches: readonly Watch[];
  readonly #closed = new AbortController();
  #running: Promise<PackSample> | undefined;

  constructor(parts: SensorPackParts) {
    this.id = parts.id;
    this.#parts = parts;
    this.#watches = parts.sensors.map((each) => ({
      ...each,
      plan: sensorPlan(each.sensor, each.place),
      restUntilMs: Number.NEGATIVE_INFINITY,
    }));
  }

  /** A poll while another is running gets the same answer. */
  poll(signal?: AbortSignal): Promise<PackSample> {
    const both = signal === undefined ? this.#closed.signal : AbortSignal.any([this.#closed.signal, signal]);
    this.#running ??= this.#poll(both)
      .catch((error: unknown) => {
        throw error instanceof BridgeError ? error : this.#givenUp(error);
      })
      .finally(() => {
        this.#running = undefined;
      });
    return this.#running;
  }

  async close(): Promise<void> {
    this.#closed.abort(new BridgeError('closed', this.#bus, `${this.id} was closed`, { retryable: false }));
    await this.#running?.catch(() => {});
  }

  get #bus(): string {
    return this.#watches[0]?.bus.name ?? 'i2c';
  }

  async #poll(signal: AbortSignal): Promise<PackSample> {
    const gifts: Gift[] = [];
    const faults: string[] = [];
    let measuredAtMs: number | undefined;
    for (const watch of this.#watches) {
      signal.throwIfAborted();
      const gift = await this.#ask(watch, signal);
      if (gift === undefined && watch.plan.essential) throw this.#failure();
      if (gift === undefined) faults.push(`${watch.plan.name}: ${watch.failure?.message ?? 'gives nothing'}`);
      else {
        gifts.push(gift);
        measuredAtMs ??= this.#parts.now();
      }
    }
    if (measuredAtMs === undefined) throw this.#failure();
    const sample = packOfGifts(gifts, faults, this.#parts.cells, measuredAtMs);
    const reason = implausible(sample);
    if (reason === undefined) return sample;
    throw new BridgeError('refused', this.#bus, `${this.id}: impossible value, ${reason}`, { reason: 'implausible' });
  }

  /** What a sensor gives, or nothing when it is silent, resting, or not to be believed. */
  async #ask(watch: Watch, signal: AbortSignal): Promise<Gift | undefined> {
    if (this.#parts.mono() < watch.restUntilMs) return undefined;
    try {
      const fields: Fields[] = [];
      for (const read of watch.plan.reads)
        fields.push(await readChip(watch.bus, watch.place, read, `${watch.plan.name} ${read.name}`, signal));
      const gift = watch.plan.gives(Object.assign({}, ...fields));
      if (watch.plan.essential && gift.currentA === undefined) throw this.#noCurrent(watch);
      delete watch.failure;
      return gift;
    } catch (error) {
      signal.throwIfAborted();
      watch.failure =
        error instanceof BridgeError
          ? error
          : new BridgeError('refused', watch.bus.name, String(error), { reason: 'driver', cause: error });
      if (!watch.plan.essential) watch.restUntilMs = this.#parts.mono() + REST_MS;
      return undefined;
    }
  }

  #noCurrent({ plan, bus }: Watch): BridgeError {
    const text = `${plan.name}: its current is beyond what it can measure, or beyond maxCurrentA`;
    return new BridgeError('refused', bus.name, text, { reason: 'overrange' });
  }

  #givenUp(cause: unknown): BridgeError {
    return new BridgeError('aborted', this.#bus, `the poll of ${this.id} was given up`, { cause });
  }

  /** Why there is no sample: the first thing that went wrong, and that the pack is what it was about. */
  #failure(): BridgeError {
    const failures = this.#watches.flatMap(({ failure }) => (failure === undefined ? [] : [failure]));
    const essential = this.#watches.find(({ plan, failure }) => plan.essential && failure !== undefined)?.failure;
    const first = essential ?? failures[0];
    if (first === undefined)
      return new BridgeError('refused', this.#bus, `${this.id} has no sensor that gives anything`);
    const said = first.message.startsWith(`${first.transport}: `)
      ? first.message.slice(first.transport.length + 2)
      : first.message;
    const about = essential === undefined ? 'none of its sensors answers' : 'nothing tells its current';
    return new BridgeError(first.code, first.transport, `${this.id}: ${said}; ${about}`, {
      ...(first.reason === undefined ? {} : { reason: first.reason }),
      retryable: true,
      cause: first,
    });
  }
}
