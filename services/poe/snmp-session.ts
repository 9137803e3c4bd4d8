import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Session, User } from 'net-snmp';
import type { SnmpSwitchConfig } from '../config/schema.ts';
import { SnmpError, type SnmpReason, snmpError } from './snmp-error.ts';
import type { SnmpLink } from './snmp-link.ts';
import type { Varbind } from './varbind.ts';

/** What a switch is spoken to with; read from where the configuration says by the caller. */
export interface SnmpSecrets {
  readonly community?: string;
  readonly v3?: { readonly authKey: string; readonly privKey: string };
}

export interface SnmpTiming {
  /** Wait for one answer, ms. */
  readonly timeoutMs: number;
  /** Further tries. SET is repeated too: writing the same state twice is writing it once. */
  readonly retries: number;
}

/** A dead switch is known within three seconds; the library's own defaults take ten. */
const TIMING: SnmpTiming = { timeoutMs: 1500, retries: 1 };
/** The library's own time-out must come first; this one is for answers that throw inside it. */
const GRACE_MS = 500;

/** After a restart of the switch a v3 session must learn its engine anew, and a socket can go bad: start afresh. */
const SPOILS_SESSION: ReadonlySet<SnmpReason> = new Set(['credentials', 'bad_answer', 'no_answer', 'unreachable']);

type SnmpModule = typeof import('net-snmp');

/** An agent over UDP by `net-snmp`, v2c or v3 (authPriv). Opens its socket at the first request. */
export function snmpSession(config: SnmpSwitchConfig, secrets: SnmpSecrets, timing: SnmpTiming = TIMING): SnmpLink {
  return new NetSnmpLink(config, secrets, timing);
}

class NetSnmpLink implements SnmpLink {
  readonly name: string;
  readonly #config: SnmpSwitchConfig;
  readonly #secrets: SnmpSecrets;
  readonly #timing: SnmpTiming;
  #session: Promise<Session> | undefined;
  #closed = false;

  constructor(config: SnmpSwitchConfig, secrets: SnmpSecrets, timing: SnmpTiming) {
    this.name = `switch ${config.id} (snmp:${config.host}${config.port === 161 ? '' : `:${config.port}`})`;
    this.#config = config;
    this.#secrets = secrets;
    this.#timing = timing;
  }

  get(oids: readonly string[], signal?: AbortSignal): Promise<readonly Varbind[]> {
    return this.#exchange('GET', signal, (session, done) => session.get([...oids], done));
  }

  getBulk(oid: string, repetitions: number, signal?: AbortSignal): Promise<readonly Varbind[]> {
    return this.#exchange('GETBULK', signal, (session, done) =>
      session.getBulk([oid], 0, repetitions, (error, varbinds) => done(error, varbinds?.flat())),
    );
  }

  async set(varbinds: readonly Varbind[], signal?: AbortSignal): Promise<void> {
    const values = varbinds.map(({ oid, type, value }) => ({ oid, type, value: Number(value) }));
    await this.#exchange('SET', signal, (session, done) => session.set(values, done));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#forget();
  }

  async #exchange(
    what: string,
    signal: AbortSignal | undefined,
    start: (session: Session, done: (error: unknown, varbinds?: readonly unknown[]) => void) => void,
  ): Promise<readonly Varbind[]> {
    if (this.#closed) throw new SnmpError('closed', this.name, 'the driver was closed');
    if (signal?.aborted) throw new SnmpError('aborted', this.name, `${what} was given up`);
    this.#session ??= this.#start();
    const used = this.#session;
    try {
      const session = await used;
      return await this.#settled(what, signal, (done) => start(session, done));
    } catch (error) {
      const failure = snmpError(error, this.name, what);
      if (SPOILS_SESSION.has(failure.reason)) this.#replace(used);
      throw failure;
    }
  }

  #settled(
    what: string,
    signal: AbortSignal | undefined,
    start: (done: (error: unknown, varbinds?: readonly unknown[]) => void) => void,
  ): Promise<readonly Varbind[]> {
    const { timeoutMs, retries } = this.#timing;
    // v3 asks for the engine first: one more exchange.
    const deadlineMs = timeoutMs * (retries + 1) * (this.#config.v3 === undefined ? 1 : 2) + GRACE_MS;
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
      };
      const fail = (error: unknown) => {
        settle();
        reject(error);
      };
      const abort = () => fail(new SnmpError('aborted', this.name, `${what} was given up`));
      const timer = setTimeout(() => fail(new SnmpError('no_answer', this.name, `no answer to ${what}`)), deadlineMs);
      signal?.addEventListener('abort', abort, { once: true });
      start((error, varbinds) => {
        if (error) return fail(error);
        settle();
        resolve((varbinds ?? []).map(known));
      });
    });
  }

  async #start(): Promise<Session> {
    const { default: snmp } = await import('net-snmp');
    const { host, port, v3 } = this.#config;
    const { timeoutMs, retries } = this.#timing;
    const options = {
      port,
      timeout: timeoutMs,
      retries,
      transport: isIPv6(host) ? ('udp6' as const) : ('udp4' as const),
      dgramModule: { createSocket: guardedSocket },
    };
    const session =
      v3 === undefined
        ? snmp.createSession(host, this.#secrets.community ?? '', { ...options, version: snmp.Version2c })
        : snmp.createV3Session(host, this.#user(snmp), options);
    // Garbage that cannot be an answer to anything: the request it may have been meant for runs into its time-out.
    session.on('error', () => undefined);
    return session;
  }

  #user(snmp: SnmpModule): User {
    const { v3 } = this.#config;
    if (v3 === undefined || this.#secrets.v3 === undefined)
      throw new SnmpError('credentials', this.name, 'the v3 keys were not given');
    return {
      name: v3.user,
      level: snmp.SecurityLevel.authPriv,
      authProtocol: snmp.AuthProtocols[v3.auth],
      authKey: this.#secrets.v3.authKey,
      privProtocol: snmp.PrivProtocols[v3.priv],
      privKey: this.#secrets.v3.privKey,
    };
  }

  /** The next request gets a new session; this one ends when what is under way on it is over. */
  #replace(old: Promise<Session>): void {
    if (this.#session !== old) return;
    this.#session = undefined;
    const { timeoutMs, retries } = this.#timing;
    const timer = setTimeout(() => void end(old), timeoutMs * (retries + 1) * 2 + GRACE_MS);
    timer.unref();
  }

  async #forget(): Promise<void> {
    const old = this.#session;
    this.#session = undefined;
    await end(old);
  }
}

async function end(session: Promise<Session> | undefined): Promise<void> {
  try {
    (await session)?.close();
  } catch {
    // it never opened, or is closed
  }
}

function known(varbind: unknown): Varbind {
  const { oid, type, value } = (varbind ?? {}) as { oid?: unknown; type?: unknown; value?: unknown };
  return { oid: String(oid ?? ''), type: typeof type === 'number' ? type : 0, value };
}

/**
 * A socket whose listeners cannot throw. The library decodes what arrives inside the event handler, and a datagram it
 * did not expect (another version, another kind of PDU) would otherwise end the process.
 */
function guardedSocket(type: 'udp4' | 'udp6'): Socket {
  const socket = createSocket(type);
  const on = socket.on.bind(socket) as (event: string, listener: (...args: unknown[]) => void) => Socket;
  const guardedOn = (event: string, listener: (...args: unknown[]) => void) =>
    on(event, (...args) => {
      try {
        listener(...args);
      } catch {
        // the request runs into its deadline
      }
    });
  return Object.assign(socket, { on: guardedOn as Socket['on'] });
}
