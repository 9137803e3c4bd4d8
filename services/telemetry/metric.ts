import type { Observed } from '../rack/rack.ts';
import type { Snapshot } from '../shutdown/view.ts';
import { UNITS, type Unit } from './units.ts';

/** What a metric is, and how a row of the catalogue becomes one. */

export type Labels = Readonly<Record<string, string>>;

export interface Point {
  readonly labels: Labels;
  /** Finite, in the metric's unit, rounded to its digits. */
  readonly value: number;
  /** Wall ms of the measurement. */
  readonly atMs: number;
}

export type MetricKind = 'gauge' | 'counter' | 'state-set' | 'info';

/** Kinds of MQTT state topics, `<root>/<kind>/<id>/state`. */
export type TopicKind =
  | 'pack'
  | 'bank'
  | 'meter'
  | 'ups'
  | 'switch'
  | 'host'
  | 'circuit'
  | 'mains'
  | 'schedule'
  | 'coordinator';

/** Id of what exists once: `<root>/bank/main/state`. */
export const ONLY_ONE = 'main';

/** Where the value stands in the MQTT state. */
export interface MqttPlace {
  readonly kind: TopicKind;
  /** The label that holds the topic's id; absent for what exists once. */
  readonly id?: string;
  /** Keys from the top; `:label` is that label's value, `#label` its value as a 1-based position in an array. */
  readonly path: readonly string[];
  /** Factor from the metric's unit to the field's (J to Wh, C to Ah). */
  readonly scale: number;
}

export interface HomeAssistantWords {
  /** A `binary_sensor` is on when the MQTT value is true or above 0. */
  readonly platform: 'sensor' | 'binary_sensor';
  /** Entity name; Home Assistant puts the device's name before it. */
  readonly name: string;
  readonly deviceClass?: string;
  readonly stateClass?: 'measurement' | 'total_increasing';
  readonly unit?: string;
  /** Factor from the MQTT field to `unit`. */
  readonly scale: number;
  readonly precision?: number;
  readonly entityCategory?: 'diagnostic';
  /** The words of an `enum` sensor. */
  readonly options?: readonly string[];
  readonly enabledByDefault: boolean;
}

export interface NutWords {
  readonly variable: string;
  /** Factor from the metric's unit to NUT's. */
  readonly scale: number;
  readonly digits: number;
}

export interface Metric {
  /** Stable key of this row, kebab-case. */
  readonly id: string;
  /** Prometheus name: `<measurement>_<field>`. VictoriaMetrics makes the same name of the line protocol. */
  readonly name: string;
  /** Measurement and field of the line protocol. State sets share one measurement. */
  readonly measurement: string;
  readonly field: string;
  /** Physical quantity, for people. */
  readonly quantity: string;
  readonly unit: Unit;
  readonly kind: MetricKind;
  readonly labels: readonly string[];
  readonly help: string;
  readonly digits: number;
  readonly grafanaUnit: string;
  /** The label that names the state, and all its values, of a `state-set`. */
  readonly states?: { readonly label: string; readonly values: readonly string[] };
  readonly mqtt?: MqttPlace;
  readonly homeAssistant?: HomeAssistantWords;
  readonly nut?: NutWords;
  /** Pure. Only current values: what is stale or absent in the snapshot gives no point. */
  read(snapshot: Snapshot): readonly Point[];
}

/** A value before it is checked: absent and non-finite ones give no point. */
export interface Reading {
  readonly labels?: Labels;
  readonly value: number | boolean | undefined;
  readonly atMs?: number | undefined;
}

export interface Row {
  /** Without the prefix: `pack`, `poe_port`. */
  readonly measurement: string;
  readonly field: string;
  readonly quantity: string;
  readonly unit: Unit;
  readonly kind?: MetricKind;
  readonly labels?: readonly string[];
  readonly help: string;
  readonly digits?: number;
  readonly states?: { readonly label: string; readonly values: readonly string[] };
  readonly mqtt?: Omit<MqttPlace, 'scale'>;
  /** What differs from the unit's own words; needs `mqtt`. */
  readonly homeAssistant?: Partial<HomeAssistantWords> & { readonly name: string };
  readonly nut?: NutWords;
  readonly read: (snapshot: Snapshot) => readonly Reading[];
}

