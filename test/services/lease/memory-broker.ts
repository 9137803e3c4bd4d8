import type { Connect, Connection } from '../../../services/lease/connection.ts';

/** A broker in memory: keeps the order and the retained messages, can be gone, and forgets nothing by itself. */
export class MemoryBroker {
  readonly #retained = new Map<string, Uint8Array>();
  readonly #clients = new Map<Connection, (reason: string) => void>();
  #up = true;

  readonly connect: Connect = (connection) =>
    new Promise((resolve) => {
      if (!this.#up || connection.signal.aborted) {
        resolve('connection refused');
        return;
      }
      const end = (reason: string): void => {
        this.#clients.delete(connection);
        resolve(reason);
      };
      this.#clients.set(connection, end);
      connection.signal.addEventListener('abort', () => end('stopped'), { once: true });
      connection.onReady({ publish: (topic, text, retain) => this.#publish(connection, topic, text, retain) });
      for (const topic of connection.topics) {
        const payload = this.#retained.get(topic);
        if (payload !== undefined) setImmediate(() => this.#deliver(connection, topic, payload, true));
      }
    });

  /** All connections break, and none is made before `up`. */
  down(): void {
    this.#up = false;
    for (const end of [...this.#clients.values()]) end('the broker is gone');
  }

  up(): void {
    this.#up = true;
  }

  #publish(from: Connection, topic: string, text: string, retain: boolean): void {
    if (!this.#clients.has(from)) return;
    const payload = Buffer.from(text);
    if (retain) this.#retained.set(topic, payload);
    for (const each of this.#clients.keys())
      if (each.topics.includes(topic)) setImmediate(() => this.#deliver(each, topic, payload, false));
  }

  #deliver(to: Connection, topic: string, payload: Uint8Array, stored: boolean): void {
    if (this.#clients.has(to)) to.onMessage(topic, payload, stored);
  }
}
