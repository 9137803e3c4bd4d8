import { connect } from 'node:net';

/** Failures that are ours: no name service, no network here. They say nothing about the machine. */
const OURS = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL', 'EMFILE', 'ENOBUFS']);

/**
 * Does a program on the machine accept a connection? A refused one counts as no: a machine that is going down closes
 * its ports before its kernel falls silent, and a port nobody listens on says nothing about the machine behind it.
 * Rejects when it could not be asked at all, because our own network or name service is away.
 */
export function acceptsConnections(
  host: string,
  port: number,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      resolve(false);
      return;
    }
    const socket = connect({ host, port });
    const settle = (answer: boolean): void => {
      clearTimeout(deadline);
      signal?.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve(answer);
    };
    const onAbort = (): void => settle(false);
    const deadline = setTimeout(() => settle(false), timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('connect', () => settle(true));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (OURS.has(error.code ?? '')) reject(new Error(`${host} could not be asked: ${error.code}`));
      settle(false);
    });
  });
}