/** Rounds to `digits` decimals. */
export const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

/** Fills a row's gaps from its unit and guards what it reads. */
export function metric(row: Row): Metric {
  const unit = UNITS[row.unit];
  const kind = row.kind ?? 'gauge';
  const digits = row.digits ?? unit.digits;
  const homeAssistant = row.homeAssistant && homeAssistantWords(row.homeAssistant, row.unit, kind);
  return {
    id: `${row.measurement}-${row.field}`.replaceAll('_', '-'),
    name: `holdover_${row.measurement}_${row.field}`,
    // The label of a state set has the name its field would have, and InfluxQL cannot tell a tag and a field apart then.
    ...(kind === 'state-set'
      ? { measurement: 'holdover', field: `${row.measurement}_${row.field}` }
      : { measurement: `holdover_${row.measurement}`, field: row.field }),
    quantity: row.quantity,
    unit: row.unit,
    kind,
    labels: row.labels ?? [],
    help: row.help,
    digits,
    grafanaUnit: unit.grafana,
    ...(row.states ? { states: row.states } : {}),
    ...(row.mqtt ? { mqtt: { ...row.mqtt, scale: unit.mqttScale } } : {}),
    ...(homeAssistant ? { homeAssistant } : {}),
    ...(row.nut ? { nut: row.nut } : {}),
    read: (snapshot) => row.read(snapshot).flatMap((reading) => checked(reading, digits, snapshot.rack.wallMs)),
  };
}

function checked(reading: Reading, digits: number, wallMs: number): readonly Point[] {
  const value = typeof reading.value === 'boolean' ? Number(reading.value) : reading.value;
  if (value === undefined || !Number.isFinite(value)) return [];
  const atMs = reading.atMs !== undefined && Number.isFinite(reading.atMs) ? reading.atMs : wallMs;
  return [{ labels: reading.labels ?? {}, value: rounded(value, digits), atMs }];
}

function homeAssistantWords(
  own: Partial<HomeAssistantWords> & { readonly name: string },
  unit: Unit,
  kind: MetricKind,
): HomeAssistantWords {
  if (kind === 'state-set') {
    return { platform: 'sensor', deviceClass: 'enum', scale: 1, enabledByDefault: true, ...own };
  }
  if (unit === 'boolean') return { platform: 'binary_sensor', scale: 1, enabledByDefault: true, ...own };
  if (unit === 'joules' && kind === 'counter') {
    const energy = { deviceClass: 'energy', unit: 'kWh', stateClass: 'total_increasing', scale: 0.001 } as const;
    return { platform: 'sensor', enabledByDefault: true, ...energy, ...own };
  }
  const { scale = 1, ...words } = UNITS[unit].homeAssistant;
  const stateClass = kind === 'counter' ? 'total_increasing' : 'measurement';
  return {
    platform: 'sensor',
    enabledByDefault: true,
    scale,
    ...words,
    ...(unit === 'timestamp' || own.platform === 'binary_sensor' ? {} : { stateClass }),
    ...own,
  };
}

/** The sample while it is fresh. */
export function fresh<S>(observed: Observed<S> | undefined): S | undefined {
  return observed?.freshness === 'fresh' ? observed.sample : undefined;
}

/** One reading per state, 1 for the present one and 0 for the others. */
export function stateSet(
  states: { readonly label: string; readonly values: readonly string[] },
  now: string,
  labels: Labels = {},
): readonly Reading[] {
  return states.values.map((value) => ({ labels: { ...labels, [states.label]: value }, value: value === now }));
}

/** Where in a parsed MQTT state the value of a point stands. */
export function mqttPath(place: MqttPlace, labels: Labels): readonly (string | number)[] {
  return place.path.map((key) => {
    if (key.startsWith(':')) return labels[key.slice(1)] ?? '';
    if (key.startsWith('#')) return Number(labels[key.slice(1)]) - 1;
    return key;
  });
}
