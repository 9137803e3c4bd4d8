import { connect, type Socket } from 'node:net';

export interface TcpTarget {
  readonly host: string;
  readonly port: number;
}

export interface ConnectOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const TIMEOUT_MS = 2000;

/** An open connection; rejects with what kept it from opening: a system error, or `ETIMEDOUT` at the deadline. */
export function connected(
  { host, port }: TcpTarget,
  { timeoutMs = TIMEOUT_MS, signal }: ConnectOptions = {},
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(systemError('ECANCELED'));
      return;
    }
    const socket = connect({ host, port, noDelay: true });
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      socket.off('error', fail);
      // an error that comes late must find somebody
      socket.on('error', () => undefined);
    };
    const fail = (error: Error) => {
      settle();
      socket.destroy();
      reject(error);
    };
    const abort = () => fail(systemError('ECANCELED'));
    const timer = setTimeout(() => fail(systemError('ETIMEDOUT')), timeoutMs);
    signal?.addEventListener('abort', abort, { once: true });
    socket.once('error', fail);
    socket.once('connect', () => {
      settle();
      resolve(socket);
    });
  });
}

const systemError = (code: string): Error => Object.assign(new Error(code), { code });
