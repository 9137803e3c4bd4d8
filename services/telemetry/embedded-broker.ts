import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Aedes, AedesOptions, AuthErrorCode, AuthenticateError } from 'aedes';
import type { Log } from '../runtime/log.ts';
import { packetLimit } from './packet-limit.ts';

const MAX_CONNECTIONS = 64;
const MAX_PACKET_BYTES = 256 * 1024;
const MAX_SUBSCRIPTION_LEVELS = 16;
const CONNECT_TIMEOUT_MS = 5_000;
/** A subscriber that does not read for this long is cut off; until then it holds back its own messages only. */
const DRAIN_TIMEOUT_MS = 10_000;
const CLOSE_DEADLINE_MS = 2_000;

export interface BrokerUser {
  readonly user: string;
  readonly password: string;
  /** May publish, outside the topics that are ours. */
  readonly write: boolean;
}

export interface EmbeddedBrokerOptions {
  /** 0: any free port. */
  readonly port: number;
  readonly listen: string;
  /** Empty: anyone on this machine may read, nobody may publish. */
  readonly users: readonly BrokerUser[];
  /** What is below it is published by us alone, but for `<root>/<kind>/<id>/set/…`. */
  readonly root: string;
  readonly log: Log;
}

/** An MQTT 3.1.1 broker inside this process. It keeps nothing on disk and no sessions for absent clients. */
export interface EmbeddedBroker {
  readonly port: number;
  /** Address and credential of our own sink; the credential is random and never leaves the process. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  close(): Promise<void>;
}

/**
 * Starts the broker.
 * @throws when the optional package aedes is not installed, or the port cannot be had
 */
export async function openEmbeddedBroker(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
  const { Aedes } = await importAedes();
  const own = { user: `holdover-${randomBytes(6).toString('hex')}`, password: randomBytes(24).toString('base64url') };
  const gate = new Gate(options, own);
  const broker = await Aedes.createBroker({
    connectTimeout: CONNECT_TIMEOUT_MS,
    drainTimeout: DRAIN_TIMEOUT_MS,
    maxTopicLevels: MAX_SUBSCRIPTION_LEVELS,
    maxInflightInbound: 32,
    ...gate.handlers(),
  });
  broker.on(
    'error' as 'closed',
    ((error: unknown) => {
      options.log.warn({ reason: String(error) }, 'embedded MQTT broker');
    }) as () => void,
  );

  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    accept(socket, broker);
  });
  server.maxConnections = MAX_CONNECTIONS;
  try {
    await listen(server, options);
  } catch (error) {
    await closed(broker);
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  if (options.users.length === 0 && !isLoopback(options.listen)) {
    options.log.warn(
      { listen: options.listen },
      'the embedded MQTT broker has no users: only this machine may read. Add mqtt.embedded.users to let others in',
    );
  }
  return {
    port,
    url: `mqtt://${reachableAt(options.listen)}:${port}`,
    ...own,
    close: () => close(server, broker, sockets),
  };
}

/** Which of the two may do what. */
class Gate {
  readonly #users: readonly BrokerUser[];
  readonly #own: { readonly user: string; readonly password: string };
  readonly #root: string;
  /** Clients by what they have proved to be. */
  readonly #ours = new WeakSet<object>();
  readonly #writers = new WeakSet<object>();

  constructor(options: EmbeddedBrokerOptions, own: { readonly user: string; readonly password: string }) {
    this.#users = options.users;
    this.#own = own;
    this.#root = options.root;
  }

  handlers(): Required<Pick<AedesOptions, 'preConnect' | 'authenticate' | 'authorizePublish' | 'authorizeSubscribe'>> {
    return {
      preConnect: (_client, packet, done) => {
        // A session that outlives its connection would queue messages for a client that may never return.
        packet.clean = true;
        done(null, true);
      },
      authenticate: (client, user, password, done) => {
        const allowed = this.#admit(client, user, password);
        if (allowed) done(null, true);
        else done(refusal('user name or password is wrong', user === undefined ? 5 : 4), false);
      },
      authorizePublish: (client, packet, done) => {
        if (client !== null && this.#mayPublish(client, packet.topic)) done(null);
        else done(new Error(`publishing to ${packet.topic} is not allowed`));
      },
      authorizeSubscribe: (_client, subscription, done) => {
        // The broker's own topics name its clients.
        done(null, subscription.topic.startsWith('$') ? null : subscription);
      },
    };
  }

  #admit(client: object, user: string | undefined, password: Buffer | undefined): boolean {
    const { remoteAddress } = (client as { readonly conn: Socket }).conn;
    const given = password ?? Buffer.alloc(0);
    if (user === this.#own.user) {
      if (!samePassword(given, this.#own.password)) return false;
      this.#ours.add(client);
      return true;
    }
    if (this.#users.length === 0) return user === undefined && isLoopback(remoteAddress ?? '');
    const known = this.#users.find((candidate) => candidate.user === user);
    // Compared even for an unknown user, so that the answer takes the same time.
    const right = samePassword(given, known?.password ?? randomBytes(16).toString('hex'));
    if (!known || !right) return false;
    if (known.write) this.#writers.add(client);
    return true;
  }

  #mayPublish(client: object, topic: string): boolean {
    if (topic.startsWith('$')) return false;
    if (this.#ours.has(client)) return true;
    if (!this.#writers.has(client)) return false;
    if (topic !== this.#root && !topic.startsWith(`${this.#root}/`)) return true;
    const [, , what] = topic.slice(this.#root.length + 1).split('/');
    return what === 'set';
  }
}

async function importAedes(): Promise<typeof import('aedes')> {
  try {
    return await import('aedes');
  } catch (error) {
    throw new Error(
      'mqtt.embedded needs the optional package aedes, which is not installed: npm install aedes, or use mqtt.url with a broker of your own',
      { cause: error },
    );
  }
}

/** Over digests, because timingSafeEqual wants equal lengths. */
function samePassword(given: Uint8Array, expected: string): boolean {
  const digest = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

const refusal = (message: string, returnCode: AuthErrorCode): AuthenticateError =>
  Object.assign(new Error(message), { returnCode });

function accept(socket: Socket, broker: Aedes): void {
  socket.setKeepAlive(true, 60_000);
  socket.setNoDelay(true);
  const withinLimit = packetLimit(MAX_PACKET_BYTES);
  // The broker reads in paused mode; each chunk passes here while it reads.
  socket.on('data', (chunk: Buffer) => {
    if (!withinLimit(chunk)) socket.destroy();
  });
  broker.handle(socket);
}

async function listen(server: Server, options: EmbeddedBrokerOptions): Promise<void> {
  server.listen({ port: options.port, host: options.listen });
  await once(server, 'listening');
  server.on('error', (error) => options.log.warn({ reason: error.message }, 'embedded MQTT broker'));
}

const closed = (broker: Aedes): Promise<void> => new Promise((resolve) => broker.close(() => resolve()));

async function close(server: Server, broker: Aedes, sockets: ReadonlySet<Socket>): Promise<void> {
  const gone = new Promise<void>((resolve) => server.close(() => resolve()));
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSE_DEADLINE_MS);
  });
  await Promise.race([closed(broker), deadline]);
  for (const socket of sockets) socket.destroy();
  await Promise.race([gone, deadline]);
  clearTimeout(timer);
}

function isLoopback(address: string): boolean {
  return address === '::1' || address === 'localhost' || /^(::ffff:)?127\./.test(address);
}

/** Where our own client finds the broker that listens on `address`. */
function reachableAt(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  if (address === '::') return '[::1]';
  return address.includes(':') ? `[${address}]` : address;
}
