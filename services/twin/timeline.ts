import type { SimWorld, WorldEvent } from './world.ts';

/** Something that happened in the simulated rack or its cluster, numbered from 1. */
export interface TimelineEvent {
  readonly seq: number;
  /** World time, s. */
  readonly atS: number;
  readonly kind: WorldEvent['kind'] | 'node' | 'pod' | 'device';
  readonly subject: string;
  readonly detail: string;
}

/** Keeps the newest events; the oldest are dropped and the numbers show it. */
export class Timeline {
  readonly #limit: number;
  #events: TimelineEvent[] = [];
  #seq = 0;

  constructor(limit = 10_000) {
    this.#limit = limit;
  }

  /** Records what happens in `world` from now on, until the returned function is called. */
  follow(world: SimWorld): () => void {
    return world.onEvent((event) => this.add(event.atS, event.kind, event.subject, event.detail));
  }

  add(atS: number, kind: TimelineEvent['kind'], subject: string, detail: string): void {
    this.#seq += 1;
    this.#events.push({ seq: this.#seq, atS: Math.round(atS * 1000) / 1000, kind, subject, detail });
    // trimmed in lots, so that a long story costs no copy per event
    if (this.#events.length > this.#limit * 1.25) this.#events = this.#events.slice(-this.#limit);
  }

  /** Events with a number above `seq`, oldest first. */
  after(seq: number): readonly TimelineEvent[] {
    return this.#events.slice(-this.#limit).filter((event) => event.seq > seq);
  }
}
