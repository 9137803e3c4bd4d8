import type { Snapshot } from '../shutdown/view.ts';
import { catalogue, families } from './catalogue.ts';
import { type Component, type Entity, entityOf, idText, objectOf } from './homeassistant-entities.ts';
import { ONLY_ONE, type TopicKind } from './metric.ts';
import type { Retained } from './mqtt-outbox.ts';
import type { TopicState } from './mqtt-states.ts';

/** Entities are looked for when something came or went fresh, and at least this often, ms. */
const LOOK_EVERY_MS = 60_000;

const MODELS: Readonly<Record<TopicKind, string>> = {
  pack: 'Battery pack',
  bank: 'Battery bank',
  meter: 'Meter',
  ups: 'UPS',
  switch: 'PoE switch',
  host: 'Machine',
  circuit: 'Branch circuit',
  mains: 'Mains',
  schedule: 'Shutdown schedule',
  coordinator: 'Coordinator',
};

export interface DiscoveryOptions {
  /** Home Assistant's discovery prefix. */
  readonly prefix: string;
  /** Root of our own topics. */
  readonly root: string;
  /** Orders are taken: there are buttons for them. */
  readonly commands: boolean;
}

/** What one discovery message announces. */
interface Announced {
  readonly kind: TopicKind;
  readonly id: string;
  readonly components: Map<string, Component>;
  /** Entities of an earlier life that are gone: told once more by their platform alone, which removes them. */
  gone: ReadonlyMap<string, Component>;
  goneAtMs: number;
}

/**
 * What Home Assistant is told, by device-based MQTT discovery. An entity is announced once its value has been seen and
 * then stays, for a value may be absent for a while; what an earlier life has announced and is gone is taken back. That is
 * learned from the retained messages of ours, so `onRetained` has to be given them.
 */
export class HomeAssistant {
  readonly #prefix: string;
  readonly #root: string;
  readonly #node: string;
  readonly #commands: boolean;
  readonly #announced = new Map<string, Announced>();
  /** Retained messages of an earlier life that were not looked at yet, by object. */
  readonly #earlier = new Map<string, string>();
  /** Objects whose earlier message has been dealt with. */
  readonly #judged = new Set<string>();
  #lookedMs = Number.NEGATIVE_INFINITY;
  #signature = '';

  constructor({ prefix, root, commands }: DiscoveryOptions) {
    this.#prefix = prefix;
    this.#root = root;
    this.#node = idText(root);
    this.#commands = commands;
  }

  /** Home Assistant says `online` here when it has started. */
  get birthTopic(): string {
    return `${this.#prefix}/status`;
  }

  /** Our own discovery messages. */
  get ownTopics(): string {
    return this.#topic('+');
  }

