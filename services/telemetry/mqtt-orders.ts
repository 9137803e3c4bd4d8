import { z } from 'zod';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Command } from '../shutdown/state.ts';
import type { Desk } from '../shutdown/view.ts';
import { orderTopic } from './mqtt-topics.ts';

/** Orders over MQTT: `<root>/coordinator/main/set/<order>` and `<root>/host/<id>/set/<order>`, answered on `…/result`. */

const MOST_BYTES = 4096;
const DEADLINE_MS = 5_000;
/** Orders that may come at once, and how soon another one may. */
const BURST = 10;
const REFILL_MS = 2_000;
/** What a bare press of a button holds for, s. */
const PRESSED_HOLD_S = 900;

const host = z.string().min(1).max(100);
const order = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('begin'), onMains: z.boolean().exactOptional() }),
  z.strictObject({ kind: z.literal('hold'), forS: z.number().positive().max(86_400) }),
  z.strictObject({ kind: z.literal('abort') }),
  z.strictObject({ kind: z.enum(['skip', 'unskip']), host }),
  z.strictObject({ kind: z.literal('take-over'), host, as: z.enum(['up', 'off']) }),
  z.strictObject({ kind: z.literal('power-cycle'), host, force: z.boolean().exactOptional() }),
  z.strictObject({ kind: z.literal('lease'), do: z.enum(['take', 'give']), force: z.boolean().exactOptional() }),
  z.strictObject({ kind: z.literal('rehearse'), stage: host, depth: z.enum(['drain', 'whole']) }),
]);

export interface Ordered {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retain: boolean;
  /** User of the embedded broker; an external broker does not tell. */
  readonly user?: string;
}

export type Parsed =
  | { readonly command: Command; readonly id?: string }
  | { readonly refused: string; readonly id?: string };

/** What a message asks for, or why that cannot be told. Pure; never throws. */
export function parseOrder(root: string, topic: string, payload: Uint8Array): Parsed {
  const to = orderTopic(root, topic);
  if (to === undefined) return { refused: 'this is no topic for orders' };
  if (to.kind === 'switch')
    return { refused: 'ports are switched by the coordinator alone; order power-cycle of the host on that port' };
  const about = to.kind === 'host' ? { host: to.id } : {};
  if (to.kind !== 'host' && (to.kind !== 'coordinator' || to.id !== 'main'))
    return { refused: 'orders go to coordinator/main or to a host' };
  const body = bodyOf(to.what, payload);
  if (typeof body === 'string') return { refused: body };
  const { id, ...fields } = body;
  const known = typeof id === 'string' && id.length <= 64 ? { id } : {};
  const parsed = order.safeParse({ ...fields, ...about, ...(to.what === 'command' ? {} : { kind: to.what }) });
  if (parsed.success) return { command: parsed.data, ...known };
  const [issue] = parsed.error.issues;
  const where = issue?.path.join('.') ?? '';
  const why = where === 'kind' ? `there is no such order; there are ${KINDS.join(', ')}` : issue?.message;
  return { refused: `${where === '' ? '' : `${where}: `}${why ?? 'not understood'}`, ...known };
}

const KINDS = ['begin', 'hold', 'abort', 'skip', 'unskip', 'take-over', 'power-cycle', 'lease', 'rehearse'];

/** The fields of an order, or why there are none. An empty payload is what clearing a retained message looks like. */
function bodyOf(what: string, payload: Uint8Array): Record<string, unknown> | string {
  if (payload.length > MOST_BYTES) return `more than ${MOST_BYTES} bytes`;
  const text = Buffer.from(payload).toString('utf8').trim();
  if (text === '') return 'an empty payload orders nothing; send PRESS or a JSON object';
  if (text === 'PRESS') return what === 'hold' ? { forS: PRESSED_HOLD_S } : {};
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return 'neither PRESS nor JSON';
  }
  if (typeof json === 'number' && what === 'hold') return { forS: json };
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return { ...json };
  return 'a JSON object is expected';
}

export interface OrdersOptions {
  readonly root: string;
  readonly desk: Pick<Desk, 'command'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly answer: (topic: string, payload: string) => void;
}

/** Hands orders to the coordinator and answers every one; too many of them are not looked at. */
export class Orders {
  readonly #options: OrdersOptions;
  #allowed = BURST;
  #refilledMs: number;
  #flooded = false;

  constructor(options: OrdersOptions) {
    this.#options = options;
    this.#refilledMs = options.clock.monoMs();
  }

  /** Never rejects. */
  async take(ordered: Ordered): Promise<void> {
    const { root, log } = this.#options;
    const { topic, payload, retain, user } = ordered;
    if (orderTopic(root, topic) === undefined) return;
    if (!this.#mayTake()) {
      if (!this.#flooded) log.warn({ sink: 'mqtt', topic }, 'too many orders over MQTT; some are not looked at');
      if (!this.#flooded) this.#answer(topic, { accepted: false, because: 'too many orders; wait a little' });
      this.#flooded = true;
      return;
    }
    this.#flooded = false;
    const author = user === undefined ? 'mqtt' : `mqtt:${user}`;
    if (retain) {
      if (payload.length === 0) return;
      const because = 'retained orders are ignored: it would come again at every reconnect; send it without retain';
      log.warn({ sink: 'mqtt', topic, author }, because);
      this.#answer(topic, { accepted: false, because });
      return;
    }
    const parsed = parseOrder(root, topic, payload);
    const id = parsed.id === undefined ? {} : { id: parsed.id };
    if ('refused' in parsed) {
      log.info({ sink: 'mqtt', topic, author, because: parsed.refused }, 'order over MQTT is refused');
      this.#answer(topic, { accepted: false, because: parsed.refused, ...id });
      return;
    }
    const { accepted, because } = await this.#asked(parsed.command, author);
    log.info({ sink: 'mqtt', command: parsed.command.kind, author, accepted }, 'order over MQTT');
    this.#answer(topic, { accepted, because, ...id });
  }

  async #asked(command: Command, author: string): Promise<{ readonly accepted: boolean; readonly because: string }> {
    const { desk, clock } = this.#options;
    const done = new AbortController();
    const late = clock
      .sleep(DEADLINE_MS, done.signal)
      .then(() => ({ accepted: false, because: 'the coordinator has not answered in time; the journal tells' }))
      .catch(() => ({ accepted: false, because: 'stopped' }));
    try {
      return await Promise.race([desk.command(command, author), late]);
    } catch {
      return { accepted: false, because: 'the coordinator could not take it; the log tells why' };
    } finally {
      done.abort();
    }
  }

  #mayTake(): boolean {
    const nowMs = this.#options.clock.monoMs();
    const more = Math.floor((nowMs - this.#refilledMs) / REFILL_MS);
    if (more > 0) {
      this.#allowed = Math.min(BURST, this.#allowed + more);
      this.#refilledMs += more * REFILL_MS;
    }
    if (this.#allowed === 0) return false;
    this.#allowed -= 1;
    return true;
  }

  #answer(topic: string, answer: { accepted: boolean; because: string; id?: string }): void {
    const ts = Math.round(this.#options.clock.wallMs());
    this.#options.answer(`${topic}/result`, JSON.stringify({ ts, ...answer }));
  }
}
