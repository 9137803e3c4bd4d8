import type { HomeAssistantWords, Labels, Metric, MqttPlace, Point, TopicKind } from './metric.ts';
import { ONLY_ONE } from './metric.ts';

/** Rows of the catalogue as entities of Home Assistant's MQTT discovery. Pure. */

/** One component of a device's discovery message. */
export interface Component {
  readonly platform: 'sensor' | 'binary_sensor' | 'button';
  readonly unique_id?: string;
  readonly name?: string;
  readonly value_template?: string;
  readonly device_class?: string;
  readonly state_class?: string;
  readonly unit_of_measurement?: string;
  readonly suggested_display_precision?: number;
  readonly options?: readonly string[];
  readonly entity_category?: 'diagnostic' | 'config';
  readonly enabled_by_default?: false;
  readonly expire_after?: number;
  readonly command_topic?: string;
  readonly payload_press?: string;
}

export interface Entity {
  readonly kind: TopicKind;
  readonly id: string;
  /** The discovery message it is announced in. */
  readonly object: string;
  /** Its key there. */
  readonly key: string;
  readonly component: Component;
}

/** Sources that are published at least every ten seconds while they are fresh; the others only when they change. */
const BEATING: ReadonlySet<string> = new Set(['pack', 'meter', 'switch', 'ups']);
const EXPIRE_AFTER_S = 60;

/** Parts that get a discovery message of their own, so that none grows with the size of a switch. */
const APART: ReadonlySet<string> = new Set(['port']);

/** Only letters, digits and dashes may be in an id; whatever else is in a name becomes `_` and its code, one to one. */
export const idText = (text: string): string =>
  text.replace(/[^A-Za-z0-9-]/gu, (char) => `_${(char.codePointAt(0) ?? 0).toString(16)}`);

/** The discovery object of a device, or of a part of it. */
export const objectOf = (kind: string, id: string, part?: string): string =>
  [kind, idText(id), ...(part === undefined ? [] : [part])].join('_');

/** The entity that shows a point; nothing when its row has no words or no place for one. */
export function entityOf(metric: Metric, point: Point, node: string): Entity | undefined {
  const { mqtt: place, homeAssistant: words } = metric;
  if (place === undefined || words === undefined) return undefined;
  const { kind } = place;
  const id = place.id === undefined ? ONLY_ONE : (point.labels[place.id] ?? '');
  if (id === '') return undefined;
  const parts = partsOf(metric, place, point.labels);
  const apart = parts.filter(([label]) => APART.has(label));
  const object = objectOf(kind, id, apart.length === 0 ? undefined : apart.map(([, text]) => idText(text)).join('_'));
  const key = [metric.id, ...parts.map(([, text]) => idText(text))].join('_');
  const component = {
    ...componentOf(words, place, point.labels),
    unique_id: `${node}_${kind}_${idText(id)}_${key}`,
    name: nameOf(words.name, parts),
    ...(BEATING.has(kind) ? { expire_after: EXPIRE_AFTER_S } : {}),
  };
  return { kind, id, object, key, component };
}

/** The labels that say which part of the thing it is: not the thing itself, and not the state. */
const partsOf = (metric: Metric, place: MqttPlace, labels: Labels): (readonly [string, string])[] =>
  metric.labels
    .filter((label) => label !== place.id && label !== metric.states?.label)
    .filter((label) => place.path.some((key) => key.slice(1) === label && /^[:#]/.test(key)))
    .map((label) => [label, labels[label] ?? ''] as const);

function componentOf(words: HomeAssistantWords, place: MqttPlace, labels: Labels): Component {
  const { platform, deviceClass, stateClass, unit, precision, options, entityCategory, enabledByDefault } = words;
  return {
    platform,
    value_template: templateOf(words, place, labels),
    ...(deviceClass === undefined ? {} : { device_class: deviceClass }),
    ...(stateClass === undefined ? {} : { state_class: stateClass }),
    ...(unit === undefined ? {} : { unit_of_measurement: unit }),
    ...(precision === undefined || platform !== 'sensor' ? {} : { suggested_display_precision: precision }),
    ...(options === undefined ? {} : { options }),
    ...(entityCategory === undefined ? {} : { entity_category: entityCategory }),
    ...(enabledByDefault ? {} : { enabled_by_default: false }),
  };
}

/** What is absent in a state renders as `None`, which Home Assistant takes as unknown. */
function templateOf(words: HomeAssistantWords, place: MqttPlace, labels: Labels): string {
  const value = lookup(place, labels);
  if (words.platform === 'binary_sensor')
    return `{% set v = ${value} %}{{ 'None' if v is none else ('ON' if v else 'OFF') }}`;
  if (words.deviceClass === 'timestamp')
    return `{% set v = ${value} %}{{ v if v is none or v is string else (v | as_datetime).isoformat() }}`;
  if (words.scale !== 1) return `{% set v = ${value} %}{{ none if v is none else (v * ${words.scale}) | round(6) }}`;
  return `{{ ${value} }}`;
}

/** `value_json.get('ports', {}).get('7', {}).get('powerW')`: finds nothing instead of failing. */
function lookup(place: MqttPlace, labels: Labels): string {
  const last = place.path.length - 1;
  return place.path.reduce((found, key, at) => {
    if (key.startsWith('#')) {
      const position = Number(labels[key.slice(1)]) - 1;
      return `(${found}[${position}:${position + 1}] + [none])[0]`;
    }
    const name = key.startsWith(':') ? (labels[key.slice(1)] ?? '') : key;
    const next = place.path[at + 1];
    const otherwise = at === last ? '' : next?.startsWith('#') ? ', []' : ', {}';
    return `${found}.get(${quoted(name)}${otherwise})`;
  }, 'value_json');
}

const quoted = (text: string): string =>
  `'${text
    .replaceAll('\\', '\\\\')
    .replaceAll("'", "\\'")
    .replace(/\p{Cc}/gu, ' ')}'`;

function nameOf(name: string, parts: readonly (readonly [string, string])[]): string {
  const [part] = parts;
  if (part === undefined) return name;
  const [label, text] = part;
  if (label === 'port') return name.startsWith('Port ') ? `Port ${text}${name.slice(4)}` : `Port ${text} ${name}`;
  if (label === 'stage' || label === 'fet') return `${capital(text)}: ${name.charAt(0).toLowerCase()}${name.slice(1)}`;
  return `${name} ${parts.map(([, each]) => each).join(' ')}`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
