/** Units a metric can have: how each is written in names, for people, in Grafana and in Home Assistant. */

export type Unit =
  | 'volts'
  | 'amperes'
  | 'watts'
  | 'voltamperes'
  | 'joules'
  | 'coulombs'
  | 'celsius'
  | 'hertz'
  | 'seconds'
  | 'timestamp'
  | 'ratio'
  | 'count'
  | 'boolean';

export interface UnitWords {
  /** What a metric name ends with (before `_total`); empty for counts and booleans. */
  readonly suffix: string;
  readonly symbol: string;
  /** Decimals that are worth keeping in this unit. */
  readonly digits: number;
  /** Unit id of a Grafana panel. */
  readonly grafana: string;
  /** Home Assistant's class and unit, and the factor from the unit of the MQTT state to it. */
  readonly homeAssistant: { readonly deviceClass?: string; readonly unit?: string; readonly scale?: number };
  /** Factor from this unit to the one MQTT states use (Wh instead of J, Ah instead of C). */
  readonly mqttScale: number;
}

export const UNITS: Readonly<Record<Unit, UnitWords>> = {
  volts: {
    suffix: 'volts',
    symbol: 'V',
    digits: 3,
    grafana: 'volt',
    homeAssistant: { deviceClass: 'voltage', unit: 'V' },
    mqttScale: 1,
  },
  amperes: {
    suffix: 'amperes',
    symbol: 'A',
    digits: 3,
    grafana: 'amp',
    homeAssistant: { deviceClass: 'current', unit: 'A' },
    mqttScale: 1,
  },
  watts: {
    suffix: 'watts',
    symbol: 'W',
    digits: 2,
    grafana: 'watt',
    homeAssistant: { deviceClass: 'power', unit: 'W' },
    mqttScale: 1,
  },
  voltamperes: {
    suffix: 'voltamperes',
    symbol: 'VA',
    digits: 2,
    grafana: 'voltamp',
    homeAssistant: { deviceClass: 'apparent_power', unit: 'VA' },
    mqttScale: 1,
  },
  joules: {
    suffix: 'joules',
    symbol: 'J',
    digits: 0,
    grafana: 'joule',
    homeAssistant: { deviceClass: 'energy_storage', unit: 'Wh' },
    mqttScale: 1 / 3600,
  },
  coulombs: {
    suffix: 'coulombs',
    symbol: 'C',
    digits: 0,
    grafana: 'short',
    homeAssistant: { unit: 'Ah' },
    mqttScale: 1 / 3600,
  },
  celsius: {
    suffix: 'celsius',
    symbol: '°C',
    digits: 2,
    grafana: 'celsius',
    homeAssistant: { deviceClass: 'temperature', unit: '°C' },
    mqttScale: 1,
  },
  hertz: {
    suffix: 'hertz',
    symbol: 'Hz',
    digits: 3,
    grafana: 'hertz',
    homeAssistant: { deviceClass: 'frequency', unit: 'Hz' },
    mqttScale: 1,
  },
  seconds: {
    suffix: 'seconds',
    symbol: 's',
    digits: 1,
    grafana: 's',
    homeAssistant: { deviceClass: 'duration', unit: 's' },
    mqttScale: 1,
  },
  timestamp: {
    suffix: 'timestamp_seconds',
    symbol: 's since 1970',
    digits: 3,
    grafana: 's',
    homeAssistant: { deviceClass: 'timestamp' },
    mqttScale: 1,
  },
  ratio: {
    suffix: 'ratio',
    symbol: '0..1',
    digits: 4,
    grafana: 'percentunit',
    homeAssistant: { unit: '%', scale: 100 },
    mqttScale: 1,
  },
  count: { suffix: '', symbol: '', digits: 0, grafana: 'short', homeAssistant: {}, mqttScale: 1 },
  boolean: { suffix: '', symbol: '0 or 1', digits: 0, grafana: 'bool_on_off', homeAssistant: {}, mqttScale: 1 },
};
