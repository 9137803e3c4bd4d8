import { randomBytes } from 'node:crypto';
import type { LeaseConfig } from '../config/lease.ts';
import type { Clock } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Part } from '../runtime/lifecycle.ts';
import type { Log } from '../runtime/log.ts';
import { type Answer, accept, refuse } from '../shutdown/answer.ts';
import type { Lead } from '../shutdown/lead.ts';
import {
  firstLease,
  type LeaseInput,
  type LeaseOptions,
  type LeaseOrder,
  type LeaseState,
  type LeaseView,
  leadership,
  leaseView,
} from '../shutdown/leadership.ts';
import { whyNotOrdered } from '../shutdown/lease-order.ts';
import { type AgedState, readShared, type SharedState } from '../shutdown/shared-state.ts';
import type { CoordinatorState } from '../shutdown/state.ts';
import { type Connect, connectMqtt, type Medium } from './connection.ts';
import { askPeer } from './peer.ts';
import { readLease } from './words.ts';

export interface LeaseSecrets {
  readonly password?: string;
  readonly tlsKey?: string;
}

export interface LeaseDeps {
  /** The machine's clock: a lease is about real programs on a real network. */
  readonly clock: Clock;
  readonly log: Log;
  /** Other than MQTT in tests. */
  readonly connect?: Connect;
  /** Other than HTTP in tests. */
  readonly ask?: typeof askPeer;
}

/** A state is told at most this often, ms. */
const SHARE_EVERY_MS = 250;
const BACKOFF_MS = { first: 500, most: 5000 } as const;
/** Longer than any state that is not nonsense. */
const MOST_STATE_BYTES = 2_000_000;

/** The lease on a broker: hands what is heard to `leadership` and publishes what it says. It decides nothing itself. */
export class Lease implements Part, Lead {
  readonly name = 'lease';
  readonly #config: LeaseConfig;
  readonly #deps: LeaseDeps;
  readonly #connect: Connect;
  readonly #options: LeaseOptions;
  readonly #stop = new AbortController();
  #state: LeaseState;
  #running: Promise<unknown> = Promise.resolve();
  #medium: Medium | undefined;
  #onChange: () => void = () => {};
  #shared: SharedState | undefined;
  #mine: { readonly state: AgedState; readonly atMs: number } | undefined;
  #sharedMs = Number.NEGATIVE_INFINITY;
  #due = false;
  #trouble = '';

  constructor(config: LeaseConfig, secrets: LeaseSecrets, deps: LeaseDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#connect = deps.connect ?? connectMqtt(config.mqtt, secrets);
    this.#options = { holder: config.holder, life: randomBytes(8).toString('hex'), ttlMs: config.ttl * 1000 };
    this.#state = firstLease(deps.clock.monoMs());
  }

  /** Does nothing before the journal is read: `begin` starts it. */
  start(): void {}

