import { BridgeError } from '#bridge';
import type { Device } from './device.ts';
import type { Cadence, Fields } from './drivers/driver.ts';
import type { Sample } from './model/sample.ts';
import { implausible } from './plausible.ts';

/** One read of a request/response device, bound to its bus. Rejects with a `BridgeError`. */
export interface Question {
  readonly name: string;
  readonly cadence: Cadence;
  readonly optional: boolean;
  /**
   * @param known what the device has told so far, the newest of each value
   * @param tries at most so many instead of the driver's own number
   */
  ask(signal: AbortSignal, known: Fields, tries?: number): Promise<Fields>;
}

/** What a polled device is made of. */
export interface PolledParts<S extends Sample> {
  readonly id: string;
  readonly driver: string;
  /** Name of the bus, for errors. */
  readonly bus: string;
  readonly questions: readonly Question[];
  /** Whether others wait for the bus. */
  readonly shared?: () => boolean;
  /** Grows with every new connection of the bus. */
  readonly reconnects: () => number;
  readonly sample: (fields: Fields, measuredAtMs: number) => S;
  /** Wall time, ms. */
  readonly now: () => number;
  /** Monotonic time, ms. */
  readonly mono: () => number;
}

/** Between two slow reads, and before a failed slow or single read is tried again, ms. */
const SLOW_MS = 60_000;
/** What not every device answers is asked ever less often while it was never answered, up to this, ms. */
const LONGEST_PATIENCE_MS = 32 * SLOW_MS;
/** A slow value older than this is no longer part of a sample, ms. */
const SLOW_STALE_MS = 3 * SLOW_MS;

/** How long a device that fell silent is left alone on a bus that others share: from the first to the longest, ms. */
const REST_MS = { first: 2_000, longest: 16_000 } as const;

/** A device that let a question time out when it was last asked. */
interface Away {
  readonly error: BridgeError;
  readonly restMs: number;
  readonly untilMonoMs: number;
}

/** Where one question stands since the last connect. */
interface Standing {
  fields?: Fields;
  answeredMonoMs?: number;
  retryMonoMs: number;
  /** Until it is asked again after a failure, ms. */
  patienceMs: number;
  /** The device does not know it: not asked again before the next connect. */
  off: boolean;
}

/**
 * Asks what is due and merges the answers. The fast reads make the poll: if one fails, the poll fails and none of the others
 * is published. The slow, single and optional ones come after them and cost nothing but time: one that fails is asked again
 * a minute later (later each time where it is optional and was never answered), one that the device refuses for good not
 * before the next connect.
 *
 * On a bus that others share, a device that lets questions time out would take the time of all its tries from them at every
 * poll. So it is left alone for a while that grows, and then every question is asked once.
 */
export class PolledDevice<S extends Sample> implements Device<S> {
  readonly id: string;
  readonly driver: string;
  readonly #parts: PolledParts<S>;
  #closed: BridgeError | undefined;
  #giveUp: ((reason: unknown) => void) | undefined;
  #standings = new Map<Question, Standing>();
  #reconnects: number | undefined;
  #running: Promise<S> | undefined;
  #away: Away | undefined;

  constructor(parts: PolledParts<S>) {
    this.id = parts.id;
    this.driver = parts.driver;
    this.#parts = parts;
  }

  /** A poll while another is running gets the same answer. */
  poll(signal?: AbortSignal): Promise<S> {
    this.#running ??= this.#poll(signal).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async close(): Promise<void> {
    this.#closed ??= new BridgeError('closed', this.#parts.bus, `${this.id} was closed`, { retryable: false });
    this.#giveUp?.(this.#closed);
    await this.#running?.catch(() => {});
  }

