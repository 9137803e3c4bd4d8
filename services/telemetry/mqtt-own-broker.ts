import type { MqttConfig } from '../config/mqtt.ts';
import type { Log } from '../runtime/log.ts';
import { pem } from '../runtime/mqtt-connection.ts';
import { type EmbeddedBroker, openEmbeddedBroker } from './embedded-broker.ts';
import type { Orders } from './mqtt-orders.ts';

/** Secrets of the configuration, resolved. */
export interface MqttSecrets {
  readonly password?: string;
  /** Private key of the client certificate, PEM. */
  readonly tlsKey?: string;
  /** Passwords of the embedded broker's users by user name. */
  readonly users?: Readonly<Record<string, string>>;
}

type Embedded = Extract<MqttConfig, { readonly embedded: unknown }>['embedded'];

/**
 * Opens the embedded broker as it is configured.
 * @throws when a secret is missing, a certificate cannot be read, or the broker does not open (see `openEmbeddedBroker`)
 */
export async function openOwnBroker(
  embedded: Embedded,
  secrets: MqttSecrets,
  { root, log, orders }: { readonly root: string; readonly log: Log; readonly orders: Orders | undefined },
): Promise<EmbeddedBroker> {
  const { port, listen, users, tls } = embedded;
  return await openEmbeddedBroker({
    port,
    listen,
    root,
    log,
    ...(orders === undefined ? {} : { onOrder: (ordered) => void orders.take(ordered) }),
    ...(tls === undefined ? {} : { tls: await material(tls.cert, secrets.tlsKey) }),
    users: users.map(({ user, write, orders: may, read }) => {
      const password = secrets.users?.[user];
      if (password === undefined) throw new Error(`mqtt.embedded.users: no password for user ${user}`);
      return {
        user,
        write,
        password,
        ...(may === undefined ? {} : { orders: may }),
        ...(read === undefined ? {} : { read }),
      };
    }),
  });
}

/** The port cannot be had now: a later attempt may succeed, which is not so of a missing package. */
export const isListenError = (error: unknown): boolean =>
  error instanceof Error && 'syscall' in error && (error.syscall === 'listen' || error.syscall === 'getaddrinfo');

async function material(cert: string, key: string | undefined): Promise<{ cert: string; key: string }> {
  if (key === undefined) throw new Error('mqtt.embedded.tls: no private key');
  return { cert: (await pem(cert)) ?? '', key };
}
