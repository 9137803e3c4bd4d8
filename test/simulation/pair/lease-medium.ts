import type { Connect, Connection, Medium } from '../../../services/lease/connection.ts';
import type { Clock } from '../../../services/runtime/clock.ts';
import type { Random } from '../random.ts';

/** Longest way of a message to the broker, or from it, ms. */
const LONGEST_WAY_MS = 80;
const CONNECT_MS = 50;
/** What a connection attempt takes that nobody answers, ms. */
const UNANSWERED_MS = 3000;

interface Client {
  readonly connection: Connection;
  readonly end: (reason: string) => void;
  /** It goes on after the machine was frozen. */
  readonly awake: () => Promise<void>;
  /** A connection keeps the order of what it carries. */
  outMs: number;
  inMs: number;
}

/** A broker in virtual time: keeps order and retained messages, takes its time, can be gone, and can lose a client. */
export class LeaseMedium {
  readonly #clock: Clock;
  readonly #rng: Random;
  readonly #retained = new Map<string, Uint8Array>();
  readonly #clients = new Map<string, Client>();
  readonly #cutOff = new Set<string>();
  #up = true;

  constructor(clock: Clock, rng: Random) {
    this.#clock = clock;
    this.#rng = rng;
  }

  /** The way of one node. `awake` settles as soon as its machine runs. */
  connectOf(name: string, awake: () => Promise<void>): Connect {
    return async (connection) => {
      const answers = (): boolean => this.#up && !this.#cutOff.has(name);
      await this.#clock.sleep(answers() ? CONNECT_MS : UNANSWERED_MS);
      await awake();
      if (!answers() || connection.signal.aborted) return 'connection refused';
      return await new Promise((resolve) => {
        const end = (reason: string): void => {
          if (this.#clients.get(name) === client) this.#clients.delete(name);
          void awake().then(() => resolve(reason));
        };
        const client: Client = { connection, end, awake, outMs: 0, inMs: 0 };
        this.#clients.set(name, client);
        connection.signal.addEventListener('abort', () => end('stopped'), { once: true });
        connection.onReady(this.#mediumOf(name, client));
        for (const topic of connection.topics) {
          const payload = this.#retained.get(topic);
          if (payload !== undefined) void this.#deliver(name, client, topic, payload, true);
        }
      });
    };
  }

  /** Every connection breaks, and none is made before `up`. `forgets`: it keeps no retained messages over that. */
  down(forgets: boolean): void {
    this.#up = false;
    if (forgets) this.#retained.clear();
    for (const { end } of [...this.#clients.values()]) end('the broker is gone');
  }

  up(): void {
    this.#up = true;
  }

  /** Nothing gets through any more; the node learns of it when its keepalive fails. */
  cutOff(name: string): void {
    this.#cutOff.add(name);
    const client = this.#clients.get(name);
    if (client === undefined) return;
    void this.#clock.sleep(client.connection.keepaliveS * 1500).then(() => {
      if (this.#cutOff.has(name)) client.end('no answer');
    });
  }

  /** A connection that was silent for a while goes on where it was: what was lost is lost. */
  rejoin(name: string): void {
    if (!this.#cutOff.delete(name)) return;
    this.#clients.get(name)?.end('reset');
  }

  /** Its process is dead. */
  drop(name: string): void {
    this.#clients.delete(name);
  }

  /** Can this node be heard by everybody, and hear? */
  carries(name: string): boolean {
    return this.#up && !this.#cutOff.has(name);
  }

  #mediumOf(name: string, client: Client): Medium {
    return {
      publish: (topic, text, retain) => {
        const nowMs = this.#clock.monoMs();
        client.outMs = Math.max(client.outMs, nowMs + this.#wayMs());
        void this.#clock.sleep(client.outMs - nowMs).then(() => {
          if (this.#clients.get(name) === client && this.carries(name)) this.#take(topic, Buffer.from(text), retain);
        });
      },
    };
  }

  #take(topic: string, payload: Uint8Array, retain: boolean): void {
    if (retain) this.#retained.set(topic, payload);
    for (const [name, client] of this.#clients) void this.#deliver(name, client, topic, payload, false);
  }

  async #deliver(name: string, client: Client, topic: string, payload: Uint8Array, stored: boolean): Promise<void> {
    if (!client.connection.topics.includes(topic)) return;
    const nowMs = this.#clock.monoMs();
    client.inMs = Math.max(client.inMs, nowMs + this.#wayMs());
    await this.#clock.sleep(client.inMs - nowMs);
    // What waits in the socket of a frozen machine is read when it goes on.
    await client.awake();
    if (this.#clients.get(name) === client && this.carries(name)) client.connection.onMessage(topic, payload, stored);
  }

  #wayMs(): number {
    return 2 + this.#rng() * (LONGEST_WAY_MS - 2);
  }
}