  /** A retained discovery message of ours that the broker had when we came. */
  onRetained(topic: string, payload: string): void {
    const object = topic.split('/').at(-2) ?? '';
    if (payload === '' || topic !== this.#topic(object)) return;
    // At a reconnect our own come back.
    if (this.#judged.has(object)) return;
    this.#earlier.set(object, payload);
    this.#signature = '';
  }

  /** Discovery messages of a snapshot, changed or not; none while nothing can have changed. */
  messages(snapshot: Snapshot, states: readonly TopicState[]): readonly Retained[] {
    const signature = signatureOf(states, snapshot);
    const nowMs = snapshot.rack.monoMs;
    if (signature === this.#signature && nowMs - this.#lookedMs < LOOK_EVERY_MS) return [];
    this.#signature = signature;
    this.#lookedMs = nowMs;
    for (const announced of this.#announced.values()) {
      if (nowMs - announced.goneAtMs >= LOOK_EVERY_MS) announced.gone = new Map();
    }
    const things = new Set(states.map(nameOf));
    const present = this.#look(snapshot);
    const cleared = [...this.#withdraw(things), ...this.#settleEarlier(things, present, nowMs)];
    return [
      ...cleared.map((object) => ({ topic: this.#topic(object), payload: '', key: '' })),
      ...Array.from(this.#announced, ([object, announced]) => {
        const payload = JSON.stringify(this.#message(announced, snapshot));
        return { topic: this.#topic(object), payload, key: payload };
      }),
    ];
  }

  /** @returns objects of which something was seen in this snapshot */
  #look(snapshot: Snapshot): ReadonlySet<string> {
    const present = new Set<string>();
    const add = ({ kind, id, object, key, component }: Entity): void => {
      present.add(object);
      const announced = this.#announced.get(object) ?? {
        kind,
        id,
        components: new Map(),
        gone: new Map(),
        goneAtMs: Number.NEGATIVE_INFINITY,
      };
      announced.components.set(key, component);
      this.#announced.set(object, announced);
    };
    for (const { metric, points } of families(snapshot)) {
      for (const point of points) {
        const entity = entityOf(metric, point, this.#node);
        if (entity !== undefined) add(entity);
      }
    }
    if (this.#commands) for (const entity of this.#buttons()) add(entity);
    return present;
  }

  #buttons(): readonly Entity[] {
    const button = (order: string, name: string): Entity => ({
      kind: 'coordinator',
      id: ONLY_ONE,
      object: objectOf('coordinator', ONLY_ONE),
      key: `order-${order}`,
      component: {
        platform: 'button',
        unique_id: `${this.#node}_coordinator_main_order-${order}`,
        name,
        command_topic: `${this.#root}/coordinator/main/set/${order}`,
        payload_press: 'PRESS',
        entity_category: 'config',
      },
    });
    return [
      button('begin', 'Begin shutdown now'),
      button('hold', 'Hold shutdown for 15 min'),
      button('abort', 'Abort shutdown'),
    ];
  }

  /** @returns objects of things that are not there any more */
  #withdraw(things: ReadonlySet<string>): readonly string[] {
    const left = Array.from(this.#announced).filter(([, announced]) => !things.has(nameOf(announced)));
    for (const [object] of left) this.#announced.delete(object);
    return left.map(([object]) => object);
  }

  /**
   * Looks at what an earlier life has announced, as far as it can be judged by now.
   * @returns objects to clear
   */
  #settleEarlier(things: ReadonlySet<string>, present: ReadonlySet<string>, nowMs: number): readonly string[] {
    const cleared: string[] = [];
    for (const [object, payload] of this.#earlier) {
      const earlier = earlierOf(payload, this.#root);
      const known = earlier !== undefined && things.has(nameOf(earlier));
      if (!known) cleared.push(object);
      else if (present.has(object)) this.#merge(object, earlier.components, nowMs);
      // A part that is announced apart, of a thing that is there without it.
      else if (present.has(objectOf(earlier.kind, earlier.id))) cleared.push(object);
      else continue;
      this.#earlier.delete(object);
      this.#judged.add(object);
    }
    return cleared;
  }

  /** Entities whose value is only absent at present stay; those of rows or parts that are gone are taken back. */
  #merge(object: string, earlier: ReadonlyMap<string, Component>, nowMs: number): void {
    const announced = this.#announced.get(object);
    if (announced === undefined) return;
    const rows = new Set(Array.from(announced.components.keys(), rowOf));
    const gone = new Map<string, Component>();
    for (const [key, component] of earlier) {
      if (announced.components.has(key)) continue;
      const row = rowOf(key);
      // A row that speaks of other parts, but not of this one, knows that it is gone.
      if (ROWS.has(row) && !rows.has(row)) announced.components.set(key, component);
      else gone.set(key, { platform: component.platform });
    }
    announced.gone = gone;
    announced.goneAtMs = nowMs;
  }

  #message({ kind, id, components, gone }: Announced, snapshot: Snapshot): Readonly<Record<string, unknown>> {
    const own = `${this.#root}/${kind}/${id}`;
    const service = identifier(this.#node, 'coordinator', ONLY_ONE);
    const identifiers = identifier(this.#node, kind, id);
    return {
      device: {
        identifiers: [identifiers],
        name: deviceName(kind, id, snapshot.site),
        model: MODELS[kind],
        manufacturer: 'holdover',
        ...(identifiers === service ? { sw_version: snapshot.version } : { via_device: service }),
      },
      origin: { name: 'holdover', sw_version: snapshot.version },
      state_topic: `${own}/state`,
      availability: [{ topic: `${this.#root}/status` }, { topic: `${own}/availability` }],
      availability_mode: 'all',
      qos: 1,
      components: Object.fromEntries([...components, ...gone]),
    };
  }

  #topic(object: string): string {
    return `${this.#prefix}/device/${this.#node}/${object}/config`;
  }
}

const ROWS: ReadonlySet<string> = new Set(catalogue.map(({ id }) => id));

/** Row ids have no underscore; what follows one is a part. */
const rowOf = (key: string): string => key.split('_')[0] ?? key;

const identifier = (node: string, kind: string, id: string): string => `${node}_${kind}_${idText(id)}`;

function deviceName(kind: TopicKind, id: string, site: string): string {
  if (kind === 'coordinator') return `Holdover ${site}`;
  if (id === ONLY_ONE) return MODELS[kind];
  return kind === 'host' ? id : `${kind.charAt(0).toUpperCase()}${kind.slice(1)} ${id}`;
}

const nameOf = ({ kind, id }: Pick<TopicState, 'kind' | 'id'>): string => `${kind}/${id}`;

/** Changes when something comes, goes, or becomes fresh or stale. */
const signatureOf = (states: readonly TopicState[], { coordinator }: Snapshot): string =>
  [
    ...states.map((state) => `${nameOf(state)} ${state.available}`),
    ...coordinator.schedule.stages.map(({ name }) => name),
  ].join('\n');

/** Of which thing an earlier message was, and its entities; nothing when it makes no sense. */
function earlierOf(
  payload: string,
  root: string,
): { readonly kind: TopicKind; readonly id: string; readonly components: ReadonlyMap<string, Component> } | undefined {
  try {
    const message = JSON.parse(payload) as { readonly state_topic?: unknown; readonly components?: unknown };
    const topic = typeof message.state_topic === 'string' ? message.state_topic : '';
    const [kind, id, state] = topic.startsWith(`${root}/`) ? topic.slice(root.length + 1).split('/') : [];
    if (kind === undefined || id === undefined || state !== 'state') return undefined;
    const components = Object.entries((message.components ?? {}) as Record<string, Component>).filter(
      ([, component]) => typeof component?.platform === 'string',
    );
    return { kind: kind as TopicKind, id, components: new Map(components) };
  } catch {
    return undefined;
  }
}
