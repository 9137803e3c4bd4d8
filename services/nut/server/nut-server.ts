import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { NutConfig } from '../../config/nut.ts';
import { type Clock, systemClock } from '../../runtime/clock.ts';
import { messageOf } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { Desk, Sink, SinkHealth, Snapshot, SnapshotFeed } from '../../shutdown/view.ts';
import { BankUps } from './bank-ups.ts';
import type { BankFacts } from './bank-variables.ts';
import { Connection } from './connection.ts';
import { Session } from './session.ts';
import { Users } from './users.ts';

const PATIENCE_MS = 10_000;
/** A port that is taken is tried again so often, ms. */
const LISTEN_AGAIN_MS = 10_000;

/** Secrets of the configuration, resolved. */
export interface NutSecrets {
  /** Passwords by user name. */
  readonly passwords: Readonly<Record<string, string>>;
  /** PEM. */
  readonly cert?: string;
  readonly key?: string;
}

export interface NutServerOptions {
  readonly desk: Pick<Desk, 'command'>;
  readonly facts: BankFacts;
  readonly site: string;
  readonly version: string;
  /** Charge at which LB is shown at first, percent. */
  readonly chargeLow: number;
  /** What the metric catalogue has for NUT variables, in NUT's units. */
  readonly measured: (snapshot: Snapshot) => Readonly<Record<string, string>>;
  readonly log: Log;
  /** A client that does not read what it asked for is dropped after this, ms; 10 s when absent. */
  readonly patienceMs?: number;
  /** Ages are taken by this clock: the machine's own, also when the rack runs in fast motion. */
  readonly clock?: Clock;
}

export interface NutServer extends Sink {
  /** Where it listens, while it does. */
  port(): number | undefined;
}

/** The bank as a UPS for every NUT client. A port that cannot be had is logged and tried again; the rest goes on. */
export function nutServer(config: NutConfig, secrets: NutSecrets, options: NutServerOptions): NutServer {
  return new ListeningServer(config, secrets, options);
}

class ListeningServer implements NutServer {
  readonly name = 'nut';
  readonly #config: NutConfig;
  readonly #secrets: NutSecrets;
  readonly #options: NutServerOptions;
  readonly #clock: Clock;
  readonly #users: Users;
  readonly #ups: BankUps;
  readonly #connections = new Set<Connection>();
  readonly #stopped = new AbortController();
  #secure: SecureContext | undefined;
  #server: Server | undefined;
  #unsubscribe: (() => void) | undefined;
  #answers = 0;
  #dropped = 0;

  constructor(config: NutConfig, secrets: NutSecrets, options: NutServerOptions) {
    this.#config = config;
    this.#secrets = secrets;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#users = new Users(
      config.users.map(({ needs, ...user }) => ({ ...user, needsS: needs })),
      secrets.passwords,
    );
    const { desk, facts, site, chargeLow, measured, log } = options;
    this.#ups = new BankUps({
      names: config.ups,
      description: config.description,
      users: this.#users,
      facts,
      chargeLow,
      siteName: site,
      measured,
      desk,
      log,
      clock: this.#clock,
    });
  }

  /** @throws when certificate and key do not fit: no later attempt could mend that */
  async start(feed: SnapshotFeed): Promise<void> {
    const { cert, key } = this.#secrets;
    if (this.#config.tls !== undefined) this.#secure = createSecureContext({ cert, key, minVersion: 'TLSv1.2' });
    this.#unsubscribe = feed.subscribe((snapshot) => this.#ups.take(snapshot));
    const latest = feed.latest();
    if (latest !== undefined) this.#ups.take(latest);
    try {
      await this.#listen();
    } catch (error) {
      this.#options.log.error({ listen: this.#config.listen, error: messageOf(error) }, 'NUT server cannot listen yet');
      void this.#listenLater();
    }
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#unsubscribe?.();
    const server = this.#server;
    this.#server = undefined;
    for (const connection of this.#connections) connection.close('stop');
    if (server?.listening) {
      server.close();
      await once(server, 'close');
    }
  }

  port(): number | undefined {
    const address = this.#server?.address() as AddressInfo | null | undefined;
    return address?.port;
  }

  health(): SinkHealth {
    return { sink: this.name, up: this.#server?.listening === true, sent: this.#answers, dropped: this.#dropped };
  }

  async #listen(): Promise<void> {
    const { listen, maxClients } = this.#config;
    const at = listen.lastIndexOf(':');
    const server = createServer((socket) => this.#accept(socket));
    server.maxConnections = maxClients;
    server.on('drop', () => {
      this.#dropped += 1;
    });
    server.listen({ host: listen.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(listen.slice(at + 1)) });
    await once(server, 'listening');
    server.on('error', (error) => this.#options.log.warn({ error: messageOf(error) }, 'NUT server'));
    this.#server = server;
    this.#options.log.info({ listen, port: this.port(), ups: this.#config.ups }, 'NUT server listens');
  }

  async #listenLater(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted && this.#server === undefined) {
      await this.#clock.sleep(LISTEN_AGAIN_MS, signal).catch(() => {});
      if (!signal.aborted) await this.#listen().catch(() => {});
    }
    if (signal.aborted) this.#server?.close();
  }

  #accept(socket: Socket): void {
    const { tls, allowRead, idleTimeout } = this.#config;
    const session = new Session({
      ups: this.#ups,
      users: this.#users,
      address: (socket.remoteAddress ?? 'unknown').replace(/^::ffff:/, ''),
      version: this.#options.version,
      tls: { configured: this.#secure !== undefined, required: tls?.required ?? false },
      readers: allowRead,
      monoMs: () => this.#clock.monoMs(),
    });
    const connection: Connection = new Connection(socket, {
      session,
      idleMs: idleTimeout * 1000,
      patienceMs: this.#options.patienceMs ?? PATIENCE_MS,
      secure: this.#secure,
      onAnswer: () => {
        this.#answers += 1;
      },
      onEnd: (why) => {
        this.#connections.delete(connection);
        if (why === 'slow') this.#dropped += 1;
      },
    });
    this.#connections.add(connection);
  }
}
