import type { Snapshot, SnapshotFeed } from '../shutdown/view.ts';

/** Hands one picture to everybody who asked for it. A listener that throws loses its picture, not the others theirs. */
export class Feed implements SnapshotFeed {
  readonly #listeners = new Set<(snapshot: Snapshot) => void>();
  readonly #onError: (error: unknown) => void;
  #latest: Snapshot | undefined;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  latest(): Snapshot | undefined {
    return this.#latest;
  }

  subscribe(listener: (snapshot: Snapshot) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  publish(snapshot: Snapshot): void {
    this.#latest = snapshot;
    for (const listener of this.#listeners) {
      try {
        listener(snapshot);
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}
