import { connect } from 'node:net';

/**
 * Does a program on the machine accept a connection? A refused one counts as no: a machine that is going down closes
 * its ports before its kernel falls silent, and a port nobody listens on says nothing about the machine behind it.
 */
export function acceptsConnections(
  host: string,
  port: number,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
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
    socket.once('error', () => settle(false));
  });
}
