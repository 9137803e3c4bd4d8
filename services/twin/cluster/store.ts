import { type Kinds, keyOf, type Plural } from './objects.ts';

type AnyObject = Kinds[Plural];

/** One change in the history of the cluster, as a watch tells it. */
export interface Change {
  readonly plural: Plural;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly resourceVersion: number;
  readonly object: AnyObject;
  /** What the object was before; absent when it was added. */
  readonly before?: AnyObject;
}

/** Changes that are remembered; a watch that asks for older ones is told to list again (410). */
const REMEMBERED = 5_000;

/** What etcd is to a real cluster: objects by key, one counter for all versions, and the latest history. */
export class ObjectStore {
  readonly #objects: { readonly [P in Plural]: Map<string, Kinds[P]> } = {
    nodes: new Map(),
    pods: new Map(),
    poddisruptionbudgets: new Map(),
    leases: new Map(),
  };
  readonly #listeners = new Set<(change: Change) => void>();
  #history: Change[] = [];
  #forgottenUpTo: number;
  #version = 1_000;

  constructor() {
    this.#forgottenUpTo = this.#version;
  }

  get resourceVersion(): number {
    return this.#version;
  }

  /** In order of their keys, as the API lists them. */
  list<P extends Plural>(plural: P): readonly Kinds[P][] {
    return [...this.#objects[plural].entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  /** In no particular order. */
  all<P extends Plural>(plural: P): Iterable<Kinds[P]> {
    return this.#objects[plural].values();
  }

  get<P extends Plural>(plural: P, key: string): Kinds[P] | undefined {
    return this.#objects[plural].get(key);
  }

  /** Writes the object under a new version and returns it as written. */
  put<P extends Plural>(plural: P, object: Kinds[P]): Kinds[P] {
    const key = keyOf(object.metadata);
    const before = this.#objects[plural].get(key);
    this.#version += 1;
    const written = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
    this.#objects[plural].set(key, written);
    this.#remember({
      plural,
      type: before === undefined ? 'ADDED' : 'MODIFIED',
      resourceVersion: this.#version,
      object: written,
      ...(before !== undefined && { before }),
    });
    return written;
  }

  remove<P extends Plural>(plural: P, key: string): void {
    const before = this.#objects[plural].get(key);
    if (before === undefined) return;
    this.#version += 1;
    this.#objects[plural].delete(key);
    const object = { ...before, metadata: { ...before.metadata, resourceVersion: String(this.#version) } };
    this.#remember({ plural, type: 'DELETED', resourceVersion: this.#version, object, before });
  }

  /** Changes after `version`, or `too-old` when some of them are forgotten. */
  since(plural: Plural, version: number): readonly Change[] | 'too-old' {
    if (version < this.#forgottenUpTo) return 'too-old';
    return this.#history.filter((change) => change.plural === plural && change.resourceVersion > version);
  }

  /** Forgets the history, as etcd compaction does. */
  compact(): void {
    this.#history = [];
    this.#forgottenUpTo = this.#version;
  }

  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #remember(change: Change): void {
    // Every kubelet renews its Lease all day; nobody watches them, and they would push everything else out.
    if (change.plural === 'leases') return;
    this.#history.push(change);
    if (this.#history.length > REMEMBERED * 2) {
      const dropped = this.#history.splice(0, this.#history.length - REMEMBERED);
      this.#forgottenUpTo = dropped.at(-1)?.resourceVersion ?? this.#forgottenUpTo;
    }
    for (const listener of this.#listeners) listener(change);
  }
}
