import type { Snapshot } from '../shutdown/view.ts';
import type { HomeAssistant } from './homeassistant.ts';
import type { Outbox, Retained } from './mqtt-outbox.ts';
import { type TopicState, topicStates } from './mqtt-states.ts';

/** What is sampled is published at least so often while it is fresh, also without a change. */
const BEAT_MS = 10_000;

export const ONLINE = 'online';
export const OFFLINE = 'offline';

/**
 * Everything that hangs retained in the broker: a state and an availability per thing, and what Home Assistant is told of
 * them. What is gone from the rack is taken down, also what hangs there from before this process.
 */
export class Board {
  readonly #root: string;
  readonly #outbox: Outbox;
  readonly #homeAssistant: HomeAssistant | undefined;
  /** Topics of the things that are there, without their last level. */
  #named: ReadonlySet<string> = new Set();
  /** The same, of things that the broker knows from before. */
  readonly #earlier = new Set<string>();

  constructor(root: string, outbox: Outbox, homeAssistant: HomeAssistant | undefined) {
    this.#root = root;
    this.#outbox = outbox;
    this.#homeAssistant = homeAssistant;
  }

  /** The broker shows a topic of ours, `<root>/<kind>/<id>/<leaf>`, that it kept. */
  found(topic: string): void {
    this.#earlier.add(topic.slice(0, topic.lastIndexOf('/')));
  }

  /** Puts what is new of a snapshot into the outbox. */
  show(snapshot: Snapshot): void {
    const states = topicStates(snapshot);
    for (const item of this.#homeAssistant?.messages(snapshot, states) ?? []) {
      if (item.payload === '') this.#outbox.retire(item.topic);
      else this.#outbox.offer(item);
    }
    const beat = Math.floor(snapshot.rack.monoMs / BEAT_MS);
    const named = new Set<string>();
    for (const state of states) {
      const topic = `${this.#root}/${state.kind}/${state.id}`;
      named.add(topic);
      for (const item of retainedOf(state, topic, beat)) this.#outbox.offer(item);
    }
    for (const topic of [...this.#named, ...this.#earlier]) {
      if (named.has(topic)) continue;
      for (const leaf of ['state', 'availability']) this.#outbox.retire(`${topic}/${leaf}`);
    }
    this.#named = named;
    this.#earlier.clear();
  }
}

function retainedOf(state: TopicState, topic: string, beat: number): readonly Retained[] {
  const availability = state.available ? ONLINE : OFFLINE;
  const available = { topic: `${topic}/availability`, payload: availability, key: availability };
  if (!state.body) return [available];
  const text = JSON.stringify(state.body);
  const payload = JSON.stringify({ ts: Math.round(state.atMs), ...state.body });
  return [{ topic: `${topic}/state`, payload, key: state.beats ? `${beat} ${text}` : text }, available];
}