  async #poll(callers: AbortSignal | undefined): Promise<S> {
    if (this.#closed) throw this.#closed;
    if (this.#rests()) throw this.#away?.error;
    const own = new AbortController();
    this.#giveUp = (reason) => own.abort(reason);
    const onAbort = (): void => own.abort(callers?.reason);
    if (callers?.aborted) onAbort();
    callers?.addEventListener('abort', onAbort, { once: true });
    try {
      const sample = await this.#askAll(own.signal);
      this.#away = undefined;
      return sample;
    } catch (error) {
      throw this.#closed ?? this.#noteAway(this.#asBridgeError(error, own.signal));
    } finally {
      callers?.removeEventListener('abort', onAbort);
      this.#giveUp = undefined;
    }
  }

  async #askAll(signal: AbortSignal): Promise<S> {
    const { questions, now } = this.#parts;
    signal.throwIfAborted();
    this.#forgetAfterReconnect();
    let measuredAtMs: number | undefined;
    const must = questions.filter((question) => question.cadence === 'fast' && !question.optional);
    const answers: Fields[] = [];
    for (const question of must) {
      const known = Object.assign({}, ...this.#restOfFields(), ...answers);
      answers.push(await question.ask(signal, known, this.#away === undefined ? undefined : 1));
      measuredAtMs ??= now();
    }
    // The bus may have connected anew while it asked.
    this.#forgetAfterReconnect();
    const failure = await this.#askTheRest(signal, answers);
    const rest = this.#restOfFields();
    if (must.length === 0 && rest.length === 0) throw failure ?? new Error('the driver has nothing to ask');
    const sample = this.#parts.sample(Object.assign({}, ...rest, ...answers), measuredAtMs ?? now());
    const reason = implausible(sample);
    if (reason === undefined) return sample;
    throw new BridgeError('refused', this.#parts.bus, `${this.id}: impossible value, ${reason}`, {
      reason: 'implausible',
    });
  }

  /** Asks the other due questions up to the first that fails: the device may just have gone. */
  async #askTheRest(signal: AbortSignal, answers: readonly Fields[]): Promise<unknown> {
    const monoMs = this.#parts.mono();
    for (const question of this.#parts.questions) {
      if (question.cadence === 'fast' && !question.optional) continue;
      const standing = this.#standing(question);
      if (!isDue(question, standing, monoMs)) continue;
      try {
        const known = Object.assign({}, ...this.#restOfFields(), ...answers);
        standing.fields = await question.ask(signal, known, isUnsure(question, standing) ? 1 : undefined);
        standing.answeredMonoMs = this.#parts.mono();
      } catch (error) {
        signal.throwIfAborted();
        this.#noteUnanswered(question, standing, error);
        // A register that is not there says nothing against the next one.
        if (!standing.off) return error;
      }
    }
    return undefined;
  }

  #noteUnanswered(question: Question, standing: Standing, error: unknown): void {
    if (question.cadence === 'fast') delete standing.fields;
    standing.off = error instanceof BridgeError && !error.retryable && error.code === 'refused';
    standing.retryMonoMs = this.#parts.mono() + standing.patienceMs;
    if (isUnsure(question, standing)) standing.patienceMs = Math.min(LONGEST_PATIENCE_MS, standing.patienceMs * 2);
  }

  #restOfFields(): readonly Fields[] {
    const oldestMonoMs = this.#parts.mono() - SLOW_STALE_MS;
    const fields: Fields[] = [];
    for (const [question, standing] of this.#standings) {
      const fresh = question.cadence === 'once' || (standing.answeredMonoMs ?? -Infinity) >= oldestMonoMs;
      if (standing.fields !== undefined && fresh) fields.push(standing.fields);
    }
    return fields;
  }

  #standing(question: Question): Standing {
    const known = this.#standings.get(question);
    if (known !== undefined) return known;
    const fresh: Standing = { retryMonoMs: -Infinity, patienceMs: SLOW_MS, off: false };
    this.#standings.set(question, fresh);
    return fresh;
  }

  /** Another device may be at the other end now. */
  #forgetAfterReconnect(): void {
    const reconnects = this.#parts.reconnects();
    if (this.#reconnects !== reconnects) this.#standings = new Map();
    this.#reconnects = reconnects;
  }

  #rests(): boolean {
    const shared = this.#parts.shared?.() ?? false;
    return shared && this.#away !== undefined && this.#parts.mono() < this.#away.untilMonoMs;
  }

  #noteAway(error: BridgeError): BridgeError {
    if (error.code !== 'timeout' || !(this.#parts.shared?.() ?? false)) {
      this.#away = undefined;
      return error;
    }
    const restMs = Math.min(REST_MS.longest, this.#away === undefined ? REST_MS.first : this.#away.restMs * 2);
    this.#away = { error, restMs, untilMonoMs: this.#parts.mono() + restMs };
    return error;
  }

  #asBridgeError(error: unknown, signal: AbortSignal): BridgeError {
    if (error instanceof BridgeError) return error;
    const { bus } = this.#parts;
    if (signal.aborted) return new BridgeError('aborted', bus, `the poll of ${this.id} was given up`, { cause: error });
    const text = error instanceof Error ? error.message : String(error);
    return new BridgeError('refused', bus, `${this.id}: ${text}`, { reason: 'driver', cause: error });
  }
}

/** The device may not know it, and would cost the line all tries of it. */
function isUnsure(question: Question, standing: Standing): boolean {
  return question.optional && standing.answeredMonoMs === undefined;
}

function isDue(question: Question, standing: Standing, monoMs: number): boolean {
  if (standing.off || monoMs < standing.retryMonoMs) return false;
  if (question.cadence === 'once') return standing.fields === undefined;
  if (question.cadence === 'fast') return true;
  return standing.answeredMonoMs === undefined || monoMs - standing.answeredMonoMs >= SLOW_MS;
}
