import type { Config, MqttConfig } from '../config/schema.ts';
import { readSecret } from '../config/secrets.ts';
import type { Log } from '../runtime/log.ts';
import type { Sink } from '../shutdown/view.ts';
import { influxSink } from '../telemetry/influx.ts';
import { type MqttSecrets, mqttSink } from '../telemetry/mqtt.ts';

/** The sinks that are configured, with their secrets read. */
export function openSinks(config: Config, log: Log): Sink[] {
  const { mqtt, influx } = config;
  return [
    ...(mqtt === undefined ? [] : [mqttSink(mqtt, mqttSecrets(mqtt), log)]),
    ...(influx === undefined
      ? []
      : [influxSink(influx, influx.token === undefined ? undefined : readSecret(influx.token, 'influx.token'), log)]),
  ];
}

function mqttSecrets(mqtt: MqttConfig): MqttSecrets {
  if ('embedded' in mqtt) {
    const users = mqtt.embedded.users.map(({ user, password }) => [user, readSecret(password, `mqtt user ${user}`)]);
    return { users: Object.fromEntries(users) };
  }
  const key = mqtt.tls?.key;
  return {
    ...(mqtt.password === undefined ? {} : { password: readSecret(mqtt.password, 'mqtt.password') }),
    ...(key === undefined ? {} : { tlsKey: readSecret(key, 'mqtt.tls.key') }),
  };
}
