import { readFile } from 'node:fs/promises';
import type { IClientOptions, MqttClient } from 'mqtt';
import type { LeaseConfig } from '../config/lease.ts';
import type { LeaseSecrets } from './lease.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** More than this that the broker has not taken yet, and nothing is added. */
const MOST_UNDER_WAY = 20;

/** One connection that is ready: subscribed, in order. */
export interface Medium {
  /** Never throws; what cannot be sent is lost, and the broker's silence tells. */
  publish(topic: string, text: string, retain: boolean): void;
}

export interface Connection {
  readonly topics: readonly string[];
  readonly keepaliveS: number;
  readonly signal: AbortSignal;
  /** Called once, when everything from now on will be heard. */
  readonly onReady: (medium: Medium) => void;
  readonly onMessage: (topic: string, payload: Uint8Array, stored: boolean) => void;
}

/** One connection from begin to end; resolves with why it ended, in words without secrets. */
export type Connect = (connection: Connection) => Promise<string>;

/** Over MQTT. A new client each time: what was under way on an old connection must not come after newer words. */
export function connectMqtt(config: LeaseConfig['mqtt'], secrets: LeaseSecrets): Connect {
  return async (connection) => {
    const { default: mqtt } = await import('mqtt');
    const options = await optionsOf(config, secrets, connection.keepaliveS);
    return connection.signal.aborted ? 'stopped' : run(mqtt.connect(config.url, options), connection);
  };
}

function run(client: MqttClient, { topics, signal, onReady, onMessage }: Connection): Promise<string> {
  return new Promise((resolve) => {
    let reason: string | undefined;
    let ended = false;
    const finish = (): void => {
      if (ended) return;
      ended = true;
      clearTimeout(deadline);
      signal.removeEventListener('abort', finish);
      client.end(true);
      resolve(reason ?? 'the connection to the broker is lost');
    };
    // Covers a name server, a TLS peer or a subscription that never answers.
    const deadline = setTimeout(() => {
      reason ??= 'the broker does not answer';
      finish();
    }, CONNECT_TIMEOUT_MS + 2000);
    signal.addEventListener('abort', finish, { once: true });
    client.on('error', (error) => {
      reason ??= error.message;
    });
    client.on('close', finish);
    client.on('message', (topic, payload, packet) => {
      if (!ended) onMessage(topic, payload, packet.retain === true);
    });
    client.on('connect', () => {
      client.subscribe([...topics], { qos: 1 }, (error, granted) => {
        if (ended) return;
        if (error !== null || granted?.some(({ qos }) => qos >= 128)) {
          reason ??= `the broker does not let us listen: ${error?.message ?? 'refused'}`;
          finish();
          return;
        }
        clearTimeout(deadline);
        onReady(mediumOf(client, () => ended));
      });
    });
  });
}

function mediumOf(client: MqttClient, ended: () => boolean): Medium {
  let underWay = 0;
  return {
    publish: (topic, text, retain) => {
      if (ended() || underWay >= MOST_UNDER_WAY) return;
      underWay += 1;
      client.publish(topic, text, { qos: 1, retain }, () => {
        underWay -= 1;
      });
    },
  };
}

async function optionsOf(
  { user, tls }: LeaseConfig['mqtt'],
  { password, tlsKey }: LeaseSecrets,
  keepaliveS: number,
): Promise<IClientOptions> {
  const [ca, cert] = await Promise.all([pem(tls?.ca), pem(tls?.cert)]);
  return {
    // Every broker speaks 3.1.1, and nothing newer is needed here.
    protocolVersion: 4,
    clean: true,
    reconnectPeriod: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepalive: keepaliveS,
    // A buffer for every number up to 65535, ready to be sent: 8 MiB.
    writeCache: false,
    ...(user === undefined ? {} : { username: user }),
    ...(password === undefined ? {} : { password }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(tlsKey === undefined ? {} : { key: tlsKey }),
  };
}

/** A certificate given as text, or as the path of a file. */
async function pem(value: string | undefined): Promise<string | undefined> {
  return value === undefined || value.includes('-----BEGIN') ? value : await readFile(value, 'utf8');
}
