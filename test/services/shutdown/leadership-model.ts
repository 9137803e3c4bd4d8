import {
  firstLease,
  type LeaseInput,
  type LeaseOptions,
  type LeaseOrder,
  type LeaseOutput,
  type LeaseState,
  leadership,
} from '../../../services/shutdown/leadership.ts';
import { whyNotOrdered } from '../../../services/shutdown/lease-order.ts';

/**
 * Several nodes on a broker in virtual time. The broker keeps the order of a topic and the last retained message; what
 * is under way on a connection is lost with it. Every delay, crash, pause and break is given from outside.
 */

export interface ModelOptions {
  readonly ttlMs: number;
  readonly names: readonly string[];
  /** Delay of the n-th transfer, ms. */
  readonly delayMs: (n: number) => number;
}

interface Transfer {
  readonly dueMs: number;
  readonly node: Node;
  readonly connection: number;
  readonly message: LeaseOutput;
  readonly stored: boolean;
}

class Node {
  readonly name: string;
  alive = false;
  pausedUntilMs = 0;
  /** Has not taken a step since it was paused: whatever it was, it has done nothing. */
  asleep = false;
  connection = 0;
  connected = false;
  state: LeaseState | undefined;
  options: LeaseOptions;
  lives = 0;
  /** What the journal says after a restart. */
  before: { acting: boolean; epoch: number } | undefined;
  /** Nothing is delivered before this: a connection keeps its order. */
  outMs = 0;
  inMs = 0;

  constructor(name: string, ttlMs: number) {
    this.name = name;
    this.options = { holder: name, life: '', ttlMs };
  }
}

export class LeaseModel {
  nowMs = 0;
  broker = true;
  retained: LeaseOutput | undefined;
  readonly nodes: readonly Node[];
  readonly #options: ModelOptions;
  #up: Transfer[] = [];
  #down: Transfer[] = [];
  #transfers = 0;
  /** Most nodes that acted at one moment, and when. */
  worst = { acting: 0, atMs: 0 };

  constructor(options: ModelOptions) {
    this.#options = options;
    this.nodes = options.names.map((name) => new Node(name, options.ttlMs));
  }

  node(index: number): Node {
    const node = this.nodes[index % this.nodes.length];
    if (node === undefined) throw new Error('no nodes');
    return node;
  }

  start(node: Node): void {
    if (node.alive) return;
    node.alive = true;
    node.lives += 1;
    node.pausedUntilMs = 0;
    node.asleep = false;
    node.options = { ...node.options, life: `${node.name}-${this.nodes.indexOf(node)}-${node.lives}` };
    node.state = firstLease(this.nowMs, node.before);
    this.#step(node, { kind: 'tick' });
  }

  crash(node: Node): void {
    this.#cut(node);
    node.alive = false;
    node.state = undefined;
  }

  pause(node: Node, forMs: number): void {
    if (!node.alive) return;
    node.pausedUntilMs = Math.max(node.pausedUntilMs, this.nowMs + forMs);
    node.asleep = true;
  }

