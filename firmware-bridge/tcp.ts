import { connect, type Socket } from 'node:net';
import { BridgeError } from './errors.ts';
import { Listeners } from './listeners.ts';
import type { ByteTransport, Unsubscribe } from './transport.ts';

export interface TcpTransportOptions {
  /** Name or address; an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
  /** Default 5000. */
  readonly connectTimeoutMs?: number;
  /**
   * A connection that has taken our bytes for this long without sending one is given up as dead. TCP itself would go on
   * resending for a quarter of an hour when the bridge lost its power, and keep-alive does not run meanwhile. Default 20000.
   */
  readonly silentMs?: number;
}

/** A raw TCP stream to a serial server (ser2net, an RS-485 gateway in transparent mode) or to a Modbus TCP device. */
export function tcpTransport(options: TcpTransportOptions): ByteTransport {
  return new TcpTransport(options);
}

class TcpTransport implements ByteTransport {
  readonly name: string;
  readonly #options: TcpTransportOptions;
  readonly #data = new Listeners<Uint8Array>();
  readonly #closed = new Listeners<BridgeError | undefined>();
  #socket: Socket | undefined;
  #opening = false;
  /** Monotonic time of the first write that nothing has come back for. */
  #unansweredSinceMs: number | undefined;

  constructor(options: TcpTransportOptions) {
    const { host, port } = options;
    this.name = `tcp:${host.includes(':') ? `[${host}]` : host}:${port}`;
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#socket !== undefined;
  }

  async open(signal?: AbortSignal): Promise<void> {
    if (this.#socket || this.#opening) throw new BridgeError('open', this.name, 'is open already');
    this.#opening = true;
    try {
      this.#adopt(await this.#connect(signal));
    } finally {
      this.#opening = false;
    }
  }

  #connect(signal: AbortSignal | undefined): Promise<Socket> {
    const { host, port, connectTimeoutMs = 5000 } = this.#options;
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 });
      const late = AbortSignal.any([AbortSignal.timeout(connectTimeoutMs), ...(signal ? [signal] : [])]);
      const onLate = () => fail(new BridgeError('open', this.name, `no connection in time; ${unreachable}`, canRetry));
      const fail = (error: BridgeError) => {
        late.removeEventListener('abort', onLate);
        socket.destroy();
        reject(error);
      };
      // Stays for the life of the socket: errors after the connection end in 'close', which is where we look.
      socket.on('error', (cause) => fail(connectError(this.name, cause)));
      socket.once('connect', () => {
        late.removeEventListener('abort', onLate);
        resolve(socket);
      });
      if (late.aborted) onLate();
      else late.addEventListener('abort', onLate, { once: true });
    });
  }

  #adopt(socket: Socket): void {
    this.#socket = socket;
    this.#unansweredSinceMs = undefined;
    let cause: Error | undefined;
    socket.on('error', (error) => {
      cause = error;
    });
    socket.on('data', (chunk) => {
      this.#unansweredSinceMs = undefined;
      this.#data.emit(chunk);
    });
    socket.on('close', () => {
      if (this.#socket !== socket) return;
      this.#lose(
        new BridgeError(
          'closed',
          this.name,
          cause ? `connection lost (${cause.message})` : 'the other side closed it',
          {
            cause,
          },
        ),
      );
    });
    // It may have died between 'connect' and now, in which case 'close' is already behind us.
    if (socket.destroyed) this.#lose(new BridgeError('closed', this.name, 'the other side closed it'));
  }

  #lose(reason: BridgeError | undefined): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
    if (socket) this.#closed.emit(reason);
  }

  close(): Promise<void> {
    const socket = this.#socket;
    if (!socket) return Promise.resolve();
    return new Promise((resolve) => {
      socket.once('close', () => resolve());
      this.#lose(undefined);
    });
  }

  write(bytes: Uint8Array): Promise<void> {
    const socket = this.#socket;
    if (!socket) return Promise.reject(new BridgeError('closed', this.name, 'not connected'));
    const { silentMs = 20_000 } = this.#options;
    const nowMs = performance.now();
    this.#unansweredSinceMs ??= nowMs;
    if (nowMs - this.#unansweredSinceMs > silentMs) {
      const lost = new BridgeError('closed', this.name, `nothing came back for ${silentMs / 1000} s, connecting anew`);
      this.#lose(lost);
      return Promise.reject(lost);
    }
    return new Promise((resolve, reject) => {
      socket.write(bytes, (cause) => {
        if (cause)
          reject(new BridgeError('write', this.name, `could not send (${cause.message})`, { ...canRetry, cause }));
        else resolve();
      });
    });
  }

  /** What the kernel already holds comes as 'data' within a turn of the event loop, to whoever throws it away. */
  flush(): Promise<void> {
    return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  }

  onData(listener: (chunk: Uint8Array) => void): Unsubscribe {
    return this.#data.add(listener);
  }

  onClosed(listener: (reason: BridgeError | undefined) => void): Unsubscribe {
    return this.#closed.add(listener);
  }
}

const canRetry = { retryable: true } as const;
const unreachable = 'is the device on, and are address and route right?';

const hints: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused: nothing listens on that port, or the bridge serves another client already',
  ENOTFOUND: 'the host name is not known; check the spelling or use the address',
  EAI_AGAIN: 'the name server does not answer; use the address instead of the name',
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  ETIMEDOUT: unreachable,
};

function connectError(name: string, cause: NodeJS.ErrnoException): BridgeError {
  const hint = hints[cause.code ?? ''];
  const text = cause.message || cause.code || 'unknown error';
  return new BridgeError('open', name, hint ? `cannot connect: ${hint} (${text})` : `cannot connect (${text})`, {
    cause,
    ...canRetry,
  });
}