  begin(before: CoordinatorState['lease'], onChange: () => void): void {
    this.#state = firstLease(this.#deps.clock.monoMs(), before);
    this.#onChange = onChange;
    this.#running = Promise.all([this.#stayConnected(), this.#tick(), this.#askPeer()]);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  view(): LeaseView {
    // A program that stood still must notice before it acts, not with the next tick.
    this.#take({ kind: 'tick' });
    return leaseView(this.#state, this.#deps.clock.monoMs(), this.#options);
  }

  share(state: AgedState): void {
    this.#mine = { state, atMs: this.#deps.clock.monoMs() };
    this.#due = true;
    this.#tell();
  }

  shared(): SharedState | undefined {
    return this.#shared;
  }

  order(order: LeaseOrder): Answer {
    this.#take({ kind: 'tick' });
    const because = whyNotOrdered(this.#state, order, this.#deps.clock.monoMs(), this.#options);
    if (because !== undefined) return refuse(because);
    this.#take({ kind: 'order', order });
    if (order.do === 'give') return accept('this node watches from now on; the other one takes over');
    if (this.#state.role === 'acting') return accept('this node acts, and what the other one does nobody knows');
    return accept(`this node claims the role, and acts in about ${Math.ceil((1.2 * this.#options.ttlMs) / 1000)} s`);
  }

  #take(input: LeaseInput): void {
    const nowMs = this.#deps.clock.monoMs();
    const before = this.#state;
    const { state, publish } = leadership(before, input, nowMs, this.#options);
    this.#state = state;
    for (const message of publish)
      this.#medium?.publish(this.#config.mqtt.topic, JSON.stringify(message), message.kind === 'lease');
    if (state.role === before.role && state.epoch === before.epoch) return;
    this.#deps.log.info({ role: state.role, epoch: state.epoch, holder: state.known?.holder }, 'lease');
    if (state.role === 'acting') this.#due = true;
    setImmediate(this.#onChange);
  }

  #heard(topic: string, payload: Uint8Array, stored: boolean): void {
    if (topic === this.#config.mqtt.topic) {
      const message = readLease(payload);
      if (message !== undefined) this.#take({ kind: 'heard', message, stored });
      return;
    }
    if (payload.byteLength > MOST_STATE_BYTES) return;
    const shared = readShared(Buffer.from(payload).toString('utf8'));
    if (shared === undefined || shared.life === this.#options.life) return;
    // A node that was replaced and does not know it yet has nothing to say.
    if (shared.epoch < Math.max(this.#shared?.epoch ?? 0, this.#state.role === 'acting' ? this.#state.epoch : 0)) {
      this.#due = true;
      return;
    }
    this.#shared = shared;
    this.#onChange();
  }

  /** Publishes the newest state when that is due and allowed. */
  #tell(): void {
    const { clock } = this.#deps;
    const nowMs = clock.monoMs();
    const mine = this.#mine;
    if (!this.#due || mine === undefined || this.#medium === undefined || this.#state.role !== 'acting') return;
    if (nowMs - this.#sharedMs < SHARE_EVERY_MS) return;
    this.#due = false;
    this.#sharedMs = nowMs;
    const { holder, life } = this.#options;
    const wallMs = Math.round(clock.wallMs() - (nowMs - mine.atMs));
    const shared: SharedState = { kind: 'state', holder, life, epoch: this.#state.epoch, wallMs, state: mine.state };
    this.#medium.publish(`${this.#config.mqtt.topic}/state`, JSON.stringify(shared), true);
  }

  async #tick(): Promise<void> {
    const { clock } = this.#deps;
    const everyMs = Math.min(SHARE_EVERY_MS, this.#options.ttlMs / 12);
    while (!this.#stop.signal.aborted) {
      this.#take({ kind: 'tick' });
      this.#tell();
      await clock.sleep(everyMs, this.#stop.signal).catch(() => {});
    }
  }

  async #askPeer(): Promise<void> {
    const { peer } = this.#config;
    const { ask = askPeer } = this.#deps;
    const everyMs = this.#options.ttlMs / 3;
    while (peer !== undefined && !this.#stop.signal.aborted) {
      if (this.#state.role !== 'acting')
        this.#take({ kind: 'peer', says: await ask(peer, everyMs, this.#stop.signal) });
      await this.#deps.clock.sleep(everyMs, this.#stop.signal).catch(() => {});
    }
  }

  async #stayConnected(): Promise<void> {
    const { signal } = this.#stop;
    const { clock } = this.#deps;
    const { topic } = this.#config.mqtt;
    let backoffMs: number = BACKOFF_MS.first;
    while (!signal.aborted) {
      const reason = await this.#connect({
        topics: [topic, `${topic}/state`],
        keepaliveS: Math.max(2, Math.min(30, Math.round(this.#config.ttl / 3))),
        signal,
        onReady: (medium) => {
          backoffMs = BACKOFF_MS.first;
          this.#medium = medium;
          this.#trouble = '';
          this.#due = true;
          this.#take({ kind: 'connected' });
        },
        onMessage: (...message) => this.#heard(...message),
      }).catch(messageOf);
      this.#medium = undefined;
      this.#take({ kind: 'disconnected' });
      if (signal.aborted) return;
      if (reason !== this.#trouble) this.#deps.log.warn({ broker: this.#config.mqtt.url }, `lease: ${reason}`);
      this.#trouble = reason;
      await clock.sleep(backoffMs, signal).catch(() => {});
      backoffMs = Math.min(BACKOFF_MS.most, backoffMs * 2);
    }
  }
}
