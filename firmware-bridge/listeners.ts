import type { Unsubscribe } from './transport.ts';

/** A set of listeners of one kind. Each registration is its own, even of the same function. */
export class Listeners<T> {
  readonly #entries = new Set<{ readonly listener: (value: T) => void }>();

  get size(): number {
    return this.#entries.size;
  }

  add(listener: (value: T) => void): Unsubscribe {
    const entry = { listener };
    this.#entries.add(entry);
    return () => {
      this.#entries.delete(entry);
    };
  }

  /** A listener removed by an earlier one in the same round is not called any more. */
  emit(value: T): void {
    for (const entry of [...this.#entries]) if (this.#entries.has(entry)) entry.listener(value);
  }
}
