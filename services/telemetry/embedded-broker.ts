import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Aedes, AedesOptions, AuthErrorCode, AuthenticateError } from 'aedes';
import type { Log } from '../runtime/log.ts';
import type { Ordered } from './mqtt-orders.ts';
import { covers, orderTopic } from './mqtt-topics.ts';
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
  /** May publish: outside the topics that are ours, and orders. */
  readonly write: boolean;
  /** Filters below the root of the order topics this user may publish to; all when absent. */
  readonly orders?: readonly string[];
  /** Filters of the topics this user may read; all when absent. */
  readonly read?: readonly string[];
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
  /** Certificate and key, PEM. With them nobody but ourselves is spoken to in the clear. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Who takes orders, with the user who proved to be it; absent: publishing to order topics is refused. */
  readonly onOrder?: (ordered: Ordered) => void;
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

  broker.on('publish', (packet, client) => {
    if (client !== null) gate.onPublished(client, packet);
  });

  const sockets = new Set<Socket>();
  const onSocket = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    accept(socket, broker);
  };
  const { tls } = options;
  const server =
    tls === undefined
      ? createServer(onSocket)
      : createTlsServer({ ...tls, minVersion: 'TLSv1.2', handshakeTimeout: CONNECT_TIMEOUT_MS }, onSocket);
  // Our own client need not go through TLS to reach the process it is in.
  const servers = tls === undefined ? [server] : [server, createServer(onSocket)];
  try {
    await listen(server, options.port, options);
    if (tls !== undefined) await listen(servers[1] ?? server, 0, { ...options, listen: '127.0.0.1' });
  } catch (error) {
    for (const each of servers) each.close();
    await closed(broker);
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  const inside = (servers.at(-1) ?? server).address() as AddressInfo;
  if (options.users.length === 0 && !isLoopback(options.listen)) {
    options.log.warn(
      { listen: options.listen },
      'the embedded MQTT broker has no users: only this machine may read. Add mqtt.embedded.users to let others in',
    );
  }
  return {
    port,
    url: `mqtt://${tls === undefined ? reachableAt(options.listen) : '127.0.0.1'}:${inside.port}`,
    ...own,
    close: () => close(servers, broker, sockets),
  };
}

/** Who may do what. */
class Gate {
  readonly #users: readonly BrokerUser[];
  readonly #own: { readonly user: string; readonly password: string };
  readonly #root: string;
  readonly #onOrder: ((ordered: Ordered) => void) | undefined;
  readonly #log: Log;
  /** Clients by what they have proved to be. */
  readonly #ours = new WeakSet<object>();
  readonly #known = new WeakMap<object, BrokerUser>();
  readonly #told = new WeakSet<object>();

  constructor(options: EmbeddedBrokerOptions, own: { readonly user: string; readonly password: string }) {
    this.#users = options.users;
    this.#own = own;
    this.#root = options.root;
    this.#onOrder = options.onOrder;
    this.#log = options.log;
  }

  handlers(): Required<
    Pick<AedesOptions, 'preConnect' | 'authenticate' | 'authorizePublish' | 'authorizeSubscribe' | 'authorizeForward'>
  > {
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
        if (client !== null && this.#mayPublish(client, packet.topic)) {
          this.#neverRetained(client, packet);
          done(null);
          return;
        }
        if (client !== null) this.#tell(client, packet.topic);
        done(new Error(`publishing to ${packet.topic} is not allowed`));
      },
      authorizeSubscribe: (_client, subscription, done) => {
        // The broker's own topics name its clients.
        done(null, subscription.topic.startsWith('$') ? null : subscription);
      },
      authorizeForward: (client, packet) => {
        const filters = this.#known.get(client)?.read;
        if (filters === undefined || filters.some((filter) => covers(filter, packet.topic))) return packet;
        return null;
      },
    };
  }

  /** A message that everybody will get now. */
  onPublished(client: object, packet: { readonly topic: string; readonly payload: string | Buffer }): void {
    if (this.#onOrder === undefined || this.#ours.has(client)) return;
    if (orderTopic(this.#root, packet.topic) === undefined) return;
    const user = this.#known.get(client)?.user;
    const payload = Buffer.from(packet.payload);
    if (payload.length === 0) return;
    this.#onOrder({ topic: packet.topic, payload, retain: false, ...(user === undefined ? {} : { user }) });
  }

  /** An order that is kept would come again; it is passed on as one that orders nothing, and told to be one. */
  #neverRetained(client: object, packet: { topic: string; payload: string | Buffer; retain: boolean }): void {
    if (!packet.retain || this.#ours.has(client) || orderTopic(this.#root, packet.topic) === undefined) return;
    const user = this.#known.get(client)?.user;
    const payload = Buffer.from(packet.payload);
    this.#onOrder?.({ topic: packet.topic, payload, retain: true, ...(user === undefined ? {} : { user }) });
    packet.retain = false;
    packet.payload = Buffer.alloc(0);
  }

  #tell(client: object, topic: string): void {
    if (this.#told.has(client)) return;
    this.#told.add(client);
    const user = this.#known.get(client)?.user;
    this.#log.warn(
      { sink: 'mqtt', user, topic },
      'the embedded broker refuses a publish that this user has no right to',
    );
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
    this.#known.set(client, known);
    return true;
  }

  #mayPublish(client: object, topic: string): boolean {
    if (topic.startsWith('$')) return false;
    if (this.#ours.has(client)) return true;
    const user = this.#known.get(client);
    if (user?.write !== true) return false;
    if (topic !== this.#root && !topic.startsWith(`${this.#root}/`)) return true;
    if (this.#onOrder === undefined || orderTopic(this.#root, topic) === undefined) return false;
    const below = topic.slice(this.#root.length + 1);
    return user.orders === undefined || user.orders.some((filter) => covers(filter, below));
  }
}

async function importAedes(): Promise<typeof import('aedes')> {
  try {
    const aedes = await import('aedes');
    const { default: packets } = await import('mqtt-packet');
    // Else the first packet makes a buffer for every number up to 65535, 8 MiB of them, and keeps them.
    packets.writeToStream.cacheNumbers = false;
    return aedes;
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

async function listen(server: Server, port: number, options: EmbeddedBrokerOptions): Promise<void> {
  server.maxConnections = MAX_CONNECTIONS;
  server.listen({ port, host: options.listen });
  await once(server, 'listening');
  server.on('error', (error) => options.log.warn({ reason: error.message }, 'embedded MQTT broker'));
}

const closed = (broker: Aedes): Promise<void> => new Promise((resolve) => broker.close(() => resolve()));

async function close(servers: readonly Server[], broker: Aedes, sockets: ReadonlySet<Socket>): Promise<void> {
  const gone = Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
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
