import { readFile } from 'node:fs/promises';
import type { IClientOptions, MqttClient } from 'mqtt';
import type { MqttConfig } from '../config/mqtt.ts';

const KEEPALIVE_S = 30;
const CONNECT_TIMEOUT_MS = 10_000;

type Mqtt = typeof import('mqtt').default;
export type MqttVersion = 4 | 5;

/** Where to connect and as whom. */
export interface MqttTarget {
  readonly url: string;
  readonly user?: string;
  readonly password?: string;
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

/** How a connection ended, or why it never began. */
export interface ConnectionEnd {
  /** The broker had accepted us. */
  readonly reached: boolean;
  readonly reason: string;
  /** It looks as if the broker does not speak this protocol version. */
  readonly otherVersion: boolean;
}

/** The target of a configured broker, with its secrets resolved and its certificate files read. */
export async function targetOf(
  config: Pick<Extract<MqttConfig, { readonly url: string }>, 'url' | 'user' | 'tls'>,
  secrets: { readonly password?: string; readonly tlsKey?: string },
): Promise<MqttTarget> {
  const { url, user, tls } = config;
  const ca = await pem(tls?.ca);
  const cert = await pem(tls?.cert);
  return {
    url,
    ...(user === undefined ? {} : { user }),
    ...(secrets.password === undefined ? {} : { password: secrets.password }),
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(secrets.tlsKey === undefined ? {} : { key: secrets.tlsKey }),
    },
  };
}

/** A certificate given as text, or as the path of a file. */
export async function pem(value: string | undefined): Promise<string | undefined> {
  if (value === undefined || value.includes('-----BEGIN')) return value;
  return await readFile(value, 'utf8');
}

export interface ConnectionOptions {
  readonly target: MqttTarget;
  readonly version: MqttVersion;
  readonly clientId: string;
  readonly will?: { readonly topic: string; readonly payload: string };
  /** Asked of the broker in version 5: larger packets are not sent to us. */
  readonly maxPacketBytes?: number;
  readonly signal: AbortSignal;
  readonly onReached: (client: MqttClient) => void;
}

/**
 * One connection from begin to end. A new client each time, because the library would send what was under way on the
 * old connection after newer states of the same topics. Never rejects.
 */
export function connection(mqtt: Mqtt, options: ConnectionOptions): Promise<ConnectionEnd> {
  return new Promise((resolve) => {
    if (options.signal.aborted) {
      resolve({ reached: false, reason: 'stopped', otherVersion: false });
      return;
    }
    let reached = false;
    let failure: Error | undefined;
    let client: MqttClient;
    try {
      client = mqtt.connect(options.target.url, clientOptions(options));
    } catch (error) {
      resolve(endOf(false, error instanceof Error ? error : new Error(String(error))));
      return;
    }
    const finish = (): void => {
      clearTimeout(deadline);
      options.signal.removeEventListener('abort', finish);
      client.end(true);
      resolve(endOf(reached, failure));
    };
    // The library's own timers cover the usual cases; this one covers a name server or a TLS peer that never answers.
    const deadline = setTimeout(finish, CONNECT_TIMEOUT_MS + 5_000);
    options.signal.addEventListener('abort', finish, { once: true });
    client.on('error', (error) => {
      failure ??= error;
    });
    client.on('disconnect', (packet) => {
      failure ??= new Error(`the broker ended the connection, reason ${packet.reasonCode ?? 'none'}`);
    });
    client.on('connect', () => {
      reached = true;
      clearTimeout(deadline);
      options.onReached(client);
    });
    client.on('close', finish);
  });
}

function clientOptions({ target, version, clientId, will, maxPacketBytes }: ConnectionOptions): IClientOptions {
  const { user, password, tls } = target;
  return {
    protocolVersion: version,
    clientId,
    clean: true,
    reconnectPeriod: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepalive: KEEPALIVE_S,
    // A buffer for every number up to 65535, ready to be sent: 8 MiB.
    writeCache: false,
    ...(will === undefined
      ? {}
      : { will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1 as const, retain: true } }),
    ...(version === 5 && maxPacketBytes !== undefined ? { properties: { maximumPacketSize: maxPacketBytes } } : {}),
    ...(user === undefined ? {} : { username: user }),
    ...(password === undefined ? {} : { password }),
    ...tls,
  };
}

/** CONNACK codes that a broker of another version gives: 1 in 3.1.1, malformed, protocol error and 132 in 5. */
const OTHER_VERSION = new Set<unknown>([1, 128, 129, 130, 132]);

/** Older brokers close the connection without a word. */
function endOf(reached: boolean, failure: Error | undefined): ConnectionEnd {
  const code = failure !== undefined && 'code' in failure ? failure.code : undefined;
  const silent = failure === undefined || code === 'ECONNRESET' || /connack timeout/i.test(failure.message);
  return {
    reached,
    reason: failure?.message || (reached ? 'connection lost' : 'the broker closed the connection before it answered'),
    otherVersion: !reached && (silent || OTHER_VERSION.has(code)),
  };
}
