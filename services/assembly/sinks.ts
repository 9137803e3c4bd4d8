import { join } from 'node:path';
import type { Config, InfluxConfig, MqttConfig } from '../config/schema.ts';
import { readSecret } from '../config/secrets.ts';
import type { Log } from '../runtime/log.ts';
import type { Desk, Sink } from '../shutdown/view.ts';
import { influxSink } from '../telemetry/influx.ts';
import type { InfluxSecrets } from '../telemetry/influx-request.ts';
import { type MqttSecrets, mqttSink } from '../telemetry/mqtt.ts';
import { openNutServer } from './nut.ts';

export interface SinkPlaces {
  /** Where what waits for a database is kept. */
  readonly stateDir: string;
  /** Who takes orders. */
  readonly desk: Pick<Desk, 'command'>;
}

/** The sinks that are configured, with their secrets read. */
export function openSinks(config: Config, log: Log, { stateDir, desk }: SinkPlaces): Sink[] {
  const { mqtt, influx, nut } = config;
  return [
    ...(mqtt === undefined ? [] : [mqttSink(mqtt, mqttSecrets(mqtt), log, { desk })]),
    ...(influx === undefined
      ? []
      : [influxSink(influx, influxSecrets(influx), log, { spoolDir: join(stateDir, 'influx-spool') })]),
    ...(nut === undefined ? [] : [openNutServer(config, nut, desk, log)]),
  ];
}

function influxSecrets({ token, password }: InfluxConfig): InfluxSecrets {
  return {
    ...(token === undefined ? {} : { token: readSecret(token, 'influx.token') }),
    ...(password === undefined ? {} : { password: readSecret(password, 'influx.password') }),
  };
}

function mqttSecrets(mqtt: MqttConfig): MqttSecrets {
  if ('embedded' in mqtt) {
    const users = mqtt.embedded.users.map(({ user, password }) => [user, readSecret(password, `mqtt user ${user}`)]);
    const { tls } = mqtt.embedded;
    return {
      users: Object.fromEntries(users),
      ...(tls === undefined ? {} : { tlsKey: readSecret(tls.key, 'mqtt.embedded.tls.key') }),
    };
  }
  const key = mqtt.tls?.key;
  return {
    ...(mqtt.password === undefined ? {} : { password: readSecret(mqtt.password, 'mqtt.password') }),
    ...(key === undefined ? {} : { tlsKey: readSecret(key, 'mqtt.tls.key') }),
  };
}