  /** The connection breaks; it is made anew with the next tick after. */
  disconnect(node: Node): void {
    this.#cut(node);
    if (node.alive && !this.#paused(node)) this.#step(node, { kind: 'disconnected' });
  }

  /** The broker is gone, and with `forgets` so is what it remembered. */
  breakBroker(forgets: boolean): void {
    this.broker = false;
    if (forgets) this.retained = undefined;
    this.#up = [];
    for (const node of this.nodes) this.disconnect(node);
  }

  acting(): string[] {
    return this.nodes
      .filter((node) => node.alive && !node.asleep && node.state?.role === 'acting')
      .map((node) => node.name);
  }

  /** Time goes on in ticks of `tickMs`, and everything that is due happens. */
  run(forMs: number, tickMs: number): void {
    const endMs = this.nowMs + forMs;
    while (this.nowMs < endMs) {
      const nextMs = Math.min(endMs, this.nowMs + tickMs);
      this.#transfer(nextMs);
      this.nowMs = nextMs;
      for (const node of this.nodes) {
        if (!node.alive || this.#paused(node)) continue;
        this.#step(node, { kind: 'tick' });
        if (this.broker && !node.connected) this.#connect(node);
      }
      this.#look();
    }
  }

  /** What a person orders on one node; why not, when it refuses. */
  order(node: Node, order: LeaseOrder): string | undefined {
    if (!node.alive || this.#paused(node) || node.state === undefined) return 'not alive';
    this.#step(node, { kind: 'tick' });
    const because = whyNotOrdered(node.state, order, this.nowMs, node.options);
    if (because === undefined) this.#step(node, { kind: 'order', order });
    return because;
  }

  tell(node: Node, input: LeaseInput): void {
    if (node.alive && !this.#paused(node)) this.#step(node, input);
  }

  #paused(node: Node): boolean {
    return this.nowMs < node.pausedUntilMs;
  }

  #connect(node: Node): void {
    node.connected = true;
    node.connection += 1;
    node.outMs = this.nowMs;
    node.inMs = this.nowMs;
    if (this.retained !== undefined) this.#deliver(node, this.retained, true);
    this.#step(node, { kind: 'connected' });
  }

  #cut(node: Node): void {
    node.connected = false;
    node.connection += 1;
    this.#down = this.#down.filter((each) => each.node !== node);
    this.#up = this.#up.filter((each) => each.node !== node);
  }

  #delayMs(): number {
    this.#transfers += 1;
    return this.#options.delayMs(this.#transfers);
  }

  #deliver(node: Node, message: LeaseOutput, stored: boolean): void {
    node.inMs = Math.max(node.inMs, this.nowMs + this.#delayMs());
    this.#down.push({ dueMs: node.inMs, node, connection: node.connection, message, stored });
  }

  #step(node: Node, input: LeaseInput): void {
    if (node.state === undefined) return;
    const { state, publish } = leadership(node.state, input, this.nowMs, node.options);
    node.state = state;
    node.asleep = false;
    // As the coordinator does: acting is written down, and so is that somebody else does; not knowing is not.
    if (state.role === 'acting') node.before = { acting: true, epoch: state.epoch };
    else if (state.role === 'watching' && node.before?.acting) node.before = { acting: false, epoch: state.epoch };
    for (const message of publish) {
      if (!node.connected) continue;
      node.outMs = Math.max(node.outMs, this.nowMs + this.#delayMs());
      this.#up.push({ dueMs: node.outMs, node, connection: node.connection, message, stored: false });
    }
    this.#look();
  }

  #look(): void {
    const acting = this.acting().length;
    if (acting > this.worst.acting) this.worst = { acting, atMs: this.nowMs };
  }

  /** Everything that is under way and due, in the order of time. */
  #transfer(untilMs: number): void {
    for (;;) {
      const up = earliest(this.#up, untilMs);
      const heard = this.#down.filter(({ node }) => !this.#pausedAt(node, untilMs));
      const down = earliest(heard, untilMs);
      if (up !== undefined && (down === undefined || up.dueMs <= down.dueMs)) this.#arrive(up);
      else if (down !== undefined) this.#hear(down);
      else return;
    }
  }

  #arrive(up: Transfer): void {
    this.nowMs = Math.max(this.nowMs, up.dueMs);
    this.#up = this.#up.filter((each) => each !== up);
    if (up.message.kind === 'lease') this.retained = up.message;
    for (const node of this.nodes) if (node.connected) this.#deliver(node, up.message, false);
  }

  #hear(down: Transfer): void {
    this.nowMs = Math.max(this.nowMs, down.dueMs);
    this.#down = this.#down.filter((each) => each !== down);
    const { node, message, stored, connection } = down;
    if (node.connection === connection && node.alive) this.#step(node, { kind: 'heard', message, stored });
  }

  #pausedAt(node: Node, atMs: number): boolean {
    return atMs < node.pausedUntilMs;
  }
}

function earliest(transfers: readonly Transfer[], untilMs: number): Transfer | undefined {
  let first: Transfer | undefined;
  for (const each of transfers)
    if (each.dueMs <= untilMs && (first === undefined || each.dueMs < first.dueMs)) first = each;
  return first;
}
