/** Something retained to publish, and what tells it from the one before. */
export interface Retained {
  readonly topic: string;
  readonly payload: string;
  /** Equal keys: nothing new to say. */
  readonly key: string;
}

interface Entry {
  readonly item: Retained;
  readonly delivered: boolean;
}

/**
 * The newest payload of every topic and which of them the broker has not got yet: never more than one per topic,
 * however long the broker is away. At most one publish per topic is under way, so that a newer state cannot be overtaken.
 */
export class Outbox {
  readonly #newest = new Map<string, Entry>();
  readonly #due = new Set<string>();
  readonly #underWay = new Set<string>();
  #replaced = 0;

  /** Payloads that were replaced by newer ones before the broker had got them. */
  get replaced(): number {
    return this.#replaced;
  }

  get underWay(): number {
    return this.#underWay.size;
  }

  get idle(): boolean {
    return this.#due.size === 0 && this.#underWay.size === 0;
  }

  offer(item: Retained): void {
    const before = this.#newest.get(item.topic);
    if (before?.item.key === item.key) return;
    if (before && !before.delivered && !this.#underWay.has(item.topic)) this.#replaced += 1;
    this.#newest.set(item.topic, { item, delivered: false });
    this.#due.add(item.topic);
  }

  /** The topic has nothing to say any more: what is retained there is cleared, and then it is forgotten. */
  retire(topic: string): void {
    if (this.#newest.get(topic)?.item.payload !== '') this.offer({ topic, payload: '', key: '' });
  }

  /** Somebody asks for everything once more. */
  again(): void {
    for (const topic of this.#newest.keys()) this.#due.add(topic);
  }

  /** The next one to publish; it is under way until `settled`. */
  take(): Retained | undefined {
    for (const topic of this.#due) {
      if (this.#underWay.has(topic)) continue;
      const entry = this.#newest.get(topic);
      if (!entry) continue;
      this.#due.delete(topic);
      this.#underWay.add(topic);
      return entry.item;
    }
    return undefined;
  }

  /** The broker has answered, for better or worse: this payload need not be sent again on this connection. */
  settled(item: Retained): void {
    this.#underWay.delete(item.topic);
    const entry = this.#newest.get(item.topic);
    if (entry?.item !== item) return;
    if (item.payload === '') this.#newest.delete(item.topic);
    else this.#newest.set(item.topic, { item, delivered: true });
  }

  /** A new connection: the broker may have lost everything, so all of it is due again. */
  everythingDue(): void {
    this.#underWay.clear();
    for (const topic of this.#newest.keys()) this.#due.add(topic);
  }
}
