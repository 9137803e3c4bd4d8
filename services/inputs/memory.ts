import { type Alarm, type BoundMapping, implausible, type MappingDriver, mappedAlarm, type Sample } from '#bms';
import { InputError } from './input-error.ts';

/** When a message came, and whether the broker had kept it. */
export interface Arrival {
  readonly monoMs: number;
  readonly wallMs: number;
  /** It lay in the broker: nobody knows since when, unless the payload says it. */
  readonly retained: boolean;
}

interface Kept {
  readonly value: unknown;
  /** Monotonic ms of the measurement. */
  readonly atMs: number;
  readonly expiresMs: number;
}

/** A publisher's clock may be ahead of ours by so much; what is kept in a broker and comes from later is not believed, ms. */
const CLOCK_AHEAD_MS = 60_000;

/**
 * What is known of one device from the messages about it, each value with its own age. Time is given to it, so it is as
 * good as pure.
 */
export class Memory {
  readonly #driver: MappingDriver;
  readonly #bound: BoundMapping;
  readonly #staleAfterMs: number;
  readonly #values = new Map<string, Kept>();
  readonly #alarms = new Map<number, Kept>();
  #available: boolean | undefined;
  /** Monotonic ms of the newest measurement that was heard, or of the newest sign of life where values are withheld. */
  #heardMs: number | undefined;
  #changes = 0;
  #refusal: string | undefined;

  constructor(driver: MappingDriver, bound: BoundMapping, staleAfterMs: number) {
    this.#driver = driver;
    this.#bound = bound;
    this.#staleAfterMs = staleAfterMs;
  }

  /** Counts what was news. */
  get changes(): number {
    return this.#changes;
  }

  /** The publisher says that it is away. */
  get away(): boolean {
    return this.#available === false;
  }

  /** When all that was heard is too old, monotonic ms; undefined when nothing was heard yet. */
  get staleAtMs(): number | undefined {
    return this.#heardMs === undefined ? undefined : this.#heardMs + this.#staleAfterMs;
  }

  /** Why the latest message could not be read, when it could not. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** Somebody who says nothing of values shows that the publisher lives. */
  alive({ monoMs, retained }: Arrival): void {
    if (retained || !this.#driver.mapping.withholds || this.#values.size === 0) return;
    this.#heardMs = monoMs;
    this.#changes += 1;
  }

  /** One message. What cannot be read changes nothing. */
  take(key: string, text: string, arrival: Arrival): void {
    const reading = this.#bound.read(key, text);
    if ('code' in reading) {
      this.#refusal = `${key}: ${reading.message}`;
      return;
    }
    this.#refusal = undefined;
    if (reading.available !== undefined) this.#setAvailable(reading.available);
    const atMs = measuredMs(reading.atMs, arrival);
    let told = false;
    for (const { name, index, value } of reading.told) {
      const rule = this.#driver.mapping.values[name];
      const at = rule?.lasting ? arrival.monoMs : atMs;
      if (at === undefined || rule === undefined) continue;
      const id = index === undefined ? name : `${name} ${index}`;
      if (value === undefined) this.#values.delete(id);
      else this.#values.set(id, { value, atMs: at, expiresMs: this.#expiryOf(rule) });
      told ||= !rule.lasting;
    }
    if (atMs === undefined) return;
    for (const { at, on } of reading.alarms)
      this.#alarms.set(at, { value: on, atMs, expiresMs: this.#expiryOf({ lasting: false, expires: undefined }) });
    if (told) {
      this.#heardMs = Math.max(this.#heardMs ?? atMs, atMs);
      this.#changes += 1;
    } else if (reading.alarms.length > 0 && this.#driver.mapping.withholds) this.alive(arrival);
  }

  /**
   * What all of it says now.
   * @throws InputError when it does not say enough
   */
  sample(monoMs: number, wallMs: number, invertCurrent = false): Sample {
    const { id } = this.#driver;
    if (this.away) throw new InputError('offline', `its publisher says that it is away (mapping ${id})`);
    const staleAtMs = this.staleAtMs;
    if (staleAtMs === undefined) throw new InputError('silent', 'nothing of it was heard yet');
    if (monoMs > staleAtMs) throw new InputError('stale', 'what is heard was measured too long ago; look at its clock');
    const fields = this.#fields(monoMs);
    const missing = this.#driver.mapping.requires.filter((name) => fields[name] === undefined);
    if (missing.length > 0)
      throw new InputError('incomplete', `${missing.join(' and ')} was not heard; the mapping needs it`);
    if (invertCurrent) for (const name of ['currentA', 'powerW']) turnRound(fields, name);
    const ageMs = monoMs - (this.#heardMs ?? monoMs);
    const sample = this.#driver.sample(fields, wallMs - ageMs, this.#alarmsOn(monoMs));
    const why = implausible(sample);
    if (why !== undefined) throw new InputError('implausible', why);
    return sample;
  }

  #setAvailable(available: boolean): void {
    if (this.#available !== available) this.#changes += 1;
    this.#available = available;
    if (available) return;
    // What it says when it is back counts from then on.
    this.#alarms.clear();
    for (const [id, { expiresMs }] of this.#values)
      if (expiresMs !== Infinity || this.#driver.mapping.withholds) this.#values.delete(id);
    this.#heardMs = undefined;
  }

  #expiryOf({ lasting, expires }: { readonly lasting: boolean; readonly expires?: number | undefined }): number {
    if (lasting || (this.#driver.mapping.withholds && expires === undefined)) return Infinity;
    return expires === undefined ? this.#staleAfterMs : expires * 1000;
  }

  #fields(monoMs: number): Record<string, unknown> {
    const fields: Record<string, unknown> = {};
    const now = (id: string): unknown => {
      const kept = this.#values.get(id);
      return kept === undefined || monoMs - kept.atMs > kept.expiresMs ? undefined : kept.value;
    };
    for (const [name, { list }] of Object.entries(this.#driver.mapping.values)) {
      const count = this.#bound.lists.get(name);
      if (list === undefined || count === undefined) {
        const value = now(name);
        if (value !== undefined) fields[name] = value;
        continue;
      }
      const found = Array.from({ length: count }, (_, index) => now(`${name} ${index}`));
      const there = found.filter((value) => value !== undefined);
      // A list of cells with a hole would give every later cell another number.
      if (there.length > 0 && (list.gaps || there.length === count)) fields[name] = there;
    }
    return fields;
  }

  #alarmsOn(monoMs: number): readonly Alarm[] | undefined {
    if (this.#alarms.size === 0) return undefined;
    return [...this.#alarms].flatMap(([at, { value, atMs, expiresMs }]) => {
      const found = value === true && monoMs - atMs <= expiresMs ? mappedAlarm(this.#driver.mapping, at) : undefined;
      return found === undefined ? [] : [found];
    });
  }
}

/** Monotonic ms of a measurement; undefined when nobody knows how old it is. */
function measuredMs(saidMs: number | undefined, { monoMs, wallMs, retained }: Arrival): number | undefined {
  if (saidMs === undefined) return retained ? undefined : monoMs;
  if (retained && saidMs > wallMs + CLOCK_AHEAD_MS) return undefined;
  return monoMs - Math.max(0, wallMs - saidMs);
}

function turnRound(fields: Record<string, unknown>, name: string): void {
  const value = fields[name];
  if (typeof value === 'number') fields[name] = 0 - value;
}
